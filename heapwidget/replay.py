"""Replaying a trace in Python, with CPython's own `heapq`: the twin of the viewer's `core/replay.ts`."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np

from heapwidget.trace import Trace

Pair = tuple[float, int]


class KeyedHeap:
    """`heapq` on (signed key, node) pairs, whose keys can change in place."""

    def __init__(self, ascending: bool = False) -> None:
        self._sign = 1.0 if ascending else -1.0
        self.items: list[Pair] = []

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
    """What holds after some rows: the heap, the input's keys that have arrived, and the positions popped."""

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
    columns, counts = trace.columns, trace.header["phases"]
    ascending = trace.header["order"] == "ascending"
    n_inputs = int(trace.node_offsets[1])
    collect = trace.phase_start("collect")
    state = State(KeyedHeap(ascending))
    for node, key in trace.header["start"]:
        state.heap.push(key, node)
    queued = {int(node) for node, _ in trace.header["start"]}
    for row in range(min(step, collect)):
        if row < counts["walk"]:
            popped, mass = state.heap.pop()
            queued.remove(popped)
            _expect(row, (popped, mass), trace)
        else:
            state.heap.items.clear()
            queued.clear()
        run = slice(columns["log_offset"][row], columns["log_offset"][row + 1])
        for node, key in zip(columns["log_node"][run].tolist(), columns["log_key"][run].tolist(), strict=True):
            if node < n_inputs:
                state.input[node] = key
            elif node in queued:
                state.heap.rekey(key, node)
            else:
                queued.add(node)
                state.heap.push(key, node)
    if step >= collect:
        state.heap.items.clear()
        nodes, masses = columns["pop_node"][collect:], columns["pop_mass"][collect:]
        for i in np.argsort(nodes, kind="stable").tolist():
            state.heap.push(float(masses[i]), int(nodes[i]))
        for row in range(collect, step):
            popped, mass = state.heap.pop()
            _expect(row, (popped, mass), trace)
            state.selected.append(popped)
    return state


def _expect(row: int, popped: tuple[int, float], trace: Trace) -> None:
    said = int(trace.columns["pop_node"][row]), float(trace.columns["pop_mass"][row])
    if popped != said:
        raise ValueError(f"row {row} pops {said}, but the root of the heap is {popped}")
