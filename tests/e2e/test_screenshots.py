"""The pictures of the viewer in the documentation: taken here, and still what the viewer looks like.

``HEAPWIDGET_SCREENSHOTS=docs pytest tests/e2e/test_screenshots.py`` takes them anew.
"""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from helpers.browser.gallery import SCHEMES, digit
from helpers.browser.pages import settled
from PIL import Image
from playwright.sync_api import Browser

DOCS = Path(__file__).resolve().parents[2] / "docs"
STEP = 334
WIDTH, RATIO = 1000, 1.4
LARGEST = 300_000
# Pictures are compared this small: letters of other fonts blur away, panels do not.
SMALL = (46, 40)


@pytest.fixture(scope="module")
def address(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("shot") / "viewer.html"
    digit().to_html(path, step=STEP)
    return path.as_uri()


def shot(browser: Browser, address: str, scheme: str) -> Image.Image:
    """The viewer as it stands on its page."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 1000},
        device_scale_factor=RATIO,
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    settled(page)
    data = page.locator(".hw-page-viewer").screenshot()
    context.close()
    return Image.open(io.BytesIO(data)).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean distance of two pictures in a channel, 0 to 255, once both are small."""
    a, b = (np.asarray(picture.resize(SMALL, Image.Resampling.BOX), float) for picture in (one, other))
    return float(np.abs(a - b).mean())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_in_the_documentation_show_the_viewer(browser: Browser, address: str, scheme: str) -> None:
    name = f"viewer-{scheme}.png"
    taken = shot(browser, address, scheme)
    wanted = os.environ.get("HEAPWIDGET_SCREENSHOTS")
    if wanted:
        taken.quantize(256, dither=Image.Dither.NONE).save(Path(wanted, name), optimize=True)
    shown = Image.open(DOCS / name).convert("RGB")
    assert (DOCS / name).stat().st_size < LARGEST
    assert shown.width == taken.width
    assert abs(shown.height / taken.height - 1) < 0.1
    assert difference(shown, taken) < 2


def test_a_page_looks_the_same_each_time_and_not_in_the_other_theme(browser: Browser, address: str) -> None:
    light, dark = (shot(browser, address, scheme) for scheme in SCHEMES)
    assert np.array_equal(np.asarray(light), np.asarray(shot(browser, address, "light")))
    assert difference(light, dark) > 100
