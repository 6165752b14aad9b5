"""The errors that name what the engine cannot take, and how they tell a value."""

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
