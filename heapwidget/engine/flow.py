"""What one layer does with relevance: pass it to the operands of its op, whole or from one box.

A flow works on *unbatched* tensors (`boxes.unbatched`). Whole-layer passes are torch on the net's device; passes
from one box are NumPy on the host, where the calls on small windows cost less.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import EllipsisType
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.boxes import Shape, Window, everything

Array = NDArray[Any]

# A map of no more units is kept in row-major order.
SMALL_MAP = 4096

BIAS, STABILISER, DEAD_END, PADDING, CONSTANT = "bias", "stabiliser", "dead end", "padding", "constant"
# What gradient x input of an op does not explain: its curvature, or constants in it.
REMAINDER = "remainder"
# What a rule of the user's own gives to none.
RULE = "rule"


# A unit whose change is this much smaller than the largest of its layer does not change.
NO_CHANGE = 1e-6


class Message(NamedTuple):
    """Relevance on its way to a window of one operand."""

    operand: int
    window: Window
    values: Array


class Read(NamedTuple):
    """Entries of one operand: those of a window, or those where the window's mask is true."""

    operand: int
    window: Window
    mask: NDArray[np.bool_] | EllipsisType = ...


class Table(NamedTuple):
    """All messages of a layer, unit by unit: what unit j passes on to which entries of each operand.

    `entries` and `shares` hold an array (n_units, fan-in) for each operand, flat indices (below zero: nothing
    there) and shares; `absorbed` holds the share that each cause takes of each unit.
    """

    entries: list[NDArray[np.int64]]
    shares: list[Array]
    absorbed: dict[str, Array]


class Reach(NamedTuple):
    """How one axis of a layer sees an axis of an operand: index i sees [start + step*i, start + step*i + size)."""

    start: int
    step: int
    size: int
    axis: int


class Flow(ABC):
    """The messages of one layer.

    Attributes
    ----------
    family
        What layers of this kind are called, in their labels and in patterns; empty where their op gives the name.
    ruled
        Whether the rule that a user asks for decides how a layer of this kind shares.
    mixes
        The axis of an operand whose units are mixed, which counts its channels and those of the result, unless they
        are known to lie elsewhere; `None` where positions are mixed, or nothing, and channels stay apart.
    shape
        The layer's unbatched shape.
    signed
        Whether a share can be negative.
    device
        Where whole passes run.
    change
        Of a layer that holds multipliers, by how much each unit changes: relevance is multiplier times change.
    multiplies
        Whether layers of this kind can pass multipliers on.
    """

    family: ClassVar[str] = ""
    ruled: ClassVar[bool] = False
    mixes: ClassVar[int | None] = 0
    multiplies: ClassVar[bool] = True
    change: Tensor | None = None
    shape: Shape
    signed: bool
    device: torch.device

    @abstractmethod
    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        """Pass on all of `r` (the layer's shape): a message for each operand, and what was absorbed by which cause.

        The messages are the caller's to keep.
        """

    @abstractmethod
    def amplification(self, k: list[Tensor]) -> Tensor:
        """k_j = sum_i abs(M(i<-j)) k_i from the operands' `k`; an upper bound will do, `inf` where there is none."""

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        """Pass on `m` from the box at `window`, like `whole`; the slow way here, by a whole pass of an empty layer."""
        r = torch.zeros(self.shape, dtype=torch.from_numpy(m[:0]).dtype)
        r[window] = torch.from_numpy(np.ascontiguousarray(m))
        messages, absorbed = self.whole(r.to(self.device))
        return [Message(i, everything(m.shape), m.cpu().numpy()) for i, m in enumerate(messages)], absorbed

    def table(self) -> Table | None:
        """The messages of all units at once; `None` where they are too many, or have no such form."""
        return None

    def reads(self, window: Window, dtype: np.dtype[Any]) -> list[Read]:
        """The entries that the box at `window` looks at: all of the windows that its messages go to."""
        messages, _ = self.local(window, np.ones([s.stop - s.start for s in window], dtype))
        return [Read(message.operand, message.window) for message in messages]

    def reach(self, operand: int) -> dict[int, Reach]:
        """For each axis of the operand that is seen in part only, by which axis of the layer and how much of it."""
        return {}


def host(t: Tensor) -> Array:
    """A tensor as a NumPy array on the host, a large map with the channels of a position side by side."""
    t = t.detach().cpu()
    if t.ndim < 3 or t.numel() <= SMALL_MAP:
        return packed(t)
    array: Array = t.movedim(0, -1).contiguous().movedim(-1, 0).numpy()
    return array


def packed(t: Tensor) -> Array:
    """A tensor as a NumPy array on the host, in row-major order."""
    array: Array = t.detach().cpu().contiguous().numpy()
    return array


def inverse(d: Tensor) -> Tensor:
    """1/d, and 0 where d is too small to divide by: such a unit is a dead end."""
    # Masks would take PyTorch many times longer than numbers do.
    return F.hardshrink(d, 1e-30).reciprocal_().nan_to_num_(0, 0, 0)


def is_zero(t: Tensor) -> bool:
    """Whether a tensor is zero throughout; its extremes are found many times faster than `any` looks at numbers."""
    low, high = _extremes(t)
    return low == high == 0


def may_hold_zero(t: Tensor) -> bool:
    """Whether a tensor has entries of zero, or of both signs."""
    low, high = _extremes(t)
    return low <= 0 <= high


def _extremes(t: Tensor) -> tuple[float, float]:
    if not t.numel():
        return 0.0, 0.0
    low, high = t.aminmax()
    return float(low), float(high)


def total(t: Tensor) -> float:
    """The sum of a tensor in double precision, on the host where its device has none."""
    return float((t.cpu() if t.device.type == "mps" else t).sum(dtype=torch.float64))


def add_up(absorbed: dict[str, float], cause: str, value: float) -> None:
    """Add to one cause, leaving causes that never took anything out of the ledger."""
    if value != 0.0:
        absorbed[cause] = absorbed.get(cause, 0.0) + value
