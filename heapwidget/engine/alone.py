"""What the engine computes is its own: no mode, default or transform that its caller has on changes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode_stack, _pop_mode, _push_mode

from heapwidget.engine.capture.foreign_memory import Guard
from heapwidget.engine.interrupts import held


@contextmanager
def alone() -> Iterator[None]:
    """Set aside inference mode, default devices and other function modes, and recordings that go on around this.

    While it lasts, Ctrl-C waits but for where it is let through. As a decorator, too.
    """
    with held(), torch.inference_mode(False), torch._C.DisableTorchFunction():
        modes = list(_get_current_dispatch_mode_stack())
        # A net that is explained may explain another one itself: that is nothing that its inputs flow through.
        kept = [mode for mode in modes if not isinstance(mode, Guard)]
        _replace(modes, kept)
        try:
            yield
        finally:
            _replace(kept, modes)


def _replace(before: list[TorchDispatchMode], after: list[TorchDispatchMode]) -> None:
    if len(before) != len(after):
        for _ in before:
            _pop_mode()
        for mode in after:
            _push_mode(mode)
