"""Two runs of one net, on x and on a baseline: which tensor of the one stands where which tensor of the other does."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from heapwidget.engine.capture.calls import Call, Recording, in_module
from heapwidget.errors import UnsupportedOpError

# The tensors of a run on a baseline, by the ids of those that stand in their places in the run on x.
Base = Mapping[int, Tensor]


def paired(recording: Recording, other: Recording) -> Base:
    """The tensors of another run by the ids of those of this one.

    Raises
    ------
    UnsupportedOpError
        If the net did other things there; the message names the first module where it did.
    """
    found = {id(x): b for x, b in zip(recording.inputs, other.inputs, strict=True)}
    for here, there in zip_longest(recording.calls, other.calls):
        if here is None or there is None or not _alike(here, there):
            raise _parted(here, there)
        for a, b in zip(_tensors((here.args, here.kwargs)), _tensors((there.args, there.kwargs)), strict=True):
            # What does not come from x may be made anew in each run.
            found.setdefault(id(a), b)
        for a, b in zip(_tensors(here.out), _tensors(there.out), strict=True):
            found[id(a)] = b
    found[id(recording.output)] = other.output
    return found


def _alike(here: Call, there: Call) -> bool:
    """Whether two calls are of one op, in one place, on tensors of the same shapes."""
    if here.op is not there.op or here.module != there.module:
        return False
    shapes, others = ([t.shape for t in _tensors((c.args, c.kwargs, c.out))] for c in (here, there))
    return shapes == others


def _tensors(nest: Any) -> list[Tensor]:
    return [t for t in tree_leaves(nest) if isinstance(t, torch.Tensor)]


def _parted(here: Call | None, there: Call | None) -> UnsupportedOpError:
    first = here or there
    assert first is not None
    where = in_module(first.module) or " at the top"
    return UnsupportedOpError(
        f"the net takes another way on the baseline than on x: they part{where}, at {first.name}; take a baseline that "
        "goes the way of x, such as baseline='blur', or baseline=None, which needs none"
    )
