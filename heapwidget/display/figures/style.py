"""How figures look: the viewer's own colours, titles above axes, and quiet axes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from heapwidget.words.vocabulary import PALETTES

_LIGHT = PALETTES["light"]
PAPER, INK, MUTED, FAINT, LINE = (_LIGHT[name] for name in ("bg", "ink", "muted", "faint", "line-strong"))
WARM, WARM_DARK, COOL, BLUE = (_LIGHT[name] for name in ("area-explained", "area-popped", "cool", "blue"))
ABSORBED, HEAP, DUST = (_LIGHT[f"area-{name}"] for name in ("absorbed", "heap", "dust"))


def titled(axes: Axes, text: str, note: str = "") -> None:
    """A title to the left, and a note to the right."""
    axes.set_title(text, loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=7)
    if note:
        axes.annotate(
            note,
            (1, 1),
            (0, 7),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            fontsize=8.5,
            color=MUTED,
        )


def bare(axes: Axes, keep: Sequence[str] = ()) -> None:
    """Only the spines that are kept; quiet ticks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=8.5, length=3, width=0.8, color=LINE)
