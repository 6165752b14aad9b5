"""The winners: maxima and order statistics take all, as they are."""

from __future__ import annotations

import math

from torch import Tensor

from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder, OpFamily, Summary
from heapwidget.engine.ops.arithmetic import chosen


def extreme_along(builder: Builder, call: Call) -> bool:
    """The winner along an axis, or entries in order: the op's own indices say which."""
    values, indices = call.out
    bound = call.bound
    dim = bound.get("dim")
    if dim is None:
        return False
    kept = bound.get("keepdim", True) or values.ndim == call.args[0].ndim

    def units(at: Tensor) -> Tensor:
        return builder.units(call.args[0]).gather(dim, at if kept else at.unsqueeze(dim)).reshape(values.shape)

    if not builder.bases:
        builder.moved(values, units(indices))
        return True
    lowest = call.name in ("min", "cummin")
    chosen(builder, call, values, units(indices), units(builder.there(call).out[1]), lowest=lowest)
    builder.sums_up(values, Summary(call.name, call.args[0]))
    return True


def extreme(builder: Builder, call: Call) -> bool:
    """The winner over some axes takes all; in a norm, by its size."""
    t, order = call.args[0], call.bound.get("ord")
    dims = call.bound.get("dim") or list(range(t.ndim))
    dims = [d % t.ndim for d in ([dims] if isinstance(dims, int) else dims)]
    rest = [d for d in range(t.ndim) if d not in dims]
    lowest = call.name in ("amin", "min") or order == -math.inf

    def winners(values: Tensor) -> Tensor:
        size = values if order is None else values.abs()
        by_rest = [a.permute(*rest, *dims).reshape(*(t.shape[d] for d in rest), -1) for a in (size, builder.units(t))]
        winner = by_rest[0].argmin(-1, keepdim=True) if lowest else by_rest[0].argmax(-1, keepdim=True)
        return by_rest[1].gather(-1, winner).reshape(call.out.shape)

    if not builder.bases:
        builder.moved(call.out, winners(t))
        return True
    chosen(builder, call, call.out, winners(t), winners(builder.there(call).args[0]), lowest=lowest)
    builder.sums_up(call.out, Summary(call.name, t))
    return True


def extreme_of(builder: Builder, call: Call) -> bool:
    """`max` and `min`: over everything, along an axis, or of two tensors, which is an op of its own."""
    if call.op._overloadname == "dim":
        return extreme_along(builder, call)
    return call.op._overloadname == "default" and extreme(builder, call)


FAMILY = OpFamily(
    {
        **dict.fromkeys(("sort", "topk", "cummax", "cummin", "median", "kthvalue", "mode"), extreme_along),
        **dict.fromkeys(("amax", "amin"), extreme),
        **dict.fromkeys(("max", "min"), extreme_of),
    }
)
