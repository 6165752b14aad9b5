"""Jumps, bookmarks and the loop on a page of their own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser.pages import opened
from helpers.walks import BY_MASS
from playwright.sync_api import Browser, Locator, Page, expect

import heapwidget as hw

MARKS = {0: "start", 120: "first pixels", 700: "<i>late</i>"}


@pytest.fixture(scope="module")
def explanation() -> hw.Explanation:
    return hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, **BY_MASS)


@pytest.fixture(scope="module")
def address(bundle: Path, explanation: hw.Explanation, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "marked.html"
    explanation.to_html(path, step=334, bookmarks=MARKS, panels=["input", "heap"])
    return path.as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


@pytest.fixture
def viewer(page: Page) -> Locator:
    viewer = page.locator(".heapwidget")
    viewer.focus()
    return viewer


def pops(explanation: hw.Explanation, layer: str) -> list[int]:
    """Steps after which a node of the layer was popped."""
    return [int(step) for step in explanation.pops["step"][explanation.pops["layer"] == layer]]


def test_page_opens_where_it_was_told(page: Page, viewer: Locator) -> None:
    expect(viewer).to_have_attribute("data-step", "334")
    expect(page.get_by_role("region")).to_have_count(2)
    expect(page.locator(".hw-flag")).to_have_count(len(MARKS))


def test_jumps_visit_each_pop_of_a_layer(page: Page, viewer: Locator, explanation: hw.Explanation) -> None:
    steps = pops(explanation, "fc1")
    page.get_by_role("combobox", name="Pops of").select_option("fc1")
    viewer.focus()
    viewer.press("Home")
    for step in steps[:5]:
        viewer.press("n")
        expect(viewer).to_have_attribute("data-step", str(step))
        expect(page.get_by_role("status")).to_contain_text("Pop fc1·")
    page.get_by_role("button", name="Previous pop", exact=True).click()
    expect(viewer).to_have_attribute("data-step", str(steps[3]))
    viewer.press("End")
    viewer.press("N")
    expect(viewer).to_have_attribute("data-step", str(steps[-1]))
    expect(page.get_by_role("button", name="Next pop", exact=True)).to_be_disabled()


def test_jumps_follow_the_node_that_is_clicked(page: Page, viewer: Locator, explanation: hw.Explanation) -> None:
    page.get_by_role("treeitem").nth(1).click()
    label = page.locator(".hw-card.hw-selected").get_attribute("title")
    expect(page.get_by_role("combobox", name="Pops of")).to_have_value("node")
    following = explanation.pops[334:]
    viewer.press("n")
    expect(viewer).to_have_attribute("data-step", str(following["step"][following["label"] == label][0]))
    expect(page.get_by_role("status")).to_contain_text(f"Pop {label}")


def test_bookmarks_are_reached_by_bracket_and_by_click(page: Page, viewer: Locator) -> None:
    label = page.get_by_role("textbox", name="Bookmark label")
    expect(label).to_be_hidden()
    viewer.press("[")
    expect(viewer).to_have_attribute("data-step", "120")
    expect(label).to_have_value("first pixels")
    page.get_by_role("button", name="Bookmark at 700: <i>late</i>", exact=True).click()
    expect(viewer).to_have_attribute("data-step", "700")
    expect(label).to_have_value("<i>late</i>")
    viewer.press("[")
    viewer.press("[")
    expect(viewer).to_have_attribute("data-step", "0")


def test_bookmark_is_set_named_and_removed(page: Page, viewer: Locator) -> None:
    viewer.press("b")
    popped = page.locator(".hw-narration .hw-popped-word").inner_text()
    label = page.get_by_role("textbox", name="Bookmark label")
    expect(label).to_have_value(popped)
    label.fill("nb [the stroke]")
    label.press("Enter")
    expect(viewer).to_be_focused()
    flag = page.get_by_role("button", name="Bookmark at 334: nb [the stroke]", exact=True)
    track, box = page.locator(".hw-slider").bounding_box(), flag.bounding_box()
    assert track
    assert box
    # The middle of the flag stands over the middle of the thumb.
    middle = track["x"] + 7 + (track["width"] - 14) * 334 / int(viewer.get_attribute("data-steps") or 0)
    assert abs(box["x"] + box["width"] / 2 - middle) < 1.5
    viewer.press("b")
    expect(flag).to_have_count(0)


def test_escape_leaves_a_label_as_it_was(page: Page, viewer: Locator) -> None:
    viewer.press("[")
    label = page.get_by_role("textbox", name="Bookmark label")
    label.fill("nothing")
    label.press("Escape")
    expect(label).to_have_value("first pixels")
    expect(page.get_by_role("button", name="Bookmark at 120: first pixels", exact=True)).to_have_count(1)


def test_loop_goes_on_from_the_start(page: Page, viewer: Locator) -> None:
    loop = page.get_by_role("button", name="Loop", exact=True)
    expect(loop).to_have_attribute("aria-pressed", "false")
    loop.click()
    expect(loop).to_have_attribute("aria-pressed", "true")
    page.get_by_role("combobox", name="Speed").select_option("10×")
    page.get_by_role("slider", name="Step", exact=True).fill("995")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(viewer).to_have_attribute("data-step", re.compile(r"^[1-9]\d?$"))
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [480, 800, 1400])
def test_controls_fit_and_do_not_overlap(page: Page, viewer: Locator, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    viewer.press("[")
    expect(viewer).to_have_class(re.compile("hw-tight" if width < 900 else "^heapwidget *$"))
    parts = page.locator(".hw-transport > *")
    boxes = [box for box in (part.bounding_box() for part in parts.all()) if box]
    assert len(boxes) == 8
    for i, a in enumerate(boxes):
        assert a["x"] >= 0
        assert a["x"] + a["width"] <= width
        for b in boxes[i + 1 :]:
            apart_x = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            apart_y = a["y"] + a["height"] <= b["y"] + 0.5 or b["y"] + b["height"] <= a["y"] + 0.5
            assert apart_x or apart_y
