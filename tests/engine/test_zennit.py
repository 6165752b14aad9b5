"""Composites that are Zennit's, beside Zennit itself, which the extra "bench" installs."""

from __future__ import annotations

import copy
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from helpers.benchmarks.peers import zennit
from helpers.nets import DIGIT
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.samples import lenet

pytestmark = pytest.mark.skipif(find_spec("zennit") is None, reason="Zennit is not installed: pip install '.[bench]'")

COMPOSITES = {
    "epsilon_plus": "EpsilonPlus",
    "epsilon_plus_flat": "EpsilonPlusFlat",
    "epsilon_gamma_box": "EpsilonGammaBox",
    "alpha2_beta1": "EpsilonAlpha2Beta1",
}
IMAGE = torch.rand(1, 2, 12, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def with_biases(*layers: nn.Module) -> nn.Module:
    """Layers in float64 with biases that count, and norms that do something."""
    torch.manual_seed(0)
    net = nn.Sequential(*layers).double().eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)
                nn.init.normal_(module.bias, std=0.3)
            elif isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 2)
                module.bias.normal_(std=0.3)
    return net


def convolutions() -> nn.Module:
    first = [nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU(), nn.MaxPool2d(2)]
    return with_biases(*first, nn.Conv2d(6, 4, 1), nn.Flatten(), nn.Linear(16, 9), nn.ReLU(), nn.Linear(9, 3))


def norms() -> nn.Module:
    first = [nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.BatchNorm2d(6)]
    return with_biases(*first, nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(150, 3))


def no_convolution() -> nn.Module:
    return with_biases(nn.Flatten(), nn.Linear(288, 9), nn.ReLU(), nn.Linear(9, 3))


CASES = {
    "digits": (lenet, DIGIT),
    "positive pixels": (convolutions, IMAGE),
    "pixels of both signs": (convolutions, IMAGE * 2 - 1),
    "batch norms": (norms, IMAGE),
    "no convolution": (no_convolution, IMAGE),
}


def theirs(net: nn.Module, x: Tensor, target: int, composite: str) -> Tensor:
    box = {"low": torch.zeros_like(x), "high": torch.ones_like(x)} if "Box" in composite else {}
    # Hooks go into the modules, so it gets some of its own.
    with zennit(copy.deepcopy(net), target, composite, **box) as relevance:
        return relevance(x)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.filterwarnings("ignore:.* has a rule of its own for convolutions")
def test_a_composite_is_zennits(name: str, case: str) -> None:
    made, x = CASES[case]
    net: Any = made()
    target = int(net(x).argmax())
    expected = theirs(net, x, target, COMPOSITES[name])
    e = hw.attribute(net, x, target=target, baseline=None, rule=name, max_pops=0, progress=False)
    # Their stabilisers are a millionth of a unit.
    torch.testing.assert_close(e.attribution, expected, rtol=0, atol=1e-3 * float(expected.abs().amax()))
