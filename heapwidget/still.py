"""A still picture of an explanation as PNG bytes, for readers of a notebook who run no widgets."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from heapwidget.explanation import Explanation

# Paper, through orange, to dark red: lightness falls all the way, so it reads without colour too.
WARM = np.array([[255, 255, 255], [254, 217, 118], [253, 141, 60], [227, 26, 28], [128, 0, 38]], np.float64)
COOL = np.array([[255, 255, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]], np.float64)
SIDE = 240


def picture(explanation: Explanation) -> NDArray[np.uint8] | None:
    """The input as (H, W) or (H, W, 3) uint8; `None` where it is no image."""
    if explanation.image is not None:
        return explanation.image
    layer = explanation.trace.header["layers"][0]
    if layer["kind"] != "image":
        return None
    channels, height, width = layer["shape"]
    a = explanation.x.detach().cpu().float().numpy().reshape(channels, height, width).transpose(1, 2, 0)
    low, high = float(a.min()), float(a.max())
    if not (low >= 0 and high <= 1):
        a = (a - low) / (high - low or 1.0)
    pixels: NDArray[np.uint8] = np.rint(a * 255).astype(np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def still(explanation: Explanation) -> bytes:
    """Input and contributions side by side, as a PNG; contributions alone where the input is no image."""
    trace = explanation.trace
    part = trace.partitions[0]
    values = trace.columns["contribution"].reshape(part.shape)
    _, sums = part.fold(tuple(slice(0, s) for s in part.shape), values)
    positions = trace.input_positions
    heat = _colour(sums.reshape(1 if len(positions) == 1 else positions[0], -1))
    shown = picture(explanation)
    if shown is None:
        return png(_enlarged(heat))
    ink = np.repeat(255 - shown[..., None], 3, axis=2) if shown.ndim == 2 else shown
    left, right = _enlarged(ink), _enlarged(heat)
    height = max(len(left), len(right))
    tiles = [np.pad(t, ((0, height - len(t)), (0, 16), (0, 0)), constant_values=255) for t in (left, right)]
    return png(np.concatenate(tiles, axis=1))


def _colour(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    largest = float(np.abs(values).max()) or 1.0
    at = np.abs(values) / largest * (len(WARM) - 1)
    low = np.minimum(at.astype(int), len(WARM) - 2)
    share = (at - low)[..., None]
    ramps = np.where((values >= 0)[..., None, None], WARM, COOL)
    first = np.take_along_axis(ramps, low[..., None, None], axis=-2)[..., 0, :]
    second = np.take_along_axis(ramps, low[..., None, None] + 1, axis=-2)[..., 0, :]
    colours: NDArray[np.uint8] = np.rint(first * (1 - share) + second * share).astype(np.uint8)
    return colours


def _enlarged(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = max(1, SIDE // max(tile.shape[:2]))
    return tile.repeat(factor, axis=0).repeat(factor, axis=1)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode (H, W, 3) bytes; PNG specification, second edition (ISO/IEC 15948)."""
    height, width, _ = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.pad(pixels.reshape(height, width * 3), ((0, 0), (1, 0)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6))
        + chunk(b"IEND", b"")
    )
