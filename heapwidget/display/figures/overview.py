"""`Explanation.plot()`: one matplotlib figure for paper or slide; no pyplot, so nothing is left behind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context, rcParams
from matplotlib.figure import Figure
from matplotlib.text import Text

from heapwidget.display.figures.curve import plot_curve
from heapwidget.display.figures.inputs import SIZE, arrange, plot_input
from heapwidget.display.figures.part import Box, Part
from heapwidget.display.figures.style import AREAS, COOL, INK, MUTED, PAPER, bare
from heapwidget.findings.findings import Findings
from heapwidget.findings.summary import MOST_ROWS, rows, shortened, title
from heapwidget.findings.targetwords import shared_noun
from heapwidget.replacing import replacing
from heapwidget.words.percents import percent

# Where the axes lie in the figure of a single input.
CURVE, BARS = (0.665, 0.56, 0.315, 0.28), (0.84, 0.04, 0.14, 0.31)
# So many characters fit beside a bar.
NAME = 28


class ExplanationFigure(Figure):
    """A figure that notebooks show without pyplot, and whose files journals take."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure as matplotlib does, but a file whole or not at all."""
        if not isinstance(fname, str | os.PathLike):
            self._write(fname, options)
            return
        path, kind = str(fname), options.pop("format", None) or Path(fname).suffix[1:]
        if not kind:
            kind = rcParams["savefig.format"]
            path = f"{path.rstrip('.')}.{kind}"
        with replacing(path) as file:
            self._write(file, options | {"format": kind})

    def _write(self, file: Any, options: Mapping[str, Any]) -> None:
        # Whole fonts instead of outlines, which matplotlib would write: text stays text.
        with rc_context({"pdf.fonttype": 42, "ps.fonttype": 42}):
            super().savefig(file, **options)

    def _repr_png_(self) -> bytes:
        data = BytesIO()
        self.savefig(data, format="png", dpi=144)
        return data.getvalue()


def plot(findings: Findings) -> Figure:
    """Inputs, contributions, what happened over the pops, and where the target went."""
    parts = [Part(findings, number) for number in range(findings.trace.n_inputs)]
    height, boxes = arrange(parts)
    figure = ExplanationFigure(figsize=(SIZE[0], height), facecolor=PAPER)
    name, words = title(findings)
    top, beside = _upwards(0.93, figure), _upwards(0.934, figure)
    figure.text(0.02, top, shortened(name, 40), fontsize=17, fontweight="bold", color=INK)
    figure.text(0.98, beside, words, ha="right", fontsize=10, color=MUTED)
    for part, (given, found) in zip(parts, boxes, strict=True):
        plot_input(figure, part, given, found)
    plot_curve(figure.add_axes(_placed(CURVE, figure)), findings.trace)
    _plot_bars(figure, findings)
    # Names come from the net and its user: a dollar sign in one begins no formula.
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    return figure


def _upwards(y: float, figure: Figure) -> float:
    """A height in the figure of a single input, as far below the top of this one."""
    return 1 - (1 - y) * SIZE[1] / figure.get_figheight()


def _placed(box: Box, figure: Figure) -> Box:
    """A box in the figure of a single input, as large and as far below the top of this one."""
    left, bottom, width, height = box
    return left, _upwards(bottom, figure), width, height * SIZE[1] / figure.get_figheight()


def _plot_bars(figure: Figure, findings: Findings) -> None:
    """The ledger, or the first positions popped where there is none."""
    axes = figure.add_axes(_placed(BARS, figure))
    conserved = findings.trace.conserved
    shown = rows(findings)
    values = np.array([value for _, value, _ in shown])
    colours = [AREAS["heap" if kind == "residual" else kind] if value >= 0 else COOL for _, value, kind in shown]
    at = np.arange(len(shown))
    axes.barh(at, values, color=colours, height=0.68)
    axes.set_ylim(MOST_ROWS + 0.6, -0.6)
    axes.set_yticks(at, [shortened(name, NAME) for name, _, _ in shown])
    axes.set_xticks([])
    bare(axes)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
    axes.plot([0, 0], [-0.5, len(shown) - 0.5], color=MUTED, linewidth=0.8)
    low, high = min(0.0, float(values.min(initial=0))), max(0.0, float(values.max(initial=0)))
    axes.set_xlim(low, high + 0.42 * ((high - low) or 1.0))
    for y, value in zip(at.tolist(), values.tolist(), strict=True):
        text = percent(value) if conserved else f"{value:.3g}".replace("-", "−")
        # A bar to the left leaves its right side free.
        end = (max(value, 0.0), y)
        axes.annotate(text, end, (4, 0), textcoords="offset points", va="center_baseline", fontsize=8.5, color=MUTED)
    name, note = (
        ("Ledger", f"share of the {shared_noun(findings.trace.header.target)}")
        if conserved
        else ("First popped", "key")
    )
    below = _upwards(0.372, figure)
    figure.text(CURVE[0], below, name, fontsize=10.5, fontweight="bold", color=INK)
    figure.text(CURVE[0] + CURVE[2], below, note, ha="right", fontsize=8.5, color=MUTED)
