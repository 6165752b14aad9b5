"""A saved notebook is opened again, and the kernel that made its viewer is gone."""

import shutil
from pathlib import Path

import pytest
from e2e.jupyter import Kernel, Server, Watch, open_notebook, run_all
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
    kernel.run("viewer.step = 42")
    kernel.close()
    expect(page.locator(".heapwidget").first).to_have_attribute("data-step", "42")
    page.locator('.lm-MenuBar-itemLabel:text-is("File")').click()
    page.locator('.lm-Menu-item[data-command="docmanager:save"]').click()
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.goto("about:blank")
    server.shut_down(NOTEBOOK)
    return page


def test_viewer_is_back_at_its_step(saved: Page, server: Server, watch: Watch) -> None:
    open_notebook(saved, server, NOTEBOOK)
    viewer = saved.locator(".heapwidget").first
    viewer.scroll_into_view_if_needed()
    expect(viewer).to_have_attribute("data-step", "42")
    viewer.focus()
    viewer.press("ArrowRight")
    expect(viewer).to_have_attribute("data-step", "43")
    assert watch.outside == []
