"""A walk costs what its pops cost, in however large a net; a whole-layer pass costs what the net does."""

import pytest
from helpers.benchmarks.figures import Figures
from helpers.benchmarks.growth import DEPTH, DEPTHS, POPS, WIDTH, WIDTHS, cost


@pytest.mark.parametrize(
    ("small", "large", "what", "least"),
    [
        ((DEPTHS[0], WIDTH), (DEPTHS[-1], WIDTH), f"from {DEPTHS[0]} to {DEPTHS[-1]} layers", 5),
        ((DEPTH, WIDTHS[0]), (DEPTH, WIDTHS[-1]), f"from {WIDTHS[0]} to {WIDTHS[-1]} channels", 15),
    ],
    ids=["depth", "width"],
)
def test_growth(figures: Figures, small: tuple[int, int], large: tuple[int, int], what: str, least: float) -> None:
    before, after = cost(*small), cost(*large)
    figures.at_least(f"a whole-layer pass {what}", after.whole / before.whole, least, "x")
    figures.at_most(f"  a walk of {POPS[-1]:,} pops", after.walks[-1] / before.walks[-1], 2.5, "x")
    more, longer = POPS[-1] / POPS[0], after.walks[-1] / after.walks[0]
    figures.at_least(f"  in the large net, {more:g} times the pops", longer, more / 2, "x")
