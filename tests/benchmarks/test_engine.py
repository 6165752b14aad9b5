"""The engine's figures: time against its own forward and backward, against the article's loop, and in pops a second."""

import heapq
import time

import numpy as np
import torch
from helpers.benchmarks.figures import Figures, best, best_of_both
from helpers.benchmarks.peers import torchlens_trace
from helpers.benchmarks.resnet import resnet18
from helpers.benchmarks.yardstick import rounds
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.capture import record


def digit() -> Tensor:
    return hw.samples.digits().images[7:8, None].float() / 255


def forward_backward(net: nn.Module, x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(net(leaf).sum(), leaf)
    return grad


def test_attribute_of_a_digit(figures: Figures) -> None:
    net, x = hw.samples.lenet(), digit()
    seconds, yardstick = best_of_both(lambda: hw.attribute(net, x), lambda: rounds(1000), repeats=15)
    figures.against("attribute(lenet, digit), defaults, warm", seconds, yardstick, 5, f"{seconds * 1e3:.0f} ms")
    peer = best(lambda: forward_backward(net, x), repeats=15)
    figures.note("  against one forward + backward", f"{seconds / peer:.1f}x of {peer * 1e3:.2f} ms")


def test_unit_walk(figures: Figures) -> None:
    net, x = hw.samples.lenet(), digit()
    costs, yardsticks = [], []
    for _ in range(15):
        yardsticks.append(rounds(1000))
        explanation = hw.attribute(net, x, nodes="unit", max_pops=0, progress=False)
        start = time.process_time()
        explanation.relevance.walk.lower_floor(1e-5)
        pops = explanation.relevance.walk.run(1_000_000)
        costs.append(1000 * (time.process_time() - start) / pops)
    shown = f"{1000 / min(costs):,.0f} pops/s"
    figures.against(f"1,000 pops of a unit-node walk, LeNet, of {pops:,}", min(costs), min(yardsticks), 2, shown)


def test_gradient(figures: Figures) -> None:
    net, x = resnet18(), torch.rand(1, 3, 224, 224)
    seconds, peer = best_of_both(lambda: hw.attribute(net, x, method="gradient"), lambda: forward_backward(net, x))
    figures.at_most("method='gradient', 3x224x224, over forward + backward", seconds / peer, 1.5, "x")

    def article() -> None:
        grad = forward_backward(net, x)[0]
        heap: list[tuple[Tensor, tuple[int, ...]]] = []
        for index in np.ndindex(*grad.shape):
            heapq.heappush(heap, (grad[index], index))
        while heap:
            heapq.heappop(heap)

    start = time.process_time()
    article()
    figures.at_least("  the article's loop, over it", (time.process_time() - start) / seconds, 20, "x")


def test_recording(figures: Figures) -> None:
    net, x = resnet18(), torch.rand(1, 3, 224, 224)

    def plain() -> None:
        with torch.no_grad():
            net(x)

    seconds, peer = best_of_both(lambda: record(net, x), plain, repeats=15)
    figures.at_most("recording a ResNet-18-sized net, over a plain forward", seconds / peer, 1.3, "x")
    torchlens, peer = best_of_both(lambda: torchlens_trace(net, x), plain, repeats=3)
    figures.note("  TorchLens, over a plain forward", f"{torchlens / peer:.1f} x")
