"""Every net of the zoo at every granularity: the ledger after every pop, invariance, the bound, and no trace left."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from zoo import ZOO, animal

import heapwidget as hw
from heapwidget.replay import replay

GRANULARITIES = ("auto", "unit", "position", "channel", "layer")


def test_the_zoo_is_large() -> None:
    assert len(ZOO) >= 25


@pytest.mark.parametrize("rule", ["zplus", "epsilon"])
@pytest.mark.parametrize("nodes", GRANULARITIES)
@pytest.mark.parametrize("name", list(ZOO))
@pytest.mark.filterwarnings("error")
def test_every_net_at_every_granularity(name: str, nodes: str, rule: str) -> None:
    net, x = animal(name)
    before = copy.deepcopy(net.state_dict())
    whole = hw.attribute(net, x, nodes=nodes, rule=rule, max_pops=0, progress=False)
    stopped = hw.attribute(net, x, nodes=nodes, rule=rule, max_pops=0, floor=1e-4, progress=False)
    walk, target = stopped.relevance.walk, stopped.ledger.target
    final = whole.attribution.numpy().reshape(walk.stores[0].residual.shape)
    scale = max(abs(target), float(np.abs(final).sum()), 1e-6)
    for _ in range(60):
        board = walk.board
        explained, absorbed = walk.sign * board.explained, walk.sign * board.absorbed_total
        assert explained + absorbed + walk.residual_sum() == pytest.approx(target, abs=1e-7 * scale)
        bound = walk.rows[-1].bound if walk.rows else np.inf
        assert np.abs(walk.sign * walk.stores[0].residual - final).sum() <= bound + 1e-7 * scale
        if not walk.run(1):
            break
    refined = stopped.refine(1)
    np.testing.assert_allclose(refined.attribution, whole.attribution, atol=1e-7 * scale)
    assert refined.ledger.explained + refined.ledger.absorbed_total == pytest.approx(target, abs=1e-7 * scale)
    assert len(replay(refined.trace, refined.trace.n_steps).selected) == len(refined.order)
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


@pytest.mark.parametrize("rule", ["zplus", "epsilon"])
@pytest.mark.parametrize("name", ["residual", "mobile with gates", "U-shaped", "dense", "3-D", "mixer", "norms"])
def test_large_maps_lie_otherwise_in_memory(name: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = animal(name)
    small = hw.attribute(net, x, nodes="position", rule=rule, progress=False)
    monkeypatch.setattr("heapwidget.engine.flow.AUTO_LIMIT", 8)
    large = hw.attribute(net, x, nodes="position", rule=rule, progress=False)
    np.testing.assert_allclose(large.attribution, small.attribution, rtol=1e-9, atol=1e-12)
    assert large.trace.header["phases"] == small.trace.header["phases"]
    np.testing.assert_allclose(large.trace.columns["pop_mass"], small.trace.columns["pop_mass"], rtol=1e-5)
