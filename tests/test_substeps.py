"""The recording of heapq in slow motion: it is up to date, and the routines that were recorded are heapq's."""

import json

import pytest
from golden import make_substeps


def test_recording_is_that_of_the_shown_code() -> None:
    golden = json.loads((make_substeps.HERE / "substeps.json").read_text(encoding="utf-8"))
    assert golden["routines"] == make_substeps.routines()
    for seed, case in enumerate(golden["cases"]):
        assert json.loads(json.dumps(make_substeps.recording(seed))) == case


@pytest.mark.parametrize("seed", range(100))
def test_shown_code_ends_where_the_real_heapq_does(seed: int) -> None:
    ops = make_substeps.operations(seed, 60)
    recorder = make_substeps.Recorder()
    for count, op in enumerate(ops, 1):
        recorder.run(op)
        assert [tuple(item) for item in recorder.heap] == make_substeps.real_heap(ops[:count])
