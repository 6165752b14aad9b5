"""Bookmarks: the forms in which they can be set, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import heapwidget as hw
from heapwidget.display.bookmarks import read_bookmarks

TWO = [{"step": 2, "label": "here"}, {"step": 5, "label": "there"}]


@pytest.fixture(scope="module")
def walk() -> hw.Explanation:
    torch.manual_seed(0)
    return hw.attribute(nn.Sequential(nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 3)), torch.rand(1, 9))


@pytest.mark.parametrize(
    "given_as",
    [
        TWO,
        tuple(reversed(TWO)),
        {5: "there", 2: "here"},
        [(2, "here"), [5, "there"]],
        [(2, "not here"), (2, "here"), (5, "there")],
    ],
)
def test_every_form_means_the_same(given_as: object) -> None:
    assert read_bookmarks(given_as, 5) == TWO


def test_a_bare_step_has_no_label() -> None:
    assert read_bookmarks([3, {"step": 1}], 5) == [{"step": 1, "label": ""}, {"step": 3, "label": ""}]


@pytest.mark.parametrize(
    ("given_as", "error", "message"),
    [
        (7, TypeError, r'bookmarks must be a list of \{"step": 12, "label": "\.\.\."\} or a mapping .*, not 7'),
        ("2", TypeError, "bookmarks must be a list"),
        ([6], ValueError, "bookmark at step 6 is out of range: the steps are 0 to 5"),
        ([-1], ValueError, "bookmark at step -1 is out of range"),
        ([2.0], TypeError, r"a bookmark is .*, not 2\.0"),
        ([True], TypeError, "a bookmark is .*, not True"),
        ({"here": 2}, TypeError, r"a bookmark is .*, not \('here', 2\)"),
        ([{"step": 1, "name": "x"}], TypeError, "a bookmark is"),
        ([(1, "\ud800")], ValueError, r"the label of the bookmark at step 1 holds half a letter: '\\ud800'"),
        ([(1, None)], TypeError, "the label of the bookmark at step 1 must be a string, not None"),
    ],
)
def test_what_is_none_is_refused_in_one_sentence(given_as: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        read_bookmarks(given_as, 5)
    assert "\n" not in str(caught.value)


@given(st.dictionaries(st.integers(0, 30), st.text(max_size=5), max_size=12))
def test_reading_again_changes_nothing(labels: dict[int, str]) -> None:
    read = read_bookmarks(labels, 30)
    assert read_bookmarks(read, 30) == read
    assert {b["step"]: b["label"] for b in read} == labels
    assert [b["step"] for b in read] == sorted(labels)


def test_trait_takes_and_sends_them(walk: hw.Explanation) -> None:
    viewer = walk.view(bookmarks={2: "here"})
    assert viewer.get_state("bookmarks")["bookmarks"] == [{"step": 2, "label": "here"}]
    seen = []
    viewer.observe(lambda change: seen.append(change["new"]), "bookmarks")
    viewer.bookmarks = {5: "there", 2: "here"}
    viewer.bookmarks = TWO
    assert seen == [TWO]
    with pytest.raises(traitlets.TraitError, match="out of range: the steps are 0 to"):
        viewer.bookmarks = [10**6]
    assert viewer.bookmarks == TWO


def test_each_viewer_has_its_own(walk: hw.Explanation) -> None:
    one, two = walk.view(), walk.view()
    one.bookmarks.append({"step": 1, "label": "mine"})
    assert two.bookmarks == []


def test_page_refuses_what_the_trait_refuses(walk: hw.Explanation, bundle: Path, tmp_path: Path) -> None:
    write: Callable[..., None] = walk.to_html
    with pytest.raises(ValueError, match="bookmark at step"):
        write(tmp_path / "x.html", bookmarks=[10**6])
    with pytest.raises(ValueError, match=r"panel='sound' is not one of 'input', 'heap'"):
        write(tmp_path / "x.html", panels=["sound"])
    assert not list(tmp_path.iterdir())
