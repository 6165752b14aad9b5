"""From the measured CSV files to the tables of `docs/evidence.md`."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

# What each method is measured against.
DEFAULT = "zplus"


def write_tables(folder: Path) -> None:
    """Put the tables in their places on the page, between its marks."""
    page = folder.parent / "evidence.md"
    page.write_text(filled(page.read_text(encoding="utf-8"), tables(folder)), encoding="utf-8")


def tables(folder: Path) -> dict[str, str]:
    """All tables by their marks."""
    found = {"floors": floor_table(folder / "floors.csv")}
    for kind in ("photos", "digits"):
        for baseline in ("zero", "blur"):
            found[f"{kind}-{baseline}"] = area_table(read_areas(folder / f"{kind}-{baseline}.csv"))
    return found


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with each `<!-- name -->` … `<!-- end -->` filled anew."""

    def put(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n\n{parts[match[1]]}\n\n<!-- end -->"

    return re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- end -->", put, page, flags=re.DOTALL)


def read_areas(path: Path) -> dict[str, NDArray[np.float64]]:
    """For each method its deletion and insertion areas, (items, 2)."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [column.removesuffix(" deletion") for column in rows[0] if column.endswith(" deletion")]
    return {n: np.array([(float(r[f"{n} deletion"]), float(r[f"{n} insertion"])) for r in rows]) for n in names}


def area_table(areas: Mapping[str, NDArray[np.float64]]) -> str:
    """Means, and the paired difference to the default rule with its 95 % interval; best first.

    The order is that of insertion less deletion.
    """
    head = ["", "deletion", f"minus {DEFAULT}", "insertion", f"minus {DEFAULT}"]
    ranked = sorted(areas.items(), key=lambda item: float((item[1][:, 0] - item[1][:, 1]).mean()))
    lines = []
    for name, values in ranked:
        cells = [f"`{name}`" if name != "random" else "random order"]
        for side in range(2):
            mean, half = interval(values[:, side] - areas[DEFAULT][:, side])
            difference = f"{round(mean, 3) + 0.0:+.3f} ± {half:.3f}".replace("-", "−")
            cells += [f"{values[:, side].mean():.3f}", "" if name == DEFAULT else difference]
        lines.append(cells)
    return markdown(head, lines)


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """The mean of paired differences, and the half width of its 95 % interval by Student's t."""
    n = len(differences)
    return float(differences.mean()), float(t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n))


def floor_table(path: Path) -> str:
    """Means over the items, a row a network and floor."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    head = ["network", "floor", "pops of the walk", "time", "on the input", "still missing", "bound"]
    lines = []
    names = {"digits": "LeNet", "photos": "EfficientNet-Lite0"}
    for kind, floor in dict.fromkeys((row["kind"], row["floor"]) for row in rows):
        mine = [row for row in rows if (row["kind"], row["floor"]) == (kind, floor)]

        def mean(column: str, rows: list[dict[str, str]] = mine) -> float:
            return float(np.mean([float(row[column]) for row in rows]))

        shares = [f"{mean(column):.2%}".replace("%", " %") for column in ("arrived", "missing", "bound")]
        seconds = mean("seconds")
        spent = f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
        lines.append([names[kind], floor, f"{mean('pops'):,.0f}", spent, *shares])
    return markdown(head, lines)


def markdown(head: list[str], lines: list[list[str]]) -> str:
    """A table whose columns after the first are set to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))
