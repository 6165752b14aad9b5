"""Progress bars: after a second of work, never before, and gone afterwards, whatever becomes of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import torch
import tqdm
import tqdm.notebook
from helpers.nets import DIGIT, mlp
from ipywidgets.widgets import widget
from torch import nn

import heapwidget as hw
from heapwidget import progress
from heapwidget.progress import progress_bar
from heapwidget.samples import lenet

BARS = {"notebook": tqdm.notebook.tqdm, "terminal": tqdm.tqdm}


@pytest.fixture(params=BARS)
def bars(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bars that are made, of the notebook's kind and of the terminal's."""
    made = []

    class Watched(BARS[request.param]):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(progress, "tqdm", Watched)
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time that passes from one look at the clock to the next."""
    pace = [0.0]
    now = count()

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return next(now) * pace[0]

    monkeypatch.setattr(progress, "time", Clock)
    return lambda seconds: pace.__setitem__(0, seconds)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = set(widget._instances)
    yield
    assert set(widget._instances) == before


def faithful(e: hw.Explanation, shown: bool) -> object:
    return e.faithfulness(progress=shown, steps=4, random_orders=1, batch_size=2)


E = hw.attribute(lenet(), DIGIT, max_pops=600, progress=False)
WORK: dict[str, Callable[[bool], object]] = {
    "attribute": lambda shown: hw.attribute(lenet(), DIGIT, max_pops=600, progress=shown),
    "article": lambda shown: hw.attribute(mlp(6, 4, 3), torch.ones(1, 6), method="article", progress=shown),
    "refine": lambda shown: hw.attribute(lenet(), DIGIT, max_pops=20, progress=False).refine(600, progress=shown),
    "paths": lambda shown: E.paths(2, progress=shown),
    "faithfulness": lambda shown: faithful(E, shown),
}


@pytest.mark.parametrize("work", WORK)
def test_short_work_makes_no_bar(work: str, bars: list[Any], clock: Callable[[float], None]) -> None:
    clock(0.0)
    WORK[work](True)
    assert bars == []


@pytest.mark.parametrize("work", WORK)
def test_long_work_shows_one_bar_that_goes_with_it(work: str, bars: list[Any], clock: Callable[[float], None]) -> None:
    clock(progress.DELAY)
    WORK[work](True)
    (bar,) = bars
    assert 0 < bar.n <= bar.total


@pytest.mark.parametrize("work", WORK)
def test_no_bar_where_none_is_wanted(work: str, bars: list[Any], clock: Callable[[float], None]) -> None:
    clock(progress.DELAY)
    WORK[work](False)
    assert bars == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_bar_goes_when_the_work_breaks_off(
    error: type[BaseException], bars: list[Any], clock: Callable[[float], None]
) -> None:
    """The traceback is kept, as IPython keeps it."""
    clock(progress.DELAY)
    while_shown = []

    def work() -> None:
        with progress_bar(10, "work") as tick:
            tick(3)
            while_shown.append(len(widget._instances))
            tick(2)
            raise error

    with pytest.raises(error) as kept:
        work()
    assert kept.tb is not None
    (bar,) = bars
    assert (bar.n, bar.total) == (5, 10)
    if isinstance(bar, tqdm.notebook.tqdm):
        assert while_shown[0] > len(widget._instances)


def test_bar_goes_when_a_walk_is_interrupted(bars: list[Any], clock: Callable[[float], None]) -> None:
    """By an interrupt in the net's own code while faithfulness runs it."""

    class Stopped(nn.Module):
        runs = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.runs += 1
            if self.runs > limit:
                raise KeyboardInterrupt
            return x @ torch.ones(6, 2)

    limit = 1000
    net = Stopped()
    e = hw.attribute(net, torch.ones(1, 6), progress=False)
    limit = net.runs + 4
    clock(progress.DELAY)
    with pytest.raises(KeyboardInterrupt):
        e.faithfulness(steps=6, batch_size=1, score="logit")
    assert len(bars) == 1
