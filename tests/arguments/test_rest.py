"""A class against the rest: its weights, its name, and what a net decided where no target is named."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from heapwidget.arguments.rest import rest_in_words, rest_weights
from heapwidget.arguments.targets import MARGIN, NEGATED, choose, decision

NAMES = ["zero", "one", "two", "three"]
SCORES = torch.tensor([[0.5, 2.0, -1.0, 4.0]])
several = st.lists(st.floats(-80, 80, width=32), min_size=2, max_size=12)


def flat(scores: list[float]) -> Tensor:
    return torch.tensor([scores])


@given(several, st.data())
def test_the_rest_is_the_mean_of_the_others_by_their_probabilities(scores: list[float], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(scores) - 1))
    choice = choose((index, None), flat(scores), None)
    others = [i for i in range(len(scores)) if i != index]
    powers = {i: math.exp(scores[i] - max(scores[j] for j in others)) for i in others}
    mean = sum(powers[i] * scores[i] for i in others) / sum(powers.values())
    assert float(choice.value(flat(scores))) == pytest.approx(scores[index] - mean, abs=1e-3)
    assert float(choice.weights.sum()) == pytest.approx(0, abs=1e-6)
    assert float(choice.weights[0, index]) == 1
    assert all(choice.weights[0, i] <= 0 for i in others)
    assert (choice.kind, choice.index) == (MARGIN, index)


@given(several, st.floats(-50, 50, width=16))
def test_a_number_common_to_all_scores_changes_nothing(scores: list[float], common: float) -> None:
    before, after = (choose((0, None), flat(s), None) for s in (scores, [score + common for score in scores]))
    torch.testing.assert_close(after.weights, before.weights, atol=1e-4, rtol=1e-3)


@given(several)
def test_what_is_decided_is_the_largest_against_the_rest(scores: list[float]) -> None:
    choice, output = decision(flat(scores), None), flat(scores)
    assert choice.index == int(output.argmax())
    assert float(choice.value(output)) >= -1e-4
    named = choose((None, None), output, None)
    assert (named.label, named.index) == (choice.label, choice.index)
    assert torch.equal(named.weights, choice.weights)


@given(several)
def test_the_others_are_named_by_a_rule(scores: list[float]) -> None:
    weights = rest_weights(flat(scores), 0)
    names = [f"n{i}" for i in range(len(scores))]
    words = rest_in_words(weights, names.__getitem__)
    stand_out = [i for i in range(len(scores)) if weights[i] > 0.2]
    if not stand_out:
        assert words == "the rest"
        return
    told = words.replace(" or ", ", ").split(", ")
    assert set(told) - {"others"} <= {names[i] for i in stand_out}
    assert len(set(told) - {"others"}) == min(len(stand_out), 3)
    by_name = dict(zip(names, weights.tolist(), strict=True))
    held = [by_name[name] for name in told if name != "others"]
    assert held == sorted(held, reverse=True)
    assert ("others" in told) == (sum(held) < 0.5)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0, 1.0], "b"),
        ([0, 0.3, 0.7], "c or b"),
        ([0, 0.4, 0.3, 0.3], "b, c or d"),
        ([0, 0.25, 0.25, 0.25, 0.25], "b, c or d"),
        ([0, 0.2, 0.2, 0.2, 0.2, 0.2], "the rest"),
        ([0, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], "b or others"),
        ([0, 0.24, 0.22, *[0.06] * 9], "b, c or others"),
    ],
)
def test_names_of_the_rest(weights: list[float], words: str) -> None:
    assert rest_in_words(torch.tensor(weights, dtype=torch.float64), "abcdefghijklmnop".__getitem__) == words


@pytest.mark.parametrize(
    ("target", "names", "label", "index"),
    [
        ((3, None), None, "3 rather than 1", 3),
        (("three", None), NAMES, "three rather than one", 3),
        ((-4, None), NAMES, "zero rather than three", 0),
        ((None, None), NAMES, "three rather than one", 3),
    ],
)
def test_forms(target: Any, names: list[str] | None, label: str, index: int) -> None:
    choice = choose(target, SCORES, names)
    assert (choice.label, choice.index, choice.kind) == (label, index, MARGIN)
    assert choice.weights.shape == SCORES.shape


@pytest.mark.parametrize(
    ("score", "names", "label", "kind"),
    [
        (2.0, None, "positive", None),
        (-2.0, None, "negative", NEGATED),
        (0.0, None, "positive", None),
        (2.0, ["ham", "spam"], "spam", None),
        (-2.0, ["ham", "spam"], "ham", NEGATED),
        (2.0, ["spam"], "spam", None),
        (-2.0, ["spam"], "not spam", NEGATED),
    ],
)
@pytest.mark.parametrize("shape", [(1, 1), (1,), ()])
def test_a_single_score_is_explained_in_its_own_direction(
    score: float, names: list[str] | None, label: str, kind: str | None, shape: tuple[int, ...]
) -> None:
    output = torch.full(shape, score)
    choice = decision(output, names)
    assert (choice.label, choice.index, choice.kind) == (label, 0, kind)
    assert float(choice.value(output)) == abs(score)


@pytest.mark.parametrize("score", [2.0, -2.0])
def test_each_side_of_a_single_score_has_its_name(score: float) -> None:
    output, names = torch.tensor([[score]]), ["ham", "spam"]
    assert float(choose("spam", output, names).value(output)) == score
    assert choose("spam", output, names).label == "spam"
    assert float(choose("ham", output, names).value(output)) == -score
    assert choose("ham", output, names).label == "ham"
    assert (choose(0, output, names).label, choose(None, output, names).label) == ("spam", "spam")


def test_of_several_yes_or_no_the_largest_is_taken_alone() -> None:
    choice = decision(SCORES, NAMES, each_alone=True)
    assert (choice.label, choice.kind, float(choice.value(SCORES))) == ("three", None, 4.0)


@pytest.mark.parametrize(
    ("target", "scores", "alone", "message"),
    [
        ((0, None), torch.ones(1, 1), False, r"target \(0, None\) .* the net gives a single score; take target=0"),
        ((2, None), SCORES, True, "the net says yes or no to each class alone; take target=2"),
        ((9, None), SCORES, False, "target 9 is out of range"),
        (("tree", None), SCORES, False, "is a name: pass class_names"),
        ((0, None), torch.ones(1, 2, 3), False, "has no single class axis"),
    ],
)
def test_refusals(target: Any, scores: Tensor, alone: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose(target, scores, None, alone)
