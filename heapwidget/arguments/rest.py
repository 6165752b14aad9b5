"""The rest that a class is held against: how much each other class counts, and which of them are named."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Others are named that have more of the rest than this, the likeliest first, and at most so many.
NAMED, MOST_NAMED = 0.2, 3
# Where those named are less of the rest than this, it is said that there are more.
ENOUGH = 0.5


def rest_weights(output: Tensor, index: int) -> Tensor:
    """The probabilities of the classes other than one, as parts of their sum; 0 for that one. In float64, flat."""
    scores = output.detach().reshape(-1).cpu().double().clone()
    scores[index] = -torch.inf
    return scores.softmax(0)


def rest_in_words(rest: Tensor, name: Callable[[int], str]) -> str:
    """Those of the rest that matter by `name`: `2 or 3`, `2 or others`; `the rest` where none stands out.

    Of equal weights the class with the lower index goes first.
    """
    stand_out = (rest > NAMED).nonzero().flatten().tolist()
    named = sorted(stand_out, key=lambda i: -float(rest[i]))[:MOST_NAMED]
    if not named:
        return "the rest"
    words = [name(i) for i in named]
    if float(rest[named].sum()) < ENOUGH:
        words.append("others")
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
