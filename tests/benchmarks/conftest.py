"""One thread for what is compared, and the table of figures, printed at the end."""

from collections.abc import Iterator

import pytest
import torch
from helpers.benchmarks.figures import Figures
from helpers.browser.fixtures import browser, page, server, watch  # noqa: F401 - fixtures

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
