"""Where messages arrive: from windows of an op's operand to the residuals of the layers that it is made of."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Window
from heapwidget.engine.flow import CONSTANT, PADDING, Array, add_up
from heapwidget.engine.graph.builder import Layer
from heapwidget.engine.graph.operands import PADDED, Operand
from heapwidget.engine.walk.residuals import Board, InputStore, Store


class Inlet(Protocol):
    """Takes messages to one operand of one layer."""

    def receive(self, window: Window, values: Array) -> None: ...


class _UnitInlet:
    """An operand that is all units of a unit-node layer in order, in whatever shape."""

    def __init__(self, store: Store, shape: tuple[int, ...]) -> None:
        self._add = store.add
        self._views: list[Array] = [a.reshape(shape) for a in (store.residual, store.keys, store.mass, store.boxes)]

    def receive(self, window: Window, values: Array) -> None:
        residual, keys, mass, boxes = self._views
        self._add(residual, keys, mass, boxes, window, values)


class _BoxInlet:
    """An operand that is a layer as it stands."""

    def __init__(self, store: Store) -> None:
        self.receive = store.receive if isinstance(store, InputStore) else store.add_boxes


class _BlockInlet:
    """An operand made of boxes of layers: padding, slices, concatenation."""

    def __init__(self, board: Board, stores: list[Store], operand: Operand, reader: int) -> None:
        self._board, self._rest, self._reader = board, operand.rest, reader
        self._blocks = [
            (b.at, [seen.start - at.start for seen, at in zip(b.within, b.at, strict=True)], _plain(stores[b.layer]))
            for b in operand.blocks
        ]

    def receive(self, window: Window, values: Array) -> None:
        taken_by_blocks: list[Window] = []
        for at, shifts, inlet in self._blocks:
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
                inlet.receive(tuple(there), part)
                if part.size == values.size:
                    return
        if self._rest:
            outside = values.copy()
            for taken_by_block in taken_by_blocks:
                outside[taken_by_block] = 0
            causes: dict[str, float] = {}
            add_up(causes, self._rest, float(outside.sum()))
            self._board.absorb(self._reader, causes)


def _plain(store: Store) -> Inlet:
    """The inlet of a layer as it stands."""
    if store.partition.is_unit and not isinstance(store, InputStore):
        return _UnitInlet(store, store.partition.shape)
    return _BoxInlet(store)


class _ScatterInlet:
    """An operand gathered from units here and there, with padding and constants, which absorb."""

    def __init__(
        self, board: Board, stores: list[Store], layers: tuple[Layer, ...], index: NDArray[np.int64], reader: int
    ) -> None:
        self._board, self._index, self._reader = board, index, reader
        ends = [layer.offset + layer.n_units for layer in layers]
        used = np.unique(np.searchsorted(ends, index[index >= 0], side="right"))
        self._sources = [(stores[n], layers[n].offset, ends[n]) for n in used]

    def receive(self, window: Window, values: Array) -> None:
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


def inlet(board: Board, stores: list[Store], layers: tuple[Layer, ...], operand: Operand, reader: int) -> Inlet:
    """The inlet of an operand that layer number `reader` reads."""
    if operand.layer is not None:
        store = stores[operand.layer]
        if store.partition.is_unit and not isinstance(store, InputStore):
            return _UnitInlet(store, operand.shape)
        if operand.shape == store.partition.shape:
            return _plain(store)
        layer = layers[operand.layer]
        index = np.arange(layer.offset, layer.offset + layer.n_units).reshape(operand.shape)
    elif operand.blocks:
        return _BlockInlet(board, stores, operand, reader)
    else:
        assert operand.index is not None
        index = operand.index.cpu().numpy()
    return _ScatterInlet(board, stores, layers, index, reader)
