"""Ops that make no layer: they move, repeat, scale or squash one unit each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.boxes import unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder, Handler
from heapwidget.engine.graph.operands import CONSTANT_ENTRY, PADDED

# The order of the entries stays: the result is the same units in another shape.
RESHAPES = [
    "view",
    "_unsafe_view",
    "reshape",
    "_reshape_alias",
    "flatten",
    "squeeze",
    "unsqueeze",
    "clone",
    "alias",
    "detach",
    "contiguous",
    "_to_copy",
    "lift_fresh",
    "lift_fresh_copy",
    "view_copy",
    "squeeze_copy",
    "unsqueeze_copy",
    # In place, but of the shape alone: a linear layer does so to vectors.
    "squeeze_",
    "unsqueeze_",
]

# Entry by entry with no other unit in play.
SQUASHES = [
    "relu",
    "relu6",
    "hardtanh",
    "leaky_relu",
    "sigmoid",
    "tanh",
    "gelu",
    "silu",
    "mish",
    "elu",
    "selu",
    "celu",
    "softplus",
    "hardswish",
    "hardsigmoid",
    "_prelu_kernel",
    "clamp",
    "clamp_min",
    "clamp_max",
    "neg",
    "log_sigmoid_forward",
    "softsign",
    "rrelu_with_noise_functional",
]

# Functions of one entry as well, if not squashing ones.
SQUASHES += [
    "abs",
    "square",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "pow",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "sin",
    "cos",
]
SQUASHES += ["erf", "erfc", "erfinv", "logit", "atan", "asin", "acos", "tan", "sinh", "cosh", "asinh", "atanh", "acosh"]
SQUASHES += ["exp2", "sgn", "sign", "softshrink", "hardshrink", "threshold", "nan_to_num", "deg2rad", "rad2deg"]

# Nearly their entry, but for what rounding takes or adds.
SQUASHES += ["round", "floor", "ceil", "trunc"]

# Shares of one: an output of theirs stands for the entry it came from.
SQUASHES += ["_softmax", "_safe_softmax", "_log_softmax"]

# What they give only scales the signal that it meets: gates, attention weights, statistics.
GATES = {"sigmoid", "hardsigmoid", "_softmax", "_safe_softmax", "sqrt", "rsqrt", "reciprocal"}

# The statistics are held constant.
NORMS = ["native_layer_norm", "native_group_norm", "_fused_rms_norm"]

# So are the steps of numbers that are rounded as a quantised net would round them.
NORMS += [
    "fake_quantize_per_tensor_affine_cachemask",
    "fake_quantize_per_channel_affine_cachemask",
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
]

# Run on the index tensor itself.
MOVES = [
    "permute",
    "t",
    "transpose",
    "slice",
    "select",
    "narrow",
    "expand",
    "split",
    "split_with_sizes",
    "unbind",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "cat",
    "stack",
    "flip",
    "roll",
    "repeat",
    "select_scatter",
    "slice_scatter",
    "diagonal_scatter",
    "as_strided",
    "as_strided_scatter",
    "index_put",
    "copy",
    "index_select",
    "gather",
    "index",
    "where",
    "unfold",
    "diagonal",
    "rot90",
    "take",
    "diag_embed",
    "as_strided_copy",
    "permute_copy",
    "t_copy",
    "transpose_copy",
    "slice_copy",
    "select_copy",
    "expand_copy",
]

# The same, for ops that know no integers: a float64 holds every index exactly. The host has those, whatever the device.
FLOAT_MOVES = [
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "_upsample_nearest_exact1d",
    "_upsample_nearest_exact2d",
    "_upsample_nearest_exact3d",
    "reflection_pad1d",
    "reflection_pad2d",
    "reflection_pad3d",
    "replication_pad1d",
    "replication_pad2d",
    "replication_pad3d",
    "pixel_shuffle",
    "pixel_unshuffle",
    "channel_shuffle",
]

CONSTANTS = [
    *(f"{name}_like" for name in ("zeros", "ones", "full", "empty", "rand", "randn", "randint")),
    *(f"new_{name}" for name in ("zeros", "ones", "full", "empty", "empty_strided")),
    "fill",
    "zero",
    "bernoulli",
]

BATCH_NORMS = [
    "native_batch_norm",
    "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm",
    "miopen_batch_norm",
    "_batch_norm_no_update",
]


def reshape(builder: Builder, call: Call) -> bool:
    """The same entries in the same order."""
    t = call.args[0]
    builder.same_units(t, call.out, gate=builder.is_gate(t), reshaped=True)
    return True


def constant(builder: Builder, call: Call) -> bool:
    """Of its operand it takes the shape alone, unless it is filled with something active."""
    filling = call.args[1] if call.name == "fill" else None
    if isinstance(filling, Tensor) and builder.active(filling):
        builder.same_units(filling, call.out)
    return True


def squash(builder: Builder, call: Call) -> bool:
    """One unit in, one unit out."""
    active = [t for t in call.args if builder.active(t)]
    if len(active) != 1:
        return False
    t, out = active[0], call.out if isinstance(call.out, Tensor) else call.out[0]
    builder.same_units(t, out, gate=call.name in GATES or builder.is_gate(t))
    return True


def norm(builder: Builder, call: Call) -> bool:
    """Each unit scaled by statistics that are held constant."""
    t = call.args[0]
    if not builder.active(t):
        return False
    builder.same_units(t, call.out if isinstance(call.out, Tensor) else call.out[0])
    return True


def gated_linear_unit(builder: Builder, call: Call) -> bool:
    """All to the first half, which the second half gates."""
    dim = call.bound["dim"]
    builder.moved(call.out, builder.units(call.args[0]).chunk(2, dim)[0])
    return True


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
    """The winner over some axes takes all."""
    t = call.args[0]
    dims = call.bound.get("dim") or list(range(t.ndim))
    dims = [d % t.ndim for d in ([dims] if isinstance(dims, int) else dims)]
    rest = [d for d in range(t.ndim) if d not in dims]
    by_rest = [a.permute(*rest, *dims).reshape(*(t.shape[d] for d in rest), -1) for a in (t, builder.units(t))]
    lowest = call.name in ("amin", "min")
    winner = by_rest[0].argmin(-1, keepdim=True) if lowest else by_rest[0].argmax(-1, keepdim=True)
    builder.moved(call.out, by_rest[1].gather(-1, winner).reshape(call.out.shape))
    return True


def extreme_of(builder: Builder, call: Call) -> bool:
    """`max` and `min`: over everything, along an axis, or of two tensors (left to `engine.ops.mixes`)."""
    if call.op._overloadname == "dim":
        return extreme_along(builder, call)
    return call.op._overloadname == "default" and extreme(builder, call)


def masked(builder: Builder, call: Call) -> bool:
    """Where the mask is set the entry is a constant."""
    t, mask = call.args[:2]
    if not builder.active(t) or builder.active(call.args[2]):
        return False
    shape = call.out.shape
    builder.moved(call.out, builder.units(t).expand(shape).masked_fill(mask.expand(shape), CONSTANT_ENTRY))
    return True


def triangle(builder: Builder, call: Call) -> bool:
    """One triangle of the last two axes is set to zero."""
    # Units are counted from 1 here, so that what is set to zero stands out.
    index = call.op(builder.units(call.args[0]) + 1, *call.args[1:]) - 1
    builder.moved(call.out, torch.where(index == -1, CONSTANT_ENTRY, index))
    return True


def padding(builder: Builder, call: Call) -> bool:
    """A constant around a tensor, whatever it is."""
    t, widths = call.args[:2]
    rank = len(unbatched(tuple(t.shape)))
    before = list(reversed(widths[::2]))
    before = [0] * (rank - len(before)) + before
    # Below zero it cuts off; and a batch is none if it is padded.
    if min(widths) < 0 or len(before) > rank or not builder.pad(t, call.out, before):
        return move(builder, call)
    return True


# Arguments that choose, and hold no entries of the result, though they may be made of x.
CHOOSING = {"index", "indices", "condition", "mask"}


def move(builder: Builder, call: Call) -> bool:
    """Entries taken from here and there: the op itself, run on the unit ids, says where from."""
    bound = call.bound
    if bound.get("accumulate"):
        return False
    moving = [t for name in bound.keys() - CHOOSING for t in tree_leaves(bound[name]) if builder.active(t)]
    if not moving:
        return True
    floats = call.name in FLOAT_MOVES

    def units(a: Any) -> Any:
        if not isinstance(a, Tensor) or not (builder.active(a) or a.is_floating_point()):
            return a
        index = builder.units(a)
        return index.cpu().double() if floats else index

    given = {name: a if name in CHOOSING else tree_map(units, a) for name, a in bound.items()}
    if call.name == "constant_pad_nd":
        given["value"] = PADDED
    moved = call.op(**given)
    outs, indices = ([call.out], [moved]) if isinstance(call.out, Tensor) else (call.out, moved)
    gate = all(builder.is_gate(t) for t in moving)
    for out, index in zip(outs, indices, strict=True):
        builder.moved(out, index.long().to(out.device), gate=gate)
    return True


def scatter(builder: Builder, call: Call) -> bool:
    """Some entries are put in the place of others."""
    bound = call.bound
    if "reduce" in bound:
        return False
    source = bound.get("src")
    value = CONSTANT_ENTRY if source is None else builder.units(source)
    builder.moved(call.out, torch.scatter(builder.units(bound["self"]), bound["dim"], bound["index"], value))
    return True


def patches(builder: Builder, call: Call) -> bool:
    """Windows side by side; what lies outside is padding."""
    # Units are counted from 1 here, so that what lies outside stands out.
    index = call.op((builder.units(call.args[0]).cpu() + 1).double(), *call.args[1:]).long() - 1
    builder.moved(call.out, index.to(call.out.device))
    return True


def batch_norm(builder: Builder, call: Call) -> bool:
    """Merge into the convolution or product right before; else pass through, the statistics held constant."""
    bound = call.bound
    x, gamma, beta, mean, var = (bound[n] for n in ("input", "weight", "bias", "running_mean", "running_var"))
    if not builder.active(x):
        return False
    if bound.get("training") is True or mean is None:
        return norm(builder, call)
    draft = builder.made_by(x)
    if draft is not None and draft.fold is not None and draft.shape == unbatched(tuple(x.shape)):
        scale = torch.rsqrt(var.to(builder.dtype) + float(bound["eps" if "eps" in bound else "epsilon"]))
        if gamma is not None:
            scale = scale * gamma.detach().to(builder.dtype)
        shift = -mean.to(builder.dtype) * scale
        if beta is not None:
            shift = shift + beta.detach().to(builder.dtype)
        draft.fold(scale, shift)
    builder.same_units(x, call.out[0])
    return True


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(RESHAPES, reshape),
    **dict.fromkeys(CONSTANTS, constant),
    **dict.fromkeys(SQUASHES, squash),
    **dict.fromkeys(MOVES + FLOAT_MOVES, move),
    **dict.fromkeys(BATCH_NORMS, batch_norm),
    **dict.fromkeys(NORMS, norm),
    **dict.fromkeys(("max", "min"), extreme_of),
    **dict.fromkeys(("sort", "topk", "cummax", "cummin", "median", "kthvalue", "mode"), extreme_along),
    **dict.fromkeys(("amax", "amin"), extreme),
    **dict.fromkeys(("tril", "triu"), triangle),
    "constant_pad_nd": padding,
    "masked_fill": masked,
    "scatter": scatter,
    "im2col": patches,
    "glu": gated_linear_unit,
}
