"""The net, the input and the world around are left exactly as they were found."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch
from helpers.busy import Busy, X
from helpers.named import named
from helpers.nets import Fn
from helpers.snapshots import snapshot
from torch import nn
from torch.nn.modules import module as hooks

import heapwidget as hw


@pytest.fixture
def busy() -> Busy:
    net = Busy()
    net(torch.randn(1, 1, 6, 6)).sum().backward()
    net.train()
    net.norm.eval()
    net.conv.weight.requires_grad_(False)
    net.head.bias.grad = torch.ones(3)
    return net


@pytest.mark.parametrize("options", [{}, {"method": "gradient"}, {"target": lambda out: out.sum()}], ids=named)
def test_the_net_is_left_as_it_was_found(busy: Busy, options: dict[str, Any]) -> None:
    x = X.clone()
    before, version = snapshot(busy), x._version
    hw.attribute(busy, x, **options)
    assert snapshot(busy) == before
    assert torch.equal(x, X)
    assert x._version == version


@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_the_net_is_left_as_it_was_found_when_it_raises(busy: Busy, method: str) -> None:
    busy.fail = True
    before = snapshot(busy)
    with pytest.raises(Exception, match="a layer of mine"):
        hw.attribute(busy, X, method=method)
    assert snapshot(busy) == before


@pytest.mark.filterwarnings("ignore:no rule for")
def test_the_net_is_left_as_it_was_found_when_an_op_is_refused(busy: Busy) -> None:
    net = nn.Sequential(busy, Fn(lambda t: torch.histc(t, 4)[None]))
    before = snapshot(net)
    with pytest.raises(hw.UnsupportedOpError, match=r"aten.histc.*module '1'"):
        hw.attribute(net, X)
    assert snapshot(net) == before


def test_the_net_is_left_as_it_was_found_by_what_comes_later(busy: Busy) -> None:
    before = snapshot(busy)
    e = hw.attribute(busy, X, max_pops=3)
    e.refine(max_pops=5)
    repr(e.view())
    _ = e.ledger, e.attribution, e.pops, e.bound
    assert snapshot(busy) == before


def test_batch_norm_keeps_its_statistics() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 2)).train()
    before = snapshot(net)
    hw.attribute(net, X)
    hw.attribute(net, X, method="gradient")
    assert snapshot(net) == before


@pytest.mark.parametrize("grad", [True, False])
def test_hooks_of_others_stay_and_run(grad: bool) -> None:
    net, x, runs = nn.Linear(4, 2), torch.randn(1, 4), []
    net.register_forward_hook(lambda *_: runs.append("own"))
    handle = hooks.register_module_forward_hook(lambda *_: runs.append("global"))
    try:
        before = snapshot(net)
        with torch.set_grad_enabled(grad):
            hw.attribute(net, x)
        assert snapshot(net) == before
    finally:
        handle.remove()
    assert {"own", "global"} <= set(runs)


def test_x_may_be_part_of_a_graph() -> None:
    leaf = torch.randn(1, 4, requires_grad=True)
    e = hw.attribute(nn.Linear(4, 2), leaf * 2)
    assert leaf.grad is None
    assert not e.attribution.requires_grad


@pytest.mark.parametrize(("verify", "times"), [(False, 1), (True, 2)])
def test_the_net_runs_once_and_once_more_to_compare(verify: bool, times: int) -> None:
    net, runs = nn.Linear(4, 2), []
    net.register_forward_hook(lambda *_: runs.append(1))
    hw.attribute(net, torch.randn(1, 4), verify=verify)
    assert len(runs) == times


def test_a_failing_net_can_be_explained_afterwards(busy: Busy) -> None:
    busy.fail = True
    with contextlib.suppress(Exception):
        hw.attribute(busy, X)
    busy.fail = False
    assert hw.attribute(busy, X).ledger.target
