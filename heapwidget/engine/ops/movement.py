"""Data movement: reshapes, slices, joins, padding and look-ups, which take units from here to there as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.boxes import unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder, OpFamily, results
from heapwidget.engine.graph.layers import CONSTANT_ENTRY, PADDED
from heapwidget.engine.ops.arithmetic import chosen
from heapwidget.engine.ops.summing import put, scatter_add

# The order of the entries stays: the result is the same units in another shape.
RESHAPES = [
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "squeeze", "unsqueeze", "clone"),
    *("alias", "detach", "contiguous", "_to_copy", "lift_fresh", "lift_fresh_copy", "view_copy"),
    *("squeeze_copy", "unsqueeze_copy"),
    # In place, but of the shape alone: a linear layer does so to vectors.
    *("squeeze_", "unsqueeze_"),
]

# Run on the index tensor itself.
MOVES = [
    *("permute", "t", "transpose", "slice", "select", "narrow", "expand", "split", "split_with_sizes"),
    *("unbind", "unsafe_split", "unsafe_split_with_sizes", "cat", "stack", "flip", "roll", "repeat"),
    *("select_scatter", "slice_scatter", "diagonal_scatter", "as_strided", "as_strided_scatter"),
    *("index_put", "copy", "index_select", "gather", "index", "where", "unfold", "diagonal", "rot90"),
    *("take", "diag_embed", "as_strided_copy", "permute_copy", "t_copy", "transpose_copy", "slice_copy"),
    *("select_copy", "expand_copy"),
]

# The same, for ops that know no integers: a float64 holds every index exactly. The host has those, whatever the device.
FLOAT_MOVES = [
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact1d"),
    *("_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "reflection_pad1d", "reflection_pad2d"),
    *("reflection_pad3d", "replication_pad1d", "replication_pad2d", "replication_pad3d", "pixel_shuffle"),
    *("pixel_unshuffle", "channel_shuffle"),
]

CONSTANTS = [
    *(f"{name}_like" for name in ("zeros", "ones", "full", "empty", "rand", "randn", "randint")),
    *(f"new_{name}" for name in ("zeros", "ones", "full", "empty", "empty_strided")),
    *("fill", "zero", "bernoulli"),
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


def masked(builder: Builder, call: Call) -> bool:
    """Where the mask is set the entry is a constant."""
    t, mask = call.args[:2]
    if not builder.active(t) or builder.active(call.args[2]):
        return False
    shape = call.out.shape

    def units(mask: Tensor) -> Tensor:
        return builder.units(t).expand(shape).masked_fill(mask.expand(shape), CONSTANT_ENTRY)

    if not builder.bases:
        builder.moved(call.out, units(mask))
        return True
    chosen(builder, call, call.out, units(mask), units(builder.there(call).args[1]))
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
        return put(builder, call)
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
    outs, choices = results(call), _choices(builder, call)
    if choices is not None:
        (here,), (there,) = (results(replace(call, out=call.op(**given | chosen_by))) for chosen_by in choices)
        chosen(builder, call, call.out, here.long().to(call.out.device), there.long().to(call.out.device))
        return True
    indices = results(replace(call, out=call.op(**given)))
    gate = all(builder.is_gate(t) for t in moving)
    for out, index in zip(outs, indices, strict=True):
        builder.moved(out, index.long().to(out.device), gate=gate)
        if len(moving) == 1:
            builder.sums_up(out, builder.summary(moving[0]))
    return True


def _choices(builder: Builder, call: Call) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The arguments that choose, on x and on the baseline, where they are not the same."""
    if not builder.bases or not isinstance(call.out, Tensor):
        return None
    here, there = ({name: c.bound[name] for name in CHOOSING & c.bound.keys()} for c in (call, builder.there(call)))
    pairs = zip(tree_leaves(here), tree_leaves(there), strict=True)
    same = all(not isinstance(a, Tensor) or torch.equal(a, b) for a, b in pairs)
    return None if same else (here, there)


def scatter(builder: Builder, call: Call) -> bool:
    """Some entries are put in the place of others."""
    bound = call.bound
    if "reduce" in bound:
        return scatter_add(builder, call)
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


FAMILY = OpFamily(
    {
        **dict.fromkeys(RESHAPES, reshape),
        **dict.fromkeys(CONSTANTS, constant),
        **dict.fromkeys(MOVES + FLOAT_MOVES, move),
        **dict.fromkeys(("tril", "triu"), triangle),
        "constant_pad_nd": padding,
        "masked_fill": masked,
        "scatter": scatter,
        "im2col": patches,
    }
)
