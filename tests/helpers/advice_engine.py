"""Refusals of ops, rules and composites, each with what follows its advice."""

from __future__ import annotations

from typing import Any

import torch
from helpers.advice import Row, X, attribute, digit, explained
from helpers.nets import Fn, mlp
from torch import Tensor, nn

import heapwidget as hw

TABLE = torch.rand(50, 8)


@torch.library.custom_op("hw_advice::spectrum", mutates_args=())
def spectrum(t: Tensor) -> Tensor:
    """The sizes of a row's frequencies."""
    return torch.fft.rfft(t).abs()


@torch.library.custom_op("hw_advice::both", mutates_args=())
def both(t: Tensor) -> tuple[Tensor, Tensor]:
    """Two results of one op."""
    return t * 2, t * 3


def evenly(inputs: Any, output: Tensor, relevance: Tensor) -> Any:
    """To all entries alike."""
    (x, *_) = inputs
    return torch.full_like(x, float(relevance.sum()) / x.numel())


def halves(inputs: Any, output: Tensor, relevance: Tensor) -> Any:
    """To both arguments alike."""
    return [relevance / 2, relevance / 2]


def sandwich(f: Any) -> nn.Module:
    return nn.Sequential(mlp(6, 4), Fn(f), nn.LazyLinear(2))


def run(f: Any, **options: Any) -> Any:
    net = sandwich(f)
    net(X)
    return attribute(net, X, **options)


def ruled(op: str, rule: Any, f: Any, **options: Any) -> Any:
    with hw.register_rule(op, rule):
        return run(f, **options)


def registers(op: Any, rule: Any = "pass") -> Any:
    with hw.register_rule(op, rule) as registration:
        return registration


def histogram(t: Tensor) -> Tensor:
    return torch.histc(t, 4)[None]


def hypot(t: Tensor) -> Tensor:
    return torch.hypot(t, t)


def running(t: Tensor) -> Tensor:
    return t.cumsum(1)


def total(t: Tensor) -> Tensor:
    return t.logsumexp(1, keepdim=True)


def not_linear(inputs: Any, output: Tensor, relevance: Tensor) -> Any:
    return relevance * relevance.abs()


def fails(inputs: Any, output: Tensor, relevance: Tensor) -> Any:
    return inputs[7]


def looked_up(t: Tensor) -> Tensor:
    return nn.functional.embedding(t.long(), TABLE)[:, 0]


PLUS = hw.Term(torch.relu, torch.relu)
MINUS = hw.Term(torch.relu, lambda w: w.clamp(max=0))

OPS = [
    Row(
        "explain what comes after it, such as the embeddings",
        lambda: attribute(Fn(looked_up), X),
        lambda: attribute(nn.Linear(8, 2), looked_up(X)),
    ),
    Row(
        "say how it shares relevance with heapwidget.register_rule('aten.histc', rule), or rewrite that part of the "
        "net with differentiable PyTorch ops",
        lambda: run(histogram),
        lambda: [ruled("aten.histc", evenly, histogram), run(lambda t: torch.stack([(t > 0.5) * t, t], 1).sum(1))],
    ),
    Row(
        "rewrite that part of the net without, or make one op of it with torch.library.custom_op and give that a rule "
        "with heapwidget.register_rule",
        lambda: run(lambda t: torch.fft.rfft(t).abs()),
        lambda: ruled("hw_advice.spectrum", evenly, spectrum),
    ),
    *(
        Row(
            f"which gives a {kind} tensor; rewrite that part of the net without",
            lambda odd=odd: run(odd),
            lambda: run(torch.relu),
        )
        for kind, odd in (
            ("nested", lambda t: torch.nested.nested_tensor([t[0]]).relu().to_padded_tensor(0)),
            ("nested", lambda t: torch.nested.as_nested_tensor([t[0]]).to_padded_tensor(0).relu()),
            ("sparse", lambda t: t.to_mkldnn().relu().to_dense()),
            ("sparse", lambda t: t.to_sparse().to_dense().relu()),
        )
    ),
    Row("pass the net's real input as x", lambda: attribute(Fn(lambda t: torch.ones(1, 3)), X), lambda: digit()),
    Row(
        "op must be a name such as 'aten.cumsum' or an op of torch.ops",
        lambda: registers("cumsum"),
        lambda: [registers("aten.cumsum"), registers(torch.ops.aten.cumsum)],
    ),
    Row(
        "define it before its rule, and name it as warnings do",
        lambda: registers("hw_advice.no_such_op"),
        lambda: registers("hw_advice.spectrum"),
    ),
    Row(
        "aten.linear is made of other ops, and these are what is recorded; register rules for them",
        lambda: registers("aten.linear"),
        lambda: registers("aten.addmm", "linear"),
    ),
    Row(
        "is not one of 'pass', 'linear', 'gradient'; others are Rules and functions",
        lambda: registers("aten.tanh", "copy"),
        lambda: [registers("aten.tanh", rule) for rule in ("pass", "linear", "gradient", hw.zplus(), evenly)],
    ),
    Row(
        "rule must be a word, a Rule or a function (inputs, output, relevance)",
        lambda: registers("aten.tanh", 3),
        lambda: [registers("aten.tanh", rule) for rule in ("pass", hw.zplus(), evenly)],
    ),
    Row(
        "whose result has 1 entries where its input has 4; register a function",
        lambda: ruled("aten.logsumexp", "pass", total),
        lambda: ruled("aten.logsumexp", evenly, total),
    ),
    Row(
        "several of its inputs come from x; register a function",
        lambda: ruled("aten.hypot", "linear", hypot),
        lambda: ruled("aten.hypot", halves, hypot),
    ),
    Row(
        "the rule 'linear' does not fit aten.logsumexp.default in module '1': it is not linear in its input; register "
        "a function",
        lambda: ruled("aten.logsumexp", "linear", total),
        lambda: ruled("aten.logsumexp", evenly, total),
    ),
    Row(
        "a registered rule is for one result, but of hw_advice.both.default in module '1' 2 are read",
        lambda: ruled("hw_advice.both", "pass", lambda t: sum(both(t))),
        lambda: ruled("hw_advice.both", "pass", lambda t: both(t)[0]),
    ),
    Row(
        "must give a list with an entry for each argument of the op, since several come from x",
        lambda: ruled("aten.hypot", lambda i, o, r: r, hypot),
        lambda: ruled("aten.hypot", halves, hypot),
    ),
    Row(
        "must give a list of at most 3 entries, one for each argument of the op in order",
        lambda: ruled("aten.cumsum", lambda i, o, r: [r, None, None, None], running),
        lambda: ruled("aten.cumsum", lambda i, o, r: [r, None, None], running),
    ),
    Row(
        "to an argument of that shape",
        lambda: ruled("aten.cumsum", lambda i, o, r: r[..., :2], running),
        lambda: ruled("aten.cumsum", lambda i, o, r: r, running),
    ),
    Row(
        "must give finite relevance, not NaN or infinite values",
        lambda: ruled("aten.cumsum", lambda i, o, r: r / 0, running),
        lambda: ruled("aten.cumsum", lambda i, o, r: r / 1, running),
    ),
    Row(
        "is not linear in the relevance: pieces passed on one by one do not add up to what it makes of their sum",
        lambda: ruled("aten.cumsum", not_linear, running, floor=0.0),
        lambda: ruled("aten.cumsum", evenly, running, floor=0.0),
    ),
    Row(
        "the rule registered for aten.cumsum.default failed: IndexError",
        lambda: ruled("aten.cumsum", fails, running),
        lambda: ruled("aten.cumsum", evenly, running),
    ),
]

RULES = [
    Row(
        "rule must be a name, a Rule, a Composite or a mapping from patterns to rules",
        lambda: digit(rule=3),
        lambda: [
            digit(rule=rule)
            for rule in ("zplus", hw.zplus(), hw.Composite("mine", (("*", hw.zplus()),)), {"*": "zplus"})
        ],
    ),
    Row("rule='lrp' is not one of 'zplus', 'epsilon'", lambda: digit(rule="lrp"), lambda: digit(rule="epsilon")),
    Row(
        "a pattern's rule must be a name or a Rule",
        lambda: digit(rule={"*": 3}),
        lambda: [digit(rule={"*": "zplus"}), digit(rule={"*": hw.zplus()})],
    ),
    Row("rule='lrp' is not one of 'zplus'", lambda: digit(rule={"*": "lrp"}), lambda: digit(rule={"*": "zplus"})),
    Row(
        "a composite's name must be text",
        lambda: hw.Composite(3, (("*", "zplus"),)),
        lambda: hw.Composite("3", (("*", "zplus"),)),
    ),
    Row(
        "a composite's entries must be pairs (pattern, rule)",
        lambda: hw.Composite("mine", ("*",)),
        lambda: hw.Composite("mine", (("*", "zplus"),)),
    ),
    Row(
        "end the list with ('*', 'zplus')",
        lambda: digit(rule=hw.Composite("mine", (("conv", "zplus"),))),
        lambda: digit(rule=hw.Composite("mine", (("conv", "zplus"), ("*", "zplus")))),
    ),
    Row(
        "rule names no layer 'conv9'; the layers are conv1",
        lambda: digit(rule={"conv9": "flat", "*": "zplus"}),
        lambda: digit(rule={"conv1": "flat", "*": "zplus"}),
    ),
    Row(
        "needs branches, not ()",
        lambda: hw.Rule("mine", "m", ()),
        lambda: digit(rule=hw.Rule("mine", "m", (hw.Branch((PLUS,)),))),
    ),
    Row(
        "can give a negative share, so it is signed",
        lambda: hw.Rule("mine", "m", (hw.Branch((MINUS,)),), signed=False),
        lambda: digit(rule=hw.Rule("mine", "m", (hw.Branch((MINUS,)),), signed=True)),
    ),
    Row("epsilon must not be negative", lambda: hw.epsilon(-1), lambda: digit(rule=hw.epsilon(0))),
    Row("gamma must not be negative", lambda: hw.gamma(-1), lambda: digit(rule=hw.gamma(0))),
    Row("alpha - beta must be 1 with beta >= 0", lambda: hw.alpha_beta(3, 1), lambda: digit(rule=hw.alpha_beta(3, 2))),
    Row("low must be below high", lambda: hw.z_box(1, 0), lambda: digit(rule={"first": hw.z_box(0, 1), "*": "zplus"})),
]

ROWS = [*OPS, *RULES]

WARNINGS = [
    Row(
        "a rule for any net is 'zplus', 'gamma' or 'epsilon'",
        lambda: explained(rule="epsilon_plus"),
        lambda: [explained(rule=rule, target=1) for rule in ("zplus", "gamma", "epsilon")],
    ),
]
