"""What the heap holds, and how what a method found becomes a trace: its header and its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.arguments.names import Names
from heapwidget.arguments.question import Question
from heapwidget.arguments.targets import Choice
from heapwidget.boxes import GRANULARITIES, Partition, Shape, auto_limit, partition, positions, square_side, unbatched
from heapwidget.engine.capture import input_names
from heapwidget.engine.flow import Array, Flow
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.patterns import check_patterns, fits
from heapwidget.engine.walk.cells import cells
from heapwidget.engine.walk.receptive_fields import ReceptiveField, fields_of_inputs, receptive_fields
from heapwidget.errors import brief, check_choice
from heapwidget.kinds import kind_of
from heapwidget.trace.columns import ROWS, Columns, columns_of
from heapwidget.trace.header import Header, Layer, TargetValue
from heapwidget.trace.ledger import Ledger

# --- The option `nodes` -----------------------------------------------------------------------------------------------

Nodes = str | Mapping[str, str]


def check_nodes(nodes: Any) -> None:
    """A granularity, or a mapping to some."""
    if not isinstance(nodes, str | Mapping):
        raise TypeError(f"nodes must be a granularity or a mapping from patterns to some, not {brief(nodes)}")
    for pattern, granularity in ({"*": nodes} if isinstance(nodes, str) else nodes).items():
        if not isinstance(pattern, str):
            raise TypeError(f"nodes maps {brief(pattern)}, which is no layer label or pattern")
        check_choice("nodes", granularity, GRANULARITIES)


def partitions(graph: Graph, nodes: Nodes) -> list[Partition]:
    """The partition of each layer; a mapping sets those that its patterns name, the others are "auto"."""
    by_pattern = nodes if isinstance(nodes, Mapping) else {"*": nodes}
    check_patterns("nodes", by_pattern, graph)
    shapes = [(layer.shape, layer.channel_axis) for layer in graph.layers]
    inner = range(graph.n_inputs, len(shapes))
    names = {n: next((g for pattern, g in by_pattern.items() if fits(pattern, graph, n)), "auto") for n in inner}
    most = auto_limit([shapes[n] for n, name in names.items() if name == "auto"])
    return [
        *(positions(*shape) for shape in shapes[: graph.n_inputs]),
        *(partition(*shapes[n], name, most) for n, name in names.items()),
    ]


# --- The header -------------------------------------------------------------------------------------------------------


def make_header(
    method: str, choice: Choice, value: float, layers: tuple[Layer, ...], below: str | None, **others: Any
) -> Header:
    """The header with `others` of its fields; `below` is what the net ends in, where that is not explained."""
    usual = {"rule": None, "order": "descending", "conserved": False}
    return Header(
        method=method,
        target=TargetValue(choice.label, choice.index, value, below, choice.kind),
        layers=layers,
        inputs=sum(layer.kind is not None for layer in layers),
        ledger=Ledger(value, 0.0, 0.0, {}),
        **usual | others,
    )


def net_layers(
    graph: Graph, parts: Sequence[Partition], flows: Sequence[Flow | None], named: Sequence[Names | None]
) -> tuple[Layer, ...]:
    """What the header says of each layer, the inputs with how they are shown and the names of their positions."""
    shapes = [layer.shape for layer in graph.layers[: graph.n_inputs]]
    layers = [
        Layer(layer.label, layer.op, layer.shape, part.box, layer.channel_axis, graph.sources(n), _told(field, shapes))
        for n, (layer, part, field) in enumerate(zip(graph.layers, parts, receptive_fields(graph, flows), strict=True))
    ]
    lying = [tuple(cell.values()) for cell in cells(graph, flows)]
    layers = [replace(one, cell=cell if any(cell) else None) for one, cell in zip(layers, lying, strict=True)]
    return _with_kinds(layers, [_meets_convolution(graph, n) for n in range(graph.n_inputs)], named)


def with_squares(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The same, the large inputs among them with the squares by which arrivals are logged."""
    sides = [square_side(layer.shape, layer.channel_axis) if layer.kind is not None else 1 for layer in layers]
    return tuple(replace(layer, square=side) if side > 1 else layer for layer, side in zip(layers, sides, strict=True))


def input_layers(question: Question, inputs: tuple[Tensor, ...]) -> tuple[Layer, ...]:
    """What the header says of inputs alone: all that a method knows which looks at no other layer.

    Where it is not known which axis counts channels, it is the first.
    """
    names, shapes = input_names(question.net, len(inputs)), [unbatched(tuple(x.shape)) for x in inputs]
    axes = [0 if axis is None and len(s) > 1 else axis for s, axis in zip(shapes, question.channel_axes, strict=True)]
    layers = [
        Layer(name, "input", shape, positions(shape, axis).box, axis, (), _told(field, shapes))
        for name, shape, axis, field in zip(names, shapes, axes, fields_of_inputs(shapes, axes), strict=True)
    ]
    return _with_kinds(layers, [None] * len(layers), question.named)


def _with_kinds(
    layers: list[Layer], convolved: Sequence[bool | None], named: Sequence[Names | None]
) -> tuple[Layer, ...]:
    """The layers, the inputs among them with how they are shown, and with their names."""
    for n, (layer, meets, given) in enumerate(zip(layers, convolved, named, strict=False)):
        kind = kind_of(layer.shape, layer.channel_axis, meets) if given is None else given.kind
        layers[n] = replace(layer, kind=kind, names=None if given is None else given.names)
    return tuple(layers)


def _told(field: ReceptiveField, shapes: Sequence[Shape]) -> tuple[tuple[int, int, int, int | None], ...] | None:
    """A field as the header has it: `None` where all of every input is seen."""
    everything = (
        seen.axis is None and seen.start <= 0 and seen.start + seen.size >= shapes[number][axis]
        for (number, axis), seen in field.items()
    )
    return None if all(everything) else tuple((seen.start, seen.step, seen.size, seen.axis) for seen in field.values())


def _meets_convolution(graph: Graph, number: int) -> bool | None:
    """Whether a convolution is the first that mixes an input's units; what only adds or scales is passed by.

    `None` where no layer reads any other.
    """
    if len(graph.layers) == graph.n_inputs:
        return None
    units, same = graph.layers[number].n_units, {number}
    for i, layer in enumerate(graph.layers):
        if same.isdisjoint(graph.sources(i)):
            continue
        if layer.op == "conv":
            return True
        if not layer.ruled and layer.n_units == units:
            same.add(i)
    return False


# --- The columns ------------------------------------------------------------------------------------------------------


class Log(NamedTuple):
    """Whose keys changed, to what: and where the part of each row begins, and the last one ends."""

    ends: NDArray[Any]
    nodes: NDArray[np.int64]
    keys: NDArray[Any]


NO_LOG = Log(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))


def collect(
    parts: Sequence[Partition], contributions: Sequence[Array], ascending: bool, zeros: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All inputs' positions in pop order, with their keys; positions of zero are left out unless `zeros`."""
    sums = [part.sums(c) for part, c in zip(parts, contributions, strict=False)]
    keys = np.concatenate(sums).astype(np.float32)
    nodes = np.arange(len(keys)) if zeros else np.flatnonzero(keys)
    order = np.lexsort((nodes, keys[nodes] if ascending else -keys[nodes]))
    return nodes[order], keys[nodes][order]


def told(
    nodes: NDArray[Any], keys: NDArray[Any], contributions: Sequence[Array], log: Log = NO_LOG, **sums: NDArray[Any]
) -> Columns:
    """All columns; where the sums and the log end before the pops do, they stay as they are."""

    def stays(values: NDArray[Any], rows: int) -> NDArray[Any]:
        return np.append(values, 0)[np.minimum(np.arange(rows), max(len(values) - 1, 0))]

    return columns_of(
        {
            "pop_node": nodes,
            "pop_mass": keys,
            **{name: stays(sums.get(name, NO_LOG.keys), len(nodes)) for name in ROWS[2:]},
            "log_offset": stays(log.ends, len(nodes) + 1),
            "log_node": log.nodes,
            "log_key": log.keys,
            "contribution": np.concatenate([c.reshape(-1) for c in contributions]),
        }
    )
