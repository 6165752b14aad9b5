"""Pooling; means, sums and norms over axes, with one window; running sums, with windows that grow.

The winner takes all of a maximum, a mean is shared in proportion to abs(x).
"""

from __future__ import annotations

import math
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Shape, Window
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Array, Flow, Message, Reach, Read, Table, host, inverse
from heapwidget.engine.graph.builder import Builder, OpFamily, Summary, each_axis
from heapwidget.engine.graph.layers import Make
from heapwidget.engine.ops.selection import extreme
from heapwidget.engine.ops.windows import ChangePool, MeanPool, Op, Seen, adaptive_windows, reaches, windows
from heapwidget.engine.rules import Factor


class MaxPool(Flow):
    """Max pooling of any rank, also adaptive, of x with shape (C, *positions).

    `winners` are flat indices into the positions, in the shape of the output, as ATen gives them.
    """

    family = "max_pool"
    signed = False

    def __init__(
        self, x: Tensor, winners: Tensor, seen: Seen, factor: Factor | None = None, rise: Tensor | None = None
    ) -> None:
        self.x, self._winners, self._seen, self._gain = x, winners, seen, None
        self.shape, self.device = tuple(winners.shape), x.device
        if factor is not None and rise is not None:
            self.change, self.signed = rise, True
            self._gain = self._passed_on(factor, rise)

    def _passed_on(self, factor: Factor, rise: Tensor) -> Tensor:
        """What the multiplier of each output is multiplied with on its way to the winner."""
        moved = self._of_winners(self.x)
        part = torch.where(moved == 0, 0, rise / torch.where(moved == 0, 1, moved))
        return self._of_winners(factor(0, self.x)) * part

    def _of_winners(self, values: Tensor) -> Tensor:
        return values.flatten(1).gather(1, self._winners.flatten(1)).reshape(self.shape)

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        if self._gain is not None:
            r = r * self._gain
        message = torch.zeros_like(self.x).flatten(1)
        message.scatter_add_(1, self._winners.flatten(1), r.flatten(1))
        return [message.reshape(self.x.shape)], {}

    def amplification(self, k: list[Tensor]) -> Tensor:
        found = self._of_winners(k[0])
        return found if self._gain is None else found * self._gain.abs()

    @cached_property
    def _host_winners(self) -> tuple[NDArray[np.intp], ...]:
        """For each position axis, the winner's index on it."""
        return np.unravel_index(self._winners.cpu().numpy(), tuple(self.x.shape[1:]))

    @cached_property
    def _host_gain(self) -> Array:
        assert self._gain is not None
        return host(self._gain)

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        winners = [w[window] for w in self._host_winners]
        if self._gain is not None:
            m = m * self._host_gain[window]
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
        ones = np.ones((winners.numel(), 1), host(self.x[:0]).dtype)
        shares = ones if self._gain is None else self._host_gain.reshape(-1, 1)
        return Table([winners.reshape(-1, 1).cpu().numpy()], [shares], {})

    def reads(self, window: Window, dtype: np.dtype[Any]) -> list[Read]:
        """All that a box looks at: its messages go to the winners alone."""
        reach, read = self.reach(0), [window[0]]
        for axis, size in enumerate(self.x.shape[1:], start=1):
            how, box = reach.get(axis), window[axis]
            low = 0 if how is None else max(how.start + how.step * box.start, 0)
            high = size if how is None else min(how.start + how.step * (box.stop - 1) + how.size, size)
            read.append(slice(low, high))
        return [Read(0, tuple(read))]

    def reach(self, operand: int) -> dict[int, Reach]:
        return reaches(self._seen)


def max_pool(builder: Builder, call: Call) -> bool:
    """Max pooling, also adaptive."""
    x, (out, winners) = call.args[0], call.out
    if out.ndim < 3 or x.shape[0] != 1:
        return False
    value, shaped = builder.signal(x), winners[0]
    seen = _seen(call, value.shape[1:], out.shape[2:])
    rise = None
    if builder.bases:
        # Where the maximum fell, the winner on the baseline fell at least as far.
        rise = builder.change(out)
        shaped = torch.where(rise > 0, shaped, builder.there(call).out[1][0])
    builder.add_layer(
        call, out, MaxPool, [builder.operand(x)], lambda rule: MaxPool(value, shaped, seen, rule.factor, rise)
    )
    return True


def _seen(call: Call, sizes: Shape, counts: Shape) -> Seen:
    """What each of some counts of outputs sees on axes of some sizes, by the arguments of a pooling."""
    if "adaptive" in call.name:
        return {1 + a: adaptive_windows(n, size) for a, (n, size) in enumerate(zip(counts, sizes, strict=True))}
    bound, rank = {"dilation": [1], **call.bound}, len(sizes)
    kernel, padding, dilation = (each_axis(bound[n], rank) for n in ("kernel_size", "padding", "dilation"))
    stride = each_axis(bound["stride"], rank) if bound["stride"] else kernel
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    return {1 + a: windows(counts[a], sizes[a], extent[a], stride[a], padding[a]) for a in range(rank)}


def mean_pool(builder: Builder, call: Call) -> bool:
    """Average pooling, also adaptive."""
    x, out = call.args[0], call.out
    if out.ndim < 3 or x.shape[0] != 1:
        return False
    value = builder.signal(x)
    seen = _seen(call, value.shape[1:], out.shape[2:])
    rest = call.args[1:]

    def op(a: Tensor) -> Tensor:
        pooled: Tensor = call.op(a[None], *rest, **call.kwargs)
        return pooled[0]

    def transpose(s: Tensor) -> Tensor:
        with torch.enable_grad():
            a = torch.zeros_like(value).requires_grad_()
            (message,) = torch.autograd.grad(op(a), a, s)
        return message

    make = pooled(builder, value, op, transpose, seen)
    builder.add_layer(call, out, MeanPool, [builder.operand(x)], make)
    return True


def pooled(builder: Builder, x: Tensor, op: Op, transpose: Op, seen: Seen) -> Make:
    """Makes the flow of an op that adds up windows, of values or of changes."""
    if builder.bases:
        return lambda rule: ChangePool(x, op, transpose, seen, rule)
    return lambda rule: MeanPool(x, op, transpose, seen)


def reduction(builder: Builder, call: Call) -> bool:
    """A mean, a sum or a norm over axes; the layer keeps the rank of x, the reduced axes of size one."""
    x = call.args[0]
    value = builder.signal(x)
    lead = x.ndim - value.ndim
    dims = call.bound.get("dim") or range(x.ndim)
    axes = sorted({d % x.ndim - lead for d in dims} - {-1}) if x.ndim else [0]
    if "ord" in call.bound:
        value = _powers(builder, x, call.out, axes, float(call.bound["ord"]))
    if not axes:
        builder.same_units(x, call.out)
        return True
    seen = {a: [slice(0, value.shape[a])] for a in axes}
    average = call.name == "mean"

    def op(a: Tensor) -> Tensor:
        return a.mean(axes, keepdim=True) if average else a.sum(axes, keepdim=True)

    size = prod(value.shape[a] for a in axes) if average else 1

    def transpose(s: Tensor) -> Tensor:
        return (s / size).expand(value.shape)

    kept = [a for a in range(value.ndim) if a not in axes]
    operand = builder.operand(x)
    channel_axis = builder.channels_of(operand)
    builder.add_layer(
        call,
        call.out,
        MeanPool,
        [operand],
        pooled(builder, value, op, transpose, seen),
        op="norm" if "ord" in call.bound else call.name,
        shape=tuple(1 if a in axes else s for a, s in enumerate(value.shape)),
        # Positions are what one averages over.
        channel_axis=kept[0] if channel_axis is None and len(kept) == 1 else channel_axis,
    )
    builder.sums_up(call.out, Summary(call.name, x))
    return True


def _powers(builder: Builder, x: Tensor, out: Tensor, axes: list[int], order: float) -> Tensor:
    """What a norm sums, which is what its gradient gives: abs(x) ** order, of what is scaled so that none vanishes."""
    size = builder.value(x).abs()
    largest = size.amax(axes, keepdim=True) if axes else size
    scale = torch.where(largest > 0, largest, 1)
    powers = (size / scale) ** order
    if not builder.bases:
        return powers
    others = [(b.abs() / scale) ** order for b in builder.base(x)]
    moved = powers - sum(others[1:], others[0]) / len(others)
    # The norm rises where the sum of the powers does: it is shared out as they share in that.
    total = moved.sum(axes, keepdim=True) if axes else moved
    return moved * builder.change(out).reshape(total.shape) * inverse(total)


def norm(builder: Builder, call: Call) -> bool:
    """The norm of a vector, homogeneous of degree one: its shares add up to one."""
    order = float(call.bound["ord"])
    if math.isinf(order):
        return extreme(builder, call)
    return order > 0 and reduction(builder, call)


def running_sum(builder: Builder, call: Call) -> bool:
    """Each position sees all those before it, and itself."""
    x = call.args[0]
    value = builder.signal(x)
    axis = call.bound["dim"] % max(x.ndim, 1) - (x.ndim - value.ndim) if x.ndim else 0
    if axis < 0:
        builder.same_units(x, call.out)
        return True
    operand = builder.operand(x)
    channels = builder.channels_of(operand)

    def op(a: Tensor) -> Tensor:
        return a.cumsum(axis)

    def transpose(s: Tensor) -> Tensor:
        return s.flip(axis).cumsum(axis).flip(axis)

    seen = {axis: [slice(0, i + 1) for i in range(value.shape[axis])]}
    builder.add_layer(
        call,
        call.out,
        MeanPool,
        [operand],
        pooled(builder, value, op, transpose, seen),
        op=call.name,
        channel_axis=1 - axis if channels is None and value.ndim == 2 else channels,
    )
    return True


_MAXIMA = ("max_pool2d_with_indices", "max_pool3d_with_indices")
_MEANS = ("avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d")
FAMILY = OpFamily(
    {
        **dict.fromkeys((*_MAXIMA, *(f"adaptive_max_pool{rank}d" for rank in (1, 2, 3))), max_pool),
        **dict.fromkeys((*_MEANS, "_adaptive_avg_pool2d", "_adaptive_avg_pool3d"), mean_pool),
        **dict.fromkeys(("mean", "sum"), reduction),
        "linalg_vector_norm": norm,
        "cumsum": running_sum,
    },
    (MaxPool, MeanPool, ChangePool),
)
