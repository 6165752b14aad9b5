"""Where the inputs lie in a figure, and how each is drawn: by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from heapwidget.display.colour import colours, strongest
from heapwidget.display.figures.part import Box, Part
from heapwidget.display.figures.style import BLUE, COOL, FAINT, INK, LINE, MUTED, WARM, bare, fill_signed, titled
from heapwidget.findings.summary import shortened
from heapwidget.findings.targetwords import number

# Of the figure of a single input: its size in inches, and where a plane or a row and its contributions lie.
SIZE = (11, 5.2)
LEFT, RIGHT = (0.02, 0.1, 0.285, 0.74), (0.325, 0.1, 0.285, 0.74)
UPPER, LOWER = (0.065, 0.52, 0.54, 0.32), (0.065, 0.1, 0.54, 0.32)
# Of several inputs, one below the other, in inches: the head of the figure, a plane, a row, and what is below each.
HEAD, PLANE, ROW, BELOW = 0.83, 2.5, 1.2, 0.85
ROW_LEFT, ROW_RIGHT = (0.055, 0.23), (0.36, 0.25)
# An outline around more positions is a tangle.
MOST_OUTLINED = 2500
# A row of more values than this is drawn as a line.
MOST_BARS = 64
MOST_CHANNELS = 6
# Height of a bar with its space, in inches; fewer than so many are not drawn any thicker.
PITCH, FEWEST = 0.213, 5
# So many letters fit beside the bars, and this share of their width is left for the values.
LETTERS, VALUES = 26, 0.15
# Room for names beside bars.
BESIDE = 0.125


def arrange(parts: Sequence[Part]) -> tuple[float, list[tuple[Box, Box]]]:
    """The figure's height in inches, and where each input and its contributions lie."""
    if len(parts) == 1:
        return SIZE[1], [(UPPER, LOWER) if parts[0].grid is None else (LEFT, RIGHT)]
    heights = [_height(part) for part in parts]
    total = max(SIZE[1], HEAD + sum(heights) + BELOW * len(parts))
    boxes, top = [], total - HEAD
    for part, height in zip(parts, heights, strict=True):
        columns = (ROW_LEFT, ROW_RIGHT) if part.grid is None else ((LEFT[0], LEFT[2]), (RIGHT[0], RIGHT[2]))
        given, found = ((left, (top - height) / total, width, height / total) for left, width in columns)
        boxes.append((given, found))
        top -= height + BELOW
    return total, boxes


def _height(part: Part) -> float:
    """Of one of several, in inches."""
    if part.names is not None:
        return max(ROW, min(PITCH * len(part.names), PLANE))
    return ROW if part.grid is None else PLANE


def plot_plane(figure: Figure, part: Part, given: Box, found: Box) -> None:
    """An image, or whatever has rows and columns."""
    shape = part.grid or (1, len(part.values))
    base, values = _base(part, shape), part.values.reshape(shape)
    left, right = figure.add_axes(given), figure.add_axes(found)
    for axes, text in zip((left, right), part.titles, strict=True):
        bare(axes, ("left", "right", "top", "bottom"))
        axes.set(xticks=[], yticks=[])
        axes.set_anchor("NW")
        titled(axes, text)
    left.imshow(base, interpolation="nearest")
    # Under the colours the picture only helps to find one's way.
    grey = 255 - (255 - base @ np.array([0.299, 0.587, 0.114])) * 0.45
    right.imshow(_rgb(grey), interpolation="nearest")
    photo = part.picture is not None and part.picture.ndim == 3
    scale, signed = strongest(values), bool((values < 0).any())
    right.imshow(colours(values, scale, signed=signed, sheer=photo), interpolation="nearest")
    note = ""
    if len(part.chosen) and values.size <= MOST_OUTLINED:
        mask = np.zeros(values.size, np.bool_)
        mask[part.chosen] = True
        segments = _outline(mask.reshape(shape))
        right.add_collection(LineCollection(segments, colors=BLUE, linewidths=1.3, capstyle="projecting"))
        note = part.first_popped("outlined:")
    _legend(figure, found, shape, scale, signed, note)


def _base(part: Part, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture in RGB: as ink on paper where it has one channel, as it is where it has three."""
    if part.picture is not None:
        return part.picture if part.picture.ndim == 3 else _rgb(255.0 - part.picture)
    x = part.channels.mean(axis=0).reshape(shape)
    low, high = float(x.min()), float(x.max())
    return _rgb(255 - 190 * (x - low) / ((high - low) or 1.0))


def _rgb(grey: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(grey)[..., None], 3, axis=2).astype(np.uint8)


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
    ramp.imshow(colours(np.where(at == 0, 1e-9, at), 1.0, signed=signed), aspect="auto")
    bare(ramp)
    ramp.set(yticks=[], xticks=[0, 255])
    ramp.set_xticklabels([f"{-scale:.3g}".replace("-", "−") if signed else "0", f"{scale:.3g}"])
    ramp.tick_params(length=0, pad=3)
    figure.text(left + width, below, note, ha="right", fontsize=8.5, color=BLUE)


def plot_row(figure: Figure, part: Part, first: Box, second: Box) -> None:
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
    titled(found, contributions, note, BLUE)
    found.set_xlabel("position", fontsize=9, color=MUTED)
    found.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _plot_channels(axes: Axes, channels: NDArray[np.float64], few: bool) -> str:
    """The numbers of an input, and what is to be said of them."""
    shown = channels if len(channels) <= MOST_CHANNELS else channels.mean(axis=0, keepdims=True)
    at = np.arange(shown.shape[1])
    for i, channel in enumerate(shown):
        shade = 0.25 + 0.5 * i / max(len(shown) - 1, 1)
        if few and len(shown) == 1:
            axes.bar(at, channel, width=0.8, color=FAINT)
        else:
            axes.plot(at, channel, color=str(shade), linewidth=1.1)
    return "" if len(shown) == len(channels) else f"mean of {len(channels):,} channels"


def _plot_values(axes: Axes, values: NDArray[np.float64], few: bool) -> None:
    """Contributions of a row: bars if they are few, else areas."""
    at = np.arange(len(values))
    if few:
        axes.bar(at, values, width=0.8, color=np.where(values < 0, COOL, WARM))
    else:
        fill_signed(axes, at, values)


def plot_named(figure: Figure, part: Part, first: Box, second: Box) -> None:
    """A table or a text, in the place of a row and its contributions."""
    left, bottom = first[0] + BESIDE, min(first[1], second[1])
    axes = figure.add_axes((left, bottom, second[0] + second[2] - left, first[1] + first[3] - bottom))
    left_out = _plot_names(figure, axes, part)
    popped = part.first_popped("bold:") if len(part.chosen) else ""
    name, contributions = part.titles
    titled(axes, contributions if name == "Input" else name, " · ".join(note for note in (left_out, popped) if note))


def _plot_names(figure: Figure, axes: Axes, part: Part) -> str:
    """Draw contributions by name: of a table, beside its values, the largest first; of a text as it is read.

    Names of chosen positions are bold. Returns what is to be said of those that are left out.
    """
    names, contributions = part.names or (), part.values
    values = part.channels[0] if part.kind == "bars" else None
    most = max(int(axes.get_position().height * figure.get_figheight() / PITCH), FEWEST)
    largest = np.argsort(-np.abs(contributions), kind="stable")[:most]
    shown = np.sort(largest) if values is None else largest
    at = np.arange(len(shown))
    axes.barh(at, contributions[shown], color=np.where(contributions[shown] < 0, COOL, WARM), height=0.72)
    axes.axvline(0, color=LINE, linewidth=0.8, zorder=0)
    axes.set_ylim(max(len(shown), FEWEST) - 0.4, -0.6)
    axes.set_yticks(at, [shortened(names[p], LETTERS) for p in shown], parse_math=False)
    bare(axes)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
    for label, position in zip(axes.get_yticklabels(), shown, strict=True):
        if position in part.chosen:
            label.set(color=BLUE, fontweight="bold")
    if values is not None:
        low, high = axes.get_xlim()
        axes.set_xlim(low, high + VALUES * (high - low))
        for y, position in enumerate(shown):
            text, place = number(float(values[position])), ("axes fraction", "data")
            axes.annotate(text, (1, float(y)), xycoords=place, ha="right", va="center", fontsize=8, color=MUTED)
    return f"{len(shown):,} of {len(names):,}" if len(shown) < len(names) else ""


def _plot_bars(figure: Figure, part: Part, given: Box, found: Box) -> None:
    """A table: by name where its features have names."""
    (plot_row if part.names is None else plot_named)(figure, part, given, found)


def _plot_strip(figure: Figure, part: Part, given: Box, found: Box) -> None:
    """Whatever else: a plane where there is more than one axis of positions."""
    (plot_row if part.grid is None else plot_plane)(figure, part, given, found)


# How an input of a kind is drawn into a box, and its contributions into another. A kind without an entry is a strip.
KINDS: Mapping[str, Callable[[Figure, Part, Box, Box], None]] = {
    "image": plot_plane,
    "bars": _plot_bars,
    "line": plot_row,
    "tokens": plot_named,
    "strip": _plot_strip,
}


def plot_input(figure: Figure, part: Part, given: Box, found: Box) -> None:
    """One input, and its contributions."""
    KINDS.get(part.kind, _plot_strip)(figure, part, given, found)
