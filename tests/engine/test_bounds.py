"""Bounds where an op gives none: infinite, never wrong, and no number that is none."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from helpers.nets import Fn, adds_up
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.ops import generic


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> tuple[nn.Module, Tensor]:
    """A net with an op that has no rule and counts as too large for its Jacobian."""
    monkeypatch.setattr(generic, "JACOBIAN_LIMIT", 0)
    torch.manual_seed(0)
    below = nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5)
    above = nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)
    return nn.Sequential(*below, Fn(lambda t: t.logcumsumexp(-1)), *above).double(), torch.randn(1, 6).double()


def attribute(net: nn.Module, x: Tensor, **options: Any) -> hw.Explanation:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="no rule for|.* lies on inputs that change it the other way")
        return hw.attribute(net, x, floor=0.0, **options)


@pytest.mark.parametrize("rule", ["zplus", "epsilon"])
@pytest.mark.parametrize("nodes", ["unit", "layer"])
@pytest.mark.parametrize("pops", [0, 3, 10**4])
def test_nothing_is_certified_above_an_op_without_a_bound(
    unbounded: tuple[nn.Module, Tensor], rule: str, nodes: str, pops: int
) -> None:
    e = attribute(*unbounded, rule=rule, nodes=nodes, max_pops=pops)
    bound, layers = e.trace.columns["bound"], e.pops["layer"]
    assert not np.isnan(bound).any()
    assert np.isinf(bound[layers == "6"]).all()
    assert e.bound == 0
    adds_up(e)
    torch.testing.assert_close(e.attribution, attribute(*unbounded, rule=rule, max_pops=0).attribution)
    # Below that op the finishing passes certify again.
    if not pops:
        assert np.isfinite(bound[(layers == "2") & (e.pops["phase"] == "finish")]).all()


def test_there_is_no_order_by_a_bound_that_is_none(unbounded: tuple[nn.Module, Tensor]) -> None:
    with pytest.raises(ValueError, match="priority='bound' needs a bound"):
        attribute(*unbounded, priority="bound")


@pytest.mark.parametrize(
    "op",
    [torch.sqrt, lambda t: t.pow(0.5), lambda t: t / t[:, ::2].norm().clamp(min=1e-9), lambda t: t.cummax(1)[0]],
    ids=["square root", "power", "norm", "running maximum"],
)
def test_a_derivative_that_is_not_finite_passes_nothing(op: Any) -> None:
    linear, x = nn.Linear(4, 2).double(), torch.tensor([[0.0, 4.0, 0.0, 9.0]]).double()
    e = attribute(nn.Sequential(Fn(op), linear), x, target=lambda out: out.sum())
    assert e.attribution.isfinite().all()
    adds_up(e, close=1e-9)
