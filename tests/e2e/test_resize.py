"""Panels are resized by their dividers: by pointer and by keys, and back to what suits by a double click."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser.pages import go_to, opened, settled
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from heapwidget.demo import write_demo

PARTS = {"Heap": ".hw-tree", "Network": ".hw-network", "Curve": ".hw-curve"}


@pytest.fixture(scope="module")
def address(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("resize") / "demo.html"
    write_demo(path)
    return path.as_uri()


@pytest.fixture
def viewer(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        go_to(page, 334)
        yield page


def divider(page: Page, name: str) -> Locator:
    return page.get_by_role("separator", name=name, exact=True)


def box(locator: Locator) -> FloatRect:
    rect = locator.bounding_box()
    assert rect
    return rect


def drag(page: Page, name: str, dx: float, dy: float) -> None:
    divider(page, name).scroll_into_view_if_needed()
    rect = box(divider(page, name))
    x, y = rect["x"] + rect["width"] / 2, rect["y"] + rect["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()
    settled(page)


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("width", [480, 1400])
def test_heights_follow_the_pointer_and_a_double_click_undoes_it(
    browser: Browser, address: str, name: str, width: int
) -> None:
    with opened(browser, address, width) as page:
        go_to(page, 334)
        part = page.locator(PARTS[name])
        before = box(part)["height"]
        drag(page, f"Height of {name}", 0, 70)
        taller = box(part)["height"]
        # A tree fills its height as far as rows may be moved apart.
        assert taller == pytest.approx(before + 70, abs=1 if name != "Heap" else 30)
        assert taller > before + 20
        drag(page, f"Height of {name}", 0, -60)
        assert box(part)["height"] < taller
        divider(page, f"Height of {name}").dblclick()
        settled(page)
        assert box(part)["height"] == before
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_taller_heap_shows_more_of_it_and_a_lower_one_less(viewer: Page) -> None:
    levels = {}
    for name, key in (("tall", "End"), ("low", "Home")):
        divider(viewer, "Height of Heap").press(key)
        settled(viewer)
        # An edge above each node but the first.
        levels[name] = 1 + viewer.locator(".hw-edge:not([display=none])").count()
    assert levels["tall"] > 63
    assert levels["low"] == 1
    expect(viewer.locator(".hw-more")).to_contain_text("more, ")


def test_the_columns_are_divided_by_pointer_and_by_keys(viewer: Page) -> None:
    split = divider(viewer, "Width of Input")
    image, heap = viewer.locator(".hw-panel-input"), viewer.locator(".hw-panel-heap")
    before = box(image)["width"]
    drag(viewer, "Width of Input", 120, 0)
    assert box(image)["width"] == pytest.approx(before + 120, abs=1)
    # The picture and the tree fill what they have got.
    cards, region = box(viewer.locator(".hw-tree .hw-edges")), box(heap)
    assert cards["width"] == pytest.approx(region["width"], abs=1)
    wide = box(image)["width"]
    split.press("ArrowLeft")
    settled(viewer)
    assert box(image)["width"] == pytest.approx(wide - 8, abs=1)
    split.press("Shift+ArrowRight")
    settled(viewer)
    assert box(image)["width"] == pytest.approx(wide + 32, abs=1)
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", "334")
    percent = 100 * box(image)["width"] / box(viewer.locator(".hw-panels"))["width"]
    assert int(split.get_attribute("aria-valuenow") or 0) == pytest.approx(percent, abs=1)
    assert split.get_attribute("aria-orientation") == "vertical"
    split.press("End")
    settled(viewer)
    assert box(heap)["width"] > 300
    assert box(heap)["x"] + box(heap)["width"] <= 1400
    split.press("Enter")
    settled(viewer)
    assert box(image)["width"] == before


def test_keys_move_a_divider_within_its_ends(viewer: Page) -> None:
    height = divider(viewer, "Height of Curve")
    expect(height).to_have_attribute("aria-valuenow", "84")
    height.press("ArrowDown")
    expect(height).to_have_attribute("aria-valuenow", "92")
    height.press("Shift+ArrowUp")
    expect(height).to_have_attribute("aria-valuenow", "52")
    height.press("Shift+ArrowUp")
    expect(height).to_have_attribute("aria-valuenow", "40")
    expect(height).to_have_attribute("aria-valuemin", "40")
    height.press("End")
    most = height.get_attribute("aria-valuemax")
    expect(height).to_have_attribute("aria-valuenow", str(most))
    settled(viewer)
    assert box(viewer.locator(".hw-curve"))["height"] == int(most or 0)


def test_stacked_panels_have_heights_only(browser: Browser, address: str) -> None:
    with opened(browser, address, 480) as page:
        expect(divider(page, "Width of Input")).to_be_hidden()
        expect(divider(page, "Height of Network")).to_be_visible()


def test_sizes_last_while_panels_come_and_go(viewer: Page) -> None:
    drag(viewer, "Height of Network", 0, 50)
    height = box(viewer.locator(".hw-network"))["height"]
    viewer.get_by_role("button", name="Panels", exact=True).click()
    check = viewer.get_by_role("checkbox", name="Network", exact=True)
    check.uncheck()
    expect(viewer.locator(".hw-network")).to_have_count(0)
    heap = viewer.get_by_role("checkbox", name="Heap", exact=True)
    heap.uncheck()
    expect(divider(viewer, "Width of Input")).to_have_count(0)
    heap.check()
    expect(divider(viewer, "Width of Input")).to_be_visible()
    check.check()
    settled(viewer)
    assert box(viewer.locator(".hw-network"))["height"] == height
