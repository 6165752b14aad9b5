"""Whether a trace pops what lies on top of its heap: what a replay would find, without moving anything.

A root is the least of all pairs (signed key, node) in the heap, in a wave of all pairs (size class, place), where nodes
are counted from the output's layer down. Each entry of the log gives a node a key that holds
until the node is logged or popped again, so a pop is right if its pair is the least of those whose time covers it.
Nodes are looked at in groups, and the log of a group in blocks, so that little memory is needed however long it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.errors import TraceFormatError
from heapwidget.trace.trace import Trace

# Pops and log entries that are looked at together: so many, or so much of a long log.
BLOCK, PARTS = 2**12, 32
# In a wave: what a key's bits lose to tell its size class, of a factor of 16; no class is higher than this.
CLASS_BITS, HIGHEST_CLASS = 25, 2**8
NEVER = 2**62
NOTHING = np.uint64(2**64 - 1)


def check_pops(trace: Trace) -> None:
    """Check the pops of the walk and of the collect phase; the columns are known to be of the right sizes.

    Raises
    ------
    TraceFormatError
        Naming the first row that pops something else than the root.
    """
    _check_collect(trace, trace.collects_ascending)
    _check_walk(trace)


def _pairs(keys: NDArray[np.float32], nodes: NDArray[np.uint32], ascending: bool) -> NDArray[np.uint64]:
    """Whole numbers that are ordered as the pairs of the heap are."""
    # Adding 0 makes -0 the same key as 0.
    bits = ((keys if ascending else -keys) + np.float32(0)).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(2**31))
    return ordered.astype(np.uint64) << np.uint64(32) | nodes


@dataclass(frozen=True)
class _ByKey:
    """The order of a heap whose root is the largest key, or the smallest, and of several the smallest id."""

    ascending: bool
    # The places of what the walk pops.
    lowest: int
    end: int = 2**32

    def pairs(self, keys: NDArray[np.float32], nodes: NDArray[np.uint32]) -> NDArray[np.uint64]:
        return _pairs(keys, nodes, self.ascending)

    def places(self, nodes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        return nodes


class _Wave:
    """The order of a wave: the largest size class first, and in it the smallest place."""

    def __init__(self, trace: Trace, top: float) -> None:
        self._ends, self._from = trace.node_offsets, int(np.float32(top).view(np.int32)) + 1
        self.lowest, self.end = 0, int(self._ends[-1]) - trace.input_nodes

    def pairs(self, keys: NDArray[np.float32], nodes: NDArray[np.uint32]) -> NDArray[np.uint64]:
        bits = (keys.astype(np.float32) + np.float32(0)).view(np.int32).astype(np.int64)
        ranks = (bits - self._from) >> CLASS_BITS
        return (HIGHEST_CLASS - ranks).astype(np.uint64) << np.uint64(32) | self.places(nodes)

    def places(self, nodes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Nodes counted from the output's layer down, and up within each layer."""
        ends, found = self._ends, np.empty(len(nodes), np.uint32)
        # A long log is looked at piece by piece, which takes little memory.
        for first in range(0, len(nodes), BLOCK):
            some = nodes[first : first + BLOCK]
            layer = np.searchsorted(ends, some, side="right") - 1
            found[first : first + BLOCK] = some + ends[-1] - ends[layer + 1] - ends[layer]
        return found


def _check_collect(trace: Trace, ascending: bool) -> None:
    first = trace.phase_start("collect")
    pairs = _pairs(trace.columns["pop_mass"][first:], trace.columns["pop_node"][first:], ascending)
    nodes = np.sort(trace.columns["pop_node"][first:])
    if (nodes[1:] == nodes[:-1]).any():
        raise TraceFormatError("column 'pop_node' collects a position of the input twice")
    wrong = np.flatnonzero(pairs[1:] <= pairs[:-1])
    if len(wrong):
        _refuse(trace, first + int(wrong[0]) + 1)


def _refuse(trace: Trace, row: int) -> None:
    node = int(trace.columns["pop_node"][row])
    raise TraceFormatError(f"column 'pop_node' pops node {node} at row {row}, which is not on top of the heap then")


@dataclass(frozen=True)
class _Events:
    """The pairs and keys that nodes are given, or are popped with, and when: pops and entries are counted through."""

    pairs: NDArray[np.uint64]
    keys: NDArray[np.float32]
    at: NDArray[np.int64]

    def __getitem__(self, chosen: Any) -> _Events:
        return _Events(self.pairs[chosen], self.keys[chosen], self.at[chosen])

    def __len__(self) -> int:
        return len(self.pairs)


def _order_of(trace: Trace) -> _ByKey | _Wave:
    """What the heap of the walk has on top."""
    header = trace.header
    if header.class_top is not None:
        return _Wave(trace, header.class_top)
    return _ByKey(header.order == "ascending", 0 if header.input_in_heap else trace.input_nodes)


def _check_walk(trace: Trace) -> None:
    order = _order_of(trace)
    columns, rows = trace.columns, trace.phase_start("finish")
    offsets, start = columns["log_offset"][: rows + 1], trace.header.start
    count = int(offsets[-1])
    if rows > count + len(start):
        raise TraceFormatError("column 'pop_node' pops more nodes in the walk than the heap was given")
    logs, popped = columns["log_node"][:count], columns["pop_node"][:rows]
    nodes = np.array([node for node, _ in start], np.uint32)
    keys = np.array([key for _, key in start], np.float32)
    masses = columns["pop_mass"][:rows]
    held = _Events(order.pairs(keys, nodes), keys, np.full(len(nodes), -1))
    pops = _Events(order.pairs(masses, popped), masses, offsets[:-1] + np.arange(rows))
    least, right = np.full(rows, NOTHING), np.zeros(rows, np.bool_)
    block = max(BLOCK, (count + rows) // PARTS)
    starts, own_places = order.places(nodes), order.places(popped)
    # What is sorted for the groups is let go before the places are looked at in the log's order.
    groups = _groups(order.places(np.concatenate([nodes, logs])), order.lowest, order.end, block)
    places = order.places(logs)
    for low, high in groups:
        entries = np.flatnonzero((places >= low) & (places < high))
        own = np.flatnonzero((own_places >= low) & (own_places < high))
        there, done = held[(starts >= low) & (starts < high)], 0
        for first in range(0, max(len(entries), 1), block):
            chosen = entries[first : first + block]
            # An entry comes behind the pops of its row and of all before.
            at = chosen + np.searchsorted(offsets, chosen, side="right")
            given = columns["log_key"][chosen]
            logged = _Events(order.pairs(given, logs[chosen]), given, at)
            is_last = first + block >= len(entries)
            end = len(own) if is_last else int(np.searchsorted(pops.at[own], at[-1]))
            until = NEVER if is_last else int(at[-1]) + 1
            there = _block(there, logged, pops, own[done:end], until, least, right)
            done = end
    wrong = np.flatnonzero(~right | (least != pops.pairs))
    if len(wrong):
        _refuse(trace, int(wrong[0]))


def _groups(places: NDArray[np.uint32], lowest: int, end: int, size: int) -> list[tuple[int, int]]:
    """Ranges of places that are told about so often each, or are single places."""
    places.sort()
    ends = [lowest, *(place for place in np.unique(places[size::size]).tolist() if lowest < place < end), end]
    return list(pairwise(ends))


def _block(
    held: _Events,
    logged: _Events,
    pops: _Events,
    own: NDArray[np.int64],
    until: int,
    least: NDArray[np.uint64],
    right: NDArray[np.bool_],
) -> _Events:
    """What a group of nodes holds after some entries, and `own` pops of its nodes among them, until a moment.

    Into `least` goes what the pops of all nodes find of it, and into `right` which of its own pops have a pair to take.
    """
    popped = pops[own]
    at = np.concatenate([held.at, logged.at, popped.at])
    pairs = np.concatenate([held.pairs, logged.pairs, popped.pairs])
    keys = np.concatenate([held.keys, logged.keys, popped.keys])
    # A pair's lower half is its node, by place.
    node = pairs.astype(np.uint32)
    order = np.lexsort((at, node))
    at, pairs, keys, node = at[order], pairs[order], keys[order], node[order]
    is_pop = order >= len(held) + len(logged)
    followed = np.r_[node[1:] == node[:-1], False]
    # A pop takes the key that its node was given last.
    before = np.flatnonzero(is_pop) - 1
    known = (before >= 0) & followed[before] & ~is_pop[before] & (keys[before] == keys[before + 1])
    right[own[order[is_pop] - len(held) - len(logged)]] = known
    ends = np.where(followed, np.r_[at[1:], 0], until)[~is_pop]
    first, end = np.searchsorted(pops.at, at[~is_pop]), np.searchsorted(pops.at, ends, side="right")
    if len(first):
        low, high = int(first.min()), int(end.max())
        found = _least(first - low, end - low, pairs[~is_pop], max(high - low, 0))
        least[low:high] = np.minimum(least[low:high], found)
    stays = ~is_pop & ~followed
    return _Events(pairs[stays], keys[stays], np.full(int(stays.sum()), until - 1))


def _least(
    first: NDArray[np.int64], end: NDArray[np.int64], values: NDArray[np.uint64], count: int
) -> NDArray[np.uint64]:
    """The least of the values whose ranges `first .. end` cover each of `count` places.

    A range is two that overlap, each as long as a power of two; the longest are passed on to their halves.
    """
    covering = end > first
    first, end, values = first[covering], end[covering], values[covering]
    level = np.frexp((end - first).astype(np.float64))[1] - 1
    least = np.full(count, NOTHING)
    for power in range(int(level.max(initial=-1)), -1, -1):
        longer = least.copy()
        half = 2**power
        least[half:] = np.minimum(least[half:], longer[:-half])
        here = level == power
        np.minimum.at(least, first[here], values[here])
        np.minimum.at(least, end[here] - half, values[here])
    return least
