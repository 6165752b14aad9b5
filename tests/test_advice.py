"""Every refusal's advice is followed, word by word: a table of all of them, which no `raise` can be left out of."""

from __future__ import annotations

import ast
import traceback
import warnings
from pathlib import Path
from typing import Any

import advice_engine
import advice_inputs
import advice_options
import advice_targets
import pytest
from advice import Row

import heapwidget as hw
from heapwidget.explanation import Explanation

PACKAGE = Path(hw.__file__).resolve().parent
ROWS = [*advice_inputs.ROWS, *advice_targets.ROWS, *advice_options.ROWS, *advice_engine.ROWS]
WARNINGS = advice_targets.WARNINGS
# What is not of the package's own, or told by tests beside the recording.
ELSEWHERE = ("frontend", "samples", "engine/capture", "engine/recording")
# Where nothing can be followed: a file that is damaged, and what the net's own error is wrapped in.
NO_ADVICE = ("TraceFormatError", "NetError")
# Where following is to install something, needs a second device, or the refusal never gets to the user as it is.
BEYOND = {
    "lab.py": ("reinstall heapwidget", "change to a folder of your own", "pip install"),
    "export.py": ("install the package",),
    "checks.py": ("move all inputs to one device",),
    "replay.py": ("but the root of the heap is",),
    "engine/generic.py": ("its derivative is not known",),
    "engine/ops/dense.py": ("is not linear in its input",),
    "viewer.py": ("str(error)",),
}

Place = tuple[str, int]


def raises() -> dict[Place, tuple[int, str]]:
    """Each `raise` of the package by file and first line: its last line, and its source."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(ELSEWHERE):
            continue
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Raise) and node.exc is not None:
                found[name, node.lineno] = (node.end_lineno or node.lineno, ast.unparse(node.exc))
    return {
        place: (last, text)
        for place, (last, text) in found.items()
        if not text.startswith(NO_ADVICE) and not any(words in text for words in BEYOND.get(place[0], ()))
    }


def refused(row: Row) -> Exception:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            row.refused()
        except Exception as error:
            return error
    raise AssertionError(f"nothing refuses what is to be told: {row.words}")


def places(error: BaseException) -> set[Place]:
    """The lines of the package on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).resolve().is_relative_to(PACKAGE)]
    return {(Path(f.filename).resolve().relative_to(PACKAGE).as_posix(), f.lineno or 0) for f in ours}


def check(result: Any) -> None:
    """Whatever following gave: each explanation is one."""
    for one in result if isinstance(result, list) else [result]:
        if isinstance(one, Explanation):
            assert all(
                bool(a.isfinite().all()) for a in (one.attribution if isinstance(one.x, tuple) else (one.attribution,))
            )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words[:60])
def test_following_the_advice_works(row: Row) -> None:
    message = str(refused(row))
    assert row.words in message
    assert "\n" not in message
    assert not message.endswith(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(row.followed())


@pytest.mark.parametrize("row", WARNINGS, ids=lambda row: row.words[:60])
def test_following_a_warning_ends_it(row: Row) -> None:
    def told(what: Any) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            check(what())
        return [str(w.message) for w in caught if "no rule for" not in str(w.message)]

    (message,) = told(row.refused)
    assert row.words in message
    assert told(row.followed) == []


def test_no_refusal_is_left_out() -> None:
    reached = set[Place]()
    for row in ROWS:
        reached |= places(refused(row))
    missing = [
        f"{name}:{first}: {text}"
        for (name, first), (last, text) in raises().items()
        if not any((name, line) in reached for line in range(first, last + 1))
    ]
    assert not missing, "\n".join(missing)


def test_warnings_are_given_at_one_place() -> None:
    """So that the table's warnings are all there are: those of ops without a rule, and those of `direction`."""
    calls = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.relative_to(PACKAGE).as_posix().startswith(ELSEWHERE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn"
    ]
    assert calls == ["methods.py"]
    returned = [
        node.value
        for node in ast.walk(ast.parse((PACKAGE / "direction.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Return) and node.value is not None and "take " in ast.unparse(node.value)
    ]
    assert len(returned) == len(WARNINGS)
