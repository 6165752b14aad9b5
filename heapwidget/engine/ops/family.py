"""What each file of ops tells of its family, its entry in `engine.ops`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.builder import Handler


class OpFamily(NamedTuple):
    """Who takes the calls of which ATen op, and the flows of the layers that they make, if they make any.

    A handler that declines a call, by `False`, leaves it to the op's own gradient.
    """

    handlers: Mapping[str, Handler]
    flows: tuple[type[Flow], ...] = ()


def each_axis(value: object, rank: int) -> tuple[int, ...]:
    """One int for each axis: ATen lets a list of one stand for all."""
    values = tuple(int(v) for v in value)  # type: ignore[attr-defined]
    return values * rank if len(values) == 1 else values
