"""Every device that is there, and every float: the same explanation, to what the float can hold."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from helpers.nets import adds_up
from helpers.zoo import animal

import heapwidget as hw

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")),
    pytest.param("mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no Metal here")),
]
# How far a net's own numbers may be off in this float.
CLOSE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 0.15, torch.float16: 0.02}
# All kinds of layers, moves and places that make tensors of their own.
NAMES = [
    "residual",
    "mobile with gates",
    "U-shaped",
    "vision transformer",
    "shifted windows",
    "LSTM",
    "norms",
    "gathered",
]


@pytest.mark.filterwarnings("ignore:no rule for")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", CLOSE, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_every_float_on_every_device(name: str, dtype: torch.dtype, device: str) -> None:
    if device == "mps" and dtype == torch.float64:
        pytest.skip("Metal has no float64")
    net, x = animal(name)
    # One net in the float's own numbers, once in doubles and once in that float.
    net, x = net.to(dtype), x.to(dtype)
    exact = hw.attribute(copy.deepcopy(net).double(), x.double(), target=1, rule="zplus", progress=False)
    e = hw.attribute(net.to(device), x.to(device), target=1, rule="zplus", max_pops=50, progress=False)
    e.refine(max_pops=20, floor=0.0)
    assert (e.attribution.dtype, e.attribution.device.type) == (dtype, device)
    assert {p.device.type for p in net.parameters()} == {device}
    size = max(abs(exact.ledger.target), float(exact.attribution.abs().max()))
    assert e.ledger.target == pytest.approx(exact.ledger.target, abs=CLOSE[dtype] * size)
    found = e.attribution.double().cpu().numpy()
    np.testing.assert_allclose(found, exact.attribution.numpy(), rtol=0, atol=2 * CLOSE[dtype] * size)
    adds_up(e, close=1e-4 if dtype != torch.float64 else 1e-9)
    assert e.bound == 0


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("method", ["gradient", "article"])
def test_other_methods_on_every_device(method: str, device: str) -> None:
    net, x = animal("residual")
    net, x = net.float().to(device), x.float().to(device)
    e = hw.attribute(net, x, target=1, method=method, nodes="layer", progress=False)
    assert e.attribution.device.type == device
    assert e.attribution.isfinite().all()


@pytest.mark.parametrize("device", DEVICES)
def test_rules_of_ones_own_on_every_device(device: str) -> None:
    net, x = animal("functional only")
    net, x = net.float().to(device), x.float().to(device)
    plain = hw.attribute(net, x, rule="epsilon", progress=False)
    with hw.register_rule("aten.convolution", "linear"):
        e = hw.attribute(net, x, rule="epsilon", progress=False)
    torch.testing.assert_close(e.attribution, plain.attribution, rtol=1e-3, atol=1e-4)
    with hw.register_rule("aten.relu", lambda inputs, output, relevance: [relevance / 2]):
        halved = hw.attribute(net, x, rule="epsilon", progress=False)
    adds_up(halved)
    assert ("relu", "rule") in halved.ledger.absorbed
