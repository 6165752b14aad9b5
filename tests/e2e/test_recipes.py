"""The recipes of docs/contributing.md that are seen: a panel and a kind of input are added to a copy of the package,
which is built anew and shown.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
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
    for command in (["tsc", "--noEmit"], ["biome", "ci", "."], ["node", "build.mjs"]):
        run(command, node, frontend)
    return folder


@pytest.fixture(scope="module")
def made(house: Path) -> Path:
    """The folder in which both recipes were tried."""
    for name in ("panel", "kind of input"):
        for code, shown in recipes()[name].tries:
            assert_prints(tried(code, house, cwd=house), shown)
    return house


@pytest.fixture
def shown(browser: Browser, made: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that a recipe wrote; nothing may go wrong in it."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="light")
    watch = Watch()
    watch.attach(context)
    page = context.new_page()
    page.goto((made / request.param).as_uri())
    expect(page.locator(".heapwidget")).to_be_visible()
    yield page
    context.close()
    assert watch.errors == []


@pytest.mark.parametrize("shown", ["tally.html"], indirect=True)
def test_the_panel_tells_what_was_popped(shown: Page) -> None:
    tally = shown.get_by_role("region", name="Tally")
    expect(tally).to_be_visible()
    rows = [row.split() for row in tally.locator("dl > div").all_inner_texts()]
    told = ", ".join(f"{layer} {pops}" for layer, pops in rows if pops != "0")
    (_, printed), *_ = recipes()["panel"].tries
    assert sorted(told.split(", ")) == sorted(printed.strip().split(", "))


def test_a_panel_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    (code, _), *_ = recipes()["panel"].tries
    with pytest.raises(AssertionError, match="tally"):
        tried(code, ROOT, cwd=tmp_path)


@pytest.mark.parametrize("shown", ["board.html"], indirect=True)
def test_the_kind_is_drawn_as_its_file_says(shown: Page) -> None:
    board = shown.get_by_role("region", name="Input").locator(".hw-board")
    expect(board).to_be_visible()
    assert board.get_attribute("title") == "files a to h, ranks 8 to 1"
    expect(shown.locator(".heapwidget")).to_contain_text("square")
