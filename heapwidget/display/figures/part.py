"""One of the inputs as a figure sees it: what it holds, what its positions are called, and how they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heapwidget.display.still import picture
from heapwidget.findings.findings import Findings
from heapwidget.findings.summary import half, shortened
from heapwidget.words.percents import percent

# Left, bottom, width, height as fractions of the figure.
Box = tuple[float, float, float, float]

# So long may an input's name be.
NAME = 26


@dataclass(frozen=True)
class Part:
    """One of the inputs, by its number."""

    findings: Findings
    number: int

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The contribution of each position, flat."""
        return self.findings.trace.position_contributions(self.number).astype(np.float64)

    @property
    def kind(self) -> str:
        """How it is shown: as an image where there is a picture of it."""
        return self.findings.trace.input_kinds[self.number] if self.picture is None else "image"

    @property
    def names(self) -> Sequence[str] | None:
        """What its positions are called, if they have names and are no image."""
        return self.findings.trace.inputs[self.number].names if self.picture is None else None

    @cached_property
    def picture(self) -> NDArray[np.uint8] | None:
        """What it looks like, if it is an image."""
        return picture(self.findings, self.number)

    @cached_property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of positions; `None` where they are one row."""
        positions = self.findings.trace.positions(self.number)
        if self.picture is not None and self.picture.shape[0] * self.picture.shape[1] == len(self.values):
            return self.picture.shape[0], self.picture.shape[1]
        if len([s for s in positions if s > 1]) < 2:
            return None
        return int(np.prod(positions[:-1])), positions[-1]

    @cached_property
    def channels(self) -> NDArray[np.float64]:
        """The input's numbers, a row for each channel."""
        layer = self.findings.trace.inputs[self.number]
        x: NDArray[np.float64] = self.findings.inputs[self.number].cpu().double().numpy().reshape(layer.shape)
        axis = layer.channel_axis
        return x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)

    @cached_property
    def chosen(self) -> NDArray[np.int64]:
        """Which of the positions are among the first popped, which hold half."""
        first = int(self.findings.trace.node_offsets[self.number])
        chosen = half(self.findings) - first
        return chosen[(chosen >= 0) & (chosen < len(self.values))]

    def first_popped(self, sign: str) -> str:
        """What a mark says."""
        count = len(half(self.findings))
        if self.findings.trace.n_inputs > 1:
            return f"{sign} {len(self.chosen):,} of the first {count:,}"
        holding = " (half)" if self.findings.trace.conserved else ""
        return f"{sign} first {count:,} popped{holding}"

    @property
    def titles(self) -> tuple[str, str]:
        """Of the input and of its contributions; several inputs go by name, each with its share of the target."""
        trace = self.findings.trace
        if trace.n_inputs == 1:
            return "Input", "Contributions"
        name = shortened(trace.inputs[self.number].label, NAME)
        if trace.conserved:
            name += f": {percent(float(self.values.sum()) / (trace.header.target.change or 1.0))}"
        return name, "Contributions"
