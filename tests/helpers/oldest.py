"""A small piece of real work, run as a program beside the oldest versions that the package declares.

Prints, as JSON, what the work came to and the versions of the packages that are named to it.
"""

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

import heapwidget as hw


def work(folder: Path) -> dict[str, object]:
    """Explain, show, draw, export, save, load and refine, and tell what came of each."""
    x = hw.samples.digits().images[7:8, None].float() / 255
    e = hw.attribute(hw.samples.lenet(), x, max_pops=100, progress=True)
    viewer = e.view(step=40)
    bundle = viewer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    figure = e.plot()
    e.to_html(folder / "page.html")
    e.save(folder / "trace.npz")
    loaded = hw.load(folder / "trace.npz")
    same = np.array_equal(np.asarray(loaded.attribution), np.asarray(e.attribution))
    before = viewer.n_steps
    viewer.refine(50)
    return {
        "found": np.asarray(e.attribution).round(4).ravel().tolist(),
        "label": e.trace.header["target"]["label"],
        "shown": sorted(data),
        "drawn": len(figure.axes),
        "page": (folder / "page.html").stat().st_size,
        "loaded as saved": same,
        "more": viewer.n_steps - before,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        json.dump({"work": work(Path(folder)), "versions": {name: version(name) for name in sys.argv[1:]}}, sys.stdout)
