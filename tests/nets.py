"""Nets and inputs that several tests share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from heapwidget.engine.capture import record
from heapwidget.engine.graph import Graph, build
from heapwidget.engine.ops import HANDLERS

SIGNS = ["both", "positive", "negative", "sparse", "zero"]


def values(shape: tuple[int, ...], sign: str, seed: int) -> Tensor:
    """Random numbers in float64 of a sign of `SIGNS`."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = {"both": x, "positive": x.relu(), "negative": -x.abs(), "sparse": x * (x > 1), "zero": x * 0}[sign]
    return x + 0.0


class Fn(nn.Module):
    """A function as a net."""

    def __init__(self, f: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.f = f

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x)


def graph_of(net: nn.Module, x: Tensor) -> Graph:
    leaves = {path for path, module in net.named_modules() if not any(module.children())}
    return build(record(net, x), leaves, HANDLERS)
