"""Whatever is shown, in either theme and at any width: nothing sticks out, and no words lie on others."""

import pytest
from helpers.browser.gallery import GALLERY, SCHEMES, WIDTHS
from helpers.browser.pages import at_rest, go_to, opened
from playwright.sync_api import Browser, Page

# Words whose boxes, as far as they can be seen, cross those of others in the same part of the viewer.
CROSSING = """() => {
    const visible = (element, box) => {
        let [left, top, right, bottom] = [box.left, box.top, box.right, box.bottom];
        for (let at = element; at && at !== document.body; at = at.parentElement) {
            const { overflowX, overflowY } = getComputedStyle(at);
            const clip = at.getBoundingClientRect();
            if (overflowX !== "visible") [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
            if (overflowY !== "visible") [top, bottom] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom)];
        }
        return { left, top, right, bottom };
    };
    const texts = [...document.querySelectorAll(".heapwidget *")].flatMap((element) => {
        const part = element.closest("section, header, footer, [role=dialog]");
        if (!part || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return [];
        return [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim()).flatMap((node) => {
            const range = document.createRange();
            range.selectNodeContents(node);
            return [...range.getClientRects()].map((box) => ({ part, text: node.data, ...visible(element, box) }));
        });
    });
    const found = [];
    texts.forEach((a, i) => {
        for (const b of texts.slice(i + 1)) {
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (a.part === b.part && a.text !== b.text && across > 1 && down > 3) found.push(`${a.text} / ${b.text}`);
        }
    });
    return { crossing: [...new Set(found)], count: texts.length };
}"""

# Parts that reach out of the viewer to the left or right.
STICKING_OUT = """() => {
    const root = document.querySelector(".heapwidget").getBoundingClientRect();
    const clipped = (e) => e.closest(".hw-code, .hw-tokens, [class*=scroll]");
    return [...document.querySelectorAll(".heapwidget *")]
        .filter((e) => e.checkVisibility() && !clipped(e) && e.getBoundingClientRect().width > 0)
        .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
        .filter(([, box]) => box.left < root.left - 8 || box.right > root.right + 8)
        .map(([html]) => html);
}"""


def check(page: Page, width: int) -> None:
    at_rest(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKING_OUT) == []
    found = page.evaluate(CROSSING)
    assert found["crossing"] == []
    assert found["count"] > 20


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", GALLERY)
def test_words_keep_apart_and_nothing_sticks_out(
    browser: Browser, gallery: dict[str, str], name: str, width: int
) -> None:
    with opened(browser, gallery[name], width=width) as page:
        check(page, width)
        steps = int(page.locator(".heapwidget").get_attribute("data-steps") or 0)
        for step in (0, 3, steps - 1, steps):
            go_to(page, step)
            check(page, width)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [480, 700, 800, 1000, 1160, 1400])
def test_what_opens_finds_room(browser: Browser, gallery: dict[str, str], width: int, scheme: str) -> None:
    with opened(browser, gallery["digit"], width=width, scheme=scheme) as page:
        check(page, width)
        for name in ("Panels", "Help"):
            page.get_by_role("button", name=name, exact=True).click()
            sheet = page.get_by_role("dialog", name=name).bounding_box()
            assert sheet
            assert sheet["x"] >= 0
            assert sheet["x"] + sheet["width"] <= width
            check(page, width)
            page.keyboard.press("Escape")
        page.get_by_role("radio", name="compare and swap").click()
        for _ in range(4):
            page.get_by_role("button", name="Forward", exact=True).click()
            check(page, width)
