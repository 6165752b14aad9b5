"""The public names: there when they are asked for, and nothing is loaded before."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import heapwidget as hw

PACKAGE = Path(hw.__file__).parent
SCREEN = ("anywidget", "ipywidgets", "traitlets", "matplotlib")


def run_without(blocked: tuple[str, ...], code: str) -> str:
    """What a program prints in which some packages cannot be imported."""
    block = f"""
import sys
from importlib.abc import MetaPathFinder

class Blocked(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(name + " was imported")

sys.meta_path.insert(0, Blocked())
"""
    command = [sys.executable, "-c", block + code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    told = run_without(("torch", "numpy", *SCREEN), "import heapwidget as hw; print(hw.__version__, *dir(hw))").split()
    assert told[0] == hw.__version__
    assert set(told) >= set(hw.__all__)


def test_the_engine_needs_no_screen() -> None:
    """Not one of its modules; so it works in a checkout without the bundle, too."""
    code = """
import importlib, pkgutil
import heapwidget.engine
for module in pkgutil.walk_packages(heapwidget.engine.__path__, "heapwidget.engine."):
    importlib.import_module(module.name)
    print(module.name)
"""
    assert "heapwidget.engine.walk.search" in run_without(SCREEN, code).split()


def test_all_names_can_be_had() -> None:
    told = run_without((), "from heapwidget import *; print(*(name for name in dir() if name[0] != '_'))").split()
    assert set(told) >= set(hw.__all__)
    with pytest.raises(AttributeError, match="module 'heapwidget' has no attribute 'expalin'"):
        hw.expalin  # noqa: B018


def test_a_type_checker_sees_the_same_names_at_the_same_places() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {name: f"heapwidget.{module}.{name}" for name, module in hw._HOMES.items()}
    assert seen == homes | {"samples": "heapwidget.samples"}


@pytest.mark.parametrize("name", [name for name in hw.__all__ if name != "samples"])
def test_names_are_defined_where_they_are_said_to_be(name: str) -> None:
    assert getattr(hw, name).__module__ == f"heapwidget.{hw._HOMES[name]}"


def test_help_tells_of_a_name() -> None:
    assert "the last line of a notebook cell" in inspect.getdoc(hw.explain)
