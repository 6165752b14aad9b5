"""What goes along when an explanation is copied or sent: columns and inputs as plain arrays, not the walk, nor the net.

Tensors of a worker process would be shared memory that is gone with it, and those of a GPU need one where they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from heapwidget.trace.trace import Trace

if TYPE_CHECKING:
    from typing_extensions import Self

NO_NET = "a file or a copy (deepcopy, pickle) keeps the trace, not the net; explain again with attribute(net, x)"


class Sendable:
    """What `copy` and `pickle` do with findings, which are their attributes."""

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        here = self.__dict__
        trace: Trace = here["trace"]
        # Contributions that are the trace's own go with it.
        known = all(
            c.dtype == np.float32 and np.array_equal(c.reshape(-1), own.reshape(-1))
            for c, own in zip(here["contributions"], trace.contributions, strict=True)
        )
        return here | {
            "relevance": None,
            "probe": None,
            "inputs": [_packed(x) for x in here["inputs"]],
            "contributions": None if known else here["contributions"],
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        found = state["contributions"]
        inputs = tuple(_unpacked(*parts) for parts in state["inputs"])
        contributions = state["trace"].contributions if found is None else found
        self.__dict__.update(state, inputs=inputs, contributions=contributions)


def _packed(x: Tensor) -> tuple[bytes, torch.dtype, tuple[int, ...], str]:
    """A tensor as bytes, with its type, its shape and where it was: NumPy does not know all types."""
    flat = x.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes(), x.dtype, tuple(x.shape), str(x.device)


def _unpacked(data: bytes, dtype: torch.dtype, shape: tuple[int, ...], device: str) -> Tensor:
    """The tensor again, where it was if there is such a place here."""
    x = torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
    try:
        return x.to(device)
    except (RuntimeError, AssertionError):
        return x
