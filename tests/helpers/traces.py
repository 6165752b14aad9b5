"""Traces from the JSON of a header and plain columns, as the golden files have them, and whether they are sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heapwidget.trace.check import check_columns, check_header
from heapwidget.trace.columns import COLUMNS, columns_of
from heapwidget.trace.header import Header
from heapwidget.trace.trace import Trace


def trace_of(header: Mapping[str, Any], columns: Mapping[str, Any]) -> Trace:
    """A trace that nobody checked."""
    return Trace(Header.from_json(dict(header)), columns_of(columns))


def validate(header: Mapping[str, Any], columns: Mapping[str, Any]) -> Trace:
    """A trace all of which is checked, as where it is read from a file.

    Raises
    ------
    TraceFormatError
        Naming the first column that is wrong.
    """
    assert {name: column.dtype.str for name, column in columns.items()} == COLUMNS
    trace = Trace(check_header(dict(header)), columns)
    check_columns(trace)
    return trace
