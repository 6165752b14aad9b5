"""The option `nodes`: what the heap holds, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heapwidget.arguments.checks import check_choice
from heapwidget.boxes import GRANULARITIES, Partition, partition, positions
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.patterns import check_patterns, fits
from heapwidget.errors import brief

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

    def one(number: int) -> Partition:
        layer = graph.layers[number]
        if number < graph.n_inputs:
            return positions(layer.shape, layer.channel_axis)
        granularity = next((name for pattern, name in by_pattern.items() if fits(pattern, graph, number)), "auto")
        return partition(layer.shape, layer.channel_axis, granularity)

    return [one(number) for number in range(len(graph.layers))]
