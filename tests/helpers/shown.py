"""What one does with an explanation that was loaded: ask it, show it, draw it, write it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

import heapwidget as hw


def use(e: hw.Explanation, folder: Path) -> None:
    """Everything that needs no net; each part gives what it should."""
    assert repr(e)
    assert e.summary()
    assert len(e.pops) == e.trace.n_steps
    assert [part.shape for part in e.trace.contributions] == [
        part.shape for part in e.trace.partitions[: len(e.inputs)]
    ]
    masks = e.selected(e.trace.n_steps)
    count = sum(int(mask.sum()) for mask in (masks if isinstance(masks, tuple) else (masks,)))
    assert count == len(np.unique(e.order))
    assert all(e.trace.label(int(node)) for node in e.trace.columns["pop_node"][:20])
    if e.trace.conserved:
        assert str(e.ledger)
    picture = io.BytesIO()
    e.plot().savefig(picture, format="png", dpi=20)
    assert picture.getvalue()[:4] == b"\x89PNG"
    viewer = e.view()
    bundle = viewer._repr_mimebundle_()
    assert bundle is not None
    assert "image/png" in bundle[0]
    # As the kernel writes its messages.
    json.dumps({name: value for name, value in viewer.get_state().items() if name == "_trace"}, default=repr).encode()
    viewer.close()
    e.to_html(folder / "page.html")
    assert "heapwidget-data" in (folder / "page.html").read_text(encoding="utf-8")
    e.save(folder / "again.npz")
    assert np.array_equal(hw.load(folder / "again.npz").order, e.order)
