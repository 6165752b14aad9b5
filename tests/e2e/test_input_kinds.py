"""Inputs that are no images: bars, lines, words, strips and several at once, on pages of their own."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from helpers.browser.inputs import EXPONENT, Show, choose, colour, go
from helpers.replay import replay
from helpers.zoo import Net
from playwright.sync_api import Locator, Page, expect
from torch import Tensor, nn

import heapwidget as hw

FEATURES = [f"feature {name}" for name in "abcdefgh"] + ["<b>ninth</b>"] + [f"more {i}" for i in range(21)]
WORDS = ["The", "ending", "was", "not", "<i>bad</i>", "at", "all", ",", "but", "rather", "long"]


def explained(net: nn.Module, x: Tensor | tuple[Tensor, ...], **options: object) -> hw.Explanation:
    return hw.attribute(net, x, progress=False, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def table() -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(30, 12), nn.ReLU(), nn.Linear(12, 2))
    return explained(net, torch.randn(1, 30), feature_names=FEATURES, rule="epsilon", floor=1e-4)


@pytest.fixture(scope="module")
def signal() -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv1d(2, 6, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(6 * 38, 8), nn.ReLU(), nn.Linear(8, 2)
    )
    t = torch.linspace(0, 12, 80)
    return explained(net, torch.stack([t.sin(), t.cos()])[None])


@pytest.fixture(scope="module")
def text() -> hw.Explanation:
    torch.manual_seed(1)
    net = Net(
        lambda net, x: net.out(torch.relu(net.conv(x.transpose(1, 2))).mean(2)),
        conv=nn.Conv1d(6, 12, 3, padding=1),
        out=nn.Linear(12, 2),
    )
    return explained(net, torch.randn(1, len(WORDS), 6), tokens=WORDS, rule="epsilon")


def so_far(page: Page, step: int) -> Locator:
    """The panel at a step, coloured by contributions."""
    go(page, step)
    choose(page, "contribution")
    return page.get_by_role("region", name="Input", exact=True)


def told(page: Page) -> Locator:
    return page.locator(".hw-panel-input .hw-slot")


def test_a_table_has_a_bar_a_feature(show: Show, table: hw.Explanation) -> None:
    page = show(table)
    panel = so_far(page, table.trace.phase_start("collect"))
    rows = panel.locator(".hw-feature:visible")
    final = table.trace.position_contributions(0)
    by_size = np.argsort(-np.abs(final), kind="stable")
    assert rows.locator(".hw-feature-name").all_inner_texts()[:10] == [FEATURES[i] for i in by_size[:10]]
    # A bar is as long as the contribution, to the left where it is negative.
    track = rows.first.locator(".hw-feature-bar").bounding_box()
    assert track
    half = track["width"] / 2
    for line, feature in enumerate(by_size[:8]):
        bar = rows.nth(line).locator("i").bounding_box()
        assert bar
        share = final[feature] / np.abs(final).max()
        assert bar["width"] == pytest.approx(abs(share) * half, abs=1.01)
        edge = bar["x"] if share > 0 else bar["x"] + bar["width"]
        assert edge - track["x"] == pytest.approx(half, abs=1)
    assert (final < 0).any()
    # Thirty rows do not fit: the rest is scrolled to, and drawn then.
    assert rows.count() < len(FEATURES)
    list_of_rows = panel.get_by_role("list", name="Features of input", exact=True)
    list_of_rows.focus()
    page.keyboard.press("End")
    last = FEATURES[by_size[-1]]
    expect(rows.get_by_text(last, exact=True)).to_be_in_viewport()
    expect(page.locator(".heapwidget")).to_have_attribute("data-step", str(table.trace.phase_start("collect")))


def test_a_table_is_linked_and_keeps_its_order(show: Show, table: hw.Explanation) -> None:
    page = show(table)
    panel = so_far(page, 0)
    panel.get_by_role("radio", name="as given", exact=True).click()
    names = panel.locator(".hw-feature:visible .hw-feature-name")
    assert names.all_inner_texts()[:9] == FEATURES[:9]
    assert panel.locator(".hw-feature b").count() == 0
    names.nth(8).hover()
    value = float(table.inputs[0][0, 8])
    expect(told(page).first).to_have_text(re.compile(rf"^<b>ninth</b> · {f'{value:.3g}'.replace('-', '−')}"))
    names.nth(8).click()
    expect(panel.locator(".hw-feature.hw-seen .hw-feature-name")).to_have_text("<b>ninth</b>")
    # Popped features bear their rank, and a click goes to their pop.
    first = table.trace.phase_start("collect")
    go(page, first + 6)
    order = table.order[:6]
    shown = panel.locator(".hw-feature:visible")
    ranks = {
        int(row.get_attribute("data-node") or -1): row.locator(".hw-rank").inner_text()
        for row in shown.all()
        if row.locator(".hw-rank").inner_text()
    }
    assert ranks.items() <= {int(node): str(i + 1) for i, node in enumerate(order)}.items()
    assert ranks
    node, rank = next(iter(ranks.items()))
    panel.locator(f".hw-feature[data-node='{node}']").click()
    expect(page.locator(".heapwidget")).to_have_attribute("data-step", str(first + int(rank)))


def test_a_signal_is_shaded_where_relevance_is(show: Show, signal: hw.Explanation) -> None:
    page = show(signal)
    step = signal.trace.phase_start("finish")
    so_far(page, step)
    page.get_by_role("slider", name="Opacity of the colours", exact=True).fill("100")
    canvas = page.locator(".hw-signal canvas")
    reached = dict(replay(signal.trace, step).input)
    final = signal.trace.position_contributions(0)
    # The bars below the lanes: the lowest row of them is coloured where something has arrived, in its own colour.
    colours = canvas.evaluate(
        """(canvas, count) => {
            const y = canvas.height - Math.round(17 * devicePixelRatio), context = canvas.getContext("2d");
            const { data } = context.getImageData(0, y, canvas.width, 1);
            return Array.from({ length: count }, (_, i) => {
                const x = Math.floor((i + 0.4) * canvas.width / count);
                return Array.from(data.subarray(4 * x, 4 * x + 4));
            });
        }""",
        80,
    )
    scale = float(np.abs(final).max())
    assert 5 < len(reached) <= 80
    for position in range(80):
        value = reached.get(position, 0.0)
        if value > 0.05 * scale:
            expected = colour(np.minimum(value / scale, 1) ** EXPONENT)
            assert np.abs(np.array(colours[position][:3]) - expected).max() <= 6
        elif value == 0:
            assert colours[position][3] == 0


def test_a_signal_is_framed_magnified_and_told(show: Show, signal: hw.Explanation) -> None:
    page = show(signal)
    go(page, signal.trace.phase_start("finish"))
    box = page.locator(".hw-signal").bounding_box()
    assert box
    x = box["x"] + 40.5 * box["width"] / 80
    page.mouse.move(x, box["y"] + 30)
    a, b = (float(v) for v in signal.inputs[0][0, :, 40])
    expect(told(page).first).to_contain_text(f"input (40) · {a:.3g}, {b:.3g}".replace("-", "−"))
    cell = page.locator(".hw-signal .hw-cell").bounding_box()
    assert cell
    assert cell["x"] == pytest.approx(box["x"] + 40 * box["width"] / 80, abs=1)
    page.get_by_role("button", name="Zoom", exact=True).click()
    page.mouse.move(x, box["y"] + 30)
    page.mouse.wheel(0, -500)
    expect(page.locator(".hw-signal")).to_have_attribute("data-zoom", re.compile(r"^2\.\d+$"))
    page.mouse.move(x + 0.5, box["y"] + 30)
    expect(told(page).first).to_contain_text("input (40)")
    wider = page.locator(".hw-signal .hw-cell").bounding_box()
    assert wider
    assert wider["width"] > 2 * cell["width"]
    # A unit of the convolution sees five samples.
    page.mouse.move(0, 0)
    page.keyboard.press("0")
    conv = int(signal.trace.node_offsets[1]) + 10
    row = int(np.flatnonzero(np.isin(signal.trace.columns["pop_node"], range(conv, conv + 6 * 76)))[0])
    go(page, row + 1)
    frame = page.locator(".hw-signal .hw-frame").bounding_box()
    assert frame
    assert frame["width"] == pytest.approx(5 * box["width"] / 80 + 4, abs=1)


def test_words_are_shaded_by_sign_and_size(show: Show, text: hw.Explanation) -> None:
    page = show(text)
    panel = so_far(page, text.trace.phase_start("collect"))
    words = panel.locator(".hw-word")
    assert words.all_inner_texts() == WORDS
    final = text.trace.position_contributions(0)
    assert (final < 0).any()
    assert (final > 0).any()
    for word, value in zip(words.all(), final, strict=True):
        assert ("hw-negative" in (word.get_attribute("class") or "")) == bool(value < 0)
    strongest = int(np.abs(final).argmax())
    tones = words.evaluate_all("all => all.map(word => getComputedStyle(word).backgroundColor)")
    assert len(set(tones)) > 5
    # Text reads on every shade: at least 4.5 to 1.
    for word in words.all():
        ink, paper = word.evaluate("word => { const s = getComputedStyle(word); return [s.color, s.backgroundColor]; }")
        assert contrast(ink, paper) >= 4.5
    words.nth(strongest).hover()
    expect(told(page).first).to_contain_text(f"token {strongest} ‘{WORDS[strongest]}’")
    words.nth(1).click()
    expect(words.nth(1)).to_have_class(re.compile("hw-seen"))


def contrast(ink: str, paper: str) -> float:
    """The ratio that WCAG 2 asks for."""

    def luminance(text: str) -> float:
        share = np.array([float(v) for v in re.findall(r"[\d.]+", text)[:3]]) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(ink), luminance(paper)))
    return (high + 0.05) / (low + 0.05)


def test_words_that_a_node_sees_are_framed(show: Show, text: hw.Explanation) -> None:
    page = show(text)
    layer = text.trace.header["layers"][1]
    assert layer["op"] == "conv"
    offsets = text.trace.node_offsets
    rows = text.trace.columns["pop_node"]
    row = int(np.flatnonzero((rows >= offsets[1]) & (rows < offsets[2]))[0])
    go(page, row + 1)
    at = (int(rows[row]) - int(offsets[1])) % len(WORDS)
    seen = page.locator(".hw-word.hw-seen")
    assert seen.all_inner_texts() == WORDS[max(at - 1, 0) : at + 2]
    expect(page.locator(".hw-word.hw-seen-first")).to_have_text(WORDS[max(at - 1, 0)])


class PictureAndTable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.table, self.out = nn.Conv2d(1, 3, 3), nn.Linear(4, 6), nn.Linear(3 * 64 + 6, 2)

    def forward(self, picture: Tensor, table: Tensor) -> Tensor:
        a = torch.relu(self.conv(picture)).flatten(1)
        return self.out(torch.cat([a, torch.relu(self.table(table))], 1))


def test_several_inputs_stand_under_their_names(show: Show) -> None:
    torch.manual_seed(0)
    names = ["age", "height", "rooms", "floors"]
    e = explained(
        PictureAndTable(), (torch.rand(1, 1, 10, 10), torch.rand(1, 4)), feature_names=(None, names), floor=1e-4
    )
    page = show(e)
    panel = so_far(page, e.trace.phase_start("collect"))
    assert panel.locator(".hw-part-name").all_inner_texts() == ["picture", "table"]
    assert sorted(panel.locator(".hw-feature-name").all_inner_texts()) == sorted(names)
    panel.get_by_text("rooms", exact=True).hover()
    expect(told(page).first).to_contain_text("table rooms")
    picture = panel.locator(".hw-picture").bounding_box()
    assert picture
    page.mouse.move(picture["x"] + 5, picture["y"] + 5)
    expect(told(page).first).to_contain_text("picture (0,0)")
    # What a node sees of the one, it does not see of the other.
    rows, offsets = e.trace.columns["pop_node"], e.trace.node_offsets
    conv = next(i for i, layer in enumerate(e.trace.header["layers"]) if layer["op"] == "conv")
    row = int(np.flatnonzero((rows >= offsets[conv]) & (rows < offsets[conv + 1]))[0])
    page.mouse.move(0, 0)
    go(page, row + 1)
    expect(panel.locator(".hw-frame:visible")).to_have_count(1)
    expect(panel.locator(".hw-feature.hw-seen")).to_have_count(0)


@pytest.mark.parametrize("width", [480, 800])
@pytest.mark.parametrize("name", ["table", "signal", "text"])
def test_nothing_sticks_out(show: Show, request: pytest.FixtureRequest, name: str, width: int) -> None:
    e = request.getfixturevalue(name)
    page = show(e)
    page.set_viewport_size({"width": width, "height": 900})
    go(page, e.trace.phase_start("finish"))
    panel = page.get_by_role("region", name="Input", exact=True)
    box = panel.bounding_box()
    assert box
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in panel.locator(".hw-head, .hw-part-box, .hw-notes, .hw-slot").all():
        inner = part.bounding_box()
        assert inner
        assert inner["x"] >= box["x"] - 1
        assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
