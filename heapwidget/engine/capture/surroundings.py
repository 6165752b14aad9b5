"""What a net's forward may change around it, put back after a run: random states and PyTorch's switches.

These are the process's own, so one run at a time: whoever runs a net here waits for the others. What the net's code
does to Python's own objects, such as a list that it keeps activations in, is its user's and stays.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

# Re-entrant, for a net's forward may explain another net.
ONE_AT_A_TIME = threading.RLock()

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

    def restore(self) -> None:
        """Go back to these states; what did not change is left alone, for other threads may be drawing."""
        if random.getstate() != self._python:
            random.setstate(self._python)
        now: Any = np.random.get_state()  # noqa: NPY002
        if not all(np.array_equal(a, b) for a, b in zip(now, self._numpy, strict=True)):
            np.random.set_state(self._numpy)  # noqa: NPY002
        if not torch.equal(torch.get_rng_state(), self._torch):
            torch.set_rng_state(self._torch)
        if self._cuda is not None:
            torch.cuda.set_rng_state_all(self._cuda)


@contextmanager
def put_back() -> Iterator[RandomStates]:
    """Put back what a run changes of the process; gives the random states at the beginning."""
    with ONE_AT_A_TIME:
        switches = [(get(), get, set_) for get, set_ in _SWITCHES]
        states = RandomStates()
        try:
            yield states
        finally:
            states.restore()
            for value, get, set_ in switches:
                if get() != value:
                    set_(value)
