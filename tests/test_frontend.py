"""The front end's own checks, run from here so that ``pytest`` alone says whether all is well."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FRONTEND = Path(__file__).resolve().parent.parent / "heapwidget" / "frontend"


def run(command: list[str], path: str) -> None:
    program = shutil.which(command[0], path=f"{FRONTEND / 'node_modules' / '.bin'}{os.pathsep}{path}")
    assert program is not None, f"{command[0]} is missing: pip install -e '.[test]' brings Node"
    environment = os.environ | {"PATH": path}
    done = subprocess.run(
        [program, *command[1:]], cwd=FRONTEND, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def packages(lock: Path) -> dict[str, dict[str, Any]]:
    return json.loads(lock.read_text(encoding="utf-8"))["packages"]


def is_installed() -> bool:
    """Whether node_modules holds what the lock file asks for; optional packages are for other platforms."""
    record = FRONTEND / "node_modules" / ".package-lock.json"
    if not record.is_file():
        return False
    there = packages(record)
    wanted = {path: entry for path, entry in packages(FRONTEND / "package-lock.json").items() if path}
    return all(
        entry.get("optional") or there.get(path, {}).get("version") == entry.get("version")
        for path, entry in wanted.items()
    )


@pytest.fixture(scope="module")
def node(tool_path: str) -> str:
    if not is_installed():
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], tool_path)
    return tool_path


@pytest.mark.parametrize(
    "command",
    [["tsc", "--noEmit"], ["biome", "ci", "."], ["vitest", "run"]],
    ids=["types", "lint", "tests"],
)
def test_front_end(node: str, command: list[str]) -> None:
    run(command, node)


def test_lock_file_holds_no_addresses() -> None:
    assert not any("resolved" in entry for entry in packages(FRONTEND / "package-lock.json").values())
