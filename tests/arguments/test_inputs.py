"""What people pass as x, and nets at the edge: with or without a batch axis, of any shape and float, dead or empty."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from helpers.nets import DIGIT, Fn, adds_up, mlp
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.samples import lenet

# --- The batch axis ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["relevance", "gradient"])
@pytest.mark.parametrize("batch", [2, 5])
def test_a_batch_of_several_is_refused(method: str, batch: int) -> None:
    with pytest.raises(ValueError, match=rf"x is a batch of {batch} inputs; explain one at a time, with x\[i:i\+1\]"):
        hw.attribute(lenet(), DIGIT.repeat(batch, 1, 1, 1), method=method)


@pytest.mark.parametrize("method", ["relevance", "gradient"])
@pytest.mark.parametrize("x", [DIGIT[0], DIGIT[0, 0]], ids=["channel", "plain"])
def test_an_image_without_its_batch_axis(method: str, x: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole, e = (hw.attribute(lenet(), a, method=method) for a in (DIGIT, x))
    assert e.attribution.shape == x.shape
    assert torch.equal(e.attribution.flatten(), whole.attribution.flatten())
    assert e.trace.header == whole.trace.header
    assert e.trace.header["layers"][0]["kind"] == "image"
    assert np.array_equal(e.order, whole.order)
    assert e.selected(0).shape == (28, 28)


@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_a_vector_without_its_batch_axis(method: str) -> None:
    x = torch.randn(1, 6)
    whole, e = (hw.attribute(mlp(6, 5, 3), a, method=method) for a in (x, x[0]))
    assert torch.equal(e.attribution, whole.attribution[0])
    assert e.trace.header["layers"] == whole.trace.header["layers"]


def test_an_image_without_its_batch_axis_before_batch_norm() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2))
    x = torch.rand(1, 3, 5, 5)
    assert torch.equal(hw.attribute(net, x[0]).attribution, hw.attribute(net, x).attribution[0])


def test_an_image_for_a_net_that_flattens_is_still_an_image() -> None:
    net = nn.Sequential(nn.Flatten(), *mlp(784, 20, 10))
    e = hw.attribute(net, DIGIT)
    assert e.trace.header["layers"][0]["kind"] == "image"
    assert e.trace.header["layers"][0]["box"] == [1, 1, 1]
    assert e.selected(e.trace.n_steps).shape == (28, 28)


def test_a_net_that_takes_no_such_x() -> None:
    with pytest.raises(ValueError, match=r"the net does not run on x of shape \(1, 5\): .*; pass one input as the net"):
        hw.attribute(mlp(6, 3), torch.randn(1, 5))


# --- Numbers that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_x_must_be_finite(bad: float, method: str) -> None:
    x = torch.randn(1, 6)
    x[0, 2] = bad
    with pytest.raises(ValueError, match="x holds NaN or infinite values; replace them first"):
        hw.attribute(mlp(6, 3), x, method=method)


@pytest.mark.parametrize("method", ["relevance", "gradient"])
@pytest.mark.parametrize("part", ["weight", "bias"])
def test_a_weight_that_is_not_finite_is_named(method: str, part: str) -> None:
    net = mlp(6, 5, 4, 3)
    with torch.no_grad():
        getattr(net[2], part)[0] = torch.nan
    with pytest.raises(ValueError, match=f"the weight '2.{part}' holds NaN or infinite values"):
        hw.attribute(net, torch.randn(1, 6), method=method)


def test_the_first_activation_that_is_not_finite_is_named() -> None:
    net = nn.Sequential(nn.Linear(4, 4), Fn(lambda t: t / (t - t)), nn.Linear(4, 2))
    with pytest.raises(ValueError, match=r"the activations of '1' \(div\) hold NaN or infinite values; they"):
        hw.attribute(net, torch.randn(1, 4))


def test_a_causal_mask_of_minus_infinity_is_meant() -> None:
    def attend(t: Tensor) -> Tensor:
        mask = torch.ones(3, 3, dtype=torch.bool).triu(1)
        return (t @ t.mT).masked_fill(mask, -torch.inf).softmax(-1) @ t

    net = nn.Sequential(Fn(attend), nn.Flatten(), nn.Linear(12, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adds_up(hw.attribute(net, torch.randn(1, 3, 4)))


# --- Small and degenerate nets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["zplus", "epsilon", "flat", "gamma", "alpha_beta"])
@pytest.mark.parametrize("x", [torch.zeros(1, 1, 28, 28), DIGIT, -DIGIT], ids=["zero", "digit", "negative"])
@pytest.mark.parametrize("bias", [True, False])
def test_dead_units_and_empty_images(rule: str, x: Tensor, bias: bool) -> None:
    net = lenet()
    with torch.no_grad():
        net.conv1.weight[:3] = 0
        for name, p in net.named_parameters():
            if "bias" in name and not bias:
                p.zero_()
    e = hw.attribute(net, x, rule=rule)
    assert e.attribution.isfinite().all()
    adds_up(e)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 1, 1), (1, 6)])
def test_one_pixel_one_layer(shape: tuple[int, ...]) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(shape[-1], 1, bias=False))
    e = hw.attribute(net, torch.ones(shape), rule=hw.epsilon(0))
    torch.testing.assert_close(e.attribution.flatten(), net[1].weight.detach()[0])
    adds_up(e)


@pytest.mark.parametrize(
    "net", [nn.Identity(), nn.ReLU(), nn.Flatten(), Fn(lambda t: t * 2), Fn(lambda t: t.roll(3, 1))]
)
@pytest.mark.parametrize("target", [None, lambda out: out[0, 1]], ids=["logit", "callable"])
def test_a_net_without_layers(net: nn.Module, target: Any) -> None:
    x = torch.tensor([[1.0, 3.0, 2.0]])
    e = hw.attribute(net, x, target=target)
    assert e.ledger.explained == e.ledger.target == float(net(x)[0, 1])
    assert int(e.attribution.argmax()) == 1
    assert e.trace.columns["explained"].tolist() == [e.ledger.target]
    assert e.bound == 0
    adds_up(e)


def test_a_part_of_the_output_may_be_input() -> None:
    """Relevance that starts on the input has arrived before the first pop."""
    linear = nn.Linear(3, 2, bias=False)
    net = Fn(lambda t: torch.cat([t, linear(t)], 1).sum())
    e = hw.attribute(net, torch.ones(1, 3), target=lambda out: out, floor=0.0)
    adds_up(e)
    explained = e.trace.columns["explained"]
    assert explained[-1] == pytest.approx(e.ledger.explained, rel=1e-5)


@pytest.mark.parametrize("shape", [(1, 5), (1, 5, 7), (1, 3, 4, 5, 6), (1, 4, 9, 9), (1, 1, 3, 4)])
def test_inputs_of_any_shape(shape: tuple[int, ...]) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3))
    e = hw.attribute(net, torch.rand(shape))
    # The first axis of several counts channels.
    assert e.selected(0).shape == (shape[2:] or shape[1:])
    assert e.attribution.shape == shape
    adds_up(e)


def test_memory_that_is_yet_to_be_written_is_no_activation(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.CircularPad2d(1), nn.Flatten(), nn.Linear(30, 2))
    # Fills fresh memory with NaN, which else only happens now and then.
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    torch.use_deterministic_algorithms(True)
    try:
        adds_up(hw.attribute(net, torch.rand(1, 1, 4, 3)))
    finally:
        torch.use_deterministic_algorithms(False)
