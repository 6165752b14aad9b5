"""Each rule on each linear op beside its slow twin."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import slow_twins as twins
from helpers.examples import examples
from helpers.nets import SIGNS, values
from helpers.rule_twins import RULES, twin_of, twin_of_matrix
from helpers.twin_checks import assert_twins, last_flow
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine import rules
from heapwidget.engine.composites import COMPOSITES
from heapwidget.engine.flow import inverse, is_zero, may_hold_zero
from heapwidget.engine.rules import (
    Branch,
    Rule,
    Term,
    absolute,
    alpha_beta,
    epsilon,
    flat,
    gamma,
    w_square,
    z_box,
    zplus,
)

ROOT = Path(__file__).resolve().parents[2]

SIGNED = {zplus: False, epsilon: True, gamma: True, alpha_beta: True, absolute: False, flat: False, w_square: False}


def double(net: nn.Module, sign: str, seed: int) -> nn.Module:
    """The module in float64, its weights and biases of a sign, about a fifth of them zero."""
    net = net.double()
    with torch.no_grad():
        for number, p in enumerate(net.parameters()):
            drawn = values(tuple(p.shape), sign, seed + number)
            p.copy_(drawn * (values(tuple(p.shape), "both", seed - number) > -0.8))
    return net


def check(net: nn.Module, x: Tensor, rule: str, linear: Callable[[Tensor, Tensor], Tensor]) -> None:
    """`linear(x, w)` is the module without its bias, all with the batch axis of one."""
    w, bias = net.weight.detach(), net.bias
    out = linear(x, w)
    b = torch.zeros_like(out) if bias is None else net(torch.zeros_like(x)).detach()
    layer, flow = last_flow(net, x, RULES[rule])
    assert_twins(layer, flow, twin_of(rule, x, linear, w, b.numpy().ravel()), exact_k="box" not in rule)


@st.composite
def convolutions(draw: st.DrawFn, transposed: bool) -> tuple[nn.Module, Tensor, Callable[[Tensor, Tensor], Tensor]]:
    """A convolution of random settings, its input, and what it does with a weight."""
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    inputs, outputs = (groups * draw(st.integers(1, 2)) for _ in range(2))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    size, kernel, stride, padding, dilation = each(2, 5), each(1, 3), each(1, 3), each(0, 2), each(1, 2)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if transposed:
        # PyTorch wants less of it than of stride or dilation.
        settings["output_padding"] = tuple(
            draw(st.integers(0, max(t, d) - 1)) for t, d in zip(stride, dilation, strict=True)
        )
        outs = [
            (n - 1) * t - 2 * p + d * (k - 1) + 1 + more
            for n, k, t, p, d, more in zip(
                size, kernel, stride, padding, dilation, settings["output_padding"], strict=True
            )
        ]
    else:
        outs = [
            (n + 2 * p - d * (k - 1) - 1) // t + 1
            for n, k, t, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
        ]
    assume(min(outs) >= 1)
    assume(outputs * int(np.prod(outs)) <= 150)
    name = f"Conv{'Transpose' if transposed else ''}{rank}d"
    net = getattr(nn, name)(inputs, outputs, kernel, bias=draw(st.booleans()), **settings)
    seed = draw(st.integers(10, 10**6))
    net = double(net, draw(st.sampled_from(["both", "both", "negative", "positive"])), seed)
    x = values((1, inputs, *size), draw(st.sampled_from(SIGNS)), seed + 9)
    run = getattr(torch, f"conv{'_transpose' if transposed else ''}{rank}d")

    def linear(u: Tensor, w: Tensor) -> Tensor:
        return run(u, w, None, **settings)

    return net, x, linear


@pytest.mark.parametrize("rule", RULES)
@given(convolutions(transposed=False))
@examples(25)
def test_convolution(rule: str, drawn: tuple[nn.Module, Tensor, Callable[[Tensor, Tensor], Tensor]]) -> None:
    net, x, linear = drawn
    check(net, x, rule, linear)


@pytest.mark.parametrize("rule", RULES)
@given(convolutions(transposed=True))
@examples(10)
def test_transposed_convolution(rule: str, drawn: tuple[nn.Module, Tensor, Callable[[Tensor, Tensor], Tensor]]) -> None:
    net, x, linear = drawn
    check(net, x, rule, linear)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bias", [True, False])
@given(
    shape=st.sampled_from([(1, 7), (1, 1), (7,), (1, 4, 5), (1, 3, 1), (1, 2, 3, 4)]),
    outputs=st.integers(1, 6),
    sign=st.sampled_from(SIGNS),
    seed=st.integers(10, 10**6),
)
@examples(10)
def test_linear(rule: str, bias: bool, shape: tuple[int, ...], outputs: int, sign: str, seed: int) -> None:
    net = double(nn.Linear(shape[-1], outputs, bias=bias), "both", seed)
    x = values(shape, sign, seed + 9)
    check_rows(net, x, rule)


def check_rows(net: nn.Module, x: Tensor, rule: str) -> None:
    """A linear layer on vectors, on tokens, or on rows of rows: its layer counts them in one go."""
    w = net.weight.detach()
    layer, flow = last_flow(net, x, RULES[rule])
    b = net(torch.zeros_like(x)).detach().numpy().ravel()
    assert int(np.prod(layer.shape)) == b.size
    assert_twins(layer, flow, twin_of(rule, x, lambda u, v: u @ v.mT, w, b), exact_k="box" not in rule)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_batch_norm_is_merged(rule: str, affine: bool, bias: bool) -> None:
    conv = double(nn.Conv2d(2, 3, 3, padding=1, bias=bias), "both", 50)
    norm = nn.BatchNorm2d(3, affine=affine).double()
    norm.running_mean[:] = torch.tensor([0.3, -1.0, 2.0])
    norm.running_var[:] = torch.tensor([0.5, 2.0, 1.0])
    if affine:
        with torch.no_grad():
            norm.weight[:] = torch.tensor([-1.5, 2.0, 0.0])
            norm.bias[:] = torch.tensor([0.5, -0.2, 1.0])
    net = nn.Sequential(conv, norm).eval()
    x = values((1, 2, 4, 5), "both", 3)
    layer, flow = last_flow(net, x, RULES[rule])
    b = net(torch.zeros_like(x)).detach().numpy().ravel()
    matrix = twins.dense(lambda u: net(u) - net(torch.zeros_like(x)), tuple(x.shape))
    if rule == "flat":
        # Every input in reach of the kernel shares, also where the norm's scale is 0.
        ones = torch.ones_like(conv.weight)
        shares = twins.flat(twins.dense(lambda u: torch.conv2d(u, ones, padding=1), tuple(x.shape)) > 0)
    else:
        shares = twin_of_matrix(rule, x, matrix, b)
    assert_twins(layer, flow, shares, exact_k="box" not in rule)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "flat"])
@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 3)])
def test_batch_norm_is_merged_into_a_product(rule: str, shape: tuple[int, ...]) -> None:
    """Behind a linear layer on a vector; tokens come to the norm turned, which it then passes."""
    linear = double(nn.Linear(shape[-1], 3), "both", 51)
    norm = nn.BatchNorm1d(3).double()
    norm.running_mean[:], norm.running_var[:] = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.5, 2.0, 1.0])
    with torch.no_grad():
        norm.weight[:], norm.bias[:] = torch.tensor([-1.5, 2.0, 0.5]), torch.tensor([0.5, -0.2, 1.0])
    x = values(shape, "both", 3)
    if len(shape) == 2:
        layer, flow = last_flow(nn.Sequential(linear, norm).eval(), x, RULES[rule])
        matrix, b = (norm.eval()(linear(u)).detach() for u in (torch.eye(4).double(), torch.zeros(1, 4).double()))
        shares = twin_of_matrix(rule, x, (matrix - b).mT.numpy(), b[0].numpy())
    else:
        layer, flow = last_flow(lambda t: norm.eval()(linear(t).mT), x, RULES[rule])
        b = linear(torch.zeros_like(x)).detach()
        shares = twin_of_matrix(rule, x, twins.dense(lambda u: linear(u) - b, shape), b.numpy().ravel())
    assert_twins(layer, flow, shares, exact_k="box" not in rule)


@pytest.mark.parametrize(("make", "signed"), SIGNED.items())
def test_rules_say_what_they_are(make: Callable[[], Rule], signed: bool) -> None:
    rule = make()
    assert rule.name == make.__name__
    assert rule.signed == signed


@pytest.mark.parametrize(("alpha", "beta"), [(2, 2), (1, 1), (0, -1)])
def test_alpha_less_beta_is_one(alpha: float, beta: float) -> None:
    with pytest.raises(ValueError, match=f"alpha={alpha} and beta={beta}"):
        alpha_beta(alpha, beta)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: epsilon(-0.1), "epsilon must not be negative, but is -0.1"),
        (lambda: epsilon(float("nan")), "epsilon must not be negative, but is nan"),
        (lambda: gamma(-1), "gamma must not be negative, but is -1"),
        (lambda: z_box(1, 1), "low must be below high, but low=1 and high=1"),
    ],
)
def test_numbers_that_make_no_rule(make: Callable[[], Rule], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", [(1, 5), (1, 3, 5), (1, 2, 3, 5)])
@pytest.mark.parametrize("form", ["after", "before", "from", "minus"])
def test_a_bias_added_by_hand_is_a_bias(rule: str, shape: tuple[int, ...], form: str) -> None:
    w, b = values((5, 4), "both", 6), values((4,), "both", 7)
    x = values(shape, "both", 8)
    sign = -1.0 if form == "from" else 1.0
    shift = -b if form == "minus" else b

    def net(t: Tensor) -> Tensor:
        z = t @ w
        return {"after": lambda: z + b, "before": lambda: b + z, "from": lambda: b - z, "minus": lambda: z - b}[form]()

    layer, flow = last_flow(net, x, RULES[rule])
    row = np.tile(shift.numpy(), int(np.prod(shape)) // 5)
    shares = twin_of(rule, x, lambda u, v: sign * (u @ v), w, row)
    assert_twins(layer, flow, shares, exact_k="box" not in rule)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_divided_by_next_to_nothing(dtype: torch.dtype) -> None:
    d = torch.tensor([0.0, -0.0, 1e-31, -1e-31, torch.nan, torch.inf, 2.0, -4.0, 1e-29], dtype=dtype)
    expected = torch.tensor([0, 0, 0, 0, 0, 0, 0.5, -0.25, 1e29], dtype=dtype)
    torch.testing.assert_close(inverse(d), expected)
    assert is_zero(inverse(d[:6]))
    assert not is_zero(inverse(d))
    assert may_hold_zero(inverse(d))
    assert not may_hold_zero(d[[6, 8]])
    assert not may_hold_zero(d[[7]])
    assert is_zero(d[:0])


def test_each_rule_has_its_entry_its_twin_and_its_row() -> None:
    functions = {name: inspect.signature(f) for name, f in vars(rules).items() if inspect.isfunction(f)}
    made = {name: how for name, how in functions.items() if how.return_annotation == "Rule"}
    needs = {name for name, how in made.items() if any(p.default is p.empty for p in how.parameters.values())}
    assert set(rules.RULES) == set(made) - needs
    assert {name.split()[0] for name in RULES} == set(made)
    text = (ROOT / "docs" / "rules.md").read_text("utf-8")
    rows = re.findall(r"^\| `\"?(\w+)(?:\"|\(.*\))` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted([*made, *COMPOSITES])
    assert set(made) <= set(hw.__all__)


def test_a_rule_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry is all that it takes, for a layer and everywhere."""
    squares = Rule("squares", "x²w²", (Branch((Term(torch.square, torch.square),)),), signed=False)
    monkeypatch.setitem(rules.RULES, "squares", lambda: squares)
    net, x = nn.Linear(4, 2, bias=False), values((1, 4), "both", 3).float()
    e = hw.attribute(net, x, rule="squares", target=1)
    shares = twins.proportional((net.weight * x).detach().double().numpy() ** 2).to[0][1]
    np.testing.assert_allclose(e.attribution.numpy().ravel(), net(x)[0, 1].item() * shares, rtol=1e-5)
    assert e.trace.header["rule"] == "squares"
    assert hw.attribute(net, x, rule={"linear": "squares"}, target=1).attribution.equal(e.attribution)
