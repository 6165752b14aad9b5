"""`Explanation.plot()`: one matplotlib figure for paper or slide; no pyplot, so nothing is left behind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from heapwidget.display.figures.inputs import SIZE, Box, Part, arrange, plot_input
from heapwidget.display.figures.style import (
    ABSORBED,
    BLUE,
    COOL,
    DUST,
    HEAP,
    INK,
    LINE,
    MUTED,
    WARM,
    WARM_DARK,
    bare,
    titled,
)
from heapwidget.findings.findings import Findings
from heapwidget.findings.summary import MOST_ROWS, noun, rows, shortened, title
from heapwidget.replacing import replacing
from heapwidget.words.percents import percent

# Where the axes lie in the figure of a single input.
CURVE, BARS = (0.665, 0.56, 0.315, 0.28), (0.84, 0.04, 0.14, 0.31)
# Of a target below all that a column can tell from 0 there are no shares.
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
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


def plot(explanation: Findings) -> Figure:
    """Inputs, contributions, what happened over the pops, and where the target went."""
    parts = [Part(explanation, number) for number in range(explanation.trace.n_inputs)]
    height, boxes = arrange(parts)
    figure = ExplanationFigure(figsize=(SIZE[0], height), facecolor="white")
    name, words = title(explanation)
    top, beside = _upwards(0.93, figure), _upwards(0.934, figure)
    figure.text(0.02, top, shortened(name, 40), fontsize=17, fontweight="bold", color=INK)
    figure.text(0.98, beside, words, ha="right", fontsize=10, color=MUTED)
    for part, (given, found) in zip(parts, boxes, strict=True):
        plot_input(figure, part, given, found)
    curve = figure.add_axes(_placed(CURVE, figure))
    if explanation.trace.conserved:
        _plot_curve(curve, explanation)
    else:
        _plot_keys(curve, explanation)
    _plot_bars(figure, explanation)
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


# --- Over the pops ----------------------------------------------------------------------------------------------------


def _plot_curve(axes: Axes, explanation: Findings) -> None:
    """Shares of the target after each pop."""
    trace = explanation.trace
    target = trace.header.target.value
    if abs(target) < SMALLEST:
        target = 1.0
    columns, counts = trace.columns, trace.header.phases
    first = trace.phase_start("collect")
    step = _places(first, trace.n_steps)
    explained, absorbed = (np.r_[0.0, columns[name].astype(np.float64) / target] for name in ("explained", "absorbed"))
    dust = np.r_[0.0, columns["dust"].astype(np.float64) / abs(target)]
    waiting = 1 - explained - absorbed
    popped = np.r_[np.zeros(first + 1), np.cumsum(columns["pop_mass"][first:].astype(np.float64)) / target]
    if min(explained.min(), absorbed.min(), waiting.min()) >= -0.005:
        in_heap = np.maximum(1 - np.maximum(dust, 0), explained + absorbed)
        edges = [np.zeros_like(explained), explained, explained + absorbed, in_heap, np.ones_like(explained)]
        names = ("on the input", "absorbed", "in the heap", "under the floor")
        for low, high, name, colour in zip(edges, edges[1:], names, (WARM, ABSORBED, HEAP, DUST), strict=False):
            if (high - low).max() > 1e-3:
                axes.fill_between(step, low, high, color=colour, linewidth=0, label=name)
        axes.set(ylim=(0, 1), yticks=[0, 0.25, 0.5, 0.75, 1])
    else:
        axes.axhline(0, color=LINE, linewidth=0.8)
        axes.plot(step, absorbed, color=MUTED, linewidth=1.4, label="absorbed")
        axes.plot(step, explained, color=WARM, linewidth=1.8, label="on the input")
        axes.yaxis.set_major_locator(MaxNLocator(4))
    low, high = axes.get_ylim()
    if counts.collect:
        axes.plot(step[first:], popped[first:], color=WARM_DARK, linewidth=1.6, label="positions popped")
        low, high = min(low, float(popped.min()) * 1.05), max(high, float(popped.max()) * 1.05)
    bound = columns["bound"].astype(np.float64) / abs(target)
    # A bound far above all else says nothing, and would flatten the rest.
    bound[bound > high] = np.nan
    if np.isfinite(bound[: counts.walk]).any():
        axes.plot(step[1:], bound, color=BLUE, linewidth=1.3, linestyle=(0, (4, 2)), label="error bound")
    axes.set_ylim(low, high)
    for at in {counts.walk, first} - {0, trace.n_steps}:
        axes.axvline(at, color="white", linewidth=2.2)
        axes.axvline(at, color=INK, linewidth=0.7, linestyle=":")
    axes.set_xlim(0, max(float(step[-1]), 1.0))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    _finish_curve(axes, "Over the pops", "share of the target")
    if first and counts.collect:
        ticks = [t for t in MaxNLocator(4, integer=True).tick_values(0, first) if t <= 0.9 * first]
        axes.set_xticks([*ticks, float(step[-1])], [*(f"{t:,.0f}" for t in ticks), f"+{counts.collect:,}"])
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
        axes.set_xlabel(f"pops, then + {noun(explanation, 2).split()[1]} in their order")


def _places(first: int, steps: int) -> NDArray[np.float64]:
    """Where each step stands on the axis: positions popped at the end take a quarter of it, however many they are."""
    at = np.arange(steps + 1, dtype=np.float64)
    if first and steps > first:
        at[first:] = first + (at[first:] - first) * (first / 3) / (steps - first)
    return at


def _plot_keys(axes: Axes, explanation: Findings) -> None:
    """The key of each pop, where keys are no shares."""
    keys = explanation.trace.columns["pop_mass"]
    step = np.arange(1, len(keys) + 1)
    axes.axhline(0, color=LINE, linewidth=0.8)
    axes.fill_between(step, 0, np.maximum(keys, 0), step="mid", color=WARM, linewidth=0)
    axes.fill_between(step, 0, np.minimum(keys, 0), step="mid", color=COOL, linewidth=0)
    axes.set_xlim(1, max(len(keys), 2))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    _finish_curve(axes, "Over the pops", "key of each pop")


def _finish_curve(axes: Axes, text: str, note: str) -> None:
    bare(axes)
    titled(axes, text, note)
    axes.set_xlabel("pops", fontsize=8.5, color=MUTED, labelpad=1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, prune="upper"))
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles[::-1],
            labels[::-1],
            loc="upper left",
            bbox_to_anchor=(-0.03, -0.24),
            ncols=3,
            frameon=False,
            fontsize=8.5,
            labelcolor=MUTED,
            borderpad=0,
            labelspacing=0.35,
            handlelength=1.1,
            columnspacing=1.1,
            handletextpad=0.5,
        )


# --- Where the target went --------------------------------------------------------------------------------------------


def _plot_bars(figure: Figure, explanation: Findings) -> None:
    """The ledger, or the first positions popped where there is none."""
    axes = figure.add_axes(_placed(BARS, figure))
    conserved = explanation.trace.conserved
    shown = rows(explanation)
    values = np.array([value for _, value, _ in shown])
    kinds = {"explained": WARM, "absorbed": ABSORBED, "residual": HEAP}
    colours = [kinds[kind] if value >= 0 else COOL for _, value, kind in shown]
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
    name, note = ("Ledger", "share of the target") if conserved else ("First popped", "key")
    below = _upwards(0.372, figure)
    figure.text(CURVE[0], below, name, fontsize=10.5, fontweight="bold", color=INK)
    figure.text(CURVE[0] + CURVE[2], below, note, ha="right", fontsize=8.5, color=MUTED)
