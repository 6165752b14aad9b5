"""What is explained: from what the user says to a function of the net's output, and its seeds of relevance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from heapwidget.errors import brief

Weighted = Sequence[tuple[int | str, float]]
Target = int | str | tuple[int | str, int | str] | Weighted | Callable[[Any], Tensor] | None


def logits(output: Any) -> Tensor:
    """The tensor of scores in a net's output: the output itself, or its `logits`.

    Raises
    ------
    TypeError
        If there is neither, or if the scores are no real numbers.
    ValueError
        If there is no score at all.
    """
    given = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    scores = output if isinstance(output, Tensor) else given
    if not isinstance(scores, Tensor):
        raise TypeError(
            f"the net gives a {type(output).__name__} without logits; "
            "say what to explain with target=lambda output: ... (a scalar tensor)"
        )
    return _real(scores, "the net")


def _real(scores: Tensor, giver: str) -> Tensor:
    """Scores that relevance can start from."""
    if not scores.is_floating_point():
        raise TypeError(
            f"{giver} gives {scores.dtype}, which has no gradient and no share of relevance; let it give the real "
            "numbers that this is made of"
        )
    if not scores.numel():
        raise ValueError(
            f"{giver} gives a tensor of shape {tuple(scores.shape)}, in which there is no score to explain; "
            "let it give one"
        )
    return scores


def head_of(target: Target) -> Callable[[Any], Tensor]:
    """The part of the target that is recorded with the net: its logits, or the user's own function of the output."""
    if not callable(target):
        return logits

    def head(output: Any) -> Tensor:
        try:
            value = target(output)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ValueError(f"target=callable failed on the net's output: {reason}") from error
        if not isinstance(value, Tensor) or value.numel() != 1:
            what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else brief(value)
            raise ValueError(f"target=callable must give a tensor of one number, not {what}")
        return _real(value, "target=callable")

    return head


@dataclass(frozen=True)
class Choice:
    """A target worked out: `weights` (in the shape of `output`) times the output is what is explained."""

    label: str
    index: int | None
    weights: Tensor

    def value(self, output: Tensor) -> Tensor:
        """The scalar explained, with its gradient."""
        return (output * self.weights).sum()


def choose(target: Target, output: Tensor, class_names: Sequence[str] | None) -> Choice:
    """Work out a target on the scores that the net gave.

    Parameters
    ----------
    target
        A class index or name, a pair for a contrast (first minus second), a list of (class, weight) pairs, a callable
        (already applied: `output` is its value), or `None` for the class with the largest score.
    output
        Scores of shape (1, classes), (classes,) or of one element.
    class_names
        Names by index.

    Raises
    ------
    ValueError
        For an index out of range, an unknown name, a weight that is no number, or scores without a single class axis.
    """
    weights = torch.zeros_like(output)
    if callable(target):
        return Choice("f(output)", None, weights + 1)
    flat = weights.reshape(-1)
    if output.ndim and output.numel() != output.shape[-1]:
        raise ValueError(
            f"the output of shape {tuple(output.shape)} has no single class axis; "
            "say what to explain with target=lambda output: ... (a scalar tensor)"
        )
    chosen = [(_index(t, output, class_names), weight) for t, weight in _weighted(target)]
    for index, weight in chosen:
        flat[index] += weight
    label = _label([(str(index) if class_names is None else class_names[index], weight) for index, weight in chosen])
    single = chosen[0][0] if len(chosen) == 1 and chosen[0][1] == 1 else None
    return Choice(label, single, flat.reshape(output.shape))


def _weighted(target: Any) -> list[tuple[Any, float]]:
    """The classes of a target, each with its weight."""
    if isinstance(target, tuple):
        if len(target) != 2:
            raise ValueError(f"target {brief(target)} has {len(target)} parts; a contrast is a pair (this, minus that)")
        return [(target[0], 1.0), (target[1], -1.0)]
    if not isinstance(target, list):
        return [(target, 1.0)]
    if not target:
        raise ValueError("target is an empty list; give it (class, weight) pairs, such as [(7, 1.0), (1, -0.5)]")
    for pair in target:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"target holds {brief(pair)}, which is no pair (class, weight) such as (7, 1.0)")
        if isinstance(pair[1], bool) or not isinstance(pair[1], Real):
            raise TypeError(f"target gives class {brief(pair[0])} the weight {brief(pair[1])}, which is no number")
        if not math.isfinite(pair[1]):
            raise ValueError(f"target gives class {brief(pair[0])} the weight {pair[1]}; a weight must be finite")
    return [(which, float(weight)) for which, weight in target]


def _label(terms: Sequence[tuple[str, float]]) -> str:
    """The sum in words: `7 − 0.5 one`."""
    label = ""
    for name, weight in terms:
        size = abs(weight)
        # A number before a number needs a sign between them.
        term = name if size == 1 else f"{size:g}{'·' if name[:1].isdigit() else ' '}{name}"
        sign = "−" if weight < 0 else "+"
        label += f" {sign} {term}" if label else f"{'−' if weight < 0 else ''}{term}"
    return label


def _index(target: Any, output: Tensor, class_names: Sequence[str] | None) -> int:
    count = output.numel()
    if class_names is not None and len(class_names) != count:
        raise ValueError(f"class_names has {len(class_names)} names, but the net gives {count} scores")
    if target is None:
        return int(output.detach().reshape(-1).argmax())
    if isinstance(target, str):
        if class_names is None:
            raise ValueError(f"target {brief(target)} is a name: pass class_names=[...] too, or a class index")
        names = list(class_names)
        if target not in names:
            near = get_close_matches(target, names, n=3, cutoff=0.3) or names[:3]
            raise ValueError(f"no class is named {brief(target)}; the nearest are {', '.join(map(repr, near))}")
        return names.index(target)
    if isinstance(target, bool) or not hasattr(target, "__index__"):
        raise TypeError(
            "target must be a class index, a class name, a pair of them, a list of (class, weight) pairs or "
            f"a callable, not {brief(target)}"
        )
    index = int(target.__index__())
    if not -count <= index < count:
        raise ValueError(f"target {index} is out of range: the net gives {count} scores, 0 to {count - 1}")
    return index % count
