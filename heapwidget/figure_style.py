"""How figures look: the viewer's own colours, titles above axes, and quiet axes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

# The viewer's own colours on a light page (frontend/src/kit/base.css, core/colour/colormap.ts).
INK, MUTED, LINE = "#1b1f24", "#5d6570", "#d3d7dc"
WARM, WARM_DARK, COOL, BLUE = "#ee8348", "#c2410c", "#7a68b8", "#1c6fb8"
ABSORBED, HEAP, DUST = "#aeb4bc", "#c9d7e6", "#e3e9f0"
SHARES = ("#ffeda0", "#fed976", "#feb24c", "#fd8d3c", "#fc4e2a", "#e31a1c", "#bd0026", "#800026")
SIGNED = ("#3f1a72", "#6a51a3", "#9e9ac8", "#d3d1e6", "#f3f1ef", "#fdd9a8", "#fdae55", "#e66f0c", "#8f3b05")


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
