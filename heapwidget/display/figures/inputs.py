"""The inputs in a figure: each with its contributions, as a plane of positions or as a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from heapwidget.display.figures.names import PITCH, plot_names
from heapwidget.display.figures.style import BLUE, COOL, LINE, MUTED, SHARES, SIGNED, WARM, bare, titled
from heapwidget.display.still import picture
from heapwidget.findings.findings import Findings
from heapwidget.findings.summary import half, shortened
from heapwidget.words.percents import percent

# Left, bottom, width, height as fractions of the figure.
Box = tuple[float, float, float, float]

# Of the figure of a single input: its size in inches, and where a plane or a row and its contributions lie.
SIZE = (11, 5.2)
LEFT, RIGHT = (0.02, 0.1, 0.285, 0.74), (0.325, 0.1, 0.285, 0.74)
UPPER, LOWER = (0.065, 0.52, 0.54, 0.32), (0.065, 0.1, 0.54, 0.32)
# Of several inputs, one below the other, in inches: the head of the figure, a plane, a row, and what is below each.
HEAD, PLANE, ROW, BELOW = 0.83, 2.5, 1.2, 0.85
# Room for names beside bars.
BESIDE = 0.125
ROW_LEFT, ROW_RIGHT = (0.055, 0.23), (0.36, 0.25)

# Small contributions are many: a root scale keeps them apart.
EXPONENT = 0.6
# A row of more values than this is drawn as a line, and an outline around more positions is a tangle.
MOST_BARS, MOST_OUTLINED = 64, 2500
MOST_CHANNELS = 6
# So long may an input's name be.
NAME = 26


@dataclass(frozen=True)
class Part:
    """One of the inputs, by its number."""

    explanation: Findings
    number: int

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The contribution of each position, flat."""
        return self.explanation.trace.position_contributions(self.number).astype(np.float64)

    @property
    def kind(self) -> str:
        """How it is shown."""
        return self.explanation.trace.input_kinds[self.number]

    @property
    def names(self) -> Sequence[str] | None:
        """What its positions are called, if they have names and are no image."""
        return self.explanation.trace.inputs[self.number].names if self.picture is None else None

    @cached_property
    def picture(self) -> NDArray[np.uint8] | None:
        """What it looks like, if it is an image."""
        return picture(self.explanation, self.number)

    @cached_property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of positions; `None` where they are one row."""
        positions = self.explanation.trace.positions(self.number)
        if self.picture is not None and self.picture.shape[0] * self.picture.shape[1] == len(self.values):
            return self.picture.shape[0], self.picture.shape[1]
        if len([s for s in positions if s > 1]) < 2:
            return None
        return int(np.prod(positions[:-1])), positions[-1]

    @cached_property
    def channels(self) -> NDArray[np.float64]:
        """The input's numbers, a row for each channel."""
        layer = self.explanation.trace.inputs[self.number]
        x: NDArray[np.float64] = self.explanation.inputs[self.number].cpu().double().numpy().reshape(layer.shape)
        axis = layer.channel_axis
        return x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)

    @cached_property
    def chosen(self) -> NDArray[np.int64]:
        """Which of the positions are among the first popped, which hold half."""
        first = int(self.explanation.trace.node_offsets[self.number])
        chosen = half(self.explanation) - first
        return chosen[(chosen >= 0) & (chosen < len(self.values))]

    def first_popped(self, sign: str) -> str:
        """What a mark says."""
        count = len(half(self.explanation))
        if self.explanation.trace.n_inputs > 1:
            return f"{sign} {len(self.chosen):,} of the first {count:,}"
        holding = " (half)" if self.explanation.trace.conserved else ""
        return f"{sign} first {count:,} popped{holding}"

    @property
    def height(self) -> float:
        """Of one of several, in inches."""
        if self.names is not None:
            return max(ROW, min(PITCH * len(self.names), PLANE))
        return ROW if self.grid is None else PLANE

    @property
    def titles(self) -> tuple[str, str]:
        """Of the input and of its contributions; several inputs go by name, each with its share of the target."""
        trace = self.explanation.trace
        if trace.n_inputs == 1:
            return "Input", "Contributions"
        name = shortened(trace.inputs[self.number].label, NAME)
        if trace.conserved:
            name += f": {percent(float(self.values.sum()) / (trace.header.target.value or 1.0))}"
        return name, "Contributions"


def arrange(parts: Sequence[Part]) -> tuple[float, list[tuple[Box, Box]]]:
    """The figure's height in inches, and where each input and its contributions lie."""
    if len(parts) == 1:
        return SIZE[1], [(UPPER, LOWER) if parts[0].grid is None else (LEFT, RIGHT)]
    heights = [part.height for part in parts]
    total = max(SIZE[1], HEAD + sum(heights) + BELOW * len(parts))
    boxes, top = [], total - HEAD
    for part, height in zip(parts, heights, strict=True):
        columns = (ROW_LEFT, ROW_RIGHT) if part.grid is None else ((LEFT[0], LEFT[2]), (RIGHT[0], RIGHT[2]))
        given, found = ((left, (top - height) / total, width, height / total) for left, width in columns)
        boxes.append((given, found))
        top -= height + BELOW
    return total, boxes


def plot_input(figure: Figure, part: Part, given: Box, found: Box) -> None:
    """One input, and its contributions."""
    if part.names is not None:
        _plot_named(figure, part, part.names, given, found)
    elif part.grid is None:
        _plot_row(figure, part, given, found)
    else:
        _plot_plane(figure, part, part.grid, given, found)


def _plot_named(figure: Figure, part: Part, names: Sequence[str], first: Box, second: Box) -> None:
    """A table or a text, in the place of a row and its contributions."""
    left, bottom = first[0] + BESIDE, min(first[1], second[1])
    axes = figure.add_axes((left, bottom, second[0] + second[2] - left, first[1] + first[3] - bottom))
    values = part.channels[0] if part.kind == "bars" else None
    left_out = plot_names(figure, axes, names, part.values, values, part.chosen)
    popped = part.first_popped("bold:") if len(part.chosen) else ""
    name, contributions = part.titles
    titled(axes, contributions if name == "Input" else name, " · ".join(note for note in (left_out, popped) if note))


# --- A plane of positions ---------------------------------------------------------------------------------------------


def _plot_plane(figure: Figure, part: Part, shape: tuple[int, int], left: Box, right: Box) -> None:
    """An image beside its contributions."""
    base, values = _base(part, shape), part.values.reshape(shape)
    given, found = figure.add_axes(left), figure.add_axes(right)
    for axes, text in zip((given, found), part.titles, strict=True):
        bare(axes, ("left", "right", "top", "bottom"))
        axes.set(xticks=[], yticks=[])
        axes.set_anchor("NW")
        titled(axes, text)
    given.imshow(base, interpolation="nearest")
    # Under the colours the picture only helps to find one's way.
    grey = 255 - (255 - base @ np.array([0.299, 0.587, 0.114])) * 0.45
    found.imshow(_rgb(grey), interpolation="nearest")
    scale, photo = _scale(values), part.picture is not None and part.picture.ndim == 3
    found.imshow(_colours(values, scale, photo=photo), interpolation="nearest")
    note = ""
    if len(part.chosen) and values.size <= MOST_OUTLINED:
        mask = np.zeros(values.size, np.bool_)
        mask[part.chosen] = True
        segments = _outline(mask.reshape(shape))
        found.add_collection(LineCollection(segments, colors=BLUE, linewidths=1.3, capstyle="projecting"))
        note = part.first_popped("outlined:")
    _legend(figure, right, shape, scale, bool((values < 0).any()), note)


def _base(part: Part, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture in RGB: as ink on paper where it has one channel, as it is where it has three."""
    if part.picture is not None:
        return part.picture if part.picture.ndim == 3 else _rgb(255.0 - part.picture)
    x = part.channels.mean(axis=0).reshape(shape)
    low, high = float(x.min()), float(x.max())
    return _rgb(255 - 190 * (x - low) / ((high - low) or 1.0))


def _rgb(grey: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(grey)[..., None], 3, axis=2).astype(np.uint8)


def _scale(values: NDArray[np.float64]) -> float:
    """The magnitude of the strongest colour: of many positions the 99.5th percentile, so that no outlier pales all."""
    size = np.abs(values)
    largest = float(size.max()) or 1.0
    return (float(np.percentile(size, 99.5)) or largest) if values.size >= 2048 else largest


def _colours(values: NDArray[np.float64], scale: float, photo: bool) -> NDArray[np.float64]:
    """RGBA: nothing where nothing came, and over a photograph sheer where little came."""
    signed = bool((values < 0).any())
    strength = np.minimum(np.abs(values) / scale, 1) ** EXPONENT
    stops = LinearSegmentedColormap.from_list("", SIGNED if signed else SHARES)
    rgba = np.asarray(stops(0.5 + np.sign(values) * strength / 2 if signed else strength), np.float64)
    rgba[..., 3] = np.where(values == 0, 0.0, 0.05 + 0.9 * strength if photo else 1.0)
    return rgba


def _outline(mask: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """The edges between cells in the mask and cells outside of it."""
    padded = np.pad(mask, 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    lines = [[(c - 0.5, r - 0.5), (c + 0.5, r - 0.5)] for r, c in zip(rows.tolist(), columns.tolist(), strict=True)]
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines += [[(c - 0.5, r - 0.5), (c - 0.5, r + 0.5)] for r, c in zip(rows.tolist(), columns.tolist(), strict=True)]
    return lines


def _legend(figure: Figure, box: Box, shape: tuple[int, int], scale: float, signed: bool, note: str) -> None:
    """The ramp of colours below a plane, and what its outline means."""
    left, bottom, width, height = box
    inches = figure.get_figheight()
    picture_height = min(height, width * figure.get_figwidth() / inches * shape[0] / shape[1])
    below = bottom + height - picture_height - 0.23 / inches
    ramp = figure.add_axes((left, below, 0.3 * width, 0.09 / inches))
    at = np.linspace(-1 if signed else 0, 1, 256)[None]
    ramp.imshow(_colours(np.where(at == 0, 1e-9, at), 1.0, photo=False), aspect="auto")
    bare(ramp)
    ramp.set(yticks=[], xticks=[0, 255])
    ramp.set_xticklabels([f"{-scale:.3g}".replace("-", "−") if signed else "0", f"{scale:.3g}"])
    ramp.tick_params(length=0, pad=3)
    figure.text(left + width, below, note, ha="right", fontsize=8.5, color=BLUE)


# --- A row of positions -----------------------------------------------------------------------------------------------


def _plot_row(figure: Figure, part: Part, first: Box, second: Box) -> None:
    """A vector or a signal, and its contributions below or beside it."""
    given = figure.add_axes(first)
    found = figure.add_axes(second, sharex=given)
    for axes in (given, found):
        bare(axes)
        axes.axhline(0, color=LINE, linewidth=0.8, zorder=0)
        axes.margins(x=0.02)
        axes.yaxis.set_major_locator(MaxNLocator(4))
    if first[1] > second[1]:
        given.tick_params(labelbottom=False, length=0)
    name, contributions = part.titles
    few, at = len(part.values) <= MOST_BARS, np.arange(len(part.values))
    titled(given, name, _plot_channels(given, part.channels, few))
    _plot_values(found, part.values, few)
    note = ""
    if len(part.chosen):
        below = np.full(len(part.chosen), -0.035)
        size, place = 16 if few else 6, found.get_xaxis_transform()
        found.scatter(at[part.chosen], below, s=size, marker="^", color=BLUE, transform=place, clip_on=False, lw=0)
        found.tick_params(axis="x", pad=7)
        note = part.first_popped("▲")
    titled(found, contributions)
    found.annotate(
        note, (1, 1), (0, 7), xycoords="axes fraction", textcoords="offset points", ha="right", fontsize=8.5, color=BLUE
    )
    found.set_xlabel("position", fontsize=9, color=MUTED)
    found.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _plot_channels(axes: Axes, channels: NDArray[np.float64], few: bool) -> str:
    """The numbers of an input, and what is to be said of them."""
    shown = channels if len(channels) <= MOST_CHANNELS else channels.mean(axis=0, keepdims=True)
    at = np.arange(shown.shape[1])
    for i, channel in enumerate(shown):
        shade = 0.25 + 0.5 * i / max(len(shown) - 1, 1)
        if few and len(shown) == 1:
            axes.bar(at, channel, width=0.8, color="#8b929c")
        else:
            axes.plot(at, channel, color=str(shade), linewidth=1.1)
    return "" if len(shown) == len(channels) else f"mean of {len(channels):,} channels"


def _plot_values(axes: Axes, values: NDArray[np.float64], few: bool) -> None:
    """Contributions of a row: bars if they are few, else areas."""
    at = np.arange(len(values))
    if few:
        axes.bar(at, values, width=0.8, color=np.where(values < 0, COOL, WARM))
    else:
        axes.fill_between(at, 0, np.maximum(values, 0), step="mid", color=WARM, linewidth=0)
        axes.fill_between(at, 0, np.minimum(values, 0), step="mid", color=COOL, linewidth=0)
