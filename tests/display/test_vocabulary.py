"""One vocabulary: both sides read it, say the same by it, and have no words or colours of their own beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.named import named
from helpers.nets import DIGIT

import heapwidget as hw
from heapwidget.display.colour import colours
from heapwidget.display.figures import inputs
from heapwidget.display.figures.curve import places
from heapwidget.display.panels import PANELS
from heapwidget.engine.composites import COMPOSITES
from heapwidget.engine.rules import RULES, z_box
from heapwidget.findings.targetwords import effect, shared_noun, target_worth, whole_noun
from heapwidget.kinds import KINDS, position_noun
from heapwidget.samples import lenet
from heapwidget.trace.header import TargetValue
from heapwidget.words import vocabulary

PACKAGE = Path(hw.__file__).parent
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "vocabulary.json").read_text(encoding="utf-8"))
SOURCES = PACKAGE / "frontend" / "src"
COLOUR = re.compile(
    r"""(?<=["'`])#[0-9a-f]{3,8}\b|(?<=[:\s])#[0-9a-f]{3,8}(?=[;\s])|\brgba?\(\s*\d|["'](white|black)["']""", re.I
)


def sources() -> Iterator[Path]:
    yield from (path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)
    yield from (path for path in SOURCES.rglob("*") if path.suffix in (".ts", ".css"))


@pytest.mark.parametrize(("first", "steps", "step", "place"), GOLDEN["places"])
def test_steps_stand_where_the_viewer_has_them(first: int, steps: int, step: int, place: float) -> None:
    at = places(first, steps)
    assert at[step] / at[-1] == pytest.approx(place, abs=1e-8)


@pytest.mark.parametrize(("value", "scale", "signed", "colour"), GOLDEN["colours"])
def test_contributions_have_the_colours_of_the_viewer(
    value: float, scale: float, signed: bool, colour: list[int]
) -> None:
    assert colours(np.array([value]), scale, signed=signed)[0].tolist() == [*colour, 255]


@pytest.mark.parametrize(("name", "label"), GOLDEN["rules"])
def test_rules_are_called_the_same(name: str, label: str) -> None:
    assert vocabulary.rule_label(name) == label


@pytest.mark.parametrize(("kinds", "noun"), GOLDEN["nouns"])
def test_positions_are_called_the_same(kinds: list[str], noun: str) -> None:
    assert position_noun(kinds) == noun


@pytest.mark.parametrize(("target", "words"), GOLDEN["targets"])
def test_targets_are_told_the_same(target: dict[str, Any], words: list[str]) -> None:
    value = TargetValue(**target)
    nouns = [whole_noun(value), shared_noun(value)]
    assert [*nouns, target_worth(value), effect(value, 1), effect(value, -1)] == words


def test_no_side_has_colours_of_its_own() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if COLOUR.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ['ink = "#1b1f24"', "  color: #fff;", "border: 1px solid #d3d7dc;", "rgb(0 0 0 / 0.5)"]
)
def test_a_colour_is_found(line: str) -> None:
    assert COLOUR.search(line)


@pytest.mark.parametrize("word", [*vocabulary.RULES.values(), *vocabulary.SERIES.values()])
def test_no_side_has_labels_of_its_own(word: str) -> None:
    """Of those that are no everyday words."""
    if word.isalpha() and word.isascii():
        return
    quoted = re.compile(f"""["'`]{re.escape(word)}["'`]""")
    assert [str(path) for path in sources() if quoted.search(path.read_text(encoding="utf-8"))] == []


def test_every_rule_has_a_label() -> None:
    assert set(vocabulary.RULES) == {*RULES, *COMPOSITES, z_box(0, 1).name}


def test_every_kind_is_drawn_and_every_panel_has_a_title() -> None:
    assert set(inputs.KINDS) == set(KINDS) == set(vocabulary.POSITIONS)
    assert {name: kind.noun for name, kind in KINDS.items()} == vocabulary.POSITIONS
    assert list(PANELS) == list(vocabulary.PANELS)
    assert set(vocabulary.PALETTES["light"]) == set(vocabulary.PALETTES["dark"])


OWN = hw.Rule("my_rule", "mine²", (hw.Branch((hw.Term(torch.abs, torch.abs),)),), signed=False)


@pytest.mark.parametrize(
    ("rule", "label", "own"),
    [
        ("zplus", "z⁺", None),
        ("epsilon_plus", "ε z⁺", None),
        ("gamma", "γ 0.25", "γ 0.25"),
        (hw.gamma(0.5), "γ 0.5", "γ 0.5"),
        (OWN, "mine²", "mine²"),
        (hw.Composite("two_rules", (("conv", OWN), ("*", hw.zplus()))), "two rules", None),
    ],
    ids=named,
)
def test_a_rule_goes_by_its_label(rule: object, label: str, own: str | None, tmp_path: Path) -> None:
    e = hw.attribute(lenet(), DIGIT, rule=rule, max_pops=5)
    e.save(tmp_path / "seven.npz")
    for one in (e, hw.load(tmp_path / "seven.npz")):
        assert one.summary().splitlines()[0].endswith(f" · relevance, {label}")
        assert one.trace.header.get("rule_label") == own
