"""Refining from the viewer: what the kernel does when the browser asks, and what it says."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.nets import DIGIT

import heapwidget as hw
from heapwidget.display import refining
from heapwidget.display.viewer import HeapViewer
from heapwidget.engine.walk.search import Walk
from heapwidget.samples import lenet


def short(max_pops: int = 100) -> hw.Explanation:
    return hw.attribute(lenet(), DIGIT, max_pops=max_pops, floor=1e-5)


@pytest.fixture
def viewer() -> HeapViewer:
    return short().view()


@pytest.fixture
def heard(viewer: HeapViewer, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the viewer sends to the browser in messages of its own."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(viewer, "send", messages.append)
    return messages


def ask(viewer: HeapViewer, message: object) -> None:
    """As a message from the browser arrives."""
    viewer._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})


def test_kernel_says_that_it_is_there(viewer: HeapViewer, heard: list[dict[str, Any]]) -> None:
    ask(viewer, {"type": "hello"})
    assert heard == [{"type": "ready", "pending": True, "said": ""}]


def test_nothing_is_refined_that_was_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short().save(tmp_path / "short.npz")
    viewer = hw.load(tmp_path / "short.npz").view()
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(viewer, "send", messages.append)
    for message in ({"type": "hello"}, {"type": "refine", "pops": 10}):
        ask(viewer, message)
    assert [m["type"] for m in messages] == ["impossible"] * 2
    assert "a file or a copy" in messages[0]["reason"]


def test_longer_trace_goes_out_in_one_message(viewer: HeapViewer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[set[str]] = []
    monkeypatch.setattr(HeapViewer, "send_state", lambda self, key=None: sent.append(set(key)))
    viewer.step, viewer.bookmarks = 100, {100: "here"}
    sent.clear()
    viewer.refine(200)
    assert {"_trace", "n_steps"} <= sent[0]
    assert len(sent) == 1
    assert viewer.n_steps == viewer.explanation.trace.n_steps
    assert viewer.explanation.trace.header["phases"]["walk"] == 300


def test_refined_in_parts_is_refined_at_once() -> None:
    parts, whole = short().view(), short(max_pops=400)
    for pops in (50, 150, 100):
        parts.refine(pops)
    for name, column in whole.trace.columns.items():
        assert np.array_equal(parts.explanation.trace.columns[name], column), name


@pytest.mark.parametrize("phase", ["walk", "finish", "collect"])
def test_step_and_bookmarks_stay_where_they_mean_the_same(viewer: HeapViewer, phase: str) -> None:
    before = viewer.explanation.trace
    start = before.phase_start(phase)
    viewer.step = start + 3
    viewer.bookmarks = {start + 3: "here", 0: "start"}
    popped = viewer.selected
    viewer.refine(300)
    now = viewer.explanation.trace
    expected = {"walk": 3, "finish": 100, "collect": now.phase_start("collect") + 3}[phase]
    assert viewer.step == expected
    assert viewer.bookmarks == [{"step": 0, "label": "start"}, {"step": expected, "label": "here"}]
    assert viewer.selected.sum() == popped.sum()
    assert np.array_equal(now.columns["pop_node"][:100], before.columns["pop_node"][:100])


def test_moved_steps_agree_with_the_front_end() -> None:
    """The same numbers as in the front end's own test."""
    longer = short(max_pops=200)
    before, now = short().trace, longer.trace
    collect, moved = before.phase_start("collect"), now.phase_start("collect")
    assert [before.moved_step(s, now) for s in (0, 99, 100, 101, collect)] == [0, 99, 100, 100, 100]
    assert before.moved_step(collect + 1, now) == moved + 1
    assert before.moved_step(before.n_steps, now) <= now.n_steps


def test_progress_is_told_and_then_the_end(
    viewer: HeapViewer, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refining, "TELL_EVERY", 0)
    ask(viewer, {"type": "refine", "pops": 600})
    assert heard[:2] == [{"type": "running", "done": n, "of": 600} for n in (256, 512)]
    assert heard[2] == {"type": "ready", "pending": True, "said": ""}


def test_progress_is_told_a_few_times_a_second(
    viewer: HeapViewer, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(refining.time, "monotonic", lambda: next(clock) * refining.TELL_EVERY / 4)
    tick = refining._teller(viewer, 10_000)
    for _ in range(20):
        tick(256)
    assert 3 <= len(heard) <= 6
    assert heard[-1]["done"] == 256 * max(n for n in range(21) if 256 * n <= heard[-1]["done"])


@pytest.mark.parametrize(
    ("pops", "said"), [(0, "max_pops must be at least 1, not 0"), ("x", "max_pops must be a number")]
)
def test_errors_are_one_sentence(viewer: HeapViewer, heard: list[dict[str, Any]], pops: object, said: str) -> None:
    n_steps = viewer.n_steps
    ask(viewer, {"type": "refine", "pops": pops})
    assert heard[-1]["type"] == "ready"
    assert heard[-1]["said"].startswith(said)
    assert "\n" not in heard[-1]["said"]
    assert viewer.n_steps == n_steps


def test_foreign_messages_are_left_alone(viewer: HeapViewer, heard: list[dict[str, Any]]) -> None:
    for message in (None, 3, {}, {"type": "refine"}, {"type": "run", "code": "1"}):
        ask(viewer, message)
    assert heard == []


def test_interrupt_between_pops_keeps_what_was_found(viewer: HeapViewer, heard: list[dict[str, Any]]) -> None:
    """A Ctrl-C takes effect between two pops."""
    done = []

    def tick(pops: int) -> None:
        done.append(pops)
        signal.raise_signal(signal.SIGINT)

    viewer.refine(100_000, progress=tick)
    trace = viewer.explanation.trace
    assert trace.header["phases"]["walk"] == 100 + sum(done)
    assert viewer.n_steps == trace.n_steps
    viewer.refine(50)
    whole = short(max_pops=150 + sum(done))
    assert np.array_equal(viewer.explanation.trace.columns["pop_node"], whole.trace.columns["pop_node"])


def test_interrupt_at_any_other_time_changes_nothing_that_is_shown(
    viewer: HeapViewer, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = viewer.explanation.trace

    def interrupted(self: Walk) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Walk, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask(viewer, {"type": "refine", "pops": 200})
    assert heard == [{"type": "ready", "pending": True, "said": refining.INTERRUPTED}]
    assert viewer.explanation.trace is before
    assert viewer.n_steps == before.n_steps
    viewer.refine(100)
    assert np.array_equal(viewer.explanation.trace.columns["pop_node"], short(max_pops=400).trace.columns["pop_node"])


def test_two_who_refine_at_once_take_turns() -> None:
    """A viewer may ask while a cell runs: hosts hand its messages to a thread of their own."""
    e = short()
    inside, overlaps = threading.Lock(), []

    def watched(act: Callable[..., int]) -> Callable[..., int]:
        def run(self: Walk, *arguments: Any) -> int:
            free = inside.acquire(blocking=False)
            overlaps.append(not free)
            done = act(self, *arguments)
            if free:
                inside.release()
            return done

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Walk, "run", watched(Walk.run))
        threads = [threading.Thread(target=e.view().refine, args=(100,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert overlaps == [False] * 4
    assert np.array_equal(e.trace.columns["pop_node"], short(max_pops=500).trace.columns["pop_node"])


def test_another_viewer_keeps_what_it_was_sent() -> None:
    e = short()
    one, two = e.view(), e.view()
    two.step = two.n_steps
    before, n_steps = two.selected, two.n_steps
    one.refine(500)
    assert two.n_steps == n_steps
    assert np.array_equal(two.selected, before)
    two.refine(100)
    assert e.trace.header["phases"]["walk"] == 700
    assert two.n_steps == e.trace.n_steps
