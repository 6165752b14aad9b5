"""What nodes are called."""

from __future__ import annotations

from heapwidget.boxes import Partition
from heapwidget.kinds import KINDS
from heapwidget.trace.header import Layer

# All labels of `Trace.pops` take as much memory as the longest.
LONGEST_LABEL = 200


def label_of(layer: Layer, part: Partition, index: int, alone: bool) -> str:
    """The name of a layer's node: layer, channel after a dot, positions in brackets, where the box leaves a choice.

    Features bear their own names, words are quoted; an input that is not `alone` puts its own name first.
    """
    name = layer.label
    if layer.names is not None:
        named = ((layer.kind and KINDS[layer.kind].label) or "{name}").format(index=index, name=layer.names[index])
        return named if alone else f"{name} {named}"
    if alone and layer.kind is not None:
        name = KINDS[layer.kind].place or name
    positions = []
    for axis, (seen, size) in enumerate(zip(part.window(index), part.shape, strict=True)):
        if part.box[axis] >= size:
            continue
        text = str(seen.start) if seen.stop - seen.start == 1 else f"{seen.start}–{seen.stop - 1}"
        if axis == layer.channel_axis:
            name += f"·{text}"
        else:
            positions.append(text)
    return f"{name} ({','.join(positions)})" if positions else name


def cut(label: str) -> str:
    """A label without what is too long of it."""
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
