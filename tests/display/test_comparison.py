"""Two explanations on one cursor: what `compare` makes of them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import heapwidget as hw


@pytest.fixture(scope="module")
def pair() -> tuple[hw.Explanation, hw.Explanation]:
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 3)), torch.rand(1, 9)
    return hw.attribute(net, x), hw.attribute(net, x, method="gradient")


def test_both_bear_a_word_of_their_own(pair: tuple[hw.Explanation, hw.Explanation]) -> None:
    one, two = hw.compare(*pair), hw.compare(*pair)
    for comparison in (one, two):
        left, right = comparison.children
        assert left.link == right.link != ""
        assert (left.explanation, right.explanation) == pair
    assert one.children[0].link != two.children[0].link


def test_panels_suit_each_method_or_are_those_asked_for(pair: tuple[hw.Explanation, hw.Explanation]) -> None:
    assert [viewer.panels for viewer in hw.compare(*pair).children] == [["input", "heap", "curve"], ["input", "heap"]]
    asked = hw.compare(*pair, panels=("heap", "code"))
    assert [viewer.panels for viewer in asked.children] == [["heap", "code"]] * 2


@pytest.mark.parametrize("other", [None, "x", nn.Linear(2, 2)])
def test_anything_else_is_refused(pair: tuple[hw.Explanation, hw.Explanation], other: Any) -> None:
    with pytest.raises(TypeError, match=r"compare takes two explanations, as attribute\(net, x\) gives them, not"):
        hw.compare(pair[0], other)


def test_page_holds_both_as_they_stand(
    bundle: Path, pair: tuple[hw.Explanation, hw.Explanation], tmp_path: Path
) -> None:
    comparison = hw.compare(*pair)
    comparison.children[0].step = 3
    comparison.to_html(tmp_path / "both.html")
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert text.count('class="heapwidget-data"') == 2
    assert text.count(f'"link":"{comparison.children[0].link}"') == 2
    assert '"step":3' in text


def test_it_says_what_it_is(pair: tuple[hw.Explanation, hw.Explanation]) -> None:
    assert repr(hw.compare(*pair)).startswith("Comparison of <Explanation of ")
