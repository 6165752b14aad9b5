"""Certified ranking, slowly: position by position, node by node, set by set."""

from __future__ import annotations

import numpy as np
from helpers.walks import walk_of
from numpy.typing import NDArray

import heapwidget as hw
from heapwidget.trace.header import Layer
from heapwidget.trace.trace import Trace


def left_by_position(e: hw.Explanation) -> NDArray[np.float64]:
    """For each position of the inputs, what lies times k in all units whose field holds it; each box sees as one."""
    walk, trace = walk_of(e), e.trace
    left = np.zeros(trace.input_nodes)
    for number in range(trace.n_inputs, len(walk.stores)):
        layer, store = trace.header.layers[number], walk.stores[number]
        k = walk._k[number].numpy() if walk.board.signed else np.ones(layer.shape)
        size = np.abs(store.residual).astype(np.float64)
        for index in range(layer.partition.n_nodes):
            window = layer.partition.window(index)
            mass = size[window].sum()
            if mass:
                left[_seen(trace, layer, window)] += mass * k[window].max()
    return left


def _seen(trace: Trace, layer: Layer, window: tuple[slice, ...]) -> NDArray[np.bool_]:
    """The positions that any unit of a window sees."""
    masks, first = [], 0
    for number in range(trace.n_inputs):
        lengths = [s for a, s in enumerate(trace.inputs[number].shape) if a != trace.inputs[number].channel_axis]
        mask = np.ones(lengths, bool)
        for axis, length in enumerate(lengths):
            if layer.field is None:
                continue
            start, step, size, own = layer.field[first + axis]
            at = np.zeros(length, bool)
            for i in range(window[own].start, window[own].stop) if own is not None else [0]:
                at[max(start + step * i, 0) : max(start + step * i + size, 0)] = True
            mask &= at.reshape([-1 if a == axis else 1 for a in range(len(lengths))])
        first += len(lengths)
        masks.append(mask.reshape(-1))
    return np.concatenate(masks)


def certain(e: hw.Explanation) -> int:
    """The largest number of first positions, not all, above zero and above whatever any other can still become."""
    walk, trace = walk_of(e), e.trace
    left = left_by_position(e)
    sums = [trace.partitions[n].sums(s.residual) for n, s in enumerate(walk.inputs)]
    arrived = np.concatenate(sums).astype(np.float64) * walk.sign
    # A residual of one sign ends with that sign.
    low = left if walk.board.signed or walk.sign < 0 else 0
    high = left if walk.board.signed or walk.sign > 0 else 0
    least, most = arrived - low, arrived + high
    if trace.collects_ascending:
        least, most = -most, -least
    order = np.argsort(-least, kind="stable")
    found = [n for n in range(1, len(order)) if least[order[n - 1]] > max(0, most[order[n:]].max())]
    return max(found, default=0)
