"""An input in a figure as a plane of positions, beside its contributions."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from heapwidget.display.colour import colours, strongest
from heapwidget.display.figures.part import Box, Part
from heapwidget.display.figures.style import BLUE, bare, titled

# An outline around more positions is a tangle.
MOST_OUTLINED = 2500


def plot_plane(figure: Figure, part: Part, given: Box, found: Box) -> None:
    """An image, or whatever has rows and columns."""
    shape = part.grid or (1, len(part.values))
    base, values = _base(part, shape), part.values.reshape(shape)
    left, right = figure.add_axes(given), figure.add_axes(found)
    for axes, text in zip((left, right), part.titles, strict=True):
        bare(axes, ("left", "right", "top", "bottom"))
        axes.set(xticks=[], yticks=[])
        axes.set_anchor("NW")
        titled(axes, text)
    left.imshow(base, interpolation="nearest")
    # Under the colours the picture only helps to find one's way.
    grey = 255 - (255 - base @ np.array([0.299, 0.587, 0.114])) * 0.45
    right.imshow(_rgb(grey), interpolation="nearest")
    photo = part.picture is not None and part.picture.ndim == 3
    scale, signed = strongest(values), bool((values < 0).any())
    right.imshow(colours(values, scale, signed=signed, sheer=photo), interpolation="nearest")
    note = ""
    if len(part.chosen) and values.size <= MOST_OUTLINED:
        mask = np.zeros(values.size, np.bool_)
        mask[part.chosen] = True
        segments = _outline(mask.reshape(shape))
        right.add_collection(LineCollection(segments, colors=BLUE, linewidths=1.3, capstyle="projecting"))
        note = part.first_popped("outlined:")
    _legend(figure, found, shape, scale, signed, note)


def _base(part: Part, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture in RGB: as ink on paper where it has one channel, as it is where it has three."""
    if part.picture is not None:
        return part.picture if part.picture.ndim == 3 else _rgb(255.0 - part.picture)
    x = part.channels.mean(axis=0).reshape(shape)
    low, high = float(x.min()), float(x.max())
    return _rgb(255 - 190 * (x - low) / ((high - low) or 1.0))


def _rgb(grey: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(grey)[..., None], 3, axis=2).astype(np.uint8)


def _outline(mask: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """The edges between cells in the mask and cells outside of it."""
    padded = np.pad(mask, 1)
    rows, columns = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    lines = [[(c - 0.5, r - 0.5), (c + 0.5, r - 0.5)] for r, c in zip(rows.tolist(), columns.tolist(), strict=True)]
    rows, columns = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines += [[(c - 0.5, r - 0.5), (c - 0.5, r + 0.5)] for r, c in zip(rows.tolist(), columns.tolist(), strict=True)]
    return lines


def _legend(figure: Figure, box: Box, shape: tuple[int, int], scale: float, signed: bool, note: str) -> None:
    """The ramp of colours below a plane, and what its outline means."""
    left, bottom, width, height = box
    inches = figure.get_figheight()
    picture_height = min(height, width * figure.get_figwidth() / inches * shape[0] / shape[1])
    below = bottom + height - picture_height - 0.23 / inches
    ramp = figure.add_axes((left, below, 0.3 * width, 0.09 / inches))
    at = np.linspace(-1 if signed else 0, 1, 256)[None]
    ramp.imshow(colours(np.where(at == 0, 1e-9, at), 1.0, signed=signed), aspect="auto")
    bare(ramp)
    ramp.set(yticks=[], xticks=[0, 255])
    ramp.set_xticklabels([f"{-scale:.3g}".replace("-", "−") if signed else "0", f"{scale:.3g}"])
    ramp.tick_params(length=0, pad=3)
    figure.text(left + width, below, note, ha="right", fontsize=8.5, color=BLUE)
