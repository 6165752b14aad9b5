"""The table of methods: each has its options, its twin and its row in the docs; one from elsewhere works end to end."""

from __future__ import annotations

import ast
import pydoc
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from helpers.nets import mlp
from helpers.traces import validate
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.arguments.question import Question
from heapwidget.errors import check_number
from heapwidget.methods.base import Answer
from heapwidget.methods.table import METHODS, PASSED_BY

PACKAGE = Path(hw.__file__).resolve().parent
METHOD_PAGE = (PACKAGE.parent / "docs" / "method.md").read_text(encoding="utf-8")
KEYWORDS = [
    *(
        "target",
        "method",
        "baseline",
        "rule",
        "nodes",
        "floor",
        "max_pops",
        "finish",
        "order",
        "priority",
        "contribution",
    ),
    *("class_names", "image", "feature_names", "tokens", "verify", "progress"),
]


def keywords(function: Callable[..., Any]) -> dict[str, Any]:
    """Keywords that are named, with their defaults."""
    return {p.name: p.default for p in signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}


# --- Options ----------------------------------------------------------------------------------------------------------


def test_the_keywords_are_those_promised() -> None:
    assert list(keywords(hw.attribute)) == KEYWORDS
    assert keywords(hw.explain) == keywords(hw.attribute) | {"panels": None}


def test_help_lists_all_of_them() -> None:
    told = pydoc.plain(pydoc.render_doc(hw.explain))
    for name, default in keywords(hw.attribute).items():
        assert re.search(rf"\b{name}: .* = {re.escape(repr(default))}[,)]", told), name


def test_each_option_has_one_default() -> None:
    options = [(name, p) for method in METHODS.values() for name, p in signature(method).parameters.items()]
    own = {name: p.default for name, p in options}
    assert own == {name: default for name, default in keywords(hw.attribute).items() if name in own}
    assert all(p.default == own[name] for name, p in options)


@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_options_of_other_methods_are_refused(method: str) -> None:
    other = {"finish": False, "order": "ascending", "priority": "bound", "contribution": "gradient"}
    own = signature(METHODS[method]).parameters
    for option, value in other.items():
        call = {"method": method, option: value}
        if option in own:
            assert hw.attribute(mlp(4, 3), torch.ones(1, 4), **call).trace.header["method"] == method
            continue
        with pytest.raises(ValueError, match=f"{option}={value!r} is for method='[a-z]+'; leave it out") as refused:
            hw.attribute(mlp(4, 3), torch.ones(1, 4), **call)
        (owner,) = re.findall(r"is for method='([a-z]+)'", str(refused.value))
        hw.attribute(mlp(4, 3), torch.ones(1, 4), **call | {"method": owner})


@pytest.mark.parametrize(
    ("option", "value"), [("nodes", "pixel"), ("floor", 2), ("max_pops", None), ("order", "x"), ("finish", 1)]
)
def test_what_no_method_takes_is_refused_by_all(option: str, value: Any) -> None:
    told = set()
    for method in METHODS:
        with pytest.raises((TypeError, ValueError), match=option) as refused:
            hw.attribute(mlp(4, 3), torch.ones(1, 4), method=method, **{option: value})
        told.add(str(refused.value))
    assert len(told) == 1


def test_how_finely_a_walk_goes_is_passed_by_where_none_is_made() -> None:
    net, x = mlp(4, 3), torch.ones(1, 4)
    fine = {"baseline": 0.5, "rule": "epsilon", "nodes": "layer", "floor": 0.5, "max_pops": 7}
    assert set(fine) == PASSED_BY
    plain, asked = (hw.attribute(net, x, method="gradient", **options) for options in ({}, fine))
    assert torch.equal(plain.attribution, asked.attribution)


def test_no_line_asks_for_a_method_by_its_name() -> None:
    """What a method does is in its own file; elsewhere only what its trace says counts."""
    asked = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "frontend" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare | ast.MatchValue)
        and any(isinstance(n, ast.Constant) and n.value in METHODS for n in ast.walk(node))
        and "method" in ast.unparse(node)
    ]
    assert not asked


# --- Twins ------------------------------------------------------------------------------------------------------------


def relevance(first: Tensor, second: Tensor, x: Tensor) -> Tensor:
    """The zplus rule by matrices: each unit's relevance goes to what raises it, in proportion."""
    h = (first @ x).relu()
    parts = (h * second).clamp(min=0)
    hidden = (h @ second) * parts / parts.sum()
    parts = (first * x).clamp(min=0)
    return hidden @ (parts / parts.sum(1, keepdim=True).clamp(min=1e-30))


def gradient(first: Tensor, second: Tensor, x: Tensor) -> Tensor:
    """The chain rule."""
    return (second * (first @ x > 0)) @ first


def article(first: Tensor, second: Tensor, x: Tensor) -> Tensor:
    """The five steps on lists: the inputs, then the hidden units, then the output; each reads all of those before."""
    h = (first @ x).relu()
    keys = [*(x * gradient(first, second, x)).tolist(), *(h * second).tolist(), float(h @ second)]
    inputs, hidden, waiting, popped = range(len(x)), range(len(x), len(x) + len(h)), set(range(len(keys))), {}
    while waiting:
        node = max(waiting, key=lambda n: (keys[n], -n))
        waiting.remove(node)
        popped[node] = keys[node]
        for child in inputs if node in hidden else hidden if node == len(keys) - 1 else ():
            keys[child] += popped[node] * (child in waiting)
    return torch.tensor([popped[node] for node in inputs])


TWINS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "relevance": relevance,
    "gradient": gradient,
    "article": article,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(5))
def test_each_method_does_what_its_twin_does(method: str, seed: int) -> None:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(5, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, bias=False))
    nn.init.uniform_(net[2].weight, 0.1, 1)
    x = torch.rand(1, 5) + 0.1
    e = hw.attribute(net, x, method=method)
    twin = TWINS[method](net[0].weight.detach(), net[2].weight.detach()[0], x[0])
    torch.testing.assert_close(e.attribution[0], twin, rtol=1e-5, atol=1e-6)


# --- The docs ---------------------------------------------------------------------------------------------------------


def test_each_method_has_its_row() -> None:
    rows = dict(re.findall(r'^\| `"(\w+)"` \|.*\| (.*) \|$', METHOD_PAGE, re.MULTILINE))
    own = {name: [f"`{option}`" for option in signature(method).parameters] for name, method in METHODS.items()}
    assert {name: options.split(", ") for name, options in rows.items()} == own


# --- A method from elsewhere ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Occlusion:
    """How much the target falls as each number of x is replaced."""

    name: ClassVar = "occlusion"

    by: float = 0.0

    def __post_init__(self) -> None:
        check_number("by", self.by)

    def answer(self, question: Question) -> Answer:
        output = question.output(question.inputs)
        choice = question.choice(output)
        whole, found = float(choice.value(output)), []
        for number, x in enumerate(question.inputs):
            falls = torch.empty(x.numel())
            for i in range(x.numel()):
                changed = x.clone()
                changed.reshape(-1)[i] = self.by
                given = (*question.inputs[:number], changed, *question.inputs[number + 1 :])
                falls[i] = whole - float(choice.value(question.output(given)))
            found.append(falls.reshape(x.shape))
        return Answer.of_inputs(self.name, question, question.inputs, found, choice, whole)


@pytest.fixture
def occlusion() -> Iterator[None]:
    METHODS[Occlusion.name] = Occlusion
    yield
    del METHODS[Occlusion.name]


@pytest.mark.usefixtures("occlusion")
def test_a_method_from_elsewhere_works_end_to_end(bundle: Path, tmp_path: Path) -> None:
    net, x = nn.Linear(6, 3, bias=False), torch.rand(1, 6)
    e = hw.attribute(net, x, method="occlusion", target=1, feature_names=list("abcdef"), by=1.0)
    falls = net.weight.detach()[1] * (x[0] - 1)
    torch.testing.assert_close(e.attribution[0], falls, rtol=1e-4, atol=1e-6)
    assert e.order.tolist() == (-e.attribution[0]).argsort().tolist()
    validate(e.trace.header, e.trace.columns)
    assert (e.trace.header["method"], e.trace.n_steps, e.trace.label(2)) == ("occlusion", 6, "c")
    with pytest.raises(ValueError, match="method='occlusion' conserves nothing"):
        _ = e.ledger
    assert e.faithfulness(steps=3, progress=False).score == pytest.approx(float(net(x).softmax(1)[0, 1].detach()))
    assert "occlusion" in e.summary()
    e.plot().savefig(tmp_path / "e.png")
    viewer = e.view()
    viewer.close()
    e.to_html(tmp_path / "e.html")
    e.save(tmp_path / "e.npz")
    loaded = hw.load(tmp_path / "e.npz")
    assert np.array_equal(loaded.pops, e.pops)
    two = hw.attribute(net, x, method="occlusion", target=(1, 0), max_pops=5)
    torch.testing.assert_close(two.attribution[0], (net.weight[1] - net.weight[0]).detach() * x[0])


@pytest.mark.usefixtures("occlusion")
def test_its_options_are_its_own() -> None:
    net, x = mlp(4, 3), torch.ones(1, 4)
    with pytest.raises(TypeError, match="by must be a number, not 'much'"):
        hw.attribute(net, x, method="occlusion", by="much")
    with pytest.raises(ValueError, match=r"by=1\.0 is for method='occlusion'; leave it out, or take that"):
        hw.attribute(net, x, by=1.0)
    with pytest.raises(TypeError, match="size=3 is no option of any method; method='occlusion' knows by"):
        hw.attribute(net, x, method="occlusion", size=3)
