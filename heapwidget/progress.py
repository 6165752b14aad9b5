"""How far long work has come: a bar once it has lasted a second, and nothing left of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm

# Seconds of work before there is a bar; what is done sooner makes none, also none that is hidden.
DELAY = 1.0


@contextmanager
def progress_bar(total: int, what: str, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Gives a function that counts what is done; whoever calls it may see a bar, which goes with the work.

    A context rather than a loop over items: what is raised within would leave a suspended loop, and its bar, in the
    traceback.
    """
    bar = _Bar(total, what)
    try:
        yield bar.count if shown else _ignored
    finally:
        bar.close()


def _ignored(more: int) -> None:
    """Counts nothing."""


class _Bar:
    """Counts, and shows that from the first count after a second on."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what, self._done = total, what, 0
        self._shown: tqdm[Any] | None = None
        self._due = time.monotonic() + DELAY

    def count(self, more: int) -> None:
        self._done += more
        if self._shown is not None:
            self._shown.update(more)
        elif time.monotonic() >= self._due:
            self._shown = tqdm(total=self._total, desc=self._what, initial=self._done, leave=False)

    def close(self) -> None:
        if self._shown is None:
            return
        self._shown.close()
        # In a notebook it is made of widgets, and tqdm closes the outer one at most.
        _close_all(getattr(self._shown, "container", None))


def _close_all(widget: Any) -> None:
    """Close a widget with all that it is made of."""
    if widget is None:
        return
    for child in getattr(widget, "children", ()):
        _close_all(child)
    for part in (getattr(widget, "style", None), getattr(widget, "layout", None), widget):
        if part is not None:
            part.close()
