"""The curve panel: a legend with values, a label that covers no word, seeking, and the score as pixels go."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser.pages import color_of, go_to, opened, pixels, settled, write
from helpers.walks import BY_MASS
from playwright.sync_api import Browser, Locator, Page, expect

import heapwidget as hw
from heapwidget.explanation import Explanation
from heapwidget.words.percents import percent

SPACE = "\u202f"
# How far the canvas with plot and cursor stands out, as in `curvecursor.ts`, and whether anything is drawn there.
BEYOND = 6
STRAY = f"""(canvas) => {{
    const margin = Math.floor({BEYOND - 1} * canvas.width / canvas.getBoundingClientRect().width);
    return [0, canvas.width - margin].map((x) =>
        canvas.getContext("2d").getImageData(x, 0, margin, canvas.height).data.some((value) => value > 0));
}}"""


def explained(rule: str = "zplus") -> Explanation:
    return hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255, rule=rule, **BY_MASS)


@pytest.fixture(scope="module")
def walk() -> Explanation:
    explanation = explained()
    explanation.faithfulness(progress=False)
    return explanation


@pytest.fixture(scope="module")
def address(bundle: Path, walk: Explanation, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(walk, tmp_path_factory.mktemp("curve"))


@pytest.fixture
def viewer(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


def plot(page: Page) -> Locator:
    return page.get_by_role("slider", name="Seek", exact=True)


def shown(share: float) -> str:
    return percent(share).replace(" ", SPACE)


def test_the_legend_tells_the_shares_at_the_cursor(viewer: Page, walk: Explanation) -> None:
    go_to(viewer, 334)
    columns, target = walk.trace.columns, walk.ledger.target
    parts = {name: float(columns[name][333]) / target for name in ("explained", "absorbed", "dust")}
    legend = viewer.locator(".hw-legend-list")
    for name, share in (
        ("explained", parts["explained"]),
        ("in the heap", 1 - sum(parts.values())),
        ("dust under the floor", parts["dust"]),
    ):
        expect(legend.locator("li", has_text=name)).to_have_text(f"{name}{shown(share)}")
    expect(legend.locator("li", has_text="popped")).to_have_text("popped–")
    go_to(viewer, walk.trace.n_steps)
    expect(legend.locator("li", has_text="in the heap")).to_have_text(f"in the heap0{SPACE}%")
    expect(legend.locator("li", has_text="popped")).not_to_have_text("popped–")


def test_areas_have_the_heights_that_the_legend_tells(viewer: Page, walk: Explanation) -> None:
    canvas, box = viewer.locator(".hw-screen"), plot(viewer).bounding_box()
    assert box
    columns, target = walk.trace.columns, walk.ledger.target
    go_to(viewer, 0)
    for step in (300, 600):
        x = round(box["width"] * step / walk.trace.n_steps)
        for name, color in (("explained", "area-explained"), ("dust", "area-dust")):
            share = float(columns[name][step - 1]) / target
            tall = pixels(canvas, color_of(viewer, color), 12, (x + BEYOND, BEYOND, 4, box["height"])) / 4
            # The dashed line and the specks take a few pixels.
            assert tall == pytest.approx(share * box["height"], abs=5)


@pytest.mark.parametrize("width", [480, 800, 1400])
@pytest.mark.parametrize("mode", ["relevance", "score"])
def test_the_label_covers_no_word_and_stays_inside(
    browser: Browser, address: str, walk: Explanation, width: int, mode: str
) -> None:
    with opened(browser, address, width) as page:
        page.get_by_role("radio", name=mode).click()
        n = walk.trace.n_steps
        # The score's cursor waits at the left for the first pixel, and not all pixels are popped.
        first = walk.trace.phase_start("collect") if mode == "score" else 0
        for step in (0, n // 7, n // 3, n // 2, 4 * n // 5, n - 60, n):
            go_to(page, step)
            field = plot(page).bounding_box()
            assert field
            # Beyond the ends of the plot stands nothing but, at its own ends, the line with its dot.
            left, right = page.locator(".hw-screen").evaluate(STRAY)
            assert left is (step <= first)
            assert right is (step == n and mode == "relevance")
            for word in page.locator(".hw-panel-curve :is(h3, li, .hw-axis span, .hw-size)").all():
                other = word.bounding_box()
                assert (
                    other is None
                    or other["y"] + other["height"] <= field["y"] + 1
                    or (field["y"] + field["height"] <= other["y"] + 1)
                )


def test_pointer_and_keys_seek(viewer: Page, walk: Explanation) -> None:
    n, collect = walk.trace.n_steps, walk.trace.phase_start("collect")
    box = plot(viewer).bounding_box()
    assert box
    root = viewer.locator(".heapwidget")
    viewer.mouse.move(box["x"] + 5, box["y"] + 40)
    viewer.mouse.down()
    viewer.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40, steps=4)
    viewer.mouse.up()
    settled(viewer)
    assert abs(int(root.get_attribute("data-step") or 0) - n / 2) <= 1
    before = int(root.get_attribute("data-step") or 0)
    for key, by in (("ArrowRight", 1), ("PageUp", round(n / 20)), ("PageDown", -round(n / 20)), ("ArrowLeft", -1)):
        viewer.keyboard.press(key)
        before += by
        expect(root).to_have_attribute("data-step", str(before))
        expect(plot(viewer)).to_have_attribute("aria-valuenow", str(before))
    expect(plot(viewer)).to_have_attribute("aria-valuetext", re.compile(rf"{before:,}: .* on pixels"))
    assert collect < n


def test_the_score_is_drawn_and_seeks_by_pixels(viewer: Page, walk: Explanation) -> None:
    assert walk.measured
    assert walk.measured.random
    go_to(viewer, 0)
    viewer.get_by_role("radio", name="score").click()
    legend = viewer.locator(".hw-legend-list")
    expect(legend).to_contain_text(f"insertion, area{walk.measured.insertion_area:.2f}")
    expect(legend).to_contain_text(f"deletion, area{walk.measured.deletion_area:.2f}")
    random = walk.measured.random
    expect(legend).to_contain_text(f"random orders{random.insertion_area:.2f}, {random.deletion_area:.2f}")
    canvas, box = viewer.locator(".hw-screen"), plot(viewer).bounding_box()
    assert box
    # The deletion curve, where the fraction is a third: at its height and nowhere else.
    x = BEYOND + round(box["width"] / 3)
    value = float(walk.measured.deletion[len(walk.measured.deletion) // 3])
    y = BEYOND + box["height"] * (1 - value)
    blue = color_of(viewer, "blue")
    assert pixels(canvas, blue, 60, (x - 2, max(y - 8, 0), 4, 12)) > 0
    assert pixels(canvas, blue, 60, (x - 2, 0, 4, y - 8)) == 0
    viewer.mouse.click(box["x"] + box["width"] * 0.1, box["y"] + 40)
    settled(viewer)
    popped = round(0.1 * 784)
    collect = walk.trace.phase_start("collect")
    root = viewer.locator(".heapwidget")
    assert abs(int(root.get_attribute("data-step") or 0) - (collect + popped)) <= 1
    expect(plot(viewer)).to_have_attribute("aria-valuetext", re.compile("pixels: "))
    viewer.get_by_role("radio", name="relevance").click()
    expect(legend).to_contain_text("explained")


def test_without_a_measured_score_there_is_no_choice(browser: Browser, bundle: Path, tmp_path: Path) -> None:
    signed = explained("epsilon")
    with opened(browser, write(signed, tmp_path)) as page:
        expect(page.get_by_role("radio", name="score")).to_have_count(0)
        # Shares may be negative here: lines, with what is on its way among them.
        expect(page.locator(".hw-legend-list")).to_contain_text("on its way")
        go_to(page, 100)
        assert pixels(page.locator(".hw-screen"), color_of(page, "blue"), 40) > 50


def test_refining_forgets_the_score() -> None:
    explanation = explained()
    explanation.faithfulness(progress=False, random_orders=0, steps=5)
    assert explanation.measured
    header = explanation.view()._trace["header"]
    assert header["scores"]["deletion"] == explanation.measured.deletion.tolist()
    assert header["scores"]["random"] is None
    explanation.refine(max_pops=10)
    assert explanation.measured is None
    assert "scores" not in explanation.view()._trace["header"]
