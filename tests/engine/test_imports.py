"""The engine needs nothing of the package above it, and no screen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The package's own `__init__`, which has names of all rooms, is left out.
CODE = """
import importlib, pkgutil, sys, types

package = types.ModuleType("heapwidget")
package.__path__ = [sys.argv[1]]
sys.modules["heapwidget"] = package
for name in ("anywidget", "ipywidgets", "traitlets", "matplotlib", "IPython"):
    sys.modules[name] = None
engine = importlib.import_module("heapwidget.engine")
for module in pkgutil.walk_packages(engine.__path__, "heapwidget.engine."):
    importlib.import_module(module.name)
print(*sorted({name.split(".")[1] for name in sys.modules if name.startswith("heapwidget.")}))
"""


def test_the_engine_stands_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(ROOT / "heapwidget")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["boxes", "engine", "errors", "words"]
