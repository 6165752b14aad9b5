"""What options must be: each refusal is one sentence that says what was wrong and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from heapwidget.errors import brief


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={brief(value)} is not one of {', '.join(map(repr, choices))}")


def check_number(name: str, value: Any) -> None:
    """A plain number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {brief(value)}")
