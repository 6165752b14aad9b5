"""The tables of the evidence page are what was measured, and what was measured can be measured again."""

from __future__ import annotations

import csv
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "evidence"
SETS = ("digits-zero", "digits-blur", "photos-zero", "photos-blur")


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """The scripts beside the measurements, which are no part of the package."""
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in ("make", "tables")}
    sys.path.remove(str(FOLDER))


def test_page_shows_what_was_measured(scripts: dict[str, ModuleType]) -> None:
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    tables = scripts["tables"].tables(FOLDER)
    assert scripts["tables"].filled(page, tables) == page
    for name in tables:
        assert f"<!-- {name} -->" in page


def test_everything_promised_was_measured(scripts: dict[str, ModuleType]) -> None:
    counts = {name: len(scripts["make"].rows(FOLDER / f"{name}.csv")) for name in SETS}
    assert counts == {"digits-zero": 500, "digits-blur": 500, "photos-zero": 12, "photos-blur": 12}
    methods = scripts["tables"].read_areas(FOLDER / "photos-zero.csv")
    assert set(scripts["make"].rules("photos")) < set(methods)


@pytest.mark.parametrize("baseline", ["zero", "blur"])
def test_a_digit_measured_again(scripts: dict[str, ModuleType], baseline: str) -> None:
    make = scripts["make"]
    name, x = next(make.items("digits"))
    with (FOLDER / f"digits-{baseline}.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert row["item"] == name
    found = make.areas("digits", x, make.BASELINES[baseline])
    for method, (deletion, insertion) in found.items():
        # The order of pixels that are nearly equal depends on the processor's rounding.
        assert deletion == pytest.approx(float(row[f"{method} deletion"]), abs=0.02), method
        assert insertion == pytest.approx(float(row[f"{method} insertion"]), abs=0.02), method


def test_interval_is_students(scripts: dict[str, ModuleType]) -> None:
    # Mean 2, standard deviation 1, n = 3; the 97.5 % point with two degrees of freedom is 4.3027.
    assert scripts["tables"].interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2, 4.3027 / np.sqrt(3)), rel=1e-4)


def beyond_doubt(tables: ModuleType, name: str, side: int) -> tuple[set[str], set[str]]:
    """The methods that are better, and those that are worse than the default, by an interval that leaves out 0."""
    areas = tables.read_areas(FOLDER / f"{name}.csv")
    better, worse = set(), set()
    for method, values in areas.items():
        mean, half = tables.interval((1, -1)[side] * (areas["zplus"] - values)[:, side])
        if mean - half > 0:
            better.add(method)
        if mean + half < 0:
            worse.add(method)
    return better, worse


@pytest.mark.parametrize("baseline", ["zero", "blur"])
def test_what_the_page_says_of_photographs(scripts: dict[str, ModuleType], baseline: str) -> None:
    deletion, insertion = (beyond_doubt(scripts["tables"], f"photos-{baseline}", side) for side in range(2))
    assert deletion[0] == insertion[0] == set()
    assert {"epsilon", "alpha_beta", "flat", "input_x_gradient", "gradient", "random"} <= insertion[1]
    assert ("integrated_gradients" in insertion[1]) == (baseline == "zero")


@pytest.mark.parametrize("baseline", ["zero", "blur"])
def test_what_the_page_says_of_digits(scripts: dict[str, ModuleType], baseline: str) -> None:
    deletion, insertion = (beyond_doubt(scripts["tables"], f"digits-{baseline}", side) for side in range(2))
    assert {"gamma", "epsilon_plus", "integrated_gradients"} <= deletion[0]
    assert "gamma" in insertion[0]
    assert "random" in deletion[1] & insertion[1]


def test_differences_are_paired(scripts: dict[str, ModuleType]) -> None:
    base = np.array([[0.1, 0.5], [0.9, 0.7], [0.4, 0.6]])
    table = scripts["tables"].area_table({"zplus": base, "other": base + np.array([0.1, -0.2])})
    first, second = table.splitlines()[2:]
    assert first == "| `zplus` | 0.467 |  | 0.600 |  |"
    assert second == "| `other` | 0.567 | +0.100 ± 0.000 | 0.400 | −0.200 ± 0.000 |"
