"""Shares of changes: each op against its slow twin in float64, under the rule of one sign and under multipliers."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import change_twins as twins
from helpers.change_twins import Op, graph_of_changes
from helpers.nets import Fn, values
from helpers.slow_twins import Shares
from helpers.twin_checks import assert_twins
from torch import Tensor

from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.multipliers import flows_of_changes, worth
from heapwidget.engine.rules import epsilon, gamma, zplus
from heapwidget.engine.walk.sweep import Left, deliver, whole_pass

MAP, ROW, PAIR = (1, 2, 4, 6), (1, 6), (1, 4, 3)
KERNEL, DEPTHWISE, UP = (
    values((4, 2, 3, 3), "both", 5),
    values((4, 1, 3, 2), "both", 6),
    values((2, 3, 2, 2), "both", 7),
)
BIAS, MATRIX, STACK = values((4,), "both", 8), values((6, 4), "both", 9), values((2, 6, 5), "both", 10)
SIGNS = [("both", "both"), ("positive", "zero"), ("sparse", "sparse"), ("both", "negative")]


def both(shape: tuple[int, ...], signs: tuple[str, str]) -> tuple[Tensor, Tensor]:
    return values(shape, signs[0], 1), values(shape, signs[1], 2)


# Linear in x but for a constant, which does not change.
LINEAR: dict[str, tuple[Op, tuple[int, ...]]] = {
    "convolution": (lambda t: F.conv2d(t, KERNEL, BIAS, padding=1, stride=(1, 2)), MAP),
    "depthwise, dilated": (lambda t: F.conv2d(t, DEPTHWISE, groups=2, dilation=(1, 2)), MAP),
    "transposed": (lambda t: F.conv_transpose2d(t, UP, stride=2), MAP),
    "linear": (lambda t: F.linear(t, MATRIX.mT, BIAS), ROW),
    "linear on rows": (lambda t: F.linear(t[0, 0], MATRIX.mT, BIAS), MAP),
    "stack of matrices": (lambda t: torch.bmm(t[0], STACK), MAP),
    "sparse matrix": (lambda t: MATRIX.mT.to_sparse() @ t[0, :, None], ROW),
    "mean over windows": (lambda t: F.avg_pool2d(t, (2, 3), stride=1, padding=(1, 0)), MAP),
    "adaptive mean": (lambda t: F.adaptive_avg_pool2d(t, (3, 2)), MAP),
    "mean": (lambda t: t.mean((2, 3)), MAP),
    "sum": (lambda t: t.sum(1), ROW),
    "running sum": (lambda t: t[0].cumsum(0), PAIR),
    "sum of two": (lambda t: torch.add(t[:, :2], t[:, 2:], alpha=-0.5), PAIR),
    "upsampling": (lambda t: F.interpolate(t, scale_factor=2, mode="bilinear"), MAP),
    "segments": (lambda t: t.new_ones(1, 3).index_add(1, torch.tensor([0, 2, 0, 0, 2, 1]), t), ROW),
}


def quotient(t: Tensor) -> Tensor:
    return t[:, :2] / (t[:, 2:].abs() + 1)


def of_halves(
    parts: Callable[..., tuple[np.ndarray, np.ndarray]], x: Tensor, base: Tensor, denominator: bool = False
) -> np.ndarray:
    """Contributions of the first and the second half of x."""

    def half(t: Tensor, which: slice, turned: bool) -> np.ndarray:
        found = t[:, which].numpy().ravel()
        return np.abs(found) + 1 if turned else found

    sides = [
        half(t, which, denominator and which.start == 2) for t in (x, base) for which in (slice(0, 2), slice(2, 4))
    ]
    return np.hstack(parts(*sides))


WINDOWS = [
    [c * 24 + h * 6 + w for h in rows for w in columns]
    for c in range(2)
    for rows in ((0, 1), (2, 3))
    for columns in ((0, 1), (2, 3), (4, 5))
]
OTHERS: dict[str, tuple[Op, tuple[int, ...], Callable[[Tensor, Tensor], np.ndarray]]] = {
    "product": (lambda t: t[:, :2] * t[:, 2:], PAIR, lambda x, b: of_halves(twins.multiplied, x, b)),
    "quotient": (quotient, PAIR, lambda x, b: of_halves(twins.divided, x, b, denominator=True)),
    "product of matrices": (
        lambda t: t[:, 0] @ t[:, 1].mT,
        (1, 2, 3, 4),
        lambda x, b: _turned(
            twins.matrices(*(t[0, i].numpy() if i == 0 else t[0, i].numpy().T for t in (x, b) for i in (0, 1)))
        ),
    ),
    "largest of windows": (
        lambda t: F.max_pool2d(t, 2),
        MAP,
        lambda x, b: twins.largest(WINDOWS, x.numpy().ravel(), b.numpy().ravel()),
    ),
    "largest": (
        lambda t: t.amax(1),
        ROW,
        lambda x, b: twins.largest([list(range(6))], x.numpy().ravel(), b.numpy().ravel()),
    ),
    "norm": (lambda t: t.norm(dim=1), ROW, lambda x, b: twins.norm(x.numpy().ravel(), b.numpy().ravel(), 2)),
    "larger of two": (
        lambda t: torch.maximum(t[:, :2], t[:, 2:]),
        PAIR,
        lambda x, b: twins.largest([[i, i + 6] for i in range(6)], x.numpy().ravel(), b.numpy().ravel()),
    ),
}


def _turned(c: np.ndarray) -> np.ndarray:
    """Contributions of a second matrix that lies transposed in x."""
    second = c[:, 12:].reshape(-1, 4, 3).swapaxes(1, 2).reshape(-1, 12)
    return np.hstack([c[:, :12], second])


def last(op: Op, x: Tensor, base: Tensor, rule: str) -> tuple[Graph, list[Flow | None]]:
    """The graph of an op on x and on a baseline, and its flows."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph = graph_of_changes(Fn(op), x, base)
    rules = {"zplus": zplus, "epsilon": epsilon, "gamma": gamma}
    flows = flows_of_changes(graph, [rules[rule]()] * len(graph.layers))
    return graph, flows


def whole(op: Op, x: Tensor, base: Tensor, rule: str, r: np.ndarray) -> np.ndarray:
    """What comes to x, entry by entry, of relevance at the result, or of multipliers there."""
    graph, flows = last(op, x, base, rule)
    given = torch.from_numpy(r)
    if rule == "epsilon":
        given = given * (op(x) - op(base)).reshape(-1)
    left: Left = [None] * len(graph.layers)
    absorbed: dict[str, float] = {}
    deliver(graph, graph.output, worth(graph, flows, graph.output, given.reshape(graph.output.shape)), left, absorbed)
    for number in range(len(graph.layers) - 1, 0, -1):
        absorbed |= whole_pass(graph, flows[number], number, left)
    assert not absorbed
    return np.zeros(x.numel()) if left[0] is None else left[0].numpy().ravel()


def contributions(name: str, x: Tensor, base: Tensor) -> tuple[Op, np.ndarray, np.ndarray | None]:
    if name in LINEAR:
        op = LINEAR[name][0]
        return op, *twins.linear(op, x, base)
    op, _, parts = OTHERS[name]
    return op, parts(x, base), None


CASES = {name: case[1] for name, case in {**LINEAR, **OTHERS}.items()}


@pytest.mark.parametrize("signs", SIGNS, ids="/".join)
@pytest.mark.parametrize("name", CASES)
def test_what_goes_the_way_of_the_change(name: str, signs: tuple[str, str]) -> None:
    x, base = both(CASES[name], signs)
    op, c, connected = contributions(name, x, base)
    np.testing.assert_allclose(c.sum(1), (op(x) - op(base)).numpy().ravel(), rtol=1e-10, atol=1e-12)
    changed = np.abs(c.sum(1)) > 1e-12
    r = np.random.default_rng(0).normal(size=len(c)) * changed
    np.testing.assert_allclose(whole(op, x, base, "zplus", r), r @ twins.along(c, connected), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("signs", SIGNS, ids="/".join)
@pytest.mark.parametrize("name", CASES)
def test_multipliers_are_worth_the_contributions(name: str, signs: tuple[str, str]) -> None:
    x, base = both(CASES[name], signs)
    op, c, _ = contributions(name, x, base)
    m = np.random.default_rng(1).normal(size=len(c)) * (np.abs(c.sum(1)) > 1e-12)
    np.testing.assert_allclose(whole(op, x, base, "epsilon", m), m @ c, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rule", ["zplus", "epsilon"])
@pytest.mark.parametrize("name", LINEAR)
def test_boxes_and_tables_do_as_whole_layers(name: str, rule: str) -> None:
    """Where the layer reads x as it stands, box by box and by table, with the amplification."""
    x, base = both(CASES[name], ("both", "both"))
    op, c, connected = contributions(name, x, base)
    graph, (*_, flow) = last(op, x, base, rule)
    assert flow is not None
    shares = twins.along(c, connected) if rule == "zplus" else c
    placed = []
    for operand in graph.layers[-1].operands:
        units = graph.units(operand).numpy().ravel()
        placed.append(np.stack([shares[:, u] if u >= 0 else np.zeros(len(c)) for u in units], 1))
    if rule == "epsilon":
        # A twin's rows sum to one: multipliers are told as relevance.
        r = np.random.default_rng(2).normal(size=len(c))
        for window in (tuple(slice(0, s) for s in flow.shape), tuple(slice(s // 2, s // 2 + 1) for s in flow.shape)):
            inside = np.zeros(flow.shape)
            inside[window] = r.reshape(flow.shape)[window]
            found = [np.zeros(o.shape) for o in graph.layers[-1].operands]
            for number, at, given in flow.local(window, inside[window].copy())[0]:
                found[number][at] += given
            for one, to in zip(found, placed, strict=True):
                np.testing.assert_allclose(one.ravel(), inside.ravel() @ to, rtol=1e-10, atol=1e-10)
        return
    assert_twins(graph.layers[-1], flow, Shares(placed, {}))
