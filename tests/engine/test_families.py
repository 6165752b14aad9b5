"""Each op family has its entry, its slow twin and its row in the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import slow_twins as twins
from helpers.change_twins import graph_of_changes
from helpers.nets import Fn, graph_of, values
from helpers.twin_checks import passed
from torch import Tensor

import heapwidget as hw
from heapwidget.engine import ops
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.builder import Builder
from heapwidget.engine.ops import FAMILIES, RULED
from heapwidget.engine.rules import ALONG, zplus

ROOT = Path(__file__).resolve().parents[2]

Op = Callable[[Tensor], Tensor]


def by_rule(op: Op, shape: tuple[int, ...]) -> np.ndarray:
    """The shares of a linear op without a bias, under the rule `zplus`."""
    matrix = twins.dense(op, shape)
    return twins.zplus(X(shape).numpy().ravel(), matrix, np.zeros(len(matrix)), bias=False).to[0]


def by_size(op: Op, shape: tuple[int, ...]) -> np.ndarray:
    """In proportion to abs(x) times abs(weight)."""
    return twins.proportional(np.abs(twins.dense(op, shape) * X(shape).numpy().ravel())).to[0]


def of_two(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shares of a first and a second half of x."""
    return np.hstack([a, b])


def X(shape: tuple[int, ...]) -> Tensor:
    return values(shape, "both", 3)


def halves(t: Tensor) -> tuple[Tensor, Tensor]:
    return t[:, :2], t[:, 2:]


def signals(t: Tensor) -> tuple[Tensor, Tensor]:
    """Two matrices as stacks of one."""
    return t[:, 0], t[:, 1].mT


ROW, MAP, PAIR, MATRICES = (1, 6), (1, 2, 4, 6), (1, 4, 3), (1, 2, 3, 4)
PLACES = torch.tensor([0, 2, 0, 0, 2, 1])
KERNEL, MATRIX, STACK = values((3, 2, 2, 2), "both", 5), values((6, 4), "both", 6), values((2, 6, 5), "both", 7)
WINDOWS = [[[0, 1], [2, 3]], [[0, 1], [2, 3], [4, 5]]]


def segments(t: Tensor) -> Tensor:
    return t.new_zeros(1, 3).index_add(1, PLACES, t)


def bilinear() -> np.ndarray:
    """Half to each signal, by the rule with the other held constant."""
    a, b = signals(X(MATRICES))
    left = by_signals(a.numpy().ravel(), twins.dense(lambda u: u @ b, (1, 3, 4)))
    right = by_signals(b.mT.numpy().ravel(), twins.dense(lambda u: a @ u.mT, (1, 3, 4)))
    return of_two(left / 2, right / 2)


def by_signals(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The rule `zplus` of a product of signals, in which no unit is a dead end: there it goes by size."""
    shares = twins.zplus(x, w, np.zeros(len(w)), bias=False).to[0]
    return np.where(shares.any(1, keepdims=True), shares, twins.proportional(np.abs(w * x)).to[0])


# By family: ops, the shape of x, and the share of each unit that goes to each entry of x.
TWINS: dict[str, list[tuple[Op, tuple[int, ...], Callable[[], np.ndarray]]]] = {
    "convolution": [(lambda t: F.conv2d(t, KERNEL), MAP, lambda: by_rule(lambda t: F.conv2d(t, KERNEL), MAP))],
    "matmul": [
        (lambda t: t @ MATRIX, ROW, lambda: by_rule(lambda t: t @ MATRIX, ROW)),
        (lambda t: torch.bmm(t[0], STACK), MAP, lambda: by_rule(lambda t: torch.bmm(t[0], STACK), MAP)),
        (lambda t: torch.bmm(*signals(t)), MATRICES, bilinear),
        (lambda t: MATRIX.mT.to_sparse() @ t[0, :, None], ROW, lambda: by_rule(lambda t: t @ MATRIX, ROW)),
    ],
    "pooling": [
        (lambda t: F.max_pool2d(t, 2), MAP, lambda: twins.pool(X(MAP)[0].numpy(), WINDOWS, twins.winner).to[0]),
        (lambda t: F.avg_pool2d(t, 2), MAP, lambda: twins.pool(X(MAP)[0].numpy(), WINDOWS, twins.by_size).to[0]),
        (lambda t: t.mean((2, 3)), MAP, lambda: twins.reduced(X(MAP)[0].numpy(), [1, 2]).to[0]),
    ],
    "arithmetic": [
        (
            lambda t: torch.add(*halves(t)),
            PAIR,
            lambda: of_two(*twins.added([half[0].numpy() for half in halves(X(PAIR))]).to),
        )
    ],
    "interpolation": [
        (
            lambda t: F.interpolate(t, scale_factor=2, mode="bilinear"),
            MAP,
            lambda: by_size(lambda t: F.interpolate(t, scale_factor=2, mode="bilinear"), MAP),
        )
    ],
    "elementwise": [(torch.tanh, ROW, lambda: np.eye(6))],
    "normalization": [(lambda t: F.layer_norm(t, (6,)), ROW, lambda: np.eye(6))],
    "summing": [(segments, ROW, lambda: by_size(segments, ROW))],
    "selection": [(lambda t: t.amax((1,)), ROW, lambda: twins.winner(X(ROW).numpy().ravel())[None])],
    "movement": [
        (lambda t: F.pad(t.flip(3), (0, 2)), MAP, lambda: twins.dense(lambda t: F.pad(t.flip(3), (0, 2)), MAP))
    ],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_does_as_its_twin(name: str) -> None:
    met = set[type[Flow]]()
    for op, shape, shares in TWINS[name]:
        x = X(shape)
        r = values(tuple(op(x).shape), "both", 9)
        found, expected = passed(Fn(op), x, r), r.numpy().ravel() @ shares()
        np.testing.assert_allclose(found.ravel(), expected, rtol=1e-10, atol=1e-10)
        graphs = graph_of(Fn(op), x), graph_of_changes(op, x, x / 2 + 0.1)
        rules = zplus(), ALONG
        met |= {type(n.make(rule)) for g, rule in zip(graphs, rules, strict=True) for n in g.layers if n.make}
    assert met == set(FAMILIES[name].flows)


def test_each_file_with_a_family_has_its_entry() -> None:
    files = Path(ops.__file__).parent.glob("*.py")
    assert {f.stem for f in files if re.search(r"^FAMILY = ", f.read_text("utf-8"), re.MULTILINE)} == set(FAMILIES)


def test_each_op_exists_and_is_of_one_family() -> None:
    names = [name for family in FAMILIES.values() for name in family.handlers]
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(torch.ops.aten, name)] == []


def test_flows_say_what_patterns_name() -> None:
    assert {"conv", "linear", "matmul"} == RULED
    for family in FAMILIES.values():
        assert all(flow.family or not flow.ruled for flow in family.flows)


def test_each_family_has_its_row() -> None:
    text = (ROOT / "docs" / "method.md").read_text("utf-8").split("## How each operation passes relevance on")[1]
    assert set(re.findall(r"^\| `(\w+)` \|", text.split("\n## ")[0], re.MULTILINE)) == set(FAMILIES)


def test_an_op_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler is all that it takes."""

    def in_place(builder: Builder, call: Call) -> bool:
        builder.same_units(call.args[0], call.out)
        return True

    def explained() -> list[float]:
        return hw.attribute(Fn(lambda t: t.logcumsumexp(1)), X(ROW), target=2).attribution.ravel().tolist()

    with pytest.warns(UserWarning, match="no rule for aten.logcumsumexp"):
        assert all(explained()[:3])
    monkeypatch.setitem(ops.HANDLERS, "logcumsumexp", in_place)
    assert explained() == [0, 0, pytest.approx(float(X(ROW)[0, :3].logsumexp(0))), 0, 0, 0]
