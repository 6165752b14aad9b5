"""Receptive fields: which part of the inputs a unit can see, as one affine range for each of their position axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from heapwidget.boxes import Shape
from heapwidget.engine.flow import Flow, Reach
from heapwidget.engine.graph.layers import Graph, Operand


class Range(NamedTuple):
    """Index i on the layer's `axis` sees [start + step*i, start + step*i + size); with axis `None` all see the same."""

    start: int
    step: int
    size: int
    axis: int | None


# By input and axis.
ReceptiveField = dict[tuple[int, int], Range]

UNSEEN = Range(0, 0, 0, None)


class Place(NamedTuple):
    """Where an axis of a layer went: the axis of an operand, and by how much its indices were shifted."""

    axis: int
    shift: int


def receptive_fields(graph: Graph, flows: Sequence[Flow | None]) -> list[ReceptiveField]:
    """For each layer and each position axis of the inputs, what its units see; edges are not cut off."""
    n_inputs = graph.n_inputs
    inputs = graph.layers[:n_inputs]
    found = fields_of_inputs([layer.shape for layer in inputs], [layer.channel_axis for layer in inputs])
    unseen = dict.fromkeys(found[0], UNSEEN)
    for index, (layer, flow) in enumerate(zip(graph.layers[n_inputs:], flows[n_inputs:], strict=True), start=n_inputs):
        assert flow is not None
        merged = dict(unseen)
        for number, operand in enumerate(layer.operands):
            reach = flow.reach(number)
            for source, places in _sources(graph, operand, graph.sources(index)):
                for a, seen in found[source].items():
                    if seen != UNSEEN:
                        new = _through(seen, places, reach, graph.layers[source].shape)
                        merged[a] = new if merged[a] == UNSEEN else _union(merged[a], new, layer.shape)
        found.append(merged)
    return found


def _through(seen: Range, places: Mapping[int, Place], reach: Mapping[int, Reach], shape: Shape) -> Range:
    """What a layer sees of an input through one below it, which has a `shape` and sees `seen` itself."""
    place = None if seen.axis is None else places.get(seen.axis)
    how = None if place is None else reach.get(place.axis)
    if how is None or place is None:
        return _flatten(seen, shape)
    start = seen.start + seen.step * (how.start + place.shift)
    return Range(start, seen.step * how.step, seen.step * (how.size - 1) + seen.size, how.axis)


def fields_of_inputs(shapes: Sequence[Shape], channel_axes: Sequence[int | None]) -> list[ReceptiveField]:
    """The fields of the inputs: each unit sees its own position, and nothing of other inputs."""
    axes = [
        (number, a)
        for number, (shape, channel_axis) in enumerate(zip(shapes, channel_axes, strict=True))
        for a in range(len(shape))
        if a != channel_axis
    ]
    return [
        {(number, a): Range(0, 1, 1, a) if number == own else UNSEEN for number, a in axes}
        for own in range(len(shapes))
    ]


def _sources(graph: Graph, operand: Operand, sources: tuple[int, ...]) -> list[tuple[int, dict[int, Place]]]:
    """The layers an operand is made of, each with where its axes went."""
    if operand.layer is not None:
        return [(operand.layer, _kept_axes(graph.layers[operand.layer].shape, operand.shape))]
    if operand.blocks:
        return [
            (
                b.layer,
                {a: Place(a, seen.start - at.start) for a, (seen, at) in enumerate(zip(b.within, b.at, strict=True))},
            )
            for b in operand.blocks
        ]
    if operand.index is not None and len(sources) == 1 and bool((operand.index >= 0).all()):
        layer = graph.layers[sources[0]]
        return [(sources[0], _moved_axes(operand.index - layer.offset, layer.shape))]
    return [(number, {}) for number in sources]


def _moved_axes(units: Tensor, shape: Shape) -> dict[int, Place]:
    """Which axes of a layer an index map runs along, one by one and whole: those that it permutes."""
    found = {}
    for axis, at in enumerate(torch.unravel_index(units, shape)):
        for other, size in enumerate(units.shape):
            if size != shape[axis] or size == 1:
                continue
            expected = torch.arange(size, device=at.device).reshape([-1 if a == other else 1 for a in range(at.ndim)])
            if bool((at == expected).all()):
                found[axis] = Place(other, 0)
    return found


def _kept_axes(before: Shape, after: Shape) -> dict[int, Place]:
    """Which axes a reshape keeps: all those longer than one, if they stay in order."""
    old, new = ([a for a, s in enumerate(shape) if s > 1] for shape in (before, after))
    if [before[a] for a in old] != [after[a] for a in new]:
        return {}
    return {a: Place(b, 0) for a, b in zip(old, new, strict=True)}


def _flatten(seen: Range, shape: Shape) -> Range:
    """What all units of a layer see together."""
    if seen.axis is None:
        return seen
    return Range(seen.start, 0, seen.step * (shape[seen.axis] - 1) + seen.size, None)


def _union(a: Range, b: Range, shape: Shape) -> Range:
    if (a.step, a.axis) != (b.step, b.axis):
        a, b = _flatten(a, shape), _flatten(b, shape)
    start = min(a.start, b.start)
    return Range(start, a.step, max(a.start + a.size, b.start + b.size) - start, a.axis)
