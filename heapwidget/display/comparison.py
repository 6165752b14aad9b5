"""Two explanations side by side, on one cursor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from uuid import uuid4

from ipywidgets import Box

from heapwidget.display.guard import Guarded
from heapwidget.display.page import write_page
from heapwidget.display.panels import default_panels
from heapwidget.display.viewer import HeapViewer, close_unshared
from heapwidget.findings.findings import Findings


class Comparison(Guarded, Box):  # type: ignore[misc]  # ipywidgets has no types
    """Viewers side by side, or one above the other where there is no room.

    They bear the same `link`, so the browser moves them together, with a kernel or without one: each shows the same
    pop of the same phase. Where the walk of one has fewer pops, or the method of one has no walk at all, it waits at
    the end of the phase until the other has come there too.

    Attributes
    ----------
    children
        The viewers, left and right.
    """

    children: tuple[HeapViewer, ...]

    def __init__(self, *viewers: HeapViewer) -> None:
        super().__init__(children=viewers)
        self.add_class("hw-compare")

    def close(self) -> None:
        """Take both viewers off every page and out of the kernel, each as its own `close` does."""
        if self.comm is None:
            return
        super().close()
        for viewer in self.children:
            viewer.close()
        close_unshared(self.layout)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write both viewers as they stand to one page that needs nothing else and asks for nothing."""
        write_page(path, *(viewer.shown for viewer in self.children))

    def __repr__(self) -> str:
        return f"Comparison of {' and '.join(repr(viewer.explanation) for viewer in self.children)}"


def compare(a: Findings, b: Findings, *, panels: Sequence[str] | None = None) -> Comparison:
    """Show two explanations side by side, on one cursor: two rules, two methods, two inputs, or two nets.

    Parameters
    ----------
    a, b
        What to show on the left and on the right.
    panels
        The panels of both; by default those that suit each method, less the network, which needs the whole width.

    Returns
    -------
    Comparison
        A widget; its `children` are the two viewers.

    Raises
    ------
    TypeError
        If one of them is no explanation.
    """
    for explanation in (a, b):
        if not isinstance(explanation, Findings):
            raise TypeError(
                f"compare takes two explanations, as attribute(net, x) gives them, not {type(explanation).__name__}"
            )
    word = uuid4().hex
    viewers = []
    for explanation in (a, b):
        own = [name for name in default_panels(explanation.trace) if name != "network"]
        viewers.append(HeapViewer(explanation, link=word, panels=own if panels is None else list(panels)))
    return Comparison(*viewers)
