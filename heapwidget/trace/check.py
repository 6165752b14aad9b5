"""Whether a header and columns make a trace, as `docs/trace.md` describes it: each part is checked before its use."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from heapwidget.boxes import Partition
from heapwidget.errors import TraceFormatError, brief
from heapwidget.kinds import KINDS
from heapwidget.trace.columns import ROWS
from heapwidget.trace.header import LONGEST_NAME, PHASES, Header
from heapwidget.trace.pops import check_pops
from heapwidget.trace.trace import Trace

Check = Callable[[Any], bool]

# The page and NumPy are to bear what a header says: axes and nodes of a layer, and nodes in all.
MOST_AXES = 32
LARGEST_LAYER, MOST_NODES = 2**24, 2**27
# Lists in lists in a header, its own and those of keys that this version does not know.
DEEPEST = 16
# The largest number of a float column, and the largest up to which all whole numbers are told apart in a page.
LARGEST_NUMBER, LARGEST_WHOLE = float(np.finfo(np.float32).max), 2**53 - 1
# Below the least floor of a walk; its bits still order like it.
SMALLEST_TOP = 1e-37
SURROGATES = re.compile("[\ud800-\udfff]")


def _whole(value: Any) -> bool:
    return _integer(value) and value >= 0


def _count(value: Any) -> bool:
    return _whole(value) and value > 0


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_WHOLE


def _number(value: Any) -> bool:
    """What a float of a column can be: a header's numbers are compared with those."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _text(value: Any) -> bool:
    """Text that can be written: half of a surrogate pair cannot."""
    return isinstance(value, str) and not SURROGATES.search(value)


def _name(value: Any) -> bool:
    return _text(value) and len(value) <= LONGEST_NAME


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
        label=_name,
        op=_name,
        shape=_list(_whole),
        box=_list(_whole),
        channel_axis=_or_null(_whole),
        reads=_list(_whole),
        field=_or_null(_list(_row(_integer, _whole, _whole, _or_null(_whole)))),
    )
    if not parts(value) or not _cell(value.get("cell")):
        return False
    digits = [digit for place in value.get("cell") or () for digit in place]
    shape, box = value["shape"], value["box"]
    axes = [value["channel_axis"], *(f[3] for f in value["field"] or ()), *(digit[0] for digit in digits)]
    return (
        0 < len(shape) == len(box) <= MOST_AXES
        and all(0 < b <= s for s, b in zip(shape, box, strict=True))
        and all(axis is None or axis < len(shape) for axis in axes)
        and prod(digit[4] for digit in digits) <= LARGEST_LAYER
    )


_ledger = _record(target=_number, explained=_number, residual=_number, absorbed=_list(_row(_text, _text, _number)))
_digits = _list(_row(_whole, _integer, _integer, _count, _count))
_cell = _or_null(_list(_digits))
_target = _record(label=_text, index=_or_null(_whole), value=_number)


def _from_baseline(value: Any) -> bool:
    """What a target may say besides."""
    named = (_or_null(_text)(value.get(name)) for name in ("below", "kind", "baseline"))
    return all(named) and _number(value.get("at_baseline", 0.0))


HEADER: dict[str, Check] = {
    "method": _text,
    "rule": _or_null(_text),
    "order": _word("descending", "ascending"),
    "conserved": _truth,
    "target": lambda value: _target(value) and _from_baseline(value),
    "floor": _or_null(_number),
    "phases": _record(**dict.fromkeys(PHASES, _whole)),
    "start": _list(_row(_whole, _number)),
    "layers": _list(_layer),
    "ledger": lambda value: _ledger(value) and _number(value.get("baseline", 0.0)),
}
OPTIONAL: dict[str, Check] = {
    "inputs": _whole,
    "rule_label": _text,
    "priority": _word("mass", "bound", "wave"),
    "class_top": lambda value: _number(value) and value >= SMALLEST_TOP,
    "collect_order": _word("descending", "ascending"),
    "input_in_heap": _truth,
    "scores": _or_null(lambda value: _scores(value)),
}


def _scores(value: Any) -> bool:
    """Curves over the same fractions."""
    curves = {"fractions": _list(_number), "deletion": _list(_number), "insertion": _list(_number)}
    if not _record(kind=_text, random=_or_null(lambda value: isinstance(value, dict)), **curves)(value):
        return False
    several = [value] if value["random"] is None else [value, {"fractions": value["fractions"], **value["random"]}]
    length = len(value["fractions"])
    return length > 1 and all(
        check(curve.get(name)) and len(curve[name]) == length for curve in several for name, check in curves.items()
    )


def check_header(header: Mapping[str, Any]) -> Header:
    """Check the JSON of a header alone, before any column is read.

    Raises
    ------
    TraceFormatError
        Naming the key that is wrong.
    """
    for name, check in (HEADER | OPTIONAL).items():
        if name not in header and name in HEADER:
            raise TraceFormatError(f"column 'header' has no {name!r}")
        if name in header and not check(header[name]):
            raise TraceFormatError(f"column 'header' has a {name!r} that is not what docs/trace.md says")
    for name, value in header.items():
        _check_plain(name, value)
    layers, n_inputs = header["layers"], header.get("inputs", 1)
    if not 0 < n_inputs <= len(layers):
        raise TraceFormatError(f"column 'header' has {n_inputs} 'inputs' among {len(layers)} layers")
    _check_layers(layers, n_inputs)
    start = [node for node, _ in header["start"]]
    if len(set(start)) < len(start):
        raise TraceFormatError("column 'header' has a 'start' that names a node twice")
    if (header.get("priority") == "wave") != ("class_top" in header):
        raise TraceFormatError("column 'header' has a 'class_top', which belongs to the wave, and to it alone")
    return Header.from_json(header)


def _check_plain(name: str, value: Any) -> None:
    """Whether the page can read a value, also that of a key which this version does not know."""
    rest = [(name, 0), (value, 0)]
    while rest:
        value, depth = rest.pop()
        inside: Iterable[Any] = ()
        if isinstance(value, dict):
            inside = (*value, *value.values())
        elif isinstance(value, list):
            inside = value
        elif not (value is None or isinstance(value, bool) or _text(value) or _finite(value)):
            raise TraceFormatError(
                f"column 'header' has a {brief(name)} that holds {brief(value)}, which no page can read"
            )
        if inside and depth == DEEPEST:
            raise TraceFormatError(f"column 'header' has a {brief(name)} of more than {DEEPEST} lists in lists")
        rest += [(one, depth + 1) for one in inside]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _check_layers(layers: Sequence[Mapping[str, Any]], n_inputs: int) -> None:
    if any(number <= read for number, layer in enumerate(layers) for read in layer["reads"]):
        raise TraceFormatError("column 'header' has 'layers' that do not read earlier ones")
    counts = [Partition(tuple(layer["shape"]), tuple(layer["box"])).n_nodes for layer in layers]
    if max(counts) > LARGEST_LAYER or sum(counts) > MOST_NODES:
        raise TraceFormatError(
            f"column 'header' has 'layers' of {sum(counts):,} nodes, {max(counts):,} in one; "
            f"at most {MOST_NODES:,} can be shown, {LARGEST_LAYER:,} in one"
        )
    for layer in layers[:n_inputs]:
        _check_input(layer)
    for key in ("kind", "names", "square"):
        if any(key in layer for layer in layers[n_inputs:]):
            raise TraceFormatError(f"column 'header' has a layer with {key!r} that is no input")
    n_axes = sum(len(layer["shape"]) - (layer["channel_axis"] is not None) for layer in layers[:n_inputs])
    for key in ("field", "cell"):
        if any(layer.get(key) is not None and len(layer[key]) != n_axes for layer in layers):
            raise TraceFormatError(f"column 'header' has a {key!r} that has not one entry for each of {n_axes} axes")


def _check_input(layer: Mapping[str, Any]) -> None:
    name = layer.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise TraceFormatError("column 'header' has an input of no known 'kind'")
    if "square" in layer and not (_whole(layer["square"]) and layer["square"] > 1):
        raise TraceFormatError("column 'header' has an input with a 'square' that is no side of more than 1")
    shape, box, channel_axis, kind = layer["shape"], layer["box"], layer["channel_axis"], KINDS[name]
    if box != [s if a == channel_axis else 1 for a, s in enumerate(shape)]:
        raise TraceFormatError("column 'header' has an input that is not divided into positions")
    names, positions = layer.get("names"), prod(s for a, s in enumerate(shape) if a != channel_axis)
    named = isinstance(names, list) and all(map(_name, names)) and len(names) == positions
    if "names" in layer and not (named and kind.label):
        raise TraceFormatError(f"column 'header' has 'names' that are not one for each of {positions} positions")
    if not kind.unnamed and names is None:
        raise TraceFormatError(f"column 'header' has an input of {name} without 'names'")
    if not kind.holds(tuple(shape), channel_axis):
        raise TraceFormatError(f"column 'header' shows an input of shape {brief(tuple(shape))} as {name}")


def check_sizes(found: Mapping[str, int], header: Header) -> None:
    """Refuse a column that is longer or shorter than the header says, or than the log's other one.

    Raises
    ------
    TraceFormatError
        Naming it.
    """
    steps = sum(getattr(header.phases, phase) for phase in PHASES)
    units = sum(layer.units for layer in header.layers[: header.inputs])
    expected = {"log_offset": steps + 1, **dict.fromkeys(ROWS, steps), "log_key": found["log_node"]}
    for name, size in (expected | {"contribution": units}).items():
        if found[name] != size:
            raise TraceFormatError(f"column {name!r} has {found[name]:,} entries where {size:,} belong")


def check_columns(trace: Trace) -> None:
    """Check columns of the right types against a header that was checked.

    Raises
    ------
    TraceFormatError
        Naming the first column that is wrong.
    """
    check_sizes({name: len(column) for name, column in trace.columns.items()}, trace.header)
    _check_log(trace)
    _check_nodes(trace)
    _check_numbers(trace)
    check_pops(trace)


def _check_log(trace: Trace) -> None:
    offsets = trace.columns["log_offset"]
    if offsets[0] != 0 or offsets[-1] != len(trace.columns["log_node"]) or (offsets[1:] < offsets[:-1]).any():
        raise TraceFormatError("column 'log_offset' does not divide the log into rows")
    for layer, squares, first in zip(trace.inputs, trace.squares, trace.node_offsets, strict=False):
        if layer.square is None:
            continue
        inside = np.ones(trace.node_offsets[-1], np.bool_)
        inside[first : first + len(squares.of_position)] = False
        inside[first + squares.first] = True
        # Nodes that no layer has are told of below.
        if not inside[np.minimum(trace.columns["log_node"], len(inside) - 1)].all():
            raise TraceFormatError("column 'log_node' reaches a position of the input that begins no square")
    collect = trace.phase_start("collect")
    if offsets[collect] != offsets[-1]:
        raise TraceFormatError("column 'log_offset' gives the collect phase a log, which it has not")
    if (trace.columns["log_node"][offsets[trace.phase_start("finish")] :] >= trace.input_nodes).any():
        raise TraceFormatError("column 'log_node' has the finish reach something else than the input")


def _check_nodes(trace: Trace) -> None:
    columns = trace.columns
    n_nodes, n_inputs = int(trace.node_offsets[-1]), trace.input_nodes
    least = 0 if trace.header.input_in_heap else n_inputs
    if not all(least <= node < n_nodes for node, _ in trace.header.start):
        raise TraceFormatError("column 'header' has a 'start' that names a node that no layer has, or the heap has not")
    for name in ("pop_node", "log_node"):
        if len(columns[name]) and int(columns[name].max()) >= n_nodes:
            raise TraceFormatError(f"column {name!r} names a node that no layer has")
    walk, finish, collected = np.split(columns["pop_node"], [trace.phase_start("finish"), trace.phase_start("collect")])
    if (collected >= n_inputs).any():
        raise TraceFormatError("column 'pop_node' collects something else than positions of the input")
    if (walk < least).any():
        raise TraceFormatError("column 'pop_node' walks over the input, which is not in the heap")
    if not np.isin(finish, trace.node_offsets[trace.n_inputs : -1]).all():
        raise TraceFormatError("column 'pop_node' finishes something else than a layer, by its first node")


def _check_numbers(trace: Trace) -> None:
    for name in ("pop_mass", "log_key", "contribution", "explained", "absorbed"):
        if not np.isfinite(trace.columns[name]).all():
            raise TraceFormatError(f"column {name!r} holds a value that is not finite")
    for name in ("dust", "bound"):
        if np.isnan(trace.columns[name]).any():
            raise TraceFormatError(f"column {name!r} holds a value that is no number")
    certain = trace.columns["certain"]
    if (certain[1:] < certain[:-1]).any() or certain.max(initial=0) > trace.input_nodes:
        raise TraceFormatError("column 'certain' falls, or counts more positions than the inputs have")
