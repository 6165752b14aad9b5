"""What a viewer and its kernel say to one another about more pops.

From the browser: ``hello`` asks whether a walk can go on, and ``refine`` lets it, for so many ``pops``. From the
kernel: ``ready`` (whether nodes are ``pending`` in the heap, and what is to be ``said`` of the last attempt),
``impossible`` (and the ``reason``), and ``running`` (``done`` so many ``of`` the pops). The longer trace itself goes as
a trait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from heapwidget.display.guard import Guarded, is_whole, kind_of

# Seconds between two words on progress.
TELL_EVERY = 0.2

# More than the viewer offers, and done within minutes.
MOST_POPS = 1_000_000

# Messages that waited while the kernel was at work are read one right after another; a hand takes longer, in seconds.
AT_ONCE = 0.1

IN_TURN = "Asked again while it was at work, which counts once; ask anew for more."
INTERRUPTED = "It was interrupted; what was found is kept, and the next time goes on from there."


class _Turns:
    """Lets each viewer refine once in a run of work without a break, however many messages have waited meanwhile."""

    def __init__(self) -> None:
        self._served: WeakSet[Guarded] = WeakSet()
        self._worked = -AT_ONCE

    def take(self, viewer: Guarded) -> bool:
        """Whether it is this viewer's turn; what is turned away was read just now, too."""
        if time.monotonic() - self._worked > AT_ONCE:
            self._served = WeakSet()
        free = viewer not in self._served
        self._served.add(viewer)
        self.done()
        return free

    def done(self) -> None:
        self._worked = time.monotonic()


_turns = _Turns()


def answer(viewer: Guarded, message: Any) -> None:
    """Do what a message from the browser asks for, and tell it how that went."""
    match message:
        case {"type": "hello"}:
            viewer.send(_readiness(viewer))
        case {"type": "refine", "pops": pops}:
            _refine(viewer, pops)
        case _:
            viewer._guard.complain("custom message", "sent a message that means nothing here, which was left alone")


def _readiness(viewer: Guarded, said: str = "") -> dict[str, Any]:
    relevance = viewer.explanation.relevance
    if relevance is None:
        reason = "There is no walk to go on with: a file or a copy of an explanation keeps the trace alone."
        return {"type": "impossible", "reason": reason}
    return {"type": "ready", "pending": relevance.walk.pending, "said": said}


def _refine(viewer: Guarded, pops: Any) -> None:
    if refusal := _refusal(pops):
        viewer._guard.complain("refine", f"asked for pops that cannot be: {refusal}")
        viewer.send(_readiness(viewer, refusal))
    elif not _turns.take(viewer):
        viewer._guard.complain("turn", "asked for more pops while there were some on the way, which counts once")
        viewer.send(_readiness(viewer, IN_TURN))
    else:
        _go_on(viewer, pops)


def _refusal(pops: Any) -> str:
    """Why nobody can mean so many pops; empty where one can."""
    if (is_whole(pops) or isinstance(pops, float)) and pops > MOST_POPS:
        return f"max_pops must be at most {MOST_POPS:,} at a time, not {kind_of(pops)}"
    if not is_whole(pops):
        return f"max_pops must be a number, a whole one, not {kind_of(pops)}"
    return "" if pops >= 1 else f"max_pops must be at least 1, not {kind_of(pops)}"


def _go_on(viewer: Guarded, pops: int) -> None:
    said = ""
    try:
        viewer.refine(pops, progress=_teller(viewer, pops))
    except KeyboardInterrupt:
        said = INTERRUPTED
        raise
    except Exception as error:
        said = f"{error or type(error).__name__}".strip().splitlines()[0]
    finally:
        _turns.done()
        viewer.send(_readiness(viewer, said))


def _teller(viewer: Guarded, pops: int) -> Callable[[int], None]:
    """Counts pops, and now and then tells the browser how many are done."""
    done, told = 0, time.monotonic()

    def tick(more: int) -> None:
        nonlocal done, told
        done += more
        if time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            viewer.send({"type": "running", "done": done, "of": pops})

    return tick
