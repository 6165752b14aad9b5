"""`method="gradient"` is the founding article's code: same nodes, same order, same numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import article
from helpers.replay import replay
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.samples import digits, lenet


def cases() -> list[tuple[nn.Module, Tensor]]:
    found = []
    for seed in range(6):
        torch.manual_seed(seed)
        found.append((article.LeNet(), torch.randn(1, 1, 28, 28)))
    images = digits().images
    return found + [(lenet(), images[i : i + 1, None].float() / 255) for i in (0, 7, 123)]


@pytest.mark.parametrize("case", range(9))
def test_same_nodes_same_order_same_numbers(case: int) -> None:
    net, image = cases()[case]
    expected = article.pops(net, image)
    e = hw.attribute(net, image, method="gradient", order="ascending")
    assert e.order.tolist() == [index for _, index in expected]
    assert e.trace.columns["pop_mass"].tolist() == [value for value, _ in expected]
    assert e.attribution.flatten().tolist() == [value for value, _ in sorted(expected, key=lambda pair: pair[1])]
    assert replay(e.trace, 784).selected == e.order.tolist()


@pytest.mark.parametrize("case", [0, 6])
def test_descending_is_largest_first_and_ties_go_to_the_smaller_pixel(case: int) -> None:
    net, image = cases()[case]
    expected = sorted(article.pops(net, image), key=lambda pair: (-pair[0], pair[1]))
    e = hw.attribute(net, image, method="gradient")
    assert e.order.tolist() == [index for _, index in expected]
    assert e.trace.header["order"] == "descending"


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_ties_go_to_the_smaller_pixel(order: str) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 1, bias=False))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor([[1.0, -1.0, 1.0, 0.0, -1.0, 0.0]]))
    e = hw.attribute(net, torch.ones(1, 1, 2, 3), method="gradient", order=order)
    assert e.order.tolist() == ([1, 4, 3, 5, 0, 2] if order == "ascending" else [0, 2, 3, 5, 1, 4])


def test_header_claims_nothing_that_gradients_do_not_keep() -> None:
    net, image = cases()[6]
    e = hw.attribute(net, image, method="gradient", order="ascending")
    header = e.trace.header
    assert not header["conserved"]
    value = pytest.approx(float(net(image).detach().sum()))
    assert header["target"] == {"label": "Σ outputs", "index": None, "value": value}
    assert header["phases"] == {"walk": 0, "finish": 0, "collect": 784}
    assert np.isnan(e.bound)
    with pytest.raises(ValueError, match="method='gradient' conserves nothing"):
        _ = e.ledger


def test_a_target_changes_what_is_differentiated() -> None:
    net, image = cases()[6]
    leaf = image.clone().requires_grad_()
    logits = net(leaf)[0]
    (expected,) = torch.autograd.grad(logits[7] - logits[1], leaf)
    torch.testing.assert_close(hw.attribute(net, image, method="gradient", target=(7, 1)).attribution, expected)


def test_the_script_runs() -> None:
    script = Path(article.__file__)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    lines = done.stdout.split("\n")[:-1]
    torch.manual_seed(0)
    e = hw.attribute(article.LeNet(), torch.randn(1, 1, 28, 28), method="gradient", order="ascending")
    keys = e.attribution.flatten().tolist()
    assert lines == [f"{node} {keys[node]}" for node in e.order.tolist()]
