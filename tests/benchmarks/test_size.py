"""What the package costs before it does anything: its import and its bundle."""

import subprocess
import sys
from pathlib import Path

from helpers.benchmarks.figures import Figures

import heapwidget

IMPORT = """
import sys, time
begun = time.process_time()
import ipywidgets
yardstick = time.process_time() - begun
import torch
start = time.process_time()
import heapwidget
print(time.process_time() - start, yardstick, "matplotlib" in sys.modules)
"""


def test_import(figures: Figures) -> None:
    runs = [
        subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    seconds, yardstick = (min(float(run.stdout.split()[n]) for run in runs) for n in (0, 1))
    what = "import heapwidget on top of torch and ipywidgets, over ipywidgets'"
    figures.at_most(what, seconds / yardstick, 2, "x")
    figures.note("  in seconds", f"{seconds:.2g} s")
    assert all(run.stdout.split()[2] == "False" for run in runs)


def test_bundle(figures: Figures) -> None:
    static = Path(heapwidget.__file__).parent / "static"
    kilobytes = sum((static / name).stat().st_size for name in ("widget.js", "widget.css")) / 1000
    figures.at_most("front-end bundle, script and style", kilobytes, 150, "kB")
