"""The oldest versions that the package declares, all together: it works with them as with the newest."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.oldest import work

tomllib = pytest.importorskip("tomllib", reason="this Python reads no TOML")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BOUNDS = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", line).groups() for line in PROJECT["dependencies"])


def at_least(version: str) -> tuple[int, ...]:
    """The numbers of a version, without the zeros at its end."""
    return tuple(int(part) for part in re.sub(r"(\.0)+$", "", version.split("+")[0]).split("."))


def test_torch_is_declared_as_far_back_as_the_tests_run_it() -> None:
    """There is no smaller build of an older one to install beside it: the tests' own is the oldest that is known."""
    pins = {line for extra in PROJECT["optional-dependencies"].values() for line in extra if line.startswith("torch=")}
    (pinned,) = (line.removeprefix("torch==") for line in pins)
    assert at_least(pinned) == at_least(BOUNDS["torch"])


# NumPy's oldest has builds for these alone.
@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the oldest NumPy has no build for this Python")
def test_the_oldest_work_together(tmp_path: Path) -> None:
    oldest = {name: version for name, version in BOUNDS.items() if name != "torch"}
    packages = tmp_path / "packages"
    # What these depend on, and torch, is that of the environment; these come before it.
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        f"--target={packages}",
    ]
    done = subprocess.run(
        [*install, *(f"{name}=={version}" for name, version in oldest.items())], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(packages), str(ROOT)])}
    script = [sys.executable, str(ROOT / "tests" / "helpers" / "oldest.py"), *oldest]
    done = subprocess.run(script, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert {name: at_least(found) for name, found in told["versions"].items()} == {
        name: at_least(version) for name, version in oldest.items()
    }
    newest = work(tmp_path)
    assert told["work"].pop("found") == pytest.approx(newest.pop("found"), abs=2e-3)
    assert told["work"].pop("page") == pytest.approx(newest.pop("page"), rel=0.02)
    assert told["work"] == newest
    assert newest["loaded as saved"]
    assert newest["more"] == 50
