"""Every net of the zoo at every granularity: the ledger after every pop, invariance, the bound, and no trace left."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.nets import each, flat, on_inputs
from helpers.replay import replay
from helpers.snapshots import snapshot
from helpers.zoo import ZOO, animal

import heapwidget as hw
from heapwidget.boxes import GRANULARITIES
from heapwidget.engine.walk.search import Walk

POPS = 60
HOW = {"zplus": {}, "epsilon": {}, "gamma by bound": {"priority": "bound"}}


def test_the_zoo_is_large() -> None:
    assert len(ZOO) >= 25


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("nodes", GRANULARITIES)
@pytest.mark.parametrize("name", list(ZOO))
@pytest.mark.filterwarnings("error", "ignore:.* lies on inputs that change it the other way")
def test_every_net_at_every_granularity(name: str, nodes: str, how: str) -> None:
    net, x = animal(name)
    before, given = snapshot(net), [a.clone() for a in each(x)]
    options = {"nodes": nodes, "rule": how.split()[0], "progress": False, **HOW[how]}
    whole = hw.attribute(net, x, max_pops=0, **options)
    stopped = hw.attribute(net, x, max_pops=0, floor=1e-4, **options)
    assert snapshot(net) == before
    assert all(map(torch.equal, each(x), given))

    target = stopped.ledger.target
    final = flat(whole.attribution)
    scale = max(abs(target), float(np.abs(final).sum()), 1e-6)
    check_walk(walk_of(stopped), target, final, 1e-7 * scale)
    refined = stopped.refine(1)
    np.testing.assert_allclose(flat(refined.attribution), final, atol=1e-7 * scale)
    assert refined.ledger.explained + refined.ledger.absorbed_total == pytest.approx(target, abs=1e-7 * scale)
    assert replay(refined.trace, refined.trace.n_steps).selected == refined.order.tolist()
    assert snapshot(net) == before


def walk_of(e: hw.Explanation) -> Walk:
    assert e.relevance is not None
    return e.relevance.walk


def check_walk(walk: Walk, target: float, final: np.ndarray, close: float) -> None:
    """Pop by pop: the ledger adds up and the bound holds; stopped now and again, finishing gives the whole pass."""
    for pop in range(POPS):
        board, on_input = walk.board, on_inputs(walk)
        assert float(on_input.sum()) == pytest.approx(walk.sign * board.explained, abs=close)
        absorbed = walk.sign * sum(board.absorbed.values())
        assert float(on_input.sum()) + absorbed + walk.residual_sum() == pytest.approx(target, abs=close)
        bound = walk.rows()[-1].bound if walk.rows() else np.inf
        assert np.abs(on_input - final).sum() <= bound + close
        if pop & (pop - 1) == 0:
            finish = walk.finish()
            found = np.concatenate([c.ravel() for c in finish.contributions])
            np.testing.assert_allclose(found * walk.sign, final, atol=close)
        if not walk.run(1):
            break


@pytest.mark.parametrize("rule", ["zplus", "epsilon"])
@pytest.mark.parametrize("name", ["residual", "mobile with gates", "U-shaped", "dense", "3-D", "mixer", "norms"])
def test_large_maps_lie_otherwise_in_memory(name: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = animal(name)
    small = hw.attribute(net, x, nodes="position", rule=rule, progress=False)
    monkeypatch.setattr("heapwidget.engine.flow.SMALL_MAP", 8)
    large = hw.attribute(net, x, nodes="position", rule=rule, progress=False)
    np.testing.assert_allclose(large.attribution, small.attribution, rtol=1e-9, atol=1e-12)
    assert large.trace.header["phases"] == small.trace.header["phases"]
    np.testing.assert_allclose(large.trace.columns["pop_mass"], small.trace.columns["pop_mass"], rtol=1e-5)


def test_what_a_vision_transformer_adds_by_itself_absorbs_its_share() -> None:
    """The class token and the embeddings of positions are constants: the ledger tells what they took."""
    net, x = animal("vision transformer")
    ledger = hw.attribute(net, x, rule="epsilon", progress=False).ledger
    constants = {layer: value for (layer, cause), value in ledger.absorbed.items() if cause == "constant"}
    assert constants.keys() == {"add"}
    with torch.no_grad():
        net.token.zero_()
        net.position.zero_()
    ledger = hw.attribute(net, x, rule="epsilon", progress=False).ledger
    assert not [value for (_, cause), value in ledger.absorbed.items() if cause == "constant" and abs(value) > 1e-12]
