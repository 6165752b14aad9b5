"""Ops without a rule whose shares add up: those that are homogeneous; what remains of others is called so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from helpers.nets import Fn, adds_up
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import heapwidget as hw

pytestmark = pytest.mark.filterwarnings("ignore")
X = torch.tensor([[2.0, 3.0, 4.0, -1.5]])


def explained(f: Callable[[Tensor], Tensor], x: Tensor = X) -> hw.Explanation:
    e = hw.attribute(Fn(f), x, target=0, progress=False)
    adds_up(e)
    return e


@given(st.lists(st.floats(0.2, 3.0) | st.floats(-3.0, -0.2), min_size=2, max_size=12))
def test_each_factor_of_a_product_has_the_same_share(factors: list[float]) -> None:
    x = torch.tensor([factors])
    for product in (lambda t: t.prod(1, keepdim=True), lambda t: t.prod()[None], lambda t: t.cumprod(1)[:, -1:]):
        e = explained(product, x)
        torch.testing.assert_close(e.attribution, (x.prod() / len(factors)).expand_as(x), rtol=1e-3, atol=1e-6)
        assert not e.ledger.absorbed


def test_each_step_of_a_running_product_shares_among_its_own_factors() -> None:
    parts = explained(lambda t: t.cumprod(1).sum(1, keepdim=True)).attribution
    # The sum, -4, goes to the steps by size, 2, 6, 24 and 36 of 68, and then in 1, 2, 3 and 4 equal parts.
    steps = [-4 * size / 68 / n for n, size in enumerate((2, 6, 24, 36), 1)]
    torch.testing.assert_close(parts, torch.tensor([[sum(steps[n:]) for n in range(4)]]))


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t.var(1, keepdim=True),
        lambda t: torch.linalg.det(t.reshape(2, 2)).reshape(1, 1),
        lambda t: torch.linalg.cross(t[:, :3], t[:, 1:]),
        lambda t: F.conv1d(t[:, None], t[:, None, :2]).flatten(1),
        lambda t: F.mse_loss(t[:, :2], t[:, 2:]).reshape(1, 1),
        lambda t: F.bilinear(t[:, :2], t[:, 2:], torch.ones(1, 2, 2)),
        lambda t: torch.cdist(t[:, :2], t[:, 2:]),
        lambda t: t.norm(dim=1, keepdim=True),
    ],
    ids=["variance", "determinant", "cross product", "weights of x", "squared error", "bilinear", "distance", "norm"],
)
def test_what_is_homogeneous_adds_up(f: Callable[[Tensor], Tensor]) -> None:
    ledger = explained(f).ledger
    assert ledger.explained == pytest.approx(ledger.target, rel=1e-4)
    assert not ledger.absorbed


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t[:, :2] ** t[:, 1:3],
        lambda t: t.logsumexp(1, keepdim=True),
        lambda t: torch.atan2(t[:, :1], t[:, 1:2]),
    ],
    ids=["power", "logsumexp", "angle"],
)
def test_what_is_not_leaves_a_remainder_by_this_name(f: Callable[[Tensor], Tensor]) -> None:
    absorbed = explained(f).ledger.absorbed
    assert absorbed
    assert {cause for _, cause in absorbed} == {"remainder"}


@pytest.mark.parametrize("n", [40, 300])
def test_long_products_are_still_products(n: int) -> None:
    x = torch.linspace(0.98, 1.03, n)[None]
    torch.testing.assert_close(
        explained(lambda t: t.prod(1, keepdim=True), x).attribution, (x.prod() / n).expand_as(x), rtol=1e-3, atol=0
    )


@pytest.mark.parametrize("zeros", [1, 2])
def test_a_product_of_nothing_is_nothing(zeros: int) -> None:
    x = X.clone()
    x[0, :zeros] = 0
    e = explained(lambda t: t.prod(1, keepdim=True), x)
    assert e.ledger.target == 0
    assert e.attribution.isfinite().all()
    assert not e.attribution.any()
