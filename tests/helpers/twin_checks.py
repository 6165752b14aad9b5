"""Holding a flow against its slow twin: whole passes, boxes of every size, tables, absorption, amplification."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from helpers.nets import Fn, graph_of
from helpers.slow_twins import Shares
from torch import Tensor, nn

from heapwidget.boxes import GRANULARITIES, Partition, partition, positions
from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.layers import Layer
from heapwidget.engine.rules import Rule, zplus
from heapwidget.engine.walk.search import Walk

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def last_flow(net: nn.Module | Callable[[Tensor], Tensor], x: Tensor, rule: Rule | None = None) -> tuple[Layer, Flow]:
    """The last layer of a net's graph, and its flow; no op may go without a rule."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = graph_of(net if isinstance(net, nn.Module) else Fn(net), x).layers[-1]
    assert layer.make is not None
    return layer, layer.make(rule or zplus())


def partitions(layer: Layer) -> Iterator[Partition]:
    """The layer cut in every way, into tiles that do not fit too."""
    for nodes in GRANULARITIES:
        yield partition(layer.shape, layer.channel_axis, nodes)
    for side in (2, 3):
        yield Partition(
            layer.shape, tuple(s if a == layer.channel_axis else min(side, s) for a, s in enumerate(layer.shape))
        )


def assert_absorbed(got: dict[str, float], shares: Shares, r: np.ndarray) -> None:
    for cause, share in shares.absorbed.items():
        np.testing.assert_allclose(got.get(cause, 0.0), r.ravel() @ share, **CLOSE, err_msg=cause)
    assert set(got) <= set(shares.absorbed)


def assert_twins(layer: Layer, flow: Flow, shares: Shares, *, exact_k: bool = True, seed: int = 0) -> None:
    """A flow does what its twin does, however it is asked."""
    rng = np.random.default_rng(seed)
    assert flow.shape == layer.shape
    taken = sum(shares.absorbed.values(), np.zeros(int(np.prod(layer.shape))))
    np.testing.assert_allclose(sum(m.sum(axis=1) for m in shares.to) + taken, 1, rtol=1e-8)

    r = rng.normal(size=layer.shape) * (rng.random(layer.shape) < 0.8)
    messages, absorbed = flow.whole(torch.from_numpy(r))
    for message, to in zip(messages, shares.to, strict=True):
        np.testing.assert_allclose(message.numpy().ravel(), r.ravel() @ to, **CLOSE)
    assert_absorbed(absorbed, shares, r)

    k = [torch.from_numpy(rng.random(message.shape)) for message in messages]
    expected = sum(np.abs(m) @ ki.numpy().ravel() for m, ki in zip(shares.to, k, strict=True))
    amplification = flow.amplification(k).numpy().ravel()
    if exact_k or not flow.signed:
        np.testing.assert_allclose(amplification, expected, **CLOSE)
    assert (amplification >= expected - 1e-10 * (1 + expected)).all()

    for part in partitions(layer):
        nodes = range(part.n_nodes)
        edges = [0, part.n_nodes - 1]
        for node in {*edges, *rng.choice(nodes, min(3, part.n_nodes), replace=False).tolist()}:
            assert_local(flow, part.window(node), r, shares, [m.shape for m in messages])
    assert_table(flow, shares)
    if not flow.signed:
        assert min(m.min(initial=0) for m in shares.to) >= 0


def assert_local(
    flow: Flow, window: tuple[slice, ...], r: np.ndarray, shares: Shares, shapes: list[torch.Size]
) -> None:
    """One box's messages, put where they go, are the twin's."""
    inside = np.zeros_like(r)
    inside[window] = r[window]
    found = [np.zeros(tuple(shape)) for shape in shapes]
    messages, absorbed = flow.local(window, r[window].copy())
    for operand, at, values in messages:
        if values.size:
            found[operand][at] += values
    for message, to in zip(found, shares.to, strict=True):
        np.testing.assert_allclose(message.ravel(), inside.ravel() @ to, **CLOSE, err_msg=f"box {window}")
    assert_absorbed(absorbed, shares, inside)


def assert_table(flow: Flow, shares: Shares) -> None:
    table = flow.table()
    if table is None:
        return
    for entries, values, to in zip(table.entries, table.shares, shares.to, strict=True):
        rows = np.zeros_like(to)
        for j, i in itertools.product(range(entries.shape[0]), range(entries.shape[1])):
            if entries[j, i] >= 0:
                assert rows[j, entries[j, i]] == 0, "an entry comes twice"
                rows[j, entries[j, i]] = values[j, i]
        np.testing.assert_allclose(rows, to, **CLOSE)
    for cause in set(table.absorbed) | set(shares.absorbed):
        nothing = np.zeros(len(shares.to[0]))
        np.testing.assert_allclose(
            table.absorbed.get(cause, nothing), shares.absorbed.get(cause, nothing), **CLOSE, err_msg=cause
        )


def passed(net: nn.Module, x: Tensor, r: Tensor, rule: Rule | None = None) -> np.ndarray:
    """What comes to x of relevance `r` at the net's output, all passed on under one rule."""
    graph = graph_of(net, x)
    flows = [None if layer.make is None else layer.make(rule or zplus()) for layer in graph.layers]
    parts = [positions(layer.shape, layer.channel_axis) for layer in graph.layers[: graph.n_inputs]]
    parts += [partition(layer.shape, layer.channel_axis, "layer") for layer in graph.layers[graph.n_inputs :]]
    walk = Walk(graph, flows, parts, r.numpy().reshape(graph.output.shape), 0.0)
    return walk.sign * walk.finish().contributions[0]
