"""Ops that make no layer: they move, repeat, scale or squash one unit each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from heapwidget.engine.boxes import unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.graph import PADDED, Builder, Handler

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
]

GATES = {"sigmoid", "hardsigmoid"}

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
    "constant_pad_nd",
    "diagonal",
    "as_strided_copy",
    "permute_copy",
    "t_copy",
    "transpose_copy",
    "slice_copy",
    "select_copy",
    "expand_copy",
]

# The same, for ops that know no integers: a float64 holds every index exactly.
FLOAT_MOVES = [
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
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
    builder.same_units(call.args[0], call.out, reshaped=True)
    return True


def constant(builder: Builder, call: Call) -> bool:
    """Of its operand it takes the shape alone, unless it is filled with something active."""
    filling = call.args[1] if call.name == "fill" else None
    if isinstance(filling, Tensor) and builder.active(filling):
        builder.same_units(filling, call.out)
    return True


def squash(builder: Builder, call: Call) -> bool:
    """One unit in, one unit out."""
    t = call.args[0]
    if not builder.active(t):
        return False
    out = call.out if isinstance(call.out, Tensor) else call.out[0]
    builder.same_units(t, out, gate=call.name in GATES)
    return True


def move(builder: Builder, call: Call) -> bool:
    """Entries taken from here and there: the op itself, run on the unit ids, says where from."""
    floats = call.name in FLOAT_MOVES

    def units(a: Any) -> Any:
        if not isinstance(a, Tensor) or not (builder.active(a) or a.is_floating_point()):
            return a
        index = builder.units(a)
        return index.double() if floats else index

    args, kwargs = tree_map(units, (call.args, call.kwargs))
    if call.name == "constant_pad_nd":
        args = (*args[:2], PADDED)
    moved = call.op(*args, **kwargs)
    outs, indices = ([call.out], [moved]) if isinstance(call.out, Tensor) else (call.out, moved)
    for out, index in zip(outs, indices, strict=True):
        builder.moved(out, index.long())
    return True


def batch_norm(builder: Builder, call: Call) -> bool:
    """Merge into the convolution or product right before; else pass through, the statistics held constant."""
    bound = call.bound
    x, gamma, beta, mean, var = (bound[n] for n in ("input", "weight", "bias", "running_mean", "running_var"))
    if not builder.active(x) or bound.get("training") is True or mean is None:
        return False
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
}
