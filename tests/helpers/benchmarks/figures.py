"""The benchmark's table: what was measured, and what it has to reach; and how times are taken."""

import time
from collections.abc import Callable


def best(run: Callable[[], object], repeats: int = 7) -> float:
    """Seconds of the quickest of some runs, after one to warm up: other programs only ever add time.

    Of the processor's time: on one thread it is what the clock shows where nothing else runs.
    """
    return best_of_both(run, lambda: None, repeats)[0]


def best_of_both(run: Callable[[], object], peer: Callable[[], object], repeats: int = 7) -> tuple[float, float]:
    """Seconds of the quickest runs of two, taken in turn, so that a busy machine is busy for both."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for side, one in enumerate((run, peer)):
            start = time.process_time()
            one()
            if turn:
                times[side].append(time.process_time() - start)
    return min(times[0]), min(times[1])


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


class Figures:
    """Rows of the table."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def at_most(self, what: str, value: float, limit: float, unit: str) -> None:
        """Note a figure that must not be larger than its limit."""
        self.rows.append((what, f"{_shown(value)} {unit}", f"at most {limit:g} {unit}"))
        assert value <= limit, f"{what}: {_shown(value)} {unit} is more than {limit:g}"

    def at_least(self, what: str, value: float, limit: float, unit: str) -> None:
        """Note a figure that must not be smaller than its limit."""
        self.rows.append((what, f"{_shown(value)} {unit}", f"at least {limit:,g} {unit}"))
        assert value >= limit, f"{what}: {_shown(value)} {unit} is less than {limit:g}"

    def against(self, what: str, seconds: float, yardstick: float, most: float, shown: str) -> None:
        """Note a time as a multiple of the same run's yardstick, which it must not exceed; `shown`: in plain units."""
        ratio = seconds / yardstick
        self.rows.append((what, f"{_shown(ratio)} yardsticks ({shown})", f"at most {most:g}"))
        assert ratio <= most, f"{what}: {_shown(ratio)} yardsticks ({shown}) is more than {most:g}"

    def note(self, what: str, text: str) -> None:
        """Note a figure without a limit."""
        self.rows.append((what, text, ""))
