"""Numbers that are none: where NaN and infinity first appear in a run, and whether what was found is free of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from heapwidget.engine.capture import Call, Recording
from heapwidget.engine.capture.isolation import tensors_of
from heapwidget.engine.flow import Array
from heapwidget.engine.ops.movement import MOVES, RESHAPES


def check_finite(net: nn.Module, recording: Recording) -> str | None:
    """Find NaN and infinity where they first appear: one pass over each activation, by its sum.

    Infinities that the net itself puts in, such as the minus infinity of an attention mask, are meant, as long as they
    do not reach the output. Gives where the first of these begins, if there is any.

    Raises
    ------
    ValueError
        If there is one that is not meant, or in the output; the message names the module.
    """
    meant, blank, begins = set[int](), set(recording.blank), None
    for call in recording.calls:
        if _is_blank(call, blank):
            blank.update(id(out) for out in tree_leaves(call.out))
            continue
        for out in _not_finite(call):
            _check_weights(net, call)
            if bool(out.isnan().any()) or not _puts_infinity(call, meant):
                raise ValueError(
                    f"the activations of {_where(call)} ({call.name}) hold NaN or infinite values; they begin there"
                )
            meant.add(id(out))
            begins = begins or f"{_where(call)} ({call.name}){_buffers(net, call)}"
    output = recording.output
    if begins and isinstance(output, Tensor) and not bool(output.isfinite().all()):
        raise ValueError(
            f"the output holds infinite values, which begin in {begins}; put finite numbers there in their place, such "
            "as 1e4 or -1e4"
        )
    return begins


def check_found(found: Sequence[Array], begins: str | None, instead: str) -> None:
    """What was found is numbers that a trace can hold; `instead` says what finds smaller ones.

    Raises
    ------
    ValueError
        If it holds NaN or infinity: from the infinity that begins where `begins` says, or as they are too large.
    """
    with np.errstate(over="ignore"):
        if all(bool(np.isfinite(a.astype(np.float32, copy=False)).all()) for a in found):
            return
    if begins:
        raise ValueError(
            f"the attribution would hold NaN: infinite values, which begin in {begins}, reach the output; put finite "
            "numbers there in their place, such as 1e4 or -1e4"
        )
    raise ValueError(f"the shares of this net outgrow float32, in which a trace holds them; take {instead}")


def _not_finite(call: Call) -> Iterator[Tensor]:
    """The results of a call that hold NaN or infinity."""
    for out in call.out if isinstance(call.out, tuple | list) else (call.out,):
        if not isinstance(out, Tensor) or not out.is_floating_point():
            continue
        # Those of other layouts are refused later, by the op that reads them.
        if out.layout != torch.strided or out.is_nested or out.is_meta:
            continue
        # The sum is quick, but may outgrow its dtype by itself.
        if not bool(out.sum().isfinite() or out.isfinite().all()):
            yield out


def _check_weights(net: nn.Module, call: Call) -> None:
    """No weight holds NaN or infinity, and no buffer NaN; one of the call's own module is named first."""
    broken = [
        ("weight" if isinstance(t, nn.Parameter) else "buffer", name)
        for name, t in tensors_of(net)
        if t.is_floating_point() and bool((~t.isfinite() if isinstance(t, nn.Parameter) else t.isnan()).any())
    ]
    if broken:
        here = [(kind, name) for kind, name in broken if name.rpartition(".")[0] == call.module]
        kind, name = (here or broken)[0]
        raise ValueError(f"the {kind} {name!r} holds NaN or infinite values; load or train the net again")


def _where(call: Call) -> str:
    return f"'{call.module}'" if call.module else "the net itself"


def _buffers(net: nn.Module, call: Call) -> str:
    """The buffers of a call's module that hold infinity, in words."""
    names = [
        name
        for name, t in tensors_of(net)
        if name.rpartition(".")[0] == call.module and t.is_floating_point() and bool(t.isinf().any())
    ]
    return f" with the buffer {names[0]!r}" if names else ""


def _is_blank(call: Call, blank: set[int]) -> bool:
    """Whether a call moves entries between memory that nothing was written into and other memory."""
    moves = call.name in MOVES or call.name in RESHAPES
    return moves and any(id(a) in blank for a in tree_leaves((call.args, call.kwargs)))


def _puts_infinity(call: Call, meant: set[int]) -> bool:
    """Whether an op was given infinity by the net, or took on one that is meant."""

    def infinite(a: Any) -> bool:
        if isinstance(a, Tensor):
            return id(a) in meant or (a.is_floating_point() and bool(torch.isinf(a).any()))
        return isinstance(a, float) and math.isinf(a)

    return any(map(infinite, tree_leaves((call.args, call.kwargs))))
