"""The recipes of docs/contributing.md are followed as they stand: one of each is added, and it works."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.printed import assert_prints
from helpers.recipes import ROOT, recipes, tried


def test_there_is_one_for_each() -> None:
    found = recipes()
    assert list(found) == ["op", "rule", "method", "panel", "kind of input"]
    assert all(recipe.files and recipe.tries for recipe in found.values())


@pytest.mark.parametrize("name", ["op", "rule", "method"])
def test_what_is_added_from_outside(name: str, tmp_path: Path) -> None:
    recipe = recipes()[name]
    assert recipe.changes == [], "nothing of the package is changed"
    assert {path.split("/")[0] for path in recipe.files} == {"mine"}
    recipe.write(tmp_path)
    for code, shown in recipe.tries:
        assert_prints(tried(code, tmp_path, ROOT, cwd=tmp_path), shown)
