"""Nets that end in a softmax, a sigmoid or a logarithm: a class is explained at the score below, and that is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.nets import DIGIT, Fn, adds_up
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.samples import lenet

NAMES = list("abcdefghij")


def by_hand(z: Tensor) -> Tensor:
    powers = (z - z.amax(1, keepdim=True)).exp()
    return powers / powers.sum(1, keepdim=True)


ENDS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "log_softmax": (lambda z: F.log_softmax(z, 1), "log_softmax"),
    "softmax": (lambda z: z.softmax(-1), "softmax"),
    "sigmoid": (lambda z: z.sigmoid(), "sigmoid"),
    "logsigmoid": (F.logsigmoid, "logsigmoid"),
    "log of softmax": (lambda z: z.softmax(1).log(), "log_softmax"),
    "log of softmax, kept from zero": (lambda z: (z.softmax(1) + 1e-9).log(), "log_softmax"),
    "log of sigmoid, clamped": (lambda z: z.sigmoid().clamp(1e-6, 1 - 1e-6).log(), "logsigmoid"),
    "squeezed": (lambda z: F.log_softmax(z, 1).squeeze(0), "log_softmax"),
    "viewed": (lambda z: z.softmax(1).view(-1)[None].clone(), "softmax"),
    "in percent": (lambda z: 100 * z.softmax(1), "softmax"),
    "in bits": (lambda z: F.log_softmax(z, 1) / 0.6931, "log_softmax"),
    "less its logsumexp": (lambda z: z - z.logsumexp(1, keepdim=True), "log_softmax"),
    "by hand": (by_hand, "softmax"),
    "log by hand": (lambda z: by_hand(z).log(), "log_softmax"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("target", [None, 7, "h", (7, 1), [(7, 1.0), (1, -0.5)]], ids=str)
@pytest.mark.parametrize("name", list(ENDS))
def test_a_class_is_explained_at_the_score_below(name: str, target: Any) -> None:
    end, below = ENDS[name]
    net = lenet()
    plain = hw.attribute(net, DIGIT, target=target, class_names=NAMES, floor=0.1)
    ended = hw.attribute(nn.Sequential(net, Fn(end)), DIGIT, target=target, class_names=NAMES, floor=0.1)
    torch.testing.assert_close(ended.attribution, plain.attribution)
    assert ended.order.tolist() == plain.order.tolist()
    assert ended.ledger.target == pytest.approx(plain.ledger.target, rel=1e-5)
    assert ended.trace.header["target"] == plain.trace.header["target"] | {
        "value": ended.ledger.target,
        "below": below,
    }
    assert f"below its {below.replace('_', ' ')} ·" in ended.summary().splitlines()[0]
    adds_up(ended)


@pytest.mark.parametrize(
    ("end", "scores"),
    [
        (lambda z: F.log_softmax(z / 4, 1), lambda z: z / 4),
        (lambda z: F.softmin(z, 1), lambda z: -z),
        (lambda z: -F.log_softmax(z, 1), lambda z: -z),
        (lambda z: 1 - z.sigmoid(), lambda z: -z),
        (lambda z: z.softmax(1)[:, [2, 0, 1]], lambda z: z[:, [2, 0, 1]]),
        (lambda z: z.log_softmax(1)[:, 1:3], lambda z: z[:, 1:3]),
        (lambda z: z.softmax(1).flip(1), lambda z: z.flip(1)),
    ],
    ids=["temperature", "softmin", "surprise", "complement", "picked", "sliced", "flipped"],
)
def test_what_moves_or_turns_the_end_does_so_to_the_scores(end: Any, scores: Any) -> None:
    net, x = nn.Linear(6, 4), torch.rand(1, 6)
    rule = hw.epsilon(0.0)
    for index in range(2):
        plain = hw.attribute(nn.Sequential(net, Fn(scores)), x, target=index, rule=rule)
        ended = hw.attribute(nn.Sequential(net, Fn(end)), x, target=index, rule=rule)
        torch.testing.assert_close(ended.attribution, plain.attribution)
        assert ended.ledger.target == pytest.approx(float(scores(net(x))[0, index].detach()), rel=1e-5)


@pytest.mark.parametrize(
    "f",
    [
        lambda z: z,
        lambda z: z.tanh(),
        lambda z: z / z.norm(dim=1, keepdim=True),
        lambda z: z.softmax(0),
        lambda z: z.softmax(1) @ torch.ones(4, 4),
        lambda z: 5 * z.sigmoid(),
        lambda z: z * z.sigmoid(),
        lambda z: z - z.mean(1, keepdim=True),
    ],
    ids=["none", "tanh", "normed", "over the batch", "attention", "a range", "silu", "centred"],
)
@pytest.mark.filterwarnings("ignore")
def test_other_ends_are_left_alone(f: Any) -> None:
    net, x = nn.Sequential(nn.Linear(6, 4), Fn(f)), torch.rand(1, 6)
    e = hw.attribute(net, x, target=1)
    assert "below" not in e.trace.header["target"]
    assert e.ledger.target == pytest.approx(float(net(x)[0, 1].detach()), rel=1e-5)


def test_the_probability_itself_is_explained_where_it_is_asked_for() -> None:
    net = nn.Sequential(lenet(), nn.Softmax(1))
    e = hw.attribute(net, DIGIT, target=lambda out: out[0, 7])
    assert e.ledger.target == pytest.approx(float(net(DIGIT)[0, 7].detach()))
    assert "below" not in e.trace.header["target"]


def test_the_five_steps_start_at_the_score_below_and_a_gradient_at_the_output() -> None:
    net, ended = lenet(), nn.Sequential(lenet(), nn.LogSoftmax(1))
    steps = [hw.attribute(n, DIGIT, target=7, method="article", nodes="layer") for n in (net, ended)]
    torch.testing.assert_close(steps[1].attribution, steps[0].attribution)
    slope = hw.attribute(ended, DIGIT, target=7, method="gradient").attribution
    x = DIGIT.clone().requires_grad_()
    (own,) = torch.autograd.grad(ended(x)[0, 7], x)
    torch.testing.assert_close(slope, own)


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("name", ["log_softmax", "softmax", "squeezed", "log of softmax"])
def test_faithfulness_is_that_of_the_same_net_without_its_end(name: str, score: str) -> None:
    plain, ended = (
        hw.attribute(net, DIGIT, target=7, floor=0.1).faithfulness(score=score, steps=6, random_orders=1)
        for net in (lenet(), nn.Sequential(lenet(), Fn(ENDS[name][0])))
    )
    np.testing.assert_allclose(ended.deletion, plain.deletion, atol=1e-4)
    np.testing.assert_allclose(ended.insertion, plain.insertion, atol=1e-4)
    assert ended.score == pytest.approx(plain.score, rel=1e-4)


def test_of_several_yes_or_no_each_has_its_own_probability() -> None:
    net, x = nn.Sequential(nn.Linear(6, 3), nn.Sigmoid()), torch.rand(1, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e = hw.attribute(net, x, target=1)
    p = float(net(x)[0, 1].detach())
    found = e.faithfulness(steps=2)
    assert found.score == pytest.approx(p if e.ledger.target >= 0 else 1 - p, rel=1e-5)
    assert found.kind == ("probability" if e.ledger.target >= 0 else "probability of no")
