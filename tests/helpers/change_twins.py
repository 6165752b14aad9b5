"""Slow twins of the shares of changes: what each entry of x contributes to each unit's change, from the identities.

A matrix c of contributions holds at [j, i] what entry i of x contributes to the change of unit j; its rows sum to the
changes. All is float64, all shapes are flattened.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from helpers import slow_twins as twins
from helpers.nets import Fn
from torch import Tensor

from heapwidget.engine.capture import record
from heapwidget.engine.capture.pairs import paired
from heapwidget.engine.graph.builder import build
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.ops import add_call

Op = Callable[[Tensor], Tensor]


def graph_of_changes(net: torch.nn.Module | Op, x: Tensor, *bases: Tensor) -> Graph:
    """The graph of a net on x and on baselines."""
    net = net if isinstance(net, torch.nn.Module) else Fn(net)
    recording = record(net, x)
    others = [record(net, base) for base in bases]
    return build(recording, add_call, [paired(recording, other) for other in others])


def along(c: np.ndarray, connected: np.ndarray | None = None) -> np.ndarray:
    """Shares of what goes the way of the change; where that is 0 by size, and where nothing changes evenly."""
    rows = []
    for j, row in enumerate(c):
        d = row.sum()
        going = np.abs(row) if d == 0 else np.where(row * d > 0, np.abs(row), 0)
        if not going.any():
            going = np.ones_like(row) if connected is None else (connected[j] != 0) * 1.0
        rows.append(going / going.sum() if going.any() else going)
    return np.array(rows)


def linear(op: Op, x: Tensor, base: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Contributions to a linear op with any constant beside it, and its matrix."""
    nothing = op(torch.zeros_like(x))
    matrix = twins.dense(lambda t: op(t) - nothing, tuple(x.shape))
    return matrix * (x - base).numpy().ravel(), matrix


def multiplied(a: np.ndarray, b: np.ndarray, a0: np.ndarray, b0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What two vectors contribute to the change of their product."""
    return np.diag((a - a0) * (b + b0) / 2), np.diag((b - b0) * (a + a0) / 2)


def divided(a: np.ndarray, b: np.ndarray, a0: np.ndarray, b0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for a quotient: a product with the reciprocal."""
    return multiplied(a, 1 / b, a0, 1 / b0)


def matrices(a: np.ndarray, b: np.ndarray, a0: np.ndarray, b0: np.ndarray) -> np.ndarray:
    """What the entries of two matrices contribute to the change of a @ b: the first's, then the second's."""
    (rows, inner), columns = a.shape, b.shape[1]
    c = np.zeros((rows, columns, a.size + b.size))
    for i, j, k in product(range(rows), range(columns), range(inner)):
        c[i, j, i * inner + k] = (a - a0)[i, k] * (b + b0)[k, j] / 2
        c[i, j, a.size + k * columns + j] = (b - b0)[k, j] * (a + a0)[i, k] / 2
    return c.reshape(rows * columns, -1)


def largest(windows: list[list[int]], x: np.ndarray, base: np.ndarray) -> np.ndarray:
    """To the winner on x where the maximum rose, to the winner on the baseline where it fell or stayed."""
    c = np.zeros((len(windows), x.size))
    for j, seen in enumerate(windows):
        here, there = (seen[int(np.argmax(values[seen]))] for values in (x, base))
        rise = x[here] - base[there]
        c[j, here if rise > 0 else there] = rise
    return c


def norm(x: np.ndarray, base: np.ndarray, order: float) -> np.ndarray:
    """Of a norm of a vector: in proportion to the changes of the powers."""
    powers = np.abs(x) ** order - np.abs(base) ** order
    change = (np.abs(x) ** order).sum() ** (1 / order) - (np.abs(base) ** order).sum() ** (1 / order)
    return (powers * change / powers.sum())[None]


def path(op: Op, x: Tensor, base: Tensor, steps: int = 4000) -> np.ndarray:
    """The gradient along the straight line from the baseline to x, times the change, by the midpoint rule."""
    total = np.zeros((op(x).numel(), x.numel()))
    for step in range(steps):
        at = base + (x - base) * (step + 0.5) / steps
        jacobian = torch.autograd.functional.jacobian(op, at)
        total += jacobian.reshape(total.shape).numpy()
    return total / steps * (x - base).numpy().ravel()
