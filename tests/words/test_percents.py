"""Shares and bounds in words: one table for Python and the viewer, and what holds for every number."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import heapwidget as hw
from heapwidget.words.percents import fixed, percent, percent_bound, percent_digits

TABLE = json.loads((Path(__file__).parents[1] / "golden" / "percents.json").read_text(encoding="utf-8"))
SHARES = st.floats(min_value=-1e12, max_value=1e12) | st.floats(min_value=0.9, max_value=1.1)


def number(text: str) -> float:
    """What a text says, in percent."""
    return float(text.removesuffix("%").strip(" <").replace("−", "-").replace(",", ""))


@pytest.mark.parametrize(("share", "text", "bound", "digits"), TABLE)
def test_the_table_that_the_viewer_is_held_to(share: float, text: str, bound: str | None, digits: str | None) -> None:
    assert percent(share) == text
    assert bound is None or percent_bound(share) == bound
    assert digits is None or percent_digits(share) == digits


@given(st.floats(min_value=0, max_value=1e12) | st.floats(min_value=0, max_value=1))
def test_a_bound_stays_one(share: float) -> None:
    assert number(percent_bound(share)) >= 100 * share * (1 - 1e-9)
    # At most a step above: a tenth where it is small, else a tenth of itself.
    assert number(percent_bound(share)) <= 100 * share * 1.1 + 0.1 + 1e-9


@given(SHARES)
def test_what_is_not_all_or_nothing_is_never_told_as_it(share: float) -> None:
    for text in (percent(share), percent_digits(share), fixed(share, 1), fixed(share, 2)):
        if abs(abs(share) - 1) > 2e-6:
            assert abs(number(text)) != 100
        elif abs(abs(share) - 1) < 5e-7:
            assert abs(number(text)) == 100
        assert (number(text) == 0) == (share == 0)


@given(SHARES)
def test_a_share_is_told_to_a_step(share: float) -> None:
    for text, step in ((percent(share), 1.0), (fixed(share, 2), 0.01)):
        if not text.startswith("<") and "e" not in text:
            assert abs(number(text) - 100 * share) <= step + 1e-9 * abs(share)


@pytest.mark.parametrize(("share", "text"), [(math.nan, "NaN %"), (math.inf, "∞ %"), (-math.inf, "−∞ %")])
def test_what_is_no_number_says_so(share: float, text: str) -> None:
    assert percent(share) == percent_bound(share) == text


@pytest.mark.parametrize(
    ("share", "texts"),
    [
        (0.78156, ("78.2%", "78.16%")),
        (-0.0041, ("-0.4%", "-0.41%")),
        (0.9996, ("99.9%", "99.96%")),
        (0.99999, ("99.9%", "99.99%")),
        (1.00001, ("100.1%", "100.01%")),
        (1 - 1e-8, ("100.0%", "100.00%")),
        (1e-6, ("<0.1%", "<0.01%")),
        (0.0, ("0.0%", "0.00%")),
    ],
)
def test_columns_of_figures(share: float, texts: tuple[str, str]) -> None:
    assert (fixed(share, 1), fixed(share, 2)) == texts


def test_all_words_of_an_explanation_hold_to_it() -> None:
    """99.96 % on the input: neither the ledger, nor the summary, nor the representation rounds it to all."""
    net = nn.Linear(2, 1)
    with torch.no_grad():
        net.weight.fill_(1.0)
        net.bias.fill_(2 * 0.0004 / 0.9996)
    e = hw.attribute(net, torch.ones(1, 2), rule=hw.epsilon(0.0))
    assert e.ledger.explained / e.ledger.target == pytest.approx(0.9996, abs=1e-6)
    assert ": 99.9% on the input" in repr(e)
    assert "99.9 % is on the input" in e.summary()
    rows = str(e.ledger).splitlines()
    assert rows[0].endswith("99.96%")
    assert rows[-1].endswith("100.00%")


def test_the_certified_bound_of_a_summary_is_rounded_up() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    x, checked = torch.randn(1, 6), 0
    for pops in range(1, 12):
        e = hw.attribute(net, x, rule="epsilon", floor=0.0, max_pops=pops, finish=False)
        share = e.bound / abs(e.ledger.target)
        told = next(line for line in e.summary().splitlines() if line.startswith("error"))
        if share >= 1e-6:
            assert number(told.split("at most ")[1].split(" of")[0]) >= 100 * share * (1 - 1e-9)
            checked += 1
    assert checked >= 3
