"""A net of today's size: EfficientNet-Lite0 on a photograph, 7 million units, one thread."""

import copy
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers.benchmarks import efficientnet
from helpers.benchmarks.figures import Figures, best_of_both
from helpers.benchmarks.peers import zennit
from helpers.benchmarks.yardstick import POSITION, rounds
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.walk.search import Walk

TIGER_CAT = 282


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return efficientnet.net()


@pytest.fixture(scope="module")
def cat() -> Tensor:
    return efficientnet.cat()


def walk_of(net: nn.Module, x: Tensor, **options: object) -> Walk:
    """A walk that has not begun."""
    explanation = hw.attribute(net, x, target=TIGER_CAT, max_pops=0, progress=False, **options)
    assert explanation.relevance is not None
    return explanation.relevance.walk


def forward_backward(net: nn.Module, x: Tensor) -> Callable[[], Tensor]:
    def run() -> Tensor:
        leaf = x.clone().requires_grad_()
        (grad,) = torch.autograd.grad(net(leaf)[0, TIGER_CAT], leaf)
        return grad

    return run


def test_whole_layer_pass(figures: Figures, net: nn.Module, cat: Tensor) -> None:
    """The pass: what finishes a walk that has not begun. Zennit's figure is that of all it does from net and input on,
    so it stands beside all of `attribute` without a walk: recording, graph, rules, pass, trace.
    """
    peer = forward_backward(net, cat)
    alone, plain = best_of_both(walk_of(net, cat).finish, peer)
    figures.at_most("whole-layer pass, EfficientNet-Lite0, zplus, over forward + backward", alone / plain, 3, "x")

    def attribute(verify: bool = False) -> hw.Explanation:
        return hw.attribute(net, cat, target=TIGER_CAT, max_pops=0, progress=False, verify=verify)

    whole, plain = best_of_both(attribute, peer)
    figures.note("  from net and input to attribution, without a walk", f"{whole / plain:.2g} x")
    whole, plain = best_of_both(lambda: attribute(verify=True), peer)
    figures.note("  the same, with the plain run that it is compared with", f"{whole / plain:.2g} x")
    # Zennit hooks into the modules, so it gets some of its own.
    with zennit(copy.deepcopy(net), TIGER_CAT) as relevance:
        whole, theirs = best_of_both(attribute, lambda: relevance(cat))
    figures.at_most("  the same, over Zennit's EpsilonPlus", whole / theirs, 1, "x")


def test_position_walk(figures: Figures, net: nn.Module, cat: Tensor) -> None:
    """The heap's part: from a prepared walk; arrays that a layer needs for its first pop are made on the way."""
    beginnings, costs, yardsticks = [], [], []
    for _ in range(5):
        yardsticks.append(rounds(1000, POSITION))
        walk = walk_of(net, cat, nodes="position", floor=1e-4)
        start = time.process_time()
        walk.run(1000)
        beginnings.append(time.process_time() - start)
        pops = 1000 + walk.run(1_000_000)
        costs.append(1000 * (time.process_time() - start) / pops)
    first, each, yardstick = min(beginnings), min(costs), min(yardsticks)
    what = "position-node walk, EfficientNet-Lite0, first 1,000 pops"
    figures.against(what, first, yardstick, 3.5, f"{first * 1e3:.0f} ms")
    figures.against(f"  1,000 on the way to the floor, of {pops:,}", each, yardstick, 2.5, f"{1000 / each:,.0f} pops/s")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel tells no peak of memory")
@pytest.mark.parametrize("options", [{}, {"nodes": "position", "floor": 1e-4}], ids=["defaults", "floor 1e-4"])
def test_memory(figures: Figures, options: dict[str, object]) -> None:
    """Pages in use at the peak of `attribute` beyond those before, over all results of recorded ops, each once."""
    # Memory that is freed goes back at once, so that nothing freed before is used again unseen.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    script = [sys.executable, str(Path(efficientnet.__file__).with_name("peak.py")), json.dumps(options)]
    run = subprocess.run(script, env=environment, capture_output=True, text=True, check=True)
    peak, recorded = map(int, run.stdout.split())
    what = ", ".join(f"{name}={value!r}" for name, value in options.items()) or "defaults"
    figures.at_most(f"peak memory of attribute, EfficientNet-Lite0, {what}", peak / recorded, 3, "x")
    figures.note("  over recorded activations of", f"{recorded / 1e6:.0f} MB")
