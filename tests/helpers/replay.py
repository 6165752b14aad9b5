"""Replaying a trace in Python, with CPython's own `heapq`: the twin of the viewer's `core/replay/replay.ts`."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heapwidget.trace.trace import Trace

# A wave's rank is a tuple.
Pair = tuple[Any, int]
Order = Callable[[float, int], Any]


def smallest_first(key: float, node: int) -> float:
    return key


def largest_first(key: float, node: int) -> float:
    return -key


def wave(trace: Trace) -> Order:
    """The largest size class first, in it the layer nearest the output."""
    top = trace.header.class_top
    assert top is not None

    def bits(value: float) -> int:
        return int(np.array(value, np.float32).view(np.int32))

    return lambda key, node: (-((bits(key) - bits(top) - 1) // 2**25), -trace.layer_of(node))


def walk_order(trace: Trace) -> Order:
    """What the heap of a trace's walk has on top."""
    if trace.header.priority == "wave":
        return wave(trace)
    return smallest_first if trace.header.order == "ascending" else largest_first


class KeyedHeap:
    """`heapq` on (rank, node) pairs, whose keys can change in place; an order gives a key and node their rank."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._keys: dict[int, float] = {}
        self.items: list[Pair] = []

    def restart(self, order: Order) -> None:
        """Empty the heap, for keys that may be popped in another order."""
        self.items.clear()
        self._order = order

    def push(self, key: float, node: int) -> None:
        """Push a node that is not in the heap."""
        self._keys[node] = key
        heapq.heappush(self.items, (self._order(key, node), node))

    def rekey(self, key: float, node: int) -> None:
        """Give a node in the heap another key and put it right, as `heapq` would move it."""
        at = next(i for i, item in enumerate(self.items) if item[1] == node)
        self._keys[node] = key
        before, self.items[at] = self.items[at], (self._order(key, node), node)
        if self.items[at] < before:
            heapq._siftdown(self.items, 0, at)  # type: ignore[attr-defined]
        else:
            heapq._siftup(self.items, at)  # type: ignore[attr-defined]

    def pop(self) -> tuple[int, float]:
        """Pop the root: node and key."""
        _, node = heapq.heappop(self.items)
        return node, self._keys[node]

    @property
    def pairs(self) -> list[tuple[int, float]]:
        """The array, as (node, key)."""
        return [(node, self._keys[node]) for _, node in self.items]


@dataclass
class State:
    """What holds after some rows: the heap, the inputs' keys that have arrived, and the positions popped."""

    heap: KeyedHeap
    input: dict[int, float] = field(default_factory=dict)
    selected: list[int] = field(default_factory=list)


def replay(trace: Trace, step: int) -> State:
    """The state after `step` rows, from the first row on.

    Raises
    ------
    ValueError
        If the trace pops a node that is not the root of its heap at that moment.
    """
    state = State(KeyedHeap(walk_order(trace)))
    for node, key in trace.header.start:
        state.heap.push(key, node)
    collect = trace.phase_start("collect")
    queued = {int(node) for node, _ in trace.header.start}
    for row in range(min(step, collect)):
        _walk_or_finish(state, queued, trace, row)
    if step >= collect:
        _start_collect(state, trace)
        for row in range(collect, step):
            state.selected.append(_pop(state, trace, row))
    return state


def _walk_or_finish(state: State, queued: set[int], trace: Trace, row: int) -> None:
    """A row before the collect phase; `queued` are the nodes in the heap."""
    columns, n_inputs = trace.columns, trace.input_nodes
    in_heap = trace.header.input_in_heap
    if row < trace.header.phases.walk:
        popped = _pop(state, trace, row)
        queued.remove(popped)
        if in_heap and popped < n_inputs:
            state.input[popped] = float(columns["pop_mass"][row])
            state.selected.append(popped)
    else:
        state.heap.items.clear()
        queued.clear()
    run = slice(columns["log_offset"][row], columns["log_offset"][row + 1])
    for node, key in zip(columns["log_node"][run].tolist(), columns["log_key"][run].tolist(), strict=True):
        if node < n_inputs and not in_heap:
            state.input.update(dict.fromkeys(positions_of(trace, node), key))
        elif node in queued:
            state.heap.rekey(key, node)
        else:
            queued.add(node)
            state.heap.push(key, node)


def positions_of(trace: Trace, node: int) -> list[int]:
    """The positions of the square that an input's node begins."""
    number = trace.layer_of(node)
    first, of_position = int(trace.node_offsets[number]), trace.squares[number].of_position
    return (np.flatnonzero(of_position == of_position[node - first]) + first).tolist()


def _start_collect(state: State, trace: Trace) -> None:
    collect = trace.phase_start("collect")
    state.heap.restart(smallest_first if trace.collects_ascending else largest_first)
    nodes, masses = trace.columns["pop_node"][collect:], trace.columns["pop_mass"][collect:]
    if any(layer.square for layer in trace.inputs):
        state.input = dict(zip(nodes.tolist(), masses.tolist(), strict=True))
    for i in np.argsort(nodes, kind="stable").tolist():
        state.heap.push(float(masses[i]), int(nodes[i]))


def _pop(state: State, trace: Trace, row: int) -> int:
    """Pop the root, which must be what the row says."""
    popped = state.heap.pop()
    said = int(trace.columns["pop_node"][row]), float(trace.columns["pop_mass"][row])
    if popped != said:
        raise ValueError(f"row {row} pops {said}, but the root of the heap is {popped}")
    return popped[0]
