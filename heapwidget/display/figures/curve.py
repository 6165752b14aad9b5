"""What happened over the pops, in a figure: where the target's relevance was, or the key of each pop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from heapwidget.display.figures.style import AREAS, BLUE, INK, LINE, MUTED, PAPER, WARM_DARK, bare, fill_signed, titled
from heapwidget.findings.targetwords import shared_noun
from heapwidget.kinds import position_noun
from heapwidget.trace.trace import Trace
from heapwidget.words.percents import percent
from heapwidget.words.vocabulary import COLLECT, SERIES

# Of a target below all that a column can tell from 0 there are no shares.
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)

Column = NDArray[np.float64]


def plot_curve(axes: Axes, trace: Trace) -> None:
    """Shares of the target after each pop, or the keys where they are no shares."""
    if trace.conserved:
        _plot_shares(axes, trace)
    else:
        _plot_keys(axes, trace)


def _shares(trace: Trace) -> dict[str, Column]:
    """Shares of the target before the first pop and after each, by the names of their series."""
    value = trace.header.target.change
    target = value if abs(value) >= SMALLEST else 1.0
    wholes = {"explained": target, "absorbed": target, "dust": abs(target), "bound": abs(target)}
    shares = {name: np.r_[0.0, trace.columns[name].astype(np.float64) / whole] for name, whole in wholes.items()}
    shares["bound"][0] = np.nan
    first = trace.phase_start("collect")
    collected = trace.columns["pop_mass"][first:].astype(np.float64) / target
    shares["popped"] = np.r_[np.zeros(first + 1), np.cumsum(collected)]
    return shares


def _plot_shares(axes: Axes, trace: Trace) -> None:
    shares, counts, first = _shares(trace), trace.header.phases, trace.phase_start("collect")
    step = places(first, trace.n_steps)
    _plot_ledger(axes, step, shares)
    low, high = axes.get_ylim()
    if counts.collect:
        popped = shares["popped"]
        axes.plot(step[first:], popped[first:], color=WARM_DARK, linewidth=1.6, label=SERIES["popped"])
        low, high = min(low, float(popped.min()) * 1.05), max(high, float(popped.max()) * 1.05)
    # A bound far above all else says nothing, and would flatten the rest.
    bound = np.where(shares["bound"] > high, np.nan, shares["bound"])
    if np.isfinite(bound[: counts.walk + 1]).any():
        axes.plot(step, bound, color=BLUE, linewidth=1.3, linestyle=(0, (4, 2)), label=SERIES["bound"])
    axes.set_ylim(low, high)
    marked = _mark_certain(axes, trace, step)
    for at in {counts.walk, first} - {0, trace.n_steps}:
        axes.axvline(step[at], color=PAPER, linewidth=2.2)
        axes.axvline(step[at], color=INK, linewidth=0.7, linestyle=":")
    axes.set_xlim(0, max(float(step[-1]), 1.0))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    _finish_curve(axes, marked or f"share of the {shared_noun(trace.header.target)}")
    if first and counts.collect:
        ticks = [t for t in MaxNLocator(4, integer=True).tick_values(0, first) if t <= 0.9 * first]
        axes.set_xticks([*ticks, float(step[-1])], [*(f"{t:,.0f}" for t in ticks), f"+{counts.collect:,}"])
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
        axes.set_xlabel(f"pops, then + {position_noun(trace.input_kinds)}s in their order")


def _plot_ledger(axes: Axes, step: Column, shares: Mapping[str, Column]) -> None:
    """Where all of the target is: areas on one another, or lines where a share can be negative."""
    explained, absorbed, dust = (shares[name] for name in ("explained", "absorbed", "dust"))
    gone = explained + absorbed
    if min(explained.min(), absorbed.min(), (1 - gone).min()) < -0.005:
        axes.axhline(0, color=LINE, linewidth=0.8)
        axes.plot(step, absorbed, color=MUTED, linewidth=1.4, label=SERIES["absorbed"])
        axes.plot(step, explained, color=AREAS["explained"], linewidth=1.8, label=SERIES["explained"])
        axes.yaxis.set_major_locator(MaxNLocator(4))
        return
    edges = [np.zeros_like(gone), explained, gone, np.maximum(1 - np.maximum(dust, 0), gone), np.ones_like(gone)]
    for low, high, (name, colour) in zip(edges, edges[1:], AREAS.items(), strict=False):
        if (high - low).max() > 1e-3:
            axes.fill_between(step, low, high, color=colour, linewidth=0, label=SERIES[name])
    axes.set(ylim=(0, 1), yticks=[0, 0.25, 0.5, 0.75, 1])


def _mark_certain(axes: Axes, trace: Trace, step: Column) -> str:
    """Mark at the top where more of the first positions became certain; gives what the marks mean, if there are any."""
    rows = trace.settling
    if not len(rows):
        return ""
    at, top = step[rows + 1], axes.get_xaxis_transform()
    axes.scatter(at, np.full(len(at), 0.965), s=26, marker="v", color=BLUE, edgecolor=PAPER, lw=0.6, transform=top)
    return f"▼ {SERIES['certain']}: {int(trace.columns['certain'][rows[-1]]):,}"


def places(first: int, steps: int) -> Column:
    """Where each step stands on the axis, in pops of the walk; twin of `core/chart/stepaxis.ts`.

    The collect phase, which begins at `first`, is often by far the longest, and never crowds out the walk.
    """
    at = np.arange(steps + 1, dtype=np.float64)
    if 0 < first < steps:
        length = min(steps - first, first * COLLECT / (1 - COLLECT))
        at[first:] = first + (at[first:] - first) * length / (steps - first)
    return at


def _plot_keys(axes: Axes, trace: Trace) -> None:
    """The key of each pop, where keys are no shares."""
    keys = trace.columns["pop_mass"]
    step = np.arange(1, len(keys) + 1)
    axes.axhline(0, color=LINE, linewidth=0.8)
    fill_signed(axes, step, keys)
    axes.set_xlim(1, max(len(keys), 2))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    _finish_curve(axes, SERIES["keys"])


def _finish_curve(axes: Axes, note: str) -> None:
    bare(axes)
    titled(axes, "Over the pops", note)
    axes.set_xlabel("pops", fontsize=8.5, color=MUTED, labelpad=1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, prune="upper"))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            reverse=True,
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
