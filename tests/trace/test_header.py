"""The header: typed for who reads it, JSON in the file, and the same to the byte."""

from __future__ import annotations

import copy
import json
import pickle
import re
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.nets import mlp

import heapwidget as hw
from heapwidget.trace.check import HEADER, OPTIONAL, check_header
from heapwidget.trace.header import LEFT_OUT, OBJECTS, Header, Layer

PACKAGE = Path(hw.__file__).parent
GOLDEN = Path(__file__).parents[1] / "golden"
HEADERS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))["header"] for path in sorted(GOLDEN.glob("trace_*.json"))
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_its_json_to_the_byte(name: str) -> None:
    header = Header.from_json(HEADERS[name])
    assert json.dumps(dict(header)) == json.dumps(HEADERS[name])
    for other in (copy.deepcopy(header), pickle.loads(pickle.dumps(header)), check_header(HEADERS[name])):
        assert other == header


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_read_by_attribute_and_by_key(name: str) -> None:
    header, written = Header.from_json(HEADERS[name]), HEADERS[name]
    assert set(header) == set(written)
    assert len(header) == len(written)
    assert header == written
    assert header.phases.walk == header["phases"]["walk"] == written["phases"]["walk"]
    assert [layer.label for layer in header.layers] == [layer["label"] for layer in header["layers"]]
    assert header.ledger.absorbed == {(layer, cause): value for layer, cause, value in written["ledger"]["absorbed"]}
    assert header.get("inputs", 1) == header.inputs


def test_what_is_left_out_has_its_default() -> None:
    header = Header.from_json(HEADERS["trace_units"])
    assert (header.inputs, header.input_in_heap, header.collect_order, header.target.below) == (1, False, None, None)
    for key in ("inputs", "input_in_heap", "collect_order"):
        assert key not in header
        with pytest.raises(KeyError, match=key):
            header[key]
    records = [Header, *OBJECTS.values()]
    assert {field.name for record in records for field in fields(record)} >= LEFT_OUT


def test_nothing_in_a_header_can_be_set() -> None:
    header = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3), target=0).trace.header
    parts: list[Any] = [header, header.target, header.phases, header.layers[0], header.ledger]
    for part in parts:
        assert is_dataclass(part)
        for field in fields(part):
            with pytest.raises(FrozenInstanceError):
                setattr(part, field.name, None)
    with pytest.raises(TypeError):
        header["method"] = "mine"  # type: ignore[index]
    header["target"]["label"] = "mine"
    assert header.target.label == header["target"]["label"] == "0"


def test_what_is_asked_of_a_ledger_is_the_askers_own() -> None:
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3))
    e.ledger.absorbed["mine", "bias"] = 1.0
    assert ("mine", "bias") not in e.ledger.absorbed
    assert ("mine", "bias") not in e.trace.header.ledger.absorbed


def test_keys_that_are_not_known_are_passed_over() -> None:
    more = {**HEADERS["trace_units"], "newer": [1], "target": {**HEADERS["trace_units"]["target"], "newer": {"a": 1}}}
    assert check_header(more) == HEADERS["trace_units"]


def test_all_that_a_header_has_is_checked() -> None:
    # The archive's own two are judged before the rest, and curves are only ever on their way to a viewer.
    assert {field.name for field in fields(Header)} - {"format", "version"} == (set(HEADER) | set(OPTIONAL)) - {
        "scores"
    }
    assert OBJECTS["layers"] is Layer


def test_only_the_check_reads_a_header_by_string() -> None:
    by_string = re.compile(r"header(\[|\.get\()|layer\[[\"']")
    found = {
        path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if by_string.search(path.read_text())
    }
    assert found <= {"trace/check.py", "trace/file.py", "trace/header.py"}
