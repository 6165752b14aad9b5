"""The page about how all is built names what is there: its stops, its rooms, and the rooms of the contracts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS, PACKAGE = ROOT / "docs", ROOT / "heapwidget"
SRC = PACKAGE / "frontend" / "src"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
# A row's number, and its places: a file or a folder, and names in it.
STOPS = re.findall(r"^\| (\d+) \| (.+?) \| .+ \|$", PAGE, re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")


def place_of(path: str) -> Path:
    found = [root / path for root in (PACKAGE, SRC) if (root / path).exists()]
    assert found, f"there is no {path}"
    return found[0]


def text_of(place: Path) -> str:
    files = [place] if place.is_file() else [p for p in place.rglob("*") if p.suffix in {".py", ".ts"}]
    return "".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize(("number", "where"), STOPS, ids=[number for number, _ in STOPS])
def test_a_stop_is_where_the_page_says(number: str, where: str) -> None:
    text = ""
    for name in CODE.findall(where):
        if "/" in name or name.endswith((".py", ".ts")):
            text = text_of(place_of(name))
            continue
        for part in name.split("."):
            assert re.search(rf"\b{part}\b", text), f"{name} of stop {number}"


def test_the_picture_has_all_stops_and_all_rooms() -> None:
    picture = (DOCS / "architecture.svg").read_text(encoding="utf-8")
    told = [number for number, _ in STOPS]
    assert told == [str(n) for n in range(1, len(told) + 1)]
    assert sorted(re.findall(r'class="stop">.*?<text [^>]*>(\d+)<', picture), key=int) == told
    rooms = {p.parent.name for p in PACKAGE.glob("*/__init__.py")} - {"samples"}
    assert {room for room in rooms if not re.search(rf">[^<]*\b{room}\b", picture)} == set()
    assert {p.name for p in SRC.iterdir() if p.is_dir() and f">{p.name}/<" not in picture} == set()


def test_every_room_of_the_table_is_there() -> None:
    table = PAGE.split("## Where a line belongs")[1]
    for row in re.findall(r"^\| .+? \| (.+) \|$", table, re.MULTILINE)[1:]:
        for path in CODE.findall(row):
            place_of(path)


def test_the_flow_is_told_in_ten_sentences() -> None:
    flow = PAGE.split("## The flow, in ten sentences")[1].split("##")[0]
    assert len(re.findall(r"^\d+\. .+\.$", flow, re.MULTILINE)) == 10
