"""Entries summed by indices, segments, patches and grids: each flow against a dense twin, and nets pop by pop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import slow_twins as twins
from helpers.nets import Fn, graph_of, units, values
from helpers.rule_twins import RULES, twin_of_matrix
from helpers.twin_checks import CLOSE, assert_twins, last_flow, passed
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.graph.operands import CONSTANT_ENTRY

Op = Callable[[Tensor], Tensor]

# Two rows of nodes see the same row, one sees none.
TO, FROM = torch.tensor([2, 0, 2, 0, 2]), torch.tensor([0, 1, 1, 3, 4])
PLACES = torch.tensor([[0, 3, 0], [1, 1, 0], [2, 0, 2], [3, 0, 0], [0, 0, 3]])
GRID = torch.rand(1, 3, 4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2.6 - 1.3
CUBE = torch.rand(1, 2, 2, 3, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 2.6 - 1.3


def zeros(t: Tensor, *shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=t.dtype)


def segments(how: str, **options: bool) -> Op:
    return lambda t: zeros(t, 4, 3).scatter_reduce(0, PLACES, t, how, **options)


# By name: an op that sums entries with known weights, and the shape of x.
SUMS: dict[str, tuple[Op, tuple[int, ...]]] = {
    "index_add": (lambda t: zeros(t, 4, 3).index_add(0, TO, t), (5, 3)),
    "index_add in place": (lambda t: zeros(t, 4, 3).index_add_(0, TO, t, alpha=-2), (5, 3)),
    "index_add of columns": (lambda t: zeros(t, 3, 4).index_add(1, TO, t), (3, 5)),
    "index_add of planes": (lambda t: zeros(t, 2, 4, 2).index_add(1, TO, t), (2, 5, 2)),
    "messages": (lambda t: zeros(t, 4, 3).index_add(0, TO, t[FROM]), (5, 3)),
    "scatter_add": (lambda t: zeros(t, 4, 3).scatter_add(0, PLACES, t), (5, 3)),
    "scatter_add of a part": (lambda t: zeros(t, 4, 4).scatter_add(1, PLACES[:2], t), (5, 3)),
    "sum of segments": (segments("sum"), (5, 3)),
    "mean of segments": (segments("mean", include_self=False), (5, 3)),
    "mean with itself": (segments("mean"), (5, 3)),
    "index_reduce": (lambda t: zeros(t, 4, 3).index_reduce(0, TO, t, "mean", include_self=False), (5, 3)),
    "index_put": (lambda t: zeros(t, 4, 3).index_put((TO,), t, accumulate=True), (5, 3)),
    "index_put of pairs": (lambda t: zeros(t, 4, 3).index_put((TO, TO % 2), t, accumulate=True), (5,)),
    "fold": (lambda t: F.fold(t, (4, 5), (2, 3), stride=1), (1, 12, 9)),
    "fold with padding": (lambda t: F.fold(t, (4, 4), 3, dilation=1, padding=1, stride=2), (1, 9, 4)),
    "fold with gaps": (lambda t: F.fold(t, (5, 5), 2, dilation=2, stride=1), (1, 4, 9)),
    **{
        f"{mode} grid, {padding}, {'edges' if edges else 'centres'}": (
            lambda t, mode=mode, padding=padding, edges=edges: F.grid_sample(t, GRID, mode, padding, edges),
            (1, 2, 5, 4),
        )
        for mode in ("bilinear", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for edges in (True, False)
    },
    "grid in 3-D": (lambda t: F.grid_sample(t, CUBE, align_corners=False), (1, 2, 3, 2, 4)),
}


@pytest.mark.parametrize("sign", ["both", "sparse", "zero"])
@pytest.mark.parametrize("name", SUMS)
def test_sums(name: str, sign: str) -> None:
    op, shape = SUMS[name]
    x = values(shape, sign, 4)
    layer, flow = last_flow(op, x)
    # The operand may hold rows of x in another order.
    held = graph_of(Fn(op), x).units(layer.operands[0])
    matrix = twins.dense(op, shape)
    counted = np.bincount(held.reshape(-1), minlength=x.numel())
    entries = matrix if counted.max() <= 1 else twins.dense(summed_of_held(name), tuple(held.shape))
    assert_twins(layer, flow, twins.by_weight(x.reshape(-1)[held].numpy(), entries))


def summed_of_held(name: str) -> Op:
    """The op on rows that are held already."""
    assert name == "messages"
    return SUMS["index_add"][0]
