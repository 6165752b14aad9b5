"""Bookmarks: moments of a walk with a label each, as the viewer's trait holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

import numpy as np


class Bookmark(TypedDict):
    """A marked moment: rows of the trace done by then, and what to call it."""

    step: int
    label: str


def read_bookmarks(value: object, n_steps: int) -> list[Bookmark]:
    """Bookmarks in order, one a step; of several at a step, the last stays.

    Parameters
    ----------
    value
        A mapping from steps to labels, or a list of ``{"step": 12, "label": "the stroke"}``, of pairs ``(12, "the
        stroke")`` or of bare steps.
    n_steps
        The last step there is.

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If a step is out of range.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(
            'bookmarks must be a list of {"step": 12, "label": "..."} or a mapping from steps to labels, '
            f"not {value!r}"
        )
    entries = value.items() if isinstance(value, Mapping) else value
    found = [_read_entry(entry) for entry in entries]
    for bookmark in found:
        if not 0 <= bookmark["step"] <= n_steps:
            raise ValueError(f"bookmark at step {bookmark['step']} is out of range: the steps are 0 to {n_steps}")
    by_step = {bookmark["step"]: bookmark for bookmark in found}
    return [by_step[step] for step in sorted(by_step)]


def _read_entry(entry: Any) -> Bookmark:
    if isinstance(entry, Mapping) and "step" in entry and set(entry) <= {"step", "label"}:
        step, label = entry["step"], entry.get("label", "")
    elif isinstance(entry, tuple | list) and len(entry) == 2:
        step, label = entry
    else:
        step, label = entry, ""
    if not isinstance(step, int | np.integer) or isinstance(step, bool):
        raise TypeError(f'a bookmark is {{"step": 12, "label": "..."}}, a pair of both or a step, not {entry!r}')
    if not isinstance(label, str):
        raise TypeError(f"the label of the bookmark at step {step} must be a string, not {label!r}")
    if any("\ud800" <= letter <= "\udfff" for letter in label):
        raise ValueError(f"the label of the bookmark at step {step} holds half a letter: {label!a}; leave that out")
    return {"step": int(step), "label": label}
