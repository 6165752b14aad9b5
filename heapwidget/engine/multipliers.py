"""Which layers hold multipliers, and what multipliers are worth where they arrive.

A rule that passes multipliers on (`Rule.multiplies`) divides by nothing: relevance of a unit is its multiplier times
its change. From the output down, as long as all who read a layer do so, it is multipliers that lie on its units; below
them is relevance. A function of one unit is worth the change of its result over that of the unit, as in the rescale
rule of Shrikumar et al. 2017, "Learning important features through propagating activation differences".
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from heapwidget.engine.flow import NO_CHANGE, Flow
from heapwidget.engine.graph.layers import Graph, Operand, layers_of
from heapwidget.engine.rules import Factor, Rule
from heapwidget.engine.walk.sweep import gather


def holders(graph: Graph, rules: Sequence[Rule]) -> set[int]:
    """The layers that hold multipliers."""
    read_by: dict[int, list[int]] = {}
    for number in range(len(graph.layers)):
        for source in graph.sources(number):
            read_by.setdefault(source, []).append(number)
    found = set[int]()
    last = set(layers_of(graph.output, graph.layers))
    for number in range(len(graph.layers) - 1, graph.n_inputs - 1, -1):
        readers = read_by.get(number, [])
        passed = all(reader in found for reader in readers) and (bool(readers) or number in last)
        if passed and rules[number].multiplies and graph.layers[number].multiplies:
            found.add(number)
    return found


def flows_of_values(graph: Graph, rules: Sequence[Rule]) -> list[Flow | None]:
    """The flow of each layer, for the shares of values: the walk from zero."""
    return [None if layer.make is None else layer.make(rule) for layer, rule in zip(graph.layers, rules, strict=True)]


def flows_of_changes(graph: Graph, rules: Sequence[Rule]) -> list[Flow | None]:
    """The flow of each layer, for the shares of changes."""
    flows: list[Flow | None] = []
    multipliers = holders(graph, rules)
    for number, (layer, rule) in enumerate(zip(graph.layers, rules, strict=True)):
        if layer.make is None:
            flows.append(None)
        elif number in multipliers:
            flows.append(layer.make(rule.passing(_factor(graph, flows, layer.operands))))
        else:
            flows.append(layer.make(rule.of_changes or rule))
    return flows


def _factor(graph: Graph, flows: Sequence[Flow | None], operands: Sequence[Operand]) -> Factor:
    """What a layer's multipliers are worth to the units of each of its operands."""

    def factor(number: int, part: Tensor) -> Tensor:
        return worth(graph, flows, operands[number], part)

    return factor


def worth(graph: Graph, flows: Sequence[Flow | None], operand: Operand, part: Tensor) -> Tensor:
    """What multipliers are multiplied with on their way to an operand's units; see `rules.Factor`."""
    changes = [None if flow is None else flow.change for flow in flows]
    if all(changes[source] is None for source in layers_of(operand, graph.layers)):
        return part
    nothing, one = part.new_zeros(()), part.new_ones(())
    both = list(zip(graph.layers, changes, strict=False))
    own = [nothing.expand(layer.shape) if d is None else _safe(d.to(part.dtype)) for layer, d in both]
    held = [(nothing if d is None else one).expand(layer.shape) for layer, d in both]
    d, is_held = (gather(graph, operand, values).reshape(part.shape) for values in (own, held))
    ratio = torch.where(d == 0, 0, part / torch.where(d == 0, 1, d))
    return torch.where(is_held > 0, ratio, part)


def _safe(d: Tensor) -> Tensor:
    """Changes without those that are rounding."""
    return torch.where(d.abs() > NO_CHANGE * d.abs().amax(), d, 0) if d.numel() else d
