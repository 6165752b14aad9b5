"""Architectures that people use: all that makes their answers another than at the baseline reaches the input."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from helpers.architectures import ARCHITECTURES, architecture
from helpers.benchmarks.nets import HEAD, measured

import heapwidget as hw


def test_many_are_known() -> None:
    assert len(ARCHITECTURES) >= 45


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.filterwarnings("error")
def test_the_whole_change_reaches_the_input(name: str) -> None:
    net, x = architecture(name)
    with torch.no_grad():
        here, there = net(x)[0], net(torch.zeros_like(x))[0]
    target = int(here.argmax())
    e = hw.attribute(net, x, target=target, baseline=0, max_pops=2_000, progress=False)
    change, size = float(here[target] - there[target]), float(e.attribution.abs().sum())
    assert size > 1e-3
    assert e.ledger.change == pytest.approx(change, abs=1e-4 * size)
    assert e.ledger.explained == pytest.approx(float(e.attribution.sum()), abs=1e-5 * size)
    assert e.ledger.explained + e.ledger.absorbed_total == pytest.approx(change, abs=1e-4 * size)
    # All their ops are shared out exactly.
    assert sum(map(abs, e.ledger.absorbed.values())) <= 0.01 * size


@pytest.mark.parametrize("name", ["ResNet", "EfficientNet", "Swin V2", "BERT", "Llama", "Mamba", "GRU, packed"])
def test_rounding_does_not_grow(name: str) -> None:
    """No difference of large numbers decides: in float32 all is nearly as in float64."""
    net, x = architecture(name)
    options = {"target": 0, "baseline": 0, "max_pops": 0, "progress": False}
    short = hw.attribute(net, x, **options).attribution
    exact = hw.attribute(net.double(), x.double(), **options).attribution
    assert float((short - exact).abs().sum() / exact.abs().sum()) < 1e-3


def shown() -> dict[str, list[str]]:
    """The rows of the first table on the page of architectures."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "nets.md").read_text(encoding="utf-8")
    table = page.split("<!-- small -->")[1].split("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()]
    assert rows[0] == list(HEAD)
    return {name: cells for name, *cells in rows[2:] if not name.startswith("**")}


def test_the_page_tells_of_each() -> None:
    rows = shown()
    assert list(rows) == list(ARCHITECTURES)
    assert {(explained, remainder) for _, explained, remainder, *_ in rows.values()} == {("100.0%", "0")}


@pytest.mark.parametrize("name", ["VGG with norms", "ViT", "Mamba"])
def test_a_row_measured_again(name: str) -> None:
    """The order of nodes that are nearly equal depends on the processor's rounding; time is another each time."""
    layers, explained, remainder, pops, *_ = measured(*architecture(name), repeats=0).cells()
    row = shown()[name]
    assert [layers, explained, remainder] == row[:3]
    assert int(re.sub(",", "", pops)) == pytest.approx(int(re.sub(",", "", row[3])), rel=0.1)
