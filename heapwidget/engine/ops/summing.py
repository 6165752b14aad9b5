"""Entries summed here and there: by indices, over segments, in overlapping patches, at the points of a grid."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Shape, unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.builder import Builder, OpFamily, short_name
from heapwidget.engine.graph.layers import CONSTANT_ENTRY, Operand
from heapwidget.engine.ops.entries import ChangeSum, Matrix, Summed
from heapwidget.engine.rules import Rule

# Above this many entries a sum is not written as a matrix.
ENTRY_LIMIT = 2**24

# A smaller weight of a grid's point is rounding.
NO_WEIGHT = 1e-12

CUBIC = 2


class Part(NamedTuple):
    """What one tensor adds: its `entry`, times `weight`, to `unit` of the result, all flat; without a weight, once."""

    t: Tensor
    unit: Tensor
    entry: Tensor
    weight: Tensor | None = None


def numbers(t: Tensor, shape: Shape | None = None) -> Tensor:
    """The flat index of each entry of a tensor, or of one of another shape."""
    shape = tuple(t.shape) if shape is None else shape
    return torch.arange(prod(shape), device=t.device).reshape(shape)


def whole(t: Tensor) -> Part:
    """Each entry at its own place."""
    return Part(t, numbers(t).reshape(-1), numbers(t).reshape(-1))


def summed(builder: Builder, call: Call, parts: list[Part], axis: int | None = None) -> bool:
    """The result is the sum of `parts`; `axis` is the one along which entries are summed, if there is one."""
    active = [part for part in parts if builder.active(part.t)]
    if not active:
        # It is summed at places made of x, and these have no share.
        return True
    if sum(part.unit.numel() for part in parts) > ENTRY_LIMIT:
        return False
    constant = None if builder.bases else _constant(builder, call, parts)
    x, operand, entries = _joined(builder, [part.t for part in active])
    weights = [_weight(builder, part) for part in active]
    at = [where[part.entry] for where, part in zip(entries, active, strict=True)]
    matrix = Matrix.of(torch.cat([part.unit for part in active]), torch.cat(at), torch.cat(weights))
    if constant is None and bool((matrix.unit.diff() > 0).all()):
        _move(builder, call, operand, matrix, active)
        return True
    shape = unbatched(tuple(call.out.shape))

    def make(rule: Rule) -> Flow:
        return ChangeSum(x, matrix, shape, rule) if builder.bases else Summed(x, matrix, constant, shape)

    builder.add_layer(
        call,
        call.out,
        Summed,
        [operand],
        make,
        op=short_name(call.name),
        channel_axis=_channels(builder, active[-1].t, shape, axis),
    )
    return True


def _weight(builder: Builder, part: Part) -> Tensor:
    if part.weight is None:
        return torch.ones(part.unit.shape, dtype=builder.dtype, device=part.unit.device)
    return part.weight.to(part.unit.device, builder.dtype).expand(part.unit.shape)


def _constant(builder: Builder, call: Call, parts: list[Part]) -> Tensor | None:
    """The sizes of what constants add to each unit; `None` where they add nothing."""
    sizes = torch.zeros(call.out.numel(), dtype=builder.dtype, device=call.out.device)
    for part in parts:
        if not builder.active(part.t):
            values = part.t.detach().to(builder.dtype).reshape(-1)[part.entry]
            sizes.index_add_(0, part.unit, (values * _weight(builder, part)).abs())
    return sizes.reshape(unbatched(tuple(call.out.shape))) if bool(sizes.any()) else None


def _joined(builder: Builder, tensors: list[Tensor]) -> tuple[Tensor, Operand, list[Tensor]]:
    """Several tensors as one, joined along the axis on which they differ, and where in it each entry of each went."""
    values = [builder.signal(t) for t in tensors]
    if len(tensors) == 1:
        return values[0], builder.operand(tensors[0]), [numbers(values[0]).reshape(-1)]
    units = [builder.units(t).reshape(v.shape) for t, v in zip(tensors, values, strict=True)]
    differing = {
        a for v in values[1:] for a, (s, z) in enumerate(zip(v.shape, values[0].shape, strict=False)) if s != z
    }
    axis = min(differing, default=0)
    if len(differing) > 1 or len({v.ndim for v in values}) > 1:
        values, units = [v.reshape(-1) for v in values], [u.reshape(-1) for u in units]
        axis = 0
    x, index = torch.cat(values, axis), torch.cat(units, axis)
    places = numbers(x).split([v.shape[axis] for v in values], axis)
    return x, Operand(tuple(x.shape), None, index), [place.reshape(-1) for place in places]


def _move(builder: Builder, call: Call, operand: Operand, matrix: Matrix, active: list[Part]) -> None:
    """Where no two entries meet, they are moved, and the rest is constant."""
    units = builder.units(active[0].t) if len(active) == 1 else operand.index
    assert units is not None
    index = torch.full((call.out.numel(),), CONSTANT_ENTRY, device=call.out.device)
    index[matrix.unit] = units.reshape(-1).to(index.device)[matrix.entry]
    builder.moved(call.out, index.reshape(call.out.shape), gate=all(builder.is_gate(part.t) for part in active))


def _channels(builder: Builder, t: Tensor, shape: Shape, axis: int | None) -> int | None:
    """Of a table summed along one axis, the other; else as in what is summed."""
    if axis is not None and len(shape) == 2:
        return 1 - axis % 2
    return builder.channels_of(builder.operand(t)) if len(shape) > 1 else 0


def _axis(call: Call) -> int | None:
    """The axis that the op's `dim` is, unbatched; `None` for a batch's."""
    out = call.out
    axis: int = call.bound["dim"] % max(out.ndim, 1) - (out.ndim - len(unbatched(tuple(out.shape))))
    return axis if axis >= 0 else None


def index_add(builder: Builder, call: Call) -> bool:
    """Slices are added to those that an index names."""
    bound = call.bound
    source = _slices(bound)
    weight = torch.tensor(float(bound["alpha"]), dtype=builder.dtype)
    return summed(builder, call, [whole(bound["self"]), source._replace(weight=weight)], _axis(call))


def _slices(bound: dict[str, Tensor]) -> Part:
    """Where the slices of a source go."""
    own, dim, source = bound["self"], int(bound["dim"]), bound["source"]
    unit = numbers(own).reshape(own.shape or (1,)).index_select(dim, bound["index"].reshape(-1))
    return Part(source, unit.reshape(-1), numbers(source).reshape(-1))


def _scattered(bound: dict[str, Tensor]) -> Part:
    """Where the entries of a source go, one by one."""
    own, dim, index, source = bound["self"], int(bound["dim"]), bound["index"], bound["src"]
    used = numbers(source)[tuple(slice(0, size) for size in index.shape)]
    return Part(source, numbers(own).gather(dim, index).reshape(-1), used.reshape(-1))


def scatter_add(builder: Builder, call: Call) -> bool:
    """Entries are added to those that an index names."""
    bound = call.bound
    if "value" in bound:
        bound["src"] = torch.full(bound["index"].shape, float(bound["value"]), device=call.out.device)
    if bound.get("reduce", "add") != "add":
        return False
    return summed(builder, call, [whole(bound["self"]), _scattered(bound)], _axis(call))


def reduced(where: Callable[[dict[str, Tensor]], Part]) -> Callable[[Builder, Call], bool]:
    """Entries meet where an index says: their sum, mean, or the largest or smallest of them."""

    def handler(builder: Builder, call: Call) -> bool:
        bound = call.bound
        how, own, source = bound["reduce"], whole(bound["self"]), where(bound)
        met = torch.zeros(call.out.numel(), dtype=builder.dtype, device=call.out.device)
        met.index_add_(0, source.unit, torch.ones_like(source.unit, dtype=builder.dtype))
        if not bound["include_self"]:
            left = own.unit[met == 0]
            own = own._replace(unit=left, entry=left)
        met.index_add_(0, own.unit, torch.ones_like(own.unit, dtype=builder.dtype))
        if how in ("amax", "amin"):
            return _winners(builder, call, [own, source], lowest=how == "amin")
        if how == "mean":
            own, source = (part._replace(weight=1 / met[part.unit]) for part in (own, source))
        return how in ("sum", "mean") and summed(builder, call, [own, source], _axis(call))

    return handler


def _winners(builder: Builder, call: Call, parts: list[Part], *, lowest: bool) -> bool:
    """To each unit the first of the largest, or smallest, entries that meet there."""
    if not any(builder.active(part.t) for part in parts):
        return True
    unit = torch.cat([part.unit for part in parts]).cpu().numpy()
    values = torch.cat([part.t.detach().reshape(-1)[part.entry].to(builder.dtype) for part in parts]).cpu().numpy()
    from_units = torch.cat([builder.units(part.t).reshape(-1)[part.entry] for part in parts])
    # What is put last into a place stays there.
    order = np.lexsort((-np.arange(len(unit)), -values if lowest else values))
    first = np.zeros(call.out.numel(), np.int64)
    first[unit[order]] = order
    builder.moved(call.out, from_units[torch.from_numpy(first).to(from_units.device)].reshape(call.out.shape))
    return True


def put(builder: Builder, call: Call) -> bool:
    """Values are added to the entries that indices name."""
    bound = call.bound
    own, values = bound["self"], bound["values"]
    unit = torch.ops.aten.index.Tensor(numbers(own), bound["indices"])
    entry = numbers(values).expand(unit.shape)
    return summed(builder, call, [whole(own), Part(values, unit.reshape(-1), entry.reshape(-1))])


def fold(builder: Builder, call: Call) -> bool:
    """Patches that overlap are added up; what lies outside of the map is lost."""
    t, _, *how = call.args
    # Units are counted from 1 here, so that what lies outside stands out.
    numbered = (numbers(call.out).cpu() + 1).double()
    unit = torch.ops.aten.im2col(numbered, *how).long().reshape(-1).to(call.out.device) - 1
    inside = unit >= 0
    return summed(builder, call, [Part(t, unit[inside], numbers(t).reshape(-1)[inside])])


def grid_sample(builder: Builder, call: Call) -> bool:
    """A map looked at in the points of a constant grid: each sees a few positions around it."""
    x, grid = call.args[:2]
    if builder.active(grid):
        return False
    (frames, channels, *sizes), rest = x.shape, call.args[2:]
    positions, points = prod(sizes), prod(call.out.shape[2:])
    side = 4 if call.bound["interpolation_mode"] == CUBIC else 2
    ids = torch.arange(positions, dtype=torch.float64).reshape(sizes)
    axes = torch.meshgrid(*(torch.arange(size) % side for size in sizes), indexing="ij")
    found = []
    # A point sees at most one of the positions that lie `side` apart; so the op itself tells which, and how much of it.
    for residue in product(range(side), repeat=len(sizes)):
        lit = torch.stack([axis == r for axis, r in zip(axes, residue, strict=True)]).all(0).double()
        given = torch.stack([lit, lit * ids]).expand(frames, 2, *sizes)
        weight, times = call.op(given, grid.detach().cpu().double(), *rest).reshape(frames, 2, points).unbind(1)
        frame, point = (weight.abs() > NO_WEIGHT).nonzero(as_tuple=True)
        weight = weight[frame, point]
        found.append((frame, point, (times[frame, point] / weight).round().long(), weight))
    frame, point, position, weight = (torch.cat(column) for column in zip(*found, strict=True))
    channel = frame * channels + torch.arange(channels)[:, None]
    unit, entry = ((channel * n + at).reshape(-1).to(x.device) for n, at in ((points, point), (positions, position)))
    return summed(builder, call, [Part(x, unit, entry, weight.repeat(channels))])


FAMILY = OpFamily(
    {
        "index_add": index_add,
        "scatter_add": scatter_add,
        "scatter_reduce": reduced(_scattered),
        "index_reduce": reduced(_slices),
        "col2im": fold,
        **dict.fromkeys(("grid_sampler_2d", "grid_sampler_3d"), grid_sample),
    },
    (Summed, ChangeSum),
)
