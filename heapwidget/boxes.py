"""Nodes are boxes: how one layer's units are partitioned, and the small geometry that this needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Window = tuple[slice, ...]

GRANULARITIES = ("auto", "unit", "channel", "position", "token", "tile", "layer")
# "auto" gives all layers together so many nodes, but maps keep so many at least, and what has one axis of positions or
# none so many.
AUTO_TOTAL, LEAST_OF_MAP, LEAST_IN_A_ROW = 750, 4, 16
# Of a larger input, arrivals are logged by squares of positions, at most so many.
INPUT_SQUARES = 4096
# A layer is cut into so many tiles at most.
TILE_LIMIT = 256


@dataclass(frozen=True)
class Partition:
    """A layer's tensor of `shape` cut into boxes of size `box`; the last box of an axis may be cut short.

    Boxes form a grid and are counted in row-major order.
    """

    shape: Shape
    box: Shape

    @cached_property
    def grid(self) -> Shape:
        """Boxes along each axis."""
        return tuple(ceil(s / b) for s, b in zip(self.shape, self.box, strict=True))

    @cached_property
    def n_nodes(self) -> int:
        """Boxes in all."""
        return prod(self.grid)

    @cached_property
    def is_unit(self) -> bool:
        """Whether each box is a single unit."""
        return self.grid == self.shape

    def window(self, index: int) -> Window:
        """The slices that box `index` covers."""
        window = []
        for size, box, length in zip(reversed(self.grid), reversed(self.box), reversed(self.shape), strict=True):
            index, at = divmod(index, size)
            window.append(slice(at * box, min(at * box + box, length)))
        return tuple(reversed(window))

    def fold(self, window: Window, values: NDArray[np.floating]) -> tuple[Window, NDArray[np.floating]]:
        """Add up `values` over each box that `window` touches: the window in the grid of boxes, and the sums there."""
        touched = []
        for axis, (seen, size, box) in enumerate(zip(window, self.shape, self.box, strict=True)):
            if box == 1:
                touched.append(seen)
            elif box >= size:
                touched.append(slice(0, 1))
                values = np.add.reduce(values, axis, keepdims=True)
            else:
                boxes = np.arange(seen.start, seen.stop, seen.step) // box
                touched.append(slice(boxes[0], boxes[-1] + 1))
                sums = np.zeros(
                    (*values.shape[:axis], boxes[-1] + 1 - boxes[0], *values.shape[axis + 1 :]), values.dtype
                )
                np.add.at(sums, (*[slice(None)] * axis, boxes - boxes[0]), values)
                values = sums
        return tuple(touched), values

    def sums(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Add up `values`, which have the layer's shape, over each box: the sums in node order."""
        return self.fold(everything(self.shape), values)[1].reshape(-1)

    @cached_property
    def node_of_unit(self) -> NDArray[np.int64]:
        """For each unit, in the layer's shape, the index of its box."""
        axes = [np.arange(s) // b for s, b in zip(self.shape, self.box, strict=True)]
        index = np.zeros((), np.int64)
        for axis, size in zip(axes, self.grid, strict=True):
            index = index[..., None] * size + axis
        return index


def everything(shape: Sequence[int]) -> Window:
    """The window that covers all of a shape."""
    return tuple(slice(0, size) for size in shape)


def unbatched(shape: Shape) -> Shape:
    """A shape without its leading batch axis of one; a scalar becomes one unit."""
    if not shape:
        return (1,)
    return tuple(shape[1:]) if len(shape) > 1 and shape[0] == 1 else tuple(shape)


def partition(shape: Shape, channel_axis: int | None, nodes: str, most: int = AUTO_TOTAL) -> Partition:
    """The partition of one layer for a granularity of `GRANULARITIES`.

    A `"token"` is a position, by the word for those of a text. `"tile"` takes squares of positions, of the smallest
    side 2, 4, 8, ... that gives at most `TILE_LIMIT`. `"auto"` takes the finest of unit, position and squares that has
    at most `most` nodes, or else the whole layer. In a layer without positions (a plain vector), a position is a unit.
    """
    unit = (1,) * len(shape)
    if nodes == "layer":
        return Partition(shape, shape)
    if nodes == "auto":
        most = max(most, _least(shape, channel_axis))
        return next((p for p in _ever_coarser(shape, channel_axis) if p.n_nodes <= most), Partition(shape, shape))
    if nodes == "unit" or len(shape) == 1:
        return Partition(shape, unit)
    if nodes in ("position", "token"):
        return _tiles(shape, channel_axis, 1)
    if nodes == "tile":
        return next(p for p in _squares(shape, channel_axis, 2) if p.n_nodes <= TILE_LIMIT)
    return Partition(shape, tuple(1 if a == channel_axis else s for a, s in enumerate(shape)))


def auto_limit(layers: Sequence[tuple[Shape, int | None]]) -> int:
    """How many nodes a layer may have for `"auto"`, of layers given by shape and channel axis.

    The largest number with which all of them together have at most `AUTO_TOTAL` nodes; where none does, each has as few
    as it may.
    """
    choices = [(_least(*layer), [p.n_nodes for p in _ever_coarser(*layer)]) for layer in layers]

    def nodes(most: int) -> int:
        return sum(next((n for n in counts if n <= max(most, least)), 1) for least, counts in choices)

    limits = sorted({n for _, counts in choices for n in counts}, reverse=True)
    return next((n for n in limits if nodes(n) <= AUTO_TOTAL), 1)


def _least(shape: Shape, channel_axis: int | None) -> int:
    """How many nodes "auto" leaves a layer that has as many."""
    return LEAST_OF_MAP if sum(a != channel_axis for a in range(len(shape))) > 1 else LEAST_IN_A_ROW


def _ever_coarser(shape: Shape, channel_axis: int | None) -> Iterator[Partition]:
    """Units, positions, squares of side 2, 4, 8, ...; of a vector the units alone."""
    yield Partition(shape, (1,) * len(shape))
    if len(shape) > 1:
        yield from _squares(shape, channel_axis, 1)


def _squares(shape: Shape, channel_axis: int | None, side: int) -> Iterator[Partition]:
    """Squares of positions of this side, and of twice, four times, ... as much, until one holds them all."""
    while True:
        squares = _tiles(shape, channel_axis, side)
        yield squares
        if squares.n_nodes == 1:
            return
        side *= 2


def _tiles(shape: Shape, channel_axis: int | None, side: int) -> Partition:
    """Squares of positions, all channels of each together."""
    return Partition(shape, tuple(s if a == channel_axis else min(side, s) for a, s in enumerate(shape)))


def positions(shape: Shape, channel_axis: int | None) -> Partition:
    """The input's partition: one node a position, its channels together."""
    return Partition(shape, tuple(s if a == channel_axis else 1 for a, s in enumerate(shape)))


def square_side(shape: Shape, channel_axis: int | None) -> int:
    """The side of the squares of an input's positions by which arrivals are logged; 1 where there are few."""
    side = 1
    while _tiles(shape, channel_axis, side).n_nodes > INPUT_SQUARES:
        side *= 2
    return side


class Squares:
    """Squares of an input's positions: each is known by its first position, as index among all."""

    def __init__(self, shape: Shape, channel_axis: int | None, side: int) -> None:
        self.partition = _tiles(shape, channel_axis, side)
        grid = positions(shape, channel_axis).grid
        at = np.indices(self.partition.grid).reshape(len(grid), -1) * np.minimum(side, grid)[:, None]
        self.first = np.ravel_multi_index(tuple(at), grid)
        # For each position, its square.
        where = np.indices(grid).reshape(len(grid), -1) // np.minimum(side, grid)[:, None]
        self.of_position = np.ravel_multi_index(tuple(where), self.partition.grid)
        self.counts = np.bincount(self.of_position, minlength=self.partition.n_nodes)


def picture_fits(image: NDArray[np.uint8], positions: tuple[int, ...]) -> bool:
    """Whether a picture has a pixel for each position; a flattened input tells only how many there are."""
    shape = image.shape[:2]
    if image.shape[2:] not in ((), (3,)):
        return False
    return shape == positions or (len(positions) == 1 and prod(shape) == positions[0])
