"""What a net's forward may change around it, put back after a run: random states and PyTorch's switches.

These are the process's own, so one run at a time: whoever runs a net here waits for the others. What the net's code
does to Python's own objects, such as a list that it keeps activations in, is its user's and stays.
"""

from __future__ import annotations

import random
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

# Re-entrant, for a net's forward may explain another net.
ONE_AT_A_TIME = threading.RLock()

# Whose code only waits, in a kernel and here; Python's own does, too.
_WAITING = frozenset(("zmq", "tornado", "ipykernel", "heapwidget"))
_INSTALLED = frozenset(("site-packages", "dist-packages"))
_PYTHON = sysconfig.get_path("stdlib")

_SWITCHES: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.get_num_threads, torch.set_num_threads),
]


class RandomStates:
    """The states of all random numbers that a net may draw."""

    def __init__(self) -> None:
        self._python, self._numpy, self._torch = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
        self._others = _others()

    def restore(self, drew: bool) -> None:
        """Go back to these states, where they were left; `drew` says whether a run is known to have drawn.

        While another thread is at work, a change that is not known to be the run's own may be that thread's, and stays.
        """
        if not drew and self._others_at_work():
            return
        if random.getstate() != self._python:
            random.setstate(self._python)
        now: Any = np.random.get_state()  # noqa: NPY002
        if not all(np.array_equal(a, b) for a, b in zip(now, self._numpy, strict=True)):
            np.random.set_state(self._numpy)  # noqa: NPY002
        if not torch.equal(torch.get_rng_state(), self._torch):
            torch.set_rng_state(self._torch)
        if self._cuda is not None:
            torch.cuda.set_rng_state_all(self._cuda)

    def _others_at_work(self) -> bool:
        """Whether a thread does more than stand still, wait as those of a notebook's kernel do, or run a net here."""
        moved = [frame for n, (frame, at) in _others().items() if self._others.get(n) != (frame, at)]
        return not all(_waits(frame.f_code.co_filename) for frame in moved)


def _others() -> dict[int, tuple[FrameType, int]]:
    """Where each other thread is."""
    own = threading.get_ident()
    return {n: (frame, frame.f_lasti) for n, frame in sys._current_frames().items() if n != own}


def _waits(file: str) -> bool:
    """Whether a thread that is in a file's code has nothing to do."""
    folders = set(Path(file).parts)
    return bool(folders & _WAITING) or (file.startswith((_PYTHON, "<frozen")) and not folders & _INSTALLED)


@contextmanager
def put_back() -> Iterator[RandomStates]:
    """Put back what a run changes of the process; gives the random states at the beginning."""
    with ONE_AT_A_TIME:
        switches = [(get(), get, set_) for get, set_ in _SWITCHES]
        states = RandomStates()
        try:
            yield states
        finally:
            for value, get, set_ in switches:
                if get() != value:
                    set_(value)
