"""What one can ask an explanation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.nets import DIGIT, mlp
from torch import nn

import heapwidget as hw
from heapwidget.samples import lenet


@pytest.fixture(scope="module")
def seven() -> hw.Explanation:
    return hw.attribute(lenet(), DIGIT)


@pytest.fixture
def small() -> hw.Explanation:
    return hw.attribute(mlp(6, 30, 20, 3), torch.rand(1, 6), target=lambda out: out.abs().sum(), max_pops=3, floor=0.0)


def colour() -> hw.Explanation:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    return hw.attribute(net, torch.rand(1, 3, 5, 5), nodes="position")


def test_order_is_by_contribution_and_ties_go_to_the_smaller_position(seven: hw.Explanation) -> None:
    values = seven.attribution.flatten().numpy()
    expected = sorted(np.flatnonzero(values).tolist(), key=lambda i: (-values[i], i))
    assert seven.order.tolist() == expected
    assert seven.order.dtype == np.int64


def test_positions_of_a_colour_image_sum_their_channels() -> None:
    e = colour()
    sums = e.attribution[0].sum(dim=0).flatten().numpy()
    assert e.selected(0).shape == (5, 5)
    assert sorted(e.order.tolist(), key=lambda i: (-np.float32(sums[i]), i)) == e.order.tolist()
    assert e.trace.header["layers"][0]["box"] == [3, 1, 1]


def test_selected_grows_by_one_position_a_step(seven: hw.Explanation) -> None:
    trace = seven.trace
    first = trace.phase_start("collect")
    assert seven.selected(0).shape == (28, 28)
    assert not seven.selected(first).any()
    for step in range(first, trace.n_steps + 1):
        mask = seven.selected(step)
        assert np.flatnonzero(mask).tolist() == sorted(seven.order[: step - first].tolist())
    assert int(mask.sum()) == len(seven.order) == int((seven.attribution != 0).sum())


@pytest.mark.parametrize("step", [-1, 10**6])
def test_steps_out_of_range(seven: hw.Explanation, step: int) -> None:
    with pytest.raises(ValueError, match=f"step {step} is out of range: this explanation has steps 0 to"):
        seven.selected(step)


def test_pops_are_records(seven: hw.Explanation) -> None:
    pops, counts = seven.pops, seven.trace.header["phases"]
    assert pops.dtype.names == ("step", "layer", "box", "label", "mass", "phase")
    assert pops["step"].tolist() == list(range(1, seven.trace.n_steps + 1))
    assert {phase: int((pops["phase"] == phase).sum()) for phase in counts} == counts
    assert pops[0].tolist()[1:] == ("fc3", "7:8", "fc3·7", pytest.approx(seven.ledger.target), "walk")
    collected = pops[pops["phase"] == "collect"]
    assert set(collected["layer"]) == {"input"}
    assert collected[0]["label"] == "pixel ({},{})".format(*divmod(int(seven.order[0]), 28))
    assert np.array_equal(collected["mass"], np.sort(collected["mass"])[::-1])


def test_finish_rows_pop_a_whole_layer() -> None:
    e = hw.attribute(lenet(), DIGIT, max_pops=0)
    finish = e.pops[e.pops["phase"] == "finish"]
    assert (
        finish["label"].tolist()
        == finish["layer"].tolist()
        == ["fc3", "fc2", "fc1", "pool2", "conv2", "pool1", "conv1"]
    )
    assert finish[0]["box"] == "0:10"
    assert finish[-1]["box"] == "0:6, 0:24, 0:24"


def test_boxes_are_told_as_slices() -> None:
    e = colour()
    walk = e.pops[e.pops["phase"] == "walk"]
    conv = walk[walk["layer"] == "0"]
    assert conv[0]["box"].startswith("0:2, ")
    assert conv[0]["label"].startswith("0 (")


def test_labels_name_tiles_and_channels() -> None:
    net = nn.Sequential(nn.Conv2d(1, 3, 1), nn.Flatten(), nn.Linear(75, 2))
    e = hw.attribute(net, torch.rand(1, 1, 5, 5), nodes={"0": "channel"})
    assert {e.trace.label(25 + i) for i in range(3)} == {"0·0", "0·1", "0·2"}
    assert e.trace.label(28) == "2·0"
    whole = hw.attribute(net, torch.rand(1, 1, 5, 5), nodes="layer")
    assert [whole.trace.label(25 + i) for i in range(2)] == ["0", "2"]


def test_attribution_is_like_x_and_the_callers_own(seven: hw.Explanation) -> None:
    a = seven.attribution
    assert (a.shape, a.dtype, a.device, a.requires_grad) == (DIGIT.shape, DIGIT.dtype, DIGIT.device, False)
    a.zero_()
    assert float(seven.attribution.sum()) == pytest.approx(seven.ledger.explained, rel=1e-4)


def test_ledger_is_a_table(seven: hw.Explanation) -> None:
    ledger = seven.ledger
    assert ledger.target == pytest.approx(ledger.explained + ledger.residual + ledger.absorbed_total, rel=1e-4)
    assert ledger.absorbed_total == sum(ledger.absorbed.values())
    lines = str(ledger).splitlines()
    assert lines[0].startswith("explained: on the input")
    assert lines[0].endswith("%")
    assert any(line.startswith("absorbed: conv1, dead end") for line in lines)
    assert set(lines[-2]) == {"-"}
    assert lines[-1].startswith("target")
    assert lines[-1].endswith("100.00%")
    assert repr(ledger) == str(ledger)
    assert len({len(line) for line in lines}) == 1


def test_ledger_of_nothing_has_no_shares() -> None:
    e = hw.attribute(mlp(6, 3), torch.ones(1, 6), target=(1, 1))
    assert "%" not in str(e.ledger)
    assert "nan" not in str(e.ledger)
    assert len(e.pops) == 0
    assert e.pops.dtype.names is not None
    assert repr(e) == "<Explanation of 1 − 1 = 0 by relevance>"


def test_next_to_nothing_has_no_sign_and_nothing_no_line() -> None:
    ledger = hw.Ledger(target=-2.0, explained=1e-9, residual=0.0, absorbed={("fc1", "bias"): -2.0})
    assert "-0.00%" not in str(ledger)
    e = hw.attribute(mlp(6, 30, 3), torch.rand(1, 6), floor=0.0)
    assert all(e.ledger.absorbed.values())


def test_repr_tells_target_and_share(seven: hw.Explanation) -> None:
    assert repr(seven) == "<Explanation of 7 = 8.74 by relevance: 98.4% on the input after 567 pops>"


def test_data_frame(seven: hw.Explanation) -> None:
    frame = seven.to_dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["step", "layer", "box", "label", "mass", "phase"]
    assert len(frame) == seven.trace.n_steps
    assert frame["mass"].iloc[0] == pytest.approx(seven.ledger.target)


# --- Refining ---------------------------------------------------------------------------------------------------------


def test_refine_goes_on_where_the_walk_stopped(small: hw.Explanation) -> None:
    before = small.attribution
    assert small.trace.header["phases"]["walk"] == 3
    assert small.refine(max_pops=4) is small
    assert small.trace.header["phases"]["walk"] == 7
    torch.testing.assert_close(small.attribution, before)
    assert small.bound == 0


def test_refine_lowers_the_floor_tenfold_once_the_heap_is_empty() -> None:
    e = hw.attribute(lenet(), DIGIT, floor=1e-2)
    walked, explained = e.trace.header["phases"]["walk"], e.trace.columns["explained"]
    reached = explained[walked - 1]
    e.refine(max_pops=10**5)
    assert e.trace.header["floor"] == pytest.approx(1e-3)
    assert e.trace.header["phases"]["walk"] > walked
    assert e.trace.columns["explained"][e.trace.header["phases"]["walk"] - 1] > reached
    plain = hw.attribute(lenet(), DIGIT, floor=1e-3)
    torch.testing.assert_close(e.attribution, plain.attribution, rtol=1e-4, atol=1e-5)


def test_refine_to_a_floor(small: hw.Explanation) -> None:
    e = hw.attribute(lenet(), DIGIT, floor=0.1)
    e.refine(floor=0.01)
    assert e.trace.header["floor"] == 0.01


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_pops": 0}, ValueError, "max_pops must be at least 1, not 0"),
        ({"max_pops": -3}, ValueError, "max_pops must be at least 1, not -3"),
        ({"max_pops": "all"}, TypeError, "max_pops"),
        ({"floor": 0.5}, ValueError, "floor 0.5 is not between 0 and the walk's floor so far, 0.0003"),
        ({"floor": -1}, ValueError, "floor -1 is not between 0"),
        ({"floor": math.nan}, ValueError, "floor nan is not between 0"),
        ({"floor": "low"}, TypeError, "floor"),
    ],
    ids=str,
)
def test_refine_refuses(options: dict[str, Any], error: type[Exception], message: str, seven: hw.Explanation) -> None:
    steps = seven.trace.n_steps
    with pytest.raises(error, match=message):
        seven.refine(**options)
    assert seven.trace.n_steps == steps


def test_refine_needs_a_walk(small: hw.Explanation, tmp_path: Any) -> None:
    gradient = hw.attribute(mlp(6, 3), torch.ones(1, 6), method="gradient")
    small.save(tmp_path / "small.npz")
    for e in (gradient, hw.load(tmp_path / "small.npz")):
        assert not e.can_refine
        with pytest.raises(RuntimeError, match="there is no walk to continue"):
            e.refine()


def test_x_is_kept_as_it_was() -> None:
    x = DIGIT.clone()
    e = hw.attribute(lenet(), x)
    x.zero_()
    assert torch.equal(e.x, DIGIT)
