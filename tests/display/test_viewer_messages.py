"""What the viewer sends to the browser and to notebooks that run no widgets, without a browser."""

from __future__ import annotations

import io
import subprocess
import sys
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from helpers.nets import DIGIT, mlp
from PIL import Image

import heapwidget as hw
from heapwidget.display.viewer import HeapViewer
from heapwidget.samples import lenet
from heapwidget.trace.columns import COLUMNS


@pytest.fixture(scope="module")
def seven() -> hw.Explanation:
    return hw.attribute(lenet(), DIGIT)


def state(e: hw.Explanation, **traits: Any) -> dict[str, Any]:
    return HeapViewer(e, **traits).get_state()


def test_columns_travel_as_bytes_and_the_header_as_it_is(seven: hw.Explanation) -> None:
    sent = state(seven)["_trace"]
    assert sent["header"] == seven.trace.header
    assert list(sent["columns"]) == list(COLUMNS)
    for name, dtype in COLUMNS.items():
        assert isinstance(sent["columns"][name], memoryview)
        assert np.array_equal(np.frombuffer(sent["columns"][name], dtype), seven.trace.columns[name])


def test_an_image_travels_as_pixels(seven: hw.Explanation) -> None:
    (sent,) = state(seven)["_input"]["parts"]
    assert {k: v for k, v in sent.items() if k != "pixels"} == {
        "kind": "image", "channels": 1, "height": 28, "width": 28, "range": [0, 1],
    }  # fmt: skip
    assert np.array_equal(np.frombuffer(sent["pixels"], np.uint8), (DIGIT * 255).round().byte().numpy().ravel())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_anything_else_travels_as_values(dtype: torch.dtype) -> None:
    x = torch.linspace(-1, 1, 6, dtype=dtype)[None]
    (sent,) = state(hw.attribute(mlp(6, 4, 3, dtype=dtype), x))["_input"]["parts"]
    assert sent["kind"] == "bars"
    assert np.array_equal(np.frombuffer(sent["values"], np.float32), x[0].float().numpy())


def test_a_picture_of_ones_own_travels(seven: hw.Explanation) -> None:
    given = np.arange(28 * 28 * 3, dtype=np.uint8).reshape(28, 28, 3)
    (sent,) = state(hw.attribute(lenet(), DIGIT, image=given))["_input"]["parts"]
    assert (sent["channels"], sent["height"], sent["width"]) == (3, 28, 28)
    assert bytes(sent["pixels"]) == given.tobytes()


def test_traits_have_their_limits(seven: hw.Explanation) -> None:
    viewer = HeapViewer(seven, step=5, interval=20, playing=True)
    assert (viewer.step, viewer.interval, viewer.playing, viewer.n_steps) == (5, 20, True, seven.trace.n_steps)
    with pytest.raises(traitlets.TraitError):
        viewer.n_steps = 3
    with pytest.raises(traitlets.TraitError):
        viewer.interval = 0
    with pytest.raises(traitlets.TraitError):
        viewer.step = "last"
    viewer.selected_node = 12
    viewer.selected_node = None
    assert viewer.explanation is seven


def test_selected_follows_the_trace_that_is_shown() -> None:
    """Refining changes the explanation, not what the browser was sent."""
    e = hw.attribute(lenet(), DIGIT, floor=0.1)
    viewer = e.view()
    viewer.step = viewer.n_steps
    before = viewer.selected
    e.refine(max_pops=500)
    assert e.trace.n_steps != viewer.n_steps
    assert np.array_equal(viewer.selected, before)
    again = e.view(step=10**9)
    assert again.n_steps == again.step == e.trace.n_steps


def test_the_bundle_is_widget_picture_and_text(seven: hw.Explanation) -> None:
    data, metadata = HeapViewer(seven)._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "text/plain", "image/png"}
    assert data["text/plain"].startswith("HeapViewer(step=0, n_steps=567) of <Explanation of 7 = 8.74")
    assert isinstance(metadata, dict)
    image = Image.open(io.BytesIO(b64decode(data["image/png"])))
    assert (image.format, image.size) == ("PNG", (2 * (28 * 8 + 16), 28 * 8))


def test_explain_is_the_viewer_of_attribute(seven: hw.Explanation) -> None:
    viewer = hw.explain(lenet(), DIGIT, panels=["heap"], target=3)
    assert viewer.panels == ["heap"]
    assert viewer.explanation.trace.header["target"]["index"] == 3
    with pytest.raises(ValueError, match="target 11 is out of range"):
        hw.explain(lenet(), DIGIT, target=11)


def test_importing_is_light() -> None:
    heavy = ["matplotlib", "pandas", "PIL", "captum", "torch._dynamo"]
    code = f"import sys, heapwidget; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
