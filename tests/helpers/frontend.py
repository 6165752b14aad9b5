"""The front end's own tools, installed as its lock file says."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

FRONTEND = Path(__file__).resolve().parents[2] / "heapwidget" / "frontend"


def run(command: list[str], path: str, folder: Path = FRONTEND) -> None:
    """Run one of the tools, or npm, on a front end; `path` is where programs are looked for."""
    program = shutil.which(command[0], path=f"{FRONTEND / 'node_modules' / '.bin'}{os.pathsep}{path}")
    assert program is not None, f"{command[0]} is missing: pip install -e '.[test]' brings Node"
    environment = os.environ | {"PATH": path}
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
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


def install(path: str) -> None:
    """Fetch the tools where they are missing or others."""
    if not is_installed():
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], path)
