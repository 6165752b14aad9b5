"""What can be explained: each form of a target, what is computed for it, how it is called, and each refusal."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.arguments.targets import choose, head_of

NAMES = ["zero", "one", "two", "three"]
SCORES = torch.tensor([[0.5, 2.0, -1.0, 4.0]])


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 4))


X = torch.tensor([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize(
    ("target", "names", "label", "index", "value"),
    [
        (None, None, "3", 3, 4.0),
        (None, NAMES, "three", 3, 4.0),
        (1, None, "1", 1, 2.0),
        (-1, None, "3", 3, 4.0),
        (torch.tensor(2), None, "2", 2, -1.0),
        ("two", NAMES, "two", 2, -1.0),
        ((3, 1), None, "3 − 1", None, 2.0),
        (("three", 0), NAMES, "three − zero", None, 3.5),
        ([(3, 1.0), ("one", -0.5)], NAMES, "three − 0.5 one", None, 3.0),
        ([(3, 1), (1, -0.5)], None, "3 − 0.5·1", None, 3.0),
        ([(0, 2.0), (1, 1.0), (2, -1)], NAMES, "2 zero + one − two", None, 4.0),
        ([("one", -1.0)], NAMES, "−one", None, -2.0),
        ([("one", -0.25)], NAMES, "−0.25 one", None, -0.5),
        ([("one", 1.0)], NAMES, "one", 1, 2.0),
        ([[1, 1.0], [1, 2.0]], NAMES, "one + 2 one", None, 6.0),
        ([(1, 0.0)], NAMES, "0 one", None, 0.0),
    ],
)
def test_forms(target: Any, names: list[str] | None, label: str, index: int | None, value: float) -> None:
    choice = choose(target, SCORES, names)
    assert choice.label == label
    assert choice.index == index
    assert float(choice.value(SCORES)) == value


@pytest.mark.parametrize(
    ("target", "names", "error", "message"),
    [
        (4, None, ValueError, "target 4 is out of range: the net gives 4 scores, 0 to 3"),
        (-5, None, ValueError, "target -5 is out of range"),
        (True, None, TypeError, "not True"),
        (1.5, None, TypeError, "not 1.5"),
        ("one", None, ValueError, "is a name: pass class_names"),
        ("tree", NAMES, ValueError, "no class is named 'tree'; the nearest are 'three'"),
        (1, NAMES[:3], ValueError, "class_names has 3 names, but the net gives 4 scores"),
        ((1, 2, 3), None, ValueError, "has 3 parts; a contrast is a pair"),
        ((1,), None, ValueError, "has 1 parts; a contrast is a pair"),
        ((1, 0.5), None, TypeError, "a list of"),
        ([], None, ValueError, "target is an empty list"),
        ([1, 2], None, TypeError, "target holds 1, which is no pair"),
        ([(1, 2.0, 3)], None, TypeError, "which is no pair"),
        ([(1, "a")], None, TypeError, "the weight 'a', which is no number"),
        ([(1, True)], None, TypeError, "the weight True, which is no number"),
        ([(1, math.nan)], None, ValueError, "the weight nan; a weight must be finite"),
        ([(9, 1.0)], None, ValueError, "target 9 is out of range"),
        ([("tree", 1.0)], NAMES, ValueError, "no class is named 'tree'"),
    ],
)
def test_refusals(target: Any, names: list[str] | None, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        choose(target, SCORES, names)


def test_scores_without_a_class_axis_need_a_callable() -> None:
    with pytest.raises(ValueError, match="no single class axis"):
        choose(1, torch.zeros(1, 4, 4), None)


@pytest.mark.parametrize("given", [{"logits": SCORES}, type("Output", (), {"logits": SCORES})()])
def test_logits_are_found_in_an_output(given: Any) -> None:
    assert head_of(None)(given) is SCORES
    with pytest.raises(TypeError, match="without logits; say what to explain with target"):
        head_of(None)({"scores": SCORES})


@pytest.mark.parametrize("value", [torch.zeros(2), 3.0, None])
def test_a_callable_gives_one_number(value: Any) -> None:
    with pytest.raises(ValueError, match="must give a tensor of one number"):
        head_of(lambda output: value)(SCORES)


@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_a_weighted_list_equals_the_callable_that_it_says(net: nn.Module, method: str) -> None:
    def same(output: Tensor) -> Tensor:
        return output[0, 3] - 0.5 * output[0, 1]

    listed = hw.attribute(net, X, target=[(3, 1.0), ("one", -0.5)], class_names=NAMES, method=method)
    called = hw.attribute(net, X, target=same, method=method)
    header = listed.trace.header["target"]
    assert header["label"] == "three − 0.5 one"
    assert header["value"] == pytest.approx(called.trace.header["target"]["value"], abs=1e-6)
    if method == "gradient":
        torch.testing.assert_close(listed.attribution, called.attribution)


def test_a_contrast_is_the_difference_of_its_sides(net: nn.Module) -> None:
    # The rule ε with no stabiliser is linear in the target.
    rule = hw.epsilon(0.0)
    sides = [hw.attribute(net, X, target=i, rule=rule).attribution for i in (3, 1)]
    both = hw.attribute(net, X, target=(3, 1), rule=rule).attribution
    torch.testing.assert_close(both, sides[0] - sides[1], rtol=1e-4, atol=1e-6)


def test_weights_scale_the_ledger(net: nn.Module) -> None:
    once, thrice = (hw.attribute(net, X, target=[(3, w)]).ledger for w in (1.0, 3.0))
    assert thrice.target == pytest.approx(3 * once.target, rel=1e-5)
    assert thrice.explained == pytest.approx(3 * once.explained, rel=1e-4)


def test_a_target_of_zero_is_shown(net: nn.Module) -> None:
    e = hw.attribute(net, X, target=[(3, 0.0)])
    assert e.ledger.target == 0
    assert not e.attribution.any()
