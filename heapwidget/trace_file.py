"""The trace's file: a compressed `.npz` of columns and a JSON header, checked column by column when read."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.engine.errors import TraceFormatError
from heapwidget.trace import COLUMNS, FORMAT, PHASES, VERSION, Trace


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
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TraceFormatError(f"{os.fspath(path)!r} is no heapwidget trace: it is not an .npz file") from error
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise TraceFormatError(f"{os.fspath(path)!r} is no heapwidget trace: it is not an .npz file")
    with file:
        arrays = {name: _column(file, name) for name in file.files}
    trace = Trace(_header(arrays.pop("header", None)), {n: arrays.pop(n) for n in COLUMNS if n in arrays})
    validate(trace)
    return trace, arrays


def _column(file: np.lib.npyio.NpzFile, name: str) -> NDArray[Any]:
    try:
        column: NDArray[Any] = file[name]
    except Exception as error:  # zlib, zipfile and NumPy each have their own for damaged data
        raise TraceFormatError(f"column {name!r} cannot be read: {error}") from error
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


def validate(trace: Trace) -> None:
    """Check header and columns against each other.

    Raises
    ------
    TraceFormatError
        Naming the first column that is wrong.
    """
    for name, dtype in COLUMNS.items():
        if name not in trace.columns:
            raise TraceFormatError(f"column {name!r} is missing")
        if trace.columns[name].dtype != np.dtype(dtype) or trace.columns[name].ndim != 1:
            raise TraceFormatError(f"column {name!r} is not a plain column of {dtype}")
    _validate_header(trace)
    _validate_columns(trace)


def _validate_header(trace: Trace) -> None:
    header = trace.header
    try:
        sound = {"method", "rule", "order", "conserved", "target", "floor", "ledger", "input"} <= set(header)
        sound &= all({"label", "op", "channel_axis", "reads", "field"} <= set(layer) for layer in header["layers"])
        sound &= all(min((*p.shape, *p.box), default=1) > 0 for p in trace.partitions)
        sound &= all(int(header["phases"][phase]) >= 0 for phase in PHASES)
        start = [int(node) for node, _ in header["start"]]
        sound &= all(0 <= node < trace.node_offsets[-1] for node in start)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TraceFormatError(f"column 'header' lacks a part or holds a wrong one: {error!r}") from error
    if not sound:
        raise TraceFormatError("column 'header' lacks a part or holds a wrong one")


def _validate_columns(trace: Trace) -> None:
    columns = trace.columns
    log, steps = len(columns["log_node"]), sum(int(trace.header["phases"][phase]) for phase in PHASES)
    sizes = dict.fromkeys(("pop_node", "pop_mass", "explained", "absorbed", "dust", "bound"), steps)
    sizes |= {"log_offset": steps + 1, "log_key": log, "contribution": prod(trace.partitions[0].shape)}
    for name, size in sizes.items():
        if len(columns[name]) != size:
            raise TraceFormatError(f"column {name!r} has {len(columns[name])} entries where {size} belong")
    offsets = columns["log_offset"].astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != log or (np.diff(offsets) < 0).any():
        raise TraceFormatError("column 'log_offset' does not divide the log into rows")
    for name in ("pop_node", "log_node"):
        if len(columns[name]) and int(columns[name].max()) >= trace.node_offsets[-1]:
            raise TraceFormatError(f"column {name!r} names a node that no layer has")
    for name in ("pop_mass", "log_key", "contribution"):
        if not np.isfinite(columns[name]).all():
            raise TraceFormatError(f"column {name!r} holds a value that is not finite")
