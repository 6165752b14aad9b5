"""All panels on a page of their own, opened from disk under the page's own policy."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser.jupyter import Watch
from helpers.browser.pages import settled
from playwright.sync_api import Browser, Page, expect

from heapwidget.demo import write_demo


@pytest.fixture(scope="module")
def demo(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("demo") / "demo.html"
    write_demo(path)
    return path.as_uri()


@pytest.fixture
def viewer(browser: Browser, demo: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    watch = Watch()
    watch.attach(context)
    page = context.new_page()
    page.goto(demo)
    yield page
    context.close()
    assert watch.errors == []
    assert watch.outside in ([], [demo])


def step(page: Page) -> int:
    settled(page)
    return int(page.locator(".heapwidget").get_attribute("data-step") or -1)


def test_all_panels_are_there_and_nothing_is_asked_for(viewer: Page) -> None:
    for name in ("Input", "Heap", "Network", "Curve"):
        expect(viewer.get_by_role("region", name=name, exact=True)).to_be_visible()
    viewer.get_by_role("button", name="Forward", exact=True).click()
    assert step(viewer) == 1
    expect(viewer.get_by_role("status")).to_contain_text("Pop fc3")


def test_curve_seeks_by_drag_and_by_keys(viewer: Page) -> None:
    curve = viewer.get_by_role("slider", name="Seek", exact=True)
    box = curve.bounding_box()
    assert box
    steps = int(viewer.locator(".heapwidget").get_attribute("data-steps") or 0)
    viewer.mouse.move(box["x"] + 5, box["y"] + 40)
    viewer.mouse.down()
    viewer.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40, steps=4)
    assert abs(step(viewer) - steps / 2) <= 1
    viewer.mouse.up()
    before = step(viewer)
    viewer.keyboard.press("ArrowRight")
    assert step(viewer) == before + 1
    viewer.keyboard.press("PageUp")
    assert step(viewer) > before + 10
    expect(curve).to_have_attribute("aria-valuetext", re.compile(rf"{step(viewer):,}: .* on pixels"))


def test_the_node_under_the_pointer_is_the_same_in_heap_and_network(viewer: Page) -> None:
    viewer.get_by_role("slider", name="Step", exact=True).fill("40")
    card = viewer.locator(".hw-card[role=treeitem]").first
    card.click()
    expect(card).to_have_attribute("aria-selected", "true")
    name = card.get_attribute("title")
    expect(viewer.locator(".hw-panel-network .hw-slot")).to_contain_text(str(name))
    viewer.keyboard.press("Escape")
    network = viewer.locator(".hw-network")
    box = network.bounding_box()
    assert box
    viewer.mouse.move(box["x"] + 50, box["y"] + 50)
    expect(viewer.locator(".hw-panel-input .hw-slot").first).to_contain_text("pixel (")


def test_maps_fill_and_empty_with_the_steps(viewer: Page) -> None:
    ink = """canvas => { const c = canvas.getContext('2d'), {data} = c.getImageData(0, 0, canvas.width, canvas.height);
        let n = 0; for (let i = 0; i < data.length; i += 4) if (data[i] - data[i + 2] > 60) n++; return n; }"""
    network = viewer.locator(".hw-network")
    counts = []
    for name in ("Last", "First"):
        viewer.get_by_role("button", name=name, exact=True).click()
        settled(viewer)
        counts.append(network.evaluate(ink))
    assert counts[0] > 2000
    assert counts[1] == 0


def test_slow_motion_lights_the_line_that_runs(viewer: Page) -> None:
    viewer.get_by_role("button", name="Panels", exact=True).click()
    viewer.get_by_role("checkbox", name="Code", exact=True).check()
    viewer.get_by_role("slider", name="Step", exact=True).fill("99")
    viewer.get_by_role("radio", name="compare and swap", exact=True).click()
    lit, forward = viewer.locator(".hw-lit"), viewer.get_by_role("button", name="Forward", exact=True)
    expect(lit).to_have_count(0)
    for line, said in (
        ("lastelt = heap.pop()", "The last cell gives up"),
        ("heap[0] = lastelt", "takes the place of the popped node on top"),
        ("if rightpos < endpos and not heap[childpos] < heap[rightpos]:", "child, "),
        ("heap[pos] = heap[childpos]", "moves up to the top"),
    ):
        forward.click()
        expect(lit).to_have_text(line)
        expect(viewer.get_by_role("status")).to_contain_text(said)
        assert step(viewer) == 99
    expect(viewer.locator(".hw-card.hw-hole")).to_have_count(1)
    viewer.get_by_role("radio", name="pop", exact=True).click()
    expect(lit).to_have_count(0)
    expect(viewer.locator(".hw-card.hw-hole")).to_have_count(0)


@pytest.mark.parametrize("width", [480, 800, 1400])
def test_nothing_sticks_out(viewer: Page, width: int) -> None:
    viewer.get_by_role("button", name="Panels", exact=True).click()
    viewer.get_by_role("checkbox", name="Code", exact=True).check()
    viewer.set_viewport_size({"width": width, "height": 900})
    viewer.get_by_role("slider", name="Step", exact=True).fill("100")
    settled(viewer)
    assert viewer.evaluate("document.documentElement.scrollWidth") <= width
