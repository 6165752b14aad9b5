"""Cells: which part of the inputs a unit lies over, by proportion, as maps of class activation are laid over a picture.

What a unit *can see* grows with depth until it is everything; where it *lies* stays as fine as its layer is. A layer of
7 rows divides an input of 224 rows into 7 parts, whatever kernels led there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Shape
from heapwidget.engine.flow import Flow, Reach
from heapwidget.engine.graph.layers import Graph, Operand


class Digit(NamedTuple):
    """A digit of a place: of a unit with index i on the layer's `axis` it is (i - start) // stride % size.

    Units whose index is not in [start, stop) lie nowhere, as those of a class token.
    """

    axis: int
    start: int
    stop: int
    stride: int
    size: int


# The digits of a place on one axis of an input, the largest first: so many parts as the product of their sizes. None
# where a unit lies over all of the axis.
Digits = tuple[Digit, ...]
# By input and axis.
Cell = dict[tuple[int, int], Digits]

# Gives the units of a layer that stand at some indices of an operand, below zero where none does.
_Units = Callable[[Sequence[NDArray[np.int64]]], NDArray[np.int64]]

# Entries of an operand whose places are looked up to see that its axes tell all of them.
SAMPLES = 64


def cells(graph: Graph, flows: Sequence[Flow | None]) -> list[Cell]:
    """For each layer and each position axis of the inputs, where its units lie."""
    inputs = graph.layers[: graph.n_inputs]
    axes = [(n, a) for n, layer in enumerate(inputs) for a in range(len(layer.shape)) if a != layer.channel_axis]
    found: list[Cell] = [
        {(n, a): _whole(a, inputs[n].shape[a]) if n == own else () for n, a in axes} for own in range(len(inputs))
    ]
    for number in range(graph.n_inputs, len(graph.layers)):
        flow, layer, merged = flows[number], graph.layers[number], dict.fromkeys(axes, Digits())
        assert flow is not None
        for place, operand in enumerate(layer.operands):
            reach = flow.reach(place)
            for source in graph.sources(number):
                for at, digits in _moved(graph, operand, source, found[source]).items():
                    merged[at] = merged[at] or _passed(digits, flow, reach, operand.shape, layer.shape)
        found.append(merged)
    return found


def _whole(axis: int, size: int) -> Digits:
    """A part for each index of an axis."""
    return (Digit(axis, 0, size, 1, size),) if size > 1 else ()


def _moved(graph: Graph, operand: Operand, source: int, cell: Cell) -> Cell:
    """Where the entries of an operand lie that are units of one layer."""
    layer = graph.layers[source]
    if operand.layer is not None:
        if operand.layer != source:
            return {}
        return cell if operand.shape == layer.shape else _read_off(operand.shape, layer.shape, cell, _ravelled(operand))
    if operand.blocks:
        block = next((b for b in operand.blocks if b.layer == source), None)
        if block is None:
            return {}
        shifts = [seen.start - at.start for seen, at in zip(block.within, block.at, strict=True)]
        return {at: tuple(_shifted(d, -shifts[d.axis]) for d in digits) for at, digits in cell.items()}
    assert operand.index is not None
    index, offset, end = operand.index.cpu().numpy(), layer.offset, layer.end

    def units(at: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        found = index[tuple(at)]
        return np.where((found >= offset) & (found < end), found - offset, -1)

    return _read_off(operand.shape, layer.shape, cell, units)


def _shifted(digit: Digit, by: int) -> Digit:
    return digit._replace(start=digit.start + by, stop=digit.stop + by)


def _ravelled(operand: Operand) -> _Units:
    return lambda at: np.ravel_multi_index(tuple(at), operand.shape)


def _read_off(shape: Shape, below: Shape, cell: Cell, units: _Units) -> Cell:
    """The digits of entries that are units of a layer of another shape: found along each axis, and tried out."""
    random = np.random.default_rng(0)
    base = _base(shape, units)
    tried = [random.integers(0, size, SAMPLES) for size in shape]
    found: Cell = {}
    for at, digits in cell.items():
        if not digits or base is None:
            found[at] = ()
            continue
        lines = []
        for axis, size in enumerate(shape):
            index = [np.full(size, b) for b in base]
            index[axis] = np.arange(size)
            lines.append(_places(units(index), below, digits))
        read, left_out = _digits_of(lines, prod(d.size for d in digits))
        expected, told = _places(units(tried), below, digits), _places_at(tried, read)
        fits = (expected // left_out == told) | (expected < 0)
        found[at] = read if fits.all() else ()
    return found


def _base(shape: Shape, units: _Units) -> list[int] | None:
    """An entry that is a unit: one in the middle, if that will do."""
    for part in (2, 3, 5):
        base = [size // part for size in shape]
        if units([np.array([b]) for b in base])[0] >= 0:
            return base
    return None


def _places(units: NDArray[np.int64], shape: Shape, digits: Digits) -> NDArray[np.int64]:
    """Where units of a layer lie, in parts of the axis; below zero for what is no unit, or lies nowhere."""
    index = np.unravel_index(np.maximum(units, 0), shape)
    return np.where(units < 0, -1, _places_at(index, digits))


def _places_at(index: Sequence[NDArray[np.int64]], digits: Digits) -> NDArray[np.int64]:
    place = np.zeros(len(index[0]), np.int64)
    for digit in digits:
        i = index[digit.axis]
        inside = (i >= digit.start) & (i < digit.stop) & (place >= 0)
        place = np.where(inside, place * digit.size + (i - digit.start) // digit.stride % digit.size, -1)
    return place


def _digits_of(lines: Sequence[NDArray[np.int64]], count: int) -> tuple[Digits, int]:
    """The digits that places along the axes of an operand are made of, and of how many parts one is taken."""
    weighed: list[tuple[int, Digit]] = []
    lowest = 0
    for axis, line in enumerate(lines):
        known = np.flatnonzero(line >= 0)
        if len(known):
            weighed += _digits_along(axis, int(known[0]), line[known])
            lowest = max(lowest, int(line[known].min()))
    weighed.sort(key=lambda one: -one[0])
    digits, left_out = tuple(digit for _, digit in weighed), weighed[-1][0] if weighed else 1
    if prod(d.size for d in digits) == -(-count // left_out):
        return digits, left_out
    if len(digits) == 1 and digits[0].stride == left_out == 1:
        # A cut: an index a part, and not all of them.
        start = digits[0].start - lowest
        return (digits[0]._replace(start=start, stop=start + count, size=count),), 1
    return (), 1


def _digits_along(axis: int, first: int, places: NDArray[np.int64]) -> list[tuple[int, Digit]]:
    """The digits that an axis counts, whose indices from the first on lie there, each with its weight in the place."""
    found, stride, rest = [], 1, places - places[0]
    while rest.any():
        run = int(np.argmax(rest != 0))
        rest = rest[::run]
        steps = np.arange(len(rest)) * rest[1]
        size = int(np.argmax(rest != steps)) or len(rest)
        stride *= run
        found.append((int(rest[1]), Digit(axis, first, first + len(places), stride, size)))
        stride, rest = stride * size, rest[::size]
    return found


def _passed(digits: Digits, flow: Flow, reach: Mapping[int, Reach], below: Shape, shape: Shape) -> Digits:
    """Where a layer's units lie that read entries which lie there; what they read all of ends a place."""
    passed: list[Digit] = []
    for digit in digits:
        alone = len(digits) == 1 and digit.stride == 1
        new = _through(digit, alone, flow, reach.get(digit.axis), below, shape)
        if new is None:
            break
        passed.append(new)
    return tuple(passed)


def _through(digit: Digit, alone: bool, flow: Flow, reach: Reach | None, below: Shape, shape: Shape) -> Digit | None:
    """A digit of an entry as one of the layer's units."""
    size = below[digit.axis]
    if reach is not None and (reach.start, reach.step, reach.size) == (0, 1, 1):
        return digit._replace(axis=reach.axis)
    if reach is not None:
        return _proportional(digit, reach, size, shape[reach.axis]) if alone else None
    mixed = flow.mixes is not None and digit.axis == flow.mixes % len(below)
    if mixed or len(shape) != len(below) or shape[digit.axis] == 1:
        return None
    if shape[digit.axis] == size:
        return digit
    # Enlarged, or pooled unevenly.
    return _whole(digit.axis, shape[digit.axis])[0] if alone and flow.family != "matmul" else None


def _proportional(digit: Digit, reach: Reach, below: int, size: int) -> Digit | None:
    """From end to end; what was cut or widened before keeps its place under the middle of what is seen."""
    if size == 1:
        return None
    if digit.start == 0 and digit.size == below:
        return _whole(reach.axis, size)[0]
    step = max(reach.step, 1)
    count, start = round(digit.size / step), round((digit.start - reach.start - (reach.size - 1) / 2) / step)
    return Digit(reach.axis, start, start + count, 1, count) if count > 1 else None
