"""Static pages to test in: each test gets a viewer of its own, opened from disk under the page's own policy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.browser.jupyter import Watch
from playwright.sync_api import Browser, Locator, Page

from heapwidget.explanation import Explanation


def write(explanation: Explanation, folder: Path) -> str:
    """Write the viewer's page, and give its address."""
    path = folder / "viewer.html"
    explanation.to_html(path)
    return path.as_uri()


@contextmanager
def opened(browser: Browser, address: str, width: int = 1400, scheme: str = "light") -> Iterator[Page]:
    """A page at an address; in the end it has raised no error and asked no host."""
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme)  # type: ignore[arg-type]
    watch = Watch()
    watch.attach(context)
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()
    assert watch.errors == []
    assert watch.outside in ([], [address])


def go_to(page: Page, step: int) -> None:
    """Seek, and wait until the step is shown."""
    page.get_by_role("slider", name="Step", exact=True).fill(str(step))
    page.locator(f'.heapwidget[data-step="{step}"]').wait_for()
    settled(page)


def settled(page: Page, frames: int = 2) -> None:
    """Wait until what was asked for is drawn: a frame for the state, one more for what it moved."""
    page.evaluate(
        """(frames) => new Promise((done) => {
            const next = (left) => (left ? requestAnimationFrame(() => next(left - 1)) : done());
            next(frames);
        })""",
        frames,
    )


def at_rest(page: Page) -> None:
    """Wait until all cards have arrived where they belong."""
    settled(page)
    page.locator(".hw-gliding").wait_for(state="detached")


COUNT = """(canvas, [r, g, b, near, region]) => {
    const ratio = canvas.width / canvas.getBoundingClientRect().width;
    const [x, y, w, h] = region ? region.map((v) => Math.round(v * ratio)) : [0, 0, canvas.width, canvas.height];
    const { data } = canvas.getContext("2d").getImageData(x, y, w, h);
    let n = 0;
    for (let i = 0; i < data.length; i += 4) {
        const far = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
        if (data[i + 3] > 200 && far <= near) n += 1;
    }
    return n;
}"""


def pixels(canvas: Locator, color: str, near: int = 30, region: tuple[float, float, float, float] | None = None) -> int:
    """How many pixels of a canvas (within x, y, width, height) have about a colour, `#rrggbb`."""
    rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int(canvas.evaluate(COUNT, [*rgb, near, region]))


def color_of(page: Page, name: str) -> str:
    """A colour of the theme in force."""
    value: str = page.evaluate(
        "(name) => getComputedStyle(document.querySelector('.heapwidget')).getPropertyValue(`--hw-${name}`).trim()",
        name,
    )
    return value
