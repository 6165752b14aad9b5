"""The heap panel: any subtree can be opened, the array leads to the tree, and what a pop did is told by shapes."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from helpers.browser.pages import at_rest, color_of, go_to, opened, pixels, settled, write
from helpers.replay import replay
from helpers.walks import BY_MASS
from playwright.sync_api import Browser, Locator, Page, expect

import heapwidget as hw
from heapwidget.explanation import Explanation

DIGIT = 7


@pytest.fixture(scope="module")
def walk() -> Explanation:
    return hw.attribute(
        hw.samples.lenet(), hw.samples.digits().images[DIGIT : DIGIT + 1, None].float() / 255, **BY_MASS
    )


@pytest.fixture(scope="module")
def walk_page(bundle: object, walk: Explanation, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(walk, tmp_path_factory.mktemp("walk"))


@pytest.fixture(scope="module")
def large() -> Explanation:
    """A heap of 28,056 gradients."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(168 * 167, 1))
    return hw.attribute(net, torch.rand(1, 1, 168, 167), method="gradient")


@pytest.fixture(scope="module")
def large_page(bundle: object, large: Explanation, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(large, tmp_path_factory.mktemp("large"))


@pytest.fixture
def viewer(browser: Browser, walk_page: str) -> Iterator[Page]:
    with opened(browser, walk_page) as page:
        yield page


def heap_of(explanation: Explanation, step: int) -> list[int]:
    """The nodes of the heap's array, by CPython's heapq."""
    return [node for node, _ in replay(explanation.trace, step).heap.pairs]


def dot_at(page: Page, slot: int) -> tuple[float, float]:
    """Middle of a dot: where the edge above it ends."""
    path = page.locator(".hw-edge").nth(slot - 1).get_attribute("d") or ""
    x, y = map(float, path.split()[-2:])
    box = page.locator(".hw-tree").bounding_box()
    assert box
    return box["x"] + x, box["y"] + y


def shown(page: Page) -> list[int]:
    """Nodes of the cards, in the order in which readers are told of them."""
    nodes: list[int] = page.evaluate(
        """() => document.querySelector("[role=tree]").getAttribute("aria-owns").split(" ")
            .map((id) => Number(document.getElementById(id).dataset.node))"""
    )
    return nodes


def status(page: Page) -> Locator:
    return page.locator(".hw-panel-heap .hw-slot")


def test_cards_are_the_first_cells_of_heapq_and_follow_the_pop(viewer: Page, walk: Explanation) -> None:
    for step in (40, 334, 335):
        go_to(viewer, step)
        assert shown(viewer) == heap_of(walk, step)[:15]


def test_any_subtree_opens_by_double_click_and_the_way_back_is_shown(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 334)
    cells = heap_of(walk, 334)
    viewer.locator(f'.hw-card[data-node="{cells[4]}"]').dblclick()
    settled(viewer)
    assert shown(viewer) == [cells[i] for i in (4, 9, 10, *range(19, 23), *range(39, 47))]
    path = viewer.get_by_role("navigation", name="Path to the subtree")
    expect(path).to_have_text("whole heap›1›4")
    # The place is kept, whatever node stands there next.
    go_to(viewer, 335)
    assert shown(viewer)[0] == heap_of(walk, 335)[4]
    path.get_by_role("button", name="1", exact=True).click()
    settled(viewer)
    assert shown(viewer)[0] == heap_of(walk, 335)[1]
    path.get_by_role("button", name="whole heap").click()
    expect(path).to_be_hidden()
    assert shown(viewer)[0] == heap_of(walk, 335)[0]


def test_a_dot_opens_the_tree_below_it(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 334)
    cells = heap_of(walk, 334)
    viewer.mouse.dblclick(*dot_at(viewer, 40))
    settled(viewer)
    assert shown(viewer)[:3] == [cells[40], cells[81], cells[82]]


def test_the_tree_is_walked_by_keys(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 334)
    cells = heap_of(walk, 334)
    tree = viewer.get_by_role("tree")
    tree.focus()
    selected = viewer.locator("[role=treeitem][aria-selected=true]")
    for key, cell in (("Down", 0), ("Down", 1), ("Right", 2), ("Down", 5), ("Left", 4), ("Up", 1), ("Down", 3)):
        viewer.keyboard.press(f"Arrow{key}")
        expect(selected).to_have_attribute("data-node", str(cells[cell]))
        active = tree.get_attribute("aria-activedescendant")
        expect(viewer.locator(f"#{active}")).to_have_attribute("data-node", str(cells[cell]))
    viewer.keyboard.press("Enter")
    settled(viewer)
    assert shown(viewer)[0] == cells[3]
    viewer.keyboard.press("Backspace")
    settled(viewer)
    assert shown(viewer)[0] == cells[1]
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", "334")
    viewer.keyboard.press("Escape")
    viewer.keyboard.press("Escape")
    settled(viewer)
    assert shown(viewer)[0] == cells[0]
    # After a click the arrow keys go on stepping.
    viewer.locator(f'.hw-card[data-node="{cells[2]}"]').click()
    viewer.keyboard.press("ArrowRight")
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", "335")


def test_the_way_to_the_node_under_the_pointer_is_lit(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 334)
    cells = heap_of(walk, 334)
    viewer.locator(f'.hw-card[data-node="{cells[4]}"]').hover()
    # Above 4 and above 1; to 9 and 10.
    expect(viewer.locator(".hw-lit-edge")).to_have_count(4)
    label = walk.trace.label
    expect(status(viewer)).to_contain_text(f"{label(cells[4])}: ")
    expect(status(viewer)).to_contain_text("cell 4, level 3")
    expect(status(viewer)).to_contain_text(f"below {label(cells[1])} · above {label(cells[9])} and {label(cells[10])}")
    later = walk.trace.columns["pop_node"][334:].tolist().index(cells[4]) + 335
    expect(status(viewer)).to_contain_text(f"next popped at step {later}")


def test_what_a_pop_did_is_told_by_shape(viewer: Page, walk: Explanation) -> None:
    trace = walk.trace
    offsets, nodes = trace.columns["log_offset"], trace.columns["log_node"]
    before, first, last = set(heap_of(walk, 59)), int(offsets[59]), int(offsets[60])
    entering = [n for n in nodes[first:last].tolist() if n >= trace.node_offsets[1]]
    pushed = [n for n in entering if n not in before]
    rekeyed = [n for n in entering if n in before]
    assert pushed
    assert rekeyed
    go_to(viewer, 60)
    cells = heap_of(walk, 60)
    strip = viewer.locator(".hw-strip")
    box = strip.bounding_box()
    assert box
    blue, bar = color_of(viewer, "blue"), box["width"] / len(cells)

    def signs(node: int, top: float) -> int:
        x = max(bar * (cells.index(node) + 0.5) - 4, 0)
        return pixels(strip, blue, 60, (x, top, 8, 8))

    # A plus above the bars, an arrowhead below them, and neither where the other belongs.
    assert signs(pushed[0], 0) > 8
    assert signs(rekeyed[0], 0) == 0
    assert signs(rekeyed[0], 38) > 8
    assert signs(pushed[0], 38) == 0
    # On cards and dots: a badge with the sign in it.
    for node, shape in ((pushed[0], "M8 4.2v7.6M4.2 8h7.6"), (rekeyed[0], "M8 12V4.6M4.8 7.6 8 4.4l3.2 3.2")):
        viewer.mouse.click(box["x"] + bar * (cells.index(node) + 0.5), box["y"] + 20)
        card = viewer.locator(f'.hw-card[data-node="{node}"]')
        expect(card).to_be_visible()
        expect(card.locator(".hw-badge")).to_be_visible()
        expect(card.locator(".hw-badge path")).to_have_attribute("d", shape)
        viewer.keyboard.press("Escape")


def test_dots_bear_the_badges_too(viewer: Page, walk: Explanation) -> None:
    trace = walk.trace
    step = 0
    for step in range(20, trace.header["phases"]["walk"]):
        log = trace.columns["log_node"][trace.columns["log_offset"][step - 1] : trace.columns["log_offset"][step]]
        if any(15 <= cell < 63 and node in log for cell, node in enumerate(heap_of(walk, step))):
            break
    go_to(viewer, step)
    at_rest(viewer)
    leaves, blue = viewer.locator(".hw-leaves"), color_of(viewer, "blue")
    box = leaves.bounding_box()
    assert box
    cards = max(card.bounding_box()["y"] for card in viewer.locator(".hw-card:not([hidden])").all())  # type: ignore[index]
    top = cards + 54 - box["y"]
    dots = (0, top, box["width"], box["height"] - top)
    assert pixels(leaves, blue, 60, dots) > 8
    go_to(viewer, 0)
    assert pixels(leaves, blue, 60, dots) == 0


@pytest.mark.parametrize("width", [480, 1400])
def test_the_array_of_a_large_heap_leads_to_every_cell(
    browser: Browser, large_page: str, large: Explanation, width: int
) -> None:
    with opened(browser, large_page, width) as page:
        go_to(page, 100)
        cells = heap_of(large, 100)
        keys = large.attribution.flatten().abs().numpy()
        strip = page.locator(".hw-strip")
        box = strip.bounding_box()
        assert box
        at = int(box["width"] * 0.7)
        page.mouse.move(box["x"] + at + 0.5, box["y"] + 20)
        bins = round(box["width"])
        low, high = at * len(cells) // bins, (at + 1) * len(cells) // bins
        largest = low + int(np.argmax(keys[cells[low:high]]))
        expect(status(page)).to_contain_text(f"largest of cells {low:,}–{high - 1:,} · ")
        expect(status(page)).to_contain_text(f"cell {largest:,}, level ")
        page.mouse.click(box["x"] + at + 0.5, box["y"] + 20)
        card = page.locator(f'.hw-card[data-node="{cells[largest]}"]')
        expect(card).to_have_attribute("aria-selected", "true")
        # From there, cell by cell.
        strip.focus()
        page.keyboard.press("ArrowRight")
        expect(strip).to_have_attribute("aria-valuenow", str(largest + 1))
        expect(page.locator(f'.hw-card[data-node="{cells[largest + 1]}"]')).to_have_attribute("aria-selected", "true")
        page.keyboard.press("End")
        expect(strip).to_have_attribute("aria-valuenow", str(len(cells) - 1))
        expect(page.get_by_role("navigation", name="Path to the subtree")).to_be_visible()


def test_dust_is_shown_with_its_share(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 334)
    columns, target = walk.trace.columns, walk.ledger.target
    dust, explained, absorbed = (float(columns[name][333]) / target for name in ("dust", "explained", "absorbed"))
    bar, part = viewer.locator(".hw-dust-bar").bounding_box(), viewer.locator(".hw-dust-part").bounding_box()
    assert bar
    assert part
    assert part["width"] / bar["width"] == pytest.approx(dust / (1 - explained - absorbed), abs=0.005)
    percent = f"{100 * dust:.1f}".removesuffix(".0")
    expect(viewer.locator(".hw-dust")).to_contain_text(f"dust under the floor: {percent}\u202f%")
    assert "less than the floor" in (viewer.locator(".hw-dust").get_attribute("title") or "")
    height = viewer.locator(".hw-panel-heap").bounding_box()
    go_to(viewer, walk.trace.n_steps - 5)
    expect(viewer.locator(".hw-dust")).to_be_hidden()
    assert viewer.locator(".hw-panel-heap").bounding_box() == height


@pytest.mark.parametrize("width", [480, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_text_is_covered_or_cut(browser: Browser, walk_page: str, width: int, scheme: str) -> None:
    with opened(browser, walk_page, width, scheme) as page:
        for step in (60, 334, 700):
            go_to(page, step)
            cut: list[str] = page.evaluate(
                """() => [...document.querySelectorAll(":is(.hw-key, .hw-place, .hw-head span, .hw-dust span)")]
                    .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
                    .map((e) => e.textContent)"""
            )
            assert cut == []
            overlaps: list[str] = page.evaluate(
                """() => { const cards = [...document.querySelectorAll(".hw-card:not([hidden])")];
                    const boxes = cards.map((card) => card.getBoundingClientRect());
                    return boxes.flatMap((a, i) => boxes.slice(i + 1)
                        .filter((b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
                        .map(() => cards[i].title)); }"""
            )
            assert overlaps == []
