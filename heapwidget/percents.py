"""Shares and bounds in words, as `core/words/format.ts` writes them: what is not all, or nothing, is never told so."""

from __future__ import annotations

import math
from collections.abc import Callable

MINUS = "−"
# Smaller shares are told as "less than", in percent.
LEAST = 0.1
# From so many percent on, an exponent says more than digits do.
HUGE = 1e6
# A share that is off by less is all: sums of floats are.
NOISE = 1e-6


def percent(share: float) -> str:
    """`79 %`, `3.5 %`, `<0.1 %`, `99.9 %`, `−12 %`."""
    return _written(share, lambda x: math.floor(x + 0.5), up=False)


def percent_bound(share: float) -> str:
    """An upper bound: rounded up, so that it stays one."""
    # Float noise must not make 22 of 21.
    return _written(share, lambda x: math.ceil(x * (1 - 1e-12)), up=True)


def percent_digits(share: float) -> str:
    """Three digits, wherever they stand, as single flows need: `0.00701 %`."""
    size = abs(share) * 100
    if 0 < size < 1e-4:
        return _signed(share, f"{_exponent(size, 2)} %")
    shown = float(f"{size:.3g}")
    return _signed(share, f"{_apart(shown, size, 0.1):.15g} %")


def fixed(share: float, digits: int) -> str:
    """With so many decimals, for columns of figures: `78.16%`, `<0.01%`, `99.99%`."""
    least = 10.0**-digits
    size = abs(share) * 100
    shown = round(size, digits)
    if size and not shown:
        return f"<{least:.{digits}f}%"
    return f"{'-' if share < 0 else ''}{_apart(shown, size, least):.{digits}f}%"


def _written(share: float, rounded: Callable[[float], int], *, up: bool) -> str:
    size = abs(share) * 100
    if not math.isfinite(size):
        return "NaN %" if math.isnan(size) else _signed(share, "∞ %")
    if 0 < size < LEAST:
        return "<0.1 %"
    if size >= HUGE:
        return _signed(share, f"{_exponent(size, 1, up=up)} %")
    scale = 10 if size < 9.95 or 99 <= size < 101 else 1
    shown = rounded(size * scale) / scale
    shown = shown if up else _apart(shown, size, 0.1)
    return _signed(share, f"{shown:,.0f} %" if shown == int(shown) else f"{shown:,.1f} %")


def _apart(shown: float, size: float, step: float) -> float:
    """What is not all, on the near side of all."""
    if shown != 100 or abs(size - 100) <= 100 * NOISE:
        return shown
    return 100 - step if size < 100 else 100 + step


def _exponent(size: float, digits: int, *, up: bool = False) -> str:
    text = f"{size:.{digits}e}"
    mantissa, power = text.split("e")
    if up and float(text) < size:
        # It was rounded down, so half a step more is rounded up.
        mantissa, power = f"{size + 0.5 * 10.0 ** (int(power) - digits):.{digits}e}".split("e")
    return f"{mantissa}e{int(power)}".replace("-", MINUS)


def _signed(share: float, text: str) -> str:
    return MINUS + text if share < 0 else text
