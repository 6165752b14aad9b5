"""Convolutions with a constant weight."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Array, Flow, Reach, Table, host, packed
from heapwidget.engine.graph.builder import Builder, OpFamily, each_axis
from heapwidget.engine.ops.linear import LinearFlow, Weights
from heapwidget.engine.rules import Rule

# From a box of so many numbers torch passes on.
LARGE = 2**11


class Conv(LinearFlow):
    """A convolution of any rank, stride, padding, dilation and groups, also transposed.

    `settings` are the arguments of `aten.convolution` after the bias: stride, padding, dilation, transposed,
    output_padding, groups.
    """

    family = "conv"

    def __init__(self, x: Tensor, w: Tensor, b: Tensor | None, rule: Rule, settings: tuple[Any, ...]) -> None:
        self.settings = settings
        stride, padding, dilation, transposed, _, groups = settings
        rank = x.ndim - 1
        self._stride, self._padding, self._dilation = (each_axis(v, rank) for v in (stride, padding, dilation))
        self._transposed, self._groups = transposed, groups
        super().__init__(x, w, b, rule)

    def rows(self, w: Tensor) -> Array:
        depthwise = self._groups == len(w) and w.shape[1] == 1
        return host(w) if depthwise else packed(w)

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        out: Tensor = torch.ops.aten.convolution(x[None], w, None, *self.settings)
        return out[0]

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        grads = torch.ops.aten.convolution_backward(
            s[None], self.x[None], w, None, *self.settings, [True, False, False]
        )
        message: Tensor = grads[0][0]
        return message

    @cached_property
    def _axes(self) -> list[list[tuple[slice, slice]]]:
        """For each position axis and index on it: the inputs seen, and the part of the kernel that sees them."""
        axes = []
        for a, size in enumerate(self.x.shape[1:]):
            step, kernel = self._dilation[a], self.w.shape[2 + a]
            seen = []
            for i in range(self.shape[1 + a]):
                base = i * self._stride[a] - self._padding[a]
                first, last = max(0, -(base // step)), min(kernel, -((base - size) // step))
                if first < last:
                    window = slice(base + first * step, base + (last - 1) * step + 1, step)
                    seen.append((window, slice(first, last)))
                else:
                    seen.append((slice(0, 0), slice(0, 0)))
            axes.append(seen)
        return axes

    def input_window(self, window: Window) -> Window | None:
        channels, *positions = window
        out, inner = self.shape[0], self.w.shape[1]
        count = channels.stop - channels.start
        if self._transposed or count not in (1, out) or (count == out and self._is_whole(positions)):
            return None
        if count == out:
            inputs = slice(0, self.x.shape[0])
        else:
            group = channels.start // (out // self._groups)
            inputs = slice(group * inner, (group + 1) * inner)
        if all(p.stop - p.start == 1 for p in positions):
            return (inputs, *(self._axes[a][p.start][0] for a, p in enumerate(positions)))
        return (inputs, *(self._region(a, p) for a, p in enumerate(positions)))

    def _is_whole(self, positions: list[slice]) -> bool:
        """Whether a box holds all of several positions: then a whole pass is quicker."""
        sizes = [p.stop - p.start for p in positions]
        return sizes == list(self.shape[1:]) and prod(sizes) > 1

    def _region(self, axis: int, positions: slice) -> slice:
        """The inputs from the first to the last that a run of positions sees, padding cut off."""
        lo, hi = self._span(axis, positions)
        size = self.x.shape[1 + axis]
        return slice(min(max(lo, 0), size), max(min(hi, size), 0))

    def _span(self, axis: int, positions: slice) -> tuple[int, int]:
        """The inputs from the first to the last that a run of positions sees, padding included."""
        stride, padding = self._stride[axis], self._padding[axis]
        extent = self._dilation[axis] * (self.w.shape[2 + axis] - 1) + 1
        return positions.start * stride - padding, (positions.stop - 1) * stride - padding + extent

    def spread(self, window: Window, s: Array, w: Array) -> Array:
        channels, *positions = window
        if s.size == len(s):
            kernel = tuple(self._axes[a][p.start][1] for a, p in enumerate(positions))
            return self._spread_position(channels, kernel, s, w)
        groups = self._groups if len(s) == self.shape[0] else 1
        w = w[channels].reshape(groups, len(s) // groups, w.shape[1], *w.shape[2:])
        return self._spread_region(positions, s.reshape(groups, len(s) // groups, -1), w)

    def _spread_position(self, channels: slice, kernel: Window, s: Array, w: Array) -> Array:
        """From one position, or a single unit there: the part `kernel` of the weights, which lies within x."""
        if len(s) == 1:
            part: Array = w[(channels.start, slice(None), *kernel)] * s.item()
            return part
        if self._groups == 1:
            flat: Array = s.reshape(-1) @ w.reshape(len(s), -1)
        elif self._groups == len(s):
            # A product of one by one matrices: NumPy multiplies faster than it loops over them.
            flat = w * s.reshape(-1, *[1] * (w.ndim - 1))
        else:
            flat = s.reshape(self._groups, 1, -1) @ w.reshape(self._groups, len(s) // self._groups, -1)
        return flat.reshape(-1, *w.shape[2:])[(slice(None), *kernel)]

    def _spread_region(self, positions: list[slice], s: Array, w: Array) -> Array:
        """From several positions: add up over the kernel, one offset at a time, then cut the padding off."""
        spans = [self._span(a, p) for a, p in enumerate(positions)]
        counts = [p.stop - p.start for p in positions]
        if s.size >= LARGE:
            out = self._transposed_by_torch(s, w, counts)
        else:
            out = self._by_offset(s, w, counts, [hi - lo for lo, hi in spans])
        cut = tuple(
            slice(seen.start - lo, seen.stop - lo)
            for seen, (lo, _) in zip((self._region(a, p) for a, p in enumerate(positions)), spans, strict=True)
        )
        return out[(slice(None), *cut)]

    def _transposed_by_torch(self, s: Array, w: Array, counts: list[int]) -> Array:
        """From many numbers: torch's own transpose, whose calls cost more and whose loops less."""
        none = [0] * len(counts)
        given = torch.from_numpy(np.ascontiguousarray(s)).reshape(1, -1, *counts)
        weight = torch.from_numpy(np.ascontiguousarray(w)).reshape(given.shape[1], *w.shape[2:])
        out = torch.ops.aten.convolution(
            given, weight, None, self._stride, none, self._dilation, True, none, w.shape[0]
        )
        array: Array = out[0].numpy()
        return array

    def _by_offset(self, s: Array, w: Array, counts: list[int], sizes: list[int]) -> Array:
        """From few: one offset of the kernel at a time."""
        out = np.zeros((w.shape[0] * w.shape[2], *sizes), s.dtype)
        by_offset = w.reshape(*w.shape[:3], -1)
        for number, offset in enumerate(product(*(range(k) for k in w.shape[3:]))):
            at = tuple(
                slice(k * d, k * d + (n - 1) * t + 1, t)
                for k, d, n, t in zip(offset, self._dilation, counts, self._stride, strict=True)
            )
            part = by_offset[..., number].swapaxes(1, 2) @ s
            out[(slice(None), *at)] += part.reshape(-1, *counts)
        return out

    @property
    def fan_in(self) -> int:
        return self.w[0].numel()

    def table(self) -> Table | None:
        return None if self._transposed else super().table()

    def seen(self, values: Array) -> Array:
        """Slide the kernel over the padded values, and give each output channel those of its group."""
        rank, groups = len(self._padding), self._groups
        padded = np.pad(values, [(0, 0), *((p, p) for p in self._padding)])
        extents = [d * (k - 1) + 1 for d, k in zip(self._dilation, self.w.shape[2:], strict=True)]
        slid = sliding_window_view(padded, extents, axis=tuple(range(1, 1 + rank)))
        steps = [slice(None, None, t) for t in self._stride] + [slice(None, None, d) for d in self._dilation]
        slid = slid[(slice(None), *steps)]
        by_group = slid.reshape(groups, -1, *slid.shape[1:])
        by_position = np.moveaxis(by_group, 1, 1 + rank).reshape(groups, 1, -1, self.fan_in)
        return np.broadcast_to(by_position, (groups, self.shape[0] // groups, *by_position.shape[2:])).reshape(
            -1, self.fan_in
        )

    def seeing(self, w: Array) -> Array:
        return np.repeat(w.reshape(len(w), -1), prod(self.shape[1:]), axis=0)

    def reach(self, operand: int) -> dict[int, Reach]:
        if self._transposed:
            return {}
        return {
            1 + a: Reach(-p, t, d * (k - 1) + 1, 1 + a)
            for a, (p, t, d, k) in enumerate(
                zip(self._padding, self._stride, self._dilation, self.w.shape[2:], strict=True)
            )
        }


def convolution(builder: Builder, call: Call) -> bool:
    """A convolution with a constant weight."""
    x, w, b, *settings = call.args
    transposed = settings[3]
    if not builder.active(x) or builder.active(w) or x.shape[0] != 1 or x.ndim != w.ndim:
        return False
    weights, value = Weights(builder, w, b, 1 if transposed else 0), builder.signal(x)

    def make(rule: Rule) -> Flow:
        bias = None if weights.b is None else weights.b.reshape(-1, *[1] * (value.ndim - 1))
        return Conv(value, weights.w, bias, rule, tuple(settings))

    merge = None if transposed else weights.merge
    builder.add_layer(call, call.out, Conv, [builder.operand(x)], make, merge=merge)
    return True


FAMILY = OpFamily({"convolution": convolution}, (Conv,))
