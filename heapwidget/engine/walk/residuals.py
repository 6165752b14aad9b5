"""Where relevance lies while a walk goes on: residuals by unit, masses and keys by node, and the heap of nodes.

Keys are the masses as float32, so a key's bit pattern orders like the key. A heap entry packs (largest first, smaller
id first) into one integer: the node id less the key's bits, shifted above it. Entries that no longer match their node's
key are stale.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Partition, Window
from heapwidget.engine.flow import Array, Table
from heapwidget.engine.graph.operands import Operand

ID_BITS = 32
ID_MASK = (1 << ID_BITS) - 1
NOT_QUEUED = -1

# NumPy takes an array of no axes faster than a Python number.
_SHIFT = np.array(ID_BITS)


class Board:
    """What all layers share: the heap, the keys of all nodes, the log, and the running sums of the ledger.

    Attributes
    ----------
    heap
        Packed entries, stale ones included.
    keys
        For each node the bits of its key, or `NOT_QUEUED`.
    by_bound
        Whether keys are a node's part of the bound, sum of k * abs(residual), and not its mass.
    explained, mass, bound
        Relevance on the input; sum of abs(residual); sum of k * abs(residual).
    absorbed
        By layer number and cause.
    """

    def __init__(self, n_nodes: int, floor: float, signed: bool, by_bound: bool = False) -> None:
        self.heap: list[int] = []
        self.keys = np.full(n_nodes, NOT_QUEUED, np.int32)
        self.signed, self.by_bound = signed or by_bound, by_bound
        self.set_floor(floor)
        self.explained = self.mass = self.bound = 0.0
        self.absorbed: dict[tuple[int, str], float] = {}
        self.absorbed_total = 0.0
        self.log_nodes: list[NDArray[np.int64]] = []
        self.log_keys: list[NDArray[np.float32]] = []
        self.log_size = 0

    def set_floor(self, floor: float) -> None:
        """The least key, as a number and as an array of no axes."""
        self.floor_value, self.floor = floor, np.array(floor)

    def absorb(self, layer: int, causes: dict[str, float]) -> None:
        """Write what a layer absorbed into the ledger."""
        for cause, value in causes.items():
            self.absorbed[layer, cause] = self.absorbed.get((layer, cause), 0.0) + value
            self.absorbed_total += value

    def log(self, nodes: NDArray[np.int64], keys: NDArray[np.float32]) -> None:
        """Note new keys."""
        self.log_nodes.append(nodes)
        self.log_keys.append(keys)
        self.log_size += len(nodes)

    def queue(self, nodes: NDArray[np.int64], bits: NDArray[np.int32]) -> None:
        """Push or re-key nodes."""
        self.keys[nodes] = bits
        self.log(nodes, bits.view(np.float32))
        heap = self.heap
        for entry in (nodes - (bits.astype(np.int64) << _SHIFT)).tolist():
            heappush(heap, entry)

    def queue_one(self, node: int, bits: int) -> None:
        """Push or re-key one node."""
        self.keys[node] = bits
        self.log(np.array([node]), np.array([bits], np.int32).view(np.float32))
        heappush(self.heap, node - (bits << ID_BITS))


class Store:
    """The residuals of one layer and the masses of its nodes.

    In a walk without negative shares, residuals are their own masses: unit nodes need no second array.
    """

    def __init__(self, board: Board, partition: Partition, first: int, k: Array, dtype: np.dtype[np.floating]) -> None:
        self.board, self.partition, self.first = board, partition, first
        # Boxes of a map are windows of few positions and many channels: these lie side by side.
        self._last = not partition.is_unit and len(partition.shape) > 2
        order = (*range(1, len(partition.shape)), 0) if self._last else range(len(partition.shape))
        memory = np.zeros([partition.shape[a] for a in order], dtype)
        self.residual: Array = np.moveaxis(memory, -1, 0) if self._last else memory
        alias = partition.is_unit and not board.signed
        self.mass = self.residual if alias else np.zeros(partition.grid, dtype)
        self.boxes = np.arange(partition.n_nodes).reshape(partition.grid)
        self.keys = board.keys[first : first + partition.n_nodes].reshape(partition.grid)
        self._k = k
        self._flat, self._flat_mass = memory.reshape(-1), self.mass.reshape(-1)
        self._flat_keys = self.keys.reshape(-1)
        # Plain Python reads and writes single entries faster through these than through the arrays.
        self._scalars: tuple[Any, Any] = (self._flat_mass.data, self._flat_keys.data)
        key = np.empty(1, np.float32)
        self._key, self._key_bits = key.data, key.view(np.int32).data
        self._flat_k = (np.moveaxis(k, 0, -1) if self._last else k).reshape(-1)

    @property
    def takes_single_units(self) -> bool:
        """Whether `add_mass` adds to a unit."""
        return self.partition.is_unit and not self.board.signed and not isinstance(self, InputStore)

    def take(self, node: int) -> tuple[Window, Array]:
        """Empty a node: its window, and the residuals that were in it."""
        partition = self.partition
        window = partition.window(node)
        m = self.residual[window].copy()
        self.residual[window] = 0
        if self.mass is not self.residual:
            self._flat_mass[node] = 0
        if self.board.signed:
            size = np.abs(m)
            self.board.mass -= float(size.sum())
            self.board.bound -= float((size * self._k[window]).sum())
        return window, m

    def take_unit(self, unit: int) -> float:
        """Empty a unit node."""
        m = float(self._flat[unit])
        self._flat[unit] = 0.0
        if self.board.signed:
            self._flat_mass[unit] = 0
            self.board.mass -= abs(m)
            self.board.bound -= abs(m) * float(self._flat_k[unit])
        return m

    def add(
        self,
        residual: Array,
        keys: NDArray[np.int32],
        mass: Array,
        boxes: NDArray[np.int64],
        window: Window,
        values: Array,
    ) -> None:
        """Add to a window of a unit-node layer, in any shape that its arrays are viewed in."""
        r = residual[window]
        if self.board.signed:
            before = np.abs(r)
            r += values
            size = np.abs(r)
            mass[window] = weighed = self._account(size - before, size, self._k.reshape(residual.shape)[window])
            self.offer(weighed, keys[window], boxes[window])
        else:
            r += values
            self.offer(r, keys[window], boxes[window])

    def add_boxes(self, window: Window, values: Array) -> None:
        """Add to a window of a layer whose nodes are larger than a unit."""
        r = self.residual[window]
        if self.board.signed:
            before = np.abs(r)
            r += values
            change = np.abs(r) - before
            change = self._account(change, change, self._k[window])
        else:
            r += values
            change = values
        touched, sums = self.partition.fold(window, change)
        if sums.size == 1 and not self.board.signed:
            self.add_mass(self.boxes[touched].item(), sums.item())
            return
        mass = self.mass[touched]
        mass += sums
        np.maximum(mass, 0, out=mass)
        self.offer(mass, self.keys[touched], self.boxes[touched])

    def _account(self, change: Array, size: Array, k: Array) -> Array:
        """Keep the running sums; gives `size` in the measure that keys are in, the mass or its part of the bound."""
        self.board.mass += float(change.sum())
        self.board.bound += float((change * k).sum())
        return size * k if self.board.by_bound else size

    def scatter(self, units: NDArray[np.int64], values: Array) -> None:
        """Add to single units, given by flat index, which may come more than once."""
        units, place = np.unique(units, return_inverse=True)
        self.add_units(units, np.bincount(place, values).astype(values.dtype))

    def add_units(self, units: NDArray[np.int64], values: Array) -> None:
        """Add to single units, given by flat index, each once."""
        at = self._places(units)
        r = self._flat[at]
        if self.board.signed:
            before = np.abs(r)
            r += values
            k, size = self._flat_k[at], np.abs(r)
            change = size - before
            size = self._account(change, size, k)
            change = change * k if self.board.by_bound else change
        else:
            r += values
            size, change = r, values
        self._flat[at] = r
        if self.partition.is_unit:
            if self.board.signed:
                self._flat_mass[units] = size
            self.offer(size, self._flat_keys[units], units)
            return
        nodes, place = np.unique(self.partition.node_of_unit.reshape(-1)[units], return_inverse=True)
        mass = np.maximum(self._flat_mass[nodes] + np.bincount(place, change).astype(r.dtype), 0)
        self._flat_mass[nodes] = mass
        self.offer(mass, self._flat_keys[nodes], nodes)

    def add_mass(self, node: int, value: float) -> None:
        """Add to the mass of one node in a walk without negative shares; of a unit node that is its residual."""
        masses, keys = self._scalars
        masses[node] += value
        mass = masses[node]
        if mass >= self.board.floor_value:
            self._key[0] = mass
            bits = self._key_bits[0]
            if bits != keys[node]:
                self.board.queue_one(node + self.first, bits)

    def _places(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where units lie in memory."""
        if not self._last:
            return units
        channel, position = np.divmod(units, self._flat.size // self.partition.shape[0])
        places: NDArray[np.int64] = position * self.partition.shape[0] + channel
        return places

    def offer(self, mass: Array, keys: NDArray[np.int32], boxes: NDArray[np.int64]) -> None:
        """Queue those of the boxes whose mass reached the floor, or changed while they were queued."""
        bits = mass.astype(np.float32, copy=False).view(np.int32)
        hit = mass >= self.board.floor
        if self.board.signed:
            hit |= keys != NOT_QUEUED
        hit &= bits != keys
        at = hit.nonzero()
        if len(at[0]):
            self.board.queue(boxes[at] + self.first, bits[at])


class InputStore(Store):
    """An input: what arrives is collected, never popped, and logged by position; `mass` keeps its sign."""

    def __init__(self, board: Board, partition: Partition, first: int, dtype: np.dtype[np.floating]) -> None:
        super().__init__(board, partition, first, np.ones(partition.shape, dtype), dtype)
        self.mass = np.zeros(partition.grid, dtype)
        self._flat_mass = self.mass.reshape(-1)

    def receive(self, window: Window, values: Array) -> None:
        """Collect what came to a window of the input."""
        self.residual[window] += values
        self.board.explained += float(values.sum())
        touched, sums = self.partition.fold(window, values)
        self._collect(touched, sums, self.mass[touched], self.boxes[touched])

    def _collect(self, at: Window | NDArray[np.int64], sums: Array, before: Array, nodes: NDArray[np.int64]) -> None:
        mass = self.mass if isinstance(at, tuple) else self._flat_mass
        mass[at] = now = before + sums
        changed = sums != 0
        self.board.log(nodes[changed] + self.first, now[changed].astype(np.float32))

    def add_units(self, units: NDArray[np.int64], values: Array) -> None:
        self._flat[self._places(units)] += values
        self.board.explained += float(values.sum())
        if self.partition.is_unit:
            self._flat_mass[units] = now = self._flat[units]
            self.board.log(units + self.first, now.astype(np.float32, copy=False))
            return
        nodes, place = np.unique(self.partition.node_of_unit.reshape(-1)[units], return_inverse=True)
        sums = np.bincount(place, values).astype(self.mass.dtype)
        self._collect(nodes, sums, self._flat_mass[nodes], nodes)


_Run = tuple[list[int], NDArray[np.int64], Array, Callable[[NDArray[np.int64], Array], None]]


_NOTHING: dict[str, float] = {}


class UnitTable:
    """The messages of a layer of unit nodes, ready to be sent: a run of (unit, share) for each operand and unit."""

    def __init__(self, table: Table, stores: list[Store], operands: tuple[Operand, ...]) -> None:
        self._runs: list[_Run] = []
        self._singles: list[tuple[list[int], list[float], Callable[[int, float], None]]] = []
        for entries, shares, operand in zip(table.entries, table.shares, operands, strict=True):
            assert operand.layer is not None
            store, sent = stores[operand.layer], (entries >= 0) & (shares != 0)
            counts = sent.sum(axis=1)
            if (counts <= 1).all() and store.takes_single_units:
                # A winner that takes all needs no arrays.
                first = sent.argmax(axis=1)[:, None]
                units = np.where(counts, np.take_along_axis(entries, first, 1)[:, 0], -1)
                taken = np.take_along_axis(shares, first, 1)[:, 0]
                self._singles.append((units.tolist(), taken.tolist(), store.add_mass))
            else:
                ends = [0, *np.cumsum(counts).tolist()]
                self._runs.append((ends, entries[sent], shares[sent], store.add_units))
        self._m = np.zeros((), table.shares[0].dtype)
        self._causes = [(cause, share.tolist()) for cause, share in table.absorbed.items() if share.any()]

    def send(self, unit: int, m: float) -> dict[str, float]:
        """Pass on `m` from a unit; gives what was absorbed by which cause."""
        for single, taken, add_mass in self._singles:
            if single[unit] >= 0:
                add_mass(single[unit], taken[unit] * m)
        self._m[...] = m
        for ends, units, shares, add in self._runs:
            start, end = ends[unit], ends[unit + 1]
            if start < end:
                add(units[start:end], shares[start:end] * self._m)
        return {cause: share[unit] * m for cause, share in self._causes} if self._causes else _NOTHING
