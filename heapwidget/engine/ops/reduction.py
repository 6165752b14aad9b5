"""Means and sums over axes: pooling with one window."""

from __future__ import annotations

from math import prod

from torch import Tensor

from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder
from heapwidget.engine.ops.family import OpFamily
from heapwidget.engine.ops.pooling import MeanPool


def reduction(builder: Builder, call: Call) -> bool:
    """A mean or sum over axes; the layer keeps the rank of x, the reduced axes of size one."""
    x = call.args[0]
    value = builder.value(x)
    lead = x.ndim - value.ndim
    dims = call.bound.get("dim") or range(x.ndim)
    axes = sorted({d % x.ndim - lead for d in dims} - {-1}) if x.ndim else [0]
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
        lambda rule: MeanPool(value, op, transpose, seen),
        op=call.name,
        shape=tuple(1 if a in axes else s for a, s in enumerate(value.shape)),
        # Positions are what one averages over.
        channel_axis=kept[0] if channel_axis is None and len(kept) == 1 else channel_axis,
    )
    return True


FAMILY = OpFamily({"mean": reduction, "sum": reduction}, (MeanPool,))
