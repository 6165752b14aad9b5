"""The CSV files that hold every single measurement: what is missing is measured, what is there is kept."""

import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

HERE = Path(__file__).resolve().parent


def read(name: str) -> list[dict[str, str]]:
    """The rows of a file; none where there is no file."""
    path = HERE / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, rows: list[dict[str, str]]) -> None:
    """All rows of a file, with the columns of any of them."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (HERE / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def put(name: str, more: Mapping[str, Mapping[str, str]]) -> None:
    """Add columns to the rows of some items, each made where there is none; two processes may do so at once."""
    with FileLock(Path(tempfile.gettempdir()) / f"heapwidget-{name}.lock"):
        rows = {row["item"]: row for row in read(name)}
        for item, cells in more.items():
            rows.setdefault(item, {"item": item}).update(cells)
        write(name, list(rows.values()))


def done(name: str, column: str) -> set[str]:
    """The items for which this was measured."""
    return {row["item"] for row in read(name) if row.get(column)}
