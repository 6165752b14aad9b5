"""What a row of the table of refusals is, and the nets and inputs that several rows share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from helpers.nets import DIGIT, mlp
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.samples import lenet

attribute = partial(hw.attribute, progress=False)
X, WIDE = torch.rand(1, 6, generator=torch.Generator().manual_seed(0)), torch.ones(2, 6)
NET, LENET = mlp(6, 5, 3), lenet()


class Row(NamedTuple):
    """A refusal or warning: words of it, among them its advice; what is refused; and what its advice makes of that."""

    words: str
    refused: Callable[[], Any]
    followed: Callable[[], Any]


class Two(nn.Module):
    """A net of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return self.a(one) + self.b(other)


TWO = Two()


def explained(**options: Any) -> hw.Explanation:
    """The small net on its input."""
    return attribute(NET, X, **options)


def digit(**options: Any) -> hw.Explanation:
    """The digits' net on a seven, with a short walk."""
    return attribute(LENET, DIGIT, **{"floor": 0.1, **options})
