"""Where an op's operand comes from: which units of which layers its entries are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Shape, Window
from heapwidget.engine.flow import CONSTANT, PADDING

# What an entry of an index map says where the entry is no unit.
PADDED, CONSTANT_ENTRY = -1, -2


@dataclass(frozen=True)
class Block:
    """A box of an operand that is a box of one layer, entry by entry."""

    layer: int
    at: Window
    within: Window


@dataclass(frozen=True)
class Operand:
    """Entries of an op's input: all units of `layer` in order, or `blocks` of layers, or by `index`.

    Blocks say it where the entries are made of whole boxes, as of padding, slices and concatenation; `rest` is the
    cause that absorbs what lies outside of them. An index map holds global unit ids, or numbers below zero.
    """

    shape: Shape
    layer: int | None
    index: Tensor | None
    blocks: tuple[Block, ...] = ()
    rest: str | None = None


def units_of(operand: Operand, offsets: Sequence[int], shapes: Sequence[Shape]) -> Tensor:
    """Global unit ids in the shape of an operand, below zero where an entry is no unit."""
    if operand.index is not None:
        return operand.index
    if operand.layer is not None:
        return _units(offsets[operand.layer], operand.shape)
    index = torch.full(operand.shape, PADDED if operand.rest == PADDING else CONSTANT_ENTRY)
    for block in operand.blocks:
        index[block.at] = _units(offsets[block.layer], shapes[block.layer])[block.within]
    return index


def _units(first: int, shape: Shape) -> Tensor:
    return torch.arange(first, first + prod(shape)).reshape(shape)


def as_blocks(operand: Operand, offsets: Sequence[int], shapes: Sequence[Shape]) -> Operand:
    """An operand by blocks instead of an index map, where the map is made of blocks."""
    if operand.index is None:
        return operand
    blocks, rest = _find_blocks(operand, offsets, shapes)
    return replace(operand, index=None, blocks=blocks, rest=rest) if blocks else operand


def _find_blocks(
    operand: Operand, offsets: Sequence[int], shapes: Sequence[Shape]
) -> tuple[tuple[Block, ...], str | None]:
    """The blocks of an index map, and who absorbs the rest; none where the map is not made of blocks."""
    assert operand.index is not None
    index = operand.index.cpu().numpy()
    causes = {PADDED: PADDING, CONSTANT_ENTRY: CONSTANT}
    outside = [causes[n] for n in causes if (index == n).any()]
    units = index[index >= 0]
    if len(outside) > 1 or not units.size:
        return (), None
    first, last = (bisect_right(offsets, int(unit)) - 1 for unit in (units.min(), units.max()))
    blocks = []
    for layer in range(first, last + 1):
        mine = (index >= offsets[layer]) & (index < offsets[layer] + prod(shapes[layer]))
        if mine.any():
            block = _block(index - offsets[layer], mine, layer, shapes[layer])
            if block is None:
                return (), None
            blocks.append(block)
    return tuple(blocks), outside[0] if outside else None


def _block(units: NDArray[np.int64], mine: NDArray[np.bool_], layer: int, shape: Shape) -> Block | None:
    """The box of a layer's own units in a map, where they are `mine`; `None` if they are no box."""
    if len(shape) != units.ndim:
        return None
    at = []
    for axis in range(units.ndim):
        used = np.flatnonzero(mine.any(axis=tuple(a for a in range(units.ndim) if a != axis)))
        at.append(slice(int(used[0]), int(used[-1]) + 1))
    box = units[tuple(at)]
    if not mine[tuple(at)].all():
        return None
    first = np.unravel_index(int(box.flat[0]), shape)
    within = tuple(slice(int(f), int(f) + n) for f, n in zip(first, box.shape, strict=True))
    if any(w.stop > size for w, size in zip(within, shape, strict=True)):
        return None
    expected = np.zeros((), np.int64)
    for seen, size in zip(within, shape, strict=True):
        expected = expected[..., None] * size + np.arange(seen.start, seen.stop)
    return Block(layer, tuple(at), within) if np.array_equal(box, expected) else None
