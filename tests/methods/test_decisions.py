"""What is explained of changes where no target is named, its direction, its order, and what it is measured by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.nets import DIGIT, Fn
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.capture import record
from heapwidget.methods.ends import is_loss
from heapwidget.samples import lenet

X = torch.tensor([[0.9, 0.1, 0.4, 0.8, 0.3, 0.6]])
LABEL = torch.tensor([1])


def body(scores: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, scores))


def explained(net: nn.Module, x: Tensor = X, **options: Any) -> hw.Explanation:
    return hw.attribute(net, x, progress=False, **{"baseline": 0, **options})


def test_the_default_of_changes_is_the_class_against_the_rest() -> None:
    net = lenet()
    e, named = explained(net, DIGIT), explained(net, DIGIT, target=(7, None))
    assert e.trace.header.target == named.trace.header.target
    torch.testing.assert_close(e.attribution, named.attribution)
    z = net(DIGIT)[0].detach().double()
    others = torch.cat([z[:7], z[8:]])
    assert e.trace.header.target.label == "7 rather than 2, 1 or 9"
    assert e.ledger.target == pytest.approx(float(z[7] - (others.softmax(0) * others).sum()), rel=1e-5)
    assert e.ledger.explained + e.ledger.absorbed_total == pytest.approx(e.ledger.change, rel=1e-4)


def test_from_zero_the_default_stays_the_largest_score() -> None:
    e = hw.attribute(lenet(), DIGIT, progress=False)
    assert (e.trace.header.target.label, e.trace.header.target.kind) == ("7", None)


ENDS = {
    "log_softmax": lambda z: z.log_softmax(1),
    "softmax": lambda z: z.softmax(1),
    "log of softmax": lambda z: z.softmax(1).clamp(1e-9, 1).log(),
    "by hand": lambda z: z - z.exp().sum(1, keepdim=True).log(),
    "logsumexp": lambda z: z - torch.logsumexp(z, 1)[:, None],
    "stable": lambda z: z - z.amax(1, keepdim=True) - (z - z.amax(1, keepdim=True)).exp().sum(1, keepdim=True).log(),
    "squeezed": lambda z: z.log_softmax(1).squeeze(0),
}
MOVED = {
    "temperature": (lambda z: (z / 4).log_softmax(1), lambda z: z / 4),
    "flipped": (lambda z: z.softmax(1).flip(1), lambda z: z.flip(1)),
    "gathered": (lambda z: z.log_softmax(1)[:, [3, 2, 1, 0]], lambda z: z[:, [3, 2, 1, 0]]),
    "turned": (lambda z: -z.log_softmax(1), lambda z: -z),
}
CASES = {name: (end, lambda z: z) for name, end in ENDS.items()} | MOVED


@pytest.mark.parametrize("target", [None, (1, None)], ids=["default", "named"])
@pytest.mark.parametrize("name", CASES)
def test_a_margin_is_that_of_the_scores_below_the_end(name: str, target: Any) -> None:
    end, scores = CASES[name]
    plain, ended = (explained(nn.Sequential(body(), Fn(f)), target=target) for f in (scores, end))
    assert ended.trace.header.target.label == plain.trace.header.target.label
    assert ended.trace.header.target.below in ("log_softmax", "softmax")
    torch.testing.assert_close(ended.attribution, plain.attribution)
    for score in ("probability", "logit"):
        here, there = (e.faithfulness(score=score, steps=3, random_orders=0) for e in (ended, plain))
        np.testing.assert_allclose(here.deletion, there.deletion, atol=1e-4)


@pytest.mark.parametrize("end", [torch.sigmoid, F.logsigmoid])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_single_score_is_explained_as_it_decided(sign: float, end: Any) -> None:
    weights = sign * torch.tensor([[3.0, -1.0, 2.0, -2.0, 1.0, 1.0]])
    net = nn.Linear(6, 1, bias=False)
    net.weight.data.copy_(weights)
    for f in (nn.Identity(), Fn(end)):
        e = explained(nn.Sequential(net, f), rule="epsilon")
        target = e.trace.header.target
        assert (target.label, target.kind) == (("positive", None) if sign > 0 else ("negative", "negated"))
        # What speaks for the decision is positive whichever it was, and comes first.
        torch.testing.assert_close(e.attribution, (sign * weights * X).detach(), atol=1e-4, rtol=1e-4)
        assert e.order[0] == 0
        assert len(e.order) == 6
        found = e.faithfulness(steps=3, random_orders=0)
        assert found.kind == ("probability" if sign > 0 else "probability of no")
        assert found.score == pytest.approx(float((abs(sign * weights) * 0 + sign * weights * X).sum().sigmoid()))


def test_a_named_score_keeps_its_sign() -> None:
    net = nn.Linear(6, 1, bias=False)
    net.weight.data.fill_(-1.0)
    e = explained(net, target=0)
    assert (e.trace.header.target.label, e.trace.header.target.value < 0) == ("0", True)
    assert bool((e.attribution <= 0).all())
    # Nothing speaks for it, so what lowers it most comes first.
    assert e.order[0] == int(X.argmax())


def test_what_speaks_for_a_class_goes_first_though_the_score_fell() -> None:
    net = nn.Linear(6, 2)
    net.weight.data.copy_(torch.tensor([[1.0, 0, 0, -4.0, 0, 0], [0.0] * 6]))
    net.bias.data.copy_(torch.tensor([9.0, 0.0]))
    e = explained(net)
    assert e.ledger.change == pytest.approx(0.9 - 3.2, rel=1e-4)
    assert e.order.tolist() == [0, 3]
    words = e.summary()
    assert words.startswith("0 rather than 1: margin 6.7, 2.3 less than at baseline 0 (9) · relevance")
    assert "what is positive speaks for 0 rather than 1; what is negative speaks against it" in words
    assert "first     input (0) 0.9, input (3) −3.2" in words


def test_margins_are_measured_by_their_own_weights() -> None:
    e = explained(lenet(), DIGIT)
    own = e.faithfulness(score="logit", steps=4, random_orders=0)
    assert own.score == pytest.approx(e.ledger.target, rel=1e-5)
    # All taken away, what is left of it is what it is at the baseline.
    assert own.deletion[-1] * e.ledger.target == pytest.approx(e.ledger.baseline, abs=1e-4)
    shares = e.faithfulness(steps=4, random_orders=0)
    assert shares.kind == "probability"
    assert shares.score == pytest.approx(float(lenet()(DIGIT).softmax(1)[0, 7].detach()), rel=1e-5)


LOSSES = {
    "cross entropy": lambda z: F.cross_entropy(z, LABEL),
    "smoothed": lambda z: F.cross_entropy(z, LABEL, label_smoothing=0.1),
    "nll": lambda z: F.nll_loss(z.log_softmax(1), LABEL),
    "mse": lambda z: F.mse_loss(z, torch.ones(1, 4)),
    "huber": lambda z: F.huber_loss(z, torch.ones(1, 4)),
    "bce": lambda z: F.binary_cross_entropy_with_logits(z, torch.ones(1, 4)),
    "averaged": lambda z: F.mse_loss(z, torch.ones(1, 4), reduction="none").mean(),
    "weighed": lambda z: 2 * F.mse_loss(z, torch.ones(1, 4)) + 0.1 * z.square().sum(),
}
OTHERS = {
    "a score": lambda z: z[0, 1],
    "a norm": lambda z: z.square().sum(),
    "a loss turned": lambda z: -F.mse_loss(z, torch.ones(1, 4)),
    "a loss scaled down": lambda z: F.mse_loss(z, torch.ones(1, 4)) * -0.5,
}


@pytest.mark.parametrize("name", [*LOSSES, *OTHERS])
def test_a_loss_is_known_by_what_it_ends_in(name: str) -> None:
    recording = record(body(), X, head=(LOSSES | OTHERS)[name])
    assert is_loss(recording) == (name in LOSSES)


@pytest.mark.filterwarnings("ignore:no rule for aten.nll_loss")
def test_a_loss_is_raised_and_lowered() -> None:
    words = explained(body(), target=LOSSES["cross entropy"]).summary()
    assert words.startswith("f(output): loss 1.")
    assert "what is positive raises the loss; what is negative lowers it" in words
    words = explained(body(), target=OTHERS["a norm"]).summary()
    assert words.startswith("f(output): output ")
    assert "what is positive raises f(output); what is negative lowers it" in words


@pytest.mark.parametrize("method", ["gradient", "article"])
def test_other_methods_take_the_margin_that_is_named(method: str) -> None:
    net = body()
    e = hw.attribute(net, X, target=(1, None), method=method, progress=False)
    rest = net(X).detach()[0, [0, 2, 3]].softmax(0)
    pairs = [(1, 1.0), *zip([0, 2, 3], (-rest).tolist(), strict=True)]
    same = hw.attribute(net, X, target=pairs, method=method, progress=False)
    torch.testing.assert_close(e.attribution, same.attribution)
    assert e.summary().startswith(f"{e.trace.header.target.label}: margin ")
    own = e.faithfulness(score="logit", steps=3, random_orders=0)
    np.testing.assert_allclose(own.deletion, same.faithfulness(steps=3, random_orders=0).deletion, rtol=1e-5)
