"""What tests of the input panel share: colours of the map, and what one does on a page of a viewer."""

from collections.abc import Callable

import numpy as np
from helpers.browser.jupyter import overlay
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

import heapwidget as hw

Show = Callable[[hw.Explanation], Page]
# Tones of the sequential map on a light page (frontend/src/core/colour/colormap.ts).
STOPS = ("ffeda0", "fed976", "feb24c", "fd8d3c", "fc4e2a", "e31a1c", "bd0026", "800026")
EXPONENT = 0.6


def colour(share: NDArray[np.floating]) -> NDArray[np.float64]:
    """RGB of the sequential map at a share of its length."""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (0, 2, 4)] for stop in STOPS], np.float64)
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(share, at, stops[:, c]) for c in range(3)], axis=-1)


def go(page: Page, step: int) -> None:
    page.get_by_role("slider", name="Step", exact=True).fill(str(step))
    expect(page.locator(".heapwidget")).to_have_attribute("data-step", str(step))


def choose(page: Page, mode: str) -> None:
    page.get_by_role("radio", name=mode, exact=True).click()
    expect(page.get_by_role("radio", name=mode, exact=True)).to_have_attribute("aria-checked", "true")


def rgba(page: Page) -> NDArray[np.int64]:
    return np.array(overlay(page.locator(".hw-panel-input")))
