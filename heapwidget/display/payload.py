"""What the browser or a page is given of an explanation: the trace, and the inputs as they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from heapwidget.display.still import picture, value_range
from heapwidget.explanation import Explanation
from heapwidget.findings.faithfulness import Curves


def packed(explanation: Explanation) -> dict[str, Any]:
    """A trace as it travels: bytes of the columns beside the header."""
    columns = {name: column.data for name, column in explanation.trace.columns.items()}
    return {"header": shown_header(explanation), "columns": columns}


def shown_header(explanation: Explanation) -> dict[str, Any]:
    """The trace's header, with the deletion and insertion curves where they were measured."""
    header, measured = dict(explanation.trace.header), explanation.measured
    if measured is None:
        return header
    scores: dict[str, Any] = {"kind": measured.kind, "fractions": measured.fractions.tolist(), **_curves(measured)}
    if not measured.fractions_of_score:
        scores["absolute"] = True
    return header | {"scores": scores | {"random": measured.random and _curves(measured.random)}}


def _curves(measured: Curves) -> dict[str, list[float]]:
    return {"deletion": measured.deletion.tolist(), "insertion": measured.insertion.tolist()}


def shown_input(explanation: Explanation) -> dict[str, Any]:
    """What the input panel draws, part by part."""
    return {"parts": [_part(explanation, number) for number in range(explanation.trace.n_inputs)]}


def _part(explanation: Explanation, number: int) -> dict[str, Any]:
    """Pixels of an image, else the values themselves."""
    pixels = picture(explanation, number)
    if pixels is not None:
        channels = 1 if pixels.ndim == 2 else 3
        height, width = pixels.shape[:2]
        data = np.ascontiguousarray(pixels).data
        part = {"kind": "image", "channels": channels, "height": height, "width": width, "pixels": data}
        made = explanation.images[number] is None
        return part | ({"range": list(value_range(explanation, number))} if made else {})
    values = explanation.inputs[number].cpu().float().contiguous().numpy()
    return {"kind": explanation.trace.header["layers"][number]["kind"], "values": values.reshape(-1).data}
