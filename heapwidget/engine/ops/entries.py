"""Sparse matrices: which entries are summed to which unit with which weight, one flow for all such ops."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Shape, Window
from heapwidget.engine.flow import CONSTANT, Array, Message, Read, Table, add_up
from heapwidget.engine.ops.linear import TABLE_LIMIT, RuledFlow, not_ruled
from heapwidget.engine.rules import Branch, Rule, Term

# A box of x is sent in one piece if it has at most this many numbers more for each that is needed, and so many more.
SPARE, SMALL = 4, 256


class Matrix(NamedTuple):
    """Its entries by unit, then by entry of x, both flat: none comes twice, none is zero."""

    unit: Tensor
    entry: Tensor
    weight: Tensor

    @classmethod
    def of(cls, unit: Tensor, entry: Tensor, weight: Tensor) -> Matrix:
        """The matrix of any entries; those that come twice are summed."""
        width = int(entry.max()) + 1 if entry.numel() else 1
        keys, order = (unit * width + entry).sort(stable=True)
        first = torch.ones_like(keys, dtype=torch.bool)
        first[1:] = keys.diff() > 0
        summed = weight.new_zeros(keys.shape).index_add_(0, first.cumsum(0) - 1, weight[order])
        keys, summed = keys[first], summed[: int(first.sum())]
        kept = summed != 0
        return cls(keys[kept] // width, keys[kept] % width, summed[kept])


class Entries(RuledFlow):
    """z_j = sum of x_i w_ij over the entries of a sparse matrix, plus b, with x and z of any shapes."""

    family = "matmul"
    mixes: ClassVar[int | None] = 0

    def __init__(self, x: Tensor, matrix: Matrix, b: Tensor | None, shape: Shape, rule: Rule) -> None:
        self._unit, self._entry, self._result = matrix.unit, matrix.entry, shape
        super().__init__(x, matrix.weight, b, rule)

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        z = x.new_zeros(prod(self._result))
        return z.index_add_(0, self._unit, x.reshape(-1)[self._entry] * w).reshape(self._result)

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        message = s.new_zeros(self.x.numel())
        return message.index_add_(0, self._entry, s.reshape(-1)[self._unit] * w).reshape(self.x.shape)

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        return np.arange(prod(self.shape)).reshape(self.shape)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Where the entries of each unit begin, and behind the last one where they end."""
        return np.searchsorted(self._unit.cpu().numpy(), np.arange(prod(self.shape) + 1))

    @cached_property
    def _at(self) -> NDArray[np.int64]:
        """Where in x each entry is: (axes of x, entries)."""
        return np.stack(np.unravel_index(self._entry.cpu().numpy(), tuple(self.x.shape)))

    def _seen(self, window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The matrix's entries that a box has, and which of the box's units each is of."""
        units = self._numbers[window].reshape(-1)
        first, count = self._starts[units], self._starts[units + 1] - self._starts[units]
        steps = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(first, count) + steps, np.repeat(np.arange(len(units)), count)

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        entries, owner = self._seen(window)
        at, absorbed = self._at[:, entries], dict[str, float]()
        values = np.zeros(len(entries), m.dtype)
        for branch in self._host:
            s = (m * branch.scale[window]).reshape(-1)[owner]
            for x, w in branch.terms:
                values += s * w[entries] * x[tuple(at)]
            for cause, share in branch.absorbing.items():
                add_up(absorbed, cause, float((m * share[window]).sum()))
        return [self._message(at[:, piece], values[piece]) for piece in _pieces(at)], absorbed

    @staticmethod
    def _message(at: NDArray[np.int64], values: Array) -> Message:
        """The smallest box with some entries of x, those that come twice summed."""
        low, high = at.min(axis=1), at.max(axis=1) + 1
        box = np.zeros(high - low, values.dtype)
        np.add.at(box, tuple(at - low[:, None]), values)
        return Message(0, tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)), box)

    def reads(self, window: Window, dtype: np.dtype[Any]) -> list[Read]:
        """The entries that get a share, as of all linear ops."""
        messages, _ = self.local(window, np.ones([s.stop - s.start for s in window], dtype))
        return [Read(m.operand, m.window, m.values != 0) for m in messages]

    def table(self) -> Table | None:
        count = np.diff(self._starts)
        fan_in = int(count.max(initial=1))
        if len(count) * fan_in > TABLE_LIMIT:
            return None
        unit, places = np.repeat(np.arange(len(count)), count), np.arange(self._starts[-1])
        column = places - self._starts[unit]
        entries = np.full((len(count), fan_in), -1)
        entries[unit, column] = self._entry.cpu().numpy()
        shares = np.zeros(entries.shape, self._host[0].scale.dtype)
        absorbed: dict[str, Array] = {}
        for branch in self._host:
            scale = branch.scale.reshape(-1)[unit]
            for x, w in branch.terms:
                shares[unit, column] += x[tuple(self._at)] * w * scale
            for cause, share in branch.absorbing.items():
                absorbed[cause] = absorbed.get(cause, 0) + share.reshape(-1)
        return Table([entries], [shares], absorbed)


def _pieces(at: NDArray[np.int64]) -> Iterator[NDArray[np.int64] | slice]:
    """Entries of x (axes, entries) cut where many lie between them: which are sent together."""
    if not at.shape[1]:
        return
    if np.prod(at.max(axis=1) - at.min(axis=1) + 1) <= SPARE * at.shape[1] + SMALL:
        yield slice(None)
        return
    for line in at:
        order = line.argsort(kind="stable")
        cuts = np.flatnonzero(np.diff(line[order]) > 1) + 1
        if len(cuts):
            for piece in np.split(order, cuts):
                for part in _pieces(at[:, piece]):
                    yield piece[part]
            return
    yield slice(None)


class ChangeSum(Entries):
    """A sum or mean of changes of known entries."""

    family = ""
    ruled = False
    mixes = None

    def __init__(self, x: Tensor, matrix: Matrix, shape: Shape, rule: Rule) -> None:
        super().__init__(x, matrix, None, shape, not_ruled(rule))


# The smallest sum that is divided by, as of all flows.
NOTHING = 1e-30
BY_SIZE = Rule(
    "by size",
    "by size",
    (
        Branch((Term(torch.abs, torch.abs),), bias=torch.abs, only=lambda z: z > NOTHING),
        Branch((Term(torch.ones_like, torch.ones_like),), only=lambda z: z <= NOTHING),
    ),
    signed=False,
)


class Summed(Entries):
    """A sum or mean of known entries: in proportion to abs(x) and the weight, evenly where all are zero.

    `constant` holds the sizes of what is summed beside them.
    """

    family = ""
    ruled = False
    mixes = None

    def __init__(self, x: Tensor, matrix: Matrix, constant: Tensor | None, shape: Shape) -> None:
        sizes = matrix._replace(weight=matrix.weight.abs())
        super().__init__(x.abs(), sizes, constant, shape, BY_SIZE)
        for branch in self._branches:
            # Where nothing is summed the unit is a constant too.
            taken = list(branch.absorbing.values())
            branch.absorbing.clear()
            if taken:
                branch.absorbing[CONSTANT] = sum(taken[1:], taken[0])
