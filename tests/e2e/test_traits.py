"""The viewer linked with other widgets, as docs/traits.md shows it, in JupyterLab."""

import re
from collections.abc import Iterator

import pytest
from helpers.browser.jupyter import Kernel, Server, Watch, running, wait_for
from playwright.sync_api import Page, expect

NOTEBOOK = "traits.ipynb"
CELL = """import ipywidgets as widgets, heapwidget as hw
viewer = hw.explain(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, panels=["input"])
viewer.step = 300
seen = []
viewer.observe(lambda change: seen.append(change["new"]), ["step", "selected_node", "bookmarks"])
progress = widgets.IntProgress(max=viewer.n_steps)
play = widgets.Play(value=300, max=viewer.n_steps, interval=100)
links = widgets.jsdlink((viewer, "step"), (progress, "value")), widgets.jsdlink((play, "value"), (viewer, "step"))
widgets.VBox([play, progress, viewer])"""


@pytest.fixture(scope="module")
def kernel(page: Page, server: Server) -> Iterator[Kernel]:
    with running(page, server, NOTEBOOK, CELL) as kernel:
        yield kernel


def test_links_and_observers_hear_of_what_is_done(page: Page, kernel: Kernel, watch: Watch) -> None:
    viewer = page.locator(".heapwidget")
    expect(viewer).to_have_attribute("data-step", "300")
    viewer.focus()
    viewer.press("Shift+ArrowRight")
    viewer.press("b")
    wait_for(lambda: kernel.value("progress.value") == 310, "the progress bar")
    marks = "[mark['step'] for value in seen if isinstance(value, list) for mark in value]"
    wait_for(lambda: kernel.value(marks) == [310], "the bookmark")
    assert 310 in kernel.value("[s for s in seen if isinstance(s, int)]")
    # The viewer does not move the Play, and the Play moves the viewer.
    assert kernel.value("play.value") == 300
    page.locator(".widget-play button").first.click()
    wait_for(lambda: int(viewer.get_attribute("data-step") or 0) not in (0, 300, 310), "the Play's place")
    page.locator(".widget-play button").first.click()
    kernel.run("viewer.step = 5")
    expect(viewer).to_have_attribute("data-step", "5")
    assert watch.errors == []


def test_links_hold_without_the_kernel(page: Page, kernel: Kernel, server: Server) -> None:
    server.shut_down(NOTEBOOK)
    viewer = page.locator(".heapwidget")
    viewer.focus()
    viewer.press("End")
    steps = viewer.get_attribute("data-steps")
    # The bar is as long as all of its trough.
    bar = page.locator(".widget-hprogress .progress-bar, .widget-hprogress [style*='width']").first
    expect(bar).to_have_attribute("style", re.compile(r"width: 100%"))
    expect(viewer).to_have_attribute("data-step", str(steps))
