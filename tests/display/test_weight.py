"""Large inputs: what a viewer sends is told, each piece of advice makes it less, and the still stays small."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _remove_buffers
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.display.viewer import HeapViewer
from heapwidget.display.weight import HEAVY

Options = dict[str, Any]


class Words(nn.Module):
    """Takes a text of any length."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1024, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.relu().mean(1))


class Pair(nn.Module):
    """Takes a table and an image."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.table = conv(), nn.Linear(5, 2)

    def forward(self, table: Tensor, image: Tensor) -> Tensor:
        return self.table(table) + self.image(image)


def conv() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 2)
    ).eval()


def deep() -> nn.Module:
    sizes = [300, 1000, 1000, 1000, 4]
    layers = [[nn.Linear(a, b), nn.ReLU()] for a, b in pairwise(sizes)]
    return nn.Sequential(*[layer for pair in layers for layer in pair][:-1])


def signal() -> nn.Module:
    return nn.Sequential(nn.Conv1d(2, 3, 9, 4), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(12, 2))


PICTURE = np.zeros((900, 900, 3), np.uint8)
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], Options, set[str]]] = {
    "image": (conv, (torch.rand(1, 3, 900, 900),), {}, {"x[", "finish=False"}),
    "image without a batch axis": (conv, (torch.rand(3, 900, 900),), {"finish": False}, {"x["}),
    "picture": (conv, (torch.rand(1, 3, 900, 900),), {"image": PICTURE}, {"x[", "image[", "finish=False"}),
    "gradient": (conv, (torch.rand(1, 3, 600, 600),), {"method": "gradient"}, {"x["}),
    "signal": (signal, (torch.rand(1, 2, 350_000),), {}, {"x[", "finish=False"}),
    "text": (
        Words, (torch.rand(1, 1400, 1024),), {"tokens": ["w"] * 1400}, {"x[", "tokens["},
    ),
    "two inputs": (Pair, (torch.rand(1, 5), torch.rand(1, 3, 900, 900)), {}, {"x[", "finish=False"}),
    "vector": (lambda: nn.Linear(600_000, 2), (torch.rand(1, 600_000),), {}, set()),
    "walk": (
        deep, (torch.rand(1, 300),), {"floor": 1e-6, "nodes": "unit", "priority": "mass"}, {"max_pops=", "nodes="},
    ),
}  # fmt: skip


def sent(viewer: HeapViewer) -> int:
    """Bytes of the first message, less the program."""
    state = viewer.get_state()
    for name in ("_esm", "_css"):
        del state[name]
    plain, _, buffers = _remove_buffers(state)
    return len(json.dumps(plain["_trace"]["header"])) + sum(memoryview(buffer).nbytes for buffer in buffers)


def of_weight(caught: list[warnings.WarningMessage]) -> list[warnings.WarningMessage]:
    """Those of what is sent; others tell of the target."""
    return [w for w in caught if "MB" in str(w.message)]


def shown(net: nn.Module, x: Any, options: Options) -> tuple[int, list[str]]:
    """Bytes that are sent, and the warnings that came with them, told at this very line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        viewer = hw.explain(net, x, progress=False, **options)
    size = sent(viewer)
    viewer.close()
    told = of_weight(caught)
    assert {w.filename for w in told} <= {__file__}
    return size, [str(w.message) for w in told]


@pytest.mark.parametrize("case", CASES)
def test_each_piece_of_advice_makes_it_less(case: str) -> None:
    make, inputs, options, expected = CASES[case]
    torch.manual_seed(0)
    net, x = make(), inputs if len(inputs) > 1 else inputs[0]
    size, told = shown(net, x, options)
    (message,) = told
    assert size > HEAVY
    assert f"sends {size / 1e6:.1f} MB" in message
    assert "\n" not in message
    advised = message.split("it is less with ")[1].split(", or with ")
    words = " ".join(advised)
    options_named = ("x[", "image[", "tokens[", "finish=False", "max_pops=", "nodes=")
    assert {word for word in options_named if word in words} == expected
    for advice in advised:
        assert followed(advice, net, x, options) < size, advice


def followed(advice: str, net: nn.Module, x: Any, options: Options) -> int:
    """The size of what is shown once the advice was followed, word by word."""
    if "plot()" in advice:
        file = BytesIO()
        hw.attribute(net, x, progress=False, **options).plot().savefig(file)
        return len(file.getvalue())
    changed = {"x": x} | options
    for name, value in re.findall(r'(finish|max_pops|nodes)=("?\w+"?)', advice):
        changed[name] = ast.literal_eval(value)
    for name, number, cuts in re.findall(r"(x|image|tokens)(\[\d\])?\[([^]]*:[^]]*)\]", advice):
        index = tuple(map(read_cut, cuts.split(", ")))
        if number:
            at = int(number[1:-1])
            changed[name] = tuple(part[index] if i == at else part for i, part in enumerate(changed[name]))
        else:
            changed[name] = changed[name][index if len(index) > 1 else index[0]]
    return shown(net, changed.pop("x"), changed)[0]


def read_cut(text: str) -> Any:
    """An index as Python reads it."""
    return ... if text == "..." else slice(*(int(n) if n else None for n in text.split(":")))


def test_advice_leads_below_what_goes_without_a_word() -> None:
    for case, wanted in (("image", "a smaller input"), ("walk", "max_pops"), ("text", "fewer tokens")):
        make, (x,), options, _ = CASES[case]
        torch.manual_seed(0)
        net = make()
        (message,) = shown(net, x, options)[1]
        advice = next(a for a in message.split("it is less with ")[1].split(", or with ") if a.startswith(wanted))
        assert followed(advice, net, x, options) < HEAVY


def test_small_ones_go_without_a_word() -> None:
    assert shown(conv(), torch.rand(1, 3, 200, 200), {})[1] == []


def test_a_viewer_tells_once_and_also_when_it_grows() -> None:
    torch.manual_seed(0)
    net, x = deep(), torch.rand(1, 300)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        viewer = hw.explain(net, x, max_pops=20, floor=1e-6, nodes="unit", priority="mass", progress=False)
        assert of_weight(caught) == []
        viewer.refine(5_000, progress=False)
        viewer.refine(100, progress=False)
    (warning,) = of_weight(caught)
    assert warning.category is UserWarning
    assert warning.filename == __file__
