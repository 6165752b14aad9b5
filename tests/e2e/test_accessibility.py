"""Who cannot use a mouse, see colours or small print, or see at all, can use the viewer too."""

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.browser.gallery import GALLERY, SCHEMES, WIDTHS
from helpers.browser.pages import at_rest, color_of, go_to, opened, settled
from helpers.frontend import FRONTEND
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, expect


@pytest.fixture(scope="module")
def axe(node: str) -> str:
    return (FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def digit(browser: Browser, gallery: dict[str, str]) -> Iterator[Page]:
    with opened(browser, gallery["digit"]) as page:
        yield page


def violations(page: Page) -> list[str]:
    """What axe-core finds, a line a node."""
    at_rest(page)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)")
    return [f"{rule['id']}: {node['target']}: {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def picture(page: Page) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB"))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", GALLERY)
def test_axe_finds_nothing(browser: Browser, gallery: dict[str, str], axe: str, name: str, scheme: str) -> None:
    with opened(browser, gallery[name], scheme=scheme) as page:
        page.evaluate(axe)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 1000})
            assert violations(page) == [], width


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_what_opens(browser: Browser, gallery: dict[str, str], axe: str, scheme: str) -> None:
    with opened(browser, gallery["digit"], scheme=scheme) as page:
        page.evaluate(axe)
        for name in ("Refine", "Panels", "Help"):
            page.get_by_role("button", name=name, exact=True).click()
            expect(page.get_by_role("dialog", name=name)).to_be_visible()
            assert violations(page) == [], name
            page.keyboard.press("Escape")
        # The page opens at a bookmark.
        expect(page.get_by_role("textbox", name="Bookmark label")).to_be_visible()
        assert violations(page) == [], "bookmark"
        page.get_by_role("radio", name="compare and swap").click()
        for _ in range(3):
            page.get_by_role("button", name="Forward", exact=True).click()
        expect(page.locator(".hw-lit")).to_have_count(1)
        assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_where_nothing_can_be_shown(
    browser: Browser, gallery: dict[str, str], axe: str, scheme: str, tmp_path: Path
) -> None:
    text = Path(gallery["digit"].removeprefix("file://")).read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace('"version":2', '"version":9'), encoding="utf-8")
    with opened(browser, broken.as_uri(), scheme=scheme) as page:
        page.evaluate(axe)
        expect(page.get_by_role("alert")).to_contain_text("version 9")
        assert violations(page) == []


# Text that can be seen, with its colour and the box of its first line.
TEXTS = """() => [...document.querySelectorAll(".heapwidget *")].flatMap((element) => {
    const text = [...element.childNodes].find((node) => node.nodeType === 3 && /[\\p{L}\\d]/u.test(node.data));
    if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return [];
    const range = document.createRange();
    range.selectNodeContents(text);
    const [box] = range.getClientRects();
    if (!box || element.closest("[disabled], option")) return [];
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!at || !(element.contains(at) || at.contains(element))) return [];
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = getComputedStyle(element).color;
    canvas.fillRect(0, 0, 1, 1);
    const color = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    return [[text.data, color, [box.x + scrollX, box.y + scrollY, box.width, box.height]]];
})"""


def luminance(color: NDArray[np.floating]) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    c = color / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def pale_texts(page: Page) -> list[tuple[str, float]]:
    """Texts with too little contrast to the most frequent colour in their box, whatever draws it."""
    settled(page)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})  # type: ignore[index]
    settled(page)
    shot, texts = picture(page), page.evaluate(TEXTS)
    assert len(texts) > 30
    found = []
    for text, color, box in texts:
        x, y, w, h = (round(v) for v in box)
        pixels = shot[y : y + h, x : x + w].reshape(-1, 3)
        ground, _ = Counter(map(tuple, pixels.tolist())).most_common(1)[0]
        ratio = contrast(np.array(color, float), np.array(ground, float))
        if ratio < 4.5:
            found.append((text, round(ratio, 2)))
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["digit", "signed", "gradient"])
def test_text_stands_out_from_what_is_drawn_behind_it(
    browser: Browser, gallery: dict[str, str], name: str, scheme: str
) -> None:
    with opened(browser, gallery[name], scheme=scheme) as page:
        assert pale_texts(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_forced_colours_leave_all_to_be_seen(browser: Browser, gallery: dict[str, str], scheme: str) -> None:
    with opened(browser, gallery["digit"], scheme=scheme) as page:
        page.emulate_media(forced_colors="active")
        assert pale_texts(page) == []
        shot, ground = (
            picture(page),
            page.evaluate("getComputedStyle(document.querySelector('.heapwidget')).backgroundColor"),
        )
        behind = np.array([int(v) for v in ground[4:-1].split(",")][:3])
        for what in (
            ".hw-card",
            ".hw-leaves",
            ".hw-slider",
            ".hw-swatch",
            ".hw-dust-bar",
            ".hw-frame",
            ".hw-play .hw-icon",
        ):
            box = page.locator(what).first.bounding_box()
            assert box, what
            x, y, w, h = (round(box[key]) for key in ("x", "y", "width", "height"))
            apart = np.abs(shot[y : y + h, x : x + w].astype(int) - behind).sum(axis=-1) > 150
            assert apart.sum() >= 20, what
        chosen, other = (
            page.get_by_role("radio", name=name, exact=True).evaluate("e => getComputedStyle(e).backgroundColor")
            for name in ("pop", "compare and swap")
        )
        assert chosen != other


FOCUSABLE = "button:not([disabled]), select, input, a[href], [tabindex]"
HERE = """() => {
    const e = document.activeElement;
    return e && e !== document.body ? [...document.querySelectorAll("*")].indexOf(e) : -1;
}"""


def stops(page: Page) -> list[int]:
    """Elements that the tab key visits from the top of the page on, by their place in the document."""
    visited = []
    page.evaluate("document.activeElement.blur()")
    for _ in range(80):
        page.keyboard.press("Tab")
        place = page.evaluate(HERE)
        if place < 0 or place in visited:
            break
        visited.append(place)
    return visited


@pytest.mark.parametrize("name", ["digit", "gradient", "signal"])
def test_tab_reaches_every_control_in_order_and_leaves(browser: Browser, gallery: dict[str, str], name: str) -> None:
    with opened(browser, gallery[name]) as page:
        settled(page)
        wanted: list[int] = page.evaluate(
            """(focusable) => {
                const all = [...document.querySelectorAll("*")];
                const seen = (e) => e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true });
                return [...document.querySelectorAll(focusable)].filter(seen).map((e) => all.indexOf(e));
            }""",
            FOCUSABLE,
        )
        assert len(wanted) > 15
        assert stops(page) == wanted
        # A group of radio buttons is one stop, and its arrows lead to the rest.
        assert page.evaluate(
            """() => [...document.querySelectorAll("[role=radiogroup]:not([hidden])")].every((group) =>
                [...group.querySelectorAll("[role=radio]")].filter((radio) => radio.tabIndex === 0).length === 1)"""
        )


def test_the_focus_can_be_seen_on_every_control(digit: Page) -> None:
    settled(digit)
    height = digit.evaluate("document.documentElement.scrollHeight")
    digit.set_viewport_size({"width": 1400, "height": height})
    settled(digit)
    plain = picture(digit)
    unseen = []
    for place in stops(digit):
        digit.evaluate("(place) => document.querySelectorAll('*')[place].focus({ focusVisible: true })", place)
        settled(digit)
        changed = np.abs(picture(digit).astype(int) - plain).sum(axis=-1) > 60
        if changed.sum() < 40:
            unseen.append(digit.evaluate("document.activeElement.outerHTML.slice(0, 90)"))
    assert unseen == []


def test_sheets_take_the_focus_and_give_it_back(digit: Page) -> None:
    button = digit.get_by_role("button", name="Panels", exact=True)
    button.focus()
    digit.keyboard.press("Enter")
    expect(digit.get_by_role("checkbox", name="Input")).to_be_focused()
    digit.keyboard.press("Space")
    expect(digit.get_by_role("region", name="Input")).to_have_count(0)
    digit.keyboard.press("Escape")
    expect(digit.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()
    digit.keyboard.press("Enter")
    digit.keyboard.press("Shift+Tab")
    digit.keyboard.press("Shift+Tab")
    expect(digit.get_by_role("dialog")).to_have_count(0)


def test_arrows_choose_within_a_group_of_radio_buttons(digit: Page) -> None:
    step = digit.locator(".heapwidget").get_attribute("data-step")
    digit.get_by_role("radio", name="pop", exact=True).focus()
    digit.keyboard.press("ArrowRight")
    slow = digit.get_by_role("radio", name="compare and swap")
    expect(slow).to_be_focused()
    expect(slow).to_have_attribute("aria-checked", "true")
    assert digit.locator(".heapwidget").get_attribute("data-step") == step


@pytest.mark.parametrize("name", GALLERY)
def test_every_canvas_has_words_or_is_decoration(browser: Browser, gallery: dict[str, str], name: str) -> None:
    with opened(browser, gallery[name]) as page:
        settled(page)
        silent = page.evaluate(
            """() => [...document.querySelectorAll(".heapwidget canvas, .heapwidget svg")].filter((e) =>
                !e.closest("[aria-hidden=true]") && !(e.getAttribute("role") && e.getAttribute("aria-label")))
                .map((e) => e.outerHTML.slice(0, 80))"""
        )
        assert silent == []


def test_what_happens_is_told_but_not_while_it_plays(digit: Page) -> None:
    told = digit.get_by_role("status")
    expect(told).to_have_attribute("aria-live", "polite")
    before = told.inner_text()
    digit.locator(".heapwidget").focus()
    digit.keyboard.press("ArrowRight")
    expect(told).not_to_have_text(before)
    digit.keyboard.press("Space")
    expect(told).to_have_attribute("aria-live", "off")
    digit.keyboard.press("Space")
    expect(told).to_have_attribute("aria-live", "polite")


@pytest.mark.parametrize(("wish", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_moves_for_those_who_ask_for_stillness(digit: Page, wish: Any, moves: bool) -> None:
    digit.emulate_media(reduced_motion=wish)
    go_to(digit, 100)
    digit.evaluate(
        """() => { window.animated = 0;
            document.addEventListener("transitionrun", () => { window.animated += 1; });
            new MutationObserver((changes) => {
                for (const { target } of changes) window.animated += target.classList.contains("hw-gliding");
            }).observe(document.querySelector(".hw-tree"), { attributeFilter: ["class"] }); }"""
    )
    for _ in range(5):
        digit.get_by_role("button", name="Forward", exact=True).click()
        settled(digit)
    assert (digit.evaluate("window.animated") > 0) is moves


def test_nothing_is_lost_at_twice_the_size(browser: Browser, gallery: dict[str, str]) -> None:
    """A window of 1,400 pixels at 200 %: 700 CSS pixels of two device pixels each."""
    context = browser.new_context(viewport={"width": 700, "height": 500}, device_scale_factor=2)
    page = context.new_page()
    page.goto(gallery["digit"])
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    for name in ("Input", "Heap", "Code", "Network", "Curve"):
        expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()
    clipped = page.evaluate(
        """() => [...document.querySelectorAll(".hw-code, .hw-narration, .hw-summary, .hw-transport")]
            .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)"""
    )
    assert clipped == []
    context.close()


# Colours that stand side by side and mean something else.
PAIRS = [("warm", "blue"), ("warm-soft", "blue"), ("warm-soft", "cool"), ("warm", "ink"), ("blue", "ink")]
AREAS = [("area-explained", "area-heap"), ("area-explained", "area-popped"), ("area-absorbed", "area-heap")]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", ["deuteranopia", "protanopia", "tritanopia", "achromatopsia"])
def test_colours_stay_apart_for_colour_blind_eyes(
    browser: Browser, gallery: dict[str, str], kind: str, scheme: str
) -> None:
    with opened(browser, gallery["digit"], scheme=scheme) as page:
        colors = {name: color_of(page, name) for pair in PAIRS + AREAS for name in pair}
        page.evaluate(
            """(colors) => document.body.replaceChildren(...colors.map((color) => {
                const e = document.createElement("div");
                e.style.cssText = `background:${color};width:20px;height:20px`; return e; }))""",
            list(colors.values()),
        )
        page.context.new_cdp_session(page).send("Emulation.setEmulatedVisionDeficiency", {"type": kind})
        shot = picture(page).astype(float)
        seen = {name: shot[20 * i + 10, 10] for i, name in enumerate(colors)}
        # Without any hue, only lightness is left, and shapes have to tell the rest.
        pairs = [("area-explained", "area-heap")] if kind == "achromatopsia" else PAIRS + AREAS
        near = {pair: round(float(np.linalg.norm(seen[pair[0]] - seen[pair[1]]))) for pair in pairs}
        assert {pair: apart for pair, apart in near.items() if apart < 40} == {}


KEYED = {
    "Input": "Positions of the input",
    "Heap": "The heap as a tree",
    "Network": "The network",
    "Curve": "Seek",
}


@pytest.mark.parametrize("region", KEYED)
def test_each_panel_tells_its_values_by_keys(digit: Page, region: str) -> None:
    """From a stop in each panel, arrows lead to single values, which are told in words."""
    target = digit.get_by_role("region", name=region, exact=True).locator(f'[aria-label^="{KEYED[region]}"]')
    expect(target).to_have_attribute("tabindex", "0")
    target.focus()
    heard = set()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowRight"):
        digit.keyboard.press(key)
        settled(digit)
        heard.add(target.evaluate(TOLD))
    assert len(heard) >= 3
    assert all(any(letter.isdigit() for letter in words) for words in heard)


# What a reader says when a key was pressed: the value, the active descendant, or a line that has changed.
TOLD = """(e) => {
    const active = document.getElementById(e.getAttribute("aria-activedescendant"));
    const lines = [...e.closest("section").querySelectorAll("[aria-live=polite]")].map((line) => line.textContent);
    return e.getAttribute("aria-valuetext") ?? active?.getAttribute("aria-label") ?? lines.join(" ");
}"""
