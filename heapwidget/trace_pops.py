"""Whether a trace pops what lies on top of its heap: what a replay would find, without moving anything.

A root is the least of all pairs (signed key, node) in the heap. Each entry of the log gives a node a key that holds
until the node is logged or popped again, so a pop is right if its pair is the least of those whose time covers it.
Blocks of the log are looked at one after the other, so that little memory is needed however long it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heapwidget.engine.errors import TraceFormatError
from heapwidget.trace import Trace

# Pops and log entries in a block.
BLOCK = 2**18
NOTHING = np.uint64(2**64 - 1)


def check_pops(trace: Trace) -> None:
    """Check the pops of the walk and of the collect phase; the columns are known to be of the right sizes.

    Raises
    ------
    TraceFormatError
        Naming the first row that pops something else than the root.
    """
    ascending = trace.header["order"] == "ascending"
    _check_collect(trace, ascending)
    _check_walk(trace, ascending)


def _pairs(keys: NDArray[np.float32], nodes: NDArray[np.uint32], ascending: bool) -> NDArray[np.uint64]:
    """Whole numbers that are ordered as the pairs of the heap are."""
    # Adding 0 makes -0 the same key as 0.
    bits = ((keys if ascending else -keys) + np.float32(0)).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(2**31))
    return ordered.astype(np.uint64) << np.uint64(32) | nodes


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
class _Held:
    """The heap as a set: its nodes and their keys."""

    nodes: NDArray[np.uint32]
    keys: NDArray[np.float32]


def _check_walk(trace: Trace, ascending: bool) -> None:
    columns, rows = trace.columns, trace.phase_start("finish")
    ends = columns["log_offset"][: rows + 1].astype(np.int64)
    # Pops and log entries in the order in which they happen are counted through: these are the pops.
    pops_at = ends[:-1] + np.arange(rows)
    start = trace.header["start"]
    held = _Held(np.array([n for n, _ in start], np.uint32), np.array([k for _, k in start], np.float32))
    least_node = 0 if trace.header.get("input_in_heap") else trace.input_nodes
    for low in range(0, rows + int(ends[-1]), BLOCK):
        high = min(low + BLOCK, rows + int(ends[-1]))
        first, last = np.searchsorted(pops_at, [low, high])
        pops = pops_at[first:last]
        at = np.delete(np.arange(low, high), pops - low)
        logged = slice(low - first, high - last)
        enters = columns["log_node"][logged] >= least_node
        keys, nodes = columns["log_key"][logged][enters], columns["log_node"][logged][enters]
        popped = _Held(columns["pop_node"][first:last], columns["pop_mass"][first:last])
        wrong, held = _block(held, _Held(nodes, keys), at[enters], popped, pops, ascending)
        if wrong is not None:
            _refuse(trace, int(first) + wrong)


def _block(
    held: _Held, logged: _Held, logged_at: NDArray[np.int64], popped: _Held, pops: NDArray[np.int64], ascending: bool
) -> tuple[int | None, _Held]:
    """The first of the pops that is not the root, if any, and what is held after the block."""
    node = np.concatenate([held.nodes, logged.nodes, popped.nodes])
    key = np.concatenate([held.keys, logged.keys, popped.keys])
    at = np.concatenate([np.full(len(held.nodes), -1), logged_at, pops])
    order = np.lexsort((at, node))
    node, key, at = node[order], key[order], at[order]
    is_pop = order >= len(held.nodes) + len(logged.nodes)
    pairs = _pairs(key, node, ascending)
    alike = np.r_[node[1:] == node[:-1], False]
    # A pop takes the pair that its node was given last.
    before = np.flatnonzero(is_pop) - 1
    known = (before >= 0) & alike[before] & ~is_pop[before] & (pairs[before] == pairs[before + 1])
    number = order[is_pop] - len(held.nodes) - len(logged.nodes)
    until = np.where(alike, np.r_[at[1:], 0], np.iinfo(np.int64).max)
    first, end = np.searchsorted(pops, at[~is_pop]), np.searchsorted(pops, until[~is_pop], side="right")
    least = _least(first, end, pairs[~is_pop], len(pops))
    right = np.zeros(len(pops), np.bool_)
    right[number] = known & (least[number] == pairs[is_pop])
    stays = ~is_pop & ~alike
    wrong = np.flatnonzero(~right)
    return int(wrong[0]) if len(wrong) else None, _Held(node[stays], key[stays])


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
