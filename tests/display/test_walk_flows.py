"""The flows of a walk so far, as the viewer finds them: they add up, and in the end they are those of `paths`."""

from __future__ import annotations

import importlib.util
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.replay import replay
from helpers.walk_flows import all_flows
from torch import nn

import heapwidget as hw

GOLDEN = Path(__file__).parents[1] / "golden"


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 4))


def test_the_golden_file_says_what_the_walks_say() -> None:
    spec = importlib.util.spec_from_file_location("make_flows", GOLDEN / "make_flows.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert json.loads((GOLDEN / "flows.json").read_text(encoding="utf-8")) == module.flows()


@pytest.mark.parametrize("floor", [1e-2, 1e-3, 1e-6])
def test_flows_that_end_in_a_position_add_up_to_what_it_received(floor: float) -> None:
    trace = hw.attribute(small(), torch.randn(1, 6), floor=floor).trace
    walk = trace.header["phases"]["walk"]
    for step in range(0, walk + 1, max(walk // 7, 1)):
        sums: dict[int, float] = defaultdict(float)
        for nodes, relevance in all_flows(trace, step).items():
            sums[nodes[-1]] += relevance
        reached = replay(trace, step).input
        assert sums.keys() == reached.keys()
        for node, value in reached.items():
            assert sums[node] == pytest.approx(value, rel=1e-5)


def test_at_the_end_of_a_walk_without_dust_they_are_the_strongest_paths() -> None:
    explanation = hw.attribute(small(), torch.randn(1, 6), floor=1e-12)
    flows = all_flows(explanation.trace, explanation.trace.header["phases"]["walk"])
    strongest = sorted(flows.items(), key=lambda way: -way[1])
    for path, (nodes, relevance) in zip(explanation.paths(12), strongest, strict=False):
        assert path.nodes == nodes
        assert path.relevance == pytest.approx(relevance, rel=1e-4)
