"""Replaying a trace in Python, with CPython's own `heapq`: the twin of the viewer's `core/replay/replay.ts`."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from heapwidget.trace.trace import Trace

Pair = tuple[float, int]


class KeyedHeap:
    """`heapq` on (signed key, node) pairs, whose keys can change in place."""

    def __init__(self, ascending: bool = False) -> None:
        self._sign = 1.0 if ascending else -1.0
        self.items: list[Pair] = []

    def restart(self, ascending: bool) -> None:
        """Empty the heap, for keys that may be popped in another order."""
        self.items.clear()
        self._sign = 1.0 if ascending else -1.0

    def push(self, key: float, node: int) -> None:
        """Push a node that is not in the heap."""
        heapq.heappush(self.items, (self._sign * key, node))

    def rekey(self, key: float, node: int) -> None:
        """Give a node in the heap another key and put it right, as `heapq` would move it."""
        at = next(i for i, item in enumerate(self.items) if item[1] == node)
        before, self.items[at] = self.items[at], (self._sign * key, node)
        if self.items[at] < before:
            heapq._siftdown(self.items, 0, at)  # type: ignore[attr-defined]
        else:
            heapq._siftup(self.items, at)  # type: ignore[attr-defined]

    def pop(self) -> tuple[int, float]:
        """Pop the root: node and key."""
        key, node = heapq.heappop(self.items)
        return node, self._sign * key

    @property
    def pairs(self) -> list[tuple[int, float]]:
        """The array, as (node, key)."""
        return [(node, self._sign * key) for key, node in self.items]


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
    state = State(KeyedHeap(trace.header.order == "ascending"))
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
            state.input[node] = key
        elif node in queued:
            state.heap.rekey(key, node)
        else:
            queued.add(node)
            state.heap.push(key, node)


def _start_collect(state: State, trace: Trace) -> None:
    collect = trace.phase_start("collect")
    state.heap.restart(trace.collects_ascending)
    nodes, masses = trace.columns["pop_node"][collect:], trace.columns["pop_mass"][collect:]
    for i in np.argsort(nodes, kind="stable").tolist():
        state.heap.push(float(masses[i]), int(nodes[i]))


def _pop(state: State, trace: Trace, row: int) -> int:
    """Pop the root, which must be what the row says."""
    popped = state.heap.pop()
    said = int(trace.columns["pop_node"][row]), float(trace.columns["pop_mass"][row])
    if popped != said:
        raise ValueError(f"row {row} pops {said}, but the root of the heap is {popped}")
    return popped[0]
