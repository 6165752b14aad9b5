"""Rules of one's own for ops: unknown ones, known ones, and ones from `torch.library`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from helpers import slow_twins as twins
from helpers.nets import Fn, adds_up, values
from helpers.rule_twins import RULES, twin_of_matrix
from helpers.twin_checks import assert_twins, last_flow
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.ops import registry

SPREAD = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)


@torch.library.custom_op("hw_tests::soft", mutates_args=())
def soft(x: Tensor, by: float) -> Tensor:
    """Soft threshold, without a derivative."""
    return x.sign() * (x.abs() - by).clamp(min=0)


@torch.library.custom_op("hw_tests::relu", mutates_args=())
def relu(x: Tensor) -> Tensor:
    """Named like an ATen op, but it turns its entries around."""
    return x.flip(-1)


@torch.library.custom_op("hw_tests::mix", mutates_args=())
def mix(x: Tensor, w: Tensor, scale: float = 1.0) -> Tensor:
    """A product with a constant, and a bias."""
    return (x @ w) * scale + 0.25


@torch.library.custom_op("hw_tests::blend", mutates_args=())
def blend(parts: Sequence[Tensor], weights: Tensor) -> Tensor:
    """A weighted sum of several tensors."""
    return sum(part * w for part, w in zip(parts, weights, strict=True))


@torch.library.custom_op("hw_tests::both", mutates_args=())
def both(x: Tensor) -> tuple[Tensor, Tensor]:
    """Two results."""
    return x + 1, x * 2


@torch.library.custom_op("hw_tests::twice", mutates_args=("x",))
def twice(x: Tensor) -> None:
    """Writes into its input."""
    x.mul_(2)


ops = torch.ops.hw_tests


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    left = [r for several in registry._registrations.values() for r in several]
    for registration in left:
        registration.remove()
    assert not left


def shared_evenly(inputs: Sequence[Any], output: Tensor, relevance: Tensor) -> list[Tensor | None]:
    """Half of it stays where it is, a quarter goes to the neighbour on the left, the rest to nobody."""
    return [relevance / 2 + relevance.roll(-1, -1) / 4, None]


def attribute(net: nn.Module, x: Tensor, **options: Any) -> hw.Explanation:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Which score is the largest here is chance.
        warnings.filterwarnings("ignore", ".* lies on inputs that change it the other way")
        return hw.attribute(net, x, progress=False, **options)


def sandwich(op: Callable[[Tensor], Tensor], size: int = 4) -> nn.Module:
    """An op between two linear layers."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 4), Fn(op), nn.Linear(size, 3)).double()


X = values((1, 4), "both", 2)


def test_an_op_without_derivative_is_refused_until_it_has_a_rule() -> None:
    net = sandwich(lambda t: soft(t, 0.1))
    message = (
        r"no rule for hw_tests\.soft\.default in module '1', .* heapwidget\.register_rule\('hw_tests.soft', rule\)"
    )
    with pytest.raises(hw.UnsupportedOpError, match=message):
        attribute(net, X)
    with hw.register_rule("hw_tests.soft", "pass"):
        adds_up(attribute(net, X), close=1e-9)
    with pytest.raises(hw.UnsupportedOpError, match=message):
        attribute(net, X)


def test_a_passing_op_makes_no_layer() -> None:
    with hw.register_rule("hw_tests.soft", "pass"):
        e = attribute(sandwich(lambda t: soft(t, 0.0)), X, rule="epsilon")
    plain = attribute(sandwich(lambda t: t * 1), X, rule="epsilon")
    assert [layer["label"] for layer in e.trace.header["layers"]] == ["input", "0", "2"]
    torch.testing.assert_close(e.attribution, plain.attribution)


def test_an_op_of_another_library_is_not_taken_by_its_name() -> None:
    with pytest.raises(hw.UnsupportedOpError, match=r"no rule for hw_tests\.relu\.default"):
        attribute(sandwich(relu), X)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "flat"])
@pytest.mark.parametrize("own", [True, False])
def test_a_linear_op_by_its_matrix(rule: str, own: bool) -> None:
    x = values((1, 2, 3), "both", 5)
    with hw.register_rule(mix, RULES[rule] if own else "linear"):
        layer, flow = last_flow(lambda t: mix(t, SPREAD, -2.0), x, None if own else RULES[rule])
    matrix = twins.dense(lambda t: t @ SPREAD * -2.0, (1, 2, 3))
    shares = twin_of_matrix(rule, x, matrix, np.full(8, 0.25))
    assert_twins(layer, flow, shares, exact_k="box" not in rule)
    assert (layer.op, layer.channel_axis) == ("linear", 1)


def test_the_flat_rule_knows_which_entries_are_connected() -> None:
    x, w = values((1, 3), "both", 5), torch.eye(3, dtype=torch.float64)
    with hw.register_rule("hw_tests.mix", "linear"):
        layer, flow = last_flow(lambda t: mix(t, w), x, RULES["flat"])
    assert_twins(layer, flow, twins.flat(np.eye(3)))


def test_a_linear_op_on_maps_is_a_convolution() -> None:
    x = values((1, 2, 4, 4), "both", 7)
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Flatten(), nn.Linear(48, 2)).double()
    plain = attribute(net, x, rule="epsilon_plus_flat")
    with hw.register_rule("aten.convolution", "linear"):
        e = attribute(net, x, rule="epsilon_plus_flat")
    torch.testing.assert_close(e.attribution, plain.attribution)
    assert e.trace.header["layers"][1]["op"] == "conv"


def test_a_function_says_who_gets_what() -> None:
    x, c = values((1, 2, 3), "both", 5), values((3,), "positive", 6)
    with hw.register_rule("aten.hypot", shared_evenly):
        layer, flow = last_flow(lambda t: torch.hypot(t, c), x)
    to = np.zeros((6, 6))
    for j, (row, column) in enumerate(np.ndindex(2, 3)):
        to[j, j] = 0.5
        to[j, row * 3 + (column - 1) % 3] = 0.25
    assert_twins(layer, flow, twins.Shares([to], {"rule": np.full(6, 0.25)}))
    assert not flow.signed


def test_constants_absorb_what_they_are_given() -> None:
    def share(inputs: Sequence[Any], output: Tensor, relevance: Tensor) -> list[Any]:
        weights = inputs[1]
        assert weights.tolist() == [2.0, 1.0, 5.0]
        return [[relevance / 2, -relevance / 4, relevance * 0.7], weights * relevance.sum() * 0.05 / weights.sum()]

    x = values((1, 4, 3), "both", 5)
    c, weights = torch.ones(1, 2, 3).double(), torch.tensor([2.0, 1.0, 5.0]).double()
    with hw.register_rule("hw_tests.blend", share):
        layer, flow = last_flow(lambda t: blend([t[:, :2], t[:, 2:], c], weights), x)
    one = np.eye(6)
    assert_twins(layer, flow, twins.Shares([one / 2, -one / 4], {"constant": np.full(6, 0.75), "rule": np.zeros(6)}))
    assert flow.signed


@pytest.mark.parametrize("nodes", ["unit", "layer"])
@pytest.mark.parametrize("large", [True, False])
def test_a_net_with_a_function_adds_up(nodes: str, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:
        monkeypatch.setattr("heapwidget.engine.ops.shared.JACOBIAN_LIMIT", 0)
    net = sandwich(lambda t: soft(t, 0.1))
    with hw.register_rule("hw_tests.soft", shared_evenly):
        e = attribute(net, X, nodes=nodes, floor=0.0)
        whole = attribute(net, X, max_pops=0)
    adds_up(e, close=1e-9)
    torch.testing.assert_close(e.attribution, whole.attribution)
    assert any(cause == "rule" for _, cause in e.ledger.absorbed)
    assert np.isinf(e.trace.columns["bound"][0]) == large


def test_a_single_tensor_is_for_the_input_from_x() -> None:
    with hw.register_rule("hw_tests.mix", lambda inputs, output, relevance: (relevance @ inputs[1].mT).abs() * 0):
        e = attribute(sandwich(lambda t: mix(t, torch.eye(4).double())), X)
    assert e.ledger.absorbed == {("1", "rule"): pytest.approx(e.ledger.target)}


def test_gradient_times_input_without_a_warning() -> None:
    net = sandwich(lambda t: t.logcumsumexp(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = hw.attribute(net, X)
    with hw.register_rule("aten.logcumsumexp", "gradient"):
        e = attribute(net, X)
    assert torch.equal(e.attribution, plain.attribution)


def test_the_latest_rule_of_an_op_counts_and_an_overload_before_its_op() -> None:
    net = sandwich(torch.tanh)

    def absorbed() -> bool:
        return ("1", "rule") in attribute(net, X).ledger.absorbed

    nothing = hw.register_rule("aten.tanh", lambda inputs, output, relevance: [None])
    assert absorbed()
    passed = hw.register_rule(torch.ops.aten.tanh, "pass")
    assert not absorbed()
    passed.remove()
    passed.remove()
    assert absorbed()
    with hw.register_rule(torch.ops.aten.tanh.default, "pass"):
        assert not absorbed()
    nothing.remove()
    assert not absorbed()
    assert repr(nothing) == "<rule of one's own for aten.tanh>"


def test_other_methods_see_the_same_layers() -> None:
    net = sandwich(lambda t: mix(t, torch.eye(4).double()))
    with (
        hw.register_rule(mix, "linear"),
        pytest.raises(hw.UnsupportedOpError, match="method='article' needs a gradient"),
    ):
        attribute(net, X, method="article")
    smooth = sandwich(lambda t: t.cumsum(1))
    with hw.register_rule("aten.cumsum", shared_evenly):
        e = hw.attribute(smooth, X, method="article")
    assert [layer["label"] for layer in e.trace.header["layers"]] == ["input", "0", "1", "2"]


def failing(inputs: Sequence[Any], output: Tensor, relevance: Tensor) -> Any:
    raise KeyError("mine")


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (failing, r"failed: KeyError: 'mine'"),
        (lambda i, o, r: [r.relu(), None], "is not linear in the relevance"),
        (lambda i, o, r: [r, None, None], r"must give a list of at most 2 entries, one for each argument"),
        (
            lambda i, o, r: r.sum(),
            r"must give a tensor of shape \(1, 4\) to an argument of that shape, not one of \(\)",
        ),
        (lambda i, o, r: [3.0, None], r"must give a tensor of shape \(1, 4\) to an argument of that shape, not float"),
        (lambda i, o, r: [r / 0, None], "must give finite relevance"),
        (lambda i, o: [o, None], "failed: TypeError"),
        (lambda i, o, r: 3, "must give a list of at most 2 entries"),
    ],
)
def test_functions_that_do_not_keep_their_promise(share: Any, message: str) -> None:
    net = sandwich(lambda t: soft(t, 0.1))
    with (
        hw.register_rule("hw_tests.soft", share),
        pytest.raises(ValueError, match=rf"the rule registered for hw_tests\.soft\.default .*{message}"),
    ):
        attribute(net, X)


def test_a_single_tensor_does_not_do_for_several() -> None:
    net = sandwich(lambda t: torch.hypot(t, t))
    with (
        hw.register_rule("aten.hypot", lambda i, o, r: r),
        pytest.raises(ValueError, match="a list with an entry for each argument of the op, since several come"),
    ):
        attribute(net, X)


@pytest.mark.parametrize(
    ("op", "rule", "error", "message"),
    [
        ("aten.no_such_op", "pass", ValueError, "no op is named 'aten.no_such_op'"),
        ("aten.cumsum.no_such", "pass", ValueError, "no op is named 'aten.cumsum.no_such'"),
        ("cumsum", "pass", TypeError, "op must be a name such as 'aten.cumsum' or an op of torch.ops, not 'cumsum'"),
        (torch.relu, "pass", TypeError, "op must be a name"),
        (None, "pass", TypeError, "op must be a name"),
        ("aten.linear", "pass", ValueError, "aten.linear is made of other ops, and these are what is recorded"),
        ("aten.tanh", "copy", ValueError, "rule='copy' is not one of 'pass', 'linear', 'gradient'"),
        ("aten.tanh", 3, TypeError, "rule must be a word, a Rule or a function"),
        ("aten.tanh", hw.Rule, TypeError, "rule must be a word, a Rule or a function"),
    ],
)
def test_registrations_that_cannot_be_meant(op: Any, rule: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        hw.register_rule(op, rule)


@pytest.mark.parametrize(
    ("name", "rule", "op", "message"),
    [
        (
            "hw_tests.soft",
            "linear",
            lambda t: soft(t, 0.1),
            r"soft\.default in module '1': it is not linear in its input",
        ),
        ("aten.hypot", "linear", lambda t: torch.hypot(t, t), "several of its inputs come from x"),
        ("aten.logsumexp", "pass", lambda t: t.logsumexp(1, keepdim=True).expand(1, 4), "whose result has 1 entries"),
        ("hw_tests.both", "pass", lambda t: sum(both(t)), "a registered rule is for one result, but of .* 2 are read"),
    ],
)
def test_rules_that_do_not_fit_their_op(name: str, rule: Any, op: Any, message: str) -> None:
    with hw.register_rule(name, rule), pytest.raises(hw.UnsupportedOpError, match=message):
        attribute(sandwich(op), X)


def test_a_matrix_that_would_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heapwidget.engine.ops.dense.JACOBIAN_LIMIT", 3)
    with (
        hw.register_rule("aten.cumsum", "linear"),
        pytest.raises(hw.UnsupportedOpError, match="its matrix would be too large; register a function"),
    ):
        attribute(sandwich(lambda t: t.cumsum(1)), X)


def test_custom_ops_that_write_into_their_input_are_refused() -> None:
    def net(t: Tensor) -> Tensor:
        t = t.clone()
        twice(t)
        return t

    with pytest.raises(hw.UnsupportedOpError, match=r"the op hw_tests\.twice writes into a tensor"):
        attribute(sandwich(net), X)


def test_one_of_two_results_may_be_read() -> None:
    with hw.register_rule("hw_tests.both", "pass"):
        e = attribute(sandwich(lambda t: both(t)[1]), X)
    adds_up(e, close=1e-9)
