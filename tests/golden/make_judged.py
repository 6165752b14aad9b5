"""Write traces, sound and spoilt, that Python and the page must judge alike: `python tests/golden/make_judged.py`.

A case is a header as JSON text and columns as their bytes in hex; what it does not hold is as in its base.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import heapwidget as hw
from heapwidget.trace.columns import COLUMNS
from heapwidget.trace.trace import Trace

HERE = Path(__file__).parent
Json = dict[str, Any]


def bases() -> dict[str, hw.Explanation]:
    """A stopped walk over named features, one not finished, a negative target's, a picture's, a wave; and others."""
    torch.manual_seed(3)
    mlp, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.rand(1, 3)
    conv = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    for parameter in (*mlp.parameters(), *conv.parameters()):
        # Nothing is dead, so that each phase has its rows.
        parameter.data.abs_()
    best: dict[str, Any] = {"priority": "mass", "floor": 1e-3}
    return {
        "features": hw.attribute(mlp, x, max_pops=3, feature_names=["a", "<b>", "mean radius"], **best),
        "unfinished": hw.attribute(mlp, x, max_pops=2, finish=False, **best),
        "negative": hw.attribute(mlp, x, target=lambda output: -output.sum(), max_pops=3, **best),
        "picture": hw.attribute(conv, torch.rand(1, 1, 3, 3), max_pops=4, **best),
        "wave": hw.attribute(conv, torch.rand(1, 1, 3, 3), max_pops=8, **best | {"priority": "wave"}),
        "five_steps": hw.attribute(mlp, x, method="article"),
        "ascending": hw.attribute(mlp, x, method="gradient", order="ascending"),
    }


def put(path: str, value: Any) -> Callable[[Json], Json]:
    """A header with another value at a place, such as `layers.0.kind`."""

    def change(header: Json) -> Json:
        *way, last = [int(part) if part.lstrip("-").isdigit() else part for part in path.split(".")]
        place: Any = header
        for part in way:
            place = place[part]
        place[last] = value
        return header

    return change


def drop(path: str) -> Callable[[Json], Json]:
    """A header without the key at a place."""

    def change(header: Json) -> Json:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = header
        for part in way:
            place = place[part]
        del place[last]
        return header

    return change


HUGE = {"shape": [2**31], "box": [1], "label": "huge", "op": "x", "channel_axis": None, "reads": [], "field": None}
CURVES = {"fractions": [0, 1], "deletion": [1, 0], "insertion": [0, 1]}
NOTHING = [None, True, -1, 0.5, "x", [], {}, [[]], [{}], 2**53]
# Keys that may be left out, that take many values, and values of NOTHING that fit where they are put.
MAY_LACK = ("priority", "layers.0.names", "layers.0.cell")
MANY_FIT = ("method", "rule", "floor", "inputs")
FITS = [("conserved", True), ("layers.0.reads", []), ("layers.0.field", None)]
FITS += [("layers.0.cell", None), ("layers.0.cell", [[]])]

# By what is put where: for the base "features", whether it is still sound.
PUT: list[tuple[str, Any, bool]] = [
    ("unknown", None, True),
    ("unknown", {"a": [1, "x", None, {"b": 1e300}]}, True),
    ("unknown", "\ud800", False),
    ("unknown", {"\udc00": 1}, False),
    ("unknown", 10**400, False),
    ("unknown", 2**53, True),
    ("unknown", 10**300, True),
    ("format", "zip", False),
    ("version", True, False),
    ("version", "1", False),
    ("version", 2, True),
    ("version", 3, False),
    ("method", "anything", True),
    ("method", 10 * "\ud83d\ude00", True),
    ("rule", None, True),
    ("order", "ascending", False),
    ("order", "sideways", False),
    ("collect_order", "descending", True),
    ("collect_order", "ascending", False),
    *(("collect_order", value, False) for value in ("sideways", "", None, True, 1, [], {}, ["descending"])),
    ("conserved", False, True),
    ("conserved", 1, False),
    ("priority", "bound", True),
    ("priority", None, False),
    ("priority", "wave", False),
    ("class_top", 1.0, False),
    ("floor", None, True),
    ("floor", 1e39, False),
    ("floor", 10**30, True),
    ("floor", 10**400, False),
    ("inputs", 1, True),
    ("inputs", 2, False),
    ("inputs", 0, False),
    ("inputs", None, False),
    ("inputs", 2**62, False),
    ("input_in_heap", False, True),
    ("input_in_heap", True, True),
    ("input_in_heap", None, False),
    ("scores", None, True),
    ("scores", {"kind": "logit", **CURVES, "random": None}, True),
    ("scores", {"kind": "logit", **CURVES, "random": CURVES}, True),
    ("scores", {"kind": "logit", **CURVES, "random": {}}, False),
    ("scores", {"kind": "logit", **CURVES, "random": {"deletion": [1], "insertion": [1]}}, False),
    ("scores", {"kind": "logit", **CURVES}, False),
    ("scores", {"kind": "logit", **CURVES, "fractions": [0], "random": None}, False),
    ("scores", {"kind": 1, **CURVES, "random": None}, False),
    ("scores", [], False),
    ("target.label", "\udfff", False),
    ("target.label", "", True),
    ("target.label", "x\u0000<script>\u2028\n", True),
    ("target.label", 7, False),
    ("target.index", -1, False),
    ("target.index", 2**53, False),
    ("target.index", None, True),
    *(("target.below", text, True) for text in ("log_softmax", "", "x\u0000<script>\u2028\n", "\ud83d\ude00", None)),
    *(("target.below", value, False) for value in (7, 0.5, True, [], ["softmax"], {}, "\ud800")),
    *((f"target.{key}", text, True) for key in ("kind", "baseline") for text in ("margin", "", "\u0000<b>", None)),
    *((f"target.{key}", value, False) for key in ("kind", "baseline") for value in (7, True, [], {}, "\ud800")),
    *((record, value, True) for record in ("target.at_baseline", "ledger.baseline") for value in (0, -3.5)),
    *(
        (record, value, False)
        for record in ("target.at_baseline", "ledger.baseline")
        for value in (None, 1e300, "1", True, [])
    ),
    ("target.value", None, False),
    ("target.value", 0, True),
    ("target.value", 1e-300, True),
    ("target.value", 1e300, False),
    ("target.value", int("9" * 400), False),
    ("phases.walk", 4, False),
    ("phases.walk", 2**62, False),
    ("phases.more", 7, True),
    ("start", [], False),
    ("start.0.0", 0, False),
    ("start.0.0", 2**40, False),
    ("start.0.1", 1e39, False),
    ("start.0.1", 0.0, False),
    ("ledger.absorbed", [["a", "b", 1]], True),
    ("ledger.absorbed", [["a", "b"]], False),
    ("ledger.target", None, False),
    ("layers", [], False),
    ("layers.0.kind", "photo", False),
    ("layers.0.kind", "image", False),
    ("layers.0.kind", "line", False),
    ("layers.0.kind", "tokens", True),
    ("layers.0.names", ["a", "b"], False),
    ("layers.0.names", ["a", "b", 3], False),
    ("layers.0.names", ["a", "b", "\ud800"], False),
    ("layers.0.names", ["a", "b", 10_001 * "c"], False),
    ("layers.0.names", None, False),
    ("layers.0.channel_axis", 1, False),
    ("layers.0.box", [2], False),
    ("layers.0.reads", [0], False),
    ("layers.1.names", ["a", "b", "c", "d"], False),
    ("layers.1.kind", "bars", False),
    ("layers.1.kind", None, False),
    ("layers.1.label", "\ud83d\ude00", True),
    ("layers.1.label", "\ud83d", False),
    ("layers.1.label", 10_000 * "\ud83d\ude00", True),
    ("layers.1.label", 10_001 * "x", False),
    ("layers.1.label", 3000 * "a.", True),
    ("layers.1.unknown", [[1]], True),
    ("layers.1.reads", [1], False),
    ("layers.1.reads", [-1], False),
    ("layers.1.box", [0], False),
    ("layers.1.box", [5], False),
    ("layers.1.box", [2], False),
    ("layers.1.shape", [2**31], False),
    ("layers.1.shape", [2**62], False),
    ("layers.1.shape", [4.5], False),
    ("layers.1.shape", [], False),
    ("layers.1.field", [[0, 1, 1, 0]], True),
    ("layers.1.field", [[0, 1, 1, 1]], False),
    ("layers.1.field", [[0, 1, 1, None]], True),
    ("layers.1.field", [[0, 1, -1, None]], False),
    ("layers.1.field", [], False),
    ("layers.1.field", [[0.5, 1, 1, 0]], False),
    ("layers.1.cell", None, True),
    ("layers.1.cell", [[]], True),
    ("layers.1.cell", [], False),
    ("layers.1.cell", [[[0, 0, 4, 1, 4]]], True),
    ("layers.1.cell", [[[0, -3, 4, 2, 2], [0, 0, 4, 1, 2]]], True),
    ("layers.1.cell", [[[0, 0, 4, 1, 2**24]]], True),
    ("layers.1.cell", [[[0, 0, 4, 1, 2**24], [0, 0, 4, 1, 2]]], False),
    ("layers.1.cell", [[[0, 0, 4, 1, 0]]], False),
    ("layers.1.cell", [[[0, 0, 4, 0, 4]]], False),
    ("layers.1.cell", [[[1, 0, 4, 1, 4]]], False),
    ("layers.1.cell", [[[0, 0, 4, 1]]], False),
    ("layers.1.cell", [[[0, 0.5, 4, 1, 4]]], False),
    ("layers.1.cell", [[0, 0, 4, 1, 4]], False),
]
LAYERS: list[tuple[Json, bool]] = [
    (HUGE, False),
    (HUGE | {"shape": [2**62]}, False),
    (HUGE | {"shape": [2**31], "box": [2**31]}, True),
    (HUGE | {"shape": [2**24]}, True),
    (HUGE | {"shape": [2**12, 2**12 + 1], "box": [1, 1]}, False),
    (HUGE | {"shape": [1] * 32, "box": [1] * 32}, True),
    (HUGE | {"shape": [1] * 33, "box": [1] * 33}, False),
]

# Columns of "features": what is put where in which, and whether it is still sound.
SPOILT: list[tuple[str, int, float, bool]] = [
    *((name, 1, value, False) for name in ("pop_mass", "log_key", "contribution") for value in (np.nan, np.inf)),
    *((name, 1, value, False) for name in ("explained", "absorbed") for value in (np.nan, -np.inf)),
    *((name, 1, np.nan, False) for name in ("dust", "bound")),
    *((name, 1, np.inf, True) for name in ("dust", "bound")),
    *((name, 1, -3.5e37, True) for name in ("explained", "absorbed", "dust", "bound", "contribution")),
    *((name, at, 2**32 - 1, False) for name in ("pop_node", "log_node", "log_offset") for at in (0, -1)),
    ("certain", 0, 2, False),
    ("certain", -1, 4, False),
    ("certain", -1, 2**32 - 1, False),
    ("pop_node", 0, 0, False),
    ("pop_node", 1, 8, False),
    ("pop_node", 3, 4, False),
    ("pop_node", -1, 5, False),
    ("pop_mass", 0, 0.5, False),
    ("pop_mass", 3, 0.5, True),
    ("pop_mass", -1, 1e30, False),
    ("log_key", 0, 1e30, False),
    ("log_offset", 1, 0, False),
    ("log_node", -1, 8, False),
]

# What may stand for the top of a size class: where the classes begin elsewhere, others go first.
WAVES: list[tuple[Any, bool]] = [
    *((value, False) for value in (None, True, "x", 0, -1.0, 1e-38, 1e39, [])),
    (1e-37, False),
]

# JSON texts that a file may hold, by what stands for the value of a key that no version knows.
TEXTS: list[tuple[str, bool]] = [
    ("[" * 16 + "]" * 16, True),
    ("[" * 17 + "]" * 17, True),
    ("[" * 18 + "]" * 18, False),
    ("[" * 3000 + "]" * 3000, False),
    ('{"a":' * 3000 + "1" + "}" * 3000, False),
    ("NaN", False),
    ("-Infinity", False),
    ("1e999", False),
    ("9" * 400, False),
    ("9" * 5000, False),
    ("9" * 300, True),
    ("01", False),
    ("'x'", False),
    ("1,", False),
    ("", False),
    ('"\\ud800"', False),
    ('"\\ud83d\\ude00"', True),
]


def hexed(column: np.ndarray[Any, Any]) -> str:
    return column.tobytes().hex()


@dataclass(frozen=True)
class Case:
    """What differs from a base, and whether it is sound all the same."""

    base: str
    what: str
    sound: bool
    header: str | None = None
    columns: dict[str, str] = field(default_factory=dict)


def changed(what: str, sound: bool, change: Callable[[Json], Json], header: str, base: str = "features") -> Case:
    """A case with another header."""
    return Case(base, what, sound, json.dumps(change(json.loads(header))))


def header_cases(header: str) -> Iterator[Case]:
    for path, value, sound in PUT:
        short = json.dumps(value)
        yield changed(f"{path} = {short if len(short) < 60 else short[:50] + '...'}", sound, put(path, value), header)
    for value, sound in LAYERS:
        more = {"layers": [*json.loads(header)["layers"], value]}
        yield changed(f"a layer of {value['shape'][:2]} more", sound, lambda own, more=more: own | more, header)
    layer_keys = [f"layers.0.{key}" for key in json.loads(header)["layers"][0]]
    for path in [*json.loads(header), *layer_keys]:
        yield changed(f"no {path}", path in MAY_LACK, drop(path), header)
        if path in MANY_FIT or path.endswith(("label", "op", "channel_axis")):
            continue
        for value in NOTHING:
            sound = any(path == p and value == v and type(value) is type(v) for p, v in FITS)
            yield changed(f"{path} = {value!r}", sound, put(path, value), header)
    backwards = dict(reversed(json.loads(header)["phases"].items()))
    yield changed("phases backwards", True, put("phases", backwards), header)


def column_cases(made: dict[str, Trace]) -> Iterator[Case]:
    for name, at, value, sound in SPOILT:
        column = made["features"].columns[name].copy()
        column[at] = value
        yield Case("features", f"{name}[{at}] = {value}", sound, columns={name: hexed(column)})
    for base, trace in made.items():
        for name, column in trace.columns.items():
            more = column[:1] if len(column) else np.zeros(1, column.dtype)
            yield Case(base, f"long {name}", False, columns={name: hexed(np.r_[column, more])})
            if len(column):
                yield Case(base, f"short {name}", False, columns={name: hexed(column[:-1])})
        nodes, masses = trace.columns["pop_node"], trace.columns["pop_mass"]
        yield Case(base, "last pop twice", False, columns={"pop_node": hexed(np.r_[nodes[:-1], nodes[-2:-1]])})
        # What is all collected may be collected with other keys.
        yield Case(base, "pops backwards", base == "ascending", columns={"pop_node": hexed(nodes[::-1])})
        yield Case(base, "masses backwards", False, columns={"pop_mass": hexed(masses[::-1])})


def wave_cases(trace: Trace) -> Iterator[Case]:
    """The key that a node was given last is popped; of one class no other may go first, though its key be larger."""
    masses, keys, nodes = (trace.columns[name].copy() for name in ("pop_mass", "log_key", "pop_node"))
    popped = int(nodes[1])
    at = int(np.flatnonzero(trace.columns["log_node"] == popped)[0])
    masses[1] = keys[at] = np.nextafter(masses[1], np.float32(0))
    yield Case("wave", "a key told otherwise", True, columns={"pop_mass": hexed(masses), "log_key": hexed(keys)})
    yield Case("wave", "a pop of another key", False, columns={"pop_mass": hexed(masses)})
    keys[at] = masses[1] = -masses[1]
    yield Case("wave", "a negative key", False, columns={"pop_mass": hexed(masses), "log_key": hexed(keys)})


def text_cases(header: str) -> Iterator[Case]:
    for text, sound in TEXTS:
        yield Case("features", f"text {text[:20]}", sound, header[:-1] + f', "unknown": {text}}}')
    for what, text in (("a list", "[]"), ("nothing", ""), ("half", header[: len(header) // 2]), ("null", "null")):
        yield Case("features", what, False, text)


def cases() -> dict[str, Any]:
    """All of them, by what is wrong or odd."""
    made = {name: e.trace for name, e in bases().items()}
    headers = {name: json.dumps(dict(trace.header)) for name, trace in made.items()}
    first = json.loads(headers["five_steps"])["start"][0]
    several = [
        *header_cases(headers["features"]),
        *column_cases(made),
        *text_cases(headers["features"]),
        changed("start twice", False, put("start.1", first), headers["five_steps"], "five_steps"),
        *(
            changed(f"collect_order = {word!r}", word == "ascending", put("collect_order", word), headers[base], base)
            for base in ("negative", "ascending")
            for word in ("ascending", "descending", "sideways", None)
        ),
        changed("no collect_order", False, drop("collect_order"), headers["negative"], "negative"),
        *(
            changed(f"class_top = {value!r}", sound, put("class_top", value), headers["wave"], "wave")
            for value, sound in WAVES
        ),
        changed("no class_top", False, drop("class_top"), headers["wave"], "wave"),
        changed("no priority", False, drop("priority"), headers["wave"], "wave"),
        changed("priority = 'mass'", False, put("priority", "mass"), headers["wave"], "wave"),
        *wave_cases(made["wave"]),
        *(
            changed(f"square = {value!r}", False, put("layers.0.square", value), headers["picture"], "picture")
            for value in (None, True, 1, -2, 1.5, "x", 2)
        ),
        changed("square = 16", False, put("layers.0.square", 16), headers["picture"], "picture"),
        changed("a square of another layer", False, put("layers.1.square", 2), headers["picture"], "picture"),
        changed("kind strip", True, put("layers.0.kind", "strip"), headers["picture"], "picture"),
    ]
    found: dict[str, Any] = {}
    for case in several:
        name = f"{case.base}: {case.what}"
        while name in found:
            name += "+"
        own = {} if case.header is None else {"header": case.header}
        found[name] = {"base": case.base, "sound": case.sound, **own, "columns": case.columns}
    whole = {
        name: {"header": headers[name], "columns": {n: hexed(trace.columns[n]) for n in COLUMNS}, "sound": True}
        for name, trace in made.items()
    }
    return {"bases": whole, "cases": found}


def main() -> None:
    text = json.dumps(cases(), separators=(",", ":"))
    (HERE / "judged.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
