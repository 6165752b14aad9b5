"""Findings are frozen: what goes on gives others, and whoever was sent some keeps them as they were."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.nets import DIGIT, mlp

import heapwidget as hw
from heapwidget.display.payload import shown_header
from heapwidget.display.viewer import HeapViewer
from heapwidget.findings.findings import Findings
from heapwidget.samples import lenet

FIELDS = [field.name for field in fields(Findings)]


@pytest.fixture
def e() -> hw.Explanation:
    return hw.attribute(lenet(), DIGIT, max_pops=50)


def numbers(findings: Findings) -> dict[str, Any]:
    """All that is found, as values of its own."""
    columns = {name: column.copy() for name, column in findings.trace.columns.items()}
    attribution = findings.attribution
    assert isinstance(attribution, torch.Tensor)
    return {"header": dict(findings.trace.header), **columns, "attribution": attribution.numpy().copy()}


def assert_same(now: dict[str, Any], before: dict[str, Any]) -> None:
    for name, value in before.items():
        assert np.array_equal(now[name], value) if isinstance(value, np.ndarray) else now[name] == value, name


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_can_be_set_not_even_of_an_explanation(name: str, e: hw.Explanation) -> None:
    for held in (e.findings, e):
        with pytest.raises(FrozenInstanceError):
            setattr(held, name, None)


@pytest.mark.parametrize("go_on", [lambda f: f.refine(max_pops=40, progress=False), lambda f: f.finish()])
def test_going_on_gives_other_findings(go_on: Any) -> None:
    first = hw.attribute(lenet(), DIGIT, max_pops=50, finish=False).findings
    before = numbers(first)
    second = go_on(first)
    assert type(second) is Findings
    assert second is not first
    assert second.trace.n_steps > first.trace.n_steps
    assert_same(numbers(first), before)
    # The walk is one, and goes on where it stands.
    assert second.relevance is first.relevance


def test_an_explanation_moves_on_and_what_it_held_stays(e: hw.Explanation) -> None:
    first = e.findings
    before = numbers(first)
    assert e.refine(max_pops=40, progress=False) is e
    assert e.finish() is e
    assert e.trace.header.phases.walk == 90
    assert_same(numbers(first), before)
    assert_same(numbers(e.findings), numbers(e))


def test_measuring_gives_other_findings_and_going_on_forgets_it(e: hw.Explanation) -> None:
    first = e.findings
    measured = e.faithfulness(steps=2, random_orders=0, progress=False)
    assert first.measured is None
    assert e.measured is e.findings.measured is measured
    assert e.findings.trace is first.trace
    e.refine(max_pops=1, progress=False)
    assert e.measured is None


def test_nothing_that_a_viewer_was_sent_changes_under_it(bundle: Path, e: hw.Explanation) -> None:
    viewer = e.view()
    shown, before = viewer.shown.explanation, numbers(viewer.shown.explanation)
    assert type(shown) is Findings
    page = viewer._trace["header"]
    e.refine(max_pops=100, progress=False)
    e.faithfulness(steps=2, random_orders=0, progress=False)
    assert viewer.shown.explanation is shown
    assert_same(numbers(shown), before)
    assert shown_header(shown) == viewer._trace["header"] == page
    assert "scores" in e.view()._trace["header"]


def test_a_viewer_of_findings_goes_on_to_others(bundle: Path, e: hw.Explanation) -> None:
    first = e.findings
    viewer = HeapViewer(first)
    viewer.refine(10, progress=False)
    assert viewer.n_steps == viewer.explanation.trace.n_steps
    assert viewer.explanation.trace.header.phases.walk == 60
    assert first.trace.header.phases.walk == e.trace.header.phases.walk == 50


def test_findings_are_saved_and_loaded_by_themselves(tmp_path: Path) -> None:
    first = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3)).findings
    first.save(tmp_path / "e.npz")
    again = Findings.load(tmp_path / "e.npz")
    assert type(again) is Findings
    assert_same(numbers(again), numbers(first))
    assert type(hw.load(tmp_path / "e.npz")) is hw.Explanation
    assert torch.is_tensor(hw.load(tmp_path / "e.npz").attribution)
