"""The benchmark's table: what was measured, what it has to reach, printed at the end."""

import time
from collections.abc import Callable, Iterator

import pytest
import torch
from e2e.conftest import browser, page, server, watch  # noqa: F401 - fixtures


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


TABLE = pytest.StashKey[Figures]()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Both sides of a ratio on one core, so that another program on the other does not decide it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    return request.config.stash.setdefault(TABLE, Figures())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[TABLE].rows if TABLE in config.stash else []
    widths = [max(len(row[c]) for row in rows) for c in range(3)] if rows else []
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())
