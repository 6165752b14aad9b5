"""An explanation's file: its trace, with the inputs and the pictures to show for them beside it."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget import trace_file
from heapwidget.checks import picture_fits
from heapwidget.engine.errors import TraceFormatError
from heapwidget.explanation import Explanation
from heapwidget.trace import Trace


def save(explanation: Explanation, path: str | os.PathLike[str]) -> None:
    """Write an explanation; of several inputs each lies behind its number: x0, image0, x1."""
    beside: dict[str, NDArray[Any]] = {}
    for number, (x, image) in enumerate(zip(explanation.inputs, explanation.images, strict=True)):
        place = str(number) if isinstance(explanation.x, tuple) else ""
        beside[f"x{place}"] = x.cpu().to(torch.float32).numpy()
        if image is not None:
            beside[f"image{place}"] = image
    trace_file.save(path, explanation.trace, beside)


def load(path: str | os.PathLike[str]) -> Explanation:
    """Read an explanation that `Explanation.save` wrote; nothing in the file is executed.

    Raises
    ------
    TraceFormatError
        If the file is damaged or no trace.
    """
    trace, beside = trace_file.load(path)
    several = trace.n_inputs > 1 or "x0" in beside
    places = [str(number) if several else "" for number in range(trace.n_inputs)]
    inputs = tuple(_input(beside, f"x{place}", trace, number) for number, place in enumerate(places))
    images = [_picture(beside, f"image{place}", trace, number) for number, place in enumerate(places)]
    return Explanation(inputs if several else inputs[0], trace, trace.contributions, None, images)


def _input(beside: Mapping[str, NDArray[Any]], name: str, trace: Trace, number: int) -> Tensor:
    if name not in beside:
        raise TraceFormatError(f"column {name!r} is missing")
    x, shape = beside[name], trace.partitions[number].shape
    if x.dtype != np.float32 or x.size != math.prod(shape) or not np.isfinite(x).all():
        raise TraceFormatError(f"column {name!r} is not a finite float32 array of shape {shape}")
    return torch.from_numpy(x)


def _picture(beside: Mapping[str, NDArray[Any]], name: str, trace: Trace, number: int) -> NDArray[np.uint8] | None:
    image, positions = beside.get(name), trace.positions(number)
    if image is not None and not (image.dtype == np.uint8 and picture_fits(image, positions)):
        raise TraceFormatError(f"column {name!r} is no picture of bytes with {positions} pixels")
    return image
