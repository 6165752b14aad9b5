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

from heapwidget.arguments.rest import rest_in_words, rest_weights
from heapwidget.errors import brief

Weighted = Sequence[tuple[int | str, float]]
Target = int | str | tuple[int | str | None, int | str | None] | Weighted | Callable[[Any], Tensor] | None

# What a target can be besides the score of a class, or a sum of scores: a class against the rest, a single score with
# its sign turned, or a loss.
MARGIN, NEGATED, LOSS = "margin", "negated", "loss"
# What a net with a single score decides, by its sign.
YES, NO = "positive", "negative"


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
    """A target worked out: `weights` (in the shape of `output`) times the output is what is explained.

    Attributes
    ----------
    index
        Of the class that it speaks for, if it is one.
    kind
        `MARGIN`, `NEGATED` or `LOSS`, where it is one of these.
    """

    label: str
    index: int | None
    weights: Tensor
    kind: str | None = None

    def value(self, output: Tensor) -> Tensor:
        """The scalar explained, with its gradient."""
        return (output * self.weights).sum()


def choose(target: Target, output: Tensor, class_names: Sequence[str] | None, each_alone: bool = False) -> Choice:
    """Work out a target on the scores that the net gave.

    Parameters
    ----------
    target
        A class index or name, a pair for a contrast (first minus second), a pair with `None` for the class against the
        rest, a list of (class, weight) pairs, a callable (already applied: `output` is its value), or `None` for the
        class with the largest score.
    output
        Scores of shape (1, classes), (classes,) or of one element.
    class_names
        Names by index; of a single score also two, for no and for yes.
    each_alone
        Whether each score is a yes or no of its own.

    Raises
    ------
    ValueError
        For an index out of range, an unknown name, a weight that is no number, scores without a single class axis, or
        a class against the rest where there is none.
    """
    weights = torch.zeros_like(output)
    if callable(target):
        return Choice("f(output)", None, weights + 1)
    flat = weights.reshape(-1)
    _check_axis(output)
    if isinstance(target, tuple) and len(target) == 2 and target[1] is None:
        return _against_rest(target, output, class_names, each_alone)
    if output.numel() == 1 and class_names is not None and len(class_names) == 2 and target == class_names[0]:
        return Choice(class_names[0], 0, weights - 1, NEGATED)
    chosen = [(_index(t, output, class_names), weight) for t, weight in _weighted(target)]
    for index, weight in chosen:
        flat[index] += weight
    label = _label([(_name(index, output, class_names), weight) for index, weight in chosen])
    single = chosen[0][0] if len(chosen) == 1 and chosen[0][1] == 1 else None
    return Choice(label, single, flat.reshape(output.shape))


def decision(output: Tensor, class_names: Sequence[str] | None, each_alone: bool = False) -> Choice:
    """What the net decided: the class with the largest score against the rest; of a single score, what its sign says.

    A single negative score is turned, so that what speaks for the decision is positive. Where each score is a yes or
    no of its own there is no rest, and the largest is taken alone. See `choose` for the arguments.
    """
    _check_axis(output)
    if output.numel() > 1:
        return choose(None if each_alone else (None, None), output, class_names, each_alone)
    index, negative = _index(None, output, class_names), bool((output.detach() < 0).all())
    weights = torch.full_like(output, -1.0 if negative else 1.0)
    return Choice(_side(negative, class_names), index, weights, NEGATED if negative else None)


def _side(negative: bool, class_names: Sequence[str] | None) -> str:
    """What the sign of a single score says."""
    if class_names is None:
        return NO if negative else YES
    if len(class_names) == 2:
        return class_names[0 if negative else 1]
    return f"not {class_names[0]}" if negative else class_names[0]


def _against_rest(
    target: tuple[Any, Any], output: Tensor, class_names: Sequence[str] | None, each_alone: bool
) -> Choice:
    """A class against the others: its score less the mean of theirs, by what the net thinks of each."""
    index = _index(target[0], output, class_names)
    if output.numel() == 1 or each_alone:
        why = "gives a single score" if output.numel() == 1 else "says yes or no to each class alone"
        raise ValueError(f"target {brief(target)} is a class against the rest, but the net {why}; take target={index}")
    rest = rest_weights(output, index)
    weights = -rest
    weights[index] = 1

    def name(i: int) -> str:
        return _name(i, output, class_names)

    label = f"{name(index)} rather than {rest_in_words(rest, name)}"
    return Choice(label, index, weights.to(output).reshape(output.shape), MARGIN)


def _check_axis(output: Tensor) -> None:
    if output.ndim and output.numel() != output.shape[-1]:
        raise ValueError(
            f"the output of shape {tuple(output.shape)} has no single class axis; "
            "say what to explain with target=lambda output: ... (a scalar tensor)"
        )


def _name(index: int, output: Tensor, class_names: Sequence[str] | None) -> str:
    """What a class is called; of two names of a single score, the second stands for yes."""
    if class_names is None:
        return str(index)
    return class_names[index + len(class_names) - output.numel()]


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
    if class_names is not None and len(class_names) != count and (len(class_names), count) != (2, 1):
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
        return min(names.index(target), count - 1)
    if isinstance(target, bool) or not hasattr(target, "__index__"):
        raise TypeError(
            "target must be a class index, a class name, a pair of them, a list of (class, weight) pairs or "
            f"a callable, not {brief(target)}"
        )
    index = int(target.__index__())
    if not -count <= index < count:
        raise ValueError(f"target {index} is out of range: the net gives {count} scores, 0 to {count - 1}")
    return index % count
