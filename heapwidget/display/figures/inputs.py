"""Where the inputs lie in a figure, and how each is drawn: by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

from heapwidget.display.figures.names import PITCH, plot_named
from heapwidget.display.figures.part import Box, Part
from heapwidget.display.figures.plane import plot_plane
from heapwidget.display.figures.row import plot_row

# Of the figure of a single input: its size in inches, and where a plane or a row and its contributions lie.
SIZE = (11, 5.2)
LEFT, RIGHT = (0.02, 0.1, 0.285, 0.74), (0.325, 0.1, 0.285, 0.74)
UPPER, LOWER = (0.065, 0.52, 0.54, 0.32), (0.065, 0.1, 0.54, 0.32)
# Of several inputs, one below the other, in inches: the head of the figure, a plane, a row, and what is below each.
HEAD, PLANE, ROW, BELOW = 0.83, 2.5, 1.2, 0.85
ROW_LEFT, ROW_RIGHT = (0.055, 0.23), (0.36, 0.25)


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
