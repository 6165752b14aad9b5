"""`Explanation.plot()`: one matplotlib figure for paper or slide; no pyplot, so nothing is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from heapwidget.still import picture
from heapwidget.summary import MOST_ROWS, half, noun, percent, rows, shortened, title

if TYPE_CHECKING:
    from heapwidget.explanation import Explanation

# The viewer's own colours on a light page (frontend/src/styles/base.css, core/colormap.ts).
INK, MUTED, LINE = "#1b1f24", "#5d6570", "#d3d7dc"
WARM, WARM_DARK, COOL, BLUE = "#ee8348", "#c2410c", "#7a68b8", "#1c6fb8"
ABSORBED, HEAP, DUST = "#aeb4bc", "#c9d7e6", "#e3e9f0"
SHARES = ("#ffeda0", "#fed976", "#feb24c", "#fd8d3c", "#fc4e2a", "#e31a1c", "#bd0026", "#800026")
SIGNED = ("#3f1a72", "#6a51a3", "#9e9ac8", "#d3d1e6", "#f3f1ef", "#fdd9a8", "#fdae55", "#e66f0c", "#8f3b05")

# Where the axes lie: left, bottom, width, height as fractions of the figure.
SIZE = (11, 5.2)
LEFT, RIGHT = (0.02, 0.1, 0.285, 0.74), (0.325, 0.1, 0.285, 0.74)
UPPER, LOWER = (0.065, 0.52, 0.54, 0.32), (0.065, 0.1, 0.54, 0.32)
CURVE, BARS = (0.665, 0.56, 0.315, 0.28), (0.84, 0.04, 0.14, 0.31)
# So many characters fit beside a bar.
NAME = 28

# Small contributions are many: a root scale keeps them apart.
EXPONENT = 0.6
# A row of more values than this is drawn as a line, and an outline around more positions is a tangle.
MOST_BARS, MOST_OUTLINED = 64, 2500
MOST_CHANNELS = 6


class ExplanationFigure(Figure):
    """A figure that notebooks show without pyplot, and whose files journals take."""

    def savefig(self, fname: Any, **options: Any) -> None:
        # Whole fonts instead of outlines, which matplotlib would write: text stays text.
        with rc_context({"pdf.fonttype": 42, "ps.fonttype": 42}):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        data = BytesIO()
        self.savefig(data, format="png", dpi=144)
        return data.getvalue()


def plot(explanation: Explanation) -> Figure:
    """Input, contributions, what happened over the pops, and where the target went."""
    figure = ExplanationFigure(figsize=SIZE, facecolor="white")
    name, words = title(explanation)
    figure.text(0.02, 0.93, shortened(name, 40), fontsize=17, fontweight="bold", color=INK, parse_math=False)
    figure.text(0.98, 0.934, words, ha="right", fontsize=10, color=MUTED, parse_math=False)
    shape = _grid(explanation)
    if shape is None:
        _plot_row(figure, explanation)
    else:
        _plot_plane(figure, explanation, shape)
    curve = figure.add_axes(CURVE)
    if explanation.trace.conserved:
        _plot_curve(curve, explanation)
    else:
        _plot_keys(curve, explanation)
    _plot_bars(figure.add_axes(BARS), explanation)
    return figure


def _title(axes: Axes, text: str, note: str = "") -> None:
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


def _bare(axes: Axes, keep: Sequence[str] = ()) -> None:
    """Only the spines that are kept; quiet ticks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=8.5, length=3, width=0.8, color=LINE)


# --- Input and contributions ------------------------------------------------------------------------------------------


def _contributions(explanation: Explanation) -> NDArray[np.float64]:
    """One value a position, flat."""
    part = explanation.trace.partitions[0]
    values = explanation.trace.columns["contribution"].reshape(part.shape)
    _, sums = part.fold(tuple(slice(0, s) for s in part.shape), values)
    return np.asarray(sums.reshape(-1), np.float64)


def _grid(explanation: Explanation) -> tuple[int, int] | None:
    """Rows and columns of positions; `None` where they are one row."""
    shown, positions = picture(explanation, 0), explanation.trace.positions(0)
    if shown is not None and shown.shape[0] * shown.shape[1] == int(np.prod(positions)):
        return shown.shape[0], shown.shape[1]
    if len([s for s in positions if s > 1]) < 2:
        return None
    return int(np.prod(positions[:-1])), positions[-1]


def _plot_plane(figure: Figure, explanation: Explanation, shape: tuple[int, int]) -> None:
    """An image beside its contributions."""
    base = _base(explanation, shape)
    values = _contributions(explanation).reshape(shape)
    given, found = figure.add_axes(LEFT), figure.add_axes(RIGHT)
    for axes in (given, found):
        _bare(axes, ("left", "right", "top", "bottom"))
        axes.set(xticks=[], yticks=[])
        axes.set_anchor("NW")
    given.imshow(base, interpolation="nearest")
    _title(given, "Input")
    # Under the colours the picture only helps to find one's way.
    grey = 255 - (255 - base @ np.array([0.299, 0.587, 0.114])) * 0.45
    found.imshow(_rgb(grey), interpolation="nearest")
    scale, shown = _scale(values), picture(explanation, 0)
    found.imshow(_colours(values, scale, photo=shown is not None and shown.ndim == 3), interpolation="nearest")
    chosen = half(explanation)
    note = ""
    if len(chosen) and values.size <= MOST_OUTLINED:
        mask = np.zeros(values.size, np.bool_)
        mask[chosen] = True
        segments = _outline(mask.reshape(shape))
        found.add_collection(LineCollection(segments, colors=BLUE, linewidths=1.3, capstyle="projecting"))
        note = _first_popped("outlined:", chosen, explanation)
    _title(found, "Contributions")
    _legend(figure, shape, scale, bool((values < 0).any()), note)


def _base(explanation: Explanation, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture in RGB: as ink on paper where it has one channel, as it is where it has three."""
    shown = picture(explanation, 0)
    if shown is not None:
        return shown if shown.ndim == 3 else _rgb(255.0 - shown)
    x = explanation.inputs[0].cpu().double().numpy().reshape(explanation.trace.partitions[0].shape)
    axis = explanation.trace.header["layers"][0]["channel_axis"]
    x = (x if axis is None else x.mean(axis=axis)).reshape(shape)
    low, high = float(x.min()), float(x.max())
    return _rgb(255 - 190 * (x - low) / ((high - low) or 1.0))


def _rgb(grey: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(grey)[..., None], 3, axis=2).astype(np.uint8)


def _scale(values: NDArray[np.float64]) -> float:
    """The magnitude of the strongest colour: of many positions the 99.5th percentile, so that no outlier pales all."""
    size = np.abs(values)
    largest = float(size.max()) or 1.0
    return (float(np.percentile(size, 99.5)) or largest) if values.size >= 2048 else largest


def _colours(values: NDArray[np.float64], scale: float, photo: bool) -> NDArray[np.float64]:
    """RGBA: nothing where nothing came, and over a photograph sheer where little came."""
    signed = bool((values < 0).any())
    strength = np.minimum(np.abs(values) / scale, 1) ** EXPONENT
    stops = LinearSegmentedColormap.from_list("", SIGNED if signed else SHARES)
    rgba = np.asarray(stops(0.5 + np.sign(values) * strength / 2 if signed else strength), np.float64)
    rgba[..., 3] = np.where(values == 0, 0.0, 0.05 + 0.9 * strength if photo else 1.0)
    return rgba


def _outline(mask: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """The edges between cells in the mask and cells outside of it."""
    padded = np.pad(mask, 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    lines = [[(c - 0.5, r - 0.5), (c + 0.5, r - 0.5)] for r, c in zip(rows.tolist(), columns.tolist(), strict=True)]
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines += [[(c - 0.5, r - 0.5), (c - 0.5, r + 0.5)] for r, c in zip(rows.tolist(), columns.tolist(), strict=True)]
    return lines


def _first_popped(sign: str, chosen: NDArray[np.int64], explanation: Explanation) -> str:
    holding = " (half)" if explanation.trace.conserved else ""
    return f"{sign} first {len(chosen):,} popped{holding}"


def _legend(figure: Figure, shape: tuple[int, int], scale: float, signed: bool, note: str) -> None:
    """The ramp of colours below the picture, and what its outline means."""
    left, bottom, width, height = RIGHT
    picture_height = min(height, width * SIZE[0] / SIZE[1] * shape[0] / shape[1])
    below = bottom + height - picture_height - 0.045
    ramp = figure.add_axes((left, below, 0.3 * width, 0.018))
    at = np.linspace(-1 if signed else 0, 1, 256)[None]
    ramp.imshow(_colours(np.where(at == 0, 1e-9, at), 1.0, photo=False), aspect="auto")
    _bare(ramp)
    ramp.set(yticks=[], xticks=[0, 255])
    ramp.set_xticklabels([f"{-scale:.3g}".replace("-", "−") if signed else "0", f"{scale:.3g}"])
    ramp.tick_params(length=0, pad=3)
    figure.text(left + width, below, note, ha="right", fontsize=8.5, color=BLUE)


def _plot_row(figure: Figure, explanation: Explanation) -> None:
    """A vector or a signal above its contributions."""
    part = explanation.trace.partitions[0]
    x = explanation.inputs[0].cpu().double().numpy().reshape(part.shape)
    axis = explanation.trace.header["layers"][0]["channel_axis"]
    channels = x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
    values = _contributions(explanation)
    given = figure.add_axes(UPPER)
    found = figure.add_axes(LOWER, sharex=given)
    for axes in (given, found):
        _bare(axes)
        axes.axhline(0, color=LINE, linewidth=0.8, zorder=0)
        axes.margins(x=0.02)
        axes.yaxis.set_major_locator(MaxNLocator(4))
    given.tick_params(labelbottom=False, length=0)
    at = np.arange(len(values))
    few = len(values) <= MOST_BARS
    shown = channels if len(channels) <= MOST_CHANNELS else channels.mean(axis=0, keepdims=True)
    for i, channel in enumerate(shown):
        shade = 0.25 + 0.5 * i / max(len(shown) - 1, 1)
        if few and len(shown) == 1:
            given.bar(at, channel, width=0.8, color="#8b929c")
        else:
            given.plot(at, channel, color=str(shade), linewidth=1.1)
    mean = "" if len(shown) == len(channels) else f"mean of {len(channels):,} channels"
    _title(given, "Input", mean)
    colours = np.where(values < 0, COOL, WARM)
    if few:
        found.bar(at, values, width=0.8, color=colours)
    else:
        found.fill_between(at, 0, np.maximum(values, 0), step="mid", color=WARM, linewidth=0)
        found.fill_between(at, 0, np.minimum(values, 0), step="mid", color=COOL, linewidth=0)
    chosen = half(explanation)
    note = ""
    if len(chosen):
        below = np.full(len(chosen), -0.035)
        size, place = 16 if few else 6, found.get_xaxis_transform()
        found.scatter(chosen, below, s=size, marker="^", color=BLUE, transform=place, clip_on=False, linewidths=0)
        found.tick_params(axis="x", pad=7)
        note = _first_popped("▲", chosen, explanation)
    _title(found, "Contributions")
    found.annotate(
        note, (1, 1), (0, 7), xycoords="axes fraction", textcoords="offset points", ha="right", fontsize=8.5, color=BLUE
    )
    found.set_xlabel("position", fontsize=9, color=MUTED)
    found.xaxis.set_major_locator(MaxNLocator(8, integer=True))


# --- Over the pops ----------------------------------------------------------------------------------------------------


def _plot_curve(axes: Axes, explanation: Explanation) -> None:
    """Shares of the target after each pop."""
    trace = explanation.trace
    target = trace.header["target"]["value"] or 1.0
    columns, counts = trace.columns, trace.header["phases"]
    first = trace.phase_start("collect")
    step = _places(first, trace.n_steps)
    explained, absorbed = (np.r_[0.0, columns[name] / target] for name in ("explained", "absorbed"))
    dust = np.r_[0.0, columns["dust"] / abs(target)]
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
    if counts["collect"]:
        axes.plot(step[first:], popped[first:], color=WARM_DARK, linewidth=1.6, label="positions popped")
        low, high = min(low, float(popped.min()) * 1.05), max(high, float(popped.max()) * 1.05)
    bound = columns["bound"].astype(np.float64) / abs(target)
    # A bound far above all else says nothing, and would flatten the rest.
    bound[bound > high] = np.nan
    if np.isfinite(bound[: counts["walk"]]).any():
        axes.plot(step[1:], bound, color=BLUE, linewidth=1.3, linestyle=(0, (4, 2)), label="error bound")
    axes.set_ylim(low, high)
    for at in {counts["walk"], first} - {0, trace.n_steps}:
        axes.axvline(at, color="white", linewidth=2.2)
        axes.axvline(at, color=INK, linewidth=0.7, linestyle=":")
    axes.set_xlim(0, max(float(step[-1]), 1.0))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    _finish_curve(axes, "Over the pops", "share of the target")
    if first and counts["collect"]:
        ticks = [t for t in MaxNLocator(4, integer=True).tick_values(0, first) if t <= 0.9 * first]
        axes.set_xticks([*ticks, float(step[-1])], [*(f"{t:,.0f}" for t in ticks), f"+{counts['collect']:,}"])
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
        axes.set_xlabel(f"pops, then + {noun(explanation, 2).split()[1]} in their order")


def _places(first: int, steps: int) -> NDArray[np.float64]:
    """Where each step stands on the axis: positions popped at the end take a quarter of it, however many they are."""
    at = np.arange(steps + 1, dtype=np.float64)
    if first and steps > first:
        at[first:] = first + (at[first:] - first) * (first / 3) / (steps - first)
    return at


def _plot_keys(axes: Axes, explanation: Explanation) -> None:
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
    _bare(axes)
    _title(axes, text, note)
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


def _plot_bars(axes: Axes, explanation: Explanation) -> None:
    """The ledger, or the first positions popped where there is none."""
    conserved = explanation.trace.conserved
    shown = rows(explanation)
    values = np.array([value for _, value, _ in shown])
    kinds = {"explained": WARM, "absorbed": ABSORBED, "residual": HEAP}
    colours = [kinds[kind] if value >= 0 else COOL for _, value, kind in shown]
    at = np.arange(len(shown))
    axes.barh(at, values, color=colours, height=0.68)
    axes.set_ylim(MOST_ROWS + 0.6, -0.6)
    axes.set_yticks(at, [shortened(name, NAME) for name, _, _ in shown], parse_math=False)
    axes.set_xticks([])
    _bare(axes)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
    axes.plot([0, 0], [-0.5, len(shown) - 0.5], color=MUTED, linewidth=0.8)
    low, high = min(0.0, float(values.min(initial=0))), max(0.0, float(values.max(initial=0)))
    axes.set_xlim(low, high + 0.42 * ((high - low) or 1.0))
    for y, value in zip(at.tolist(), values.tolist(), strict=True):
        text = percent(value) if conserved else f"{value:.3g}".replace("-", "−")
        # A bar to the left leaves its right side free.
        end = (max(value, 0.0), y)
        axes.annotate(text, end, (4, 0), textcoords="offset points", va="center_baseline", fontsize=8.5, color=MUTED)
    figure = axes.figure
    name, note = ("Ledger", "share of the target") if conserved else ("First popped", "key")
    figure.text(CURVE[0], 0.372, name, fontsize=10.5, fontweight="bold", color=INK)
    figure.text(CURVE[0] + CURVE[2], 0.372, note, ha="right", fontsize=8.5, color=MUTED)
