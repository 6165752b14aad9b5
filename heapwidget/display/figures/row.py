"""An input in a figure as a row of positions: a vector or a signal, with its contributions."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from heapwidget.display.figures.part import Box, Part
from heapwidget.display.figures.style import BLUE, COOL, FAINT, LINE, MUTED, WARM, bare, titled

# A row of more values than this is drawn as a line.
MOST_BARS = 64
MOST_CHANNELS = 6


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
        axes.fill_between(at, 0, np.maximum(values, 0), step="mid", color=WARM, linewidth=0)
        axes.fill_between(at, 0, np.minimum(values, 0), step="mid", color=COOL, linewidth=0)
