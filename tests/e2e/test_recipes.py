"""The recipes of docs/contributing.md that are seen: a panel and a kind of input are added to a copy of the package,
which is built anew and shown.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.browser.jupyter import Watch
from helpers.frontend import FRONTEND, run
from helpers.printed import assert_prints
from helpers.recipes import ROOT, recipes, tried
from playwright.sync_api import Browser, Page, expect

IGNORED = shutil.ignore_patterns("node_modules", "static", "__pycache__")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, node: str) -> Path:
    """A copy of the package with both in it, whose TypeScript is as sound as ours, and whose viewer is built."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "heapwidget", folder / "heapwidget", ignore=IGNORED)
    frontend = folder / "heapwidget" / "frontend"
    (frontend / "node_modules").symlink_to(FRONTEND / "node_modules", target_is_directory=True)
    for name in ("panel", "kind of input"):
        recipes()[name].write(folder)
    for command in (["tsc", "--noEmit"], ["biome", "ci", "src"], ["node", "build.mjs"]):
        run(command, node, frontend)
    return folder


@pytest.fixture(scope="module")
def made(house: Path) -> Path:
    """The folder in which both recipes were tried."""
    for name in ("panel", "kind of input"):
        for code, shown in recipes()[name].tries:
            assert_prints(tried(code, house, cwd=house), shown)
    return house


def opened(browser: Browser, file: Path) -> tuple[Page, Watch]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="light")
    watch = Watch()
    watch.attach(context)
    page = context.new_page()
    page.goto(file.as_uri())
    expect(page.locator(".heapwidget")).to_be_visible()
    return page, watch
