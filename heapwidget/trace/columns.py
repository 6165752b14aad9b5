"""The columns of a trace: their names and types, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]

COLUMNS = {
    "pop_node": "<u4",
    "pop_mass": "<f4",
    "explained": "<f4",
    "absorbed": "<f4",
    "dust": "<f4",
    "bound": "<f4",
    "certain": "<u4",
    "log_offset": "<u4",
    "log_node": "<u4",
    "log_key": "<f4",
    "contribution": "<f4",
}
# One entry a row.
ROWS = ("pop_node", "pop_mass", "explained", "absorbed", "dust", "bound", "certain")


def columns_of(values: Mapping[str, Any]) -> Columns:
    """Columns of their types, little endian."""
    return {name: np.ascontiguousarray(values[name], dtype) for name, dtype in COLUMNS.items()}
