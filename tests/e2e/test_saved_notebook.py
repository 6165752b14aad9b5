"""A saved notebook is opened again, and the kernel that made its viewer is gone."""

import re
import shutil
from pathlib import Path

import pytest
from helpers.browser.jupyter import Kernel, Server, Watch, open_notebook, run_all
from playwright.sync_api import Page, expect

QUICKSTART = Path(__file__).resolve().parents[2] / "notebooks" / "quickstart.ipynb"
NOTEBOOK = "saved.ipynb"


@pytest.fixture
def saved(page: Page, server: Server) -> Page:
    """The notebook run and saved at step 42, its kernel shut down, the page closed."""
    shutil.copy(QUICKSTART, server.folder / NOTEBOOK)
    open_notebook(page, server, NOTEBOOK)
    run_all(page)
    kernel = Kernel(server, NOTEBOOK)
    kernel.wait_for_cells()
    kernel.run("viewer.step, viewer.bookmarks = 42, {50: 'fifty'}")
    kernel.close()
    expect(page.locator(".heapwidget").first).to_have_attribute("data-step", "42")
    page.locator('.lm-MenuBar-itemLabel:text-is("File")').click()
    page.locator('.lm-Menu-item[data-command="docmanager:save"]').click()
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.goto("about:blank")
    server.shut_down(NOTEBOOK)
    return page


def test_viewer_is_back_at_its_step_and_all_but_refine_works(saved: Page, server: Server, watch: Watch) -> None:
    open_notebook(saved, server, NOTEBOOK)
    viewer = saved.locator(".heapwidget").first
    viewer.scroll_into_view_if_needed()
    expect(viewer).to_have_attribute("data-step", "42")
    viewer.focus()
    viewer.press("ArrowRight")
    expect(viewer).to_have_attribute("data-step", "43")
    viewer.press("]")
    expect(viewer).to_have_attribute("data-step", "50")
    expect(viewer.get_by_role("textbox", name="Bookmark label")).to_have_value("fifty")
    viewer.focus()
    viewer.press(" ")
    expect(viewer).to_have_attribute("data-step", re.compile(r"^(5[3-9]|[6-9]\d|\d{3,})$"))
    viewer.press(" ")
    viewer.get_by_role("radio", name="compare and swap", exact=True).click()
    viewer.get_by_role("button", name="Forward", exact=True).click()
    expect(viewer).to_have_attribute("data-substep", "1")
    viewer.get_by_role("button", name="Refine", exact=True).click()
    sheet = viewer.get_by_role("dialog", name="Refine")
    expect(sheet).to_contain_text("Python does not answer: its kernel is busy or gone")
    expect(sheet.get_by_role("button", name="Go on")).to_be_disabled()
    assert watch.outside == []
