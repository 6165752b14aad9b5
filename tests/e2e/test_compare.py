"""Two viewers on one cursor: in a page of their own, and in JupyterLab."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser.jupyter import Kernel, Server, Watch, running, wait_for
from helpers.browser.pages import opened
from playwright.sync_api import Browser, Locator, Page, expect

import heapwidget as hw

NOTEBOOK = "compare.ipynb"
CELL = """import heapwidget as hw
net, x = hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255
both = hw.compare(hw.attribute(net, x), hw.attribute(net, x, method="gradient", target=7), panels=["input"])
both"""


@pytest.fixture(scope="module")
def explanations() -> tuple[hw.Explanation, hw.Explanation]:
    """A whole walk, and one that was cut short."""
    net, x = hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255
    return hw.attribute(net, x), hw.attribute(net, x, rule="epsilon_plus", max_pops=60)


@pytest.fixture(scope="module")
def address(
    bundle: Path, explanations: tuple[hw.Explanation, hw.Explanation], tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = tmp_path_factory.mktemp("page") / "both.html"
    hw.compare(*explanations).to_html(path)
    assert path.stat().st_size < 800_000
    return path.as_uri()


@pytest.fixture
def both(browser: Browser, address: str) -> Iterator[list[Locator]]:
    with opened(browser, address) as page:
        yield page.locator(".heapwidget").all()


def seek(viewer: Locator, step: int) -> None:
    viewer.get_by_role("slider", name="Step", exact=True).fill(str(step))


def at(viewers: list[Locator], *steps: int) -> None:
    for viewer, step in zip(viewers, steps, strict=True):
        expect(viewer).to_have_attribute("data-step", str(step))


def test_each_shows_the_same_pop_of_the_same_phase(
    both: list[Locator], explanations: tuple[hw.Explanation, hw.Explanation]
) -> None:
    left, right = both
    seek(left, 40)
    at(both, 40, 40)
    seek(left, 300)
    at(both, 300, 60)
    expect(right.locator(".hw-linked")).to_contain_text("This one waits: the walk here ended after 60 steps.")
    expect(left.locator(".hw-linked")).to_have_text("Linked: both show the same pop of the same phase.")
    collect = [e.trace.phase_start("collect") for e in explanations]
    seek(right, collect[1] + 12)
    at(both, collect[0] + 12, collect[1] + 12)
    for viewer in both:
        expect(viewer.get_by_role("status")).to_contain_text("12th largest contribution")


def test_either_plays_and_either_pauses(both: list[Locator]) -> None:
    left, right = both
    left.get_by_role("button", name="Play", exact=True).click()
    pause = right.get_by_role("button", name="Pause", exact=True)
    wait_for(lambda: int(right.get_attribute("data-step") or 0) >= 3, "third step")
    pause.click()
    expect(left.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(right).to_have_attribute("data-step", str(left.get_attribute("data-step")))


@pytest.mark.parametrize(("width", "beside"), [(480, False), (800, False), (1400, True)])
def test_they_stand_beside_one_another_where_there_is_room(both: list[Locator], width: int, beside: bool) -> None:
    page = both[0].page
    page.set_viewport_size({"width": width, "height": 900})
    left, right = (viewer.bounding_box() for viewer in both)
    assert left
    assert right
    assert (left["y"] == right["y"]) == beside
    assert (left["x"] == right["x"]) != beside
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def kernel(page: Page, server: Server) -> Iterator[Kernel]:
    with running(page, server, NOTEBOOK, CELL) as kernel:
        yield kernel


def test_in_jupyterlab_too_and_the_kernel_hears_of_both(page: Page, kernel: Kernel, watch: Watch) -> None:
    viewers = page.locator(".heapwidget")
    expect(viewers).to_have_count(2)
    boxes = [viewer.bounding_box() for viewer in viewers.all()]
    assert all(boxes)
    steps = kernel.value("[v.n_steps for v in both.children]")
    collect = kernel.value("both.children[0].explanation.trace.phase_start('collect')")
    seek(viewers.first, collect + 5)
    viewers.first.get_by_role("slider", name="Step", exact=True).dispatch_event("change")
    expect(viewers.last).to_have_attribute("data-step", "5")
    wait_for(lambda: kernel.value("[v.step for v in both.children]") == [collect + 5, 5], "both steps in the kernel")
    kernel.run("both.children[1].step = 0")
    expect(viewers.first).to_have_attribute("data-step", "0")
    assert steps[1] == 784
    assert watch.errors == []


def test_without_the_kernel_they_go_on(page: Page, kernel: Kernel, server: Server) -> None:
    collected = kernel.value("both.children[0].explanation.trace.header['phases']['collect']")
    server.shut_down(NOTEBOOK)
    viewers = page.locator(".heapwidget")
    viewers.first.focus()
    viewers.first.press("End")
    expect(viewers.last).to_have_attribute("data-step", str(collected))
