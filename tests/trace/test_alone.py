"""A trace is read where there is no torch and no widget: by the trace's own room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.nets import DIGIT

import heapwidget as hw
from heapwidget.samples import lenet

PACKAGE = Path(hw.__file__).parent
BARE = """
import importlib.abc, sys
OTHERS = {"torch", "anywidget", "ipywidgets", "traitlets", "matplotlib", "IPython"}
class Nowhere(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in OTHERS:
            raise ModuleNotFoundError(f"there is no {name} here")
sys.meta_path.insert(0, Nowhere())
"""
READ = (
    BARE
    + """
from heapwidget.trace.file import load, save
saved = load(sys.argv[1])
trace = saved.trace
print(trace.header.target.label, trace.header.phases.walk, trace.n_steps, [x.shape for x in saved.inputs])
print(trace.label(int(trace.columns["pop_node"][0])), len(trace.pops), trace.header.ledger.target)
print(float(trace.contributions[0].sum()))
save(sys.argv[2], saved)
assert not OTHERS & set(sys.modules)
"""
)


def run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent).stdout


def test_a_saved_trace_opens_without_torch_and_without_widgets(tmp_path: Path) -> None:
    e = hw.attribute(lenet(), DIGIT)
    e.save(tmp_path / "e.npz")
    first, second, third = run(READ, tmp_path / "e.npz", tmp_path / "again.npz").splitlines()
    assert first == f"7 {e.trace.header.phases.walk} {e.trace.n_steps} [(1, 1, 28, 28)]"
    assert second == f"fc3·7 {len(e.pops)} {e.trace.header.ledger.target!r}"
    assert float(third) == pytest.approx(e.ledger.explained, rel=1e-4)
    with np.load(tmp_path / "e.npz") as one, np.load(tmp_path / "again.npz") as other:
        assert one.files == other.files
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


@pytest.mark.parametrize("module", sorted(path.stem for path in (PACKAGE / "trace").glob("[a-z]*.py")))
def test_each_file_of_the_room_stands_without_them(module: str) -> None:
    loaded = run(f"{BARE}\nimport heapwidget.trace.{module}\nprint(*sorted(sys.modules))")
    rooms = {name.split(".")[1] for name in loaded.split() if name.startswith("heapwidget.")}
    assert rooms <= {"trace", "boxes", "errors", "kinds", "replacing", "words"}


def test_the_block_holds() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(f"{BARE}\nimport heapwidget.findings.findings")
