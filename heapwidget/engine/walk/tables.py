"""Messages of single units, worked out beforehand: a layer's table, ready to be sent row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from heapwidget.engine.flow import Array, Table
from heapwidget.engine.graph.layers import Operand
from heapwidget.engine.walk.residuals import Residuals

_Run = tuple[list[int], NDArray[np.int64], Array, Callable[[NDArray[np.int64], Array], None]]

_NOTHING: dict[str, float] = {}


class UnitTable:
    """The messages of a layer of unit nodes, ready to be sent: a run of (unit, share) for each operand and unit."""

    def __init__(self, table: Table, stores: list[Residuals], operands: tuple[Operand, ...]) -> None:
        self._runs: list[_Run] = []
        self._singles: list[tuple[list[int], list[float], Callable[[int, float], None]]] = []
        for entries, shares, operand in zip(table.entries, table.shares, operands, strict=True):
            assert operand.layer is not None
            store, sent = stores[operand.layer], (entries >= 0) & (shares != 0)
            counts = sent.sum(axis=1)
            if (counts <= 1).all() and store.add_single is not None:
                # A winner that takes all needs no arrays.
                first = sent.argmax(axis=1)[:, None]
                units = np.where(counts, np.take_along_axis(entries, first, 1)[:, 0], -1)
                taken = np.take_along_axis(shares, first, 1)[:, 0]
                self._singles.append((units.tolist(), taken.tolist(), store.add_single))
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
