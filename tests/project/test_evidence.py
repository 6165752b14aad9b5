"""The tables of the evidence page are what was measured, and what was measured can be measured again."""

from __future__ import annotations

import csv
import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import heapwidget as hw

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "evidence"
SCRIPTS = ("areas", "pointing", "sanity", "sets", "store", "tables", "truth", "vit", "ways")
DEFAULT = "signed_head 0 rest"


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """The scripts beside the measurements, which are no part of the package."""
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in SCRIPTS}
    sys.path.remove(str(FOLDER))


def test_page_shows_what_was_measured(scripts: dict[str, ModuleType]) -> None:
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    tables = scripts["tables"].tables(FOLDER)
    assert scripts["tables"].filled(page, tables) == page
    for name in tables:
        assert f"<!-- {name} -->" in page


def test_everything_promised_was_measured(scripts: dict[str, ModuleType]) -> None:
    names = ("digits-zero", "digits-blur", "photos-zero", "photos-blur", "pointing-photos", "pointing-digits", "sanity")
    counts = {name: len(scripts["store"].read(name)) for name in names}
    assert counts == dict(zip(names, (500, 500, 12, 12, 8, 25, 100), strict=True))
    for name in names[:4]:
        measured = set(scripts["tables"].read_areas(FOLDER / f"{name}.csv"))
        assert {*scripts["ways"].RULES, *scripts["ways"].COMPOSITES, DEFAULT, "integrated_gradients"} <= measured


@pytest.mark.parametrize("fill", ["zero", "blur"])
def test_a_digit_measured_again(scripts: dict[str, ModuleType], fill: str) -> None:
    areas, ways = scripts["areas"], scripts["ways"]
    name, x = next(scripts["sets"].items("digits"))
    with (FOLDER / f"digits-{fill}.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert row["item"] == name
    again = [way for way in ways.ways() if row.get(f"{way.name} deletion")]
    assert len(again) > 12
    for way in (*again, None):
        ((deletion, insertion),) = areas.areas_of("digits", way, x, [fill])
        column = way.name if way else areas.RANDOM
        # The order of pixels that are nearly equal depends on the processor's rounding.
        assert deletion == pytest.approx(float(row[f"{column} deletion"]), abs=0.02), column
        assert insertion == pytest.approx(float(row[f"{column} insertion"]), abs=0.02), column


def test_interval_is_students(scripts: dict[str, ModuleType]) -> None:
    # Mean 2, standard deviation 1, n = 3; the 97.5 % point with two degrees of freedom is 4.3027.
    assert scripts["tables"].interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2, 4.3027 / np.sqrt(3)), rel=1e-4)


def test_differences_are_paired(scripts: dict[str, ModuleType]) -> None:
    base = np.array([[0.1, 0.5], [0.9, 0.7], [0.4, 0.6]])
    table = scripts["tables"].area_table({"a 0": base, "zplus": base + np.array([0.1, -0.2])}, "a 0")
    first, second = table.splitlines()[2:]
    assert first == "| **`a`, change from 0** | 0.467 | 0.600 | 0.133 |  |"
    assert second == "| `zplus` from zero | 0.567 | 0.400 | −0.167 | −0.300 ± 0.000 |"


def less(tables: ModuleType, name: str, way: str) -> tuple[float, float]:
    """How much more insertion less deletion the default has than a way, and the half width of the interval."""
    areas = tables.read_areas(FOLDER / f"{name}.csv")
    net = {key: values[:, 1] - values[:, 0] for key, values in areas.items()}
    mean, half = tables.interval(net[DEFAULT] - net[way])
    return float(mean), float(half)


@pytest.mark.parametrize("fill", ["zero", "blur"])
def test_what_the_page_says_of_photographs(scripts: dict[str, ModuleType], fill: str) -> None:
    mean, half = less(scripts["tables"], f"photos-{fill}", "zplus")
    assert 0 < mean < half
    for way in ("epsilon", "alpha_beta", "flat", "input_x_gradient", "gradient", "random"):
        mean, half = less(scripts["tables"], f"photos-{fill}", way)
        assert mean > half, way
    mean, half = less(scripts["tables"], f"photos-{fill}", "integrated_gradients")
    assert mean > 0
    assert (mean > half) == (fill == "zero")


def test_what_the_page_says_of_digits(scripts: dict[str, ModuleType]) -> None:
    mean, half = less(scripts["tables"], "digits-zero", "zplus")
    assert mean + half > 0
    for way in ("integrated_gradients", "gamma"):
        mean, half = less(scripts["tables"], "digits-zero", way)
        assert mean + half < 0, way
    mean, half = less(scripts["tables"], "digits-zero", "random")
    assert mean > half


def test_pointing_finds_the_cell(scripts: dict[str, ModuleType]) -> None:
    """On two mosaics of digits: with the contrast nearly all, against the rest most, and from zero much less."""
    pointing = scripts["pointing"]
    some = list(itertools.islice(pointing.mosaics("digits"), 2))
    found = {
        way: np.mean([pointing.pointed("digits", way, net, x, shown) for _, net, x, shown in some])
        for way in (DEFAULT, "signed_head 0 contrast", "zplus")
    }
    assert found["signed_head 0 contrast"] > found["zplus"] + 0.2
    assert found[DEFAULT] > found["zplus"] + 0.2


def test_share_counts_what_is_positive(scripts: dict[str, ModuleType]) -> None:
    attribution = torch.zeros(1, 1, 4, 4)
    attribution[0, 0, 0, 3], attribution[0, 0, 3, 3], attribution[0, 0, 0, 0] = 3.0, 1.0, -5.0
    assert [scripts["pointing"].share(attribution, cell) for cell in range(4)] == [0, 0.75, 0, 0.25]


class Apart(torch.nn.Module):
    """A score for each cell of a mosaic, made of this cell alone."""

    def __init__(self, net: torch.nn.Module, shown: list[int]) -> None:
        super().__init__()
        self.net, self.shown = net, shown

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cells = [cell for row in x.chunk(2, 2) for cell in row.chunk(2, 3)]
        return torch.stack([self.net(cell)[:, k] for cell, k in zip(cells, self.shown, strict=True)], 1)


@pytest.mark.parametrize("baseline", [0, None])
def test_nothing_leaks_into_cells_that_cannot_matter(scripts: dict[str, ModuleType], baseline: object) -> None:
    """A mosaic as of DiFull (Rao et al. 2022)."""
    _, _, x, shown = next(scripts["pointing"].mosaics("digits"))
    net = Apart(scripts["sets"].network("digits"), shown)
    for cell in (0, 3):
        options = {} if baseline is not None else {"rule": "zplus"}
        found = hw.attribute(net, x, target=[(cell, 1.0)], baseline=baseline, max_pops=0, progress=False, **options)
        sums = [part.abs().sum() for row in found.attribution.chunk(2, 2) for part in row.chunk(2, 3)]
        assert sums.pop(cell) > 0
        assert not any(sums)


def test_known_pixels_come_first(scripts: dict[str, ModuleType]) -> None:
    """A trained network's tetrominoes, also where only their product decides; brightness finds neither."""
    truth, ways = scripts["truth"], {way.name: way for way in scripts["ways"].ways()}
    net = truth.trained("xor")
    pictures, classes, matter = truth.drawn("xor", 5, seed=3)

    def mean(name: str) -> float:
        found = []
        for x, index, cells in zip(pictures, classes.tolist(), matter, strict=True):
            attribution = scripts["ways"].found_by(ways[name], "digits", net, x[None], index)
            found.append(truth.precision(scripts["ways"].ranked(attribution), cells))
        return float(np.mean(found))

    assert truth.accuracy("xor") > 0.95
    assert mean(DEFAULT) > 0.85
    assert mean("brightness") < 0.6


def test_what_the_page_says_of_class_and_training(scripts: dict[str, ModuleType]) -> None:
    means = scripts["sanity"].summary(scripts["store"].read("sanity"))
    for column, least in (("lowest class", 0.02), ("without conv1", 0.1)):
        by_way = [means[way][column] for way in ("epsilon 0 rest", DEFAULT, "zplus")]
        assert by_way[0] + 0.2 < by_way[1] < by_way[2] - least


def test_maps_compared_again(scripts: dict[str, ModuleType]) -> None:
    """The first digit's sanity figures, measured anew."""
    sets, sanity = scripts["sets"], scripts["sanity"]
    net, (name, x) = sets.network("digits"), next(sets.digits())
    row = next(row for row in scripts["store"].read("sanity") if row["item"] == name)
    way = next(way for way in scripts["ways"].ways() if way.name == DEFAULT)
    for column, value in sanity.checked(way, net, list(sanity.drawn_anew(net)), x).items():
        assert value == pytest.approx(float(row[f"{DEFAULT} {column}"]), abs=0.01), column
