"""How much a viewer sends to the browser, and what makes it less where that is much."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.boxes import Shape
from heapwidget.findings.findings import Findings
from heapwidget.trace.trace import Trace

# Bytes that go without a word, what advice aims at, and the part of the whole that is worth advice.
HEAVY, AIM, WORTH = 5_000_000, 4_000_000, 0.2


def weigh(packed: Mapping[str, Any], shown: Mapping[str, Any]) -> int:
    """Bytes of a packed trace and of the inputs as they are shown."""
    buffers = list(packed["columns"].values())
    buffers += [value for part in shown["parts"] for value in part.values() if isinstance(value, memoryview)]
    return int(sum(buffer.nbytes for buffer in buffers)) + len(json.dumps(packed["header"]))


def warn_of(size: int, findings: Findings) -> None:
    """Tell what the notebook is about to get, and what makes it less, where the user's own code asked for it."""
    warnings.warn(
        f"this viewer sends {size / 1e6:.1f} MB to the browser, which a saved notebook keeps; "
        f"it is less with {', or with '.join(_ways(findings, size))}",
        stacklevel=_levels_to_user(),
    )


def _ways(findings: Findings, size: int) -> list[str]:
    """What the user can do; each way makes it smaller."""
    trace, ways = findings.trace, []
    walk = _walk_bytes(trace)
    walked = int(walk[-1])
    if size - walked > WORTH * size:
        ways += _smaller_input(findings, (size - walked) / max(AIM - walked, AIM / 4))
        if trace.header.phases.finish:
            ways.append("finish=False, which shows what the pops brought alone")
    if walked > WORTH * size:
        if trace.conserved:
            budget = max(AIM - (size - walked), AIM / 4)
            ways.append(f"max_pops={max(int(np.searchsorted(walk, budget, side='right')) - 1, 1)}")
        ways.append('nodes="layer", or other nodes that are coarser')
    return [*ways, "a picture in its place, attribute(net, x).plot()"]


def _walk_bytes(trace: Trace) -> NDArray[np.int64]:
    """Bytes of the first 0, 1, 2, ... rows of the walk, with their log."""
    columns, rows = trace.columns, trace.header.phases.walk
    entry = columns["log_node"].itemsize + columns["log_key"].itemsize
    row = sum(columns[name].itemsize for name in columns if not name.startswith("log") and name != "contribution")
    offsets = columns["log_offset"][: rows + 1].astype(np.int64)
    found: NDArray[np.int64] = np.arange(rows + 1) * (row + columns["log_offset"].itemsize) + offsets * entry
    return found


def _smaller_input(findings: Findings, ratio: float) -> list[str]:
    """The largest input by every so manyth position, or the first words of it, so that it is so many times smaller."""
    trace = findings.trace
    number = int(np.argmax([math.prod(part.shape) for part in trace.partitions[: trace.n_inputs]]))
    layer = trace.inputs[number]
    name = f"x[{number}]" if trace.n_inputs > 1 else "x"
    axes = [axis for axis, length in enumerate(layer.shape) if length > 1 and axis != layer.channel_axis]
    # A net takes tables and flat vectors of one length alone.
    if layer.kind == "bars" or not axes or len(layer.shape) == 1:
        return []
    if layer.kind == "tokens":
        first = max(int(layer.shape[axes[0]] / ratio), 1)
        part = _indexed(name, layer.shape, axes, f":{first}")
        return [f"fewer tokens if the net takes them, {part} and tokens[:{first}]"]
    every = f"::{max(math.ceil(ratio ** (1 / len(axes))), 2)}"
    picture = f" and image[{every}, {every}]" if findings.images[number] is not None else ""
    return [f"a smaller input if the net takes it, {_indexed(name, layer.shape, axes, every)}{picture}"]


def _indexed(name: str, shape: Shape, axes: list[int], cut: str) -> str:
    """Python for that part of an input, with a batch axis or without one."""
    cuts = [cut if axis in axes else ":" for axis in range(len(shape))]
    return f"{name}[..., {', '.join(cuts[axes[0] :])}]"


def _levels_to_user() -> int:
    """How far up the first frame lies that is none of this package's."""
    package = __name__.partition(".")[0]
    levels, frame = 0, sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        levels, frame = levels + 1, frame.f_back
    return levels
