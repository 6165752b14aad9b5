"""The same function in other words: an op and what it is made of, written by hand, give one attribution."""

from __future__ import annotations

import pytest
import torch
from helpers.spellings import FUNCTIONS, PAIRS, spelled

import heapwidget as hw

FUSED = "fused"


@pytest.mark.parametrize(("name", "way"), PAIRS)
@pytest.mark.filterwarnings("error")
def test_by_hand_is_as_fused(name: str, way: str) -> None:
    (net, x), (other, _) = spelled(name, FUSED), spelled(name, way)
    torch.testing.assert_close(other(x), net(x), rtol=0, atol=2e-6 * float(net(x).abs().amax()))
    found, expected = (hw.attribute(n, x, baseline=0, target=0, max_pops=0, progress=False) for n in (other, net))
    close = 1e-5 * float(expected.attribution.abs().amax())
    torch.testing.assert_close(found.attribution, expected.attribution, rtol=0, atol=close)
    assert found.ledger.explained == pytest.approx(found.ledger.change, abs=close)


def test_every_function_has_several_spellings() -> None:
    assert len(FUNCTIONS) >= 12
    assert all(next(iter(ways)) == FUSED and len(ways) >= 2 for _, ways in FUNCTIONS.values())
