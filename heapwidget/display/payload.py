"""What the browser or a page is given: the viewer's script and style, the trace, and the inputs as they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapwidget.display.still import picture, value_range
from heapwidget.findings.findings import Findings

# Columns of more entries travel without those that can be done without.
LONG = 2**14
REPEATING = ("explained", "absorbed", "dust", "bound", "log_offset")

STATIC = Path(__file__).parent.parent / "static"


def bundled(name: str) -> str:
    """The text of a file of the bundle that the build made.

    Raises
    ------
    RuntimeError
        If the package holds no bundle: a checkout that was never installed.
    """
    try:
        return (STATIC / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RuntimeError(
            f"the viewer's bundle {name} is missing: install the package (pip install .), which builds it"
        ) from None


def packed(findings: Findings) -> dict[str, Any]:
    """A trace as it travels: bytes of the columns beside the header.

    A long one goes without what the viewer can do without: the contributions of single units, and of sums the rows at
    the end that repeat the last value.
    """
    columns = {}
    for name, column in findings.trace.columns.items():
        if len(column) <= LONG or name not in (*REPEATING, "contribution"):
            columns[name] = column.data
        elif name in REPEATING:
            columns[f"{name}_start"] = _until_it_repeats(column).data
    return {"header": shown_header(findings), "columns": columns}


def _until_it_repeats(column: NDArray[Any]) -> NDArray[Any]:
    """A column up to the entry that all after it repeat."""
    changes = np.flatnonzero(column[1:] != column[:-1])
    return column[: int(changes[-1]) + 2] if len(changes) else column[:1]


def shown_header(findings: Findings) -> dict[str, Any]:
    """The JSON of the trace's header, with the deletion and insertion curves where they were measured."""
    measured = findings.measured
    return dict(findings.trace.header) | ({} if measured is None else {"scores": measured.scores})


def shown_input(findings: Findings) -> dict[str, Any]:
    """What the input panel draws, part by part."""
    return {"parts": [_part(findings, number) for number in range(findings.trace.n_inputs)]}


def _part(findings: Findings, number: int) -> dict[str, Any]:
    """Pixels of an image, else the values themselves."""
    pixels = picture(findings, number)
    if pixels is not None:
        channels = 1 if pixels.ndim == 2 else 3
        height, width = pixels.shape[:2]
        data = np.ascontiguousarray(pixels).data
        part = {"kind": "image", "channels": channels, "height": height, "width": width, "pixels": data}
        made = findings.images[number] is None
        return part | ({"range": list(value_range(findings, number))} if made else {})
    values = findings.inputs[number].cpu().float().contiguous().numpy()
    return {"kind": findings.trace.inputs[number].kind, "values": values.reshape(-1).data}
