"""Where messages arrive: from windows of an op's operand to the residuals of the layers that it is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Window
from heapwidget.engine.flow import CONSTANT, PADDING, Array, add_up
from heapwidget.engine.graph.layers import PADDED, Layer, Operand
from heapwidget.engine.walk.heap import Board
from heapwidget.engine.walk.residuals import Receiver, Residuals


class _ToBlocks:
    """An operand made of boxes of layers: padding, slices, concatenation."""

    def __init__(self, board: Board, stores: Sequence[Residuals], operand: Operand, reader: int) -> None:
        self._board, self._rest, self._reader = board, operand.rest, reader
        self._blocks = [
            (b.at, [seen.start - at.start for seen, at in zip(b.within, b.at, strict=True)], _own(stores[b.layer]))
            for b in operand.blocks
        ]

    def __call__(self, window: Window, values: Array) -> None:
        taken_by_blocks: list[Window] = []
        for at, shifts, receive in self._blocks:
            taken, there = [], []
            for seen, box, shift in zip(window, at, shifts, strict=True):
                step = seen.step or 1
                # The first and last of the window's entries that lie in the box.
                first = max(0, -((seen.start - box.start) // step))
                last = min(-((seen.start - seen.stop) // step), -((seen.start - box.stop) // step))
                if first >= last:
                    break
                taken.append(slice(first, last))
                start = seen.start + first * step + shift
                there.append(slice(start, start + (last - first - 1) * step + 1, step))
            else:
                part = values[tuple(taken)]
                taken_by_blocks.append(tuple(taken))
                receive(tuple(there), part)
                if part.size == values.size:
                    return
        if self._rest:
            outside = values.copy()
            for taken_by_block in taken_by_blocks:
                outside[taken_by_block] = 0
            causes: dict[str, float] = {}
            add_up(causes, self._rest, float(outside.sum()))
            self._board.absorb(self._reader, causes)


class _ToUnits:
    """An operand gathered from units here and there, with padding and constants, which absorb."""

    def __init__(
        self, board: Board, stores: Sequence[Residuals], layers: Sequence[Layer], index: NDArray[np.int64], reader: int
    ) -> None:
        self._board, self._index, self._reader = board, index, reader
        ends = [layer.end for layer in layers]
        used = np.unique(np.searchsorted(ends, index[index >= 0], side="right"))
        self._sources = [(stores[n], layers[n].offset, ends[n]) for n in used]

    def __call__(self, window: Window, values: Array) -> None:
        units, flat = self._index[window].reshape(-1), np.asarray(values).reshape(-1)
        outside = units < 0
        if outside.any():
            causes: dict[str, float] = {}
            padded = units == PADDED
            add_up(causes, PADDING, float(flat[padded].sum()))
            add_up(causes, CONSTANT, float(flat[outside & ~padded].sum()))
            self._board.absorb(self._reader, causes)
        for store, offset, end in self._sources:
            mine = (units >= offset) & (units < end)
            if mine.any():
                store.scatter(units[mine] - offset, flat[mine])


def _own(store: Residuals) -> Receiver:
    """The receiver of a layer as it stands."""
    receiver = store.receiver(store.partition.shape)
    assert receiver is not None
    return receiver


def receiver_of(
    board: Board, stores: Sequence[Residuals], layers: Sequence[Layer], operand: Operand, reader: int
) -> Receiver:
    """The receiver of an operand that layer number `reader` reads."""
    if operand.blocks:
        return _ToBlocks(board, stores, operand, reader)
    if operand.layer is None:
        assert operand.index is not None
        return _ToUnits(board, stores, layers, operand.index.cpu().numpy(), reader)
    receiver = stores[operand.layer].receiver(operand.shape)
    if receiver is not None:
        return receiver
    layer = layers[operand.layer]
    index = np.arange(layer.offset, layer.end).reshape(operand.shape)
    return _ToUnits(board, stores, layers, index, reader)
