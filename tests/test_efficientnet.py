"""A photograph through a network with real weights: the accounts add up, and the first pixels popped are the cat's.

In the square that the network sees, the cat's face fills the picture; its eyes and its nose are a quarter of it.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.benchmarks import efficientnet
from numpy.typing import NDArray
from torch import Tensor, nn

import heapwidget as hw

SIDE = efficientnet.CROP
TIGER_CAT = 282
# Rows and columns, drawn by hand around what the name says.
EYES_AND_NOSE = {
    "left eye": (slice(55, 115), slice(30, 105)),
    "right eye": (slice(70, 130), slice(165, 215)),
    "nose": (slice(165, 224), slice(100, 185)),
}


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return efficientnet.net()


@pytest.fixture(scope="module")
def explanation(net: nn.Module) -> hw.Explanation:
    return hw.attribute(net, efficientnet.cat(), progress=False)


def face() -> NDArray[np.bool_]:
    """A mask of eyes and nose."""
    mask = np.zeros((SIDE, SIDE), np.bool_)
    for box in EYES_AND_NOSE.values():
        mask[box] = True
    return mask


def share_inside(explanation: hw.Explanation, mask: NDArray[np.bool_], count: int) -> float:
    """Of the positions popped first, the share in the mask."""
    return float(mask.reshape(-1)[explanation.order[:count]].mean())


def test_it_is_a_cat(explanation: hw.Explanation) -> None:
    target = explanation.trace.header["target"]
    assert target["index"] == TIGER_CAT
    assert target["value"] == pytest.approx(9.2, abs=0.2)


def test_ledger_adds_up(explanation: hw.Explanation) -> None:
    ledger = explanation.ledger
    assert ledger.explained + ledger.residual + ledger.absorbed_total == pytest.approx(ledger.target, rel=1e-4)
    assert float(explanation.attribution.double().sum()) == pytest.approx(ledger.explained, rel=1e-4)
    assert explanation.bound <= 1e-6 * ledger.target
    # Few of the units of this net get their sign from what they see; most of the logit ends where the rule stops.
    assert 0.02 < ledger.explained / ledger.target < 0.06
    largest = max(ledger.absorbed, key=lambda entry: ledger.absorbed[entry])
    assert largest == ("_blocks.15._depthwise_conv.conv", "dead end")


def test_a_longer_walk_ends_in_the_same_attribution(net: nn.Module, explanation: hw.Explanation) -> None:
    longer = hw.attribute(net, efficientnet.cat(), floor=1e-4, nodes="tile", progress=False)
    assert longer.trace.header["phases"]["walk"] > 2 * explanation.trace.header["phases"]["walk"]
    torch.testing.assert_close(longer.attribution, explanation.attribution, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("count", [100, 500, 1000])
def test_the_first_pixels_lie_on_eyes_and_nose(explanation: hw.Explanation, count: int) -> None:
    mask = face()
    assert mask.mean() < 0.26
    assert share_inside(explanation, mask, count) > 0.9


@pytest.mark.parametrize("name", EYES_AND_NOSE)
def test_each_has_more_than_its_area(explanation: hw.Explanation, name: str) -> None:
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[EYES_AND_NOSE[name]] = True
    assert share_inside(explanation, mask, 1000) > 1.5 * mask.mean()


def test_they_go_along_when_the_picture_is_mirrored(net: nn.Module) -> None:
    mirrored: Tensor = efficientnet.cat().flip(-1)
    explanation = hw.attribute(net, mirrored, target=TIGER_CAT, max_pops=0)
    mask = face()[:, ::-1]
    assert share_inside(explanation, mask, 500) > 0.9
    assert share_inside(explanation, mask, 500) > share_inside(explanation, face(), 500) + 0.1
