"""The network panel: maps, messages, the trail, a node's kin, folds of a deep net, and the strongest flows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers.browser.pages import color_of, go_to, opened, pixels, settled, write
from helpers.walk_flows import all_flows
from helpers.walks import BY_MASS
from playwright.sync_api import Browser, Locator, Page, expect
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.explanation import Explanation


class Block(nn.Module):
    """Two linear layers and a way around them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


@pytest.fixture(scope="module")
def walk() -> Explanation:
    return hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, **BY_MASS)


@pytest.fixture(scope="module")
def address(bundle: Path, walk: Explanation, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(walk, tmp_path_factory.mktemp("lenet"))


@pytest.fixture(scope="module")
def deep() -> Explanation:
    """A net of 81 layers, with skips."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(12, 12), *[Block(12) for _ in range(26)], nn.Linear(12, 4))
    return hw.attribute(net, torch.rand(1, 12), max_pops=4000)


@pytest.fixture(scope="module")
def deep_address(bundle: Path, deep: Explanation, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(deep, tmp_path_factory.mktemp("deep"))


@pytest.fixture
def viewer(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


def network(page: Page) -> Locator:
    return page.locator(".hw-network")


def status(page: Page) -> Locator:
    return page.locator(".hw-panel-network .hw-slot")


def colored(page: Page, name: str, near: int = 90) -> int:
    return pixels(network(page), color_of(page, name), near)


def test_this_pop_is_framed_and_its_messages_are_drawn(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 0)
    assert colored(viewer, "blue") == 0
    go_to(viewer, 334)
    assert colored(viewer, "blue") > 100
    assert colored(viewer, "warm", 40) > 10


def test_the_trail_of_the_pops_before_fades(viewer: Page, walk: Explanation) -> None:
    # The frames of the eight last pops: their places are those of the maps, so a frame's corner tells of it.
    frames = """() => { const c = document.querySelector(".hw-network"); return c.toDataURL().length; }"""
    go_to(viewer, 1)
    alone = viewer.evaluate(frames)
    go_to(viewer, 8)
    trail = colored(viewer, "blue", 330)
    strong = colored(viewer, "blue", 90)
    assert trail > strong
    assert viewer.evaluate(frames) > alone
    # While a node is looked at, the trail gives way to its kin.
    viewer.locator(".hw-card[role=treeitem]").first.hover()
    settled(viewer)
    assert colored(viewer, "warm", 60) > 0


def test_a_node_tells_from_whom_it_got_and_to_whom_it_gave(viewer: Page, walk: Explanation) -> None:
    trace = walk.trace
    step = 334
    go_to(viewer, step)
    columns = trace.columns
    node = int(columns["pop_node"][step - 1])
    sources: set[int] = set()
    targets: set[int] = set()
    for row in range(step):
        log = columns["log_node"][columns["log_offset"][row] : columns["log_offset"][row + 1]].tolist()
        if node in log:
            sources.add(int(columns["pop_node"][row]))
        if int(columns["pop_node"][row]) == node:
            targets.update(log)
    viewer.locator(".hw-card.hw-popped").hover()
    label = trace.label(node)
    noun = "node" if len(sources) == 1 else "nodes"
    expect(status(viewer)).to_contain_text(f"{label} · received ")
    expect(status(viewer)).to_contain_text(f" from {len(sources)} {noun} · passed on ")
    expect(status(viewer)).to_contain_text(f" to {len(targets)} nodes, last at step {step}")


def test_the_network_is_walked_by_keys(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 0)
    network(viewer).focus()
    viewer.keyboard.press("PageUp")
    settled(viewer)
    seen = [status(viewer).inner_text().split("·")[0]]
    # From the output to the input, layer by layer.
    for _ in range(7):
        viewer.keyboard.press("PageUp")
        settled(viewer)
        seen.append(status(viewer).inner_text().split("·")[0].split(" ")[0])
    assert seen == ["fc3", "fc2", "fc1", "pool2", "conv2", "pool1", "conv1", "pixel"]
    before = status(viewer).inner_text()
    viewer.keyboard.press("ArrowUp")
    expect(status(viewer)).not_to_have_text(before)
    viewer.keyboard.press("Enter")
    pixel = status(viewer).inner_text().split(" · ")[0]
    expect(viewer.locator(".hw-panel-input")).to_contain_text(pixel)
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", "0")


def test_a_click_selects_and_a_double_click_goes_to_the_pop(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 0)
    box = network(viewer).bounding_box()
    assert box
    # The only unit of the last column that is ever popped is the target's.
    x, y = box["x"] + box["width"] - 8, box["y"] + box["height"] / 2
    viewer.mouse.click(x, y)
    expect(status(viewer)).to_contain_text("fc3·")
    viewer.keyboard.press("ArrowRight")
    expect(viewer.locator(".heapwidget")).to_have_attribute("data-step", "1")


@pytest.mark.parametrize("width", [480, 800, 1400])
def test_eighty_layers_fold_and_unfold(browser: Browser, deep: Explanation, deep_address: str, width: int) -> None:
    labels = [layer["label"] for layer in deep.trace.header["layers"]]
    count = len(labels)
    assert count >= 80
    with opened(browser, deep_address, width) as page:
        go_to(page, 400)
        names = page.locator(".hw-layers > *")
        folds = page.get_by_role("button", name="Unfold")

        def layers_told() -> int:
            folded = sum(int(text.removeprefix("+")) for text in folds.all_inner_texts())
            return folded + names.count() - folds.count()

        assert layers_told() == count
        assert names.count() < 30
        # By keys: the fold's name is a button.
        folds.nth(1).focus()
        said = folds.nth(1).get_attribute("aria-label") or ""
        first, last = (labels.index(label) for label in said.split(": ")[1].split(" to "))
        page.keyboard.press("Enter")
        settled(page)
        assert layers_told() == count
        titles = page.locator("span.hw-layer").evaluate_all("all => all.map((e) => e.title.split(' ')[0])")
        opened_now = [labels.index(title) for title in titles][1:-1]
        assert opened_now
        assert all(first <= layer <= last for layer in opened_now)
        page.get_by_role("button", name="fold again").click()
        expect(page.get_by_role("button", name="fold again")).to_be_hidden()
        settled(page)
        # By pointer: a bar tells its layer, a click unfolds.
        fold, canvas = folds.first.bounding_box(), network(page).bounding_box()
        assert fold
        assert canvas
        x = fold["x"] + fold["width"] / 2
        page.mouse.move(x, canvas["y"] + canvas["height"] / 2)
        expect(status(page)).to_contain_text("click to unfold")
        page.mouse.click(x, canvas["y"] + canvas["height"] / 2)
        expect(page.get_by_role("button", name="fold again")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for name in names.all():
            box = name.bounding_box()
            assert box
            assert box["x"] >= canvas["x"] - 1
            assert box["x"] + box["width"] <= canvas["x"] + canvas["width"] + 1


def test_messages_of_skips_pass_over_the_columns(browser: Browser, deep: Explanation, deep_address: str) -> None:
    trace = deep.trace
    with opened(browser, deep_address) as page:
        page.get_by_role("button", name="Unfold").first.click()
        titles = page.locator("span.hw-layer").evaluate_all("all => all.map((e) => e.title.split(' ')[0])")
        at = {layer["label"]: i for i, layer in enumerate(trace.header["layers"])}
        shown = [at[title] for title in titles]
        # A pop of an open layer whose messages skip another open one.
        for row in range(trace.header["phases"]["walk"]):
            layer = trace.layer_of(int(trace.columns["pop_node"][row]))
            run = slice(trace.columns["log_offset"][row], trace.columns["log_offset"][row + 1])
            reached = {trace.layer_of(int(node)) for node in trace.columns["log_node"][run]}
            if layer in shown[1:-1] and any(low in shown and any(low < x < layer for x in shown) for low in reached):
                break
        else:
            pytest.fail("no pop skips a layer")
        go_to(page, row + 1)
        box = network(page).bounding_box()
        assert box
        assert pixels(network(page), color_of(page, "blue"), 120, (0, 4, box["width"], 12)) > 20


def test_the_strongest_flows_are_those_of_the_walk(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 700)
    viewer.get_by_role("button", name="Paths").click()
    flows = sorted(all_flows(walk.trace, 700).items(), key=lambda way: (-way[1], way[0]))[:5]
    rows = viewer.locator(".hw-flow")
    expect(rows).to_have_count(5)
    expect(viewer.locator(".hw-flows p")).to_contain_text("Strongest flows of this walk so far")
    shares = [float(text.split("\u202f")[0]) for text in viewer.locator(".hw-flow b").all_inner_texts()]
    assert shares == pytest.approx([100 * value / walk.ledger.target for _, value in flows], rel=6e-3)
    nodes = flows[0][0]
    expect(rows.first).to_contain_text(" → ".join(walk.trace.label(node) for node in nodes))
    # Drawn from column to column, wide; alone when it is looked at.
    all_of_them = colored(viewer, "warm", 40)
    assert all_of_them > 500
    rows.first.hover()
    settled(viewer)
    assert 100 < colored(viewer, "warm", 40) < all_of_them
    rows.first.click()
    expect(viewer.locator(".hw-panel-input")).to_contain_text(walk.trace.label(nodes[-1]))
    viewer.keyboard.press("Escape")
    go_to(viewer, 3)
    expect(viewer.locator(".hw-flows p")).to_contain_text("nothing has reached the input yet")
    viewer.get_by_role("button", name="Paths").click()
    expect(viewer.locator(".hw-flows")).to_be_hidden()


def test_where_shares_have_signs_the_reason_is_told(browser: Browser, bundle: Path, tmp_path: Path) -> None:
    signed = hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, rule="epsilon")
    with opened(browser, write(signed, tmp_path)) as page:
        go_to(page, 300)
        page.get_by_role("button", name="Paths").click()
        expect(page.locator(".hw-flows")).to_contain_text("Shares can be negative under this rule")
        expect(page.locator(".hw-flow")).to_have_count(0)
