"""Layers in the making, and what becomes of them once the whole graph is known: their numbers and their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod

import torch
from torch import Tensor

from heapwidget.boxes import Shape
from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.operands import Operand
from heapwidget.engine.rules import Rule


@dataclass
class Draft:
    """A layer in the making; it holds on to the tensor it was made as, so that no other takes that tensor's id.

    `fold` merges a scale and a shift of each channel into its weights; `warning` is kept for the layer.
    """

    name: str
    op: str
    shape: Shape
    channel_axis: int | None
    offset: int
    operands: tuple[Operand, ...]
    make: Callable[[Rule], Flow] | None
    raw: Tensor
    fold: Callable[[Tensor, Tensor], None] | None = None
    warning: str | None = None


def reached(drafts: list[Draft], n_inputs: int, output: Operand) -> tuple[list[Draft], Operand]:
    """The layers that relevance can reach, numbered and counted anew: what only gates a signal is left out.

    Inputs stay, also those that the output does not depend on.
    """
    ends = torch.tensor([d.offset + prod(d.shape) for d in drafts])
    found, frontier = set(range(n_inputs)), made_of(output, ends)
    while frontier:
        number = frontier.pop()
        if number not in found:
            found.add(number)
            frontier += [n for operand in drafts[number].operands for n in made_of(operand, ends)]
    kept = sorted(found)
    if len(kept) == len(drafts):
        return drafts, output
    offsets = dict(zip(kept, accumulate([0, *(prod(drafts[n].shape) for n in kept)]), strict=False))
    shift = torch.tensor([offsets.get(n, 0) - d.offset for n, d in enumerate(drafts)])

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
        replace(drafts[n], offset=offsets[n], operands=tuple(renumbered(o) for o in drafts[n].operands)) for n in kept
    ]
    return renewed, renumbered(output)


def made_of(operand: Operand, ends: Tensor) -> list[int]:
    """The layers an operand has units of, given the end of each layer's units."""
    if operand.layer is not None:
        return [operand.layer]
    if operand.blocks:
        return [block.layer for block in operand.blocks]
    assert operand.index is not None
    units = operand.index[operand.index >= 0].cpu()
    return [int(n) for n in torch.bucketize(units, ends, right=True).unique()]


def labelled(names: list[str], n_inputs: int) -> list[str]:
    """Number the names that come more than once: pool1, pool2, or conv1#1, conv1#2 behind a digit.

    Inputs, which come first, keep their names.
    """
    count, seen, labels = Counter(names), Counter[str](), []
    for place, name in enumerate(names):
        seen[name] += 1
        number = f"#{seen[name]}" if name[-1].isdigit() or f"{name}{seen[name]}" in count else str(seen[name])
        labels.append(name if count[name] == 1 or place < n_inputs else name + number)
    return labels
