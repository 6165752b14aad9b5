"""Which axis of a layer counts channels: the others are its positions, which text models call tokens.

An op that mixes channels makes new ones, on the axis that it mixes: a linear layer on the last, a convolution on the
first. Any other keeps them where its operand has them (`carried`), which follows from where the operand's units come
from, however they were moved. Of an input, and of what was made of it unit by unit, the first op that mixes its units
tells (`told`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from heapwidget.engine.graph.layers import Layer, Operand, layer_numbers


def carried(operand: Operand, layers: Sequence[Layer]) -> int | None:
    """The axis of an operand that its channels lie on; `None` where this is not known yet.

    It is the last axis along which the channel changes and the position stays; where there is none, as when pixels
    were folded into channels, the one along which most channels are met.
    """
    if len(operand.shape) == 1:
        return 0
    if operand.layer is not None and operand.shape == layers[operand.layer].shape:
        return layers[operand.layer].channel_axis
    units = operand.units(layers).cpu()
    channel, position, flat = _split_units(units, layers)
    if not bool((channel >= 0).any()):
        return None
    axes = range(units.ndim)
    still = (a for a in reversed(axes) if _stays(position, a) and not _stays(channel, a))
    last = next(still, None)
    if last is not None:
        # What was a vector has no positions of its own: who reads it tells.
        return None if flat and next(still, None) is not None else last
    single = [a for a in axes if units.shape[a] == 1]
    if single:
        return single[-1]
    met = [_most(channel, a) for a in axes]
    return met.index(max(met)) if max(met) > 1 else None


def _split_units(units: Tensor, layers: Sequence[Layer]) -> tuple[Tensor, Tensor, bool]:
    """The channel of each unit, and its position as the unit there of channel 0; -1 where they are not known.

    With them whether all of the units are of vectors.
    """
    channel, position, flat = torch.full_like(units, -1), torch.full_like(units, -1), True
    for number in layer_numbers(units, layers):
        layer = layers[number]
        axis = 0 if len(layer.shape) == 1 else layer.channel_axis
        if axis is None:
            continue
        flat = flat and len(layer.shape) == 1
        step, size = prod(layer.shape[axis + 1 :]), layer.shape[axis]
        mine = (units >= layer.offset) & (units < layer.end)
        found = (units - layer.offset) // step
        found %= size
        channel, position = torch.where(mine, found, channel), torch.where(mine, units - found * step, position)
    return channel, position, flat


def _most(values: Tensor, axis: int) -> int:
    """How many values that are not below zero a line along an axis has at most."""
    line = values.movedim(axis, -1).sort(-1).values
    new = (line.diff(dim=-1) != 0) & (line[..., 1:] >= 0)
    return int((new.sum(-1) + (line[..., 0] >= 0)).max())


def _stays(values: Tensor, axis: int) -> bool:
    """Whether each line along an axis has one value, but for what is below zero."""
    highest = values.amax(axis, keepdim=True)
    return bool(((values < 0) | (values == highest)).all())


def told(operand: Operand, number: int, layer: Layer, axis: int) -> int | None:
    """The axis of `layer` that holds channels, as an operand has them on an axis of its own.

    `None` where the operand holds nothing of it. Of what is flattened it is the first.
    """
    rows = _holds_rows(operand, number, layer)
    if rows is None:
        return None
    axis %= len(operand.shape)
    same = _same_axis(operand, layer, axis)
    if same is not None:
        return same
    if not rows:
        return 0
    return len(layer.shape) - 1 if axis == len(operand.shape) - 1 else axis % len(layer.shape)


def _holds_rows(operand: Operand, number: int, layer: Layer) -> bool | None:
    """Whether an operand holds rows of a layer, its last axis, as they are; `None` where it holds nothing of it."""
    shape = layer.shape
    if operand.layer is not None:
        # Axes of one come and go; a single row may be a flattened layer.
        long, own = ([s for s in sizes if s > 1] for sizes in (operand.shape, shape))
        same = operand.shape == shape or (long == own and len(long) > 1)
        return same if operand.layer == number else None
    size, fits = shape[-1], operand.shape[-1] == shape[-1]
    if operand.index is None:
        seen = [block.within[-1] for block in operand.blocks if block.layer == number]
        return fits and all(s == slice(0, size) for s in seen) if seen else None
    units = operand.index - layer.offset
    mine = (units >= 0) & (units < layer.n_units)
    if not bool(mine.any()):
        return None
    if not fits:
        return False
    rows = units.reshape(-1, size)[mine.reshape(-1, size).all(1)]
    return bool(len(rows)) and torch.equal(rows % size, torch.arange(size, device=rows.device).expand(rows.shape))


def _same_axis(operand: Operand, layer: Layer, axis: int) -> int | None:
    """Which axis of a layer one of an operand is, where the operand is the layer with its axes in whatever order."""
    # Axes of one come and go.
    long, own = ([a for a, s in enumerate(shape) if s > 1] for shape in (operand.shape, layer.shape))
    sizes, own_sizes = [operand.shape[a] for a in long], [layer.shape[a] for a in own]
    if axis not in long or sorted(sizes) != sorted(own_sizes):
        return None
    if operand.index is None:
        return own[long.index(axis)] if operand.layer is not None and sizes == own_sizes else None
    index = operand.index.reshape(sizes)
    steps = [prod(own_sizes[a + 1 :]) for a in range(len(own))]
    order = [steps.index(step) if step in steps else -1 for step in _steps(index)]
    if sorted(order) != list(range(len(own))):
        return None
    expected = torch.arange(layer.offset, layer.end, device=index.device).reshape(own_sizes).permute(order)
    return own[order[long.index(axis)]] if torch.equal(index, expected) else None


def _steps(index: Tensor) -> list[int]:
    """From the first entry of a map to the next one along each axis."""
    return [int(index.select(a, 1).reshape(-1)[0] - index.reshape(-1)[0]) for a in range(index.ndim)]
