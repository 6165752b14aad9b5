"""Nets, inputs and checks that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from helpers.replay import replay
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.capture import record
from heapwidget.engine.graph.builder import build
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.ops import add_call
from heapwidget.engine.walk.search import Walk
from heapwidget.samples import digits

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


def graph_of(net: nn.Module, *inputs: Tensor) -> Graph:
    return build(record(net, *inputs), add_call)


def units(op: Callable[[Tensor], Tensor], x: Tensor) -> list[int]:
    """Which entries of the input stand behind the output of an op that makes no layer."""
    graph = graph_of(op if isinstance(op, nn.Module) else Fn(op), x)
    assert len(graph.layers) == 1
    return graph.units(graph.output).reshape(-1).tolist()


def each(x: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """One or several tensors as a tuple."""
    return x if isinstance(x, tuple) else (x,)


def flat(x: Tensor | tuple[Tensor, ...]) -> np.ndarray:
    """One or several tensors as one row of numbers."""
    return np.concatenate([a.detach().numpy().ravel() for a in each(x)])


def on_inputs(walk: Walk) -> np.ndarray:
    """What a walk has brought to the units of all inputs, in the target's own sign."""
    return walk.sign * np.concatenate([store.residual.ravel() for store in walk.stores[: walk.n_inputs]])


DIGIT = digits().images[7:8, None].float() / 255


def mlp(*sizes: int, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """Linear layers of these sizes with rectifiers between them."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after, dtype=dtype), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def adds_up(e: hw.Explanation, close: float = 1e-4) -> None:
    """The ledger adds up, the trace replays, and all can be printed."""
    ledger = e.ledger
    size = max(abs(ledger.target), abs(ledger.explained), abs(ledger.absorbed_total))
    assert abs(ledger.target - ledger.explained - ledger.absorbed_total) <= close * size
    assert replay(e.trace, e.trace.n_steps).selected == e.order.tolist()
    assert repr(e)
    assert str(ledger)
