"""Other people's numbers: autograd, Captum's InputXGradient, and its LRP where that runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from captum.attr import LRP, DeepLift, InputXGradient
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from helpers.examples import examples
from helpers.nets import each
from helpers.random_nets import Net, joined_nets, nets
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.samples import digits, lenet

# Gradient times input is what epsilon = 0 gives where every unit is a sum, a maximum or a rectified one.
RECTIFIED = ["conv", "conv", "conv_bn", "twice", "grouped", "relu", "relu", "leaky", "turned", "flipped", "shuffled"]
RECTIFIED += ["cut", "detour", "max_pool", "dropout", "concat"]


class Chain(nn.Module):
    """A net that Captum's LRP accepts: modules only, each used once, flattened by hand."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()
        )
        self.hidden, self.relu, self.out = nn.Linear(100, 6), nn.ReLU(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.relu(self.hidden(self.features(x).flatten(1))))


def chain() -> tuple[Chain, Tensor]:
    return Chain().double().eval(), torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(3)).double()


def digit(i: int) -> Tensor:
    return digits().images[i : i + 1, None].float() / 255


def gradient_times_input(net: nn.Module, inputs: tuple[Tensor, ...], target: int) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in inputs]
    gradients = torch.autograd.grad(net(*leaves)[0, target], leaves, allow_unused=True, materialize_grads=True)
    return [gradient * x for gradient, x in zip(gradients, inputs, strict=True)]


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    drawn=st.one_of(
        nets(kinds=RECTIFIED, heads=["flat", "hidden"]), joined_nets(kinds=RECTIFIED, joins=["take up", "join"])
    )
)
@examples(60)
def test_epsilon_0_is_gradient_times_input(drawn: tuple[Net, Tensor | tuple[Tensor, ...]]) -> None:
    net, x = drawn
    expected = gradient_times_input(net, each(x), 1)
    found = hw.attribute(net, x, target=1, rule=hw.epsilon(0), progress=False)
    close = 1e-8 * max(1.0, float(found.trace.columns["pop_mass"].max(initial=0)))
    for part, wanted in zip(each(found.attribution), expected, strict=True):
        torch.testing.assert_close(part, wanted, rtol=1e-6, atol=close)


@pytest.mark.parametrize("i", [3, 8])
def test_epsilon_0_is_captums_input_times_gradient(i: int) -> None:
    net, x = lenet().double(), digit(i).double()
    expected = InputXGradient(net).attribute(x.clone().requires_grad_(), target=i)
    torch.testing.assert_close(hw.attribute(net, x, target=i, rule=hw.epsilon(0)).attribution, expected)


def captum_lrp(net: nn.Module, x: Tensor, target: int, rule: Callable[[], Any]) -> Tensor:
    linear = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for module in linear:
        module.rule = rule()
    return LRP(net).attribute(x.clone().requires_grad_(), target=target).detach()


@pytest.mark.parametrize("e", [1e-4, 0.25])
def test_epsilon_is_captums(e: float) -> None:
    net, x = chain()
    expected = captum_lrp(net, x, 1, lambda: EpsilonRule(e))
    # Captum adds 1e-9 of its own to every denominator.
    torch.testing.assert_close(
        hw.attribute(net, x, target=1, rule=hw.epsilon(e)).attribution, expected, rtol=1e-4, atol=1e-9
    )


def test_zplus_is_captums_alpha_1_beta_0() -> None:
    net, x = chain()
    expected = captum_lrp(net, x, 2, lambda: Alpha1_Beta0_Rule(set_bias_to_zero=True))
    torch.testing.assert_close(hw.attribute(net, x, target=2).attribution, expected, rtol=1e-4, atol=1e-8)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("i", [0, 2])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Softplus, nn.ELU])
def test_epsilon_on_changes_is_captums_deeplift(activation: type[nn.Module], i: int) -> None:
    """Where Captum's multipliers add up: not behind two functions in a row, nor behind maxima."""
    torch.manual_seed(1)
    features = [nn.Conv2d(2, 4, 3), activation(), nn.AvgPool2d(2, 1), nn.Conv2d(4, 3, 2, stride=2), nn.Sigmoid()]
    net = nn.Sequential(*features, nn.Flatten(), nn.Linear(27, 5), nn.Tanh(), nn.Linear(5, 3)).double().eval()
    x, base = torch.randn(2, 1, 2, 9, 9, dtype=torch.float64)
    expected = DeepLift(net).attribute(x, baselines=base, target=i)
    found = hw.attribute(net, x, target=i, baseline=base, rule="epsilon", progress=False)
    torch.testing.assert_close(found.attribution, expected.detach(), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (LRP, "being used more than once in the network, which is not supported by LRP"),
        (DeepLift, "if your module is being used more than once in the network"),
    ],
)
def test_captum_refuses_the_articles_net(method: type, message: str) -> None:
    x = digit(7)
    refused = method(lenet())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(RuntimeError, match=message):
            refused.attribute(x, target=7)
    ledger = hw.attribute(lenet(), x, target=7).ledger
    assert ledger.explained + ledger.absorbed_total == pytest.approx(ledger.target, rel=1e-4)
    assert ledger.explained > 0.9 * ledger.target


@pytest.mark.parametrize("floor", [0.0, 1e-2])
@pytest.mark.parametrize("rule", ["zplus", "epsilon", "flat", "gamma", "alpha_beta", "epsilon_plus_flat"])
@pytest.mark.parametrize("i", [0, 1, 7, 19])
def test_pixels_and_absorbed_make_up_the_logit(i: int, rule: str, floor: float) -> None:
    net, x = lenet(), digit(i)
    logits = net(x)[0].detach()
    e = hw.attribute(net, x, rule=rule, floor=floor)
    assert e.ledger.target == pytest.approx(float(logits.max()), rel=1e-6)
    size = max(float(logits.abs().max()), float(e.trace.columns["pop_mass"].max()))
    assert abs(float(e.attribution.sum()) + e.ledger.absorbed_total - e.ledger.target) <= 1e-4 * size
