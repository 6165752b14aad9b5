"""Whatever mode the caller is in: inference, no gradients, autocast, another default dtype."""

from __future__ import annotations

import threading
import warnings

import pytest
import torch
from helpers.nets import adds_up
from torch import nn

import heapwidget as hw

X = torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("inference", [True, False])
@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_it_runs_in_any_mode(inference: bool, method: str) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Softmax(1), nn.Linear(8, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = hw.attribute(net, X, method=method)
        with torch.inference_mode() if inference else torch.no_grad():
            e = hw.attribute(net, X + 0, method=method)
            if method == "relevance":
                e.refine(max_pops=5, floor=1e-5)
    torch.testing.assert_close(e.attribution, plain.attribution)
    outside = hw.attribute(net, X, method=method) if method == "gradient" else e
    assert outside.attribution.shape == X.shape


def test_weights_made_in_inference_mode() -> None:
    with torch.inference_mode():
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 2))
    adds_up(hw.attribute(net, X))
    for method in ("gradient", "article"):
        with pytest.raises(ValueError, match=r"the weight '0\.weight' was made in inference mode"):
            hw.attribute(net, X, method=method)


@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_it_runs_under_autocast(method: str) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2))
    plain = hw.attribute(net, X, method=method)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        e = hw.attribute(net, X, method=method)
        if method == "relevance":
            e.refine(max_pops=3, floor=1e-5)
            adds_up(e)
    assert e.attribution.dtype == torch.float32
    assert float((e.attribution - plain.attribution).abs().max()) <= 0.1 * float(plain.attribution.abs().max())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_the_default_dtype_does_not_matter(dtype: torch.dtype) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    plain = hw.attribute(net, X)
    torch.set_default_dtype(dtype)
    try:
        e = hw.attribute(net, X)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(e.attribution, plain.attribution)


def test_it_runs_in_a_thread() -> None:
    """Only the main thread can mind Ctrl-C."""
    net, found = nn.Sequential(nn.Flatten(), nn.Linear(36, 2)), []
    thread = threading.Thread(target=lambda: found.append(hw.attribute(net, X)))
    thread.start()
    thread.join()
    assert torch.equal(found[0].attribution, hw.attribute(net, X).attribution)
