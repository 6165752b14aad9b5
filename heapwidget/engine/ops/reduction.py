"""Means, sums and norms over axes, pooling with one window; running sums, with windows that grow."""

from __future__ import annotations

import math
from math import prod

import torch
from torch import Tensor

from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder
from heapwidget.engine.ops.family import OpFamily
from heapwidget.engine.ops.pooling import MeanPool
from heapwidget.engine.ops.selection import extreme


def reduction(builder: Builder, call: Call) -> bool:
    """A mean, a sum or a norm over axes; the layer keeps the rank of x, the reduced axes of size one."""
    x = call.args[0]
    value = builder.value(x)
    lead = x.ndim - value.ndim
    dims = call.bound.get("dim") or range(x.ndim)
    axes = sorted({d % x.ndim - lead for d in dims} - {-1}) if x.ndim else [0]
    if "ord" in call.bound:
        value = _powers(value, axes, float(call.bound["ord"]))
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
    channel_axis = builder.channel_axis_of(x)
    builder.add_layer(
        call,
        call.out,
        MeanPool,
        [builder.operand(x)],
        lambda rule: MeanPool(value, op, transpose, seen),
        op="norm" if "ord" in call.bound else call.name,
        shape=tuple(1 if a in axes else s for a, s in enumerate(value.shape)),
        # Positions are what one averages over.
        channel_axis=kept[0] if channel_axis is None and len(kept) == 1 else channel_axis,
    )
    return True


def _powers(value: Tensor, axes: list[int], order: float) -> Tensor:
    """What a norm sums, which is what its gradient gives: abs(x) ** order, of what is scaled so that none vanishes."""
    size = value.abs()
    largest = size.amax(axes, keepdim=True) if axes else size
    return (size / torch.where(largest > 0, largest, 1)) ** order


def norm(builder: Builder, call: Call) -> bool:
    """The norm of a vector, homogeneous of degree one: its shares add up to one."""
    order = float(call.bound["ord"])
    if math.isinf(order):
        return extreme(builder, call)
    return order > 0 and reduction(builder, call)


def running_sum(builder: Builder, call: Call) -> bool:
    """Each position sees all those before it, and itself."""
    x = call.args[0]
    value = builder.value(x)
    axis = call.bound["dim"] % max(x.ndim, 1) - (x.ndim - value.ndim) if x.ndim else 0
    if axis < 0:
        builder.same_units(x, call.out)
        return True
    channels = builder.channel_axis_of(x)

    def op(a: Tensor) -> Tensor:
        return a.cumsum(axis)

    def transpose(s: Tensor) -> Tensor:
        return s.flip(axis).cumsum(axis).flip(axis)

    seen = {axis: [slice(0, i + 1) for i in range(value.shape[axis])]}
    builder.add_layer(
        call,
        call.out,
        MeanPool,
        [builder.operand(x)],
        lambda rule: MeanPool(value, op, transpose, seen),
        op=call.name,
        channel_axis=1 - axis if channels is None and value.ndim == 2 else channels,
    )
    return True


FAMILY = OpFamily({"mean": reduction, "sum": reduction, "linalg_vector_norm": norm, "cumsum": running_sum}, (MeanPool,))
