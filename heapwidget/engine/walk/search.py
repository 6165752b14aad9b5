"""The walk: pop the node with the largest residual, move its relevance one layer down, push what it reached, repeat.

    residual[target] = t; heap = {target}
    while heap and pops < max_pops: pop the largest, send its messages, push or re-key what they changed
    finish: pass on all that is left, layer by layer; the result is the full layer-wise pass, whatever was popped
    collect: pop the inputs' positions, largest first

The frontier is best-first; relevance is moved, never copied, so target = input + residual + absorbed at every moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Partition, Squares, everything, square_side
from heapwidget.engine.flow import NO_CHANGE, Array, Flow, host
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.interrupts import noted
from heapwidget.engine.walk.heap import ID_BITS, ID_MASK, NOT_QUEUED, Board
from heapwidget.engine.walk.ranking import Ranking, Seen
from heapwidget.engine.walk.receivers import receiver_of
from heapwidget.engine.walk.residuals import InputResiduals, LayerResiduals, Residuals, Signed, Unsigned
from heapwidget.engine.walk.sweep import amplifications, device_of, gather, whole_pass
from heapwidget.engine.walk.tables import UnitTable

# Keys below this cannot be told from zero in float32.
SMALLEST_FLOOR = 1e-36

# Seeds whose sum is less than this part of their sizes sum to nothing but rounding.
NO_TARGET = 1e-6

# A layer's messages are tabled once one in so many of its nodes was popped: of the last layer often only one is.
PAYS_AFTER = 512


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
    """The whole-layer pass over what a walk left: its rows, the log behind the walk's, and the result by input."""

    rows: list[Row]
    log_nodes: NDArray[np.int64]
    log_keys: NDArray[np.float32]
    contributions: list[Array]
    absorbed: dict[tuple[int, str], float]


class Walk:
    """A best-first walk over a graph that can be stopped, continued and finished at any point.

    Parameters
    ----------
    graph
        Its layers.
    flows
        One a layer, `None` for an input.
    partitions
        One a layer.
    seeds
        Relevance to start with, in the shape of the graph's output.
    floor
        A node enters the heap once its key reaches this fraction of the target's size, which is that of all seeds
        together; of a bound, of the bound that the walk starts with.
    priority
        Of `heap.PRIORITIES`. A node's key is its mass, or with `"bound"` its part of the bound, sum of
        k * abs(residual); with `"wave"`, of all in one size class the node nearest the output is popped first.
    held
        What lies on the output's units at the start, where that is not the seeds but multipliers.

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
        priority: str = "mass",
        held: Array | None = None,
    ) -> None:
        self.graph, self.flows, self.partitions = graph, list(flows), list(partitions)
        self.n_inputs = graph.n_inputs
        # With one sign throughout, masses are sums; a walk with a negative target runs on the opposite signs.
        self.sign = -1.0 if (seeds <= 0).all() and seeds.any() else 1.0
        signed = any(f.signed for f in flows if f is not None) or bool((seeds * self.sign < 0).any())
        self.offsets: list[int] = np.cumsum([0, *(p.n_nodes for p in partitions)]).tolist()
        self.start_mass = float(np.abs(seeds).sum())
        self.floor = floor
        # Seeds that cancel out leave no target to be a fraction of.
        target = abs(float(seeds.sum(dtype=np.float64)))
        self._start_key = target if target > NO_TARGET * self.start_mass else self.start_mass
        held = seeds if held is None else held
        if priority == "bound":
            k = host(gather(graph, graph.output, self._k))
            self._start_key = float((np.abs(held[held != 0]) * k[held != 0]).sum())
            if not np.isfinite(self._start_key):
                raise ValueError("priority='bound' needs a bound, and a large op without a rule has none; use 'mass'")
        top = max(self._start_key, SMALLEST_FLOOR)
        self.board = Board(self.offsets[-1], self._least_key(floor), signed, priority, top)
        self._beyond = self._uncertain() if self.board.signed else None
        at = list(zip(self.partitions, self.offsets, strict=False))
        self.inputs = [self._input(number, *at[number], seeds.dtype) for number in range(self.n_inputs)]
        # The stores of all layers but the inputs.
        self.inner = [self._store(number, *at[number], seeds.dtype) for number in range(self.n_inputs, len(at))]
        self.stores: list[Residuals] = [*self.inputs, *self.inner]
        self._receivers = [
            [receiver_of(self.board, self.stores, graph.layers, operand, number) for operand in layer.operands]
            for number, layer in enumerate(graph.layers)
        ]
        self._tables: dict[int, UnitTable | None] = {}
        self._untabled = Counter[int]()
        # As plain tuples, which are made faster than rows.
        self._pops: list[tuple[int, float, float, float, float, float, int]] = []
        self.held = held
        self._seed(held * self.sign)
        self.ranking: Ranking | None = None

    def rank(self, fields: Sequence[Seen], toward: int) -> None:
        """Keep, from now on, how many of the first positions are certain.

        Parameters
        ----------
        fields
            What the units of each layer see of the inputs.
        toward
            1 where the largest contribution is the first, -1 where the smallest is.
        """
        k = [self._k_of_relevance(number) for number in range(len(self.flows))] if self.board.signed else None
        inputs = self.graph.layers[: self.n_inputs]
        shapes = [tuple(s for a, s in enumerate(layer.shape) if a != layer.channel_axis) for layer in inputs]
        self.ranking = Ranking(self.board, self.stores, shapes, fields, k, toward * self.sign)

    def _k_of_relevance(self, number: int) -> Tensor:
        """How far relevance of each unit can move the attribution: also where multipliers lie on the units."""
        flow, k = self.flows[number], self._k[number]
        if flow is None or flow.change is None:
            return k
        # What hardly changes holds nothing.
        size = flow.change.abs()
        holds = size > NO_CHANGE * size.amax() if size.numel() else size > 0
        return torch.where(holds, k / torch.where(holds, size, 1), 0)

    def _input(self, number: int, partition: Partition, first: int, dtype: np.dtype[np.floating]) -> InputResiduals:
        layer = self.graph.layers[number]
        squares = Squares(layer.shape, layer.channel_axis, square_side(layer.shape, layer.channel_axis))
        return InputResiduals(self.board, partition, first, dtype, squares)

    def _store(self, number: int, partition: Partition, first: int, dtype: np.dtype[np.floating]) -> LayerResiduals:
        if not self.board.signed:
            return Unsigned(self.board, partition, first, dtype)
        k = host(self._k[number].nan_to_num(posinf=0))
        return Signed(self.board, partition, first, dtype, k, self._worth(number))

    def _worth(self, number: int) -> Array | None:
        """What the residuals of a layer that holds multipliers are multiplied with for their relevance."""
        flow = self.flows[number]
        return None if flow is None or flow.change is None else host(flow.change)

    def _seed(self, seeds: Array) -> None:
        output = self.graph.output
        receive = receiver_of(self.board, self.stores, self.graph.layers, output, len(self.stores) - 1)
        receive(everything(output.shape), seeds)
        self.start_log = self.board.log_size

    @cached_property
    def _k(self) -> list[Tensor]:
        """How far a residual of each unit can still move the attribution; a walk of one sign can do without."""
        return amplifications(self.graph, self.flows)

    def _uncertain(self) -> float:
        """What a bound by k lacks: without a finite k everywhere nothing is certified before all is passed on."""
        return 0.0 if all(float(k.sum()) < np.inf for k in self._k) else np.inf

    def _least_key(self, floor: float) -> float:
        return max(floor * self._start_key, SMALLEST_FLOOR)

    @property
    def input_nodes(self) -> int:
        """How many nodes the inputs have; theirs are the first ids."""
        return self.offsets[self.n_inputs]

    @property
    def pending(self) -> bool:
        """Whether the heap holds any node."""
        return bool(self.board.heap)

    def run(self, max_pops: int, tick: Callable[[int], object] = lambda pops: None) -> int:
        """Pop until the heap is empty, `max_pops` pops are done or Ctrl-C is pressed; gives the pops done.

        A Ctrl-C takes effect between two pops, so the walk can go on from where it stopped.
        """
        heap, pop = self.board.heap, self._pop
        start, shift = self.board.rank_from, self.board.rank_shift
        keys = self.board.keys.data
        mask, id_bits = ID_MASK, ID_BITS
        key = np.empty(1, np.int32)
        key_bits, as_float = key.data, key.view(np.float32).data
        ends, layers = self._places
        ranking, before = self.ranking, len(self._pops)
        due = -1 if ranking is None else ranking.due - before
        pops = 0
        with noted() as interrupted:
            while heap and pops < max_pops and not interrupted():
                entry = heappop(heap)
                layer, to_place = layers[bisect_right(ends, entry & mask)]
                node = (entry & mask) - to_place
                bits = keys[node]
                if (bits - start) >> shift != -(entry >> id_bits):
                    continue
                keys[node] = NOT_QUEUED
                key_bits[0] = bits
                pop(layer, node, as_float[0])
                pops += 1
                if ranking is not None and pops == due:
                    due = ranking.look(before + pops) - before
                if not pops & 255:
                    tick(256)
        self._drop_stale()
        return pops

    @cached_property
    def _places(self) -> tuple[list[int], list[tuple[int, int]]]:
        """Where each layer's places end, in ascending order, and the layer with what its ids need to be places."""
        inner = list(enumerate(self.inner, start=self.n_inputs))
        if not self.board.wave:
            return [self.input_nodes, *self.offsets[self.n_inputs + 1 :]], [(0, 0), *((n, 0) for n, _ in inner)]
        ends = [s.first + s.partition.n_nodes + s.to_place for _, s in reversed(inner)]
        return ends, [(n, s.to_place) for n, s in reversed(inner)]

    def _drop_stale(self) -> None:
        """Let go of stale entries on top of the heap: alone they are no frontier."""
        heap, keys, (ends, layers) = self.board.heap, self.board.keys, self._places
        while heap:
            place = heap[0] & ID_MASK
            _, to_place = layers[bisect_right(ends, place)]
            if self.board.rank(keys[place - to_place]) == -(heap[0] >> ID_BITS):
                return
            heappop(heap)

    def _pop(self, layer: int, node: int, mass: float) -> None:
        board, flow = self.board, self.flows[layer]
        assert flow is not None
        store, box = self.inner[layer - self.n_inputs], node - self.offsets[layer]
        table = self._tables[layer] if layer in self._tables else self._table(layer)
        if table is not None:
            absorbed = table.send(box, store.take_unit(box))
        else:
            window, m = store.take(box)
            messages, absorbed = flow.local(window, m)
            receivers = self._receivers[layer]
            for operand, at, values in messages:
                if values.size:
                    receivers[operand](at, values)
        if absorbed:
            board.absorb(layer, absorbed)
        if board.signed:
            residual_mass, bound = board.mass, board.bound
        else:
            # The bound is what will still arrive: of one sign, nothing of it can cancel out.
            residual_mass = self.start_mass - board.explained - board.absorbed_total
            bound = -board.explained
        self._pops.append((node, mass, board.explained, board.absorbed_total, residual_mass, bound, board.log_size))

    def rows(self) -> list[Row]:
        """The pops so far.

        What a bound of one sign lacks is known from the end alone: the first time, this makes a whole pass.
        """
        if self._beyond is None:
            self.finish()
        beyond = self._beyond or 0.0
        return [
            Row(node, mass, explained, absorbed, left, bound + beyond, log_end)
            for node, mass, explained, absorbed, left, bound, log_end in self._pops
        ]

    def certain(self) -> NDArray[np.int64]:
        """How many of the first positions are certain after each pop so far: what was last seen, and what holds now."""
        return np.zeros(0, np.int64) if self.ranking is None else self.ranking.column(len(self._pops))

    def _table(self, layer: int) -> UnitTable | None:
        """The messages of a layer of unit nodes, where they fit a table; made once enough are popped to pay for it."""
        self._untabled[layer] += 1
        if self._untabled[layer] * PAYS_AFTER < self.partitions[layer].n_nodes:
            return None
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
        for store in self.inner:
            store.offer(store.mass, store.keys, store.boxes)
        if self._pops:
            self._pops[-1] = Row(*self._pops[-1])._replace(log_end=self.board.log_size)
        else:
            self.start_log = self.board.log_size

    @property
    def spent(self) -> bool:
        """Whether nothing is left to pass on."""
        return not any(s.residual.any() for s in self.inner)

    def residual_sum(self) -> float:
        """Sum of all residuals as they lie in the layers, in the target's own sign."""
        return self.sign * sum(float(s.relevance.sum(dtype=np.float64)) for s in self.inner)

    def stopped(self) -> Finish:
        """What the walk has found as it stands, with nothing passed on."""
        arrived = [s.residual.copy() for s in self.inputs]
        return Finish([], np.empty(0, np.int64), np.empty(0, np.float32), arrived, dict(self.board.absorbed))

    def finish(self) -> Finish:
        """Pass on everything still residual, one whole layer at a time; the walk itself stays as it is."""
        signed, device = self.board.signed, device_of(self.flows)
        # With one sign, where no node has a mass no unit has a residual.
        empty = [not (s.residual if signed else s.mass).any() for s in self.stores]
        held = [torch.from_numpy(s.residual).to(device) for s in self.stores]
        left = [None if nothing else r for nothing, r in zip(empty, held, strict=True)]
        masses, bounds = [0.0] * len(left), [0.0] * len(left)

        def weigh(layers: Iterable[int]) -> None:
            for n in layers:
                masses[n], bounds[n] = self._sums(n, left[n])

        inputs = range(self.n_inputs)
        weigh(range(self.n_inputs, len(left)))
        absorbed = dict(self.board.absorbed)
        rows: list[Row] = []
        nodes, keys = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        log_end, arrived = self.board.log_size, [host(held[n]).copy() for n in inputs]
        explained = sum(float(a.sum(dtype=np.float64)) for a in arrived)
        for number in range(len(left) - 1, self.n_inputs - 1, -1):
            flow, mass, sources = self.flows[number], masses[number], self.graph.sources(number)
            if flow is None or not mass:
                continue
            for cause, value in whole_pass(self.graph, flow, number, left).items():
                absorbed[number, cause] = absorbed.get((number, cause), 0.0) + value
            weigh({number, *sources} - set(inputs))
            changed = [(n, r) for n, r in enumerate(left[: self.n_inputs]) if n in sources and r is not None]
            for n, r in changed:
                before, arrived[n] = arrived[n], host(r).copy()
                reached, totals = self.inputs[n].reached(before, arrived[n])
                nodes.append(reached)
                keys.append(totals)
                log_end += len(reached)
            if changed:
                explained = sum(float(a.sum(dtype=np.float64)) for a in arrived)
            bound = sum(bounds) if signed else -explained
            rows.append(Row(self.offsets[number], mass, explained, sum(absorbed.values()), sum(masses), bound, log_end))
        if not signed:
            self._beyond = explained
            rows = [row._replace(bound=explained + row.bound) for row in rows]
        return Finish(rows, np.concatenate(nodes), np.concatenate(keys), arrived, absorbed)

    def _sums(self, number: int, r: Tensor | None) -> tuple[float, float]:
        """Mass of a layer's residuals, and their bound by k; where nothing lies, an infinite k does not count."""
        if r is None:
            return 0.0, 0.0
        if not self.board.signed:
            return float(r.sum()), 0.0
        size, flow = r.abs(), self.flows[number]
        mass = float((size if flow is None or flow.change is None else size * flow.change.abs()).sum())
        if not mass:
            return 0.0, 0.0
        bounded = size * self._k[number]
        bound = float(bounded.sum())
        return mass, bound if bound < np.inf else float(bounded.nan_to_num(nan=0.0, posinf=torch.inf).sum())
