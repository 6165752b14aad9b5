"""How figures look: the viewer's own colours, titles above axes, and quiet axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from heapwidget.words.vocabulary import PALETTES

_LIGHT = PALETTES["light"]
PAPER, INK, MUTED, FAINT, LINE = (_LIGHT[name] for name in ("bg", "ink", "muted", "faint", "line-strong"))
WARM, WARM_DARK, COOL, BLUE = (_LIGHT[name] for name in ("area-explained", "area-popped", "cool", "blue"))
# Where the target's relevance is, from what arrived to what is left.
AREAS = {name: _LIGHT[f"area-{name}"] for name in ("explained", "absorbed", "heap", "dust")}


def titled(axes: Axes, text: str, note: str = "", colour: str = MUTED) -> None:
    """A title to the left, and a note to the right."""
    axes.set_title(text, loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=7)
    axes.set_title(note, loc="right", fontsize=8.5, color=colour, pad=7)


def bare(axes: Axes, keep: Sequence[str] = ()) -> None:
    """Only the spines that are kept; quiet ticks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=8.5, length=3, width=0.8, color=LINE)


def fill_signed(axes: Axes, at: NDArray[np.integer], values: NDArray[np.floating]) -> None:
    """Areas above and below zero, each in the colour of its sign."""
    axes.fill_between(at, 0, np.maximum(values, 0), step="mid", color=WARM, linewidth=0)
    axes.fill_between(at, 0, np.minimum(values, 0), step="mid", color=COOL, linewidth=0)
