"""The recording of heapq in slow motion: it is up to date, and the routines that were recorded are CPython's."""

import ast
import heapq
import json
from pathlib import Path

import pytest
from golden import make_substeps

GOLDEN = json.loads((make_substeps.HERE / "substeps.json").read_text(encoding="utf-8"))

ACTS = ("heap[pos] =", "heap[0] =", "heap.pop()", "heap.append(", "< heap[", "< parent:")


def test_recording_is_that_of_the_shown_code() -> None:
    assert GOLDEN["routines"] == make_substeps.routines()
    for seed, case in enumerate(GOLDEN["cases"]):
        assert json.loads(json.dumps(make_substeps.recording(seed))) == case


def test_digests_are_those_of_the_shown_code() -> None:
    assert len(GOLDEN["digests"]) == 1000
    for seed in range(0, 1000, 25):
        assert make_substeps.digest(seed) == GOLDEN["digests"][seed]


@pytest.mark.parametrize("name", ["heappush", "heappop", "_siftdown", "_siftup"])
def test_shown_code_is_that_of_cpython(name: str) -> None:
    """Statement by statement; only docstrings and comments are left out."""
    module = ast.parse(Path(heapq.__file__).read_text(encoding="utf-8"))
    original = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
    if ast.get_docstring(original) is not None:
        del original.body[0]
    (shown,) = ast.parse("\n".join(make_substeps.routines()[name])).body
    assert ast.dump(shown) == ast.dump(original)


@pytest.mark.parametrize("seed", range(100))
def test_shown_code_ends_where_the_real_heapq_does(seed: int) -> None:
    recorder, heap = make_substeps.Recorder(), []
    for op in make_substeps.operations(seed, 60):
        recorder.run(op)
        heap = make_substeps.apply_to_real_heap(heap, op)
        assert [tuple(item) for item in recorder.heap] == heap


def test_every_line_that_acts_is_among_the_recorded() -> None:
    lit = {(routine, line) for case in GOLDEN["cases"] for op in case["events"] for routine, line, *_ in op}
    acts = {
        (name, number)
        for name, lines in GOLDEN["routines"].items()
        for number, text in enumerate(lines)
        if any(
            word in text for word in ("heap[pos] =", "heap[0] =", "heap.pop()", "heap.append(", "< heap[", "< parent:")
        )
    }
    assert lit == acts
