"""Layers, the graph that they make, and what becomes of them once all are known: their numbers and their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import prod

import torch
from torch import Tensor

from heapwidget.boxes import Shape
from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.operands import Operand, units_of
from heapwidget.engine.rules import Rule

# Makes a layer's flow under the rule that it was given.
Make = Callable[[Rule], Flow]


@dataclass(frozen=True)
class Layer:
    """One activation tensor, unbatched; `offset` is its first unit's global id; `warning` is for those who use it.

    `ruled` says whether the rule that a user asks for decides how it shares. `raw` is the recorded tensor that it was
    made as: while it is held, no other takes that tensor's id. `merge` merges a scale and a shift of each channel into
    its weights, as long as nothing was done with its result.
    """

    label: str
    op: str
    shape: Shape
    channel_axis: int | None
    offset: int
    operands: tuple[Operand, ...] = ()
    make: Make | None = None
    ruled: bool = False
    warning: str | None = None
    raw: Tensor | None = None
    merge: Callable[[Tensor, Tensor], None] | None = None

    @cached_property
    def n_units(self) -> int:
        return prod(self.shape)

    @property
    def end(self) -> int:
        """The id behind its last unit's."""
        return self.offset + self.n_units


@dataclass(frozen=True)
class Graph:
    """The layers in the order they were made, inputs first, and where in them the net's output is found."""

    layers: tuple[Layer, ...]
    n_inputs: int
    output: Operand
    dtype: torch.dtype

    @cached_property
    def _sources(self) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(sorted({s for operand in layer.operands for s in layers_of(operand, self.layers)}))
            for layer in self.layers
        )

    def sources(self, number: int) -> tuple[int, ...]:
        """The layers whose units layer `number` reads."""
        return self._sources[number]

    def reads_input(self, number: int) -> bool:
        """Whether layer `number` reads units of an input."""
        return any(source < self.n_inputs for source in self._sources[number])

    def units(self, operand: Operand) -> Tensor:
        """Global unit ids in the shape of an operand, below zero where an entry is no unit."""
        return units_of(operand, *places(self.layers))


def places(layers: Sequence[Layer]) -> tuple[list[int], list[Shape]]:
    """Where the units of each layer begin, and its shape."""
    return [layer.offset for layer in layers], [layer.shape for layer in layers]


def layers_of(operand: Operand, layers: Sequence[Layer]) -> list[int]:
    """The layers an operand has units of, by number."""
    if operand.layer is not None:
        return [operand.layer]
    if operand.blocks:
        return [block.layer for block in operand.blocks]
    assert operand.index is not None
    units = operand.index[operand.index >= 0].cpu()
    return torch.bucketize(units, _ends(layers), right=True).bincount().nonzero().reshape(-1).tolist()


def _ends(layers: Sequence[Layer]) -> Tensor:
    return torch.tensor([layer.end for layer in layers])


def reached(layers: Sequence[Layer], n_inputs: int, output: Operand) -> tuple[list[Layer], Operand]:
    """The layers that relevance can reach, numbered and counted anew: what only gates a signal is left out.

    Inputs stay, also those that the output does not depend on.
    """
    found, frontier = set(range(n_inputs)), layers_of(output, layers)
    while frontier:
        number = frontier.pop()
        if number not in found:
            found.add(number)
            frontier += [n for operand in layers[number].operands for n in layers_of(operand, layers)]
    kept = sorted(found)
    if len(kept) == len(layers):
        return list(layers), output
    offsets = dict(zip(kept, accumulate([0, *(layers[n].n_units for n in kept)]), strict=False))
    ends, shift = _ends(layers), torch.tensor([offsets.get(n, 0) - layer.offset for n, layer in enumerate(layers)])

    def renumbered(operand: Operand) -> Operand:
        if operand.layer is not None:
            return replace(operand, layer=kept.index(operand.layer))
        if operand.blocks:
            blocks = tuple(replace(block, layer=kept.index(block.layer)) for block in operand.blocks)
            return replace(operand, blocks=blocks)
        assert operand.index is not None
        index = operand.index
        layer = torch.bucketize(index.clamp(min=0).contiguous(), ends.to(index.device), right=True)
        moved = torch.where(index < 0, index, index + shift.to(index.device)[layer])
        return replace(operand, index=moved)

    renewed = [
        replace(layers[n], offset=offsets[n], operands=tuple(renumbered(o) for o in layers[n].operands)) for n in kept
    ]
    return renewed, renumbered(output)


def labelled(layers: Sequence[Layer], n_inputs: int) -> tuple[Layer, ...]:
    """Number the labels that come more than once: pool1, pool2, or conv1#1, conv1#2 behind a digit.

    Inputs, which come first, keep their names.
    """
    names = [layer.label for layer in layers]
    count, seen, labels = Counter(names), Counter[str](), []
    for place, name in enumerate(names):
        seen[name] += 1
        number = f"#{seen[name]}" if name[-1].isdigit() or f"{name}{seen[name]}" in count else str(seen[name])
        labels.append(name if count[name] == 1 or place < n_inputs else name + number)
    return tuple(replace(layer, label=label) for layer, label in zip(layers, labels, strict=True))
