"""Ctrl-C between two steps, never in the middle of one.

Python may raise KeyboardInterrupt between any two instructions: also between the change of a setting and the `try` that
would put it back. So an interrupt waits while something is `held`, but for what runs inside of `let_through`: there it
takes effect at once. Only the main thread gets interrupts.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Keeper:
    """The handler of SIGINT while something is held, before it the one that was there."""

    def __init__(self, before: Callable[[int, FrameType | None], Any]) -> None:
        self._before = before
        self.waiting = False
        self.open = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        if not self.open:
            self.waiting = True
            return
        # The first one closes the gate: a second one waits while the first unwinds.
        self.open = False
        self._before(number, frame)
        self.open = True

    def deliver(self) -> None:
        """Let the interrupt that waits take effect."""
        if self.waiting:
            self.waiting = False
            self._before(signal.SIGINT, None)


def keeper_here() -> Keeper | None:
    """Who keeps interrupts now."""
    if threading.current_thread() is not threading.main_thread():
        return None
    keeper = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    return keeper if isinstance(keeper, Keeper) else None


@contextmanager
def held() -> Iterator[None]:
    """Let interrupts wait until the end; as a decorator, too."""
    keeper = keeper_here()
    if keeper is not None:
        before, keeper.open = keeper.open, False
        try:
            yield
        finally:
            keeper.open = before
            if before:
                keeper.deliver()
        return
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    keeper = Keeper(handler)
    signal.signal(signal.SIGINT, keeper.handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        keeper.deliver()


@contextmanager
def let_through() -> Iterator[None]:
    """Let interrupts take effect at once."""
    keeper = keeper_here()
    if keeper is None:
        yield
        return
    keeper.deliver()
    before, keeper.open = keeper.open, True
    try:
        yield
    finally:
        keeper.open = before


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Let interrupts wait, and tell whether there was one, which is done with it: for loops that stop by themselves."""
    with held():
        keeper = keeper_here()
        try:
            yield lambda: keeper is not None and keeper.waiting
        finally:
            if keeper is not None:
                keeper.waiting = False
