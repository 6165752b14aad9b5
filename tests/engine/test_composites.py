"""Which rule each layer gets, and which nodes: by name, as data, by patterns; and rules of one's own."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from helpers import slow_twins as twins
from helpers.named import named
from helpers.nets import DIGIT, adds_up, graph_of, values
from helpers.twin_checks import assert_twins, last_flow
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.boxes import GRANULARITIES, partition
from heapwidget.engine.composites import COMPOSITES, composite
from heapwidget.engine.rules import RULES
from heapwidget.samples import lenet

IMAGE = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(4))


def deep() -> nn.Module:
    """Two blocks of two convolutions each, and a head."""
    torch.manual_seed(0)

    def block(channels: int) -> nn.Module:
        first, second = nn.Conv2d(channels, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

    parts = {
        "down": block(1),
        "deep": block(3),
        "pool": nn.AvgPool2d(2),
        "flat": nn.Flatten(),
        "head": nn.Linear(48, 3),
    }
    return nn.Sequential(OrderedDict(parts))


def rules_of(rule: Any) -> list[str]:
    """The names of the rules of the layers with weights, in order."""
    graph = graph_of(deep(), IMAGE)
    found = composite(rule).rules(graph)
    return [r.name for layer, r in zip(graph.layers, found, strict=True) if layer.op in ("conv", "linear")]


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("zplus", ["zplus"] * 5),
        ("epsilon_plus", [*["zplus"] * 4, "epsilon"]),
        ("epsilon_plus_flat", ["flat", *["zplus"] * 3, "epsilon"]),
        ("epsilon_gamma_box", ["z_box", *["gamma"] * 3, "epsilon"]),
        ("alpha2_beta1", [*["alpha_beta"] * 4, "epsilon"]),
        ({"first": "flat", "head": "epsilon", "*": "gamma"}, ["flat", *["gamma"] * 3, "epsilon"]),
        ({"deep": "gamma", "conv": "zplus", "linear": "flat"}, ["zplus", "zplus", "gamma", "gamma", "flat"]),
        ({"d*.0": hw.absolute(), "down": "flat", "*": "zplus"}, ["absolute", "flat", "absolute", "zplus", "zplus"]),
        ({"*": "zplus", "head": "epsilon"}, ["zplus"] * 5),
        (hw.alpha_beta(1, 0), ["alpha_beta"] * 5),
        (hw.Composite("mine", (("head", hw.epsilon(0.1)), ("*", "zplus"))), [*["zplus"] * 4, "epsilon"]),
        (hw.Composite("mine", [["*", hw.z_box(0, 1)]]), ["z_box"] * 5),
    ],
    ids=named,
)
def test_the_first_pattern_that_fits_gives_the_rule(rule: Any, names: list[str]) -> None:
    assert rules_of(rule) == names
    e = hw.attribute(deep(), IMAGE, rule=rule)
    assert e.trace.header["rule"] == composite(rule).name
    adds_up(e)


@pytest.mark.parametrize("name", [*RULES, *COMPOSITES])
def test_every_composite_runs_by_name(name: str) -> None:
    e = hw.attribute(lenet(), DIGIT, rule=name)
    assert e.trace.header["rule"] == name
    adds_up(e)


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        ({"conv9": "zplus"}, ValueError, "rule names no layer 'conv9'; the layers are down.0, down.2, deep.0"),
        ({"first": "flat"}, ValueError, r"rule names nothing for layer 'down.2'; end the list with \('\*', 'zplus'\)"),
        ({"*": "z"}, ValueError, "rule='z' is not one of 'zplus', 'epsilon'"),
        ({"*": 3}, TypeError, "a pattern's rule must be a name or a Rule, not 3"),
        ({3: "zplus"}, TypeError, r"entries must be pairs \(pattern, rule\)"),
        ({}, ValueError, "rule names nothing for layer 'down.0'"),
    ],
    ids=named,
)
def test_mappings_that_cannot_be_meant(rule: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        hw.attribute(deep(), IMAGE, rule=rule)


@pytest.mark.parametrize("entries", ["zplus", [("*",)], [3], ["ab"], [(3, "zplus")]], ids=str)
def test_composites_of_something_else(entries: Any) -> None:
    with pytest.raises(TypeError, match=r"a composite's entries must be pairs \(pattern, rule\)"):
        hw.Composite("mine", entries)


def test_a_composite_has_a_name_in_text() -> None:
    with pytest.raises(TypeError, match="a composite's name must be text, not 3"):
        hw.Composite(3, (("*", "zplus"),))


def test_the_first_of_a_family() -> None:
    """The first layers here are two, of which one is a convolution."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.row = nn.Conv2d(1, 2, 3), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).mean((2, 3)) + self.row(x).mean((1, 2))

    graph = graph_of(Both(), IMAGE)
    found = composite({"first conv": "flat", "*": "gamma"}).rules(graph)
    ruled = {layer.op: rule.name for layer, rule in zip(graph.layers, found, strict=True) if layer.ruled}
    assert ruled == {"conv": "flat", "linear": "gamma"}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("epsilon_plus", "all its layers get 'epsilon'"),
        ("epsilon_plus_flat", "all its layers get 'flat' and 'epsilon'"),
        ("epsilon_gamma_box", "all its layers get 'epsilon'"),
        ("alpha2_beta1", "all its layers get 'epsilon'"),
        ("signed_head", None),
        ("zplus", None),
        ({"conv": "zplus", "*": "epsilon"}, None),
    ],
    ids=named,
)
def test_a_composite_for_convolutions_on_a_net_without(rule: Any, told: str | None) -> None:
    warning = composite(rule).warning(graph_of(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), torch.ones(1, 4)))
    assert warning is None if told is None else told in (warning or "")
    assert composite(rule).warning(graph_of(deep(), IMAGE)) is None


def test_of_many_layers_the_nearest_are_told() -> None:
    net = nn.Sequential(*[nn.Linear(4, 4) for _ in range(30)])
    with pytest.raises(ValueError, match=r"nodes names no layer '31'; near are [\d, ]+$"):
        hw.attribute(net, torch.ones(1, 4), nodes={"31": "layer"})


# --- Rules of one's own -----------------------------------------------------------------------------------------------


def squared(x: Tensor) -> Tensor:
    return x * x


SQUARES = hw.Rule("squares", "x²w²", (hw.Branch((hw.Term(squared, squared),)),), signed=False)


def test_a_rule_of_ones_own_does_what_it_says() -> None:
    x = values((1, 3, 4), "both", 3)
    torch.manual_seed(1)
    net = nn.Linear(4, 2).double()
    layer, flow = last_flow(net, x, SQUARES)
    matrix = twins.dense(lambda u: u @ net.weight.detach().mT, tuple(x.shape))
    assert_twins(layer, flow, twins.proportional((matrix * x.numpy().ravel()) ** 2))


def test_a_signed_rule_of_ones_own_with_bias_stabiliser_and_two_branches() -> None:
    same = hw.Term(lambda a: a, lambda a: a)
    rule = hw.Rule(
        "mixed",
        "mixed",
        (
            hw.Branch((same,), bias=lambda b: b, epsilon=0.3, coefficient=1.5, only=lambda z: z > 0),
            hw.Branch((same,), bias=lambda b: b, epsilon=0.3, only=lambda z: z <= 0),
            hw.Branch((hw.Term(torch.abs, torch.abs),), coefficient=-0.5, only=lambda z: z > 0),
        ),
    )
    assert rule.signed
    x = values((1, 5), "both", 3)
    torch.manual_seed(1)
    net = nn.Linear(5, 6).double()
    w, b = net.weight.detach().numpy(), net.bias.detach().numpy()
    z_ij = w * x.numpy()
    z = z_ij.sum(1) + b
    up = (z > 0)[:, None]
    plain = twins.epsilon(x[0].numpy(), w, b, 0.3)
    absolute = twins.proportional(np.abs(z_ij))
    to = np.where(up, 1.5 * plain.to[0] - 0.5 * absolute.to[0], plain.to[0])
    factor = np.where(z > 0, 1.5, 1.0)
    causes = {cause: plain.absorbed[cause] * factor for cause in ("bias", "stabiliser")}
    assert_twins(*last_flow(net, x, rule), twins.Shares([to], causes), exact_k=False)


@pytest.mark.parametrize("nodes", ["unit", "auto", "layer"])
def test_a_rule_of_ones_own_is_walked(nodes: str) -> None:
    e = hw.attribute(lenet(), DIGIT, rule={"fc*": "epsilon", "*": SQUARES}, nodes=nodes)
    whole = hw.attribute(lenet(), DIGIT, rule={"fc*": "epsilon", "*": SQUARES}, max_pops=0)
    torch.testing.assert_close(e.attribution, whole.attribution, rtol=1e-3, atol=1e-5)
    adds_up(e)


@pytest.mark.parametrize(
    "branch",
    [
        hw.Branch((hw.Term(lambda a: a, torch.abs),)),
        hw.Branch((hw.Term(torch.abs, torch.abs),), coefficient=-1.0),
        hw.Branch((hw.Term(torch.abs, torch.abs),), bias=lambda b: b),
    ],
)
def test_a_rule_that_says_it_is_not_signed_is_tried_out(branch: hw.Branch) -> None:
    with pytest.raises(ValueError, match="rule 'mine' can give a negative share, so it is signed"):
        hw.Rule("mine", "mine", (branch,), signed=False)


@pytest.mark.parametrize("branches", [(), "x", (3,), (hw.Term(torch.abs, torch.abs),)], ids=named)
def test_a_rule_needs_branches(branches: Any) -> None:
    with pytest.raises(TypeError, match="rule 'mine' needs branches"):
        hw.Rule("mine", "mine", branches)


# --- Nodes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "map_box", "token_box", "large_box"),
    [
        ("unit", (1, 1, 1), (1, 1), (1, 1, 1)),
        ("channel", (1, 6, 9), (50, 1), (1, 100, 70)),
        ("position", (4, 1, 1), (1, 8), (3, 1, 1)),
        ("token", (4, 1, 1), (1, 8), (3, 1, 1)),
        ("tile", (4, 2, 2), (2, 8), (3, 8, 8)),
        ("layer", (4, 6, 9), (50, 8), (3, 100, 70)),
        ("auto", (1, 1, 1), (1, 1), (3, 4, 4)),
    ],
)
def test_every_granularity_by_name(
    nodes: str, map_box: tuple[int, ...], token_box: tuple[int, ...], large_box: tuple[int, ...]
) -> None:
    assert partition((4, 6, 9), 0, nodes).box == map_box
    assert partition((50, 8), 1, nodes).box == token_box
    assert partition((3, 100, 70), 0, nodes).box == large_box
    assert partition((7,), None, nodes).box == ((7,) if nodes == "layer" else (1,))


def test_a_tile_is_one_of_256_at_most() -> None:
    assert partition((1, 32, 32), 0, "tile").n_nodes == 256
    assert partition((1, 33, 32), 0, "tile").box == (1, 4, 4)
    assert partition((600, 8), 1, "tile").box == (4, 8)


@pytest.mark.parametrize("nodes", GRANULARITIES)
def test_every_granularity_ends_in_the_same_attribution(nodes: str) -> None:
    e, whole = hw.attribute(lenet(), DIGIT, nodes=nodes, floor=1e-2), hw.attribute(lenet(), DIGIT, max_pops=0)
    torch.testing.assert_close(e.attribution, whole.attribution, rtol=1e-3, atol=1e-5)
    adds_up(e)


def boxes(nodes: Any) -> dict[str, list[int]]:
    layers = hw.attribute(deep(), IMAGE, nodes=nodes, max_pops=0).trace.header["layers"]
    return {layer["label"]: layer["box"] for layer in layers[1:]}


def test_nodes_by_label_module_family_and_star() -> None:
    found = boxes({"down.2": "channel", "down": "tile", "first": "layer", "conv": "position", "*": "layer"})
    convs = {"down.0": [3, 2, 2], "down.2": [1, 8, 8], "deep.0": [3, 1, 1], "deep.2": [3, 1, 1]}
    assert found == convs | {"pool": [3, 4, 4], "head": [3]}
    assert boxes({"d*": "channel"})["deep.2"] == [1, 8, 8]
    assert boxes({"d*": "channel"})["pool"] == [1, 1, 1]
