"""The trace: what a walk leaves behind, as columns and one JSON header; `docs/trace.md` describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Partition, everything

FORMAT, VERSION = "heapwidget-trace", 1

COLUMNS = {
    "pop_node": "<u4",
    "pop_mass": "<f4",
    "explained": "<f4",
    "absorbed": "<f4",
    "dust": "<f4",
    "bound": "<f4",
    "log_offset": "<u4",
    "log_node": "<u4",
    "log_key": "<f4",
    "contribution": "<f4",
}

PHASES = ("walk", "finish", "collect")

# How an input is shown.
KINDS = ("image", "bars", "line", "tokens", "strip")

# Letters of the name of a layer or of a position, at most.
LONGEST_NAME = 10_000
# All labels of `Trace.pops` take as much memory as the longest.
LONGEST_LABEL = 200


@dataclass(frozen=True)
class Trace:
    """The pop sequence with everything that each pop pushed or changed.

    Attributes
    ----------
    header
        What `docs/trace.md` lists, as plain JSON values.
    columns
        By name, little endian, one-dimensional.
    """

    header: Mapping[str, Any]
    columns: Mapping[str, NDArray[Any]]

    def __reduce__(self) -> tuple[type[Trace], tuple[Mapping[str, Any], Mapping[str, NDArray[Any]]]]:
        # A copy works out again what follows from header and columns.
        return Trace, (self.header, self.columns)

    @property
    def n_steps(self) -> int:
        """Rows, which is pops."""
        return len(self.columns["pop_node"])

    @property
    def conserved(self) -> bool:
        """Whether keys are shares of the target."""
        return bool(self.header["conserved"])

    def phase_start(self, phase: str) -> int:
        """The first row of a phase."""
        counts = self.header["phases"]
        return sum(int(counts[p]) for p in PHASES[: PHASES.index(phase)])

    def moved_step(self, step: int, longer: Trace) -> int:
        """Where a step is found again once the walk went on.

        Pops of the walk stay where they are, the finish was what is now walked, and of the collected positions as many
        are popped. The viewer moves steps in the same way (`core/timeline.ts`).
        """
        walked, collect = self.phase_start("finish"), self.phase_start("collect")
        if step <= collect:
            return min(step, walked)
        return min(longer.phase_start("collect") + step - collect, longer.n_steps)

    @property
    def collects_ascending(self) -> bool:
        """Whether of the inputs' positions the smallest key goes first: of a negative target it is the largest part."""
        return bool(self.header.get("collect_order", self.header["order"]) == "ascending")

    @cached_property
    def selecting(self) -> NDArray[np.int64]:
        """The rows that pop the positions of the inputs for good."""
        if self.header.get("input_in_heap"):
            return np.flatnonzero(self.columns["pop_node"] < self.input_nodes)
        return np.arange(self.phase_start("collect"), self.n_steps)

    @cached_property
    def partitions(self) -> tuple[Partition, ...]:
        """How each layer is cut into nodes."""
        return tuple(Partition(tuple(layer["shape"]), tuple(layer["box"])) for layer in self.header["layers"])

    @cached_property
    def node_offsets(self) -> NDArray[np.int64]:
        """The first node id of each layer, and the number of all nodes."""
        return np.cumsum([0, *(p.n_nodes for p in self.partitions)])

    @property
    def n_inputs(self) -> int:
        """How many of the layers, the first ones, are inputs."""
        return int(self.header.get("inputs", 1))

    @property
    def input_nodes(self) -> int:
        """How many nodes the inputs have, which are their positions; theirs are the first ids."""
        return int(self.node_offsets[self.n_inputs])

    @property
    def input_kinds(self) -> list[str]:
        """How each input is shown."""
        return [layer["kind"] for layer in self.header["layers"][: self.n_inputs]]

    def positions(self, number: int) -> tuple[int, ...]:
        """The shape of an input without its channels."""
        channel_axis = self.header["layers"][number]["channel_axis"]
        return tuple(s for a, s in enumerate(self.partitions[number].shape) if a != channel_axis) or (1,)

    def by_input(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """One value a position of all inputs, flat, divided by input."""
        return np.split(values, self.node_offsets[1 : self.n_inputs])

    @cached_property
    def contributions(self) -> tuple[NDArray[np.float32], ...]:
        """Final contributions of each input's units, in its layer's shape."""
        shapes = [part.shape for part in self.partitions[: self.n_inputs]]
        ends = np.cumsum([prod(shape) for shape in shapes])
        parts = np.split(self.columns["contribution"], ends[:-1])
        return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))

    def position_contributions(self, number: int) -> NDArray[np.float32]:
        """Final contributions of an input's positions, flat: its channels are summed."""
        return self.partitions[number].sums(self.contributions[number])

    def layer_of(self, node: int) -> int:
        """The layer that a node lies in."""
        return int(np.searchsorted(self.node_offsets, node, side="right")) - 1

    def label(self, node: int) -> str:
        """A node's name: layer, channel after a dot, positions in brackets, each only where the box leaves a choice.

        Features bear their own names, words are quoted; among several inputs the input's name comes first.
        """
        number = self.layer_of(node)
        layer, part = self.header["layers"][number], self.partitions[number]
        name, channel_axis = layer["label"], layer["channel_axis"]
        if "names" in layer:
            index = node - int(self.node_offsets[number])
            own = layer["names"][index]
            named = own if layer["kind"] == "bars" else f"token {index} ‘{own}’"
            return named if self.n_inputs == 1 else f"{name} {named}"
        if self.n_inputs == 1 and layer.get("kind") == "image":
            name = "pixel"
        positions = []
        for axis, (seen, size) in enumerate(
            zip(part.window(node - int(self.node_offsets[number])), part.shape, strict=True)
        ):
            if part.box[axis] >= size:
                continue
            text = str(seen.start) if seen.stop - seen.start == 1 else f"{seen.start}–{seen.stop - 1}"
            if axis == channel_axis:
                name += f"·{text}"
            else:
                positions.append(text)
        return f"{name} ({','.join(positions)})" if positions else str(name)

    @property
    def pops(self) -> NDArray[np.void]:
        """One record a pop: step (from 1), layer, box (as slices), label, mass, phase."""
        phases = np.repeat(PHASES, [self.header["phases"][phase] for phase in PHASES])
        nodes, masses = self.columns["pop_node"].tolist(), self.columns["pop_mass"].tolist()
        records: list[tuple[int, str, str, str, float, str]] = []
        for i, node in enumerate(nodes):
            number = self.layer_of(node)
            layer = self.header["layers"][number]
            if phases[i] == "finish":
                box, label = everything(layer["shape"]), layer["label"]
            else:
                box = self.partitions[number].window(node - int(self.node_offsets[number]))
                label = self.label(node)
            text = ", ".join(f"{s.start}:{s.stop}" for s in box)
            records.append((i + 1, _cut(layer["label"]), text, _cut(label), masses[i], str(phases[i])))
        widths = [
            max((len(text) for text in texts), default=1) for texts in zip(*(r[1:4] for r in records), strict=True)
        ] or [1] * 3
        names = [("step", "u4"), *zip(("layer", "box", "label"), (f"U{w}" for w in widths), strict=True)]
        return np.array(records, dtype=[*names, ("mass", "f4"), ("phase", "U7")])


def _cut(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
