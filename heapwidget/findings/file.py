"""An explanation's file: its trace, with the inputs and the pictures to show for them beside it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.arguments.pictures import picture_fits
from heapwidget.errors import TraceFormatError
from heapwidget.explanation import Explanation
from heapwidget.trace import file as trace_file
from heapwidget.trace.archive import BESIDE, Archive
from heapwidget.trace.trace import Trace


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
    with trace_file.opened(path) as (trace, archive):
        several = trace.n_inputs > 1 or "x0" in archive.members
        places = [str(number) if several else "" for number in range(trace.n_inputs)]
        _check_owners(archive, places)
        inputs = tuple(_input(archive, f"x{place}", trace, number) for number, place in enumerate(places))
        images = [_picture(archive, f"image{place}", trace, number) for number, place in enumerate(places)]
    return Explanation(inputs if several else inputs[0], trace, trace.contributions, None, images)


def _check_owners(archive: Archive, places: Sequence[str]) -> None:
    """Refuse what lies beside the trace and belongs to no input."""
    for name in archive.members:
        beside = BESIDE.fullmatch(name)
        if beside is not None and beside[2] not in places:
            raise TraceFormatError(f"column {name!r} belongs to no input: the header has {len(places)}")


def _input(archive: Archive, name: str, trace: Trace, number: int) -> Tensor:
    if name not in archive.members:
        raise TraceFormatError(f"column {name!r} is missing")
    shape = trace.partitions[number].shape
    if archive.members[name].size != math.prod(shape):
        raise TraceFormatError(f"column {name!r} is not a finite float32 array of shape {shape}")
    x = archive.read(name)
    if not np.isfinite(x).all():
        raise TraceFormatError(f"column {name!r} is not a finite float32 array of shape {shape}")
    return torch.from_numpy(x)


def _picture(archive: Archive, name: str, trace: Trace, number: int) -> NDArray[np.uint8] | None:
    if name not in archive.members:
        return None
    positions = trace.positions(number)
    # A pixel for each position, of one byte or of three.
    largest = 3 * math.prod(positions)
    if archive.members[name].size > largest or not picture_fits(image := archive.read(name), positions):
        raise TraceFormatError(f"column {name!r} is no picture of bytes with {positions} pixels")
    return image
