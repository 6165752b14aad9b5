"""Deletion and insertion: on linear nets, where each curve is a sum that can be written down, and on odd ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.zoo import ZOO, animal
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.boxes import positions
from heapwidget.findings.curves import Curves
from heapwidget.findings.faithfulness import Trial, stand_in
from heapwidget.findings.probe import Probe


def linear(weights: list[list[float]], bias: float = 0.0) -> nn.Linear:
    net = nn.Linear(len(weights[0]), len(weights))
    with torch.no_grad():
        net.weight.copy_(torch.tensor(weights))
        net.bias.fill_(bias)
    return net


# Contributions to class 0: 4, 3, 2, 1 in another order; their sum is 10.
NET = linear([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
X = torch.tensor([[2.0, 0.5, 1.0, 1.0]])
# 1*2 = 2, 2*0.5 = 1, 3*1 = 3, 4*1 = 4: popped as 3, 2, 0, 1.


def test_logits_of_a_linear_net() -> None:
    found = hw.attribute(NET, X, target=0).faithfulness(score="logit", steps=4, random_orders=0)
    np.testing.assert_allclose(found.fractions, [0, 0.25, 0.5, 0.75, 1])
    # Taken away: 4, then 3, 2, 1 of 10. Given back: the same.
    np.testing.assert_allclose(found.deletion, [1, 0.6, 0.3, 0.1, 0], atol=1e-7)
    np.testing.assert_allclose(found.insertion, [0, 0.4, 0.7, 0.9, 1], atol=1e-7)
    # Trapezoids: (1 + 2*0.6 + 2*0.3 + 2*0.1 + 0) / 8, (0 + 2*0.4 + 2*0.7 + 2*0.9 + 1) / 8.
    assert found.deletion_area == pytest.approx(3.0 / 8)
    assert found.insertion_area == pytest.approx(5.0 / 8)
    assert found.score == pytest.approx(10)
    assert found.kind == "logit"
    assert found.random is None
    assert str(found) == "deletion 0.375, insertion 0.625; logit 10"


def test_probabilities_of_a_linear_net() -> None:
    found = hw.attribute(NET, X, target=0).faithfulness(steps=2, random_orders=0)
    # The other logit is 0, so p = sigmoid(logit), and p on x is sigmoid(10).
    expected = 1 / (1 + np.exp(-np.array([10, 3, 0])))
    np.testing.assert_allclose(found.deletion, expected / expected[0], rtol=1e-6)
    np.testing.assert_allclose(found.insertion, 1 / (1 + np.exp(-np.array([0, 7, 10]))) / expected[0], rtol=1e-6)
    assert found.kind == "probability"
    assert found.score == pytest.approx(expected[0])


def test_one_output_is_a_yes_or_no() -> None:
    found = hw.attribute(linear([[1.0, 1.0]]), torch.tensor([[1.0, 2.0]])).faithfulness(steps=1, random_orders=0)
    assert found.score == pytest.approx(1 / (1 + np.exp(-3)))
    np.testing.assert_allclose(found.deletion * found.score, [found.score, 0.5], rtol=1e-6)


def test_any_order_can_be_measured() -> None:
    part = positions((4,), None)
    trial = Trial(Probe(NET, ((1, 4),), 0, None), [X[0]], [stand_in(0.0, X[0], part)], [part], 0, "logit")
    orders = [np.array([0, 1, 2, 3]), np.array([3, 2, 1, 0])]
    score, curves = trial.curves(orders, steps=4, batch_size=3, progress=False)
    assert score == pytest.approx(10)
    for found, parts in zip(curves, ([2, 1, 3, 4], [4, 3, 1, 2]), strict=True):
        given = np.r_[0, np.cumsum(parts)] / 10
        np.testing.assert_allclose(found.insertion, given, atol=1e-7)
        np.testing.assert_allclose(found.deletion, 1 - given, atol=1e-7)


@pytest.mark.parametrize("baseline", [0.5, torch.full((4,), 0.5), torch.full((1, 4), 0.5), torch.tensor(0.5)])
def test_another_baseline(baseline: float | Tensor) -> None:
    found = hw.attribute(NET, X, target=0).faithfulness(baseline=baseline, score="logit", steps=4, random_orders=0)
    # What is left: 2, 1.5, 1, 0.5 for weights 4, 3, 1, 2 (x2 is 0.5 already).
    np.testing.assert_allclose(found.deletion * 10, [10, 8, 6.5, 5, 5], rtol=1e-6)


def test_the_random_orders_are_those_of_the_seed() -> None:
    found = hw.attribute(NET, X, target=0).faithfulness(score="logit", steps=4, random_orders=3, seed=5)
    rng = np.random.default_rng(5)
    parts = np.array([2.0, 1.0, 3.0, 4.0])
    curves = [1 - np.r_[0, np.cumsum(parts[rng.permutation(4)])] / 10 for _ in range(3)]
    assert isinstance(found.random, Curves)
    np.testing.assert_allclose(found.random.deletion, np.mean(curves, axis=0), atol=1e-7)
    np.testing.assert_allclose(found.random.insertion, 1 - np.mean(curves, axis=0), atol=1e-7)
    assert "random order" in str(found)


def test_positions_never_popped_stand_between_gains_and_losses() -> None:
    # x2 and x4 are 0, so nothing comes to them; x3 speaks against.
    x = torch.tensor([[1.0, 0.0, -1.0, 0.0, 2.0]])
    e = hw.attribute(linear([[1.0] * 5, [0.0] * 5], bias=1.0), x, target=0, rule=hw.epsilon(0.0))
    assert e.order.tolist() == [4, 0, 2]
    found = e.faithfulness(score="logit", steps=5, random_orders=0)
    # t = 3: less 2, less 1, nothing twice, and the last taken away gives 1 back.
    np.testing.assert_allclose(found.deletion * 3, [3, 1, 0, 0, 0, 1], atol=1e-6)


def test_ascending_orders_put_them_there_too() -> None:
    net = linear([[1.0, 0.0, -1.0, 2.0]])
    e = hw.attribute(net, torch.ones(1, 4), method="gradient", order="ascending", target=0)
    assert e.order.tolist() == [2, 1, 0, 3]
    found = e.faithfulness(score="logit", steps=4, random_orders=0)
    np.testing.assert_allclose(found.deletion * 2, [2, 3, 3, 2, 0], atol=1e-6)


def test_steps_are_spread_over_the_positions() -> None:
    e = hw.attribute(NET, X)
    assert e.faithfulness(steps=1, random_orders=0).fractions.tolist() == [0, 1]
    assert e.faithfulness(steps=100, random_orders=0).fractions.tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batches_change_nothing(batch_size: int) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
    e = hw.attribute(net, torch.rand(1, 3, 8, 8))
    one, other = (e.faithfulness(steps=10, batch_size=b) for b in (7, batch_size))
    np.testing.assert_allclose(one.deletion, other.deletion, rtol=1e-5)
    assert one.random is not None
    assert other.random is not None
    np.testing.assert_allclose(one.random.insertion, other.random.insertion, rtol=1e-5)


def test_a_position_is_all_of_its_channels() -> None:
    net = nn.Sequential(nn.Flatten(), linear([[1.0] * 12]))
    x = torch.arange(12.0).reshape(1, 3, 2, 2)
    found = hw.attribute(net, x).faithfulness(score="logit", steps=4, random_orders=0)
    # Positions hold 0+4+8, 1+5+9, 2+6+10, 3+7+11 = 12, 15, 18, 21 of 66; the largest goes first.
    np.testing.assert_allclose(found.deletion * 66, [66, 45, 27, 12, 0], atol=1e-4)


class OnlyOne(nn.Module):
    """Refuses batches."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) != 1:
            raise ValueError("one at a time")
        return NET(x)


class Flattening(nn.Module):
    """Takes a batch for one long input."""

    def forward(self, x: Tensor) -> Tensor:
        return NET(x.reshape(-1)[:4])


class Mixing(nn.Module):
    """What is in a batch changes what comes out for each."""

    def forward(self, x: Tensor) -> Tensor:
        return NET(x - x.mean(dim=0) * (len(x) > 1))


@pytest.mark.parametrize("net", [OnlyOne(), Flattening(), Mixing()])
def test_nets_that_take_no_batch(net: nn.Module) -> None:
    found = hw.attribute(net, X, target=0).faithfulness(score="logit", steps=4, random_orders=0)
    np.testing.assert_allclose(found.deletion, [1, 0.6, 0.3, 0.1, 0], atol=1e-6)


def test_nets_that_write_into_their_input() -> None:
    class Writing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return NET(x.mul_(2) / 2)

    found = hw.attribute(Writing(), X.clone(), target=0).faithfulness(score="logit", steps=4, random_orders=0)
    np.testing.assert_allclose(found.deletion, [1, 0.6, 0.3, 0.1, 0], atol=1e-6)


@pytest.mark.parametrize("name", list(ZOO))
def test_every_net_of_the_zoo(name: str) -> None:
    net, x = animal(name)
    found = hw.attribute(net, x).faithfulness(steps=3, random_orders=1)
    assert np.isfinite([found.deletion_area, found.insertion_area]).all()
    # All taken away is nothing given back, and the other way round.
    assert found.deletion[-1] == pytest.approx(found.insertion[0])
    assert found.insertion[-1] == pytest.approx(found.deletion[0])


def test_x_without_a_batch_axis() -> None:
    found = hw.attribute(NET, X[0], target=0).faithfulness(score="logit", steps=4, random_orders=0)
    np.testing.assert_allclose(found.deletion, [1, 0.6, 0.3, 0.1, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("target", "kind"),
    [((0, 1), "logit"), ([(0, 1.0), (1, -1.0)], "logit"), (lambda out: out[0, 0] - out[0, 1], "logit"), (0, "logit")],
)
def test_targets(target: Any, kind: str) -> None:
    e = hw.attribute(NET, X, target=target)
    found = e.faithfulness(steps=4, random_orders=0, score="logit")
    np.testing.assert_allclose(found.deletion, [1, 0.6, 0.3, 0.1, 0], atol=1e-6)
    assert found.kind == kind
    if not isinstance(target, int):
        assert e.faithfulness(steps=1, random_orders=0).kind == "logit"
        with pytest.raises(ValueError, match="needs a single class as target"):
            e.faithfulness(score="probability")


@pytest.mark.parametrize("method", ["gradient", "article"])
def test_other_methods(method: str) -> None:
    found = hw.attribute(NET, X, method=method).faithfulness(steps=4)
    assert len(found.deletion) == 5
    assert found.deletion[0] == 1
    # A gradient without a target is that of the sum of all outputs.
    assert found.kind == ("logit" if method == "gradient" else "probability")


def test_the_class_is_that_of_x_whatever_is_taken_away() -> None:
    net = linear([[1.0, 1.0], [0.0, 0.5]])
    e = hw.attribute(net, torch.tensor([[3.0, 1.0]]))
    found = e.faithfulness(steps=2, random_orders=0, score="logit")
    np.testing.assert_allclose(found.deletion * 4, [4, 1, 0], atol=1e-6)


def test_a_score_of_nothing() -> None:
    found = hw.attribute(NET, torch.zeros(1, 4), target=1).faithfulness(score="logit", steps=2)
    assert found.score == 0
    assert not found.deletion.any()


def test_blur() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 2))
    flat = hw.attribute(net, torch.full((1, 1, 8, 8), 0.7)).faithfulness(baseline="blur", steps=4)
    # A blurred plain is the plain.
    np.testing.assert_allclose(flat.deletion, 1, rtol=1e-5)
    rough = hw.attribute(net, torch.rand(1, 1, 8, 8)).faithfulness(baseline="blur", steps=4)
    assert not np.allclose(rough.deletion, 1, rtol=1e-5)


def test_leaves_the_net_as_it_was() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2)).train()
    e = hw.attribute(net, X)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    e.faithfulness(steps=3)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(state, torch.get_rng_state())


def test_in_inference_mode() -> None:
    with torch.inference_mode():
        found = hw.attribute(NET, X, target=0).faithfulness(score="logit", steps=4, random_orders=0)
    np.testing.assert_allclose(found.deletion, [1, 0.6, 0.3, 0.1, 0], atol=1e-6)


def test_refusals(tmp_path: Path) -> None:
    e = hw.attribute(NET, X)
    with pytest.raises(ValueError, match="score='loss' is not one of 'probability', 'logit'"):
        e.faithfulness(score="loss")
    with pytest.raises(ValueError, match="baseline='grey' is not one of 'blur'"):
        e.faithfulness(baseline="grey")
    with pytest.raises(ValueError, match=r"baseline of shape \(3,\) does not fit an input of shape \(4,\)"):
        e.faithfulness(baseline=torch.zeros(3))
    for name in ("steps", "batch_size"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
            e.faithfulness(**{name: 0})
    with pytest.raises(ValueError, match="random_orders must be at least 0, not -1"):
        e.faithfulness(random_orders=-1)
    e.save(tmp_path / "a.npz")
    with pytest.raises(RuntimeError, match="there is no net to ask"):
        hw.load(tmp_path / "a.npz").faithfulness()


def test_pop_order_beats_chance_on_a_digit() -> None:
    x = hw.samples.digits().images[7:8].float().reshape(1, 1, 28, 28) / 255
    found = hw.attribute(hw.samples.lenet(), x).faithfulness()
    assert found.random is not None
    assert found.deletion_area < found.random.deletion_area / 2
    assert found.insertion_area > found.random.insertion_area
