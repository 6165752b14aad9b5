"""The errors that name what cannot be taken, how they tell a value, and the checks that all options share."""

from collections.abc import Sequence
from numbers import Real
from typing import Any


class UnsupportedOpError(TypeError):
    """The net holds an op, or is of a kind, that cannot be explained; the message names it."""


class NetError(Exception):
    """What the net itself raised while it ran, as the cause: to be told apart from what we raise about its result."""


class TraceFormatError(ValueError):
    """A trace file is damaged, cut short, or no trace at all; the message names the column."""


def brief(value: Any) -> str:
    """A value in one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:59] + "…"


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={brief(value)} is not one of {', '.join(map(repr, choices))}")


def check_number(name: str, value: Any) -> None:
    """A plain number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {brief(value)}")
