"""How many pops a signed rule needs when the walk pops by mass, and when it pops by each node's part of the bound."""

from statistics import geometric_mean

import numpy as np
import pytest
from helpers.benchmarks.figures import Figures

import heapwidget as hw

DIGITS = (0, 3, 7, 14, 28, 51)
# How many pops at a time, and where to give up.
STEP, MOST = 20, 40_000


def pops_until(i: int, rule: str, priority: str, share: float) -> tuple[int, int]:
    """Pops until the bound, and until the error itself, is this share of what it was at the start."""
    x = hw.samples.digits().images[i : i + 1, None].float() / 255
    e = hw.attribute(
        hw.samples.lenet(), x, rule=rule, priority=priority, nodes="unit", floor=0.0, max_pops=0, progress=False
    )
    assert e.relevance is not None
    walk, final = e.relevance.walk, e.attribution.numpy()[0]
    start, size = walk.board.bound, float(np.abs(final).sum())
    pops, certified, close = 0, 0, 0
    while not (certified and close):
        assert pops < MOST
        pops += walk.run(STEP)
        if not certified and walk.rows()[-1].bound <= share * start:
            certified = pops
        if not close and np.abs(walk.sign * walk.stores[0].residual.reshape(final.shape) - final).sum() <= share * size:
            close = pops
    return certified, close


@pytest.mark.parametrize(("rule", "least"), [("epsilon", 3.0), ("gamma", 1.5), ("alpha_beta", 1.5)])
def test_pops_by_the_bound(figures: Figures, rule: str, least: float) -> None:
    by_mass, by_bound = (
        np.array([pops_until(i, rule, priority, 0.1) for i in DIGITS]) for priority in ("mass", "bound")
    )
    certified, close = (geometric_mean(by_mass[:, n] / by_bound[:, n]) for n in (0, 1))
    figures.at_least(f"{rule}: pops by mass over pops by bound until the bound is a tenth", certified, least, "x")
    figures.note(
        "  until the error is a tenth",
        f"{close:.2g}x ({by_mass[:, 1].mean():,.0f} and {by_bound[:, 1].mean():,.0f} pops)",
    )
