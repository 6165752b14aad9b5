"""What the package costs before it does anything: its import and its bundle."""

import subprocess
import sys
from pathlib import Path

from benchmarks.conftest import Figures

import heapwidget

IMPORT = """
import sys, time
import torch, ipywidgets
start = time.process_time()
import heapwidget
print(time.process_time() - start, "matplotlib" in sys.modules)
"""


def test_import(figures: Figures) -> None:
    runs = [
        subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    seconds = min(float(run.stdout.split()[0]) for run in runs)
    figures.at_most("import heapwidget on top of torch and ipywidgets", seconds, 0.3, "s")
    assert all(run.stdout.split()[1] == "False" for run in runs)


def test_bundle(figures: Figures) -> None:
    static = Path(heapwidget.__file__).parent / "static"
    kilobytes = sum((static / name).stat().st_size for name in ("widget.js", "widget.css")) / 1000
    figures.at_most("front-end bundle, script and style", kilobytes, 150, "kB")
