"""Linear and cubic upsampling, as one matrix for each axis."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Array, Flow, Message, host
from heapwidget.engine.graph.builder import Builder, OpFamily
from heapwidget.engine.ops.linear import RuledFlow, not_ruled
from heapwidget.engine.rules import Rule


class Interpolation(Flow):
    """Linear or cubic upsampling, (C, *positions): each output shared in proportion to abs(x) times abs(weight).

    The op is separable: `weights` holds a matrix (outputs, inputs) for each position axis.
    """

    family = "upsample"
    signed = False

    def __init__(self, x: Tensor, weights: list[Tensor]) -> None:
        self._size, self._weights = x.abs(), [w.abs() for w in weights]
        total = along_axes(self._size, self._weights)
        self.shape, self.device = tuple(total.shape), x.device
        count = along_axes(torch.ones_like(x), self._weights)
        self._empty = total <= 1e-30
        self._over = 1 / torch.where(self._empty, count, total)

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        back = [w.mT for w in self._weights]
        s = r * self._over
        message = self._size * along_axes(s.masked_fill(self._empty, 0), back)
        return [message + along_axes(s.masked_fill(~self._empty, 0), back)], {}

    def amplification(self, k: list[Tensor]) -> Tensor:
        shared = along_axes(self._size * k[0], self._weights)
        return torch.where(self._empty, along_axes(k[0], self._weights), shared) * self._over

    @cached_property
    def _host(self) -> tuple[Array, Array, Array, list[Array]]:
        return host(self._size), host(self._over), host(self._empty), [host(w) for w in self._weights]

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        size, over, empty, weights = self._host
        input_window, parts = [window[0]], []
        for seen, weight in zip(window[1:], weights, strict=True):
            used = np.flatnonzero(weight[seen].any(axis=0))
            input_window.append(slice(int(used[0]), int(used[-1]) + 1))
            parts.append(weight[seen, input_window[-1]])
        s = m * over[window]
        shared, evenly = s * ~empty[window], s * empty[window]
        for axis, part in enumerate(parts, start=1):
            shared = np.moveaxis(np.tensordot(part, shared, axes=([0], [axis])), 0, axis)
            evenly = np.moveaxis(np.tensordot(part, evenly, axes=([0], [axis])), 0, axis)
        return [Message(0, tuple(input_window), size[tuple(input_window)] * shared + evenly)], {}


class ChangeInterpolation(RuledFlow):
    """The same of changes."""

    family = "upsample"
    ruled = False

    def __init__(self, x: Tensor, weights: list[Tensor], rule: Rule) -> None:
        # All matrices in one, side by side.
        self._cuts = [0, *np.cumsum([w.numel() for w in weights]).tolist()]
        self._shapes = [w.shape for w in weights]
        super().__init__(x, torch.cat([w.reshape(-1) for w in weights]), None, not_ruled(rule))

    def _matrices(self, w: Tensor) -> list[Tensor]:
        cuts = zip(self._cuts, self._cuts[1:], self._shapes, strict=False)
        return [w[first:end].reshape(shape) for first, end, shape in cuts]

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        return along_axes(x, self._matrices(w))

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        return along_axes(s, [matrix.mT for matrix in self._matrices(w)])

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        input_window, values = [window[0]], None
        for seen, matrix in zip(window[1:], self._matrices(self.w), strict=True):
            used = matrix[seen].any(dim=0).nonzero()
            input_window.append(slice(int(used[0]), int(used[-1]) + 1))
        at = tuple(input_window)
        for branch, whole in zip(self._host, self._branches, strict=True):
            s = m * branch.scale[window]
            if branch.rare and not s.any():
                continue
            for (x, _), (_, w) in zip(branch.terms, whole.terms, strict=True):
                part = s
                for axis, matrix in enumerate(self._matrices(w), start=1):
                    near = host(matrix[window[axis], at[axis]])
                    part = np.moveaxis(np.tensordot(near, part, axes=([0], [axis])), 0, axis)
                values = x[at] * part if values is None else values + x[at] * part
        assert values is not None
        return [Message(0, at, values)], {}


def along_axes(a: Tensor, matrices: list[Tensor]) -> Tensor:
    """Apply a matrix along each position axis."""
    for axis, matrix in enumerate(matrices, start=1):
        a = torch.movedim(torch.tensordot(matrix, a, dims=([1], [axis])), 0, axis)
    return a


def interpolation(builder: Builder, call: Call) -> bool:
    """Linear and cubic upsampling, as one matrix for each axis."""
    x = call.args[0]
    if x.shape[0] != 1:
        return False
    value = builder.signal(x)
    weights = [_axis_weights(call, value, axis) for axis in range(1, value.ndim)]

    def make(rule: Rule) -> Flow:
        return ChangeInterpolation(value, weights, rule) if builder.bases else Interpolation(value, weights)

    builder.add_layer(call, call.out, Interpolation, [builder.operand(x)], make)
    return True


def _axis_weights(call: Call, value: Tensor, axis: int) -> Tensor:
    """What each output along an axis takes of each input: the op on one unit vector a channel, constant elsewhere."""
    size = value.shape[axis]
    shape = [1] * value.ndim
    shape[0], shape[axis] = size, size
    unit = torch.eye(size, dtype=value.dtype, device=value.device).reshape(shape).expand(size, *value.shape[1:])
    out: Tensor = call.op(unit[None], *call.args[1:], **call.kwargs)[0]
    rest = tuple(0 if a not in (0, axis) else slice(None) for a in range(value.ndim))
    return out[rest].mT


_OPS = ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d")
FAMILY = OpFamily(dict.fromkeys(_OPS, interpolation), (Interpolation, ChangeInterpolation))
