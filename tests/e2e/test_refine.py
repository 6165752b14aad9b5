"""Refining: asked for in the viewer, done in the kernel; and why not where there is none."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser.jupyter import Kernel, Server, Watch, running, wait_for
from playwright.sync_api import Browser, Locator, Page, expect

import heapwidget as hw

NOTEBOOK = "refine.ipynb"
CELLS = [
    """import heapwidget as hw
net, x = hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255
viewer = hw.explain(net, x, max_pops=100, panels=["input", "heap"])
viewer""",
    "viewer",
]
# The first 256 pops are told of, then the walk waits.
HALF_WAY = """
import threading
import heapwidget.display.refining as refining
refining.TELL_EVERY = 0
gate, refine = threading.Event(), hw.Explanation.refine
def half_way(self, *args, progress, **options):
    return refine(self, *args, progress=lambda pops: (progress(pops), gate.wait()), **options)
hw.Explanation.refine = half_way
"""


@pytest.fixture(scope="module")
def kernel(page: Page, server: Server) -> Iterator[Kernel]:
    """A notebook with one model in two cells, run."""
    with running(page, server, NOTEBOOK, *CELLS) as kernel:
        yield kernel


@pytest.fixture
def viewers(page: Page, kernel: Kernel) -> list[Locator]:
    """The two views, at step 50, with the sheet of the first one open."""
    viewers = page.locator(".heapwidget")
    expect(viewers).to_have_count(2)
    kernel.run("viewer.step = 50")
    for viewer in viewers.all():
        expect(viewer).to_have_attribute("data-step", "50")
    if not sheet(viewers.first).is_visible():
        viewers.first.get_by_role("button", name="Refine", exact=True).click()
    return viewers.all()


def sheet(viewer: Locator) -> Locator:
    return viewer.get_by_role("dialog", name="Refine")


def said(viewer: Locator) -> Locator:
    return sheet(viewer).locator("[aria-live]")


def go_on(viewer: Locator) -> Locator:
    return sheet(viewer).get_by_role("button", name="Go on")


def test_the_walk_goes_on_in_both_views(viewers: list[Locator], kernel: Kernel, watch: Watch) -> None:
    first, second = viewers
    kernel.run(HALF_WAY)
    walked = kernel.value("viewer.explanation.trace.header['phases']['walk']")
    go_on(first).click()
    for viewer in viewers:
        expect(viewer.get_by_role("button", name=re.compile("^Refin")).first).to_have_text(
            re.compile(r"^Refining 2\d %$")
        )
    kernel.run("gate.set(); hw.Explanation.refine = refine")
    expect(said(first)).to_have_text(re.compile(r"^[\d,]+ more pops: error ≤ .*, before ≤ "))
    steps = kernel.value("viewer.n_steps")
    now = kernel.value("viewer.explanation.trace.header['phases']['walk']")
    assert walked < now <= walked + 1000
    for viewer in viewers:
        expect(viewer).to_have_attribute("data-steps", str(steps))
        expect(viewer).to_have_attribute("data-step", "50")
    expect(first.get_by_role("button", name="Refine", exact=True)).to_have_text("Refine")
    second.get_by_role("slider", name="Step", exact=True).fill(str(now))
    second.get_by_role("slider", name="Step", exact=True).dispatch_event("change")
    expect(first).to_have_attribute("data-step", str(now))
    wait_for(lambda: kernel.value("viewer.step") == now, "the new step in the kernel")
    assert watch.errors == []


def test_errors_of_the_kernel_are_a_sentence(viewers: list[Locator], kernel: Kernel) -> None:
    kernel.run("refine, hw.Explanation.refine = hw.Explanation.refine, lambda *a, **k: 1 / 0")
    go_on(viewers[0]).click()
    expect(said(viewers[0])).to_have_text("division by zero")
    expect(go_on(viewers[0])).to_be_enabled()
    kernel.run("hw.Explanation.refine = refine")


def test_steps_and_bookmarks_made_meanwhile_are_kept(viewers: list[Locator], kernel: Kernel) -> None:
    """While the kernel works, the browser goes on; the kernel hears of it later."""
    first, second = viewers
    kernel.run(
        "import threading; gate = threading.Event(); refine = hw.Explanation.refine\n"
        "hw.Explanation.refine = lambda *a, **k: (gate.wait(), refine(*a, **k))[1]"
    )
    steps = first.get_attribute("data-steps")
    sheet(first).get_by_role("combobox").select_option("10000")
    go_on(first).click()
    second.focus()
    second.press("End")
    second.press("b")
    expect(second.locator(".hw-flag")).to_have_count(1)
    # JupyterLab hands a widget's messages to a thread of their own, so the kernel still takes this.
    kernel.run("gate.set()")
    expect(first).not_to_have_attribute("data-steps", str(steps))
    last = first.get_attribute("data-step")
    expect(second).to_have_attribute("data-step", str(last))
    wait_for(lambda: str(kernel.value("viewer.step")) == last, "the step in the kernel")
    assert kernel.value("[b['step'] for b in viewer.bookmarks]") == [int(str(last))]
    kernel.run("hw.Explanation.refine = refine; viewer.bookmarks = []")


def test_without_its_kernel_the_viewer_says_so(viewers: list[Locator], server: Server) -> None:
    first, _ = viewers
    server.shut_down(NOTEBOOK)
    first.page.get_by_text("No Kernel", exact=False).first.wait_for()
    pill = first.get_by_role("button", name="Refine", exact=True)
    pill.click()
    pill.click()
    expect(said(first)).to_contain_text("Python does not answer")
    expect(go_on(first)).to_be_disabled()
    first.focus()
    first.press("ArrowRight")
    expect(first).to_have_attribute("data-step", "51")


def test_a_page_of_its_own_says_that_it_has_no_python(browser: Browser, bundle: Path, tmp_path: Path) -> None:
    e = hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, max_pops=100)
    e.to_html(tmp_path / "page.html")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    viewer = page.locator(".heapwidget")
    viewer.get_by_role("button", name="Refine", exact=True).click()
    expect(go_on(viewer)).to_be_disabled()
    expect(said(viewer)).to_contain_text("This page stands on its own: more pops need Python")
    page.keyboard.press("Escape")
    expect(sheet(viewer)).to_be_hidden()
    page.close()
