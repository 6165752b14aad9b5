"""The trace's file: a compressed `.npz` of columns and a JSON header, checked part by part as it is read.

Beside the trace lie the inputs and the pictures to show for them; of several inputs each behind its number: x0, image0,
x1. Nothing here needs torch, so a trace can be read where there is none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import picture_fits
from heapwidget.errors import TraceFormatError, brief
from heapwidget.replacing import replacing
from heapwidget.trace.archive import BESIDE, LARGEST, LARGEST_HEADER, Archive
from heapwidget.trace.check import check_columns, check_header, check_sizes
from heapwidget.trace.columns import COLUMNS
from heapwidget.trace.header import FORMAT, VERSIONS, Header
from heapwidget.trace.trace import Trace


@dataclass(frozen=True)
class Saved:
    """What a file holds.

    Attributes
    ----------
    trace
        The trace, its header typed.
    inputs, images
        For each input its numbers, and the picture to show for it or `None`.
    several
        Whether the inputs were given as a tuple, which may be of one.
    """

    trace: Trace
    inputs: tuple[NDArray[np.float32], ...]
    images: tuple[NDArray[np.uint8] | None, ...]
    several: bool


def save(path: str | os.PathLike[str], saved: Saved) -> None:
    """Write a trace with its inputs and pictures; the file holds no Python objects.

    Raises
    ------
    TraceFormatError
        For a trace that could not be read again, since it is too large or holds names that are no text.
    """
    text = json.dumps(dict(saved.trace.header)).encode()
    read_header(text)
    arrays: dict[str, NDArray[Any]] = {**saved.trace.columns}
    for place, x, image in zip(_places(saved.trace, saved.several), saved.inputs, saved.images, strict=True):
        arrays |= {f"x{place}": x} if image is None else {f"x{place}": x, f"image{place}": image}
    size = sum(array.nbytes for array in arrays.values()) + len(text)
    if size > LARGEST or len(text) > LARGEST_HEADER:
        raise TraceFormatError(
            f"the trace takes {size:,} bytes, {len(text):,} of them for its header; files hold up to {LARGEST:,} and "
            f"{LARGEST_HEADER:,} of them, so explain with fewer max_pops or with coarser nodes"
        )
    with replacing(path) as file:
        np.savez_compressed(file, header=np.frombuffer(text, np.uint8), **arrays)  # type: ignore[arg-type]


def load(path: str | os.PathLike[str]) -> Saved:
    """Read what `save` wrote, executing nothing.

    Raises
    ------
    TraceFormatError
        If the file is damaged, cut short, too large, or no trace; it names the column.
    """
    with Path(path).open("rb") as file:
        archive = Archive(file, os.fspath(path))
        trace = _read(archive)
        several = trace.n_inputs > 1 or "x0" in archive.members
        places = _places(trace, several)
        _check_owners(archive, places)
        inputs = tuple(_input(archive, f"x{place}", trace, number) for number, place in enumerate(places))
        images = tuple(_picture(archive, f"image{place}", trace, number) for number, place in enumerate(places))
    return Saved(trace, inputs, images, several)


def _places(trace: Trace, several: bool) -> list[str]:
    """What the names of each input's arrays end in."""
    return [str(number) if several else "" for number in range(trace.n_inputs)]


def _read(archive: Archive) -> Trace:
    """Each column only after what was read before says that it is as long as it should be."""
    if "header" not in archive.members:
        raise TraceFormatError("column 'header' is missing: this is no heapwidget trace")
    header = read_header(archive.read("header").tobytes())
    for name in COLUMNS:
        if name not in archive.members:
            raise TraceFormatError(f"column {name!r} is missing")
    found = {name: archive.members[name].size for name in COLUMNS}
    check_sizes(found, header)
    offsets = archive.read("log_offset")
    if int(offsets[-1]) != found["log_node"]:
        raise TraceFormatError(f"column 'log_offset' is of a log of {offsets[-1]:,} entries, not {found['log_node']:,}")
    trace = Trace(header, {name: offsets if name == "log_offset" else archive.read(name) for name in COLUMNS})
    check_columns(trace)
    return trace


def _check_owners(archive: Archive, places: Sequence[str]) -> None:
    """Refuse what lies beside the trace and belongs to no input."""
    for name in archive.members:
        beside = BESIDE.fullmatch(name)
        if beside is not None and beside[2] not in places:
            raise TraceFormatError(f"column {name!r} belongs to no input: the header has {len(places)}")


def _input(archive: Archive, name: str, trace: Trace, number: int) -> NDArray[np.float32]:
    if name not in archive.members:
        raise TraceFormatError(f"column {name!r} is missing")
    shape = trace.partitions[number].shape
    if archive.members[name].size != prod(shape) or not np.isfinite(x := archive.read(name)).all():
        raise TraceFormatError(f"column {name!r} is not a finite float32 array of shape {shape}")
    return x


def _picture(archive: Archive, name: str, trace: Trace, number: int) -> NDArray[np.uint8] | None:
    if name not in archive.members:
        return None
    positions = trace.positions(number)
    # A pixel for each position, of one byte or of three.
    largest = 3 * prod(positions)
    if archive.members[name].size > largest or not picture_fits(image := archive.read(name), positions):
        raise TraceFormatError(f"column {name!r} is no picture of bytes with {positions} pixels")
    return image


def read_header(raw: bytes) -> Header:
    """Parse a header, as strictly as a page does, and check it."""
    try:
        header = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_once, parse_int=_whole, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise TraceFormatError("column 'header' is not JSON of a trace: it has lists in lists without end") from error
    except ValueError as error:
        raise TraceFormatError(f"column 'header' is not JSON: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise TraceFormatError(f"column 'header' does not say {FORMAT!r}: this is no heapwidget trace")
    version = header.get("version")
    if version not in VERSIONS or isinstance(version, bool):
        known = " and ".join(map(str, VERSIONS))
        raise TraceFormatError(f"column 'header' says version {brief(version)}; this heapwidget reads versions {known}")
    return check_header(header)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys each stand there once: of two values nobody knows which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _whole(digits: str) -> int | float:
    """A whole number; one of very many digits as a page reads it, rounded."""
    return int(digits) if len(digits) < 17 else float(digits)


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")
