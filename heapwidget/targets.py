"""What is explained: from what the user says to a function of the net's output, and its seeds of relevance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

Target = int | str | tuple[int | str, int | str] | Callable[[Any], Tensor] | None


def logits(output: Any) -> Tensor:
    """The tensor of scores in a net's output: the output itself, or its `logits`.

    Raises
    ------
    TypeError
        If there is neither.
    """
    if isinstance(output, Tensor):
        return output
    found = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if isinstance(found, Tensor):
        return found
    raise TypeError(
        f"the net gives a {type(output).__name__} without logits; "
        "say what to explain with target=lambda output: ... (a scalar tensor)"
    )


def head_of(target: Target) -> Callable[[Any], Tensor]:
    """The part of the target that is recorded with the net: its logits, or the user's own function of the output."""
    if not callable(target):
        return logits

    def head(output: Any) -> Tensor:
        value = target(output)
        if not isinstance(value, Tensor) or value.numel() != 1:
            what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{value!r}"
            raise ValueError(f"target=callable must give a tensor of one number, not {what}")
        return value

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
        A class index or name, a pair for a contrast (first minus second), a callable (already applied: `output` is its
        value), or `None` for the class with the largest score.
    output
        Scores of shape (1, classes), (classes,) or of one element.
    class_names
        Names by index.

    Raises
    ------
    ValueError
        For an index out of range, an unknown name, or scores without a single class axis.
    """
    weights = torch.zeros_like(output)
    if callable(target):
        return Choice("f(output)", None, weights + 1)
    flat = weights.reshape(-1)
    if output.numel() != output.shape[-1] if output.ndim else False:
        raise ValueError(
            f"the output of shape {tuple(output.shape)} has no single class axis; "
            "say what to explain with target=lambda output: ... (a scalar tensor)"
        )
    pair = target if isinstance(target, tuple) else (target,)
    if len(pair) > 2:
        raise ValueError(f"target {target!r} has {len(pair)} parts; a contrast is a pair (this, minus that)")
    chosen = [_index(t, output, class_names) for t in pair]
    for index, sign in zip(chosen, (1, -1), strict=False):
        flat[index] += sign
    names = [class_names[i] if class_names is not None else str(i) for i in chosen]
    return Choice(" − ".join(names), chosen[0] if len(chosen) == 1 else None, flat.reshape(output.shape))


def _index(target: Any, output: Tensor, class_names: Sequence[str] | None) -> int:
    count = output.numel()
    if class_names is not None and len(class_names) != count:
        raise ValueError(f"class_names has {len(class_names)} names, but the net gives {count} scores")
    if target is None:
        return int(output.detach().reshape(-1).argmax())
    if isinstance(target, str):
        if class_names is None:
            raise ValueError(f"target {target!r} is a name: pass class_names=[...] too, or a class index")
        names = list(class_names)
        if target not in names:
            near = get_close_matches(target, names, n=3, cutoff=0.3) or names[:3]
            raise ValueError(f"no class is named {target!r}; the nearest are {', '.join(map(repr, near))}")
        return names.index(target)
    if isinstance(target, bool) or not hasattr(target, "__index__"):
        raise TypeError(f"target must be a class index, a class name, a pair of them or a callable, not {target!r}")
    index = int(target.__index__())
    if not -count <= index < count:
        raise ValueError(f"target {index} is out of range: the net gives {count} scores, 0 to {count - 1}")
    return index % count
