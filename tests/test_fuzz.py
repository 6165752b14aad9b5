"""Odd calls of every kind: an explanation, or one sentence that says what was wrong."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import torch
from helpers.examples import examples
from helpers.nets import Fn, mlp
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import heapwidget as hw

ODD_VALUES = [
    None,
    torch.ones(2),
    torch.tensor(1),
    torch.tensor(float("nan")),
    np.ones(3),
    np.float32(0.5),
    np.int64(2),
    np.zeros((2, 2, 3)),
    np.array(["a", "b"]),
    np.zeros((0, 4)),
    object(),
    (1, 2),
    (0, "a"),
    (1, 2, 3),
    [(0, 1.0), (1, -0.5)],
    [(0, float("inf"))],
    [[0]],
    b"x",
    10**30,
    -(10**30),
    float("inf"),
    {"*": hw.epsilon(0.1)},
    {"first": "flat", "*": "zplus"},
    {"a", "b"},
    ["a", "b", "c"],
    range(3),
    hw.zplus(),
    hw.zplus,
    hw.Composite("mine", (("conv", "zplus"),)),
    lambda out: out,
    lambda out: out.sum(),
    lambda: 0,
    print,
    type,
    nn.Linear(2, 2),
]
WORDS = ["unit", "tile", "token", "layer", "auto", "zplus", "epsilon_plus_flat", "article", "gradient", "relevance"]
WORDS += ["ascending", "bound", "mass", "descending", "activation_x_gradient", "first", "*", "0", "conv", ""]
odd = st.one_of(
    st.booleans(),
    st.integers(-3, 30),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.sampled_from(WORDS),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from([*WORDS, 3, None]), st.sampled_from([*WORDS, 3, hw.flat()]), max_size=3),
    st.sampled_from(ODD_VALUES),
)
shapes = st.lists(st.integers(0, 4), max_size=5).map(tuple)
NETS: list[tuple[Any, tuple[int, ...]]] = [
    (mlp(4, 3), (1, 4)),
    (nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(-3)), (1, 1, 4, 4)),
    (nn.Sequential(nn.Conv1d(2, 2, 2), nn.BatchNorm1d(2), nn.AdaptiveMaxPool1d(3), nn.Flatten(-2)), (1, 2, 4)),
    (nn.Sequential(nn.Identity(), nn.Softmax(-1)), (3,)),
    (nn.Flatten(), (1, 2, 2)),
    (nn.Sequential(nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), nn.Flatten()), (1, 3, 4)),
    (nn.LSTM(3, 2), (1, 3)),
    (nn.Sequential(nn.Linear(3, 3), Fn(lambda t: t.cumsum(-1))), (1, 3)),
    (Fn(lambda t: {"logits": t.flatten(1)} if t.sum() > 0 else [t]), (1, 4)),
    (Fn(lambda t: torch.histc(t, 4)), (1, 4)),
    (Fn(lambda t: t[..., :0]), (1, 4)),
    (Fn(lambda t: t.to_sparse().to_dense()), (1, 4)),
    (Fn(lambda t: t > 0), (1, 4)),
    (Fn(lambda t: 1 / t.sum()), (1, 4)),
    (Fn(lambda t: torch.fft.fft(t)), (1, 4)),
    (None, (1, 4)),
    (nn.Linear, (1, 4)),
]
DTYPES = [torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.bool, torch.complex64]
NAMES = [name for name in inspect.signature(hw.attribute).parameters if name not in ("net", "x", "progress")]
VALID: dict[str, list[Any]] = {
    "target": [0, -1, (0, 1), [(0, 1.0), (1, -0.5)], "b", lambda out: out.sum()],
    "method": ["relevance", "gradient", "article"],
    "rule": ["epsilon", "epsilon_plus_flat", hw.zplus(True), {"first": "w_square", "*": hw.epsilon(0.1)}],
    "nodes": ["unit", "tile", "token", "layer", {"*": "channel"}],
    "floor": [0, 1, 0.5, np.float32(1e-4)],
    "max_pops": [0, 1, 10**9, np.int64(3)],
    "priority": ["bound"],
    "contribution": ["gradient"],
    "order": ["ascending"],
    "class_names": [["a", "b", "c"], range(4), {0: "a", 1: "b"}],
    "image": [np.zeros((4, 4)), np.zeros((1, 4, 3), np.uint8)],
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[Any, Any, dict[str, Any]]:
    """A net, what is given as its input, and options: each as it should be, or as it should not."""
    net, shape = draw(st.sampled_from(NETS))
    wrong = draw(st.sampled_from([*["nothing"] * 8, "shape", "dtype", "numbers", "all"]))
    x = torch.ones(draw(shapes) if wrong == "shape" else shape)
    if wrong == "dtype":
        x = x.to(draw(st.sampled_from(DTYPES)))
    if wrong == "numbers":
        x = x * float("nan")
    if wrong == "all":
        x = draw(odd)
    options = {}
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
        known = VALID.get(name, [])
        options[name] = draw(st.sampled_from(known)) if known and draw(st.booleans()) else draw(odd)
    return net, x, options


@given(calls())
@examples(500)
def test_an_answer_or_a_sentence(call: tuple[Any, Any, dict[str, Any]]) -> None:
    """Never a traceback from deep inside: an explanation, or one sentence that says what was wrong."""
    net, x, options = call
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            e = hw.attribute(net, x, progress=False, **options)
        except (TypeError, ValueError) as error:
            message = str(error)
            assert message
            assert "\n" not in message
            assert not message.endswith(".")
            assert len(message) < 500
            assert "INTERNAL ASSERT" not in message
            return
    assert e.attribution.shape == x.shape
    assert repr(e)
