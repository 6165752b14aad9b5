"""Targets whose relevance would go the wrong way: a warning names a way out, and it leads out."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.nets import DIGIT, Fn
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.display.payload import shown_header
from heapwidget.samples import lenet


def one_logit(scale: float = 1.0) -> nn.Linear:
    """Three inputs speak for yes, three more loudly for no."""
    net = nn.Linear(6, 1, bias=False)
    with torch.no_grad():
        net.weight.copy_(scale * torch.tensor([[1.0, 1.0, 1.0, -3.0, -3.0, -3.0]]))
    return net


ONES = torch.ones(1, 6)
DOWN = (
    "{} of the target, {}, lies on inputs that change it the other way; take rule='epsilon', which tells apart what "
    "raises a score and what lowers it"
)


def told(net: nn.Module, x: Tensor = ONES, **options: Any) -> tuple[hw.Explanation, list[str]]:
    """An explanation, and what it warns of besides ops without a rule."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        e = hw.attribute(net, x, progress=False, **options)
    words = [str(w.message) for w in caught]
    return e, [text for text in words if not text.startswith("no rule for aten.nll_loss")]


def test_a_negative_score_is_told_and_the_way_out_has_the_right_direction() -> None:
    e, words = told(one_logit())
    assert words == [DOWN.format("100 %", "-6")]
    e, words = told(one_logit(), rule="epsilon")
    assert words == []
    torch.testing.assert_close(e.attribution, torch.tensor([[1.0, 1, 1, -3, -3, -3]]), atol=1e-4, rtol=1e-4)
    assert e.order.tolist() == [3, 4, 5, 0, 1, 2]


@pytest.mark.parametrize("method", ["deep", "weighted", "sigmoid", "contrast"])
def test_every_form_of_it_is_told_once(method: str) -> None:
    net, target = {
        "deep": (nn.Sequential(nn.Linear(6, 6), nn.ReLU(), one_logit()), None),
        "weighted": (one_logit(), [(0, -1.0)]),
        "sigmoid": (nn.Sequential(one_logit(), nn.Sigmoid()), None),
        "contrast": (Fn(lambda x: torch.cat([one_logit()(x), one_logit(0.1)(x)], 1)), (1, 0)),
    }[method]
    if method == "deep":
        with torch.no_grad():
            net[0].weight.copy_(torch.eye(6))
            net[0].bias.zero_()
    e, words = told(net, target=target)
    assert len(words) == 1
    assert "take rule='epsilon'" in words[0]
    e, words = told(net, target=target, rule="epsilon")
    assert words == []
    # What lowers the score has the other sign of what raises it, and is the larger part of a negative one.
    (sign,) = {math.copysign(1.0, a) for a in e.attribution[0, 3:].tolist()}
    assert sign == math.copysign(1.0, e.ledger.target)
    assert set(e.order[:3].tolist()) == {3, 4, 5}


@pytest.mark.parametrize(
    "target",
    [None, 7, (7, 1), lambda out: out[0, 7], lambda out: out.softmax(1)[0, 7], lambda out: out.max() - out.mean()],
)
def test_nothing_is_told_where_all_is_well(target: Any) -> None:
    assert told(lenet(), DIGIT, target=target, floor=0.1)[1] == []


SEVEN = torch.tensor([7])


@pytest.mark.parametrize(
    "loss",
    [
        lambda out: F.cross_entropy(out, SEVEN),
        lambda out: F.nll_loss(F.log_softmax(out, 1), SEVEN),
        lambda out: F.log_softmax(out, 1)[0, 7],
        lambda out: -out.log_softmax(1)[0, 7],
        lambda out: out.softmax(1)[0, 7].log(),
        lambda out: 1 - out.softmax(1)[0, 7],
        lambda out: F.cross_entropy(out, SEVEN, reduction="none").sum(),
    ],
    ids=["cross entropy", "nll", "log-probability", "surprise", "log", "doubt", "sum"],
)
def test_a_loss_as_target_is_told_and_names_the_score(loss: Any) -> None:
    net = lenet()
    with torch.no_grad():
        # So that there is a loss to speak of.
        net.fc3.bias[7] -= 6
    e, words = told(net, DIGIT, target=loss, floor=0.1)
    assert len(words) == 1
    assert "explain the score that it is made of, with target=7, or take method='gradient'" in words[0]
    e, words = told(net, DIGIT, target=7, floor=0.1)
    assert words == []
    assert e.ledger.explained > 0


def test_a_net_that_ends_in_a_loss_is_told() -> None:
    net = nn.Sequential(lenet(), Fn(lambda z: F.cross_entropy(z, SEVEN)))
    words = told(net, DIGIT, floor=0.1)[1]
    assert len(words) == 1
    assert words[0].endswith("take method='gradient', which follows the slope of the target")
    slope, words = told(net, DIGIT, method="gradient")
    assert words == []
    x = DIGIT.clone().requires_grad_()
    (own,) = torch.autograd.grad(net(x), x)
    torch.testing.assert_close(slope.attribution, own)


def test_two_probabilities_of_one_score() -> None:
    """(1 - p, p): of the first, what raises the score speaks against it."""
    half = nn.Sequential(one_logit(-1), nn.Sigmoid())
    net = Fn(lambda x: torch.cat([1 - half(x), half(x)], 1))
    assert told(net, target=1)[1] == []
    assert len(told(net, target=0)[1]) == 1


@pytest.mark.parametrize("weights", [[1.0, -1.0], [2.0, 3.0, -5.0]])
def test_a_target_of_zero_that_was_decided_is_told(weights: list[float]) -> None:
    net = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([weights]))
    x = torch.ones(1, len(weights))
    e, words = told(net, x)
    assert words == ["the target is 0, so there is nothing to share out; take method='gradient'"]
    assert e.ledger.target == 0
    assert not e.attribution.any()
    e, words = told(net, x, method="gradient")
    assert words == []
    assert len(e.order) == len(weights)


def test_nothing_is_told_of_a_zero_that_nothing_decided() -> None:
    assert told(one_logit(), target=(0, 0))[1] == []


@pytest.mark.parametrize("rule", ["zplus", "epsilon", "flat", "absolute"])
@pytest.mark.parametrize("seed", range(4))
def test_the_order_runs_from_the_largest_part_of_the_target_to_the_smallest(rule: str, seed: int) -> None:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    x = torch.randn(1, 6)
    for index in range(3):
        e, _ = told(net, x, target=index, rule=rule)
        parts = e.attribution.flatten()[torch.from_numpy(e.order)] / e.ledger.target
        assert torch.equal(parts, parts.sort(descending=True).values)


# --- What cannot be measured ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 7.0, 40.0])
def test_of_a_negative_yes_or_no_the_probability_of_no_is_measured(scale: float) -> None:
    e, _ = told(one_logit(scale), rule="epsilon")
    found = e.faithfulness(steps=6, random_orders=1)
    assert found.kind == "probability of no"
    assert found.score == pytest.approx(1 / (1 + math.exp(-6 * scale)), rel=1e-6)
    assert found.note == ""
    assert 0 <= found.deletion_area <= 1.01
    assert found.deletion_area < found.insertion_area


@pytest.mark.parametrize("logit", [-43.0, -1e-9, 0.0])
def test_a_score_near_nothing_is_not_divided_by(logit: float) -> None:
    """The probability of a class that the net gives none; a sum of scores that cancel; and zero."""
    net = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[logit, 0.0], [0.0, 0.0]]))
    kind = "probability" if logit < -1 else "logit"
    baseline = 0.0 if logit < -1 else torch.tensor([-1e9, 0.0])
    e, _ = told(net, torch.ones(1, 2), target=0)
    found = e.faithfulness(baseline=baseline, score=kind, steps=2, random_orders=1)
    assert not found.fractions_of_score
    assert max(np.abs(found.deletion).max(), np.abs(found.insertion).max()) <= 1.0
    assert "too small for fractions of it, so these are areas under the scores themselves" in str(found)
    assert shown_header(e)["scores"]["absolute"] is True


def test_a_change_of_sign_is_told() -> None:
    net = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[4.0, -3.0]]))
    e, _ = told(net, torch.ones(1, 2), rule="epsilon")
    found = e.faithfulness(score="logit", steps=2, random_orders=0)
    np.testing.assert_allclose(found.deletion, [1, -3, 0], atol=1e-6)
    assert str(found).endswith("; the score changes its sign on the way, so no area is a share of it")
