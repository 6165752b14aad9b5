"""No test waits for a fixed time, and none has a limit that a busy machine breaks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
# The one module that sleeps and reads a clock; benchmarks measure, and so read clocks.
WAITING = TESTS / "helpers" / "waiting.py"
MEASURING = (TESTS / "benchmarks", TESTS / "helpers" / "benchmarks")
PYTHON = sorted(path for path in TESTS.rglob("*.py") if path != WAITING)
SCRIPTS = sorted(
    path
    for folder in (TESTS, TESTS.parent / "heapwidget" / "frontend" / "test")
    for path in folder.rglob("*")
    if path.suffix in {".js", ".ts"}
)

SLEEPS = {"sleep", "wait_for_timeout"}
CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "time"}
CLOCKS |= {f"{name}_ns" for name in CLOCKS}
# What takes seconds, or milliseconds, as its first argument.
WAITS = {"join", "wait", "acquire", "set_default_timeout", "set_default_navigation_timeout"}
LIMITS = {"timeout", "seconds", "deadline", "milliseconds"}
# A timer with a time; one without waits for nothing.
TIMER = re.compile(r"\bset(?:Timeout|Interval)\([^;]*?,\s*[\d_]*[1-9]")


def faults(tree: ast.AST, clocks: bool) -> Iterator[str]:
    """What is wrong in a module, by line; `clocks`: whether it may read one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (f"line {node.lineno}: {fault}" for fault in faults_of_call(node, clocks))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and TIMER.search(node.value):
            yield f"line {node.lineno}: a page's timer"


def faults_of_call(call: ast.Call, clocks: bool) -> Iterator[str]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
    if name in SLEEPS:
        yield f"{name}()"
    if name in CLOCKS and owner in {"time", ""} and not clocks:
        yield f"{name}()"
    limits = [keyword.value for keyword in call.keywords if keyword.arg in LIMITS]
    if name in WAITS:
        limits += call.args[:1]
    for limit in limits:
        if is_number(limit):
            yield f"{name}(...) with a limit of its own"


def is_number(node: ast.expr) -> bool:
    """Whether an expression is a number that is written out."""
    if isinstance(node, ast.BinOp):
        return is_number(node.left) and is_number(node.right)
    return isinstance(node, ast.Constant) and type(node.value) in {int, float}


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(TESTS)))
def test_python_waits_for_conditions(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = path == Path(__file__)
    assert own or list(faults(tree, clocks=any(path.is_relative_to(folder) for folder in MEASURING))) == [], (
        "wait as tests/helpers/waiting.py does"
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_wait_for_conditions(path: Path) -> None:
    assert TIMER.search(path.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(1)",
        "from time import sleep; sleep(0.1)",
        "page.wait_for_timeout(500)",
        "start = time.perf_counter()",
        "from time import monotonic; end = monotonic() + 5",
        "expect(page).to_have_text('x', timeout=5_000)",
        "thread.join(10)",
        "gate.wait(timeout=60)",
        "lock.acquire(True, timeout=3)",
        "wait_for(ready, 'it', seconds=30)",
        "settings(deadline=200)",
        "subprocess.run(command, timeout=2 * 60)",
        "page.evaluate('new Promise((done) => setTimeout(done, 200))')",
        "page.evaluate('setInterval(look, 1_000)')",
    ],
)
def test_what_a_busy_machine_breaks_is_found(code: str) -> None:
    assert list(faults(ast.parse(code), clocks=False))


@pytest.mark.parametrize(
    "code",
    [
        "wait_for(ready, 'it')",
        "thread.join(PATIENCE)",
        "gate.wait()",
        "', '.join(names)",
        "expect(page).to_have_text('x', timeout=PATIENCE_MS)",
        "settings(deadline=None)",
        "page.evaluate('setTimeout(done)')",
        "page.evaluate('setTimeout(() => done(), 0)')",
    ],
)
def test_what_it_does_not_is_left(code: str) -> None:
    assert list(faults(ast.parse(code), clocks=False)) == []
