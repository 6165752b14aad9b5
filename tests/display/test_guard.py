"""What comes from the browser: good values hold, all else leaves the kernel as it is, and the view is told."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.nets import DIGIT
from helpers.waiting import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

import heapwidget as hw
from heapwidget.display import guard, refining
from heapwidget.display import page as export
from heapwidget.display.guard import LONGEST_LABEL, OF_A_VIEW
from heapwidget.display.viewer import HeapViewer
from heapwidget.samples import lenet

Message = dict[str, Any]
MARK = [{"step": 3, "label": "here"}]
GOOD: dict[str, Any] = {
    "step": 7, "playing": True, "interval": 20, "loop": True, "bookmarks": MARK, "selected_node": 5, "panels": ["heap"],
}  # fmt: skip
NO_NUMBER = (True, 2.5, math.nan, math.inf, -math.inf, None, "7", [], {}, [[["x"]]])
BAD: dict[str, tuple[Any, ...]] = {
    "step": NO_NUMBER,
    "playing": (1, 0, None, "yes", [], math.nan),
    "loop": (1, 0, None, "yes", [], math.nan),
    "interval": (*NO_NUMBER, 0, -1, 10**400, 2**31),
    "bookmarks": (
        3, "x", {}, None, [3], [None], [[1, "x"]], [{"step": True}], [{"step": 1.0}], [{"step": -1}],
        [{"step": 10**5000}], [{"step": 1, "label": 2}], [{"step": 1, "label": "x", "more": 1}], [{"label": "x"}],
        [{"step": 1, "label": "\ud800"}], [{"step": 1, "label": "x" * (LONGEST_LABEL + 1)}],
        [{"step": 1, "label": "x"}] * 1_000_000,
    ),
    "selected_node": (*(v for v in NO_NUMBER if v is not None), -1, 10**9, 10**5000),
    "panels": ("heap", {}, None, ["sound"], [1], [["heap"]], [None], ["heap"] * 1_000_000),
}  # fmt: skip


@pytest.fixture(scope="module")
def walk() -> hw.Explanation:
    return hw.attribute(lenet(), DIGIT, max_pops=100)


class Peer:
    """The browser's side of a viewer: it sends, and keeps its own copy of the state, as a page does."""

    def __init__(self, viewer: Any) -> None:
        self.viewer, self.heard = viewer, []
        self.copy: Message = viewer.get_state()
        self.right_again = asyncio.Event()
        viewer.comm.send = self.hear

    def hear(self, data: Message, buffers: Any = None) -> None:
        self.heard.append(data)
        if data["method"] == "update":
            full = self.viewer.get_state(list(data["state"]))
            assert set(full) == set(data["state"])
            self.copy.update(full)
            if self.is_right():
                self.right_again.set()

    def set(self, **state: Any) -> None:
        self.copy.update({name: value for name, value in state.items() if name in self.viewer.keys})
        self.tell({"method": "update", "state": dict(state), "buffer_paths": []})

    def tell(self, data: Any) -> None:
        self.viewer._handle_msg({"content": {"data": data}, "buffers": []})

    def is_right(self) -> bool:
        now = self.viewer.get_state()
        return repr(now) == repr(self.copy)


@pytest.fixture
def peer(walk: hw.Explanation) -> Iterator[Peer]:
    viewer = walk.view()
    yield Peer(viewer)
    viewer.close()


def test_each_trait_that_a_view_writes_has_a_good_and_a_bad_value() -> None:
    assert set(GOOD) == set(BAD) == set(OF_A_VIEW) - {"_view_count"}


@pytest.mark.parametrize("name", GOOD)
def test_what_a_view_may_write_holds(peer: Peer, name: str, caplog: pytest.LogCaptureFixture) -> None:
    peer.set(**{name: GOOD[name]})
    assert getattr(peer.viewer, name) == GOOD[name]
    assert peer.is_right()
    assert [data["method"] for data in peer.heard if data["method"] != "echo_update"] == []
    assert caplog.records == []


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in BAD for number in range(len(BAD[name]))])
def test_a_bad_value_leaves_the_kernel_as_it_is_and_the_good_ones_beside_it_hold(
    peer: Peer, name: str, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    value = BAD[name][number]
    before, others = peer.viewer.get_state(name), {n: v for n, v in GOOD.items() if n != name}
    peer.set(**dict([*list(others.items())[:3], (name, value), *list(others.items())[3:]]))
    assert peer.viewer.get_state(name) == before
    assert {n: getattr(peer.viewer, n) for n in others} == others
    assert peer.is_right()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"A viewer in the browser set {name} to what it cannot be, ")
    assert len(line) < 200
    assert caplog.records[0].exc_info is None


@pytest.mark.parametrize("sent", [-1, 10**9, 10**400, -(10**400)], ids=["before", "beyond", "far beyond", "far before"])
@pytest.mark.parametrize("there", [True, False])
def test_a_step_beyond_the_trace_is_clamped_and_told(
    peer: Peer, sent: int, there: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the nearest step is where the viewer stands, so that nothing changes in the kernel."""
    end = peer.viewer.n_steps if sent > 0 else 0
    peer.viewer.step = end if there else 5
    peer.set(step=sent)
    assert peer.viewer.step == end
    assert peer.is_right()
    assert len(caplog.records) == 1


def test_nothing_else_can_be_written_from_the_browser(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    owned = set(peer.viewer.keys) - set(OF_A_VIEW)
    assert {"_trace", "_input", "n_steps", "link", "_esm", "_css", "layout", "_dom_classes"} <= owned
    before = peer.viewer.get_state()
    for value in (3, "x", None, {}, [], True):
        for name in owned:
            peer.set(**{name: value})
            assert peer.is_right(), name
    assert repr(peer.viewer.get_state()) == repr(before)
    assert len(caplog.records) == len(owned)


def test_a_comparison_is_the_kernels_alone(walk: hw.Explanation, caplog: pytest.LogCaptureFixture) -> None:
    both = hw.compare(walk, walk)
    peer, children = Peer(both), both.children
    peer.set(children=[], box_style="danger", nonsense=1)
    assert both.children == children
    assert both.box_style == ""
    assert peer.is_right()
    assert len(caplog.records) == 3
    both.close()


def test_views_are_counted_where_that_was_asked_for(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.set(_view_count=2)
    assert peer.viewer._view_count is None
    peer.viewer._view_count = 0
    peer.set(_view_count=2)
    assert peer.viewer._view_count == 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "message",
    [
        {}, None, 3, {"content": None}, {"content": {"data": 3}}, {"content": {"data": {"method": "update"}}},
        {"content": {"data": {"method": "update", "state": [1]}}}, {"content": {"data": {"method": "burn"}}},
        {"content": {"data": {"method": ["update"], "state": {}}}}, {"content": {"data": {"method": "custom"}}},
    ],
)  # fmt: skip
def test_a_message_that_is_none_is_left_alone(peer: Peer, message: Any, caplog: pytest.LogCaptureFixture) -> None:
    before = peer.viewer.get_state()
    for _ in range(3):
        peer.viewer._handle_msg(message)
    assert repr(peer.viewer.get_state()) == repr(before)
    assert peer.heard == []
    assert len(caplog.records) == 1


@pytest.mark.parametrize("paths", [[["step"]], [["_trace", "header"]], "x", 3, [[]], [[1, 2]]])
def test_buffers_are_not_put_into_the_state(peer: Peer, paths: Any) -> None:
    data = {"method": "update", "state": {"step": 4}, "buffer_paths": paths}
    peer.viewer._handle_msg({"content": {"data": data}, "buffers": [memoryview(b"x" * 8)]})
    assert peer.viewer.step == 4


def test_the_state_is_sent_to_whom_asks_for_it(peer: Peer) -> None:
    peer.tell({"method": "request_state"})
    assert [set(data["state"]) for data in peer.heard] == [set(peer.viewer.keys)]


def test_floods_are_one_line_a_kind(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    for i in range(500):
        peer.set(step="x", playing=3, n_steps=5, **{f"unknown{i}": i})
        peer.tell({"method": "custom", "content": {"type": i}})
        peer.tell({"method": "custom", "content": {"type": "refine", "pops": "many"}})
    kinds = ["step", "playing", "n_steps", "no trait", "means nothing", "pops that cannot be"]
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == len(kinds)
    assert all(any(kind in line for line in lines) for kind in kinds)


class Clock:
    """Stands still but for what the work takes."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_flood_of_traces_is_answered_with_few(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a kernel, where there is a loop: at once, and then once for all that came meanwhile."""
    monkeypatch.setattr(guard, "time", Clock())
    monkeypatch.setattr(guard, "HEAVY_EVERY", 0.01)

    async def flooded() -> None:
        for _ in range(200):
            peer.set(_trace={}, _input={})
        peer.right_again.clear()
        await asyncio.wait_for(peer.right_again.wait(), PATIENCE)

    asyncio.run(flooded())
    told = [data["state"] for data in peer.heard if "_trace" in data["state"]]
    assert len(told) == 2


def test_a_panel_that_is_named_twice_is_shown_once(peer: Peer) -> None:
    peer.set(panels=["heap", "input", "heap"])
    assert peer.viewer.panels == ["heap", "input"]
    assert peer.is_right()


def test_an_observer_may_set_another_value(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.viewer.observe(lambda change: setattr(peer.viewer, "step", 10), "step")
    peer.set(step=4)
    assert peer.viewer.step == 10
    assert peer.is_right()
    assert caplog.records == []


def test_the_view_is_told_though_an_observer_fails(peer: Peer) -> None:
    def fail(change: Any) -> None:
        raise ZeroDivisionError

    peer.viewer.observe(fail, "step")
    peer.set(step=4, panels="x")
    assert peer.is_right()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*OF_A_VIEW, "_trace", "_input", "n_steps", "link", "layout", "_esm"]) | st.text(max_size=6)
VALUES = JUNK | st.sampled_from([value for values in BAD.values() for value in values[:14]]) | st.integers(-2, 2000)
STATES = st.dictionaries(NAMES, VALUES, max_size=6).map(lambda state: {"method": "update", "state": state})
CUSTOM = (JUNK | st.fixed_dictionaries({"type": st.sampled_from(["hello", "refine", "run"]), "pops": JUNK})).map(
    lambda content: {"method": "custom", "content": content}
)


@pytest.fixture
def no_walk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Refining is counted, not done."""
    asked: list[int] = []
    monkeypatch.setattr(HeapViewer, "refine", lambda self, pops, **options: asked.append(pops))
    return asked


@given(messages=st.lists(STATES | CUSTOM | JUNK, max_size=8))
def test_whatever_comes_kernel_and_view_agree_and_are_sane(walk: hw.Explanation, messages: list[Any]) -> None:
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append  # type: ignore[method-assign]
    everything = logging.getLogger()
    everything.addHandler(handler)
    viewer = walk.view()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HeapViewer, "refine", lambda self, pops, **options: None)
            peer = Peer(viewer)
            fixed = {name: repr(viewer.get_state(name)) for name in set(viewer.keys) - set(OF_A_VIEW)}
            for data in messages:
                match data:
                    case {"method": "update", "state": dict(state)}:
                        peer.set(**state)
                    case _:
                        peer.tell(data)
                assert peer.is_right()
        assert {name: repr(viewer.get_state(name)) for name in fixed} == fixed
        assert type(viewer.step) is int
        assert 0 <= viewer.step <= viewer.n_steps
        assert type(viewer.playing) is type(viewer.loop) is bool
        assert 1 <= viewer.interval < 2**31
        assert all(0 <= mark["step"] <= viewer.n_steps for mark in viewer.bookmarks)
        assert viewer.selected_node is None or 0 <= viewer.selected_node < walk.trace.node_offsets[-1]
        assert export.page(viewer.shown)
    finally:
        everything.removeHandler(handler)
        viewer.close()
    said = [line.getMessage() for line in lines]
    assert len(said) == len(set(said))
    assert not [line for line in lines if line.exc_info]


def ask(viewer: HeapViewer, pops: Any) -> None:
    data = {"method": "custom", "content": {"type": "refine", "pops": pops}}
    viewer._handle_msg({"content": {"data": data}, "buffers": []})


@pytest.mark.parametrize(
    ("pops", "said"),
    [
        (10**18, "max_pops must be at most 1,000,000 at a time, not 1000000000000000000"),
        (1e18, "max_pops must be at most 1,000,000 at a time, not 1e+18"),
        (math.inf, "max_pops must be at most 1,000,000 at a time, not inf"),
        (10**5000, "max_pops must be at most 1,000,000 at a time, not a number of many digits"),
        (math.nan, "max_pops must be a number, a whole one, not nan"),
        ("many", "max_pops must be a number, a whole one, not a string"),
        ({"n": [[[{}]]]}, "max_pops must be a number, a whole one, not an object"),
        (True, "max_pops must be a number, a whole one, not True"),
        (-5, "max_pops must be at least 1, not -5"),
    ],
    ids=lambda v: guard.kind_of(v) if not isinstance(v, str) else "",
)
def test_pops_that_cannot_be_are_refused_in_one_sentence(peer: Peer, no_walk: list[int], pops: Any, said: str) -> None:
    ask(peer.viewer, pops)
    assert no_walk == []
    assert peer.heard[-1]["content"] == {"type": "ready", "pending": True, "said": said}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(refining, "time", clock)
    monkeypatch.setattr(refining, "_turns", refining._Turns())
    return clock


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> list[HeapViewer]:
    """Whose walks went on; each takes five seconds."""
    done: list[HeapViewer] = []

    def refine(self: HeapViewer, pops: int, **options: Any) -> None:
        done.append(self)
        clock.now += 5

    monkeypatch.setattr(HeapViewer, "refine", refine)
    return done


def test_a_flood_of_refining_is_done_once(walk: hw.Explanation, work: list[HeapViewer], clock: Clock) -> None:
    one, two = walk.view(), walk.view()
    peer = Peer(one)
    for _ in range(200):
        for viewer in (one, two):
            ask(viewer, 1000)
            clock.now += 0.01
    assert work == [one, two]
    ready = [data["content"] for data in peer.heard]
    assert len(ready) == 200
    assert ready[0]["said"] == ""
    assert {message["said"] for message in ready[1:]} == {refining.IN_TURN}


def test_who_asks_again_afterwards_is_heard(walk: hw.Explanation, work: list[HeapViewer], clock: Clock) -> None:
    viewer = walk.view()
    for _ in range(3):
        ask(viewer, 1000)
        clock.now += 2 * refining.AT_ONCE
    assert work == [viewer] * 3
