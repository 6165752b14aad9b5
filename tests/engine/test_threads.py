"""Several threads at once: each explanation is what it is alone, and nobody else notices."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from helpers.examples import NIGHTLY
from helpers.snapshots import snapshot, switches
from torch import Tensor, nn

import heapwidget as hw

THREADS, CALLS = 4, 50


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Threads take turns often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


def convolutions() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(864, 4))


class Attention(nn.Module):
    """Layers with switches of the whole process: fused attention, fused recurrence."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.recurrent, self.head = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(self.encoder(x))[0][:, -1])


def vector() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(8, 3))


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "convolutions": (convolutions, (1, 1, 12, 12)),
    "attention": (Attention, (1, 5, 8)),
    "vector": (vector, (1, 6)),
}


def made(name: str, seed: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(seed)
    make, shape = NETS[name]
    return make().train(), torch.rand(shape)


def at_once(work: list[Callable[[], Any]]) -> list[Any]:
    """What each gives, all begun together; the first error is raised."""
    start = threading.Barrier(len(work))

    def begin(one: Callable[[], Any]) -> Any:
        start.wait()
        return one()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(begin, work))


def explained(net: nn.Module, x: Tensor) -> tuple[Tensor, list[str]]:
    e = hw.attribute(net, x, progress=False)
    return e.attribution, [layer["label"] for layer in e.trace.header["layers"]]


@pytest.mark.parametrize("name", NETS)
def test_one_net_in_four_threads(name: str) -> None:
    net, x = made(name, 0)
    attribution, labels = explained(net, x)
    before, around = snapshot(net), switches()

    def visit() -> None:
        for _ in range(CALLS if NIGHTLY or name == "vector" else CALLS // 5):
            found, names = explained(net, x)
            assert torch.equal(found, attribution)
            assert names == labels

    at_once([visit] * THREADS)
    assert snapshot(net) == before
    assert switches() == around


def test_a_net_for_each_thread() -> None:
    nets = [made(name, seed) for seed in range(2) for name in NETS][:THREADS]
    alone = [explained(*one) for one in nets]
    around = switches()

    def visit(number: int) -> None:
        for _ in range(CALLS if NIGHTLY else CALLS // 2):
            found, names = explained(*nets[number])
            assert torch.equal(found, alone[number][0])
            assert names == alone[number][1]

    at_once([lambda n=n: visit(n) for n in range(THREADS)])
    assert switches() == around


def test_others_use_and_train_the_net_meanwhile() -> None:
    """Inference with the same net gives the same bits throughout, and training of another one its own losses."""
    net, x = made("convolutions", 0)
    net.eval()
    with torch.no_grad():
        answer = net(x)
    attribution, labels = explained(net, x)
    done = threading.Event()

    def explain() -> None:
        try:
            for _ in range(CALLS // 2):
                found, names = explained(net, x)
                assert torch.equal(found, attribution)
                assert names == labels
        finally:
            done.set()

    def ask() -> int:
        asked = 0
        while not done.is_set():
            with torch.no_grad():
                assert torch.equal(net(x), answer)
            assert not any(module.training for module in net.modules())
            asked += 1
        return asked

    def train(until: Callable[[int], bool]) -> list[float]:
        other = made("vector", 1)[0].eval()
        optimiser, losses = torch.optim.SGD(other.parameters(), 0.01), []
        while not until(len(losses)):
            optimiser.zero_grad()
            loss = other(torch.ones(2, 6)).square().sum()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
        return losses

    _, asked, losses = at_once([explain, ask, lambda: train(lambda n: done.is_set() and n > 0)])
    assert asked > 0
    assert losses == train(lambda n: n == len(losses))


class Drawing(nn.Module):
    """Draws numbers that no op of PyTorch shows, and may be stopped right afterwards."""

    def __init__(self, stopped: bool) -> None:
        super().__init__()
        self.linear, self.stopped = nn.Linear(3, 2), stopped

    def forward(self, x: Tensor) -> Tensor:
        random.random()
        np.random.rand()  # noqa: NPY002
        if self.stopped:
            raise KeyboardInterrupt
        return self.linear(x)


@pytest.mark.parametrize("stopped", [False, True], ids=["done", "stopped"])
def test_no_draw_stays_while_another_thread_stands_still(stopped: bool) -> None:
    """It waits in code that is not Python's own, as a debugger's, a server's or a test runner's does."""
    net, (inlet, outlet), ready = Drawing(stopped), os.pipe(), threading.Event()
    # Nobody takes the turn from the thread before it stands still.
    sys.setswitchinterval(60)
    thread = threading.Thread(target=lambda: (ready.set(), os.read(inlet, 1)))
    thread.start()
    ready.wait()
    try:
        before = snapshot(net)
        if stopped:
            with pytest.raises(KeyboardInterrupt):
                hw.attribute(net, torch.ones(1, 3), progress=False)
        else:
            hw.attribute(net, torch.ones(1, 3), progress=False)
        assert snapshot(net) == before
    finally:
        os.write(outlet, b".")
        thread.join()
        os.close(inlet)
        os.close(outlet)
