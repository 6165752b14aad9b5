"""Layers, which of their units each op reads, and what becomes of them once all are known: numbers and labels."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Shape, Window
from heapwidget.engine.flow import CONSTANT, PADDING, Flow
from heapwidget.engine.rules import Rule

# Makes a layer's flow under the rule that it was given.
Make = Callable[[Rule], Flow]

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

    def units(self, layers: Sequence[Layer]) -> Tensor:
        """Global unit ids in its shape, below zero where an entry is no unit."""
        if self.index is not None:
            return self.index
        if self.layer is not None:
            return _units(layers[self.layer].offset, self.shape)
        index = torch.full(self.shape, PADDED if self.rest == PADDING else CONSTANT_ENTRY)
        for block in self.blocks:
            layer = layers[block.layer]
            index[block.at] = _units(layer.offset, layer.shape)[block.within]
        return index


@dataclass(frozen=True)
class Layer:
    """One activation tensor, unbatched; `offset` is its first unit's global id; `warning` is for those who use it.

    `ruled` says whether the rule that a user asks for decides how it shares. `raw` is the recorded tensor that it was
    made as: while it is held, no other takes that tensor's id. `merge` merges a scale and a shift of each output of its
    weights, which lie on axis `merged`, into them, as long as nothing was done with its result.
    """

    label: str
    op: str
    shape: Shape
    channel_axis: int | None
    offset: int
    operands: tuple[Operand, ...] = ()
    make: Make | None = None
    ruled: bool = False
    multiplies: bool = True
    warning: str | None = None
    raw: Tensor | None = None
    merge: Callable[[Tensor, Tensor], None] | None = None
    merged: int = 0

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
    def head(self) -> frozenset[int]:
        """The layers that decide.

        From the output down they are all to the last weights; and on through linear layers with nothing but functions
        of one unit between, up to the first that mixes positions.
        """
        found, waiting = set[int](), layers_of(self.output, self.layers)
        while waiting:
            number = waiting.pop()
            if number >= self.n_inputs and number not in found:
                found.add(number)
                layer = self.layers[number]
                waiting += [n for n in self.sources(number) if not layer.ruled or self._goes_on(layer, n)]
        return frozenset(found)

    def _goes_on(self, reader: Layer, number: int) -> bool:
        """Whether a run of linear layers goes on with a layer that one of them reads."""
        layer = self.layers[number]
        linear = all(one.op == "linear" and one.operands[0].layer is not None for one in (reader, layer) if one.ruled)
        if not linear or not layer.ruled:
            return False
        (operand,) = layer.operands
        assert operand.layer is not None
        positions = [sum(size > 1 for size in shape[:-1]) for shape in (self.layers[operand.layer].shape, layer.shape)]
        return operand.shape[:-1] == layer.shape[:-1] and positions[0] <= positions[1]

    @cached_property
    def _sources(self) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(sorted({s for operand in layer.operands for s in layers_of(operand, self.layers)}))
            for layer in self.layers
        )

    def sources(self, number: int) -> tuple[int, ...]:
        """The layers whose units layer `number` reads."""
        return self._sources[number]

    def units(self, operand: Operand) -> Tensor:
        """Global unit ids in the shape of an operand, below zero where an entry is no unit."""
        return operand.units(self.layers)


def layers_of(operand: Operand, layers: Sequence[Layer]) -> list[int]:
    """The layers an operand has units of, by number."""
    if operand.layer is not None:
        return [operand.layer]
    if operand.blocks:
        return [block.layer for block in operand.blocks]
    assert operand.index is not None
    return layer_numbers(operand.index, layers)


def layer_numbers(units: Tensor, layers: Sequence[Layer]) -> list[int]:
    """The layers that some units are of, by number."""
    units = units[units >= 0].cpu()
    if not units.numel():
        return []
    # Units of one layer need not be looked up one by one.
    first, last = torch.bucketize(torch.stack(units.aminmax()), _ends(layers), right=True).tolist()
    if first == last:
        return [first]
    return torch.bincount(torch.bucketize(units, _ends(layers), right=True)).nonzero()[:, 0].tolist()


def _ends(layers: Sequence[Layer]) -> Tensor:
    return torch.tensor([layer.end for layer in layers])


def _units(first: int, shape: Shape) -> Tensor:
    return torch.arange(first, first + prod(shape)).reshape(shape)


def as_blocks(operand: Operand, layers: Sequence[Layer]) -> Operand:
    """An operand by blocks instead of an index map, where the map is made of blocks."""
    if operand.index is None:
        return operand
    blocks, rest = _find_blocks(operand, layers)
    return replace(operand, index=None, blocks=blocks, rest=rest) if blocks else operand


def _find_blocks(operand: Operand, layers: Sequence[Layer]) -> tuple[tuple[Block, ...], str | None]:
    """The blocks of an index map, and who absorbs the rest; none where the map is not made of blocks."""
    assert operand.index is not None
    index = operand.index.cpu().numpy()
    causes = {PADDED: PADDING, CONSTANT_ENTRY: CONSTANT}
    outside = [causes[n] for n in causes if (index == n).any()]
    units = index[index >= 0]
    if len(outside) > 1 or not units.size:
        return (), None
    first, last = (
        bisect_right(layers, int(unit), key=lambda layer: layer.offset) - 1 for unit in (units.min(), units.max())
    )
    blocks = []
    for number in range(first, last + 1):
        layer = layers[number]
        mine = (index >= layer.offset) & (index < layer.end)
        if mine.any():
            block = _block(index - layer.offset, mine, number, layer.shape)
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
    expected = np.arange(prod(shape)).reshape(shape)[within]
    return Block(layer, tuple(at), within) if np.array_equal(box, expected) else None


def finished(layers: Sequence[Layer], n_inputs: int, output: Operand, dtype: torch.dtype) -> Graph:
    """The graph of all layers that were made: of those that are reached, with their labels."""
    known = [
        replace(
            layer,
            channel_axis=0 if len(layer.shape) > 1 and layer.channel_axis is None else layer.channel_axis,
            operands=tuple(as_blocks(operand, layers) for operand in layer.operands),
            merge=None,
        )
        for layer in layers
    ]
    kept, output = _reached(known, n_inputs, as_blocks(output, layers))
    return Graph(_labelled(kept, n_inputs), n_inputs, output, dtype)


def _reached(layers: Sequence[Layer], n_inputs: int, output: Operand) -> tuple[list[Layer], Operand]:
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


def _labelled(layers: Sequence[Layer], n_inputs: int) -> tuple[Layer, ...]:
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
