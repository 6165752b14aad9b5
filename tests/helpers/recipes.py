"""The recipes of docs/contributing.md: what is written where, what is tried, and what that prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "contributing.md"
SECTION = re.compile(r"^### An? (.+?)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# A block whose first line is a comment with a path is that file.
NAMED = re.compile(r"(?:#|//|/\*) (\S+/\S+\.\w+)(?: \*/)?\n")


@dataclass
class Recipe:
    """Files by path, changes to files that are there, and code to try with what it prints."""

    files: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    tries: list[tuple[str, str]] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        for path, text in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        for change in self.changes:
            apply(change, folder)


def recipes() -> dict[str, Recipe]:
    """All of the page's recipes by name."""
    return {name: recipe(text) for name, text in SECTION.findall(PAGE.read_text(encoding="utf-8"))}


def recipe(text: str) -> Recipe:
    found = Recipe()
    for language, body in BLOCK.findall(text):
        named = NAMED.match(body)
        if language == "diff":
            found.changes.append(body)
        elif named:
            found.files[named[1]] = body
        elif language == "python":
            found.tries.append((body, ""))
        elif found.tries:
            found.tries[-1] = found.tries[-1][0], body
    return found


def apply(change: str, folder: Path) -> None:
    """Put a diff without line numbers into the one place that it fits; "..." lies between two such places."""
    head, _, body = change.partition("\n")
    file = folder / head.removeprefix("--- ")
    text = file.read_text(encoding="utf-8")
    for hunk in body.split("...\n"):
        lines = hunk.splitlines(keepends=True)
        before, after = ("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
        assert text.count(before) == 1, f"{file} holds {text.count(before)} times\n{before}"
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


def tried(code: str, *path: Path, cwd: Path) -> str:
    """What code prints in a process of its own, with these folders on Python's path."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
