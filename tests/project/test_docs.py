"""What the documentation shows and claims is what happens: its examples run and print what is shown, its links lead
somewhere, Sphinx builds it without a warning.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.printed import assert_prints
from helpers.recipes import PAGE as RECIPES
from PIL import Image

import heapwidget as hw

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
# A block of Python, and what it prints where a block without a language follows.
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


def name_of(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", [page for page in PAGES if page != RECIPES], ids=name_of)
def test_examples_print_what_is_shown(
    page: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {"__name__": "__main__"}
    for code, shown in EXAMPLE.findall(page.read_text(encoding="utf-8")):
        exec(compile(code, page.name, "exec"), space)
        printed = capsys.readouterr().out
        if not shown:
            continue
        assert_prints(printed, shown)
    for picture in tmp_path.glob("*.jpg"):
        made, shown_one = (np.asarray(Image.open(p).convert("RGB"), np.int16) for p in (picture, DOCS / picture.name))
        assert made.shape == shown_one.shape
        assert np.abs(made - shown_one).mean() < 4, f"{picture.name} is not what the page makes"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", text)
    for target in targets:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        goal = page.parent / path if path else page
        assert goal.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", goal.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}, target


def test_every_public_name_is_in_the_reference() -> None:
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    for name in hw.__all__:
        assert name == "samples" or re.search(rf":: {name}(?:\(.*\))?$", text, re.MULTILINE), name


def test_guide_knows_the_keys() -> None:
    source = (ROOT / "heapwidget" / "frontend" / "src" / "chrome" / "keys.ts").read_text(encoding="utf-8")
    table = re.search(r"KEYS[^=]*= \[\n(.*?)\n\];", source, re.DOTALL)
    assert table is not None
    keys = re.findall(r'\["(.*?)", "(.*?)"\],', table[1])
    shown = re.findall(r"^\| (.+?) \| (.+?) \|$", (DOCS / "guide.md").read_text("utf-8").split("## Targets")[0], re.M)
    assert shown == keys


def test_pictures_are_shown_and_small() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in [*PAGES, ROOT / "README.md"])
    pictures = [*DOCS.rglob("*.png"), *DOCS.rglob("*.jpg")]
    assert pictures
    for picture in pictures:
        assert picture.name in pages
        assert picture.stat().st_size < 300_000, picture.name


def test_sphinx_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-E", "-d", tmp_path / "cache", DOCS, tmp_path / "html"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "reference.html").read_text(encoding="utf-8")
    assert "heapwidget.attribute" in page
    # Nothing is fetched from elsewhere when a page is opened.
    for built in (tmp_path / "html").glob("*.html"):
        loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?:[^\"]+)", built.read_text("utf-8"))
        assert loaded == [], built.name
