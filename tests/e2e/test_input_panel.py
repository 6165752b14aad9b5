"""The input panel on its own page: modes against the trace, zoom, opacity, what the pointer tells."""

import re

import numpy as np
import pytest
from helpers.browser.inputs import EXPONENT, Show, choose, colour, go, rgba
from helpers.replay import replay
from helpers.walks import BY_MASS
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

import heapwidget as hw


@pytest.fixture(scope="module")
def seven() -> hw.Explanation:
    return hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, **BY_MASS)


@pytest.fixture
def viewer(show: Show, seven: hw.Explanation) -> Page:
    return show(seven)


def reached(e: hw.Explanation, step: int) -> NDArray[np.float64]:
    """What has arrived at each position, from the trace."""
    values = np.zeros(e.trace.partitions[0].n_nodes)
    for node, value in replay(e.trace, step).input.items():
        values[node] = value
    return values


def test_contributions_have_the_colours_of_their_values(viewer: Page, seven: hw.Explanation) -> None:
    step = 500
    go(viewer, step)
    expect(viewer.get_by_role("radio", name="contribution", exact=True)).to_have_attribute("aria-checked", "true")
    values, shown = reached(seven, step), rgba(viewer)
    scale = reached(seven, seven.trace.phase_start("collect")).max()
    assert ((shown[:, 3] > 0) == (values > 0)).all()
    expected = colour(np.minimum(values / scale, 1) ** EXPONENT)[values > 0]
    assert np.abs(shown[values > 0, :3] - expected).max() <= 3
    assert len(np.unique(shown[:, :3], axis=0)) > 10


def test_popped_pixels_are_coloured_by_rank(viewer: Page, seven: hw.Explanation) -> None:
    first = seven.trace.phase_start("collect")
    go(viewer, first + 20)
    expect(viewer.get_by_role("radio", name="popped", exact=True)).to_have_attribute("aria-checked", "true")
    order, shown = seven.order, rgba(viewer)
    assert set(np.flatnonzero(shown[:, 3])) == set(order[:20])
    expected = colour(1 - np.arange(20) / len(order))
    assert np.abs(shown[order[:20], :3] - expected).max() <= 3
    # During the walk no pixel is popped yet, and the panel says so.
    go(viewer, 100)
    choose(viewer, "popped")
    assert (rgba(viewer)[:, 3] == 0).all()


def test_the_frontier_turns_from_coarse_to_fine(viewer: Page, seven: hw.Explanation) -> None:
    def tones(step: int) -> int:
        go(viewer, step)
        return len(np.unique(rgba(viewer), axis=0))

    choose(viewer, "frontier")
    end = seven.trace.phase_start("finish")
    assert tones(0) == 1
    counts = [tones(step) for step in (30, 200, end)]
    assert counts[0] > 1
    assert counts[-1] > 3 * counts[0]
    # What the heap holds is spread over all that it may still reach: what has arrived is a part of it.
    opaque = rgba(viewer)[:, 3]
    assert (opaque[reached(seven, end) > 0] > 0).all()
    go(viewer, 0)
    assert (rgba(viewer)[:, 3] > 0).all()


def test_a_mode_stays_until_the_natural_one_is_chosen(viewer: Page, seven: hw.Explanation) -> None:
    checked = viewer.locator(".hw-panel-input [role=radio][aria-checked=true]")
    collect = seven.trace.phase_start("collect") + 1
    choose(viewer, "frontier")
    go(viewer, collect)
    expect(checked).to_have_text("frontier")
    choose(viewer, "popped")
    go(viewer, 10)
    expect(checked).to_have_text("contribution")
    checked.focus()
    viewer.keyboard.press("ArrowRight")
    expect(checked).to_have_text("frontier")
    expect(checked).to_be_focused()
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", "10")


def test_opacity_fades_the_colours(viewer: Page) -> None:
    slider = viewer.get_by_role("slider", name="Opacity of the colours", exact=True)
    expect(viewer.locator(".hw-overlay")).to_have_css("opacity", "1")
    slider.fill("40")
    expect(viewer.locator(".hw-overlay")).to_have_css("opacity", "0.4")
    slider.focus()
    viewer.keyboard.press("ArrowRight")
    expect(viewer.locator(".hw-overlay")).to_have_css("opacity", "0.41")
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", "0")


def middle(page: Page, row: int, column: int, size: int = 28) -> tuple[float, float]:
    """Where a pixel of the picture lies in the page while all of it is seen."""
    box = page.locator(".hw-picture").bounding_box()
    assert box
    return box["x"] + (column + 0.5) * box["width"] / size, box["y"] + (row + 0.5) * box["height"] / size


def test_the_wheel_acts_once_zoom_is_on(viewer: Page) -> None:
    picture = viewer.locator(".hw-picture")
    told = viewer.locator(".hw-panel-input .hw-slot").first
    x, y = middle(viewer, 14, 7)
    viewer.set_viewport_size({"width": 1400, "height": 500})
    viewer.mouse.move(x, y)
    expect(told).to_contain_text("pixel (14,7)")
    viewer.mouse.wheel(0, 400)
    expect(viewer.locator(".hw-title")).not_to_be_in_viewport()
    expect(picture).not_to_have_attribute("data-zoom", re.compile("."))
    viewer.mouse.wheel(0, -400)
    expect(viewer.locator(".hw-title")).to_be_in_viewport()
    viewer.get_by_role("button", name="Zoom", exact=True).click()
    viewer.mouse.move(x, y)
    viewer.mouse.wheel(0, -400)
    expect(picture).to_have_attribute("data-zoom", re.compile(r"^1\.\d+$"))
    expect(viewer.locator(".hw-title")).to_be_in_viewport()
    # The pixel under the pointer stays there.
    viewer.mouse.move(x + 1, y)
    expect(told).to_contain_text("pixel (14,7)")
    drawn = viewer.locator(".hw-plane").bounding_box()
    seen = picture.bounding_box()
    assert drawn
    assert seen
    zoom = float(picture.get_attribute("data-zoom") or 0)
    assert drawn["width"] == pytest.approx(zoom * seen["width"], rel=1e-3)


def test_zoom_is_dragged_reset_and_driven_by_keys(viewer: Page) -> None:
    picture = viewer.locator(".hw-picture")
    told = viewer.locator(".hw-panel-input .hw-slot").first
    zoom = viewer.get_by_role("button", name="Zoom", exact=True)
    zoom.click()
    expect(zoom).to_have_attribute("aria-pressed", "true")
    viewer.get_by_role("button", name="Zoom in", exact=True).click()
    viewer.keyboard.press("+")
    expect(picture).to_have_attribute("data-zoom", "2.25")
    viewer.keyboard.press("-")
    expect(picture).to_have_attribute("data-zoom", "1.5")
    viewer.keyboard.press("0")
    expect(picture).to_have_attribute("data-zoom", "1")
    for _ in range(2):
        viewer.keyboard.press("+")
    x, y = middle(viewer, 14, 14)
    viewer.mouse.move(x, y)
    expect(told).to_contain_text("pixel (14,14)")
    viewer.mouse.down()
    viewer.mouse.move(x + 50, y + 30, steps=3)
    viewer.mouse.up()
    # The pixel has come along, and the drag was no click.
    expect(told).to_contain_text("pixel (14,14)")
    assert viewer.locator(".hw-card.hw-selected").count() == 0
    step = viewer.locator(".heapwidget").get_attribute("data-step")
    viewer.mouse.dblclick(x, y)
    expect(picture).to_have_attribute("data-zoom", "1")
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", str(step))
    viewer.keyboard.press("+")
    zoom.click()
    expect(picture).to_have_attribute("data-zoom", "1")
    viewer.keyboard.press("+")
    expect(picture).to_have_attribute("data-zoom", "1")


def test_the_pointer_tells_exact_values(viewer: Page, seven: hw.Explanation) -> None:
    step = 500
    go(viewer, step)
    node = int(seven.order[2])
    row, column = divmod(node, 28)
    viewer.mouse.move(*middle(viewer, row, column))
    slots = viewer.locator(".hw-panel-input .hw-slot")
    so_far, final = reached(seven, step)[node], seven.trace.columns["contribution"][node]
    value = float(seven.inputs[0].reshape(28, 28)[row, column])
    expect(slots.first).to_have_text(f"pixel ({row},{column}) · {value:.3f}")
    expect(slots.last).to_have_text(f"{so_far:.3g} so far · {final:.3g} in the end · 3rd to be popped")
    go(viewer, seven.trace.phase_start("collect") + 3)
    viewer.mouse.move(*middle(viewer, row, column))
    expect(slots.last).to_contain_text("popped 3rd")
    cell = viewer.locator(".hw-cell")
    expect(cell).to_be_visible()
    # Another pixel was popped before: a click goes to its pop.
    first = int(seven.order[0])
    viewer.mouse.click(*middle(viewer, *divmod(first, 28)))
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", str(seven.trace.phase_start("collect") + 1))
