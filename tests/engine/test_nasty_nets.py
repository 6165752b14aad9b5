"""Nets with nasty habits: the number that is explained is the net's own, or it is refused, and nothing is different."""

from __future__ import annotations

import contextlib
import copy
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.snapshots import snapshot, switches
from torch import Tensor, nn

import heapwidget as hw

WIDTH = 6
KEPT: list[Tensor] = []
GLOBAL = torch.zeros(WIDTH)

Habit = Callable[["Nasty", Tensor], Tensor]


def peeks_with_numpy(net: Nasty, h: Tensor) -> Tensor:
    return h * (int(np.argmax(h.detach().cpu().numpy())) + 1)


def peeks_at_lists(net: Nasty, h: Tensor) -> Tensor:
    return h + max(h.tolist()[0])


def peeks_at_items(net: Nasty, h: Tensor) -> Tensor:
    return h * 2 if h[0, 0].item() > 0 else h - 1


def keeps_outside(net: Nasty, h: Tensor) -> Tensor:
    KEPT.append(h)
    del KEPT[:-2]
    return h + KEPT[-1].detach() / 2


def keeps_inside(net: Nasty, h: Tensor) -> Tensor:
    net.seen.append(h)
    net.table["last"] = h.detach()
    return h + len(net.seen)


def has_a_cache(net: Nasty, h: Tensor) -> Tensor:
    if net.cache is None:
        net.cache = h.detach().abs().mean()
    return h / (1 + net.cache)


def writes_in_place(net: Nasty, h: Tensor) -> Tensor:
    h = h.clone()
    h[:, 0] *= 2
    h[:, 1:3] += h[:, 3:5]
    return h.add_(1).relu_()


def writes_through_views(net: Nasty, h: Tensor) -> Tensor:
    h = h * 1
    row = h.view(2, -1)
    row[0].mul_(3)
    row.t()[1:].sub_(0.5)
    return h


def writes_slices(net: Nasty, h: Tensor) -> Tensor:
    out = torch.empty_like(h)
    for i in range(WIDTH):
        out[:, i] = h[:, (i + 1) % WIDTH] * i
    return out


def writes_into_x(net: Nasty, h: Tensor) -> Tensor:
    h.clamp_(-1, 1)
    return h


def writes_buffers(net: Nasty, h: Tensor) -> Tensor:
    net.calls += 1
    net.mean.mul_(0.9).add_(h[0].detach() * 0.1)
    return h - net.mean * net.calls


def writes_weights(net: Nasty, h: Tensor) -> Tensor:
    with torch.no_grad():
        net.inner.weight.clamp_(-0.3, 0.3)
    net.inner.bias.data = net.inner.bias.data * 0.5
    return net.inner(h)


def writes_globals(net: Nasty, h: Tensor) -> Tensor:
    GLOBAL.add_(h[0].detach())
    return h + GLOBAL


def sets_switches(net: Nasty, h: Tensor) -> Tensor:
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    return h + torch.ones(WIDTH).to(h)


def draws(net: Nasty, h: Tensor) -> Tensor:
    noise = torch.randn(WIDTH) * 0.1 + random.random() + float(np.random.rand())  # noqa: NPY002 - what nets do
    return h + noise + nn.functional.dropout(h, 0.3, training=True)


def seeds(net: Nasty, h: Tensor) -> Tensor:
    torch.manual_seed(3)
    random.seed(4)
    np.random.seed(5)  # noqa: NPY002 - what nets do
    return h * torch.rand(WIDTH)


def draws_of_its_own(net: Nasty, h: Tensor) -> Tensor:
    return h * torch.rand(WIDTH, generator=net.generator) + float(net.numbers.random())


def calls_by_name(net: Nasty, h: Tensor) -> Tensor:
    return getattr(net, f"in{'ner'}")(h) + net.get_submodule("listed")(h)


def calls_unlisted(net: Nasty, h: Tensor) -> Tensor:
    return net.unlisted[0](h)


def recurs(net: Nasty, h: Tensor) -> Tensor:
    if net.depth < 2:
        net.depth += 1
        h = net(h) if h.shape[-1] == WIDTH else h
        net.depth -= 1
        return h[:, :1] + torch.zeros(1, WIDTH)
    return h


def reshapes_in_place(net: Nasty, h: Tensor) -> Tensor:
    h = h * 1
    h.unsqueeze_(0).transpose_(1, 2)
    return h.reshape(1, WIDTH)


def changes_itself(net: Nasty, h: Tensor) -> Tensor:
    net.new = nn.Linear(WIDTH, WIDTH).to(h)
    net.new.requires_grad_(False)
    net.new.weight.fill_(0.1)
    net.register_buffer("late", torch.ones(2))
    net.inner.train()
    net.inner.weight.requires_grad_(False)
    net.inner.register_forward_hook(lambda *_: None)
    return net.new(h)


def takes_gradients(net: Nasty, h: Tensor) -> Tensor:
    with torch.enable_grad():
        point = h.detach().requires_grad_()
        (grad,) = torch.autograd.grad(net.inner(point).tanh().sum(), point)
    return h + grad


def goes_through_numpy(net: Nasty, h: Tensor) -> Tensor:
    return h + torch.from_numpy(np.tanh(h.detach().numpy()))


HABITS: list[Habit] = [
    peeks_with_numpy,
    peeks_at_lists,
    peeks_at_items,
    keeps_outside,
    keeps_inside,
    has_a_cache,
    writes_in_place,
    writes_through_views,
    writes_slices,
    writes_into_x,
    writes_buffers,
    writes_weights,
    writes_globals,
    sets_switches,
    draws,
    seeds,
    draws_of_its_own,
    calls_by_name,
    calls_unlisted,
    recurs,
    reshapes_in_place,
    changes_itself,
    takes_gradients,
    goes_through_numpy,
]


class Nasty(nn.Module):
    """Some habits, one after another, between two products."""

    def __init__(self, habits: list[Habit], rng: random.Random) -> None:
        super().__init__()
        torch.manual_seed(rng.randrange(1000))
        self.habits = habits
        self.inner, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 3)
        self.listed = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(inplace=True))
        self.unlisted = [nn.Linear(WIDTH, WIDTH)]
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.seen: list[Tensor] = []
        self.table: dict[str, Any] = {}
        self.cache: Tensor | None = None
        self.depth = 0
        self.generator, self.numbers = torch.Generator().manual_seed(7), np.random.default_rng(8)
        self.heard: list[np.ndarray] = []
        if rng.random() < 0.5:
            self.inner.register_forward_hook(lambda _m, _args, out: out * 2)
        if rng.random() < 0.5:
            self.listed.register_forward_pre_hook(lambda _m, args: (args[0] + 1,))
        if rng.random() < 0.5:
            self.head.register_forward_hook(self.hear)

    def hear(self, _module: nn.Module, _args: Any, out: Tensor) -> None:
        self.heard.append(out.detach().numpy().copy())

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for i, habit in enumerate(self.habits):
            h = habit(self, self.listed(h) if i == 1 else h).to(x)
        return self.head(h)


def own(net: nn.Module, x: Tensor) -> Tensor:
    """What a net gives by itself, in eval mode, from the present random states; those are put back."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    dtype, deterministic, before = (
        torch.get_default_dtype(),
        torch.are_deterministic_algorithms_enabled(),
        GLOBAL.clone(),
    )
    try:
        with torch.no_grad():
            return copy.deepcopy(net).eval()(x.clone())
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(deterministic)
        GLOBAL.copy_(before)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("block", range(10))
def test_the_number_is_the_nets_own(block: int) -> None:
    refused = 0
    for seed in range(50):
        rng = random.Random(1000 * block + seed)
        net = Nasty(rng.sample(HABITS, rng.randrange(1, 6)), rng)
        net.train(rng.random() < 0.5)
        x = torch.randn(1, WIDTH)
        want = own(net, x)
        before, around, kept = snapshot(net), switches(), GLOBAL.clone()
        given = x.clone()
        names = [habit.__name__ for habit in net.habits]
        e = None
        with contextlib.suppress(hw.UnsupportedOpError, ValueError):
            e = hw.attribute(net, x, target=1, progress=False)
        if e is None:
            refused += 1
        else:
            ledger = e.ledger
            assert ledger.target == pytest.approx(float(want[0, 1]), rel=1e-4, abs=1e-5), names
            assert ledger.explained + ledger.absorbed_total == pytest.approx(ledger.target, rel=1e-3, abs=1e-4), names
        assert snapshot(net) == before, names
        assert switches() == around, names
        assert torch.equal(GLOBAL, kept), names
        assert torch.equal(x, given), names
        assert all(type(t) is Tensor for t in KEPT), names
    assert refused <= 2


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.__name__)
def test_each_habit_alone(habit: Habit) -> None:
    rng = random.Random(5)
    net, x = Nasty([habit], rng), torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(2))
    want, before = own(net, x), snapshot(net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        e = hw.attribute(net, x, target=1, progress=False)
    assert e.ledger.target == pytest.approx(float(want[0, 1]), rel=1e-5)
    assert snapshot(net) == before


def test_what_a_net_keeps_outside_are_plain_tensors_with_their_numbers(tmp_path: Any) -> None:
    KEPT.clear()
    net, x = Nasty([keeps_outside], random.Random(5)), torch.randn(1, WIDTH)
    hw.attribute(net, x, progress=False)
    assert torch.equal(KEPT[-1], x)
    torch.save(KEPT, tmp_path / "kept.pt")
    assert torch.equal(torch.load(tmp_path / "kept.pt")[-1], x)
    KEPT.clear()
