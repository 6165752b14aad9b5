"""The colours of contributions on a light page, as the viewer has them; twin of `core/colour/colormap.ts`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heapwidget.words.vocabulary import MAPS, SCALE

TONES = 256


def strongest(values: NDArray[np.floating]) -> float:
    """The magnitude of the strongest colour: the largest, or of many a percentile, so that no outlier pales all."""
    size = np.abs(values)
    largest = float(size.max(initial=0)) or 1.0
    if values.size < SCALE["many"]:
        return largest
    return float(np.percentile(size, 100 * SCALE["percentile"])) or largest


def colour_map(signed: bool) -> NDArray[np.uint8]:
    """Red, green, blue of each tone: sequential for shares, diverging for what has both signs."""
    stops = np.array([list(bytes.fromhex(stop[1:])) for stop in MAPS["lightSigned" if signed else "light"]])
    at, places = np.linspace(0, len(stops) - 1, TONES), np.arange(len(stops))
    channels = [np.floor(np.interp(at, places, channel) + 0.5) for channel in stops.T]
    return np.stack(channels, axis=-1).astype(np.uint8)


def colours(values: NDArray[np.floating], scale: float, *, signed: bool, sheer: bool = False) -> NDArray[np.uint8]:
    """Red, green, blue and opacity: nothing where nothing came; `sheer`, for what lies over a photograph."""
    # Small contributions are many: a root scale keeps them apart.
    root = np.minimum(np.abs(values) / scale, 1) ** SCALE["exponent"]
    middle = (TONES - 1) / 2
    tone = middle + np.sign(values) * middle * root if signed else (TONES - 1) * np.where(values > 0, root, 0)
    index = np.floor(tone + 0.5).astype(np.int64)
    strength = np.abs(index - middle) / middle if signed else index / (TONES - 1)
    opacity = SCALE["palest"] + (SCALE["strongest"] - SCALE["palest"]) * strength if sheer else 1.0
    alpha = np.floor(255 * np.where(values == 0, 0.0, opacity) + 0.5).astype(np.uint8)
    return np.concatenate([colour_map(signed)[index], alpha[..., None]], axis=-1)
