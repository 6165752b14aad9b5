"""The golden files that Python and TypeScript both replay still say what Python does."""

from __future__ import annotations

import heapq
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.replay import KeyedHeap, largest_first, replay, smallest_first
from helpers.traces import trace_of, validate

from heapwidget.trace.columns import COLUMNS

GOLDEN = Path(__file__).parents[1] / "golden"
TRACES = sorted(path.stem for path in GOLDEN.glob("trace_*.json"))


def read(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def maker() -> Any:
    """The script that writes the golden files, as a module."""
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made() -> Any:
    return maker().explanations()


def test_there_are_all_of_them(made: Any) -> None:
    assert sorted(f"trace_{name}" for name in made) == TRACES


@pytest.mark.parametrize("name", TRACES)
def test_states_and_labels(name: str) -> None:
    data = read(name)
    trace = trace_of(data["header"], data["columns"])
    validate(data["header"], trace.columns)
    for step, expected in data["states"].items():
        state = replay(trace, int(step))
        assert [[node, key] for node, key in state.heap.pairs] == expected["heap"]
        assert sorted([node, key] for node, key in state.input.items()) == expected["input"]
        assert state.selected == expected["selected"]
    for node, label in data["labels"]:
        assert trace.label(node) == label


@pytest.mark.parametrize("name", TRACES)
def test_walks_made_anew_are_the_same(name: str, made: Any) -> None:
    old, new = read(name), maker().trace_file(made[name.removeprefix("trace_")])
    assert new["columns"]["pop_node"] == old["columns"]["pop_node"]
    assert new["columns"]["log_node"] == old["columns"]["log_node"]
    assert new["columns"]["log_offset"] == old["columns"]["log_offset"]
    for column in COLUMNS:
        np.testing.assert_allclose(new["columns"][column], old["columns"][column], rtol=1e-5, atol=1e-6, err_msg=column)
    assert_close(new["header"], old["header"])
    assert new["labels"] == old["labels"]
    for step, state in old["states"].items():
        assert new["states"][step]["selected"] == state["selected"]
        assert_close(new["states"][step]["heap"], state["heap"])


def assert_close(new: Any, old: Any) -> None:
    """The same structure, its numbers to 1e-6."""
    if isinstance(old, dict):
        assert list(new) == list(old)
        for key, value in old.items():
            assert_close(new[key], value)
    elif isinstance(old, list):
        assert len(new) == len(old)
        for a, b in zip(new, old, strict=True):
            assert_close(a, b)
    elif isinstance(old, float):
        assert new == pytest.approx(old, rel=1e-5, abs=1e-6)
    else:
        assert new == old


@pytest.mark.parametrize("number", range(20))
def test_keyed_heap_is_heapq(number: int) -> None:
    """Push and pop beside plain `heapq`; a re-key may only move the entry, and leaves a heap."""
    case = read("heapq_ops")[number]
    sign = 1.0 if case["order"] == "ascending" else -1.0
    keyed, plain = KeyedHeap(smallest_first if case["order"] == "ascending" else largest_first), []
    for (op, *args), expected in zip(case["ops"], case["arrays"], strict=True):
        if op == "push":
            key, node = args
            keyed.push(key, node)
            heapq.heappush(plain, (sign * key, node))
        elif op == "pop":
            key, node = heapq.heappop(plain)
            assert keyed.pop() == (node, sign * key)
        else:
            key, node = args
            keyed.rekey(key, node)
            plain = [(sign * k, n) for n, k in keyed.pairs]
            assert (sign * key, node) in plain
        assert [(sign * k, n) for n, k in keyed.pairs] == plain
        assert [[k, n] for n, k in keyed.pairs] == expected
        assert all(plain[(i - 1) // 2] <= plain[i] for i in range(1, len(plain)))


def test_operations_made_anew_are_the_same() -> None:
    make = maker()
    made = [make.heapq_ops(seed, ascending=seed % 2 == 1) for seed in range(20)]
    assert json.loads(json.dumps(made)) == read("heapq_ops")
