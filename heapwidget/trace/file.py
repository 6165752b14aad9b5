"""The trace's file: a compressed `.npz` of columns and a JSON header, checked part by part as it is read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.errors import TraceFormatError, brief
from heapwidget.replacing import replacing
from heapwidget.trace.archive import LARGEST, LARGEST_HEADER, Archive
from heapwidget.trace.check import check_columns, check_header, check_sizes, sizes
from heapwidget.trace.trace import COLUMNS, FORMAT, VERSION, Trace


def save(path: str | os.PathLike[str], trace: Trace, beside: Mapping[str, NDArray[Any]]) -> None:
    """Write a trace, and further arrays beside it; the file holds no Python objects.

    Raises
    ------
    TraceFormatError
        For a trace that could not be read again, since it is too large or holds names that are no text.
    """
    text = json.dumps(dict(trace.header)).encode()
    check_header(read_header(text))
    size = sum(column.nbytes for column in (*trace.columns.values(), *beside.values())) + len(text)
    if size > LARGEST or len(text) > LARGEST_HEADER:
        raise TraceFormatError(
            f"the trace takes {size:,} bytes, {len(text):,} of them for its header; files hold up to {LARGEST:,} and "
            f"{LARGEST_HEADER:,} of them, so explain with fewer max_pops or with coarser nodes"
        )
    with replacing(path) as file:
        header = np.frombuffer(text, np.uint8)
        np.savez_compressed(file, header=header, **trace.columns, **beside)  # type: ignore[arg-type]


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Trace, Archive]]:
    """Read a trace from its file, executing nothing; the archive is open for what lies beside it.

    Raises
    ------
    TraceFormatError
        If the file is damaged, cut short, too large, or no trace; it names the column.
    """
    with Path(path).open("rb") as file:
        archive = Archive(file, os.fspath(path))
        yield _read(archive), archive


def _read(archive: Archive) -> Trace:
    """Each column only after what was read before says that it is as long as it should be."""
    if "header" not in archive.members:
        raise TraceFormatError("column 'header' is missing: this is no heapwidget trace")
    header = read_header(archive.read("header").tobytes())
    check_header(header)
    for name in COLUMNS:
        if name not in archive.members:
            raise TraceFormatError(f"column {name!r} is missing")
    found = {name: archive.members[name].size for name in COLUMNS}
    expected = sizes(header, found["log_node"])
    check_sizes(found, expected)
    offsets = archive.read("log_offset")
    if int(offsets[-1]) != found["log_node"]:
        raise TraceFormatError(f"column 'log_offset' is of a log of {offsets[-1]:,} entries, not {found['log_node']:,}")
    others = {name: archive.read(name) for name in COLUMNS if name != "log_offset"}
    trace = Trace(header, {name: offsets if name == "log_offset" else others[name] for name in COLUMNS})
    check_columns(trace)
    return trace


def read_header(raw: bytes) -> dict[str, Any]:
    """Parse a header, as strictly as a page does; what it holds is for `check_header`."""
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
    if version != VERSION or isinstance(version, bool):
        raise TraceFormatError(
            f"column 'header' says version {brief(version)}; this heapwidget reads version {VERSION}"
        )
    return header


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
