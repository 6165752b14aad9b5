"""The walk: pop the node with the largest residual, move its relevance one layer down, push what it reached, repeat.

    residual[target] = t; heap = {target}
    while heap and pops < max_pops: pop the largest, send its messages, push or re-key what they changed
    finish: pass on all that is left, layer by layer; the result is the full layer-wise pass, whatever was popped
    collect: pop the input's positions, largest first

The frontier is best-first; relevance is moved, never copied, so target = input + residual + absorbed at every moment.
"""

from __future__ import annotations

import signal
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import heappop
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.engine.boxes import Partition
from heapwidget.engine.flow import CONSTANT, PADDING, Array, Flow, add_up, host
from heapwidget.engine.graph import Graph
from heapwidget.engine.operands import PADDED, Operand
from heapwidget.engine.residuals import (
    ID_BITS,
    ID_MASK,
    NOT_QUEUED,
    Board,
    InputStore,
    Store,
    UnitTable,
    inlet,
)

# Keys below this cannot be told from zero in float32.
SMALLEST_FLOOR = 1e-36


class Row(NamedTuple):
    """One pop: the node, its key, the sums after it, and where its part of the log ends."""

    node: int
    mass: float
    explained: float
    absorbed: float
    residual_mass: float
    bound: float
    log_end: int


@dataclass(frozen=True)
class Finish:
    """The whole-layer pass over what a walk left: its rows, the log behind the walk's, and the result."""

    rows: list[Row]
    log_nodes: NDArray[np.int64]
    log_keys: NDArray[np.float32]
    contributions: Array
    absorbed: dict[tuple[int, str], float]


class Walk:
    """A best-first walk over a graph that can be stopped, continued and finished at any point.

    Parameters
    ----------
    graph
        Its layers.
    flows
        One a layer, `None` for the input.
    partitions
        One a layer.
    seeds
        Relevance to start with, in the shape of the graph's output.
    floor
        A node enters the heap once its key reaches this fraction of what the walk starts with.
    by_bound
        Whether a node's key is its part of the bound, sum of k * abs(residual), and not its mass.

    Raises
    ------
    ValueError
        If keys are to be parts of a bound that is infinite.
    """

    def __init__(
        self,
        graph: Graph,
        flows: Sequence[Flow | None],
        partitions: Sequence[Partition],
        seeds: Array,
        floor: float,
        by_bound: bool = False,
    ) -> None:
        self.graph, self.flows, self.partitions = graph, list(flows), list(partitions)
        # With one sign throughout, masses are sums; a walk with a negative target runs on the opposite signs.
        self.sign = -1.0 if (seeds <= 0).all() and seeds.any() else 1.0
        signed = any(f.signed for f in flows if f is not None) or bool((seeds * self.sign < 0).any())
        self.n_nodes = [p.n_nodes for p in partitions]
        self.offsets = [0, *np.cumsum(self.n_nodes).tolist()]
        self.start_mass = float(np.abs(seeds).sum())
        self.floor = floor
        self._k = amplifications(graph, self.flows)
        # Without a finite k everywhere nothing is certified before all is passed on.
        certified = all(bool(k.isfinite().all()) for k in self._k)
        self._uncertain = 0.0 if certified else np.inf
        self._start_key = self.start_mass
        if by_bound:
            k = host(gather(graph, graph.output, self._k))
            self._start_key = float((np.abs(seeds[seeds != 0]) * k[seeds != 0]).sum())
            if not np.isfinite(self._start_key):
                raise ValueError("priority='bound' needs a bound, and a large op without a rule has none; use 'mass'")
        self.board = Board(self.offsets[-1], self._least_key(floor), signed, by_bound)
        dtype = seeds.dtype
        self.stores: list[Store] = [InputStore(self.board, partitions[0], dtype)]
        for number, partition in enumerate(partitions[1:], start=1):
            k = host(torch.where(self._k[number].isfinite(), self._k[number], 0))
            self.stores.append(Store(self.board, partition, self.offsets[number], k, dtype))
        layers = graph.layers
        self._inlets = [
            [inlet(self.board, self.stores, layers, o, number) for o in layer.operands]
            for number, layer in enumerate(layers)
        ]
        self._tables: dict[int, UnitTable | None] = {}
        self._rows: list[tuple[int, float, float, float, float, float, int]] = []
        self._seed(seeds * self.sign)

    def _seed(self, seeds: Array) -> None:
        board = self.board
        everything = tuple(slice(0, s) for s in self.graph.output.shape)
        inlet(board, self.stores, self.graph.layers, self.graph.output, len(self.stores) - 1).receive(everything, seeds)
        if not board.signed:
            board.mass = sum(float(np.abs(s.residual).sum()) for s in self.stores[1:])
            board.bound = sum(float((s.residual * s._k).sum()) for s in self.stores[1:] if s.residual.any())
        self.start_log = board.log_size
        self._start_explained, self._start_bound = board.explained, board.bound

    def _least_key(self, floor: float) -> float:
        return max(floor * self._start_key, SMALLEST_FLOOR)

    @property
    def pending(self) -> bool:
        """Whether the heap holds any node."""
        return bool(self.board.heap)

    def run(self, max_pops: int, tick: Callable[[int], object] = lambda pops: None) -> int:
        """Pop until the heap is empty, `max_pops` pops are done or Ctrl-C is pressed; gives the pops done.

        A Ctrl-C takes effect between two pops, so the walk can go on from where it stopped.
        """
        heap, offsets, pop = self.board.heap, self.offsets, self._pop
        keys = self.board.keys.data
        mask, bits = ID_MASK, ID_BITS
        mass_bits = np.empty(1, np.int32)
        mass_of, as_float = mass_bits.data, mass_bits.view(np.float32).data
        pops = 0
        with _interruptible() as interrupted:
            while heap and pops < max_pops and not interrupted:
                entry = heappop(heap)
                node, key = entry & mask, -(entry >> bits)
                if keys[node] != key:
                    continue
                keys[node] = NOT_QUEUED
                mass_of[0] = key
                pop(bisect_right(offsets, node) - 1, node, as_float[0])
                pops += 1
                if not pops & 255:
                    tick(256)
        # Stale entries alone are no frontier.
        while heap and keys[heap[0] & mask] != -(heap[0] >> bits):
            heappop(heap)
        return pops

    def _pop(self, layer: int, node: int, mass: float) -> None:
        board, flow = self.board, self.flows[layer]
        assert flow is not None
        store, box = self.stores[layer], node - self.offsets[layer]
        table = self._tables[layer] if layer in self._tables else self._table(layer)
        if table is not None:
            absorbed = table.send(box, store.take_unit(box))
        else:
            window, m = store.take(box)
            messages, absorbed = flow.local(window, m)
            inlets = self._inlets[layer]
            for operand, at, values in messages:
                if values.size:
                    inlets[operand].receive(at, values)
        if absorbed:
            board.absorb(layer, absorbed)
        if board.signed:
            residual_mass, bound = board.mass, board.bound + self._uncertain
        else:
            residual_mass = self.start_mass - board.explained - board.absorbed_total
            bound = self._start_bound - board.explained + self._start_explained
        self._rows.append((node, mass, board.explained, board.absorbed_total, residual_mass, bound, board.log_size))

    @property
    def rows(self) -> list[Row]:
        """The pops so far."""
        return [Row._make(row) for row in self._rows]

    def _table(self, layer: int) -> UnitTable | None:
        """The messages of a layer of unit nodes, made when the first of them is popped, where they fit a table."""
        operands = self.graph.layers[layer].operands
        plain = self.partitions[layer].is_unit and all(o.layer is not None for o in operands)
        flow = self.flows[layer]
        table = flow.table() if plain and flow is not None else None
        self._tables[layer] = None if table is None else UnitTable(table, self.stores, operands)
        return self._tables[layer]

    def lower_floor(self, floor: float) -> None:
        """Let smaller nodes in: those that reach the new floor are pushed now, as a part of the last pop."""
        self.floor = floor
        self.board.set_floor(self._least_key(floor))
        for store in self.stores[1:]:
            store.offer(store.mass, store.keys, store.boxes)
        if self._rows:
            self._rows[-1] = (*self._rows[-1][:-1], self.board.log_size)
        else:
            self.start_log = self.board.log_size

    def residual_sum(self) -> float:
        """Sum of all residuals as they lie in the layers, in the target's own sign."""
        return self.sign * sum(float(s.residual.sum(dtype=np.float64)) for s in self.stores[1:])

    def finish(self) -> Finish:
        """Pass on everything still residual, one whole layer at a time; the walk itself stays as it is."""
        device = next((f.device for f in self.flows if f is not None), torch.device("cpu"))
        left = [torch.from_numpy(s.residual.copy()).to(device) for s in self.stores]
        sums = [self._sums(n, r) for n, r in enumerate(left)]
        absorbed = dict(self.board.absorbed)
        rows: list[Row] = []
        nodes, keys = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        log_end, arrived = self.board.log_size, host(left[0]).copy()
        for number in range(len(left) - 1, 0, -1):
            flow, (mass, _) = self.flows[number], sums[number]
            if flow is None or not mass:
                continue
            for cause, value in whole_pass(self.graph, flow, number, left).items():
                absorbed[number, cause] = absorbed.get((number, cause), 0.0) + value
            sums[number] = (0.0, 0.0)
            for source in self.graph.sources(number):
                sums[source] = self._sums(source, left[source])
            if 0 in self.graph.sources(number):
                now = host(left[0]).copy()
                reached, totals = self._reached(arrived, now)
                arrived = now
                nodes.append(reached)
                keys.append(totals)
                log_end += len(reached)
            explained = float(arrived.sum(dtype=np.float64))
            rest, bound = (sum(column) for column in zip(*sums[1:], strict=True))
            rows.append(Row(self.offsets[number], mass, explained, sum(absorbed.values()), rest, bound, log_end))
        return Finish(rows, np.concatenate(nodes), np.concatenate(keys), arrived, absorbed)

    def _sums(self, number: int, r: Tensor) -> tuple[float, float]:
        """Mass and bound of a layer's residuals; where nothing lies, an infinite k does not count."""
        size = r.abs()
        mass = float(size.sum(dtype=torch.float64))
        k = self._k[number]
        bounded = size * k if bool(k.isfinite().all()) else (size * k).nan_to_num(nan=0.0, posinf=torch.inf)
        return mass, float(bounded.sum(dtype=torch.float64)) if mass else 0.0

    def _reached(self, before: Array, after: Array) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The input positions to which anything came, and what lies on them now."""
        everything = tuple(slice(0, s) for s in after.shape)
        _, changes = self.partitions[0].fold(everything, before != after)
        _, totals = self.partitions[0].fold(everything, after)
        reached = np.flatnonzero(changes)
        return reached, totals.reshape(-1)[reached].astype(np.float32)


def whole_pass(graph: Graph, flow: Flow, number: int, left: list[Tensor]) -> dict[str, float]:
    """Move all of `left[number]` one step down, into `left`; gives what was absorbed on the way, by cause."""
    messages, absorbed = flow.whole(left[number])
    left[number] = torch.zeros_like(left[number])
    for operand, message in zip(graph.layers[number].operands, messages, strict=True):
        deliver(graph, operand, message, left, absorbed)
    return absorbed


def deliver(graph: Graph, operand: Operand, message: Tensor, left: list[Tensor], absorbed: dict[str, float]) -> None:
    """Add a whole message to the units that its operand is made of."""
    if operand.layer is not None:
        left[operand.layer] += message.reshape(left[operand.layer].shape)
        return
    if operand.blocks:
        for block in operand.blocks:
            left[block.layer][block.within] += message[block.at]
        if operand.rest:
            outside = message.clone()
            for block in operand.blocks:
                outside[block.at] = 0
            add_up(absorbed, operand.rest, float(outside.sum(dtype=torch.float64)))
        return
    assert operand.index is not None
    index, message = operand.index.reshape(-1), message.reshape(-1)
    outside = index < 0
    if bool(outside.any()):
        padded = index == PADDED
        add_up(absorbed, PADDING, float(message[padded].sum(dtype=torch.float64)))
        add_up(absorbed, CONSTANT, float(message[outside & ~padded].sum(dtype=torch.float64)))
    for layer, r in zip(graph.layers, left, strict=True):
        mine = (index >= layer.offset) & (index < layer.offset + layer.n_units)
        if bool(mine.any()):
            r.view(-1).index_add_(0, index[mine] - layer.offset, message[mine])


def gather(graph: Graph, operand: Operand, values: list[Tensor]) -> Tensor:
    """An operand's entries of per-unit `values`; 0 where an entry is no unit."""
    if operand.layer is not None:
        return values[operand.layer].reshape(operand.shape)
    assert operand.index is not None
    index = operand.index
    result = torch.zeros(operand.shape, dtype=values[0].dtype, device=values[0].device)
    if operand.blocks:
        for block in operand.blocks:
            result[block.at] = values[block.layer][block.within]
        return result
    for layer, value in zip(graph.layers, values, strict=False):
        mine = (index >= layer.offset) & (index < layer.offset + layer.n_units)
        if bool(mine.any()):
            result[mine] = value.reshape(-1)[index[mine] - layer.offset]
    return result


def amplifications(graph: Graph, flows: Sequence[Flow | None]) -> list[Tensor]:
    """For every unit its k: how far a residual there can still move the input attribution (L1); 1 at the input.

    It is infinite where an op gives none, and where a share of nothing might lead there.
    """
    device = next((f.device for f in flows if f is not None), torch.device("cpu"))
    k = [torch.ones(graph.layers[0].shape, dtype=graph.dtype, device=device)]
    for layer, flow in zip(graph.layers[1:], flows[1:], strict=True):
        assert flow is not None
        k.append(flow.amplification([gather(graph, o, k) for o in layer.operands]).nan_to_num(torch.inf, torch.inf))
    return k


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Turn Ctrl-C into an entry in a list while inside; only the main thread can."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: caught.append(number))
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before)
