"""Nets that end in a softmax, a sigmoid or a logarithm of one: a class is explained at the scores below.

A logarithm of a probability is negative, and relevance that starts from it lies on what raises the score with the wrong
sign. The score below has the right one, and it is a number that the net computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.engine.capture import Call, Recording
from heapwidget.engine.ops.movement import CHOOSING, MOVES, RESHAPES

SOFTMAX, LOG_SOFTMAX, SIGMOID, LOG_SIGMOID = "softmax", "log_softmax", "sigmoid", "logsigmoid"
ENDS = {
    "_softmax": SOFTMAX,
    "_safe_softmax": SOFTMAX,
    "_log_softmax": LOG_SOFTMAX,
    "sigmoid": SIGMOID,
    "log_sigmoid_forward": LOG_SIGMOID,
}
LOSSES = {
    "nll_loss_forward",
    "nll_loss2d_forward",
    "nll_loss_nd",
    "cross_entropy_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "soft_margin_loss",
    "multi_margin_loss",
    "multilabel_margin_loss_forward",
    "_ctc_loss",
}
LOGARITHMS = {"log", "log2", "log10"}
# The scores below these stand each for itself, yes or no.
EACH_ALONE = (SIGMOID, LOG_SIGMOID)
# Functions that rise wherever a probability does.
RISING = {*LOGARITHMS, "clamp", "clamp_min", "clamp_max", "nan_to_num", "exp", "sqrt", "square"}
# They read memory as it lies, and that of other tensors lies otherwise.
BY_MEMORY = {"as_strided", "as_strided_copy", "as_strided_scatter"}


def scores_below(recording: Recording) -> tuple[Recording, str | None]:
    """A recording whose output are the scores that its own is made of, class by class, and what of.

    What only moves or flips the output is done to the scores as well: the calls are added to those recorded. Where the
    output ends in nothing of the kind, the recording itself, and `None`.
    """
    made_by = {id(out): call for call in recording.calls for out in tree_leaves(call.out) if isinstance(out, Tensor)}
    active = {id(x) for x in recording.inputs} | set(made_by)
    way: list[tuple[Call, Tensor, Tensor]] = []
    passed, t = set[str](), recording.output
    while (call := made_by.get(id(t))) is not None:
        if (found := _end(call, t, made_by)) is not None:
            end, below = found
            logarithm = bool(passed & LOGARITHMS)
            if end == SIGMOID and passed & {"mul", "div"} and not logarithm:
                # No probability, but a number between two others.
                break
            calls, output = _redone(reversed(way), below)
            name = {SOFTMAX: LOG_SOFTMAX, SIGMOID: LOG_SIGMOID}.get(end, end) if logarithm else end
            return replace(recording, calls=[*recording.calls, *calls], output=output), name
        source = _source(call, t, active)
        if source is None:
            break
        passed.add(call.name)
        if call.name not in RISING and call.name not in ("mul", "div", "add", "sub"):
            way.append((call, source, t))
        t = source
    return recording, None


def is_loss(recording: Recording) -> bool:
    """Whether the output is a loss: one of torch's own, averaged, scaled, or with something added."""
    made_by = {id(out): call for call in recording.calls for out in tree_leaves(call.out) if isinstance(out, Tensor)}
    waiting = [recording.output]
    while waiting:
        call = made_by.get(id(waiting.pop()))
        if call is None:
            continue
        if call.name in LOSSES:
            return True
        if call.name in RESHAPES or call.name in ("mean", "sum", "add") or _scales_up(call):
            waiting += [a for a in tree_leaves((call.args, call.kwargs)) if isinstance(a, Tensor)]
    return False


def _scales_up(call: Call) -> bool:
    """Whether a call multiplies with, or divides by, a number above 0."""
    number = next((a for a in call.args[1:2] if isinstance(a, int | float)), None)
    if number is None and call.name in ("mul", "div"):
        number = next((float(a) for a in call.args[1:2] if isinstance(a, Tensor) and not a.ndim), None)
    return call.name in ("mul", "div") and number is not None and number > 0


def _source(call: Call, t: Tensor, active: set[int]) -> Tensor | None:
    """The tensor that a call moves, flips, or makes rise with; `None` for any other call."""
    read = [a for name, a in call.bound.items() if name not in CHOOSING]
    given = [a for a in tree_leaves(read) if isinstance(a, Tensor) and id(a) in active]
    if len(given) != 1:
        return None
    (source,) = given
    name = call.name
    if name in RESHAPES:
        return source if source.numel() == t.numel() else None
    if name in MOVES and name not in BY_MEMORY:
        others = [a for a in tree_leaves(read) if isinstance(a, Tensor) and a is not source and a.is_floating_point()]
        return None if others else source
    if source.shape != t.shape:
        return None
    leads = any(a is source for a in call.args[:1])
    if name in RISING or name in ("neg", "rsub", "add") or (name == "sub" and leads):
        return source
    other = next((a for a in call.args[:2] if a is not source), None)
    scales = name == "mul" or (name == "div" and leads)
    positive = bool((other > 0).all()) if isinstance(other, Tensor) else isinstance(other, int | float) and other > 0
    return source if scales and positive else None


def _end(call: Call, t: Tensor, made_by: Mapping[int, Call]) -> tuple[str, Tensor] | None:
    """Which end a call is, and the scores below it; `None` for any other call."""
    name = ENDS.get(call.name)
    if name is not None:
        below: Tensor = call.args[0]
        among = below.shape[call.args[1]] if name in (SOFTMAX, LOG_SOFTMAX) and below.ndim else 2
        return (name, below) if among > 1 else None
    if not _takes_common(call, t):
        return None
    top, common = call.args[:2]
    if call.name == "sub":
        return (LOG_SOFTMAX, _unshifted(top, made_by)) if _is_log_of_sum(common, made_by) else None
    powers = made_by.get(id(top))
    return None if powers is None or powers.name != "exp" else (SOFTMAX, _unshifted(powers.args[0], made_by))


def _takes_common(call: Call, t: Tensor) -> bool:
    """Whether a call takes from all scores a number common to them, or divides them by it."""
    if call.name not in ("sub", "div") or not all(isinstance(a, Tensor) for a in call.args[:2]):
        return False
    top, common = call.args[:2]
    return bool(top.shape == t.shape and common.numel() < top.numel())


def _unshifted(t: Tensor, made_by: Mapping[int, Call]) -> Tensor:
    """What a number common to all scores, their largest, was taken from."""
    call = made_by.get(id(t))
    return t if call is None or call.name != "sub" or not _takes_common(call, t) else call.args[0]


def _is_log_of_sum(t: Tensor, made_by: Mapping[int, Call]) -> bool:
    call = made_by.get(id(t))
    if call is None:
        return False
    if call.name in ("logsumexp", "log"):
        return True
    passing = call.name in RESHAPES or call.name == "add"
    return passing and any(_is_log_of_sum(a, made_by) for a in tree_leaves(call.args) if isinstance(a, Tensor))


def _redone(way: Iterator[tuple[Call, Tensor, Tensor]], scores: Tensor) -> tuple[list[Call], Tensor]:
    """The calls of the way from the end to the output, on the scores."""
    calls, now = [], scores
    for call, source, t in way:
        op, args, kwargs = call.op, call.args, call.kwargs
        if call.name in RESHAPES:
            # Some of them would change the very tensor.
            op, args, kwargs = torch.ops.aten.reshape.default, (now, list(t.shape)), {}
        elif call.name in ("neg", "rsub"):
            op, args, kwargs = torch.ops.aten.neg.default, (now,), {}
        else:
            args, kwargs = tree_map(lambda a, was=source, is_now=now: is_now if a is was else a, (args, kwargs))
        out: Any = op(*args, **kwargs)
        calls.append(Call(op, args, kwargs, out, call.module, call.run))
        place = next(i for i, a in enumerate(tree_leaves(call.out)) if a is t)
        now = tree_leaves(out)[place]
    return calls, now
