"""The viewer: a Jupyter widget over one explanation. All stepping happens in the browser, from the trace."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets
from ipywidgets.widgets.widget import Widget, _instances
from numpy.typing import NDArray

from heapwidget.display.bookmarks import Bookmark, read_bookmarks
from heapwidget.display.guard import LONGEST_INTERVAL, OF_A_VIEW, Guarded
from heapwidget.display.page import Shown, write_page
from heapwidget.display.panels import default_panels, read_panels
from heapwidget.display.payload import bundled, packed, shown_input
from heapwidget.display.refining import answer
from heapwidget.display.still import still
from heapwidget.display.weight import HEAVY, warn_of, weigh
from heapwidget.findings.findings import Findings


class Bookmarks(traitlets.TraitType[list[Bookmark], Any]):
    """A trait that takes bookmarks in any of their forms, and holds them as a list of dictionaries."""

    def make_dynamic_default(self) -> list[Bookmark]:
        """None yet, in a list of one's own."""
        return []

    def validate(self, viewer: Any, value: object) -> list[Bookmark]:
        """The bookmarks in order; a `TraitError` says what is wrong with them."""
        try:
            return read_bookmarks(value, viewer.n_steps)
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(str(error)) from None


class HeapViewer(Guarded, anywidget.AnyWidget):
    """Steps through the pops of an explanation.

    Parameters
    ----------
    explanation
        What to show.
    **traits
        Initial values of the traits below.

    Attributes
    ----------
    step
        Rows of the trace done so far, 0 to `n_steps`; can be set at any time.
    n_steps
        Rows of the trace; read-only.
    playing
        Whether the browser plays on.
    interval
        Milliseconds a pop while playing.
    loop
        Whether play begins again after the last pop.
    bookmarks
        Marked moments, as a list of `{"step": 12, "label": "the stroke"}` in order; a mapping from steps to labels, and
        lists of pairs or of bare steps, can be set as well.
    link
        A word: viewers of one page that bear the same one share the cursor, in the browser. By default none.
    selected_node
        The node picked in the viewer, or `None`.
    panels
        The panels shown, of `"input"`, `"heap"`, `"code"`, `"network"`, `"curve"` and those that were registered; by
        default all but the code for a walk that conserves the target, and input and heap for other methods.
    """

    writable = OF_A_VIEW

    # Text rather than paths: a path is watched for changes, and who watches is kept for good.
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    _trace = traitlets.Dict().tag(sync=True, echo_update=False)
    _input = traitlets.Dict().tag(sync=True, echo_update=False)
    step = traitlets.Int(0).tag(sync=True, echo_update=False)
    n_steps = traitlets.Int(0, read_only=True).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    interval = traitlets.Int(100, min=1, max=LONGEST_INTERVAL).tag(sync=True)
    loop = traitlets.Bool(False).tag(sync=True)
    bookmarks = Bookmarks().tag(sync=True)
    link = traitlets.Unicode("").tag(sync=True)
    selected_node = traitlets.Int(None, allow_none=True).tag(sync=True)
    panels = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, explanation: Findings, **traits: Any) -> None:
        self._explanation = explanation
        self._own_layout = "layout" not in traits
        # An explanation goes on; the browser keeps what it was sent.
        self._sent = explanation.findings
        trace = self._sent.trace
        self.set_trait("n_steps", trace.n_steps)
        traits.setdefault("panels", default_panels(trace))
        self._warned = False
        sent, shown = packed(self._sent), shown_input(self._sent)
        self._warn_if_heavy(sent, shown)
        super().__init__(_trace=sent, _input=shown, _esm=bundled("widget.js"), _css=bundled("widget.css"), **traits)
        self.on_msg(lambda viewer, message, _buffers: answer(viewer, message))

    def close(self) -> None:
        """Take the viewer off every page and out of the kernel: what nobody else holds of it is freed.

        The explanation stays with whoever holds it, the closed viewer too.
        """
        if self.comm is None:
            return
        super().close()
        if self._own_layout:
            close_unshared(self.layout)

    @property
    def explanation(self) -> Findings:
        """What is shown."""
        return self._explanation

    @property
    def selected(self) -> NDArray[np.bool_] | tuple[NDArray[np.bool_], ...]:
        """A mask over the input's positions, or a tuple of one for each input: those popped at `step`."""
        return self._sent.selected(self.step)

    def refine(
        self,
        max_pops: int = 1000,
        floor: float | None = None,
        *,
        progress: bool | Callable[[int], object] = True,
    ) -> None:
        """Let the walk go on and show it; the cursor and the bookmarks stay where they mean the same.

        Parameters, and what is raised, are those of `Explanation.refine`.
        """
        before = self._sent.trace
        self._explanation = self._explanation.refine(max_pops, floor, progress=progress)
        self._sent = self._explanation.findings
        now = self._sent.trace
        sent = packed(self._sent)
        self._warn_if_heavy(sent, self._input)
        with self.hold_sync():
            self.set_trait("n_steps", now.n_steps)
            self._trace = sent
            self.step = before.moved_step(self.step, now)
            self.bookmarks = [{**b, "step": before.moved_step(b["step"], now)} for b in self.bookmarks]

    def _warn_if_heavy(self, sent: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
        """Once for a viewer."""
        size = weigh(sent, shown)
        if size > HEAVY and not self._warned:
            self._warned = True
            warn_of(size, self._explanation)

    @traitlets.validate("step")
    def _validate_step(self, proposal: Any) -> int:
        return min(max(int(proposal["value"]), 0), self.n_steps)

    @traitlets.validate("selected_node")
    def _validate_selected_node(self, proposal: Any) -> int | None:
        node = proposal["value"]
        if node is not None and not self.has_node(node):
            count = int(self._explanation.trace.node_offsets[-1])
            raise traitlets.TraitError(f"selected_node {node} is no node: there are {count}")
        return None if node is None else int(node)

    @traitlets.validate("panels")
    def _validate_panels(self, proposal: Any) -> list[str]:
        try:
            return read_panels(proposal["value"])
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None

    def has_node(self, node: int) -> bool:
        """Whether this is the number of a node."""
        return 0 <= node < int(self._explanation.trace.node_offsets[-1])

    @property
    def shown(self) -> Shown:
        """What a page shows of this viewer: the explanation as it was sent, and its state as it stands."""
        state = {
            "step": self.step,
            "interval": self.interval,
            "loop": self.loop,
            "bookmarks": self.bookmarks,
            "link": self.link,
            "selected": self.selected_node,
            "panels": self.panels,
        }
        return Shown(self._sent, state)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write this viewer as it stands to one page that needs nothing else and asks for nothing."""
        write_page(path, self.shown)

    def __repr__(self) -> str:
        return f"HeapViewer(step={self.step}, n_steps={self.n_steps}) of {self._explanation!r}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, with a still picture for those who cannot run it; metadata as anywidget sets it, for Colab."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return data | {"image/png": b64encode(still(self._explanation)).decode()}, metadata


def close_unshared(layout: Widget) -> None:
    """Close a layout that the widget library made for a widget, unless it was given to another one too."""
    if not any(getattr(other, "layout", None) is layout for other in list(_instances.values())):
        layout.close()
