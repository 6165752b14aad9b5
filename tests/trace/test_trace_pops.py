"""Whether pops are the roots of their heap: the quick check beside a replay with CPython's heapq."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.examples import examples
from helpers.replay import replay
from helpers.traces import trace_of
from hypothesis import given
from hypothesis import strategies as st

import heapwidget as hw
from heapwidget.trace import pops as trace_pops
from heapwidget.trace.pops import check_pops
from heapwidget.trace.trace import Trace

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("trace_*.json"))


def read(path: Path) -> Trace:
    data = json.loads(path.read_text(encoding="utf-8"))
    return trace_of(data["header"], data["columns"])


TRACES = [read(path) for path in GOLDEN]


def replays(trace: Trace) -> bool:
    """What the replay says, which would collect a position twice."""
    collected = trace.columns["pop_node"][trace.phase_start("collect") :]
    try:
        replay(trace, trace.n_steps)
    except (ValueError, IndexError):
        return False
    return len(np.unique(collected)) == len(collected)


def accepted(trace: Trace) -> bool:
    try:
        check_pops(trace)
    except hw.TraceFormatError:
        return False
    return True


@given(
    st.sampled_from(TRACES),
    st.sampled_from(["pop_node", "pop_mass", "log_node", "log_key"]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from([1, 2, 7, 2**18]),
)
@examples(300)
def test_the_check_says_what_the_replay_says(
    trace: Trace, name: str, to: float, from_: float, swaps: bool, block: int
) -> None:
    columns = {column: values.copy() for column, values in trace.columns.items()}
    values = columns[name]
    if len(values):
        i, j = (int(at * (len(values) - 1)) for at in (to, from_))
        values[i], values[j] = values[j], values[i] if swaps else values[j]
    spoilt = Trace(trace.header, columns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace_pops, "BLOCK", block)
        assert accepted(spoilt) == replays(spoilt)


@pytest.mark.parametrize("block", [1, 3, 2**18])
@pytest.mark.parametrize("trace", TRACES, ids=[path.stem for path in GOLDEN])
def test_traces_of_walks_are_accepted(trace: Trace, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_pops, "BLOCK", block)
    check_pops(trace)


def test_zeros_of_both_signs_are_one_key() -> None:
    trace = TRACES[[path.stem for path in GOLDEN].index("trace_ascending")]
    masses = np.zeros_like(trace.columns["pop_mass"])
    masses[::2] = -0.0
    nodes = np.arange(len(masses), dtype=np.uint32)
    zeros = Trace(trace.header, {**trace.columns, "pop_mass": masses, "pop_node": nodes})
    assert accepted(zeros)
    assert replays(zeros)
