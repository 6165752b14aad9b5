"""Every refusal's advice is followed, word by word: a table of all of them, which no `raise` can be left out of."""

from __future__ import annotations

import ast
import traceback
import warnings
from pathlib import Path
from typing import Any

import pytest
from helpers import advice_capture, advice_engine, advice_inputs, advice_options, advice_targets
from helpers.advice import Row

import heapwidget as hw
from heapwidget.explanation import Explanation

PACKAGE = Path(hw.__file__).resolve().parent
ROWS = [
    *advice_inputs.ROWS,
    *advice_targets.ROWS,
    *advice_options.ROWS,
    *advice_engine.ROWS,
    *advice_capture.ROWS,
]
WARNINGS = [*advice_targets.WARNINGS, *advice_engine.WARNINGS]
# What is not of the package's own.
ELSEWHERE = ("frontend", "samples")
# Where nothing can be followed: a file that is damaged, and what the net's own error is wrapped in.
NO_ADVICE = ("TraceFormatError", "_foreign(name)", "NetError")
# Where following is to install something, needs a second device, or the refusal never gets to the user as it is.
BEYOND = {
    "lab.py": ("reinstall heapwidget", "change to a folder of your own", "pip install"),
    "arguments/inputs.py": ("move all inputs to one device",),
    "engine/ops/generic.py": ("its derivative is not known",),
    "engine/ops/dense.py": ("is not linear in its input",),
    "display/payload.py": ("install the package",),
    "display/viewer.py": ("str(error)",),
}
# How begins what is always caught and told otherwise, as a `TraceFormatError` or in the log, and what the system says.
INTERNAL = {
    "__init__.py": ("AttributeError(f'module ",),
    "methods/article.py": ("KeyboardInterrupt",),
    "display/guard.py": ("ValueError",),
    "trace/archive.py": (
        "ValueError('it is no .npy array')",
        'ValueError(f"it is no plain array',
        "ValueError(f'it has ",
    ),
    "trace/file.py": ("ValueError(f'{word} is no number of JSON')", "ValueError('an object has the same key twice')"),
    "engine/capture/run.py": ("refusal",),
    "engine/capture/decompositions.py": ("WholeAttention(",),
    "replacing.py": ("PermissionError(errno.EACCES, os.strerror(", "type(error)(error.errno, error.strerror, "),
}

Place = tuple[str, int]


def written() -> dict[Place, tuple[int, str]]:
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
    return found


def raises() -> dict[Place, tuple[int, str]]:
    """Those of which the table must hold a row."""
    return {
        place: (last, text)
        for place, (last, text) in written().items()
        if not text.startswith(NO_ADVICE) and not exempt(place[0], text)
    }


def exempt(name: str, text: str) -> list[str]:
    """What exempts a `raise` of a file; a class without words exempts just itself."""
    beyond = [words for words in BEYOND.get(name, ()) if words in text]
    internal = [words for words in INTERNAL.get(name, ()) if text.startswith(words)]
    return beyond + [words for words in internal if text == words or not words.isidentifier()]


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


def test_nothing_is_exempt_that_is_not_there() -> None:
    listed = {(name, words) for table in (BEYOND, INTERNAL) for name, several in table.items() for words in several}
    used = {(name, words) for (name, _), (_, text) in written().items() for words in exempt(name, text)}
    assert used == listed


def test_warnings_are_given_at_two_places() -> None:
    """So that the table's are all there are: of ops without a rule, of `direction`, of a composite, of the viewer."""
    calls = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.relative_to(PACKAGE).as_posix().startswith(ELSEWHERE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn"
    ]
    assert calls == ["display/weight.py", "methods/relevance.py"]
    returned = [
        node.value
        for node in ast.walk(ast.parse((PACKAGE / "methods/direction.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Return) and node.value is not None and "take " in ast.unparse(node.value)
    ]
    assert len(returned) + len(advice_targets.WEIGHT) == len(advice_targets.WARNINGS)
