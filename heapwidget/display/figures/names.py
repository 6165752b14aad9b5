"""A table or a text in a figure: a bar for each feature or word, by its name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from heapwidget.display.figures.part import Box, Part
from heapwidget.display.figures.style import BLUE, COOL, INK, LINE, MUTED, WARM, bare, titled
from heapwidget.findings.summary import number, shortened

# Height of a bar with its space, in inches; fewer than so many are not drawn any thicker.
PITCH, FEWEST = 0.213, 5
# So many letters fit beside the bars, and this share of their width is left for the values.
LETTERS, VALUES = 26, 0.15
# Room for names beside bars.
BESIDE = 0.125


def plot_named(figure: Figure, part: Part, first: Box, second: Box) -> None:
    """A table or a text, in the place of a row and its contributions."""
    left, bottom = first[0] + BESIDE, min(first[1], second[1])
    axes = figure.add_axes((left, bottom, second[0] + second[2] - left, first[1] + first[3] - bottom))
    values = part.channels[0] if part.kind == "bars" else None
    left_out = _plot_names(figure, axes, part.names or (), part.values, values, part.chosen)
    popped = part.first_popped("bold:") if len(part.chosen) else ""
    name, contributions = part.titles
    titled(axes, contributions if name == "Input" else name, " · ".join(note for note in (left_out, popped) if note))


def _plot_names(
    figure: Figure,
    axes: Axes,
    names: Sequence[str],
    contributions: NDArray[np.float64],
    values: NDArray[np.float64] | None,
    chosen: NDArray[np.int64],
) -> str:
    """Draw contributions by name: of a table, which has `values`, the largest first; of a text as it is read.

    Names of `chosen` positions are bold. Returns what is to be said of the others.
    """
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
        if position in chosen:
            label.set(color=BLUE, fontweight="bold")
    if values is not None:
        low, high = axes.get_xlim()
        axes.set_xlim(low, high + VALUES * (high - low))
        for y, position in enumerate(shown):
            text, place = number(float(values[position])), ("axes fraction", "data")
            axes.annotate(text, (1, float(y)), xycoords=place, ha="right", va="center", fontsize=8, color=MUTED)
    return f"{len(shown):,} of {len(names):,}" if len(shown) < len(names) else ""
