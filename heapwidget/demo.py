"""The viewer in a page of its own, for a look without a notebook: ``python -m heapwidget demo``."""

from pathlib import Path

from heapwidget.api import attribute
from heapwidget.samples import digits, lenet

PAGE = "heapwidget-demo.html"
SAMPLE = 7


def write_demo(path: Path) -> None:
    """Explain why the sample net takes a written seven for one, and write the viewer to a page."""
    images = digits().images
    attribute(lenet(), images[SAMPLE : SAMPLE + 1, None].float() / 255).to_html(path)
