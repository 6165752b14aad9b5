"""The trace's file: a compressed `.npz` of columns and a JSON header, checked column by column when read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.engine.errors import TraceFormatError
from heapwidget.trace import COLUMNS, FORMAT, VERSION, Trace
from heapwidget.trace_check import validate

# What an explanation keeps with its trace; of several inputs, each behind its number: x0, image0, x1.
BESIDE = re.compile(r"(x|image)\d{0,4}")


def save(path: str | os.PathLike[str], trace: Trace, beside: Mapping[str, NDArray[Any]]) -> None:
    """Write a trace, and further arrays beside it; the file holds no Python objects."""
    header = np.frombuffer(json.dumps(dict(trace.header)).encode(), np.uint8)
    with Path(path).open("wb") as file:
        np.savez_compressed(file, header=header, **trace.columns, **beside)  # type: ignore[arg-type]


def load(path: str | os.PathLike[str]) -> tuple[Trace, dict[str, NDArray[Any]]]:
    """Read a trace file, column by column, executing nothing.

    Returns
    -------
    The trace, and further arrays that lie in the file beside it.

    Raises
    ------
    TraceFormatError
        If the file is damaged, cut short, or no trace; it names the column.
    """
    try:
        file = np.load(path, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # zipfile and NumPy each have their own for damaged data
        raise TraceFormatError(f"{os.fspath(path)!r} is no heapwidget trace: it is not an .npz file") from error
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise TraceFormatError(f"{os.fspath(path)!r} is no heapwidget trace: it is not an .npz file")
    with file:
        arrays = {name: _column(file, name) for name in file.files if _known(name)}
    trace = Trace(_header(arrays.pop("header", None)), {n: arrays.pop(n) for n in COLUMNS if n in arrays})
    validate(trace)
    return trace, arrays


def _known(name: str) -> bool:
    return name in ("header", *COLUMNS) or BESIDE.fullmatch(name) is not None


def _column(file: np.lib.npyio.NpzFile, name: str) -> NDArray[Any]:
    try:
        column: NDArray[Any] = file[name]
    except Exception as error:  # zlib, zipfile and NumPy each have their own for damaged data
        raise TraceFormatError(f"column {name!r} cannot be read: {error}") from error
    if not isinstance(column, np.ndarray):
        raise TraceFormatError(f"column {name!r} is no array")
    return column


def _header(raw: NDArray[Any] | None) -> dict[str, Any]:
    if raw is None or raw.dtype != np.uint8 or raw.ndim != 1:
        raise TraceFormatError("column 'header' is missing: this is no heapwidget trace")
    try:
        header = json.loads(raw.tobytes())
    except ValueError as error:
        raise TraceFormatError(f"column 'header' is not JSON: {error}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise TraceFormatError(f"column 'header' does not say {FORMAT!r}: this is no heapwidget trace")
    if header.get("version") != VERSION:
        raise TraceFormatError(
            f"column 'header' says version {header.get('version')!r}; this heapwidget reads version {VERSION}"
        )
    return header
