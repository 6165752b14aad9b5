"""`pytest -m quick` leaves no room out."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.quick import QUICK, holds_quick, is_quick

ROOT = Path(__file__).resolve().parents[2]
TESTS, PACKAGE = ROOT / "tests", ROOT / "heapwidget"
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_every_room_has_quick_tests() -> None:
    assert len(ROOMS) >= 8
    assert set(QUICK) >= ROOMS | {"", "project"}
    assert all(QUICK.values())


@pytest.mark.parametrize("room", QUICK)
def test_what_is_called_quick_is_there(room: str) -> None:
    for entry in QUICK[room]:
        name, _, test = entry.partition("::")
        text = (TESTS / room / f"{name}.py").read_text(encoding="utf-8")
        assert f"def {test.partition('[')[0]}" in text


def test_a_quick_run_reads_only_what_it_runs() -> None:
    assert is_quick("project", "test_quality", "test_code[rooms]")
    assert not is_quick("project", "test_quality", "test_code[types]")
    assert holds_quick("project", "test_quality")
    assert not holds_quick("engine", "test_nasty_nets")
    assert not holds_quick("e2e", "test_demo")


def test_every_folder_of_tests_is_a_room_or_about_all_of_them() -> None:
    folders = {path.name for path in TESTS.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == ROOMS | {"benchmarks", "e2e", "golden", "helpers", "project"}
