"""Traces, sound and spoilt, that Python and the page judge alike; the page's side is `test/judged.test.ts`."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.shown import use

import heapwidget as hw
from heapwidget.trace.columns import COLUMNS

GOLDEN = Path(__file__).parents[1] / "golden"
JUDGED = json.loads((GOLDEN / "judged.json").read_text(encoding="utf-8"))
CASES = JUDGED["bases"] | JUDGED["cases"]


def load(name: str, path: Path) -> hw.Explanation:
    """A case as a file, with inputs of ones."""
    case = CASES[name]
    base = CASES[case.get("base", name)]
    raw = case.get("header", base["header"]).encode()
    shape = json.loads(base["header"])["layers"][0]["shape"]
    columns = {
        n: np.frombuffer(bytes.fromhex(text), COLUMNS[n]) for n, text in (base["columns"] | case["columns"]).items()
    }
    with path.open("wb") as file:
        np.savez(file, header=np.frombuffer(raw, np.uint8), x=np.ones(shape, np.float32), **columns)
    return hw.load(path)


@pytest.mark.parametrize("name", CASES)
def test_a_trace_is_judged_as_it_should_be(name: str, bundle: Path, tmp_path: Path) -> None:
    if CASES[name]["sound"]:
        use(load(name, tmp_path / "e.npz"), tmp_path)
    else:
        with pytest.raises(hw.TraceFormatError, match=r"column '\w+'"):
            load(name, tmp_path / "e.npz")


def test_the_cases_are_those_that_the_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("make_judged", GOLDEN / "make_judged.py")
    assert spec is not None
    assert spec.loader is not None
    make: Any = importlib.util.module_from_spec(spec)
    # Where dataclasses look for their module.
    monkeypatch.setitem(sys.modules, spec.name, make)
    spec.loader.exec_module(make)
    made = make.cases()["cases"]
    assert {name: case["sound"] for name, case in made.items()} == {
        name: case["sound"] for name, case in JUDGED["cases"].items()
    }
