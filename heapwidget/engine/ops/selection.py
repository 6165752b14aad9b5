"""The winners: maxima, order statistics and the half that a gate lets through take all, as they are."""

from __future__ import annotations

import math

from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder, OpFamily


def extreme_along(builder: Builder, call: Call) -> bool:
    """The winner along an axis, or entries in order: the op's own indices say which."""
    values, indices = call.out
    bound = call.bound
    dim = bound.get("dim")
    if dim is None:
        return False
    kept = bound.get("keepdim", True) or values.ndim == call.args[0].ndim
    index = builder.units(call.args[0]).gather(dim, indices if kept else indices.unsqueeze(dim))
    builder.moved(values, index.reshape(values.shape))
    return True


def extreme(builder: Builder, call: Call) -> bool:
    """The winner over some axes takes all; in a norm, by its size."""
    t, order = call.args[0], call.bound.get("ord")
    dims = call.bound.get("dim") or list(range(t.ndim))
    dims = [d % t.ndim for d in ([dims] if isinstance(dims, int) else dims)]
    rest = [d for d in range(t.ndim) if d not in dims]
    size = t if order is None else t.abs()
    by_rest = [a.permute(*rest, *dims).reshape(*(t.shape[d] for d in rest), -1) for a in (size, builder.units(t))]
    lowest = call.name in ("amin", "min") or order == -math.inf
    winner = by_rest[0].argmin(-1, keepdim=True) if lowest else by_rest[0].argmax(-1, keepdim=True)
    builder.moved(call.out, by_rest[1].gather(-1, winner).reshape(call.out.shape))
    return True


def extreme_of(builder: Builder, call: Call) -> bool:
    """`max` and `min`: over everything, along an axis, or of two tensors, which is an op of its own."""
    if call.op._overloadname == "dim":
        return extreme_along(builder, call)
    return call.op._overloadname == "default" and extreme(builder, call)


def gated_linear_unit(builder: Builder, call: Call) -> bool:
    """All to the first half, which the second half gates."""
    dim = call.bound["dim"]
    builder.moved(call.out, builder.units(call.args[0]).chunk(2, dim)[0])
    return True


FAMILY = OpFamily(
    {
        **dict.fromkeys(("sort", "topk", "cummax", "cummin", "median", "kthvalue", "mode"), extreme_along),
        **dict.fromkeys(("amax", "amin"), extreme),
        **dict.fromkeys(("max", "min"), extreme_of),
        "glu": gated_linear_unit,
    }
)
