"""Slow twins: what each op does with relevance, as a dense matrix of shares, in plain loops from the formulas.

`Shares.to[n][j, i]` is the share of unit j's relevance that goes to entry i of operand n, and `Shares.absorbed` the
share that each cause takes. All is float64, all shapes are flattened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

Op = Callable[[Tensor], Tensor]


class Shares(NamedTuple):
    to: list[np.ndarray]
    absorbed: dict[str, np.ndarray]


def dense(op: Op, shape: Sequence[int]) -> np.ndarray:
    """The matrix of a linear op, (outputs, inputs): the op run on each unit vector."""
    columns = []
    for i in range(int(np.prod(shape))):
        unit = torch.zeros(int(np.prod(shape)), dtype=torch.float64)
        unit[i] = 1
        columns.append(op(unit.reshape(tuple(shape))).detach().numpy().ravel())
    return np.stack(columns, axis=1)


def divide(a: np.ndarray, d: np.ndarray) -> np.ndarray:
    """A / d by row, 0 where d is 0."""
    over = np.array([1 / v if v != 0 else 0.0 for v in d])
    return a * (over[:, None] if a.ndim == 2 else over)


def zplus(x: np.ndarray, w: np.ndarray, b: np.ndarray, bias: bool) -> Shares:
    """x+ w+ + x- w- over the sum of the same, positive biases beside them on request."""
    x_plus, x_minus = np.maximum(x, 0), np.minimum(x, 0)
    w_plus, w_minus = np.maximum(w, 0), np.minimum(w, 0)
    parts = w_plus * x_plus + w_minus * x_minus
    b_plus = np.maximum(b, 0) if bias else np.zeros_like(b)
    d = parts.sum(axis=1) + b_plus
    return Shares([divide(parts, d)], {"bias": divide(b_plus, d), "dead end": (d == 0) * 1.0})


def zplus_of_products(x: np.ndarray, w: np.ndarray) -> Shares:
    """The same without biases, and where nothing pulls up by abs(x w)."""
    shares = zplus(x, w, np.zeros(len(w)), bias=False)
    by_size, alone = proportional(np.abs(w * x)), shares.absorbed["dead end"]
    to = shares.to[0] + alone[:, None] * by_size.to[0]
    return Shares([to], {"dead end": alone * by_size.absorbed["dead end"]})


def epsilon(x: np.ndarray, w: np.ndarray, b: np.ndarray, e: float) -> Shares:
    """z_ij / (z_j + e sign z_j), sign(0) = +1."""
    z_ij = w * x
    z = z_ij.sum(axis=1) + b
    stabiliser = e * np.where(z >= 0, 1.0, -1.0)
    d = z + stabiliser
    return Shares(
        [divide(z_ij, d)], {"bias": divide(b, d), "stabiliser": divide(stabiliser, d), "dead end": (d == 0) * 1.0}
    )


def gamma(x: np.ndarray, w: np.ndarray, b: np.ndarray, g: float) -> Shares:
    """Z > 0: [x+ (w + g w+) + x- (w + g w-)] / (their sum + b + g b+); else with the signs of w and b swapped."""
    x_plus, x_minus = np.maximum(x, 0), np.minimum(x, 0)
    z = (w * x).sum(axis=1) + b
    parts, biases = np.zeros_like(w), np.zeros_like(b)
    for j, row in enumerate(w):
        up, down = row + g * np.maximum(row, 0), row + g * np.minimum(row, 0)
        parts[j] = x_plus * up + x_minus * down if z[j] > 0 else x_plus * down + x_minus * up
        biases[j] = b[j] + g * (max(b[j], 0) if z[j] > 0 else min(b[j], 0))
    d = parts.sum(axis=1) + biases
    return Shares([divide(parts, d)], {"bias": divide(biases, d), "dead end": (d == 0) * 1.0})


def alpha_beta(x: np.ndarray, w: np.ndarray, b: np.ndarray, alpha: float, beta: float) -> Shares:
    """Alpha pos / sum pos - beta neg / sum neg, biases among them on their side."""
    pos, neg = np.maximum(w * x, 0), np.minimum(w * x, 0)
    b_pos, b_neg = np.maximum(b, 0), np.minimum(b, 0)
    sums = pos.sum(axis=1) + b_pos, neg.sum(axis=1) + b_neg
    lost = alpha * (sums[0] == 0) - beta * (sums[1] == 0)
    bias = alpha * divide(b_pos, sums[0]) - beta * divide(b_neg, sums[1])
    to = alpha * divide(pos, sums[0]) - beta * divide(neg, sums[1])
    return Shares([to], {"bias": bias, "dead end": lost})


def proportional(parts: np.ndarray) -> Shares:
    """Each part over the sum of all."""
    d = parts.sum(axis=1)
    return Shares([divide(parts, d)], {"dead end": (d == 0) * 1.0})


def flat(connected: np.ndarray) -> Shares:
    """The same for every input that the unit is connected to."""
    return proportional(connected * 1.0)


class Axis(NamedTuple):
    """How a pooling sees one axis."""

    kernel: int
    stride: int
    padding: int
    dilation: int = 1
    ceil: bool = False

    def outputs(self, size: int) -> int:
        """PyTorch's documented output size; in ceil mode the last window must start in the input or its left pad."""
        reach = size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1
        count = (-(-reach // self.stride) if self.ceil else reach // self.stride) + 1
        if self.ceil and (count - 1) * self.stride >= size + self.padding:
            count -= 1
        return count

    def windows(self, size: int) -> list[list[int]]:
        """The input indices that each output sees."""
        return [
            [i for k in range(self.kernel) if 0 <= (i := o * self.stride - self.padding + k * self.dilation) < size]
            for o in range(self.outputs(size))
        ]


def adaptive(size: int, outputs: int) -> list[list[int]]:
    """The windows of an adaptive pooling: from floor(o n / m) to ceil((o + 1) n / m)."""
    return [list(range(o * size // outputs, -(-(o + 1) * size // outputs))) for o in range(outputs)]


def pool(
    x: np.ndarray, windows: Sequence[Sequence[Sequence[int]]], share: Callable[[np.ndarray], np.ndarray]
) -> Shares:
    """Pool x (C, *positions): `windows` by axis; `share` gives the shares of a window's values."""
    rows = []
    index = np.arange(x.size).reshape(x.shape)
    for channel in range(len(x)):
        for seen in product(*windows):
            row = np.zeros(x.size)
            entries = [index[(channel, *at)] for at in product(*seen)]
            row[entries] = share(x.ravel()[entries])
            rows.append(row)
    return Shares([np.array(rows)], {})


def winner(values: np.ndarray) -> np.ndarray:
    """All to the first of the largest."""
    best = 0
    for i, value in enumerate(values):
        if value > values[best]:
            best = i
    return np.eye(len(values))[best]


def by_size(values: np.ndarray) -> np.ndarray:
    """In proportion to abs(x), evenly where all is zero."""
    total = sum(abs(v) for v in values)
    return np.abs(values) / total if total > 0 else np.full(len(values), 1 / len(values))


def reduced(x: np.ndarray, axes: Sequence[int]) -> Shares:
    """A mean or sum over axes, in proportion to abs(x)."""
    rows = []
    index = np.arange(x.size).reshape(x.shape)
    for at in product(*(range(1) if a in axes else range(s) for a, s in enumerate(x.shape))):
        window = tuple(slice(None) if a in axes else i for a, i in enumerate(at))
        row = np.zeros(x.size)
        entries = index[window].ravel()
        row[entries] = by_size(x.ravel()[entries])
        rows.append(row)
    return Shares([np.array(rows)], {})


def added(active: Sequence[np.ndarray], constant: np.ndarray | None = None) -> Shares:
    """A sum: abs(a) over the sum of all abs, a constant among them; evenly between the active ones where all are 0."""
    sides = [a.ravel() for a in active]
    n = len(sides[0])
    to = [np.zeros((n, n)) for _ in sides]
    taken = np.zeros(n)
    for j in range(n):
        c = 0.0 if constant is None else abs(constant.ravel()[j])
        total = sum(abs(a[j]) for a in sides) + c
        for share, a in zip(to, sides, strict=True):
            share[j, j] = abs(a[j]) / total if total > 0 else 1 / len(sides)
        taken[j] = c / total if total > 0 else 0.0
    return Shares(to, {"constant": taken})


def parted(shares: Sequence[np.ndarray]) -> Shares:
    """Ops that meet unit by unit, with the share of each side given."""
    return Shares([np.diag(s.ravel()) for s in shares], {})


def gradient_times_input(op: Callable[..., Tensor], operands: Sequence[Tensor]) -> Shares:
    """x_i dz_j/dx_i / z_j, over the degree of what is homogeneous; the rest remains."""
    z = op(*operands).detach().numpy().ravel()
    jacobians = torch.autograd.functional.jacobian(op, tuple(operands))
    parts = [j.numpy().reshape(len(z), -1) * x.numpy().ravel() for j, x in zip(jacobians, operands, strict=True)]
    doubled = op(*(2 * x for x in operands)).detach().numpy().ravel()
    grown = zip(z, doubled, strict=True)
    degree = np.array([next((n for n in range(2, 9) if a and np.isclose(b, 2**n * a)), 1) for a, b in grown])
    to = [divide(part, z * degree) for part in parts]
    rest = np.where(z == 0, 0.0, 1 - sum(m.sum(axis=1) for m in to))
    return Shares(to, {"remainder": rest, "dead end": (z == 0) * 1.0})


def by_weight(x: np.ndarray, matrix: np.ndarray, constant: np.ndarray | None = None) -> Shares:
    """A sum with weights: abs(w x) over the sum of all, constants beside them; where all are 0, evenly."""
    to, taken = np.zeros(matrix.shape), np.zeros(len(matrix))
    for j, row in enumerate(matrix):
        seen = [i for i, w in enumerate(row) if abs(w) > 1e-12]
        beside = 0.0 if constant is None else abs(constant.ravel()[j])
        total = sum(abs(row[i] * x.ravel()[i]) for i in seen) + beside
        for i in seen:
            to[j, i] = abs(row[i] * x.ravel()[i]) / total if total > 0 else 1 / len(seen)
        taken[j] = 1 - to[j].sum() if not seen else beside / total if total > 0 else 0.0
    return Shares([to], {"constant": taken})
