"""Products of stacks of matrices: by a constant, by attention weights, and of two signals."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.flow import Array, Flow, Message, Reach, add_up, host
from heapwidget.engine.ops.linear import Product
from heapwidget.engine.rules import Rule


class BatchProduct(Product):
    """x @ w with x of shape (B, M, K) and w of shape (B, K, N), w held constant."""

    def inlet(self, window: Window) -> Window:
        return (*window[:2], slice(0, self.fan_in))

    def spread(self, window: Window, s: Array, w: Array) -> Array:
        part: Array = s @ w[window[0], window[2]]
        return part

    def seeing(self, w: Array) -> Array:
        return np.repeat(w, self.shape[1], axis=0).reshape(-1, self.fan_in)

    def reach(self, operand: int) -> dict[int, Reach]:
        return {0: Reach(0, 1, 1, 0), 1: Reach(0, 1, 1, 1)}


class Bilinear(Flow):
    """a @ b of two signals, (B, M, K) and (B, K, N): half to each side, by the rule with the other held constant."""

    def __init__(self, a: Tensor, b: Tensor, rule: Rule) -> None:
        self._left = BatchProduct(a, b, None, rule)
        # (a b)^T = b^T a^T
        self._right = BatchProduct(b.mT, a.mT, None, rule)
        self.shape, self.signed = self._left.shape, rule.signed

    @property
    def device(self) -> torch.device:
        return self._left.device

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        (left,), absorbed = self._left.whole(r / 2)
        (right,), more = self._right.whole(r.mT / 2)
        for cause, value in more.items():
            add_up(absorbed, cause, value)
        return [left, right.mT], absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        left, right = self._left.amplification([k[0]]), self._right.amplification([k[1].mT])
        return (left + right.mT) / 2

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        flipped = (window[0], window[2], window[1])
        (left,), absorbed = self._left.local(window, m / 2)
        (right,), more = self._right.local(flipped, m.swapaxes(1, 2) / 2)
        for cause, value in more.items():
            add_up(absorbed, cause, value)
        batch, columns, inner = right.window
        return [left, Message(1, (batch, inner, columns), right.values.swapaxes(1, 2))], absorbed


class Interpolation(Flow):
    """Linear or cubic upsampling, (C, *positions): each output shared in proportion to abs(x) times abs(weight).

    The op is separable: `weights` holds a matrix (outputs, inputs) for each position axis.
    """

    signed = False

    def __init__(self, x: Tensor, weights: list[Tensor]) -> None:
        self._size, self._weights = x.abs(), [w.abs() for w in weights]
        total = self._along(self._size, self._weights)
        self.shape = tuple(total.shape)
        count = self._along(torch.ones_like(x), self._weights)
        self._empty = total <= 1e-30
        self._over = 1 / torch.where(self._empty, count, total)

    @property
    def device(self) -> torch.device:
        return self._size.device

    @staticmethod
    def _along(a: Tensor, matrices: list[Tensor]) -> Tensor:
        """Apply a matrix along each position axis."""
        for axis, matrix in enumerate(matrices, start=1):
            a = torch.movedim(torch.tensordot(matrix, a, dims=([1], [axis])), 0, axis)
        return a

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        back = [w.mT for w in self._weights]
        s = r * self._over
        message = self._size * self._along(s.masked_fill(self._empty, 0), back)
        return [message + self._along(s.masked_fill(~self._empty, 0), back)], {}

    def amplification(self, k: list[Tensor]) -> Tensor:
        shared = self._along(self._size * k[0], self._weights)
        return torch.where(self._empty, self._along(k[0], self._weights), shared) * self._over

    @cached_property
    def _host(self) -> tuple[Array, Array, Array, list[Array]]:
        return host(self._size), host(self._over), host(self._empty), [host(w) for w in self._weights]

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        size, over, empty, weights = self._host
        inlet, parts = [window[0]], []
        for seen, weight in zip(window[1:], weights, strict=True):
            used = np.flatnonzero(weight[seen].any(axis=0))
            inlet.append(slice(int(used[0]), int(used[-1]) + 1))
            parts.append(weight[seen, inlet[-1]])
        s = m * over[window]
        shared, evenly = s * ~empty[window], s * empty[window]
        for axis, part in enumerate(parts, start=1):
            shared = np.moveaxis(np.tensordot(part, shared, axes=([0], [axis])), 0, axis)
            evenly = np.moveaxis(np.tensordot(part, evenly, axes=([0], [axis])), 0, axis)
        return [Message(0, tuple(inlet), size[tuple(inlet)] * shared + evenly)], {}

    def reach(self, operand: int) -> dict[int, Reach]:
        return {}
