"""The viewer's Python side: its traits, and what it sends."""

from pathlib import Path

import numpy as np
import pytest
import torch
import traitlets
from torch import nn

import heapwidget as hw
from heapwidget.display import guard, panels
from heapwidget.display.viewer import HeapViewer


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 6), nn.ReLU(), nn.Linear(6, 3))


@pytest.fixture(scope="module")
def walk(net: nn.Module) -> hw.Explanation:
    return hw.attribute(net, torch.rand(1, 1, 3, 3))


def test_panels_are_four_for_a_walk_and_two_for_keys_alone(net: nn.Module, walk: hw.Explanation) -> None:
    gradient = hw.attribute(net, torch.rand(1, 1, 3, 3), method="gradient")
    assert HeapViewer(walk).panels == ["input", "heap", "network", "curve"]
    assert HeapViewer(gradient).panels == ["input", "heap"]
    assert HeapViewer(gradient, panels=["curve"]).panels == ["curve"]


def test_unknown_panel_is_refused(walk: hw.Explanation) -> None:
    with pytest.raises(traitlets.TraitError):
        HeapViewer(walk, panels=["sound"])


def test_step_stays_within_the_trace(walk: hw.Explanation) -> None:
    viewer = HeapViewer(walk, step=10**6)
    assert viewer.step == viewer.n_steps == walk.trace.n_steps
    viewer.step = -3
    assert viewer.step == 0


def test_selected_is_what_is_popped_at_the_step(walk: hw.Explanation) -> None:
    viewer = HeapViewer(walk)
    assert not viewer.selected.any()
    viewer.step = viewer.n_steps
    assert np.flatnonzero(viewer.selected.ravel()).tolist() == sorted(walk.order.tolist())


def test_a_node_that_is_none_is_refused(walk: hw.Explanation) -> None:
    viewer = HeapViewer(walk)
    with pytest.raises(traitlets.TraitError, match="is no node"):
        viewer.selected_node = 10**6


def test_columns_are_sent_as_they_are(walk: hw.Explanation) -> None:
    columns = HeapViewer(walk).get_state("_trace")["_trace"]["columns"]
    assert sum(column.nbytes for column in columns.values()) == sum(c.nbytes for c in walk.trace.columns.values())


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> str:
    """A panel from outside, shown at first where relevance is conserved."""
    monkeypatch.setattr(panels, "PANELS", dict(panels.PANELS))
    monkeypatch.setattr(guard, "PANELS", panels.PANELS)
    panels.register_panel("mine", lambda trace: trace.conserved)
    return "mine"


def test_a_panel_from_outside_is_one_entry(walk: hw.Explanation, mine: str, tmp_path: Path) -> None:
    viewer = HeapViewer(walk)
    assert viewer.panels == ["input", "heap", "network", "curve", mine]
    viewer.panels = ["heap", mine]
    viewer.set_state({"panels": [mine]})
    assert viewer.panels == [mine]
    walk.to_html(tmp_path / "page.html", panels=["input", mine])
    assert '"panels":["input","mine"]' in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_no_panel_takes_the_name_of_another(mine: str) -> None:
    for name in ("heap", mine):
        with pytest.raises(ValueError, match=f"there is a panel '{name}' already"):
            panels.register_panel(name)
