"""A still picture of an explanation as PNG bytes, for readers of a notebook who run no widgets."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.display.colour import colours, strongest
from heapwidget.findings.findings import Findings

SIDE, GAP = 240, 16
# Pixels of a side, at most and at least: larger inputs are drawn smaller, thin ones thicker.
LARGEST, THINNEST = 480, 8
# Bytes that a notebook is to bear for each viewer.
LIMIT = 300_000


def picture(findings: Findings, number: int) -> NDArray[np.uint8] | None:
    """An input as (H, W) or (H, W, 3) uint8; `None` where it is no image."""
    given = findings.images[number]
    if given is not None:
        return given
    layer = findings.trace.inputs[number]
    if layer.kind != "image":
        return None
    channels, height, width = layer.shape
    a = findings.inputs[number].cpu().float().numpy().reshape(channels, height, width).transpose(1, 2, 0)
    low, high = value_range(findings, number)
    pixels: NDArray[np.uint8] = np.rint((a - low) / (high - low or 1.0) * 255).astype(np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def value_range(findings: Findings, number: int) -> tuple[float, float]:
    """What black and white of an input's own picture stand for: 0 and 1, or the least and the largest value."""
    x = findings.inputs[number]
    low, high = float(x.min()), float(x.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def still(findings: Findings) -> bytes:
    """Each input beside its contributions, as a PNG; contributions alone where an input is no image.

    What is larger than `LARGEST` is drawn smaller, each pixel the mean of those that it stands for, and smaller still
    until the file keeps to `LIMIT`.
    """
    trace = findings.trace
    parts = []
    for number in range(trace.n_inputs):
        positions = trace.positions(number)
        values = trace.position_contributions(number).reshape(1 if len(positions) == 1 else positions[0], -1)
        parts.append((picture(findings, number), values))
    side = LARGEST
    while len(data := _drawn(parts, side)) > LIMIT and side > 1:
        side = side * 3 // 4
    return data


def _drawn(parts: list[tuple[NDArray[np.uint8] | None, NDArray[np.floating]]], side: int) -> bytes:
    """The inputs one below the other, no side of a picture longer than this."""
    small = [(None if shown is None else _reduced(shown, side), _reduced(values, side)) for shown, values in parts]
    found = np.concatenate([values.reshape(-1) for _, values in small])
    scale, signed = strongest(found), bool((found < 0).any())
    bands = [_band(shown, _on_paper(colours(values, scale, signed=signed)), min(side, SIDE)) for shown, values in small]
    width = max(band.shape[1] for band in bands)
    rows = [_padded(band, len(band) + GAP, width) for band in bands]
    return png(np.concatenate(rows, axis=0)[:-GAP])


def _reduced(tile: NDArray[Any], side: int) -> NDArray[Any]:
    """A tile with no side longer than this: its mean over rectangles as even as they can be."""
    height, width = tile.shape[:2]
    factor = max(height, width) / side
    if factor <= 1:
        return tile
    means: NDArray[Any] = tile
    for axis, length in enumerate((height, width)):
        edges = np.linspace(0, length, max(round(length / factor), 1) + 1).astype(np.int64)
        sizes = np.diff(edges).reshape(-1, *[1] * (tile.ndim - 1 - axis))
        means = np.add.reduceat(means, edges[:-1], axis=axis, dtype=np.float64) / sizes
    return means if np.issubdtype(tile.dtype, np.floating) else np.rint(means).astype(tile.dtype)


def _band(shown: NDArray[np.uint8] | None, heat: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An input's picture and its contributions side by side."""
    if shown is None:
        return _enlarged(heat, side)
    ink = np.repeat(255 - shown[..., None], 3, axis=2) if shown.ndim == 2 else shown
    left, right = _enlarged(ink, side), _enlarged(heat, side)
    height = max(len(left), len(right))
    return np.concatenate([_padded(tile, height, tile.shape[1] + GAP) for tile in (left, right)], axis=1)


def _padded(tile: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A tile on white paper of that size."""
    return np.pad(tile, ((0, height - len(tile)), (0, width - tile.shape[1]), (0, 0)), constant_values=255)


def _on_paper(heat: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """White where there is no colour."""
    return np.where(heat[..., 3:] == 0, np.uint8(255), heat[..., :3])


def _enlarged(tile: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = tile.shape[:2]
    factor = max(1, side // max(height, width))
    down, across = (factor * max(1, -(-THINNEST // (factor * length))) for length in (height, width))
    return tile.repeat(down, axis=0).repeat(across, axis=1)


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
