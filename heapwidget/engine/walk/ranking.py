"""Certified ranking: how many of the first positions nothing that is still on its way can displace.

A residual ends in positions that its node sees, and nowhere else. So a position's contribution is off by no more than
the residuals (times k, where signs differ) of the nodes that see it. The first n positions are certain, as a set, once
the least that each of them can end with is above the most that any other can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Partition, Shape
from heapwidget.engine.flow import Array, host
from heapwidget.engine.walk.heap import Board
from heapwidget.engine.walk.residuals import Residuals

Numbers = NDArray[np.float64]

# What a unit sees of the inputs: (start, step, size, axis) for each of their position axes; `None` where it is all.
Seen = Sequence[tuple[int, int, int, int | None]] | None

# The walk is looked at after its first pops, and then each time that it is longer by one part in so many.
FIRST, PARTS = 32, 12
# Units in the last place that a message can be off by, on its way through one layer.
ROUNDING = 8


class _Span(NamedTuple):
    """Which nodes along an axis of a layer see each position along an axis of an input: those of [low, high)."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]


@dataclass(frozen=True)
class _View:
    """How a layer's nodes see one input: axes of the grid that do not matter, the others in the order of the input's.

    `at` is where along the axes of the input anything is seen, and `spans` has an entry for each, `None` where all
    nodes see the same.
    """

    number: int
    dropped: tuple[int, ...]
    order: tuple[int, ...]
    spans: tuple[_Span | None, ...]
    at: tuple[slice, ...]

    def spread(self, masses: Array, into: Numbers) -> None:
        """Give each position the masses of all nodes that see it."""
        found = masses.sum(axis=self.dropped, dtype=np.float64).transpose(self.order)
        for axis, span in enumerate(self.spans):
            if span is None:
                found = np.expand_dims(found, axis)
                continue
            sums = np.zeros([n + (a == axis) for a, n in enumerate(found.shape)])
            rest = [slice(None)] * axis
            np.cumsum(found, axis=axis, out=sums[(*rest, slice(1, None))])
            found = sums.take(span.high, axis) - sums.take(span.low, axis)
        into[self.at] += found


def _view(number: int, part: Partition, seen: Sequence[tuple[int, int, int, int | None]], lengths: Shape) -> _View:
    """How the nodes of a layer see an input with position axes of these lengths."""
    order: list[int] = []
    spans: list[_Span | None] = []
    at: list[slice] = []
    for (start, step, size, axis), length in zip(seen, lengths, strict=True):
        if axis is None or axis in order:
            # Of an axis that was met before, all that its nodes see together.
            end = start + size + (0 if axis is None else step * (part.shape[axis] - 1))
            spans.append(None)
            at.append(slice(max(start, 0), min(max(end, 0), length)))
            continue
        first = np.arange(part.grid[axis]) * part.box[axis]
        last = np.minimum(first + part.box[axis], part.shape[axis]) - 1
        place = np.arange(length)
        low = np.searchsorted(start + step * last + size, place, side="right")
        high = np.searchsorted(start + step * first, place, side="right")
        order.append(axis)
        spans.append(_Span(low, np.maximum(high, low)))
        at.append(slice(None))
    kept = sorted(order)
    dropped = tuple(a for a in range(len(part.grid)) if a not in order)
    return _View(number, dropped, tuple(kept.index(a) for a in order), tuple(spans), tuple(at))


class Ranking:
    """How many of the first positions are certain as a walk goes on.

    Attributes
    ----------
    due
        After how many pops it wants to look at the walk again.
    """

    def __init__(
        self,
        board: Board,
        stores: Sequence[Residuals],
        shapes: Sequence[Shape],
        fields: Sequence[Seen],
        k: Sequence[Tensor] | None,
        toward: float,
    ) -> None:
        """`shapes` are those of the inputs' positions; the largest is the first `toward` 1, the smallest toward -1."""
        self._board, self._toward, self._shapes, n_inputs = board, toward, list(shapes), len(shapes)
        self._inputs = list(stores[:n_inputs])
        self._seen_by_all: list[tuple[Residuals, Array | float]] = []
        self._seen_by_some: list[tuple[Residuals, Array | float, list[_View]]] = []
        for number, (store, seen) in enumerate(zip(stores, fields, strict=True)):
            if number < n_inputs:
                continue
            # Keys that are parts of the bound hold k already.
            weight = 1.0 if k is None or board.by_bound else _largest(store.partition, k[number])
            if seen is None:
                self._seen_by_all.append((store, weight))
            else:
                self._seen_by_some.append((store, weight, self._views_of(store.partition, seen)))
        self._relative = ROUNDING * float(np.finfo(stores[0].mass.dtype).eps) * len(stores)
        self._absolute = self._relative * board.bound if board.signed else 0.0
        self._found: list[tuple[int, int]] = []
        self.due = FIRST

    def _views_of(self, part: Partition, seen: Sequence[tuple[int, int, int, int | None]]) -> list[_View]:
        views, first = [], 0
        for number, lengths in enumerate(self._shapes):
            own = seen[first : first + len(lengths)]
            first += len(lengths)
            if all(size for _, _, size, _ in own):
                views.append(_view(number, part, own, lengths))
        return views

    def look(self, pops: int) -> int:
        """Note how many are certain after so many pops; gives when to look again."""
        self._found.append((pops, self.count()))
        self.due = pops + max(pops // PARTS, 1)
        return self.due

    def column(self, pops: int) -> NDArray[np.int64]:
        """How many are certain after each of the pops so far: what was found last, and at the end what holds now."""
        counts = np.zeros(pops, np.int64)
        for after, count in self._found:
            counts[after - 1 :] = np.maximum(counts[after - 1 :], count)
        if pops and not (self._found and self._found[-1][0] == pops):
            counts[-1] = max(counts[-1], self.count())
        return counts

    def count(self) -> int:
        """How many are certain now."""
        parts = [s.partition.sums(s.residual).reshape(-1) for s in self._inputs]
        arrived: Array = parts[0] if len(parts) == 1 else np.concatenate(parts)
        everywhere = sum(float(_weighted(s.mass, k).sum(dtype=np.float64)) for s, k in self._seen_by_all)
        # What all see may come to any: nothing is certain whose lead is smaller.
        if not float(arrived.max()) - float(arrived.min()) > everywhere:
            return 0
        left = self._left(everywhere)
        if not np.isfinite(left).all():
            return 0
        slack = self._relative * (np.abs(arrived) + left) + self._absolute
        least, most = arrived - slack, arrived + slack + left
        if self._board.signed:
            least -= left
        return settled(least, most) if self._toward > 0 else settled(-most, -least)

    def _left(self, everywhere: float) -> Numbers:
        """For each position the residuals of all nodes that see it."""
        left = [np.full(shape, everywhere, np.float64) for shape in self._shapes]
        for store, k, views in self._seen_by_some:
            if store.mass.any():
                masses = _weighted(store.mass, k)
                for view in views:
                    view.spread(masses, left[view.number])
        return np.concatenate([part.reshape(-1) for part in left])


def _weighted(masses: Array, k: Array | float) -> Array:
    """Masses times k; nothing times an infinite k is nothing."""
    if isinstance(k, float):
        return masses if k == 1 else masses * k
    return np.multiply(masses, k, where=masses != 0, out=np.zeros(masses.shape))


def _largest(part: Partition, k: Tensor) -> Array | float:
    """The largest k in each node; one number where all are the same."""
    low, high = (float(end) for end in torch.aminmax(k))
    if low == high and high < inf:
        return high
    found = host(k).astype(np.float64)
    for axis, (box, size) in enumerate(zip(part.box, part.shape, strict=True)):
        if box > 1:
            found = np.maximum.reduceat(found, np.arange(0, size, box), axis=axis)
    return found


def settled(least: Numbers, most: Numbers) -> int:
    """Of how many positions the least value is above the most of all others, and above 0: the largest such set.

    All positions together are no set to speak of, so one is left out: none but that with the smallest of all.
    """
    outside = max(float(most.min()), 0.0)
    inside = least > outside
    # Those that are left out for sure say more.
    outside = max(outside, float(most[~inside].max(initial=-inf)))
    inside &= least > outside
    order = np.flatnonzero(inside)
    if not len(order):
        return 0
    outside = max(outside, float(most[~inside].max(initial=-inf)))
    order = order[np.argsort(-least[order])]
    rest = np.maximum.accumulate(np.append(most[order], outside)[::-1])[::-1][1:]
    certain = np.flatnonzero(least[order] > rest)
    return int(certain[-1]) + 1 if len(certain) else 0
