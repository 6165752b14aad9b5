"""Files and functions that fit a screen, no circle of files, and tests that lean on helpers alone."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE, TESTS, FRONTEND = ROOT / "heapwidget", ROOT / "tests", ROOT / "heapwidget" / "frontend"
FILE_LINES = {".py": 400, ".ts": 300}
FUNCTION_LINES = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*suffixes: str) -> list[Path]:
    """What is written by hand."""
    paths = (path for room in ("heapwidget", "tests", "docs") for path in (ROOT / room).rglob("*"))
    return sorted(path for path in paths if path.suffix in suffixes and "node_modules" not in path.parts)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1  # type: ignore[operator]
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1  # type: ignore[operator]
    return lines


def imported(tree: ast.AST) -> set[str]:
    """Full names of all that a module imports, wherever it does so; "." for what is relative."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {"." if node.level else f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_files_fit_in_a_head() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(".py", ".ts")}
    assert len(lengths) > 300
    assert {name: n for name, n in lengths.items() if n > FILE_LINES[Path(name).suffix]} == {}


def test_functions_fit_on_a_screen() -> None:
    lengths = {(named(path), f.name): length(f) for path in sources(".py") for f in functions(tree_of(path))}
    assert len(lengths) > 1000
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES} == {}


def test_the_front_end_is_held_to_the_same() -> None:
    """Biome counts a function's lines, and follows its imports."""
    text = json.dumps(json.loads((FRONTEND / "biome.json").read_text(encoding="utf-8")))
    for rule in ("noExcessiveLinesPerFunction", "noImportCycles", "noRestrictedImports"):
        assert f'"{rule}": {{"level": "error"' in text
    assert f'"options": {{"maxLines": {FUNCTION_LINES}}}' in text
    assert '"options": {"ignoreTypes": false}' in text
    assert "biome-ignore" not in "".join(
        path.read_text("utf-8") for path in sources(".ts") if path.is_relative_to(FRONTEND / "src")
    )


def test_no_circle_of_files() -> None:
    """Imports for types and inside functions too."""
    graph = grimp.build_graph("heapwidget", cache_dir=None)
    assert len(graph.modules) > 50
    try:
        TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of files: {' -> '.join(reversed(error.args[1]))}")


def test_imports_stand_at_the_top() -> None:
    """But matplotlib's, which take a second, and what is made of them: the figures."""
    inside = {
        (named(path), name)
        for path in sources(".py")
        if path.is_relative_to(PACKAGE)
        for function in functions(tree_of(path))
        for name in imported(function)
    }
    late = ("matplotlib", "heapwidget.display.figures")
    assert sorted(f"{path}: {name}" for path, name in inside if not name.startswith(late)) == []


@pytest.mark.parametrize("path", [p for p in sources(".py") if p.is_relative_to(TESTS)], ids=named)
def test_tests_share_by_helpers_alone(path: Path) -> None:
    """No test imports another test, nor helpers a test; golden files lie beside the scripts that made them."""
    names = {entry.stem for entry in TESTS.rglob("*") if not entry.is_relative_to(TESTS / "helpers")} - {"golden"}
    assert {name for name in imported(tree_of(path)) if name.split(".")[0] in names | {""}} == set()


@pytest.mark.parametrize("path", [p for p in sources(".py") if p.is_relative_to(TESTS)], ids=named)
def test_every_file_of_tests_is_a_test_or_a_helper(path: Path) -> None:
    room = path.relative_to(TESTS).parts[0]
    assert room in {"helpers", "golden"} or path.name == "conftest.py" or path.name.startswith("test_")
