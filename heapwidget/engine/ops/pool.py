"""Pooling: the winner takes all of a maximum, a mean is shared in proportion to abs(x)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.flow import Array, Flow, Message, Reach, Table, host, inverse, is_zero

# For each pooled axis of x, the slice of it that each index of the output sees.
Seen = dict[int, list[slice]]


class MaxPool(Flow):
    """Max pooling of any rank, also adaptive, of x with shape (C, *positions).

    `winners` are flat indices into the positions, in the shape of the output, as ATen gives them.
    """

    signed = False

    def __init__(self, x: Tensor, winners: Tensor, seen: Seen) -> None:
        self.x, self._winners, self._seen = x, winners, seen
        self.shape = tuple(winners.shape)

    @property
    def device(self) -> torch.device:
        return self.x.device

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        message = torch.zeros_like(self.x).flatten(1)
        message.scatter_add_(1, self._winners.flatten(1), r.flatten(1))
        return [message.reshape(self.x.shape)], {}

    def amplification(self, k: list[Tensor]) -> Tensor:
        return k[0].flatten(1).gather(1, self._winners.flatten(1)).reshape(self.shape)

    @cached_property
    def _host_winners(self) -> tuple[NDArray[np.intp], ...]:
        """For each position axis, the winner's index on it."""
        return np.unravel_index(self._winners.cpu().numpy(), tuple(self.x.shape[1:]))

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        winners = [w[window] for w in self._host_winners]
        if m.size == 1:
            at = (int(w.item()) for w in winners)
            return [Message(0, (window[0], *(slice(i, i + 1) for i in at)), m)], {}
        spans = [slice(int(w.min()), int(w.max()) + 1) for w in winners]
        values = np.zeros((len(m), *(s.stop - s.start for s in spans)), m.dtype)
        channels = np.arange(len(m)).reshape(-1, *[1] * (m.ndim - 1))
        np.add.at(values, (channels, *(w - s.start for w, s in zip(winners, spans, strict=True))), m)
        return [Message(0, (window[0], *spans), values)], {}

    def table(self) -> Table:
        size = prod(self.x.shape[1:])
        winners = self._winners.flatten(1) + size * torch.arange(len(self._winners), device=self.device)[:, None]
        return Table(
            [winners.reshape(-1, 1).cpu().numpy()], [np.ones((winners.numel(), 1), host(self.x[:0]).dtype)], {}
        )

    def reach(self, operand: int) -> dict[int, Reach]:
        return reaches(self._seen)


class MeanPool(Flow):
    """Any op that averages or adds up windows of x: shared in proportion to abs(x), evenly if all zero.

    `op` is the pooling itself, keeping the rank of x, and `transpose` its transpose.
    """

    signed = False

    def __init__(
        self, x: Tensor, op: Callable[[Tensor], Tensor], transpose: Callable[[Tensor], Tensor], seen: Seen
    ) -> None:
        self._op, self._transpose, self._seen = op, transpose, seen
        self._size = x.abs()
        total, count = op(self._size), op(torch.ones_like(x))
        self.shape = tuple(total.shape)
        self._over = inverse(total)
        self._evenly = torch.where(self._over == 0, inverse(count), 0)

    @property
    def device(self) -> torch.device:
        return self._size.device

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        message = self._size * self._transpose(r * self._over)
        if not is_zero(self._evenly):
            message = message + self._transpose(r * self._evenly)
        return [message], {}

    def amplification(self, k: list[Tensor]) -> Tensor:
        return self._op(self._size * k[0]) * self._over + self._op(k[0]) * self._evenly

    @cached_property
    def _host_size(self) -> Array:
        return host(self._size)

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        """One message for each index that the box covers on the pooled axes."""
        messages = []
        pooled = tuple(self._seen)
        for index in product(*(range(window[a].start, window[a].stop) for a in pooled)):
            inlet, part = list(window), [slice(None)] * len(window)
            for axis, i in zip(pooled, index, strict=True):
                inlet[axis] = self._seen[axis][i]
                part[axis] = slice(i - window[axis].start, i - window[axis].start + 1)
            size = self._host_size[tuple(inlet)]
            total = size.sum(axis=pooled, keepdims=True)
            if not (total > 1e-30).all():
                size = np.where(total > 1e-30, size, 1)
                total = size.sum(axis=pooled, keepdims=True)
            messages.append(Message(0, tuple(inlet), size * (m[tuple(part)] / total)))
        return messages, {}

    def reach(self, operand: int) -> dict[int, Reach]:
        kept = {a: Reach(0, 1, 1, a) for a in range(len(self.shape)) if a not in self._seen}
        return kept | reaches(self._seen)


def windows(n: int, size: int, kernel: int, stride: int, padding: int) -> list[slice]:
    """What each of n outputs sees on an axis of `size`, padding cut off."""
    return [slice(max(i * stride - padding, 0), min(i * stride - padding + kernel, size)) for i in range(n)]


def adaptive_windows(n: int, size: int) -> list[slice]:
    """What each of n outputs of an adaptive pooling sees on an axis of `size`."""
    return [slice(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]


def reaches(seen: Seen) -> dict[int, Reach]:
    """The reach along each pooled axis on which the windows are evenly spaced."""
    found = {}
    for axis, slices in seen.items():
        size = max(s.stop - s.start for s in slices)
        step = slices[1].stop - slices[0].stop if len(slices) > 1 else 0
        start = slices[0].stop - size
        if all(start + step * i <= s.start and s.stop <= start + step * i + size for i, s in enumerate(slices)):
            found[axis] = Reach(start, step, size, axis)
    return found
