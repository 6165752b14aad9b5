"""Ctrl-C at any moment: it takes effect, or the call is done; net, process and a later call are as ever."""

from __future__ import annotations

import contextlib
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.busy import Busy, X
from helpers.snapshots import frozen, snapshot, switches

import heapwidget as hw
from heapwidget.engine.interrupts import held, let_through, noted

# So often each call is interrupted.
TIMES = 125


def interrupted(call: Callable[[], object], after: float) -> bool:
    """Whether a real SIGINT, after so many seconds, ended a call."""
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        signal.setitimer(signal.ITIMER_REAL, after)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
        # A signal that came last is seen here at the latest.
        for _ in range(10):
            switches()
    except KeyboardInterrupt:
        return True
    return False


def refused(net: torch.nn.Module) -> None:
    with contextlib.suppress(ValueError):
        hw.attribute(net, torch.ones(1, 5, 6, 6), progress=False)


# Each call, and the seconds after which it is interrupted at the latest.
CALLS: dict[str, tuple[Callable[[torch.nn.Module], Any], float]] = {
    "relevance": (lambda net: hw.attribute(net, X, progress=False), 0.03),
    "gradient": (lambda net: hw.attribute(net, X, method="gradient", progress=False), 0.005),
    "article": (lambda net: hw.attribute(net, X, method="article", progress=False), 0.03),
    "refused": (refused, 0.01),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_interrupt_at_any_moment_leaves_nothing_behind(name: str) -> None:
    (call, latest), net = CALLS[name], Busy()
    want = hw.attribute(net, X, progress=False).attribution
    before, around = snapshot(net), switches()
    rng, taken = random.Random(0), 0
    for _ in range(TIMES):
        taken += interrupted(lambda: call(net), rng.uniform(1e-5, latest))
        assert same(net, before, around)
    assert taken > TIMES / 10
    assert torch.equal(hw.attribute(net, X, progress=False).attribution, want)


def same(net: torch.nn.Module, before: dict[str, Any], around: dict[str, Any]) -> bool:
    """Net and process are as they were."""
    assert switches() == around
    assert frozen(snapshot(net)) == frozen(before)
    return True


def steps(done: list[str]) -> None:
    """Held, with an interrupt; let through, with an interrupt."""
    with held():
        with contextlib.suppress(KeyboardInterrupt), let_through():
            signal.raise_signal(signal.SIGINT)
            done.append("let through")
        signal.raise_signal(signal.SIGINT)
        done.append("held")
        with let_through():
            done.append("too late")


def test_what_is_held_waits_and_what_is_let_through_does_not() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        steps(done)
    assert done == ["held"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_noted_is_done_with() -> None:
    with noted() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
    with held(), noted() as interrupted:
        assert not interrupted()


def test_a_handler_of_the_users_own_is_asked() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: seen.append(number))
    try:
        with held():
            signal.raise_signal(signal.SIGINT)
            assert not seen
            with let_through():
                assert len(seen) == 1
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
                assert len(seen) == 3
    finally:
        signal.signal(signal.SIGINT, before)
