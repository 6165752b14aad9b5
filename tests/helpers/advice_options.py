"""Refusals of options, and of questions to an explanation, each with what follows its advice."""

from __future__ import annotations

import copy
import pickle
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from helpers.advice import NET, TWO, Row, X, attribute, digit, explained
from helpers.nets import Fn
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.display.page import Shown
from heapwidget.display.panels import PANELS, register_panel


def saved() -> hw.Explanation:
    """An explanation that was in a file."""
    return reread(explained())


def reread(explanation: hw.Explanation) -> hw.Explanation:
    """The same out of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.npz"
        explanation.save(path)
        return hw.load(path)


def steep(dtype: torch.dtype) -> nn.Module:
    """A net of ones whose gradient grows 2**23 times by layer."""
    layers = [nn.Linear(2, 2, bias=False, dtype=dtype) for _ in range(6)]
    for layer in layers:
        layer.weight.data = torch.tensor([[2.0**23, 1 - 2.0**23], [0, 1]], dtype=dtype)
    return nn.Sequential(*layers)


def shown(bookmarks: Any) -> Any:
    return Shown.at(digit(), 0, bookmarks)


def paneled(name: str) -> None:
    with mock.patch.dict(PANELS):
        register_panel(name)


class Overwritten(nn.Module):
    """Autograd refuses what it writes."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.exp(x)
        z = y * 2
        y.mul_(3)
        return z + y


def measured(**options: Any) -> Any:
    return digit().faithfulness(progress=False, **{"steps": 2, "random_orders": 0, **options})


def both_measured(**options: Any) -> Any:
    return attribute(TWO, (X, 2 * X)).faithfulness(progress=False, steps=2, **options)


def few_keys() -> Any:
    with mock.patch("heapwidget.methods.article.LOG_LIMIT", 40):
        return digit(method="article")


ROOT, ZERO = Fn(lambda x: x.sqrt()), torch.zeros(1, 3)
HUGE = nn.Linear(3, 1, bias=False)
nn.init.constant_(HUGE.weight, 1.0)
RUNNING, LONG = Fn(lambda x: x.logcumsumexp(1)), torch.ones(1, 2100)
STEEP, STEEP_DOUBLE, ONES = steep(torch.float32), steep(torch.float64), torch.ones(1, 2)
# The first half of a surrogate pair stands at its end.
HALVED = "a letter \ud83d"
CUT = nn.Sequential(NET, Fn(lambda z: z.detach()))


class Parting(nn.Module):
    """It chooses its way by what it sees."""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp() if float(x.sum()) > 0 else x + 1


OPTIONS = [
    Row(
        "baseline must be a number, a tensor like x, 'blur', 'mean' or None",
        lambda: explained(baseline=True),
        lambda: [explained(baseline=b) for b in (1, X * 0, "blur", "mean", None)],
    ),
    Row("baseline must be finite", lambda: explained(baseline=float("inf")), lambda: explained(baseline=1e4)),
    Row(
        "baseline holds 0 parts to average over; give as many for each input, and at least one",
        lambda: explained(baseline=[]),
        lambda: [explained(baseline=[0.0]), explained(baseline=[0.0, X * 0.5, "mean"])],
    ),
    Row(
        "take a baseline that goes the way of x, such as baseline='blur', or baseline=None",
        lambda: attribute(Parting(), X.abs() + 1, baseline=0),
        lambda: [attribute(Parting(), X.abs() + 1, baseline=b) for b in ("blur", None)],
    ),
    Row(
        "take another, such as baseline='mean', or None",
        lambda: attribute(Fn(lambda x: x.log()), X.abs() + 1, baseline=0, target=0),
        lambda: [attribute(Fn(lambda x: x.log()), X.abs() + 1, baseline=b, target=0) for b in ("mean", None)],
    ),
    Row("is not a fraction of the target between 0 and 1", lambda: explained(floor=2), lambda: explained(floor=0.5)),
    Row("max_pops must not be negative", lambda: explained(max_pops=-1), lambda: explained(max_pops=0)),
    Row("finish must be True or False", lambda: explained(finish="no"), lambda: explained(finish=False)),
    Row(
        "finish=False is for method='relevance'",
        lambda: explained(finish=False, method="gradient"),
        lambda: explained(finish=False, method="relevance"),
    ),
    Row(
        "so max_pops must be at least 1",
        lambda: explained(finish=False, max_pops=0),
        lambda: explained(finish=False, max_pops=1),
    ),
    Row(
        "order='ascending' is for method='gradient'",
        lambda: explained(order="ascending"),
        lambda: explained(order="ascending", method="gradient"),
    ),
    Row(
        "contribution='gradient' is for method='article'",
        lambda: explained(contribution="gradient"),
        lambda: explained(contribution="gradient", method="article"),
    ),
    Row(
        "priority='bound' is for method='relevance'",
        lambda: explained(priority="bound", method="gradient"),
        lambda: explained(priority="bound", method="relevance"),
    ),
    Row(
        "method='lime' is not one of 'relevance', 'gradient', 'article'",
        lambda: explained(method="lime"),
        lambda: [explained(method=m) for m in ("relevance", "gradient", "article")],
    ),
    Row(
        "flor=0.5 is no option of any method; method='relevance' knows baseline, rule, nodes, floor, ",
        lambda: explained(flor=0.5),
        lambda: explained(floor=0.5),
    ),
    Row("there is a panel 'heap' already; take another name than ", lambda: paneled("heap"), lambda: paneled("tally")),
    Row("floor must be a number", lambda: explained(floor="small"), lambda: explained(floor=0.01)),
    Row(
        "nodes must be a granularity or a mapping from patterns to some",
        lambda: explained(nodes=3),
        lambda: [explained(nodes="unit"), explained(nodes={"*": "unit"})],
    ),
    Row(
        "which is no layer label or pattern",
        lambda: explained(nodes={3: "unit"}),
        lambda: explained(nodes={"0": "unit"}),
    ),
    Row(
        "nodes names no layer 'conv9'; the layers are conv1, pool1, conv2, pool2, fc1, fc2, fc3",
        lambda: digit(nodes={"conv9": "unit"}),
        lambda: digit(nodes={"conv1": "unit"}),
    ),
    Row(
        "take a net with fewer layers, coarser nodes (nodes='layer'), or method='relevance'",
        lambda: attribute(HUGE, torch.full((1, 3), 1e38), method="article"),
        lambda: attribute(HUGE, torch.full((1, 3), 1e38), method="relevance"),
    ),
    Row(
        "take coarser nodes, for example nodes='position' or nodes='channel'",
        few_keys,
        lambda: [digit(method="article", nodes=nodes) for nodes in ("position", "channel")],
    ),
    Row(
        "a large op without a rule has none; use 'mass'",
        lambda: attribute(RUNNING, LONG, target=0, priority="bound"),
        lambda: attribute(RUNNING, LONG, target=0, priority="mass"),
    ),
    Row(
        "take method='relevance'",
        lambda: attribute(Overwritten(), X, target=0, method="gradient"),
        lambda: attribute(Overwritten(), X, target=0, method="relevance"),
    ),
    Row(
        "the gradient is not finite, though all activations are, as that of a root at 0 or of many steep layers; take "
        "method='relevance'",
        lambda: attribute(ROOT, ZERO, target=0, method="gradient"),
        lambda: [attribute(net, x, target=0, method="relevance") for net, x in ((ROOT, ZERO), (STEEP, ONES))],
    ),
    Row(
        "the shares of this net outgrow float32, in which a trace holds them; take rule='zplus'",
        lambda: attribute(STEEP, ONES, target=0, rule="epsilon"),
        lambda: reread(attribute(STEEP, ONES, target=0, rule="zplus")),
    ),
    *(
        Row(
            "the shares of this net outgrow float32, in which a trace holds them; take method='relevance'",
            lambda method=method: attribute(STEEP_DOUBLE, ONES.double(), target=0, method=method),
            lambda: reread(attribute(STEEP_DOUBLE, ONES.double(), target=0, method="relevance")),
        )
        for method in ("gradient", "article")
    ),
    Row(
        "method='relevance' follows the numbers themselves",
        lambda: attribute(CUT, X, method="gradient"),
        lambda: attribute(CUT, X, method="relevance"),
    ),
]

QUESTIONS = [
    Row(
        "this explanation has steps 0 to",
        lambda: explained().selected(-1),
        lambda: [explained().selected(step) for step in (0, explained().trace.n_steps)],
    ),
    Row(
        "so it keeps no ledger; use method='relevance'",
        lambda: explained(method="gradient").ledger,
        lambda: explained(method="relevance").ledger,
    ),
    Row("max_pops must be at least 1", lambda: explained().refine(0), lambda: explained().refine(1)),
    Row(
        "is not between 0 and the walk's floor so far",
        lambda: explained(floor=0.1).refine(floor=0.2),
        lambda: explained(floor=0.1).refine(floor=0.05),
    ),
    Row(
        "only method='relevance' walks, and a file or a copy (deepcopy, pickle) keeps the trace, not the net; explain "
        "again with attribute(net, x)",
        lambda: saved().refine(),
        lambda: [explained(method="relevance").refine(), attribute(NET, X).refine()],
    ),
    Row(
        "only method='relevance' moves relevance, and a file or a copy (deepcopy, pickle) keeps the trace, not the "
        "net; explain again with attribute(net, x)",
        lambda: explained(method="gradient").paths(),
        lambda: [explained(method="relevance").paths(), attribute(NET, X).paths()],
    ),
    Row("k must be at least 1", lambda: explained().paths(0), lambda: explained().paths(1)),
    Row(
        "explain again with attribute(net, x)",
        lambda: saved().faithfulness(),
        lambda: attribute(NET, X).faithfulness(progress=False),
    ),
    Row(
        "take score='logit', the target itself",
        lambda: digit(target=(7, 1)).faithfulness(score="probability"),
        lambda: digit(target=(7, 1)).faithfulness(score="logit", steps=2),
    ),
    Row("steps must be at least 1", lambda: measured(steps=0), lambda: measured(steps=1)),
    Row("random_orders must be at least 0", lambda: measured(random_orders=-1), lambda: measured(random_orders=0)),
    Row("baseline='grey' is not one of 'blur'", lambda: measured(baseline="grey"), lambda: measured(baseline="blur")),
    Row(
        "so a baseline of tensors must be a tuple of 2",
        lambda: both_measured(baseline=X),
        lambda: both_measured(baseline=(X, X)),
    ),
    Row(
        "baseline has 1 parts, but x holds 2 inputs; they must agree",
        lambda: both_measured(baseline=(X,)),
        lambda: both_measured(baseline=(X, 0.5)),
    ),
    Row(
        "give a number or a tensor like x",
        lambda: measured(baseline=torch.ones(3)),
        lambda: [measured(baseline=0.5), measured(baseline=torch.ones(1, 1, 28, 28))],
    ),
    Row(
        "compare takes two explanations, as attribute(net, x) gives them",
        lambda: hw.compare(explained(), X),
        lambda: hw.compare(explained(), attribute(NET, X)),
    ),
    Row(
        "selected_node 99999 is no node: there are",
        lambda: explained().view(selected_node=99999),
        lambda: explained().view(selected_node=0),
    ),
    Row(
        'bookmarks must be a list of {"step": 12, "label": "..."} or a mapping from steps to labels',
        lambda: shown(3),
        lambda: [shown([{"step": 1, "label": "..."}]), shown({1: "..."})],
    ),
    Row(
        'a bookmark is {"step": 12, "label": "..."}, a pair of both or a step',
        lambda: shown([{"at": 1}]),
        lambda: shown([{"step": 1, "label": "..."}, (2, "two"), 3]),
    ),
    Row("must be a string, not 7", lambda: shown({1: 7}), lambda: shown({1: "7"})),
    Row("holds half a letter", lambda: shown({1: HALVED}), lambda: shown({1: HALVED[:-1]})),
    Row("the steps are 0 to", lambda: shown([99999]), lambda: shown([0, explained().trace.n_steps])),
]

VIEWERS = [
    Row(
        "do so with its explanation e = viewer.explanation, or write it with e.save(path) and read it with "
        "hw.load(path), and show it with e.view()",
        lambda copied=copied: copied(explained().view()),
        lambda copied=copied: [copied(explained().view().explanation), saved(), saved().view()],
    )
    for copied in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one)))
]

ROWS = [*OPTIONS, *QUESTIONS, *VIEWERS]
