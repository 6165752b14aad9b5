"""What a viewer and its kernel say to one another about more pops.

From the browser: ``hello`` asks whether a walk can go on, and ``refine`` lets it, for so many ``pops``. From the
kernel: ``ready`` (whether nodes are ``pending`` in the heap, and what is to be ``said`` of the last attempt),
``impossible`` (and the ``reason``), and ``running`` (``done`` so many ``of`` the pops). The longer trace itself goes as
a trait.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heapwidget.viewer import HeapViewer

# Seconds between two words on progress.
TELL_EVERY = 0.2

INTERRUPTED = "It was interrupted; what was found is kept, and the next time goes on from there."


def answer(viewer: HeapViewer, message: Any) -> None:
    """Do what a message from the browser asks for, and tell it how that went."""
    match message:
        case {"type": "hello"}:
            viewer.send(_readiness(viewer))
        case {"type": "refine", "pops": pops}:
            _refine(viewer, pops)


def _readiness(viewer: HeapViewer, said: str = "") -> dict[str, Any]:
    relevance = viewer.explanation.relevance
    if relevance is None:
        reason = "There is no walk to go on with: a file or a copy of an explanation keeps the trace alone."
        return {"type": "impossible", "reason": reason}
    return {"type": "ready", "pending": relevance.walk.pending, "said": said}


def _refine(viewer: HeapViewer, pops: Any) -> None:
    said = ""
    try:
        viewer.refine(pops, progress=_teller(viewer, pops))
    except KeyboardInterrupt:
        said = INTERRUPTED
        raise
    except Exception as error:
        said = f"{error or type(error).__name__}".strip().splitlines()[0]
    finally:
        viewer.send(_readiness(viewer, said))


def _teller(viewer: HeapViewer, pops: Any) -> Callable[[int], None]:
    """Counts pops, and now and then tells the browser how many are done."""
    done, told = 0, time.monotonic()

    def tick(more: int) -> None:
        nonlocal done, told
        done += more
        if time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            viewer.send({"type": "running", "done": done, "of": pops})

    return tick
