"""Whether a header and columns make a trace, as `docs/trace.md` describes it: each part is checked before its use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from heapwidget.engine.errors import TraceFormatError
from heapwidget.trace import COLUMNS, KINDS, PHASES, Trace

Check = Callable[[Any], bool]


def validate(trace: Trace) -> None:
    """Check header and columns, also against each other.

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
    _check_header(trace.header)
    _check_sizes(trace)
    _check_nodes(trace)
    _check_numbers(trace)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _word(*words: str) -> Check:
    return lambda value: value in words


def _list(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _row(*checks: Check) -> Check:
    return lambda value: (
        isinstance(value, list) and len(value) == len(checks) and all(c(v) for c, v in zip(checks, value, strict=True))
    )


def _record(**checks: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(k in value and check(value[k]) for k, check in checks.items())


def _layer(value: Any) -> bool:
    parts = _record(
        label=_text,
        op=_text,
        shape=_list(_whole),
        box=_list(_whole),
        channel_axis=_or_null(_whole),
        reads=_list(_whole),
        field=_or_null(_list(_row(_integer, _whole, _whole, _or_null(_whole)))),
    )
    if not parts(value):
        return False
    shape, box, axes = value["shape"], value["box"], [value["channel_axis"], *(f[3] for f in value["field"] or ())]
    return (
        0 < len(shape) == len(box)
        and all(0 < b <= s for s, b in zip(shape, box, strict=True))
        and all(axis is None or axis < len(shape) for axis in axes)
    )


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_target = _record(label=_text, index=_or_null(_whole), value=_number)

HEADER: dict[str, Check] = {
    "method": _text,
    "rule": _or_null(_text),
    "order": _word("descending", "ascending"),
    "conserved": _truth,
    "target": lambda value: _target(value) and _or_null(_text)(value.get("below")),
    "floor": _or_null(_number),
    "phases": _record(**dict.fromkeys(PHASES, _whole)),
    "start": _list(_row(_whole, _number)),
    "layers": _list(_layer),
    "ledger": _record(target=_number, explained=_number, residual=_number, absorbed=_list(_row(_text, _text, _number))),
}
OPTIONAL: dict[str, Check] = {
    "inputs": _whole,
    "priority": _word("mass", "bound"),
    "collect_order": _word("descending", "ascending"),
    "input_in_heap": _truth,
}


def _check_header(header: Mapping[str, Any]) -> None:
    for name, check in (HEADER | OPTIONAL).items():
        if name not in header and name in HEADER:
            raise TraceFormatError(f"column 'header' has no {name!r}")
        if name in header and not check(header[name]):
            raise TraceFormatError(f"column 'header' has a {name!r} that is not what docs/trace.md says")
    layers, n_inputs = header["layers"], header.get("inputs", 1)
    if not 0 < n_inputs <= len(layers):
        raise TraceFormatError(f"column 'header' has {n_inputs} 'inputs' among {len(layers)} layers")
    if any(number <= read for number, layer in enumerate(layers) for read in layer["reads"]):
        raise TraceFormatError("column 'header' has 'layers' that do not read earlier ones")
    for layer in layers[:n_inputs]:
        _check_input(layer)
    n_axes = sum(len(layer["shape"]) - (layer["channel_axis"] is not None) for layer in layers[:n_inputs])
    if any(layer["field"] is not None and len(layer["field"]) != n_axes for layer in layers):
        raise TraceFormatError(f"column 'header' has a 'field' that is not one range for each of {n_axes} axes")
    if list(header["phases"]) != list(PHASES):
        raise TraceFormatError("column 'header' has 'phases' in another order than walk, finish, collect")


def _check_input(layer: Mapping[str, Any]) -> None:
    if layer.get("kind") not in KINDS:
        raise TraceFormatError("column 'header' has an input of no known 'kind'")
    shape, box, channel_axis, kind = (layer[key] for key in ("shape", "box", "channel_axis", "kind"))
    if box != [s if a == channel_axis else 1 for a, s in enumerate(shape)]:
        raise TraceFormatError("column 'header' has an input that is not divided into positions")
    names, positions = layer.get("names"), prod(s for a, s in enumerate(shape) if a != channel_axis)
    if names is not None and not (_list(_text)(names) and len(names) == positions and kind in ("bars", "tokens")):
        raise TraceFormatError(f"column 'header' has 'names' that are not one for each of {positions} positions")
    if kind == "tokens" and names is None:
        raise TraceFormatError("column 'header' has an input of tokens without 'names'")
    if kind == "image" and (len(shape) != 3 or shape[0] not in (1, 3) or channel_axis != 0):
        raise TraceFormatError(f"column 'header' shows an input of shape {tuple(shape)} as an image")


def _check_sizes(trace: Trace) -> None:
    columns, counts = trace.columns, trace.header["phases"]
    log, steps = len(columns["log_node"]), sum(counts[phase] for phase in PHASES)
    sizes = dict.fromkeys(("pop_node", "pop_mass", "explained", "absorbed", "dust", "bound"), steps)
    sizes |= {
        "log_offset": steps + 1,
        "log_key": log,
        "contribution": sum(prod(part.shape) for part in trace.partitions[: trace.n_inputs]),
    }
    for name, size in sizes.items():
        if len(columns[name]) != size:
            raise TraceFormatError(f"column {name!r} has {len(columns[name])} entries where {size} belong")
    offsets = columns["log_offset"].astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != log or (np.diff(offsets) < 0).any():
        raise TraceFormatError("column 'log_offset' does not divide the log into rows")


def _check_nodes(trace: Trace) -> None:
    columns = trace.columns
    n_nodes, n_inputs = int(trace.node_offsets[-1]), trace.input_nodes
    if any(node >= n_nodes for node, _ in trace.header["start"]):
        raise TraceFormatError("column 'header' has a 'start' that names a node that no layer has")
    for name in ("pop_node", "log_node"):
        if len(columns[name]) and int(columns[name].max()) >= n_nodes:
            raise TraceFormatError(f"column {name!r} names a node that no layer has")
    walked, collected = np.split(columns["pop_node"], [trace.phase_start("collect")])
    if (collected >= n_inputs).any() or len(np.unique(collected)) < len(collected):
        raise TraceFormatError("column 'pop_node' collects something else than positions of the input, each once")
    if not trace.header.get("input_in_heap") and (walked < n_inputs).any():
        raise TraceFormatError("column 'pop_node' walks over the input, which is not in the heap")


def _check_numbers(trace: Trace) -> None:
    for name in ("pop_mass", "log_key", "contribution", "explained", "absorbed"):
        if not np.isfinite(trace.columns[name]).all():
            raise TraceFormatError(f"column {name!r} holds a value that is not finite")
    for name in ("dust", "bound"):
        if np.isnan(trace.columns[name]).any():
            raise TraceFormatError(f"column {name!r} holds a value that is no number")
