"""Windows that are averaged or added up, of values and of changes: what each output sees along the pooled axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import product

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.flow import Array, Flow, Message, Reach, host, inverse, is_zero
from heapwidget.engine.ops.linear import RuledFlow, not_ruled
from heapwidget.engine.rules import Rule

# For each pooled axis of x, the slice of it that each index of the output sees.
Seen = dict[int, list[slice]]
# An op on whole tensors, and its transpose.
Op = Callable[[Tensor], Tensor]


class MeanPool(Flow):
    """Any op that averages or adds up windows of x: shared in proportion to abs(x), evenly if all zero.

    `op` is the pooling itself, keeping the rank of x, and `transpose` its transpose.
    """

    family = "avg_pool"
    signed = False
    mixes = None

    def __init__(self, x: Tensor, op: Op, transpose: Op, seen: Seen) -> None:
        self._op, self._transpose, self._seen = op, transpose, seen
        self._size = x.abs()
        total, count = op(self._size), op(torch.ones_like(x))
        self.shape, self.device = tuple(total.shape), x.device
        self._over = inverse(total)
        self._evenly = torch.where(self._over == 0, inverse(count), 0)

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
        for input_window, part in _windows(self._seen, window):
            size = self._host_size[input_window]
            total = size.sum(axis=pooled, keepdims=True)
            if not (total > 1e-30).all():
                size = np.where(total > 1e-30, size, 1)
                total = size.sum(axis=pooled, keepdims=True)
            messages.append(Message(0, input_window, size * (m[part] / total)))
        return messages, {}

    def reach(self, operand: int) -> dict[int, Reach]:
        return reach_of(self._seen, len(self.shape))


class ChangePool(RuledFlow):
    """The same of changes: `op` adds up windows of x, and may average them."""

    family = "avg_pool"
    ruled = False
    mixes = None

    def __init__(self, x: Tensor, op: Op, transpose: Op, seen: Seen, rule: Rule) -> None:
        self._op, self._transpose, self._seen = op, transpose, seen
        super().__init__(x, x.new_ones(()), None, not_ruled(rule))

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        return self._op(x * w)

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        return self._transpose(s) * w

    @cached_property
    def _host_weight(self) -> Array:
        """What each output counts what it sees with."""
        count = torch.ones(self.shape, dtype=self.x.dtype)
        for axis, slices in self._seen.items():
            sizes = [1] * count.ndim
            sizes[axis] = -1
            count = count * torch.tensor([s.stop - s.start for s in slices], dtype=count.dtype).reshape(sizes)
        return host(self._op(torch.ones_like(self.x)).cpu() / count)

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        m = m * self._host_weight[window]
        sent = [(branch.terms, m * branch.scale[window], branch.rare) for branch in self._host]
        terms = [(x, w, s) for several, s, rare in sent if not rare or s.any() for x, w in several]
        # All of a window goes at once: a part alone may be negative where the whole is not.
        return [
            Message(0, input_window, sum(x[input_window] * w * s[part] for x, w, s in terms))
            for input_window, part in _windows(self._seen, window)
        ], {}

    def reach(self, operand: int) -> dict[int, Reach]:
        return reach_of(self._seen, len(self.shape))


def _windows(seen: Seen, window: Window) -> Iterator[tuple[Window, Window]]:
    """For each index that a box covers on the pooled axes: what it sees, and the part of the box that it is."""
    for index in product(*(range(window[a].start, window[a].stop) for a in seen)):
        input_window, part = list(window), [slice(None)] * len(window)
        for axis, i in zip(seen, index, strict=True):
            input_window[axis] = seen[axis][i]
            part[axis] = slice(i - window[axis].start, i - window[axis].start + 1)
        yield tuple(input_window), tuple(part)


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


def reach_of(seen: Seen, rank: int) -> dict[int, Reach]:
    """The reach along all axes: those that are not pooled see themselves."""
    return {a: Reach(0, 1, 1, a) for a in range(rank) if a not in seen} | reaches(seen)
