"""Stacks of matrices and upsampling beside their slow twins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from helpers import slow_twins as twins
from helpers.nets import SIGNS, Fn, units, values
from helpers.rule_twins import RULES, twin_of_matrix, twin_of_product
from helpers.twin_checks import assert_twins, last_flow
from torch import Tensor, nn

import heapwidget as hw


def stack(name: str) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """A product by a constant stack of matrices, and an input of its shape."""
    right, left = values((2, 4, 3), "both", 7), values((2, 5, 3), "both", 8)
    return {
        "right": (lambda t: torch.bmm(t[0], right), values((1, 2, 3, 4), "both", 1)),
        "left": (lambda t: torch.bmm(left, t[0]), values((1, 2, 3, 4), "both", 2)),
        "one": (lambda t: torch.bmm(t, right[:1]), values((1, 3, 4), "both", 3)),
        "matrix on the left": (lambda t: torch.mm(left[0], t[0]), values((1, 3, 4), "both", 4)),
    }[name]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "flat"])
@pytest.mark.parametrize("name", ["right", "left", "one", "matrix on the left"])
def test_by_a_constant(name: str, rule: str) -> None:
    op, x = stack(name)
    layer, flow = last_flow(op, x, RULES[rule])
    # The layer holds the transpose where the constant stands on the left.
    turned = (lambda t: op(t).mT) if "left" in name else op
    matrix = twins.dense(turned, tuple(x.shape))
    if "left" in name:
        order = np.arange(x.numel()).reshape(x.shape)
        order = np.moveaxis(order, -1, -2).ravel()
        matrix = matrix[:, order]
        x = x.mT.contiguous()
    biases = np.zeros(len(matrix))
    shares = twin_of_matrix(rule, x, matrix, biases)
    absorbed = {cause: share for cause, share in shares.absorbed.items() if cause != "bias"}
    assert_twins(layer, flow, shares._replace(absorbed=absorbed), exact_k=not rule.startswith("z_box"))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "flat"])
@pytest.mark.parametrize("stacked", [True, False])
def test_two_signals_take_half_each(rule: str, stacked: bool) -> None:
    """Each side by the rule with the other held constant."""
    x = values((1, 2, 8, 3), "both", 5) if stacked else values((1, 8, 3), "both", 5)

    def sides(t: Tensor) -> tuple[Tensor, Tensor]:
        return t[..., :4, :], t[..., 4:7, :].mT

    layer, flow = last_flow(lambda t: torch.matmul(*sides(t)), x, RULES[rule])
    a, b = sides(x)
    left = twin_of_product(rule, a, twins.dense(lambda t: t @ b, tuple(a.shape)))
    right = twin_of_product(rule, b, twins.dense(lambda t: a @ t, tuple(b.shape)))
    absorbed = {
        cause: (left.absorbed.get(cause, 0) + right.absorbed.get(cause, 0)) / 2
        for cause in left.absorbed.keys() | right.absorbed.keys()
        if cause != "bias"
    }
    shares = twins.Shares([left.to[0] / 2, right.to[0] / 2], absorbed)
    assert_twins(layer, flow, shares, exact_k="box" not in rule)


@pytest.mark.parametrize(
    "op",
    [
        lambda a, b: torch.sigmoid(a) * b,
        lambda a, b: b * torch.sigmoid(a),
        lambda a, b: nn.functional.hardsigmoid(a).mul_(b),
        lambda a, b: a.softmax(-1) * b,
        lambda a, b: b * (1 - torch.sigmoid(a)),
        lambda a, b: b * torch.rsqrt(a.pow(2).mean(-1, keepdim=True) + 1e-5),
        lambda a, b: b / a,
        lambda a, b: b / a.norm(dim=-1, keepdim=True).clamp_min(1e-12),
        lambda a, b: torch.cat([b, a], 1).reshape(1, 2, 2, 3)[:, 0],
        lambda a, b: nn.functional.glu(torch.cat([b, a], 1), 1),
    ],
)
def test_what_only_scales_takes_nothing(op: Callable[[Tensor, Tensor], Tensor]) -> None:
    x = values((1, 4, 3), "positive", 8) + 0.1
    assert units(lambda t: op(t[:, :2], t[:, 2:]), x) == list(range(6, 12))


@pytest.mark.parametrize(
    "op",
    [
        lambda t: nn.functional.layer_norm(t, (3,)),
        lambda t: nn.functional.group_norm(t, 2),
        lambda t: nn.functional.instance_norm(t),
        lambda t: nn.functional.rms_norm(t, (3,)),
        lambda t: nn.functional.normalize(t, dim=1),
        lambda t: t.softmax(1),
        lambda t: t.log_softmax(1),
        lambda t: nn.functional.prelu(t, torch.tensor(0.2, dtype=torch.float64)),
        lambda t: nn.functional.mish(nn.functional.hardswish(nn.functional.silu(nn.functional.gelu(t)))),
        lambda t: t.pow(2).exp().sqrt(),
    ],
)
def test_unit_by_unit_makes_no_layer(op: Callable[[Tensor], Tensor]) -> None:
    assert units(op, values((1, 4, 3), "both", 8)) == list(range(12))


def test_extremes_follow_the_winner() -> None:
    x = torch.tensor([[[1.0, 5.0, 2.0], [7.0, 0.0, 3.0]]], dtype=torch.float64)
    assert units(lambda t: t.amax(2), x) == [1, 3]
    assert units(lambda t: t.amax((1, 2)), x) == [3]
    assert units(lambda t: t.max(1).values, x) == [3, 1, 5]
    assert units(lambda t: t.min(1, keepdim=True).values, x) == [0, 4, 2]
    assert units(lambda t: t.max(), x) == [3]
    assert units(lambda t: t.topk(2, dim=2).values, x) == [1, 2, 3, 5]
    assert units(lambda t: t.sort(dim=2).values, x) == [0, 2, 1, 4, 5, 3]


def test_what_is_masked_is_a_constant() -> None:
    x = values((1, 2, 2), "both", 8)
    assert units(lambda t: t.masked_fill(torch.tensor([True, False]), 9.0), x) == [-2, 1, -2, 3]
    assert units(lambda t: t.tril(), x) == [0, -2, 2, 3]
    assert units(lambda t: t.triu(), x) == [0, 1, -2, 3]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    ("shape", "mode"),
    [((2, 5), "linear"), ((2, 3, 4), "bilinear"), ((1, 2, 3, 2), "trilinear"), ((2, 4, 4), "bicubic")],
)
@pytest.mark.parametrize("aligned", [True, False])
def test_upsampling(shape: tuple[int, ...], mode: str, aligned: bool, sign: str) -> None:
    x = values((1, *shape), sign, 9)

    def op(t: Tensor) -> Tensor:
        size = [s + 2 for s in shape[1:]]
        return nn.functional.interpolate(t, size=size, mode=mode, align_corners=aligned)

    weights = np.abs(twins.dense(op, tuple(x.shape)))
    parts = weights * np.abs(x.numpy().ravel())
    empty = parts.sum(axis=1) <= 1e-30
    parts[empty] = weights[empty]
    assert_twins(*last_flow(op, x), twins.Shares([parts / parts.sum(axis=1, keepdims=True)], {}))


def test_attention_to_negative_values_is_no_dead_end() -> None:
    """Positive weights of negative values: nothing pulls up, and no bias makes the unit; each value has its part."""
    x = values((1, 4, 3), "negative", 6) - 0.1
    weights = (x @ x.mT).softmax(-1)
    e = hw.attribute(Fn(lambda t: ((t @ t.mT).softmax(-1) @ t).sum(1)), x, target=1, baseline=None, progress=False)
    assert not e.ledger.absorbed_total
    expected = torch.zeros_like(x)
    expected[..., 1] = weights.sum(1) * x[..., 1]
    torch.testing.assert_close(e.attribution, expected)
