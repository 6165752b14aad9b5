"""How what a method found becomes a trace: its header and its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heapwidget.arguments.names import Names
from heapwidget.arguments.targets import Choice
from heapwidget.boxes import Partition, Shape, positions
from heapwidget.engine.composites import Composite
from heapwidget.engine.flow import Array, Flow
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.walk.receptive_fields import ReceptiveField, fields_of_inputs, receptive_fields
from heapwidget.engine.walk.search import Row
from heapwidget.kinds import kind_of
from heapwidget.trace.columns import Columns, columns_of
from heapwidget.trace.header import Header, Layer, TargetValue
from heapwidget.trace.ledger import Ledger
from heapwidget.words.vocabulary import rule_label

# --- The header -------------------------------------------------------------------------------------------------------


def make_header(
    method: str,
    choice: Choice,
    value: float,
    layers: tuple[Layer, ...],
    *,
    rule: Composite | None = None,
    order: str = "descending",
    conserved: bool = False,
    below: str | None = None,
) -> Header:
    """The header without what depends on the pops; `below` is what the net ends in, where that is not explained."""
    name, label = (rule.name, rule.label) if rule else (None, None)
    return Header(
        method=method,
        rule=name,
        # A rule of one's own, or one with numbers: its name alone tells no reader.
        rule_label=label if name and label != rule_label(name) else None,
        order=order,
        conserved=conserved,
        target=TargetValue(choice.label, choice.index, value, below),
        layers=layers,
        inputs=sum(layer.kind is not None for layer in layers),
        ledger=Ledger(value, 0.0, 0.0, {}),
    )


def net_layers(
    graph: Graph, parts: Sequence[Partition], flows: Sequence[Flow | None], named: Sequence[Names | None]
) -> tuple[Layer, ...]:
    """What the header says of each layer, the inputs with the names of their positions."""
    shapes = [layer.shape for layer in graph.layers[: graph.n_inputs]]
    layers = [
        Layer(layer.label, layer.op, layer.shape, part.box, layer.channel_axis, tuple(graph.sources(n)), told)
        for n, (layer, part, field) in enumerate(zip(graph.layers, parts, receptive_fields(graph, flows), strict=True))
        for told in (_told(field, shapes),)
    ]
    return _with_kinds(layers, [_meets_convolution(graph, n) for n in range(graph.n_inputs)], named)


def input_layers(
    names: Sequence[str], shapes: Sequence[Shape], channel_axes: Sequence[int | None], named: Sequence[Names | None]
) -> tuple[Layer, ...]:
    """What the header says of inputs alone: all that a method knows which looks at no other layer.

    Where it is not known which axis counts channels, it is the first.
    """
    axes = [0 if axis is None and len(shape) > 1 else axis for shape, axis in zip(shapes, channel_axes, strict=True)]
    layers = [
        Layer(name, "input", shape, positions(shape, axis).box, axis, (), _told(field, shapes))
        for name, shape, axis, field in zip(names, shapes, axes, fields_of_inputs(shapes, axes), strict=True)
    ]
    return _with_kinds(layers, [None] * len(layers), named)


def _told(field: ReceptiveField, shapes: Sequence[Shape]) -> tuple[tuple[int, int, int, int | None], ...] | None:
    """A field as the header has it: `None` where all of every input is seen."""
    everything = (
        seen.axis is None and seen.start <= 0 and seen.start + seen.size >= shapes[number][axis]
        for (number, axis), seen in field.items()
    )
    return None if all(everything) else tuple((seen.start, seen.step, seen.size, seen.axis) for seen in field.values())


def _with_kinds(
    layers: Sequence[Layer], convolved: Sequence[bool | None], named: Sequence[Names | None]
) -> tuple[Layer, ...]:
    """The layers, the inputs among them with how they are shown, and with their names."""
    shown = (
        replace(layer, kind=kind_of(layer.shape, layer.channel_axis, meets))
        if given is None
        else replace(layer, kind=given.kind, names=given.names)
        for layer, meets, given in zip(layers, convolved, named, strict=False)
    )
    return (*shown, *layers[len(named) :])


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
    rows: list[Row],
    collected: tuple[NDArray[np.int64], NDArray[np.float32]],
    contributions: Sequence[Array],
    log: Log = NO_LOG,
    dust: NDArray[np.float64] = NO_LOG.keys,
    sign: float = 1.0,
) -> Columns:
    """All columns: the rows, then the collect phase, during which no sum changes."""
    nodes, keys = collected

    def column(name: str, factor: float = 1.0) -> NDArray[Any]:
        values = [getattr(row, name) * factor for row in rows]
        return np.concatenate([values, np.full(len(nodes), values[-1] if values else 0.0)])

    return columns_of(
        {
            "pop_node": np.r_[[row.node for row in rows], nodes],
            "pop_mass": np.r_[[row.mass for row in rows], keys],
            "explained": column("explained", sign),
            "absorbed": column("absorbed", sign),
            "dust": np.r_[dust, np.full(len(nodes), dust[-1] if len(dust) else 0.0)],
            "bound": np.maximum(column("bound"), 0),
            "log_offset": np.r_[log.ends, np.full(len(nodes), log.ends[-1])],
            "log_node": log.nodes,
            "log_key": log.keys,
            "contribution": np.concatenate([c.reshape(-1) for c in contributions]),
        }
    )
