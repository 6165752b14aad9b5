"""Comparing what an example prints with what a page shows."""

import re

import pytest

# A count is a number of the text; others may be rounded differently by another processor.
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def words(text: str) -> list[str]:
    """The text without its numbers and the width of its columns."""
    return NUMBER.sub("#", text).split()


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def assert_prints(printed: str, shown: str) -> None:
    """Another processor may round differently, and so pop a few nodes more or less."""
    assert words(printed) == words(shown), printed
    assert numbers(printed) == pytest.approx(numbers(shown), rel=0.02, abs=0.1), printed
