"""Walks of random nets with random options, and what they have in store."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from helpers.random_nets import Net
from hypothesis import strategies as st
from torch import Tensor

import heapwidget as hw
from heapwidget.engine.walk.search import Walk

RULE_NAMES = ["zplus", "zplus", "flat", "absolute", "epsilon", "gamma", "alpha_beta", "epsilon_plus_flat"]
# A walk of many small pops, unit by unit and the largest first.
BY_MASS: dict[str, Any] = {"priority": "mass", "nodes": "unit", "floor": 1e-3}
# The walk from zero, and walks from baselines.
BASELINES: list[Any] = [None, None, 0.0, "mean", 0.3]
TARGETS: list[Any] = [0, 1, 2, (0, 1), None, lambda out: -out.abs().sum(), lambda out: out[0, 0] * out[0, 1]]
NODES = ["unit", "channel", "position", "token", "tile", "layer", "auto", "squares"]

choices = st.fixed_dictionaries(
    {
        "baseline": st.sampled_from(BASELINES),
        "rule": st.sampled_from([None, *RULE_NAMES, hw.epsilon(0.1), hw.zplus(bias=True)]),
        "nodes": st.sampled_from(NODES),
        "floor": st.sampled_from([0.0, 1e-4, 1e-2, 0.1]),
        "target": st.sampled_from(TARGETS),
        "priority": st.sampled_from(["mass", "bound", "wave", "wave"]),
    }
)


Inputs = Tensor | tuple[Tensor, ...]


def attribute(net: Net, x: Inputs, **options: Any) -> hw.Explanation:
    """As `hw.attribute`; `nodes="squares"` is "auto" where six nodes are many."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        if options["nodes"] == "squares":
            options["nodes"] = "auto"
            patch.setattr("heapwidget.boxes.AUTO_TOTAL", 6)
        return hw.attribute(net, x, progress=False, **options)


def walk_of(explanation: hw.Explanation) -> Walk:
    assert explanation.relevance is not None
    return explanation.relevance.walk


def mass(walk: Walk) -> float:
    return sum(float(np.abs(s.relevance).sum(dtype=np.float64)) for s in walk.inner)
