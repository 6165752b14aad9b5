"""What the browser may write of a viewer, and what becomes of the rest: the kernel's value holds, and the view is told.

A page is no better than what runs in it: other widgets are linked with a viewer, extensions and hands in the console
write to its model. So each value is judged by itself, and a good one holds whatever came with it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ipywidgets import Widget

from heapwidget.display.bookmarks import read_bookmarks
from heapwidget.display.panels import PANELS

logger = logging.getLogger(__name__)

# More than hands make, and little enough to be judged in no time.
MOST_BOOKMARKS, LONGEST_LABEL = 10_000, 1_000
# Milliseconds that a browser's timer can wait.
LONGEST_INTERVAL = 2**31 - 1
# These may be large: they go out again no more often than once in so many seconds.
HEAVY = frozenset({"_trace", "_input", "_esm", "_css"})
HEAVY_EVERY = 1.0

NO_COPY = (
    "a viewer belongs to its kernel and its page and cannot be copied or pickled; do so with its explanation "
    "e = viewer.explanation, or write it with e.save(path) and read it with hw.load(path), and show it with e.view()"
)

# Gives the value to take, for a widget and what was sent; a ValueError refuses it.
Reader = Callable[[Any, Any], Any]
KINDS: Mapping[type, str] = {str: "a string", list: "a list", dict: "an object"}


def is_whole(value: object) -> bool:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _are_bookmarks(viewer: Widget, value: Any) -> bool:
    if not isinstance(value, list) or len(value) > MOST_BOOKMARKS or not all(map(_is_bookmark, value)):
        return False
    try:
        read_bookmarks(value, viewer.n_steps)
    except ValueError:
        return False
    return True


def _is_bookmark(value: Any) -> bool:
    if not isinstance(value, dict) or not {"step"} <= set(value) <= {"step", "label"}:
        return False
    label = value.get("label", "")
    return is_whole(value["step"]) and isinstance(label, str) and len(label) <= LONGEST_LABEL


def _are_panels(value: Any) -> bool:
    # What a page sends need not be hashable.
    return isinstance(value, list) and len(value) <= len(PANELS) and all(name in list(PANELS) for name in value)


def _only(fits: Callable[[Any, Any], bool]) -> Reader:
    """Takes what fits, as it is."""

    def read(widget: Any, value: Any) -> Any:
        if not fits(widget, value):
            raise ValueError
        return value

    return read


def _read_step(viewer: Widget, value: Any) -> int:
    if not is_whole(value):
        raise ValueError
    return int(min(max(value, 0), viewer.n_steps))


# The traits of a viewer that its view may write, and how what it writes is read.
OF_A_VIEW: Mapping[str, Reader] = {
    "step": _read_step,
    "playing": _only(lambda viewer, value: isinstance(value, bool)),
    "loop": _only(lambda viewer, value: isinstance(value, bool)),
    "interval": _only(lambda viewer, value: is_whole(value) and 1 <= value <= LONGEST_INTERVAL),
    "bookmarks": _only(_are_bookmarks),
    "selected_node": _only(lambda viewer, value: value is None or (is_whole(value) and viewer.has_node(value))),
    "panels": _only(lambda viewer, value: _are_panels(value)),
    # The widget library counts views, where the kernel asked for that.
    "_view_count": _only(lambda viewer, value: viewer._view_count is not None and is_whole(value) and value >= 0),
}


class Guard:
    """Judges what comes from the browser for one widget, and puts its view right."""

    def __init__(self, writable: Mapping[str, Reader]) -> None:
        self._writable = writable
        self._complained: set[str] = set()
        # Heavy traits that the view is still to be told, when it was told last, and whether that is to come.
        self._owed: set[str] = set()
        self._told = -math.inf
        self._waiting = False

    def complain(self, kind: str, said: str) -> None:
        """One line in the log, the first time that the widget has to do with this kind."""
        if kind not in self._complained:
            self._complained.add(kind)
            logger.warning("A viewer in the browser %s; more of this kind is not logged.", said)

    def message(self, message: Any) -> dict[str, Any] | None:
        """A message in the form that the widget library takes; `None` where it is none."""
        match message:
            case {"content": {"data": {"method": "update", "state": dict(state)}}}:
                # What a view may write holds no buffers.
                return _as_sent({"method": "update", "state": state})
            case {"content": {"data": {"method": "request_state"}}}:
                return _as_sent({"method": "request_state"})
            case {"content": {"data": {"method": "custom", "content": content}}}:
                return _as_sent({"method": "custom", "content": content}, message.get("buffers"))
        self.complain("message", "sent a message that is none of a widget's, which was left alone")
        return None

    def judged(self, widget: Widget, state: Mapping[Any, Any]) -> dict[str, Any]:
        """What of it holds; the log tells of the rest."""
        taken: dict[str, Any] = {}
        known = set(widget.keys)
        for name, value in state.items():
            reader = self._writable.get(name)
            if name not in known:
                self.complain("name", "set what is no trait of it, which was left alone")
            elif reader is None:
                self.complain(f"trait {name}", f"set {name}, which only Python sets; it stays as it is")
            else:
                self._read(widget, name, value, reader, taken)
        return taken

    def _read(self, widget: Widget, name: str, value: Any, reader: Reader, taken: dict[str, Any]) -> None:
        try:
            taken[name] = reader(widget, value)
        except ValueError:
            said = f"set {name} to what it cannot be, {kind_of(value)}; it stays as it is"
            self.complain(f"value of {name}", said)
        else:
            if taken[name] != value:
                self.complain(f"reach of {name}", f"set {name} beyond its reach; the nearest holds")

    def put_right(self, widget: Widget, state: Mapping[Any, Any], taken: Mapping[str, Any]) -> None:
        """Tell the view what holds, of all that it set to something else."""
        other = {name for name, value in taken.items() if value != state[name] or not _holds(widget, name, value)}
        wrong = other | (set(widget.keys) & set(state) - set(taken))
        if light := wrong - HEAVY:
            widget.send_state(light)
        if heavy := wrong & HEAVY:
            self._owed |= heavy
            self._tell_heavy(widget)

    def _tell_heavy(self, widget: Widget) -> None:
        """At once, or together with what comes until then."""
        wait, loop = self._told + HEAVY_EVERY - time.monotonic(), _running_loop()
        if wait <= 0 or loop is None:
            self._pay(widget)
        elif not self._waiting:
            self._waiting = True
            loop.call_later(wait, self._pay, widget)

    def _pay(self, widget: Widget) -> None:
        owed, self._owed = self._owed, set()
        self._told, self._waiting = time.monotonic(), False
        widget.send_state(owed)


class Guarded(Widget):  # type: ignore[misc]  # ipywidgets has no types
    """A widget of which a view may write what stands in `writable`; all else is the kernel's alone, and no copy is."""

    writable: ClassVar[Mapping[str, Reader]] = {}

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._guard = Guard(self.writable)
        super().__init__(*args, **traits)

    def _refuse_copy(self, _: Any = None) -> Any:
        raise TypeError(NO_COPY)

    __copy__ = __deepcopy__ = __reduce_ex__ = _refuse_copy

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take from the browser what it may write; it is told what holds of the rest."""
        taken = self._guard.judged(self, sync_data)
        try:
            super().set_state(taken)
        finally:
            self._guard.put_right(self, sync_data, taken)

    def _handle_msg(self, msg: Any) -> None:
        message = self._guard.message(msg)
        if message is not None:
            super()._handle_msg(message)


def _as_sent(data: dict[str, Any], buffers: Any = None) -> dict[str, Any]:
    return {"content": {"data": data}, "buffers": buffers if isinstance(buffers, list) else []}


def kind_of(value: object) -> str:
    """What a value is, in a few words whatever its size."""
    if value is None or isinstance(value, bool | float):
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number of many digits"
    return KINDS.get(type(value), type(value).__name__)


def _holds(widget: Widget, name: str, value: Any) -> bool:
    """Whether the kernel has this very value, told apart as JSON does: who observes it may have set another."""
    return json.dumps(getattr(widget, name)) == json.dumps(value)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
