"""One browser and one JupyterLab for all tests; a page of its own for each module."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser.inputs import Show
from helpers.browser.jupyter import Server, Watch, jupyterlab
from helpers.waiting import PATIENCE_MS
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import heapwidget as hw

ROOT = Path(__file__).resolve().parents[3]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name resolves but this machine's own: what asks for another host fails, and is seen to.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=PATIENCE_MS)
        browser.on("context", be_patient)
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()


def be_patient(context: BrowserContext) -> None:
    """Let what is done in a browser take as long as a busy machine may need."""
    context.set_default_timeout(PATIENCE_MS)


@pytest.fixture(scope="session")
def server(chromium: str, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with jupyterlab(tmp_path_factory.mktemp("jupyter")) as server:
        shutil.copytree(ROOT / "notebooks", server.folder, dirs_exist_ok=True)
        yield server


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def page(browser: Browser, watch: Watch) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    watch.attach(context)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def show(browser: Browser, bundle: Path, tmp_path: Path) -> Iterator[Show]:
    """Opens an explanation as a page of its own, in a light theme; nothing may go wrong in it."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="light")
    watch = Watch()
    watch.attach(context)

    def shown(explanation: hw.Explanation) -> Page:
        path = tmp_path / "page.html"
        explanation.to_html(path)
        page = context.new_page()
        page.goto(path.as_uri())
        expect(page.locator(".heapwidget")).to_be_visible()
        return page

    yield shown
    context.close()
    assert watch.errors == []
