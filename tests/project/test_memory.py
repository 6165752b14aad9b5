"""What is done with stays nowhere: counts of what is alive do not grow with the number of calls."""

from __future__ import annotations

import gc
import os
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import comm
import ipywidgets
import numpy as np
import pytest
import torch
from helpers.nets import DIGIT
from ipywidgets.widgets import widget
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.display.still import still
from heapwidget.display.viewer import HeapViewer
from heapwidget.engine.walk.search import Walk
from heapwidget.samples import lenet
from heapwidget.trace.trace import Trace

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
ATTRIBUTES, VIEWERS = (2_000, 200) if NIGHTLY else (40, 8)
KINDS = (Tensor, nn.Module, hw.Explanation, Trace, Walk, HeapViewer, ipywidgets.Widget, np.ndarray, type)


def alive() -> Counter[str]:
    """Objects of each kind, and what the widget library and the kernel hold."""
    gc.collect()
    counts: Counter[str] = Counter()
    for thing in gc.get_objects():
        # Not isinstance, which asks proxies, and torch's own lazy classes, what they are.
        kind = type(thing)
        counts.update(base.__name__ for base in KINDS if issubclass(kind, base))
    counts["open widgets"] = len(widget._instances)
    counts["comms"] = len(comm.get_comm_manager().comms)
    counts["bytes of arrays"] = sum(a.nbytes for a in gc.get_objects() if type(a) is np.ndarray and a.base is None)
    return counts


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(4 * 9, 6), nn.Linear(6, 3)
    )


NET, X = small(), torch.rand(1, 1, 8, 8)


def seen(viewer: HeapViewer) -> None:
    """What a notebook does with a viewer at the end of a cell, and a page with its model."""
    viewer._repr_mimebundle_()
    viewer.observe(lambda change: viewer.step, "step")
    for data in (
        {"method": "custom", "content": {"type": "hello"}},
        {"method": "update", "state": {"step": 3, "n_steps": 4, "panels": 5}},
    ):
        viewer._handle_msg({"content": {"data": data}, "buffers": []})
    viewer.step = 5


def view_and_close() -> None:
    viewer = hw.explain(NET, X)
    seen(viewer)
    viewer.close()


def compare_and_close() -> None:
    e = hw.attribute(NET, X)
    both = hw.compare(e, hw.attribute(NET, X, method="gradient"))
    both._repr_mimebundle_()
    for viewer in both.children:
        seen(viewer)
    both.close()


def refine_in_viewer() -> None:
    viewer = hw.explain(NET, X, max_pops=5)
    for pops in (5, 10):
        data = {"method": "custom", "content": {"type": "refine", "pops": pops}}
        viewer._handle_msg({"content": {"data": data}, "buffers": []})
    viewer.close()


def save_and_load(path: Path) -> None:
    hw.attribute(NET, X).save(path)
    hw.load(path).view().close()


WORK: dict[str, tuple[int, Callable[[Path], object]]] = {
    "attribute": (ATTRIBUTES, lambda folder: hw.attribute(NET, X)),
    "gradient": (VIEWERS, lambda folder: hw.attribute(NET, X, method="gradient")),
    "article": (VIEWERS, lambda folder: hw.attribute(NET, X, method="article", nodes="channel")),
    "new net": (VIEWERS, lambda folder: hw.attribute(small(), X)),
    "viewer": (VIEWERS, lambda folder: view_and_close()),
    "comparison": (VIEWERS, lambda folder: compare_and_close()),
    "refine": (VIEWERS, lambda folder: hw.attribute(NET, X, max_pops=5).refine(5).refine(10)),
    "refine in a viewer": (VIEWERS, lambda folder: refine_in_viewer()),
    "faithfulness": (VIEWERS, lambda folder: hw.attribute(NET, X).faithfulness(steps=4, random_orders=1)),
    "paths": (VIEWERS, lambda folder: hw.attribute(NET, X).paths(3)),
    "figure": (VIEWERS // 4, lambda folder: hw.attribute(NET, X).plot().savefig(folder / "figure.png")),
    "page": (VIEWERS, lambda folder: hw.attribute(NET, X).to_html(folder / "page.html")),
    "still": (VIEWERS, lambda folder: still(hw.attribute(NET, X))),
    "file": (
        VIEWERS,
        lambda folder: hw.attribute(NET, X).save(folder / "e.npz") or hw.load(folder / "e.npz").view().close(),
    ),
}


@pytest.mark.parametrize("work", WORK)
def test_memory_is_flat(work: str, tmp_path: Path, bundle: Path) -> None:
    times, act = WORK[work]
    for _ in range(3):
        act(tmp_path)
    before = alive()
    for _ in range(times):
        act(tmp_path)
    grown = alive()
    grown.subtract(before)
    # What is made once, for an op or a font, may come now; what each call leaves would be as many as the calls.
    assert {kind: n for kind, n in grown.items() if n >= max(times // 2, 3) and kind != "bytes of arrays"} == {}
    assert grown["bytes of arrays"] < 1000 * times


@pytest.fixture
def gone() -> Iterator[Callable[..., None]]:
    """Watches objects; at the end all of them have to be freed."""
    watched: dict[str, weakref.ref[Any]] = {}

    def watch(**things: Any) -> None:
        watched.update({name: weakref.ref(thing) for name, thing in things.items()})

    yield watch
    gc.collect()
    assert [name for name, ref in watched.items() if ref() is not None] == []


@pytest.mark.parametrize("shown", [False, True])
def test_a_closed_viewer_frees_explanation_net_and_widget(shown: bool, gone: Callable[..., None]) -> None:
    net, before = small(), set(widget._instances)
    viewer = hw.explain(net, X)
    if shown:
        seen(viewer)
    gone(net=net, viewer=viewer, explanation=viewer.explanation, trace=viewer.explanation.trace, layout=viewer.layout)
    viewer.close()
    assert set(widget._instances) == before


def test_a_closed_comparison_frees_both(gone: Callable[..., None]) -> None:
    net, before = small(), set(widget._instances)
    both = hw.compare(hw.attribute(net, X), hw.attribute(net, X, rule="epsilon"))
    left, right = both.children
    gone(net=net, both=both, left=left, right=right, one=left.explanation, two=right.explanation)
    both.close()
    assert set(widget._instances) == before


def test_a_cell_run_again_keeps_the_last_alone(gone: Callable[..., None]) -> None:
    viewer = None
    for _ in range(4):
        if viewer is not None:
            gone(**{f"viewer {id(viewer)}": viewer, f"explanation {id(viewer)}": viewer.explanation})
            viewer.close()
        viewer = hw.explain(NET, X)
        seen(viewer)
    assert viewer is not None
    viewer.close()


def test_an_explanation_frees_its_net(gone: Callable[..., None]) -> None:
    net = small()
    e = hw.attribute(net, X, max_pops=10).refine(10)
    e.faithfulness(steps=2, random_orders=0)
    gone(net=net, explanation=e, weight=net[0].weight)


def test_a_closed_viewer_is_quiet_and_knows_what_it_showed() -> None:
    viewer = hw.explain(lenet(), DIGIT, max_pops=50)
    viewer.close()
    viewer.close()
    viewer.step = 3
    viewer.refine(20)
    seen_after = viewer.explanation.trace.header["phases"]["walk"]
    assert (viewer.step, seen_after) == (3, 70)
    data = {"method": "custom", "content": {"type": "refine", "pops": 10}}
    viewer._handle_msg({"content": {"data": data}, "buffers": []})
    assert "70 pops" not in repr(viewer)
    assert viewer._repr_mimebundle_ is None


def test_a_layout_that_is_shared_stays_open() -> None:
    layout = ipywidgets.Layout(width="50%")
    given, own = hw.attribute(NET, X).view(layout=layout), hw.attribute(NET, X).view()
    other = ipywidgets.Box(layout=own.layout)
    given.close()
    own.close()
    assert layout.comm is not None
    assert other.layout.comm is not None
    other.close()
    layout.close()
    own.layout.close()
