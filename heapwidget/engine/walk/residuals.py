"""Where relevance lies while a walk goes on: residuals by unit, masses and keys by node, layer by layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Partition, Shape, Squares, Window
from heapwidget.engine.flow import Array
from heapwidget.engine.walk.heap import NOT_QUEUED, Board

# Takes what comes to a window of an operand.
Receiver = Callable[[Window, Array], None]


class Residuals(ABC):
    """The residuals of one layer and the masses of its nodes, the first of which has the id `first`.

    Attributes
    ----------
    add_single
        Adds to a unit by its index, where that takes no more than its residual; `None` where it does.
    """

    add_single: Callable[[int, float], None] | None = None

    def __init__(self, board: Board, partition: Partition, first: int, dtype: np.dtype[np.floating]) -> None:
        self.board, self.partition, self.first = board, partition, first
        # In a wave, places are counted from the last layer down, and up within each.
        self.to_place = len(board.keys) - 2 * first - partition.n_nodes if board.wave else 0
        # Boxes of a map are windows of few positions and many channels: these lie side by side.
        self._last = not partition.is_unit and len(partition.shape) > 2
        order = (*range(1, len(partition.shape)), 0) if self._last else range(len(partition.shape))
        memory = np.zeros([partition.shape[a] for a in order], dtype)
        self.residual: Array = np.moveaxis(memory, -1, 0) if self._last else memory
        self.mass = self._masses(dtype)
        self.boxes = np.arange(partition.n_nodes).reshape(partition.grid)
        self.keys = board.keys[first : first + partition.n_nodes].reshape(partition.grid)
        self._flat, self._flat_mass = memory.reshape(-1), self.mass.reshape(-1)
        self._flat_keys = self.keys.reshape(-1)

    def _masses(self, dtype: np.dtype[np.floating]) -> Array:
        return np.zeros(self.partition.grid, dtype)

    @property
    def relevance(self) -> Array:
        """What lies here, by unit."""
        return self.worth_of(self.residual)

    def worth_of(self, residual: Array) -> Array:
        """The relevance that residuals of this layer are."""
        return residual

    @abstractmethod
    def receiver(self, shape: Shape) -> Receiver | None:
        """Takes messages to an operand of a shape that is all units in order; `None` where it cannot be that shape."""

    @abstractmethod
    def add_units(self, units: NDArray[np.int64], values: Array) -> None:
        """Add to single units, given by flat index, each once."""

    def scatter(self, units: NDArray[np.int64], values: Array) -> None:
        """Add to single units, given by flat index, which may come more than once."""
        units, place = np.unique(units, return_inverse=True)
        self.add_units(units, np.bincount(place, values).astype(values.dtype))

    def _places(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where units lie in memory."""
        if not self._last:
            return units
        channel, position = np.divmod(units, self._flat.size // self.partition.shape[0])
        places: NDArray[np.int64] = position * self.partition.shape[0] + channel
        return places

    def _sums(self, units: NDArray[np.int64], values: Array) -> tuple[NDArray[np.int64], Array]:
        """What comes to the nodes that units lie in."""
        nodes, place = np.unique(self.partition.node_of_unit.reshape(-1)[units], return_inverse=True)
        return nodes, np.bincount(place, values).astype(self._flat.dtype)


class InputResiduals(Residuals):
    """An input: what arrives is collected, never popped, and logged by squares; `mass` keeps its sign.

    A square is a position, or of a large input several of them, with its mean as key.
    """

    def __init__(
        self, board: Board, partition: Partition, first: int, dtype: np.dtype[np.floating], squares: Squares
    ) -> None:
        super().__init__(board, partition, first, dtype)
        self._squares, self._plain = squares.partition, squares.partition.is_unit
        if squares.partition.n_nodes < partition.n_nodes:
            grid = squares.partition.grid
            self.mass = np.zeros(grid, dtype)
            self._flat_mass = self.mass.reshape(-1)
        self._numbers = np.arange(squares.partition.n_nodes).reshape(squares.partition.grid)
        self._first_of, self._counts = squares.first, squares.counts.astype(dtype)

    def receiver(self, shape: Shape) -> Receiver | None:
        return self._receive if shape == self.partition.shape else None

    def _receive(self, window: Window, values: Array) -> None:
        self.residual[window] += values
        self.board.explained += float(values.sum())
        touched, sums = self._squares.fold(window, values)
        mass = self.mass[touched]
        mass += sums
        self._log(self._numbers[touched][sums != 0], mass[sums != 0])

    def add_units(self, units: NDArray[np.int64], values: Array) -> None:
        self._flat[self._places(units)] += values
        self.board.explained += float(values.sum())
        if self._plain:
            self._flat_mass[units] = now = self._flat[units]
            self.board.log(units + self.first, now.astype(np.float32, copy=False))
            return
        numbers, place = np.unique(self._squares.node_of_unit.reshape(-1)[units], return_inverse=True)
        sums = np.bincount(place, values).astype(values.dtype)
        self._flat_mass[numbers] = now = self._flat_mass[numbers] + sums
        self._log(numbers[sums != 0], now[sums != 0])

    def _log(self, numbers: NDArray[np.int64], now: Array) -> None:
        self.board.log(*self._told(numbers, now))

    def _told(self, numbers: NDArray[np.int64], now: Array) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Squares with what lies on them, as nodes and keys."""
        return self._first_of[numbers] + self.first, (now / self._counts[numbers]).astype(np.float32)

    def reached(self, before: Array, after: Array) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The squares to which anything came, as nodes, and their keys now."""
        numbers = np.flatnonzero(self._squares.sums(before != after))
        return self._told(numbers, self._squares.sums(after)[numbers])


class LayerResiduals(Residuals):
    """A layer whose nodes are popped."""

    def take(self, node: int) -> tuple[Window, Array]:
        """Empty a node: its window, and the residuals that were in it."""
        window = self.partition.window(node)
        m = self.residual[window].copy()
        self.residual[window] = 0
        self._flat_mass[node] = 0
        return window, m

    @abstractmethod
    def take_unit(self, unit: int) -> float:
        """Empty a unit node."""

    @abstractmethod
    def offer(self, mass: Array, keys: NDArray[np.int32], boxes: NDArray[np.int64]) -> None:
        """Queue those of the boxes whose mass reached the floor, or changed while they were queued."""

    def _queue(self, due: NDArray[np.bool_], mass: Array, keys: NDArray[np.int32], boxes: NDArray[np.int64]) -> None:
        """Queue those of the boxes that are due, unless their key is what it was."""
        bits = mass.astype(np.float32, copy=False).view(np.int32)
        due &= bits != keys
        at = due.nonzero()
        if len(at[0]):
            self.board.queue(boxes[at] + self.first, bits[at], self.to_place)

    def _weigh(self, touched: Window, sums: Array) -> None:
        """The masses of boxes changed."""
        mass = self.mass[touched]
        mass += sums
        np.maximum(mass, 0, out=mass)
        self.offer(mass, self.keys[touched], self.boxes[touched])

    def _weigh_nodes(self, units: NDArray[np.int64], change: Array) -> None:
        """The masses of the boxes that units lie in changed."""
        nodes, sums = self._sums(units, change)
        self._flat_mass[nodes] = mass = np.maximum(self._flat_mass[nodes] + sums, 0)
        self.offer(mass, self._flat_keys[nodes], nodes)


class Unsigned(LayerResiduals):
    """A layer of a walk without negative shares: residuals are their own masses, so unit nodes need no second array."""

    def __init__(self, board: Board, partition: Partition, first: int, dtype: np.dtype[np.floating]) -> None:
        super().__init__(board, partition, first, dtype)
        # Plain Python reads and writes single entries faster through these than through the arrays.
        self._scalars: tuple[Any, Any] = (self._flat_mass.data, self._flat_keys.data)
        key = np.empty(1, np.float32)
        self._key, self._key_bits = key.data, key.view(np.int32).data
        self.add_single = self._add_mass if partition.is_unit else None

    def _masses(self, dtype: np.dtype[np.floating]) -> Array:
        return self.residual if self.partition.is_unit else super()._masses(dtype)

    def receiver(self, shape: Shape) -> Receiver | None:
        if self.partition.is_unit:
            return partial(self._add, [a.reshape(shape) for a in (self.residual, self.keys, self.boxes)])
        return self._add_boxes if shape == self.partition.shape else None

    def take_unit(self, unit: int) -> float:
        m = float(self._flat[unit])
        self._flat[unit] = 0.0
        return m

    def _add(self, views: list[Array], window: Window, values: Array) -> None:
        """Add to a window of a layer of unit nodes, in any shape that its arrays are viewed in."""
        residual, keys, boxes = views
        r = residual[window]
        r += values
        self.offer(r, keys[window], boxes[window])

    def _add_boxes(self, window: Window, values: Array) -> None:
        r = self.residual[window]
        r += values
        touched, sums = self.partition.fold(window, values)
        if sums.size == 1:
            self._add_mass(self.boxes[touched].item(), sums.item())
        else:
            self._weigh(touched, sums)

    def add_units(self, units: NDArray[np.int64], values: Array) -> None:
        at = self._places(units)
        r = self._flat[at]
        r += values
        self._flat[at] = r
        if self.partition.is_unit:
            self.offer(r, self._flat_keys[units], units)
        else:
            self._weigh_nodes(units, values)

    def _add_mass(self, node: int, value: float) -> None:
        """Add to the mass of one node; of a unit node that is its residual."""
        masses, keys = self._scalars
        masses[node] += value
        mass = masses[node]
        if mass >= self.board.floor_value:
            self._key[0] = mass
            bits = self._key_bits[0]
            if bits != keys[node]:
                self.board.queue_one(node + self.first, bits, self.to_place)

    def offer(self, mass: Array, keys: NDArray[np.int32], boxes: NDArray[np.int64]) -> None:
        self._queue(mass >= self.board.floor, mass, keys, boxes)


class Signed(LayerResiduals):
    """A layer of a walk with negative shares; `k` says how far a residual of each unit can move the attribution.

    Where residuals are multipliers, `change` is what each is multiplied with for its relevance.
    """

    def __init__(
        self,
        board: Board,
        partition: Partition,
        first: int,
        dtype: np.dtype[np.floating],
        k: Array,
        change: Array | None = None,
    ) -> None:
        super().__init__(board, partition, first, dtype)
        self._k, self._change = k, change
        self._worth = np.ones((), dtype) if change is None else np.abs(change)
        self._worth = np.broadcast_to(self._worth, partition.shape)
        self._flat_k, self._flat_worth = (
            (np.moveaxis(a, 0, -1) if self._last else a).reshape(-1) for a in (k, self._worth)
        )

    def worth_of(self, residual: Array) -> Array:
        return residual if self._change is None else residual * self._change

    def receiver(self, shape: Shape) -> Receiver | None:
        if self.partition.is_unit:
            arrays: list[Array] = [self.residual, self._k, self._worth, self.mass, self.keys, self.boxes]
            return partial(self._add, [a.reshape(shape) for a in arrays])
        return self._add_boxes if shape == self.partition.shape else None

    def take(self, node: int) -> tuple[Window, Array]:
        window, m = super().take(node)
        size = np.abs(m)
        self.board.mass -= float((size * self._worth[window]).sum())
        self.board.bound -= float((size * self._k[window]).sum())
        return window, m

    def take_unit(self, unit: int) -> float:
        m = float(self._flat[unit])
        self._flat[unit] = 0.0
        self._flat_mass[unit] = 0
        self.board.mass -= abs(m) * float(self._flat_worth[unit])
        self.board.bound -= abs(m) * float(self._flat_k[unit])
        return m

    def _add(self, views: list[Array], window: Window, values: Array) -> None:
        """Add to a window of a layer of unit nodes, in any shape that its arrays are viewed in."""
        residual, k, worth, mass, keys, boxes = views
        r = residual[window]
        before = np.abs(r)
        r += values
        size = np.abs(r)
        mass[window] = weighed = self._account(size - before, size, k[window], worth[window])
        self.offer(weighed, keys[window], boxes[window])

    def _add_boxes(self, window: Window, values: Array) -> None:
        r = self.residual[window]
        before = np.abs(r)
        r += values
        change = np.abs(r) - before
        self._weigh(*self.partition.fold(window, self._account(change, change, self._k[window], self._worth[window])))

    def add_units(self, units: NDArray[np.int64], values: Array) -> None:
        at = self._places(units)
        r, k, worth = self._flat[at], self._flat_k[at], self._flat_worth[at]
        before = np.abs(r)
        r += values
        self._flat[at] = r
        size = np.abs(r)
        change = size - before
        weighed = self._account(change, size, k, worth)
        if self.partition.is_unit:
            self._flat_mass[units] = weighed
            self.offer(weighed, self._flat_keys[units], units)
        else:
            self._weigh_nodes(units, change * (k if self.board.by_bound else worth))

    def _account(self, change: Array, size: Array, k: Array, worth: Array) -> Array:
        """Keep the running sums; gives `size` in the measure that keys are in, the mass or its part of the bound."""
        self.board.mass += float((change * worth).sum())
        self.board.bound += float((change * k).sum())
        return size * k if self.board.by_bound else size * worth

    def offer(self, mass: Array, keys: NDArray[np.int32], boxes: NDArray[np.int64]) -> None:
        self._queue((mass >= self.board.floor) | (keys != NOT_QUEUED), mass, keys, boxes)
