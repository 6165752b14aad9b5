"""From the measured CSV files to the tables of `docs/evidence.md`."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

# What each way is measured against.
DEFAULT = "signed_head 0 rest"
CHANCE = "random"
SETS = ("photos-zero", "photos-blur", "digits-zero", "digits-blur", "vit-mirrored", "vit-rather")
TARGETS = {"class": "", "rest": ", class less the rest", "contrast": ", class less the other three"}
NAMES = {
    CHANCE: "random order",
    "attn_lrp": "AttnLRP, `epsilon`",
    "cp_lrp": "CP-LRP, `epsilon`",
    "grad_cam": "Grad-CAM",
    "integrated_gradients": "integrated gradients",
    "input_x_gradient": "input × gradient",
    "brightness": "brightness, no network",
    "gradient": '`method="gradient"`',
    "article": '`method="article"`',
}


def label(way: str) -> str:
    """What the page calls a way: its columns bear rule, baseline and target, or a method and target."""
    name, *parts = way.split()
    target = TARGETS[parts.pop()] if parts and parts[-1] in TARGETS else ""
    found = NAMES.get(name, f"`{name}`" if parts else f"`{name}` from zero")
    return found + "".join(f", change from {part}" for part in parts) + target


def write_tables(folder: Path) -> None:
    """Put the tables in their places on the page, between its marks."""
    page = folder.parent / "evidence.md"
    page.write_text(filled(page.read_text(encoding="utf-8"), tables(folder)), encoding="utf-8")


def tables(folder: Path) -> dict[str, str]:
    """All tables by their marks."""
    found = {"floors": floor_table(folder / "floors.csv")}
    for name in SETS:
        # A single score is the only target of the transformer.
        default = "signed_head 0" if name.startswith("vit") else DEFAULT
        found[name] = area_table(read_areas(folder / f"{name}.csv"), default)
    for name in ("pointing-photos", "pointing-digits"):
        found[name] = pointing_table(rows_of(folder / f"{name}.csv"))
    found["truth"] = truth_table(rows_of(folder / "truth.csv"))
    found["sanity"] = sanity_table(rows_of(folder / "sanity.csv"))
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of its columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with each `<!-- name -->` … `<!-- end -->` filled anew."""

    def put(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n\n{parts[match[1]]}\n\n<!-- end -->"

    return re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- end -->", put, page, flags=re.DOTALL)


def read_areas(path: Path) -> dict[str, NDArray[np.float64]]:
    """For each way that was measured on all items its deletion and insertion areas, (items, 2)."""
    rows = rows_of(path)
    names = [column.removesuffix(" deletion") for column in rows[0] if column.endswith(" deletion")]
    whole = [name for name in names if all(row[f"{name} deletion"] for row in rows)]
    return {n: np.array([(float(r[f"{n} deletion"]), float(r[f"{n} insertion"])) for r in rows]) for n in whole}


def area_table(areas: Mapping[str, NDArray[np.float64]], default: str = DEFAULT) -> str:
    """Means, and insertion less deletion against the default's, paired, with its 95 % interval; best first."""
    head = ["", "deletion", "insertion", "insertion less deletion", "less the default's"]
    net = {name: values[:, 1] - values[:, 0] for name, values in areas.items()}
    lines = []
    for name in sorted(net, key=lambda name: -float(net[name].mean())):
        mean, half = interval(net[name] - net[default])
        means = (f"{value:.3f}" for value in (*areas[name].mean(axis=0), net[name].mean()))
        shown = f"**{label(name)}**" if name == default else label(name)
        lines.append([shown, *map(minus, means), "" if name == default else f"{signed(mean)} ± {half:.3f}"])
    return markdown(head, lines)


def signed(value: float) -> str:
    """With its sign, of three digits."""
    return minus(f"{round(value, 3) + 0.0:+.3f}")


def minus(number: str) -> str:
    """A minus as it is printed."""
    return number.replace("-", "−")


def pointing_table(rows: list[dict[str, str]]) -> str:
    """The mean share in the right cell, its interval over mosaics, and how often that cell holds most."""
    cells = range(4)
    ways = [column.removesuffix(" 0") for column in rows[0] if column.endswith(" 0")]
    measured = [way for way in ways if all(row.get(f"{way} {cell}") for row in rows for cell in cells)]
    shares = {way: np.array([[float(row[f"{way} {cell}"]) for cell in cells] for row in rows]) for way in measured}
    lines = []
    for way in sorted(shares, key=lambda way: -float(shares[way].mean())):
        mean, half = interval(shares[way].mean(axis=1))
        shown = f"**{label(way)}**" if way == DEFAULT else label(way)
        lines.append([shown, f"{mean:.3f} ± {half:.3f}", f"{(shares[way] > 0.5).mean():.0%}".replace("%", " %")])
    return markdown(["", "share in the cell", "more than half"], lines)


def truth_table(rows: list[dict[str, str]]) -> str:
    """The mean precision of each way on each kind of picture."""
    kinds = list(dict.fromkeys(row["item"].split()[0] for row in rows))
    names = [column for column in rows[0] if column != "item"]

    def mean(name: str, kind: str) -> float:
        return float(np.mean([float(row[name]) for row in rows if row["item"].split()[0] == kind]))

    ranked = sorted(names, key=lambda name: -float(np.mean([mean(name, kind) for kind in kinds])))
    return markdown(["", *kinds], [[label(name), *(f"{mean(name, kind):.3f}" for kind in kinds)] for name in ranked])


def sanity_table(rows: list[dict[str, str]]) -> str:
    """The mean of each figure of each way; cosines by their size, since a map upside down lies in the same place."""
    last = " occlusion"
    names = [column.removesuffix(last) for column in rows[0] if column.endswith(last)]
    figures = [column.removeprefix(names[0] + " ") for column in rows[0] if column.startswith(names[0] + " ")]

    def mean(name: str, figure: str) -> float:
        values = np.array([float(row[f"{name} {figure}"]) for row in rows])
        return float((values if figure in last else np.abs(values)).mean())

    return markdown(["", *figures], [[label(n), *(minus(f"{mean(n, f):.2f}") for f in figures)] for n in names])


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
