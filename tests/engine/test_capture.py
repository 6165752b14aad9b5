"""The net, the input and the world around are left exactly as they were found."""

from __future__ import annotations

import contextlib
import random
from collections import deque
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.named import named
from helpers.nets import Fn
from torch import Tensor, nn
from torch.nn.modules import module as hooks

import heapwidget as hw

Snapshot = dict[str, Any]


def frozen(value: Any) -> Any:
    """A copy that compares by value."""
    if isinstance(value, Tensor):
        return (
            value.dtype,
            tuple(value.shape),
            value.requires_grad,
            value.detach().clone().double().nan_to_num().tolist(),
        )
    if isinstance(value, dict):
        return [(str(k), frozen(v)) for k, v in value.items()]
    if isinstance(value, list | tuple | deque | set):
        return [frozen(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else id(value)


def snapshot(net: nn.Module) -> Snapshot:
    """All that a run could change, of the net and of the world around it."""
    state: Snapshot = {"state_dict": frozen(dict(net.state_dict()))}
    for name, module in net.named_modules():
        state[f"{name} attributes"] = frozen({k: v for k, v in module.__dict__.items() if not k.startswith("_forward")})
        state[f"{name} hooks"] = [list(module._forward_hooks), list(module._forward_pre_hooks)]
        state[f"{name} backward hooks"] = [list(module._backward_hooks), list(module._backward_pre_hooks)]
    for name, parameter in net.named_parameters():
        state[f"{name} grad"] = frozen(parameter.grad), id(parameter.grad), parameter.requires_grad, id(parameter)
    for kind in ("forward", "forward_pre", "backward", "backward_pre"):
        state[f"global {kind}"] = list(getattr(hooks, f"_global_{kind}_hooks"))
    state["random"] = random.getstate(), frozen(torch.get_rng_state())
    state["numpy"] = [str(part) for part in np.random.get_state()]  # noqa: NPY002 - what nets may use
    state["modes"] = (
        torch.is_grad_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_inference_mode_enabled(),
    )
    return state


class Busy(nn.Module):
    """Does all that a forward should not."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.drop = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)
        self.head = nn.Linear(2 * 4 * 4, 3)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("last", torch.zeros(1, 1, 6, 6))
        self.register_buffer("average", torch.zeros(3), persistent=False)
        self.seen: list[int] = [1]
        self.recent: deque[int] = deque([4], maxlen=3)
        self.table: dict[str, int] = {"a": 1}
        self.plain = torch.zeros(3)
        self.fail = False

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last.copy_(x)
        self.new_attribute = x.mean()
        self.seen.append(len(self.seen))
        self.recent.append(5)
        self.table["b"] = 2
        self.table.pop("a", None)
        self.plain += 1
        self.register_buffer("late", torch.ones(2))
        self.head.weight.requires_grad = False
        self.head.bias.grad = None
        random.random()
        np.random.rand()  # noqa: NPY002
        torch.rand(3)
        self.conv.register_forward_hook(lambda *_: None)
        self.drop.train()
        h = self.drop(F.relu(self.norm(self.conv(x)), inplace=True))
        out = self.head(h.flatten(1))
        self.average.mul_(0.9).add_(out[0] * 0.1)
        if self.fail:
            raise KeyError("a layer of mine")
        return out


@pytest.fixture
def busy() -> Busy:
    net = Busy()
    net(torch.randn(1, 1, 6, 6)).sum().backward()
    net.train()
    net.norm.eval()
    net.conv.weight.requires_grad_(False)
    net.head.bias.grad = torch.ones(3)
    return net


X = torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(1))


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
