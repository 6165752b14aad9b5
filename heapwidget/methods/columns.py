"""The columns of a trace, from what a method found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Partition
from heapwidget.engine.flow import Array
from heapwidget.engine.walk.search import Row
from heapwidget.trace.trace import COLUMNS


class Log(NamedTuple):
    """Whose keys changed, to what: and where the part of each row begins, and the last one ends."""

    ends: NDArray[Any]
    nodes: NDArray[np.int64]
    keys: NDArray[Any]


NO_LOG = Log(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0))


def collect(
    parts: Sequence[Partition], contributions: Sequence[Array], ascending: bool, zeros: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All inputs' positions in pop order, with their keys; positions of zero are left out unless `zeros`."""
    sums = [
        part.fold(tuple(slice(0, s) for s in part.shape), c)[1].reshape(-1)
        for part, c in zip(parts, contributions, strict=False)
    ]
    keys = np.concatenate(sums).astype(np.float32)
    nodes = np.arange(len(keys)) if zeros else np.flatnonzero(keys)
    order = np.lexsort((nodes, keys[nodes] if ascending else -keys[nodes]))
    return nodes[order], keys[nodes][order]


def told(
    rows: list[Row],
    collected: tuple[NDArray[np.int64], NDArray[np.float32]],
    contributions: Sequence[Array],
    log: Log = NO_LOG,
    dust: NDArray[np.float64] = NO_LOG.keys,
    sign: float = 1.0,
) -> dict[str, NDArray[Any]]:
    """All columns: the rows, then the collect phase, during which no sum changes."""
    nodes, keys = collected

    def column(name: str, factor: float = 1.0) -> NDArray[Any]:
        values = [getattr(row, name) * factor for row in rows]
        return np.concatenate([values, np.full(len(nodes), values[-1] if values else 0.0)])

    return typed(
        {
            "pop_node": np.r_[[row.node for row in rows], nodes],
            "pop_mass": np.r_[[row.mass for row in rows], keys],
            "explained": column("explained", sign),
            "absorbed": column("absorbed", sign),
            "dust": np.r_[dust, np.full(len(nodes), dust[-1] if len(dust) else 0.0)],
            "bound": np.maximum(column("bound"), 0),
            "log_offset": np.r_[log.ends, np.full(len(nodes), log.ends[-1])],
            "log_node": log.nodes,
            "log_key": log.keys,
            "contribution": np.concatenate([c.reshape(-1) for c in contributions]),
        }
    )


def typed(columns: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Columns as a trace has them."""
    return {name: np.ascontiguousarray(columns[name], dtype) for name, dtype in COLUMNS.items()}
