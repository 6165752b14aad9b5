"""Patterns that name layers: by label, module, op family, or as the first ones."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.ops import RULED
from heapwidget.errors import brief

FIRST, HEAD = "first", "head"
# With more layers than this, only the nearest are listed.
MOST_LISTED = 20


def fits(pattern: str, graph: Graph, number: int) -> bool:
    """Whether a pattern names layer `number`.

    A pattern is a layer's label, in which `*` stands for anything; the path of a module, for all layers in it; an op
    family (`"conv"`, `"linear"`, `"matmul"`, ...); `"first"`, the layers that read an input itself; `"first conv"`,
    those of them that are of a family; or `"head"`, those that decide.
    """
    layer = graph.layers[number]
    first, _, family = pattern.partition(" ")
    if first == FIRST and family in RULED:
        return layer.op == family and fits(FIRST, graph, number)
    if pattern == FIRST and any(source < graph.n_inputs for source in graph.sources(number)):
        return True
    if pattern == HEAD and number in graph.head:
        return True
    return pattern == layer.op or layer.label.startswith(f"{pattern}.") or fnmatchcase(layer.label, pattern)


def check_patterns(option: str, patterns: Iterable[str], graph: Graph) -> None:
    """Refuse a pattern that is meant for one layer or module and names none.

    Raises
    ------
    ValueError
        The message tells the layers, or the nearest.
    """
    numbers = range(graph.n_inputs, len(graph.layers))
    for pattern in patterns:
        if pattern.removeprefix(f"{FIRST} ") in (FIRST, HEAD, *RULED) or any(c in pattern for c in "*?["):
            continue
        if not any(fits(pattern, graph, number) for number in numbers):
            labels = [graph.layers[number].label for number in numbers]
            near = get_close_matches(pattern, labels, n=5, cutoff=0.3) or labels[:5]
            told = (
                f"the layers are {', '.join(labels)}" if len(labels) <= MOST_LISTED else f"near are {', '.join(near)}"
            )
            raise ValueError(f"{option} names no layer {brief(pattern)}; {told}")
