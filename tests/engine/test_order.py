"""The orders of a walk: they end in the same attribution, and of one sign within the pops that theory allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers.examples import examples
from helpers.nets import flat
from helpers.random_nets import Net, joined_nets, nets, token_nets
from helpers.walks import Inputs, attribute, choices, walk_of
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import heapwidget as hw
from heapwidget.boxes import AUTO_TOTAL, Shape, auto_limit, partition
from heapwidget.engine.walk.heap import PRIORITIES


@given(drawn=st.one_of(nets(), token_nets(), joined_nets()), options=choices, pops=st.integers(0, 60))
@examples(40)
def test_all_orders_end_in_the_same_attribution(drawn: tuple[Net, Inputs], options: dict[str, Any], pops: int) -> None:
    net, x = drawn
    found = [attribute(net, x, max_pops=pops, **options | {"priority": priority}) for priority in PRIORITIES]
    whole = flat(found[0].attribution)
    scale = max(float(np.abs(whole).sum()), max(float(e.trace.columns["pop_mass"].max(initial=0)) for e in found), 1e-9)
    for e in found[1:]:
        assert np.abs(flat(e.attribution) - whole).max() <= 1e-6 * scale


@given(
    drawn=st.one_of(nets(), token_nets(), joined_nets()),
    priority=st.sampled_from(["mass", "wave"]),
    nodes=st.sampled_from(["unit", "position", "layer", "auto"]),
    floor=st.sampled_from([0.003, 0.03, 0.2]),
)
@examples(60)
def test_a_walk_of_one_sign_takes_no_more_pops_than_theory_allows(
    drawn: tuple[Net, Inputs], priority: str, nodes: str, floor: float
) -> None:
    net, x = drawn
    e = attribute(net, x, target=0, rule="zplus", priority=priority, nodes=nodes, floor=floor, max_pops=100_000)
    walk = walk_of(e)
    if walk.board.signed:
        return
    depth = len(walk.inner)
    pops = e.trace.header.phases.walk
    assert pops <= depth / floor * (1 + 1e-6) + 1
    if e.trace.repops == 0:
        assert pops <= sum(min(s.partition.n_nodes, 1 / floor + 1e-6) for s in walk.inner)


def test_a_wave_pops_fewer_nodes_again_than_the_largest_first() -> None:
    x = hw.samples.digits().images[7:8, None].float() / 255
    wave, mass = (hw.attribute(hw.samples.lenet(), x, priority=priority) for priority in ("wave", "mass"))
    assert wave.trace.repops < mass.trace.repops / 2
    pops = wave.trace.columns["pop_node"][: wave.trace.header.phases.walk].tolist()
    assert wave.trace.repops == sum(node in pops[:i] for i, node in enumerate(pops))
    assert f"{wave.trace.repops:,} of them popped a node again" in wave.summary()


def test_the_floor_is_a_fraction_of_the_target_where_classes_cancel() -> None:
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), torch.rand(1, 6)
    scores = net(x)[0].detach()
    walk = walk_of(hw.attribute(net, x, target=[(0, 1.0), (1, -1.0)], floor=0.01, rule="epsilon", progress=False))
    assert walk.start_mass == pytest.approx(float(scores[:2].abs().sum()), rel=1e-5)
    assert walk.board.floor_value == pytest.approx(0.01 * abs(float(scores[0] - scores[1])), rel=1e-4)


LAYERS: dict[str, list[tuple[Shape, int | None]]] = {
    "lenet": [
        ((6, 28, 28), 0),
        ((6, 14, 14), 0),
        ((16, 10, 10), 0),
        ((16, 5, 5), 0),
        ((120,), 0),
        ((84,), 0),
        ((10,), 0),
    ],
    "deep": [((64, 56, 56), 0)] * 60 + [((512, 7, 7), 0)] * 60 + [((512, 1, 1), 0), ((1000,), 0)],
    "text": [((12, 64), 1)] * 200 + [((2,), 0)],
    "wide": [((3, 9, 9), 0), ((5000,), 0)],
}


@pytest.mark.parametrize(
    ("name", "boxes"),
    [
        ("lenet", [(6, 2, 2), (6, 1, 1), (16, 1, 1), (16, 1, 1), (1,), (1,), (1,)]),
        ("deep", [*[(64, 32, 32)] * 60, *[(512, 4, 4)] * 60, (512, 1, 1), (1000,)]),
        ("text", [*[(1, 64)] * 200, (1,)]),
        ("wide", [(1, 1, 1), (5000,)]),
    ],
)
def test_auto_divides_all_layers_within_one_budget(name: str, boxes: list[Shape]) -> None:
    layers = LAYERS[name]
    most = auto_limit(layers)
    assert [partition(*layer, "auto", most).box for layer in layers] == boxes


@given(
    layers=st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40)).map(lambda shape: (shape, 0)),
        min_size=1,
        max_size=12,
    )
)
def test_auto_takes_the_largest_limit_that_fits(layers: list[tuple[Shape, int | None]]) -> None:
    def nodes(most: int) -> int:
        return sum(partition(*layer, "auto", most).n_nodes for layer in layers)

    most = auto_limit(layers)
    assert nodes(most) <= AUTO_TOTAL
    finer = [limit for limit in range(most + 1, AUTO_TOTAL + 2) if nodes(limit) > nodes(most)]
    assert not finer or nodes(finer[0]) > AUTO_TOTAL
