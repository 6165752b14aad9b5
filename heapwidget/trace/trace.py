"""The trace: what a walk leaves behind, as columns and one JSON header; `docs/trace.md` describes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Partition, Squares, Window, everything
from heapwidget.kinds import KINDS
from heapwidget.trace.columns import Columns
from heapwidget.trace.header import PHASES, Header, Layer

# All labels of `Trace.pops` take as much memory as the longest.
LONGEST_LABEL = 200


@dataclass(frozen=True)
class Trace:
    """The pop sequence with everything that each pop pushed or changed.

    Attributes
    ----------
    header
        What `docs/trace.md` lists.
    columns
        By name, little endian, one-dimensional.
    """

    header: Header
    columns: Columns

    def __reduce__(self) -> tuple[type[Trace], tuple[Header, Columns]]:
        # A copy works out again what follows from header and columns.
        return Trace, (self.header, self.columns)

    @property
    def n_steps(self) -> int:
        """Rows, which is pops."""
        return len(self.columns["pop_node"])

    @property
    def conserved(self) -> bool:
        """Whether keys are shares of the target."""
        return self.header.conserved

    def phase_start(self, phase: str) -> int:
        """The first row of a phase."""
        return sum(getattr(self.header.phases, before) for before in PHASES[: PHASES.index(phase)])

    def moved_step(self, step: int, longer: Trace) -> int:
        """Where a step is found again once the walk went on.

        Pops of the walk stay where they are, the finish was what is now walked, and of the collected positions as many
        are popped. The viewer moves steps in the same way (`core/session/timeline.ts`).
        """
        walked, collect = self.phase_start("finish"), self.phase_start("collect")
        if step <= collect:
            return min(step, walked)
        return min(longer.phase_start("collect") + step - collect, longer.n_steps)

    @cached_property
    def repops(self) -> int:
        """How many pops of the walk popped a node that was popped before: more had come to it since."""
        popped = self.columns["pop_node"][: self.header.phases.walk]
        return len(popped) - len(np.unique(popped))

    @property
    def collects_ascending(self) -> bool:
        """Whether of the inputs' positions the smallest key goes first: of a negative target it is the largest part."""
        return (self.header.collect_order or self.header.order) == "ascending"

    @cached_property
    def selecting(self) -> NDArray[np.int64]:
        """The rows that pop the positions of the inputs for good."""
        if self.header.input_in_heap:
            return np.flatnonzero(self.columns["pop_node"] < self.input_nodes)
        return np.arange(self.phase_start("collect"), self.n_steps)

    @cached_property
    def settling(self) -> NDArray[np.int64]:
        """The rows of the walk after which more of the first positions are certain than before."""
        certain = self.columns["certain"][: self.header.phases.walk].astype(np.int64)
        return np.flatnonzero(np.diff(certain, prepend=0))

    @cached_property
    def partitions(self) -> tuple[Partition, ...]:
        """How each layer is cut into nodes."""
        return tuple(layer.partition for layer in self.header.layers)

    @cached_property
    def node_offsets(self) -> NDArray[np.int64]:
        """The first node id of each layer, and the number of all nodes."""
        return np.cumsum([0, *(p.n_nodes for p in self.partitions)])

    @property
    def n_inputs(self) -> int:
        """How many of the layers, the first ones, are inputs."""
        return self.header.inputs

    @property
    def input_nodes(self) -> int:
        """How many nodes the inputs have, which are their positions; theirs are the first ids."""
        return int(self.node_offsets[self.n_inputs])

    @cached_property
    def squares(self) -> tuple[Squares, ...]:
        """By input, the squares of positions by which arrivals are logged; single positions where none are told."""
        return tuple(Squares(layer.shape, layer.channel_axis, layer.square or 1) for layer in self.inputs)

    @property
    def inputs(self) -> tuple[Layer, ...]:
        """The layers that are inputs."""
        return self.header.layers[: self.n_inputs]

    @property
    def input_kinds(self) -> list[str]:
        """How each input is shown."""
        return [str(layer.kind) for layer in self.inputs]

    def positions(self, number: int) -> tuple[int, ...]:
        """The shape of an input without its channels."""
        return self.header.layers[number].positions

    def by_input(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """One value a position of all inputs, flat, divided by input."""
        return np.split(values, self.node_offsets[1 : self.n_inputs])

    @cached_property
    def contributions(self) -> tuple[NDArray[np.float32], ...]:
        """Final contributions of each input's units, in its layer's shape."""
        ends = np.cumsum([layer.units for layer in self.inputs])
        parts = np.split(self.columns["contribution"], ends[:-1])
        return tuple(part.reshape(layer.shape) for part, layer in zip(parts, self.inputs, strict=True))

    def position_contributions(self, number: int) -> NDArray[np.float32]:
        """Final contributions of an input's positions, flat: its channels are summed."""
        return self.partitions[number].sums(self.contributions[number])

    def layer_of(self, node: int) -> int:
        """The layer that a node lies in."""
        return int(np.searchsorted(self.node_offsets, node, side="right")) - 1

    def window(self, node: int) -> Window:
        """The slices of its layer that a node covers."""
        number = self.layer_of(node)
        return self.partitions[number].window(node - int(self.node_offsets[number]))

    def label(self, node: int) -> str:
        """A node's name."""
        number = self.layer_of(node)
        index = node - int(self.node_offsets[number])
        return _label_of(self.header.layers[number], self.partitions[number], index, self.n_inputs == 1)

    @property
    def pops(self) -> NDArray[np.void]:
        """One record a pop: step (from 1), layer, box (as slices), label, mass, phase."""
        phases = np.repeat(PHASES, [getattr(self.header.phases, phase) for phase in PHASES])
        nodes, masses = self.columns["pop_node"].tolist(), self.columns["pop_mass"].tolist()
        records: list[tuple[int, str, str, str, float, str]] = []
        for i, node in enumerate(nodes):
            layer = self.header.layers[self.layer_of(node)]
            if phases[i] == "finish":
                box, label = everything(layer.shape), layer.label
            else:
                box, label = self.window(node), self.label(node)
            text = ", ".join(f"{s.start}:{s.stop}" for s in box)
            records.append((i + 1, _cut(layer.label), text, _cut(label), masses[i], str(phases[i])))
        widths = [
            max((len(text) for text in texts), default=1) for texts in zip(*(r[1:4] for r in records), strict=True)
        ] or [1] * 3
        names = [("step", "u4"), *zip(("layer", "box", "label"), (f"U{w}" for w in widths), strict=True)]
        return np.array(records, dtype=[*names, ("mass", "f4"), ("phase", "U7")])


def _label_of(layer: Layer, part: Partition, index: int, alone: bool) -> str:
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


def _cut(label: str) -> str:
    """A label without what is too long of it."""
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
