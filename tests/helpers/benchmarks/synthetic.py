"""Traces of any size for the viewer's figures: a real best-first walk over a made-up convolutional net."""

from __future__ import annotations

import heapq
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from helpers.traces import validate
from numpy.typing import NDArray

from heapwidget.explanation import Explanation
from heapwidget.trace.columns import columns_of
from heapwidget.trace.header import Header, Layer, Phases, TargetValue
from heapwidget.trace.ledger import Ledger
from heapwidget.trace.trace import Trace

Shape = tuple[int, ...]
KERNEL = 5


class Sizes(NamedTuple):
    """How large a trace is to be."""

    layers: tuple[Shape, ...]
    """Shapes from the input image to the outputs: maps (C, H, W) first, then vectors (F,)."""
    walk: int
    """Pops of the walk."""
    fan: int
    """Nodes that a pop of a map's unit sends relevance to; a vector's unit sends it to all of the layer before."""


# 50,000 rows in all, most of them on a heap of more than 50,000 nodes.
LONG = Sizes(((1, 64, 64), (16, 64, 64), (24, 32, 32), (32, 16, 16), (10,)), walk=45_900, fan=16)
# A heap that stays above a million nodes to the end of the walk.
MILLION = Sizes(((1, 130, 130), (64, 130, 130), (10,)), walk=20_000, fan=9)


def explanation(sizes: Sizes) -> Explanation:
    """An explanation with a trace of these sizes: walk, finish and collect, and an image for its input."""
    trace = _Walk(sizes).trace()
    validate(trace.header, trace.columns)
    x = torch.rand((1, *sizes.layers[0]), generator=torch.Generator().manual_seed(0))
    return Explanation.of(x, trace, trace.contributions, None, [None])


class _Walk:
    """A walk in which every pop divides its mass among random units of the layer before."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.rng = np.random.default_rng(0)
        self.offsets = np.cumsum([0, *(int(np.prod(shape)) for shape in sizes.layers)])
        self.residual = np.zeros(self.offsets[-1], np.float32)
        self.rows: list[tuple[int, float, float]] = []
        self.log_nodes: list[NDArray[Any]] = []
        self.log_keys: list[NDArray[Any]] = []

    def trace(self) -> Trace:
        """Walk, then pass on the rest, then pop the pixels."""
        winner = int(self.offsets[-2])
        self.residual[winner] = 1
        self._walk([(-1.0, winner)])
        n_inputs = int(self.offsets[1])
        for first, end in reversed(list(pairwise(self.offsets[1:].tolist()))):
            mass = float(self.residual[first:end].sum())
            self.residual[:n_inputs] += np.float32(mass / n_inputs)
            self.residual[first:end] = 0
            self._note(first, mass, np.arange(n_inputs))
        contribution = self.residual[:n_inputs].copy()
        order = np.lexsort((np.arange(n_inputs), -contribution))
        for node in order.tolist():
            self._note(node, float(contribution[node]), np.arange(0))
        return Trace(self._header(n_inputs), self._columns(contribution))

    def _walk(self, heap: list[tuple[float, int]]) -> None:
        residual, n_inputs = self.residual, self.offsets[1]
        while len(self.rows) < self.sizes.walk:
            key, node = heapq.heappop(heap)
            # A node's older keys stay behind in this heap, and are no longer true.
            if -key != residual[node] or key == 0:
                continue
            children, shares = self._children(node)
            residual[node] = 0
            residual[children] += (shares * -key).astype(np.float32)
            self._note(node, -key, children)
            entering = children[children >= n_inputs]
            items = list(zip((-residual[entering]).tolist(), entering.tolist(), strict=True))
            if len(items) > len(heap):
                heap += items
                heapq.heapify(heap)
            else:
                for item in items:
                    heapq.heappush(heap, item)

    def _children(self, node: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Nodes of the layer before, each once, and the share that goes to each."""
        layer = int(np.searchsorted(self.offsets, node, side="right")) - 1
        shape, below, first = self.sizes.layers[layer], self.sizes.layers[layer - 1], int(self.offsets[layer - 1])
        if len(shape) == 1:
            children = np.arange(first, self.offsets[layer])
        else:
            children = first + np.unique(self._window(node - int(self.offsets[layer]), shape, below))
        shares = self.rng.random(len(children)) + 1e-3
        return children, shares / shares.sum()

    def _window(self, unit: int, shape: Shape, below: Shape) -> NDArray[Any]:
        """Random units of the layer before, within the kernel around the same place."""
        _, row, column = np.unravel_index(unit, shape)
        places = [
            np.clip(at * size // own + self.rng.integers(0, KERNEL, self.sizes.fan) - KERNEL // 2, 0, size - 1)
            for at, size, own in zip((row, column), below[1:], shape[1:], strict=True)
        ]
        channels = self.rng.integers(0, below[0], self.sizes.fan)
        return np.ravel_multi_index((channels, *places), below)

    def _note(self, node: int, mass: float, logged: NDArray[Any]) -> None:
        self.rows.append((node, mass, float(self.residual[: self.offsets[1]].sum(dtype=np.float64))))
        self.log_nodes.append(logged)
        self.log_keys.append(self.residual[logged])

    def _columns(self, contribution: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        nodes, masses, explained = zip(*self.rows, strict=True)
        values = {
            "pop_node": nodes,
            "pop_mass": masses,
            "explained": explained,
            "absorbed": np.zeros(len(nodes)),
            "dust": np.zeros(len(nodes)),
            "bound": np.maximum(1 - np.array(explained), 0),
            "certain": np.zeros(len(nodes)),
            "log_offset": np.cumsum([0, *map(len, self.log_nodes)]),
            "log_node": np.concatenate(self.log_nodes),
            "log_key": np.concatenate(self.log_keys),
            "contribution": contribution,
        }
        return dict(columns_of(values))

    def _header(self, n_inputs: int) -> Header:
        layers = self.sizes.layers
        return Header(
            method="relevance",
            rule="zplus",
            order="descending",
            conserved=True,
            target=TargetValue("0", 0, 1.0),
            layers=tuple(self._layer(number) for number in range(len(layers))),
            floor=0.0,
            priority="mass",
            phases=Phases(self.sizes.walk, len(layers) - 1, n_inputs),
            start=((int(self.offsets[-2]), 1.0),),
            ledger=Ledger(1.0, self.rows[-1][2], 0.0, {}),
        )

    def _layer(self, number: int) -> Layer:
        shape = self.sizes.layers[number]
        last = number == len(self.sizes.layers) - 1
        step = self.sizes.layers[0][1] // shape[1] if len(shape) == 3 else 0
        field = tuple((-2 * step * number, step, (4 * number + 1) * step, axis) for axis in (1, 2))
        return Layer(
            label="input" if number == 0 else "fc" if last else f"conv{number}",
            op="input" if number == 0 else "linear" if last else "conv",
            shape=shape,
            box=(shape[0], 1, 1) if number == 0 else (1,) * len(shape),
            channel_axis=0,
            reads=() if number == 0 else (number - 1,),
            field=field if len(shape) == 3 else None,
            kind="image" if number == 0 else None,
        )
