"""Architectures that people use: all that makes their answers another than at the baseline reaches the input."""

from __future__ import annotations

import pytest
import torch
from helpers.architectures import ARCHITECTURES, architecture

import heapwidget as hw


def test_many_are_known() -> None:
    assert len(ARCHITECTURES) >= 45


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.filterwarnings("error")
def test_the_whole_change_reaches_the_input(name: str) -> None:
    net, x = architecture(name)
    with torch.no_grad():
        here, there = net(x)[0], net(torch.zeros_like(x))[0]
    target = int(here.argmax())
    e = hw.attribute(net, x, target=target, baseline=0, progress=False)
    change, size = float(here[target] - there[target]), float(e.attribution.abs().sum())
    assert size > 1e-3
    assert e.ledger.change == pytest.approx(change, abs=1e-4 * size)
    assert e.ledger.explained == pytest.approx(float(e.attribution.sum()), abs=1e-5 * size)
    assert e.ledger.explained + e.ledger.absorbed_total == pytest.approx(change, abs=1e-4 * size)
    # All their ops are shared out exactly.
    assert sum(map(abs, e.ledger.absorbed.values())) <= 0.01 * size


@pytest.mark.parametrize("name", ["ResNet", "EfficientNet", "Swin V2", "BERT", "Llama", "Mamba", "GRU, packed"])
def test_rounding_does_not_grow(name: str) -> None:
    """No difference of large numbers decides: in float32 all is nearly as in float64."""
    net, x = architecture(name)
    options = {"target": 0, "baseline": 0, "max_pops": 0, "progress": False}
    short = hw.attribute(net, x, **options).attribution
    exact = hw.attribute(net.double(), x.double(), **options).attribution
    assert float((short - exact).abs().sum() / exact.abs().sum()) < 1e-3
