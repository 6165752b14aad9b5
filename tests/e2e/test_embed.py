"""Pages made from notebooks and widgets by others' tools: what is saved of a viewer is all that it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers.browser.jupyter import Watch
from helpers.browser.saved import show_states
from helpers.waiting import PATIENCE
from ipywidgets.embed import dependency_state, embed_minimal_html
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Page, expect

import heapwidget as hw

CELL = """import heapwidget as hw
viewer = hw.explain(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255)
viewer.step, viewer.bookmarks = 300, {310: "on"}
viewer"""
STATE = re.compile(r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', re.DOTALL)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1000, "height": 1000})
    watch = Watch()
    watch.attach(context)
    page = context.new_page()
    page.goto("about:blank")
    yield page
    context.close()
    assert watch.errors == []
    assert watch.outside in ([], ["about:blank"])


def viewer_of(html: str) -> dict[str, Any]:
    """The state of the one viewer in a page."""
    (text,) = STATE.findall(html)
    states = json.loads(text)["state"].values()
    (state,) = (state for state in states if "_trace" in state["state"])
    return state


def works(page: Page, state: dict[str, Any]) -> None:
    show_states(page, state)
    root = page.locator(".heapwidget")
    expect(root).to_have_attribute("data-step", "300")
    root.focus()
    root.press("]")
    expect(root).to_have_attribute("data-step", "310")
    expect(page.get_by_role("textbox", name="Bookmark label")).to_have_value("on")
    expect(page.get_by_role("region", name="Network")).to_be_visible()


def test_embedded_viewer_has_all_that_it_needs(page: Page, bundle: Path, tmp_path: Path) -> None:
    e = hw.attribute(hw.samples.lenet(), hw.samples.digits().images[7:8, None].float() / 255)
    viewer = e.view(step=300, bookmarks={310: "on"})
    embed_minimal_html(
        tmp_path / "page.html", views=[viewer], state=dependency_state(viewer, drop_defaults=False), requirejs=True
    )
    works(page, viewer_of((tmp_path / "page.html").read_text(encoding="utf-8")))


def test_converted_notebook_has_all_that_it_needs(page: Page, bundle: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3").execute()
    html, _ = HTMLExporter().from_notebook_node(notebook)
    works(page, viewer_of(html))
