"""What holds at every moment of a walk, on random nets."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
import pytest
import torch
from helpers.examples import examples
from helpers.nets import flat, on_inputs
from helpers.random_nets import Net, joined_nets, nets, token_nets
from helpers.replay import replay
from helpers.walks import RULE_NAMES, Inputs, attribute, choices, mass, walk_of
from hypothesis import given
from hypothesis import strategies as st

import heapwidget as hw
from heapwidget.engine.rules import RULES
from heapwidget.engine.walk.search import Walk
from heapwidget.samples import lenet

SIGNED = {"epsilon", "gamma", "alpha_beta", "epsilon_plus_flat"}


def check_ledger(walk: Walk, target: float, scale: float, close: float) -> None:
    """Target = input + residual + absorbed, all from the stores themselves."""
    on_input = float(on_inputs(walk).sum(dtype=np.float64))
    residual = walk.sign * sum(float(s.relevance.sum(dtype=np.float64)) for s in walk.inner)
    absorbed = walk.sign * sum(walk.board.absorbed.values())
    assert abs(target - on_input - residual - absorbed) <= close * scale
    assert abs(walk.sign * walk.board.explained - on_input) <= close * scale
    assert abs(walk.sign * walk.board.absorbed_total - absorbed) <= close * scale


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=["double", "float"])
@given(data=st.data(), options=choices)
@examples(200)
def test_relevance_is_conserved_after_every_pop(
    dtype: torch.dtype, close: float, data: st.DataObject, options: dict[str, Any]
) -> None:
    net, x = data.draw(st.one_of(nets(dtype), token_nets(dtype), joined_nets(dtype)))
    explanation = attribute(net, x, max_pops=0, **options)
    walk, target = walk_of(explanation), explanation.trace.header.target.change
    scale = max(abs(target), walk.start_mass)
    check_ledger(walk, target, scale, close)
    for _ in range(150):
        if not walk.run(1):
            break
        scale = max(scale, mass(walk), np.abs(on_inputs(walk)).sum())
        check_ledger(walk, target, scale, close)
        assert abs(walk.rows()[-1].residual_mass - mass(walk)) <= close * scale


@given(drawn=st.one_of(nets(), token_nets(), joined_nets()), options=choices, pops=st.integers(0, 60))
@examples(200)
def test_a_walk_may_stop_anywhere(drawn: tuple[Net, Inputs], options: dict[str, Any], pops: int) -> None:
    net, x = drawn
    full = attribute(net, x, max_pops=0, **options)
    stopped = attribute(net, x, max_pops=pops, **options)
    assert stopped.trace.header["phases"]["walk"] <= pops
    whole = flat(full.attribution)
    scale = float(np.abs(whole).sum() + stopped.trace.columns["pop_mass"].max(initial=1e-9))
    assert np.abs(whole - flat(stopped.attribution)).max() <= 1e-8 * scale
    by_layer = attribute(net, x, **(options | {"nodes": "layer", "floor": 0.0}))
    assert np.abs(whole - flat(by_layer.attribution)).max() <= 1e-8 * scale
    for explanation in (full, stopped, by_layer):
        ledger = explanation.ledger
        assert abs(ledger.change - ledger.explained - ledger.absorbed_total) <= 1e-8 * max(scale, abs(ledger.target))
        assert ledger.explained == pytest.approx(float(flat(explanation.attribution).sum()), abs=1e-9 * scale)
        assert explanation.bound == 0
        columns = explanation.trace.columns
        if explanation.trace.n_steps:
            assert columns["explained"][-1] == pytest.approx(ledger.explained, rel=1e-6, abs=1e-6 * scale)
            assert columns["absorbed"][-1] == pytest.approx(ledger.absorbed_total, rel=1e-6, abs=1e-6 * scale)


def test_large_layers_are_cut_into_squares() -> None:
    net, x = lenet(), torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(2))
    tiles, units = attribute(net, x, nodes="squares"), attribute(net, x, nodes="unit")
    boxes = {layer["label"]: layer["box"] for layer in tiles.trace.header["layers"]}
    assert boxes["conv1"] == [6, 16, 16]
    assert boxes["pool2"] == [16, 2, 2]
    torch.testing.assert_close(tiles.attribution, units.attribution, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=["double", "float"])
@given(data=st.data(), options=choices)
@examples(200)
def test_the_bound_holds_after_every_pop(
    dtype: torch.dtype, close: float, data: st.DataObject, options: dict[str, Any]
) -> None:
    net, x = data.draw(st.one_of(nets(dtype), token_nets(dtype), joined_nets(dtype)))
    explanation = attribute(net, x, max_pops=0, **options)
    walk = walk_of(explanation)
    final = flat(explanation.attribution)
    one_sign = not walk.board.signed
    scale = max(walk.start_mass, float(np.abs(final).sum()))
    for _ in range(100):
        if not walk.run(1):
            break
        error = float(np.abs(on_inputs(walk) - final).sum())
        bound = walk.rows()[-1].bound
        scale = max(scale, bound if np.isfinite(bound) else 0.0)
        assert error <= bound + close * scale
        # All that is on its way has one sign, so the bound is the error itself.
        if one_sign:
            assert error >= bound - close * scale


@given(
    drawn=st.one_of(nets(), token_nets(), joined_nets()), options=choices, cuts=st.lists(st.integers(1, 20), max_size=3)
)
@examples(200)
def test_refining_in_pieces_is_one_walk(drawn: tuple[Net, Inputs], options: dict[str, Any], cuts: list[int]) -> None:
    net, x = drawn
    whole = attribute(net, x, max_pops=sum(cuts) + 5, **options)
    pieces = attribute(net, x, max_pops=5, **options)
    for cut in cuts:
        if not walk_of(pieces).pending:
            break
        pieces.refine(max_pops=cut)
    for name, column in whole.trace.columns.items():
        np.testing.assert_array_equal(pieces.trace.columns[name], column, err_msg=name)
    assert pieces.trace.header["ledger"] == whole.trace.header["ledger"]


@given(
    drawn=st.one_of(nets(side=4, length=4), token_nets(), joined_nets(length=4)),
    options=choices,
    pops=st.integers(0, 60),
    finer=st.booleans(),
)
@examples(60)
def test_a_trace_replays(drawn: tuple[Net, Inputs], options: dict[str, Any], pops: int, finer: bool) -> None:
    """Each row pops the root of the heap; dust and keys make up the residual mass; the end shows the attribution."""
    net, x = drawn
    explanation = attribute(net, x, max_pops=pops, **options)
    if finer:
        explanation.refine(max_pops=20, floor=options["floor"] / 7)
    trace, rows = explanation.trace, walk_of(explanation).rows()
    start_mass = walk_of(explanation).start_mass
    for step in range(trace.n_steps + 1):
        state = replay(trace, step)
        if 1 <= step <= len(rows) and step != trace.phase_start("collect"):
            keys = sum(key for _, key in state.heap.pairs)
            row = rows[step - 1]
            on_its_way = row.bound if options["priority"] == "bound" else row.residual_mass
            assert abs(keys + trace.columns["dust"][step - 1] - on_its_way) <= 1e-4 * max(on_its_way, start_mass)
        if step == trace.phase_start("collect"):
            shown = np.zeros(trace.input_nodes)
            shown[list(state.input)] = list(state.input.values())
            units = [
                part.node_of_unit.ravel() + first
                for part, first in zip(trace.partitions[: trace.n_inputs], trace.node_offsets, strict=False)
            ]
            sums = np.bincount(np.concatenate(units), flat(explanation.attribution))
            np.testing.assert_allclose(shown, sums, rtol=1e-4, atol=1e-5 * (np.abs(sums).sum() + start_mass))
    assert state.selected == explanation.order.tolist()
    assert not state.heap.items


def naive_order(explanation: hw.Explanation, floor: float, limit: int) -> list[tuple[int, float]]:
    """The walk as the design tells it: dictionaries of residuals, and a look at all nodes for each pop."""
    walk = walk_of(explanation)
    messages = naive_messages(walk)
    nodes = [p.node_of_unit.ravel() + first for p, first in zip(walk.partitions, walk.offsets, strict=False)]
    node_of = np.concatenate(nodes).tolist()
    units_of: dict[int, list[int]] = {}
    for unit, node in enumerate(node_of):
        units_of.setdefault(node, []).append(unit)
    residual = {u: v for u, v in enumerate(np.concatenate([s.residual.ravel() for s in walk.stores]).tolist()) if v}
    queued: set[int] = set()
    order = []

    by_bound = walk.board.by_bound
    changes = [None if flow is None else flow.change for flow in walk.flows]
    worth = [torch.ones(k.shape) if d is None else d.abs() for k, d in zip(walk._k, changes, strict=True)]
    weight = torch.cat([t.double().ravel() for t in (walk._k if by_bound else worth)]).tolist()

    def mass_of(node: int) -> float:
        return sum(abs(residual.get(u, 0.0)) * weight[u] for u in units_of[node])

    for _ in range(limit):
        queued |= {n for n in {node_of[u] for u in residual} if n >= walk.input_nodes and mass_of(n) >= floor}
        if not queued:
            break
        node = min(queued, key=lambda n: (*rank_of(walk, mass_of(n), n), n))
        order.append((node, mass_of(node)))
        queued.remove(node)
        for unit in units_of[node]:
            r = residual.pop(unit, 0.0)
            for i, share in messages.get(unit, {}).items():
                residual[i] = residual.get(i, 0.0) + r * share
    return order


def rank_of(walk: Walk, mass: float, node: int) -> tuple[float, ...]:
    """By mass; in a wave by how often a factor of 16 lies between it and the target, then from the output down."""
    if not walk.board.wave:
        return (-np.float32(mass),)
    # The size class is told by where the mass lies between two powers of two, not by its logarithm.
    m, top = (np.frexp(np.float32(value)) for value in (mass, walk.board.class_top))
    return (np.ceil((m[1] + 2 * m[0] - top[1] - 2 * top[0]) / 4) * -1, -bisect_right(walk.offsets, node))


def naive_messages(walk: Walk) -> dict[int, dict[int, float]]:
    """Which share of each unit goes to which, by passing on one unit at a time."""
    graph = walk.graph
    messages: dict[int, dict[int, float]] = {}
    for layer, flow in zip(graph.layers[graph.n_inputs :], walk.flows[graph.n_inputs :], strict=True):
        for unit in range(layer.n_units):
            r = torch.zeros(layer.n_units, dtype=torch.float64)
            r[unit] = 1
            out = messages.setdefault(layer.offset + unit, {})
            for operand, message in zip(layer.operands, flow.whole(r.reshape(layer.shape))[0], strict=True):
                for to, value in zip(graph.units(operand).ravel().tolist(), message.ravel().tolist(), strict=True):
                    if value and to >= 0:
                        out[to] = out.get(to, 0.0) + value
    return messages


@given(drawn=st.one_of(nets(side=4, length=3), token_nets(length=3), joined_nets(length=3)), options=choices)
@examples(60)
def test_pops_come_in_the_order_of_a_naive_walk(drawn: tuple[Net, Inputs], options: dict[str, Any]) -> None:
    net, x = drawn
    options["floor"] = options["floor"] * 1.0137 + 1e-3
    explanation = attribute(net, x, max_pops=0, **options)
    walk = walk_of(explanation)
    start = walk._start_key
    expected = naive_order(explanation, max(options["floor"] * start, 1e-36), limit=60)
    walk.run(60)
    got = [(row.node, row.mass) for row in walk.rows()]
    # Masses that are but rounding errors come in any order.
    real = next((i for i, (_, m) in enumerate(expected) if m < 1e-9 * start), len(expected))
    assert [node for node, _ in got[:real]] == [node for node, _ in expected[:real]]
    np.testing.assert_allclose([m for _, m in got[:real]], [m for _, m in expected[:real]], rtol=1e-6)


def test_all_rules_are_walked() -> None:
    assert set(RULES) <= {*RULE_NAMES, "w_square"}
    assert set(RULE_NAMES) >= SIGNED
