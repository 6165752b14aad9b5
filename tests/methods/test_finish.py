"""Walks that are stopped and left as they stand, and their finish."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.nets import DIGIT, flat
from helpers.random_nets import Net, joined_nets, nets
from helpers.replay import replay
from helpers.walks import attribute, choices, mass, walk_of
from hypothesis import given, settings
from hypothesis import strategies as st

import heapwidget as hw
from heapwidget.samples import lenet


@given(drawn=st.one_of(nets(), joined_nets()), options=choices, pops=st.integers(1, 12))
@settings(max_examples=40)
def test_what_is_found_is_within_the_bound_and_a_finish_makes_it_exact(
    drawn: tuple[Net, Any], options: dict[str, Any], pops: int
) -> None:
    net, x = drawn
    whole = flat(attribute(net, x, **options).attribution)
    e = attribute(net, x, max_pops=pops, finish=False, **options)
    ledger, scale = e.ledger, max(walk_of(e).start_mass, float(np.abs(whole).sum()))
    scale = max(scale, mass(walk_of(e)))
    assert abs(ledger.change - ledger.explained - ledger.residual - ledger.absorbed_total) <= 1e-8 * scale
    # The columns are in single precision.
    assert float(np.abs(whole - flat(e.attribution)).sum()) <= e.bound * (1 + 1e-6) + 1e-6 * scale
    assert len(replay(e.trace, e.trace.n_steps).selected) == e.trace.header["phases"]["collect"]
    assert e.finish() is e
    assert e.bound == 0
    assert e.ledger.residual == 0
    assert np.abs(whole - flat(e.attribution)).max() <= 1e-8 * scale


def test_a_stopped_walk_is_told_as_it_stands(tmp_path: Any) -> None:
    e = hw.attribute(lenet(), DIGIT, max_pops=300, finish=False)
    assert e.trace.header["phases"]["finish"] == 0
    assert 0 < e.ledger.explained < 0.95 * e.ledger.target
    assert float(e.attribution.sum()) == pytest.approx(e.ledger.explained, rel=1e-5)
    assert e.bound == pytest.approx(hw.attribute(lenet(), DIGIT).ledger.explained - e.ledger.explained, rel=1e-4)
    assert "at most" in e.summary()
    assert "still on its way" in e.summary()
    e.save(tmp_path / "stopped.npz")
    assert hw.load(tmp_path / "stopped.npz").ledger == e.ledger


def test_a_stopped_walk_goes_on_and_stays_unfinished_until_it_is_finished() -> None:
    e = hw.attribute(lenet(), DIGIT, max_pops=300, finish=False)
    before = e.bound
    assert 0 < e.refine(max_pops=200).bound < before
    assert e.finish().bound == 0
    assert e.refine(max_pops=10).bound == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "gradient"}, ValueError, "is for method='relevance'"),
        ({"max_pops": 0}, ValueError, "max_pops must be at least 1"),
    ],
)
def test_finish_refuses(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hw.attribute(lenet(), DIGIT, finish=False, **options)


def test_finish_must_be_a_flag() -> None:
    with pytest.raises(TypeError, match="finish must be True or False, not 'no'"):
        hw.attribute(lenet(), DIGIT, finish="no")  # type: ignore[arg-type]


def test_finish_needs_a_walk() -> None:
    with pytest.raises(RuntimeError, match="no walk to continue"):
        hw.attribute(lenet(), DIGIT, method="gradient").finish()
