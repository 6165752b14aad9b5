"""What people pass as net, target and options: each refusal says what was wrong and what to do."""

from __future__ import annotations

import signal
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from helpers.named import named
from helpers.nets import DIGIT, Fn, adds_up, mlp
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.ops.matmul import Product
from heapwidget.methods.table import METHODS
from heapwidget.samples import lenet

# --- Types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
def test_integers_are_token_ids_or_bytes(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=r"x is of torch\..*, and whole numbers have no share of relevance; "):
        hw.attribute(mlp(6, 3), torch.ones(1, 6).to(dtype))


def test_complex_numbers_are_refused_as_such() -> None:
    with pytest.raises(TypeError, match=r"x is of torch.complex64"):
        hw.attribute(mlp(6, 3), torch.ones(1, 6).cfloat())


@pytest.mark.parametrize("x", [np.ones((1, 6)), [1.0], None])
def test_x_must_be_a_tensor(x: Any) -> None:
    with pytest.raises(TypeError, match=f"x must be a torch.Tensor, not {type(x).__name__}"):
        hw.attribute(mlp(6, 3), x)


@pytest.mark.parametrize("net", [lambda t: t, None, nn.Linear])
def test_net_must_be_a_module(net: Any) -> None:
    with pytest.raises(TypeError, match=r"net must be a torch\.nn\.Module"):
        hw.attribute(net, torch.ones(1, 6))


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_sparse_x_is_refused(layout: torch.layout) -> None:
    with pytest.raises(TypeError, match=r"to_dense\(\)"):
        hw.attribute(mlp(6, 3), torch.eye(6).to_sparse(layout=layout))


@pytest.mark.parametrize(
    ("dtype", "close"), [(torch.float16, 1e-2), (torch.bfloat16, 5e-2), (torch.float64, 1e-6)], ids=str
)
@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_other_floats_work(dtype: torch.dtype, close: float, method: str) -> None:
    e = hw.attribute(lenet().to(dtype), DIGIT.to(dtype), method=method)
    single = hw.attribute(lenet(), DIGIT, method=method)
    assert e.attribution.dtype == dtype
    size = float(single.attribution.abs().max())
    assert float((e.attribution.float() - single.attribution).abs().max()) <= 4 * close * size
    if method == "relevance":
        adds_up(e, close=1e-4 if dtype != torch.float64 else 1e-9)


@pytest.mark.parametrize("make", [torch.jit.script, lambda net: torch.jit.trace(net, torch.ones(1, 6))])
def test_scripted_nets_are_refused(make: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = make(mlp(6, 3))
    with pytest.raises(hw.UnsupportedOpError, match=r"a scripted net .* pass the original module"):
        hw.attribute(scripted, torch.ones(1, 6))


def test_lazy_nets_are_asked_to_run_once() -> None:
    with pytest.raises(ValueError, match="the net's 'weight' has no shape yet, as in lazy modules; run the net once"):
        hw.attribute(nn.LazyLinear(3), torch.ones(1, 6))


def test_a_gradient_that_autograd_refuses_is_told() -> None:
    class Overwritten(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = torch.exp(x)
            z = y * 2
            y.mul_(3)
            return z + y

    with pytest.raises(hw.UnsupportedOpError, match=r"method='gradient' needs a gradient through every op .*relevance"):
        hw.attribute(Overwritten(), torch.ones(1, 3), method="gradient", target=0)
    adds_up(hw.attribute(Overwritten(), torch.ones(1, 3), target=0, rule="epsilon"))


def test_an_op_without_a_derivative_is_named_with_its_module() -> None:
    net = nn.Sequential(nn.Linear(6, 6), Fn(lambda t: torch.histc(t, 4)[None]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(hw.UnsupportedOpError, match=r"no rule for aten.histc.default in module '1'"):
            hw.attribute(net, torch.ones(1, 6))


def test_complex_numbers_inside_are_named() -> None:
    net = nn.Sequential(nn.Linear(6, 6), Fn(lambda t: torch.fft.rfft(t).abs()))
    with pytest.raises(hw.UnsupportedOpError, match=r"no rule for aten\._fft_r2c.* '1', which gives complex numbers"):
        hw.attribute(net, torch.ones(1, 6))


@pytest.mark.filterwarnings("ignore:Sparse")
def test_sparse_tensors_inside_are_named() -> None:
    net = nn.Sequential(Fn(lambda t: t.to_sparse().to_dense()), nn.Linear(6, 2))
    with pytest.raises(hw.UnsupportedOpError, match=r"no rule for aten\._to_sparse.* '0', which gives a sparse tensor"):
        hw.attribute(net, torch.ones(1, 6))


def test_tensors_without_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="x is on the meta device, where tensors hold no numbers"):
        hw.attribute(mlp(6, 3), torch.ones(1, 6, device="meta"))


@pytest.mark.parametrize("method", ["relevance", "gradient"])
@pytest.mark.parametrize("make", [lambda t: t > 0, lambda t: t.long(), lambda t: t.cfloat()])
def test_an_output_that_is_no_real_number(make: Any, method: str) -> None:
    for target, who in ((None, "the net"), (lambda out: out[0, 0], "target=callable")):
        with pytest.raises(
            TypeError, match=rf"{who} gives torch\.\w+, which has no gradient and no share of relevance"
        ):
            hw.attribute(nn.Sequential(nn.Linear(6, 3), Fn(make)), torch.ones(1, 6), target=target, method=method)


@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_an_output_without_scores(method: str) -> None:
    with pytest.raises(ValueError, match=r"the net gives a tensor of shape \(1, 0\), in which there is no score"):
        hw.attribute(Fn(lambda t: t[:, :0]), torch.ones(1, 6), method=method)


@pytest.mark.filterwarnings("ignore")
def test_quantised_nets_are_refused() -> None:
    net = torch.ao.quantization.quantize_dynamic(mlp(6, 3))
    with pytest.raises(hw.UnsupportedOpError, match=r"quantized\.linear_dynamic.*its derivative is not known"):
        hw.attribute(net, torch.ones(1, 6))


@pytest.mark.parametrize("out", [lambda t: (t, t), lambda t: {"scores": t}, lambda t: 3, lambda t: None])
def test_an_output_that_is_no_tensor_asks_for_a_callable(out: Any) -> None:
    net = nn.Sequential(nn.Linear(6, 3), Fn(out))
    with pytest.raises(TypeError, match=r"the net gives a \w+ without logits; say what to explain with target=lambda"):
        hw.attribute(net, torch.ones(1, 6))


@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_a_net_that_ignores_x_has_nothing_to_explain(method: str) -> None:
    with pytest.raises(
        ValueError, match=r"the output does not depend on x|no gradient leads from the output back to x"
    ):
        hw.attribute(Fn(lambda t: torch.ones(1, 3)), torch.ones(1, 6), method=method)


# --- Targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["relevance", "gradient"])
def test_targets_out_of_range(method: str) -> None:
    with pytest.raises(ValueError, match="target 10 is out of range: the net gives 10 scores, 0 to 9"):
        hw.attribute(lenet(), DIGIT, target=10, method=method)


def test_unknown_names_bring_the_nearest() -> None:
    names = ["cat", "dog", "catfish"]
    with pytest.raises(ValueError, match="no class is named 'cta'; the nearest are 'cat'"):
        hw.attribute(mlp(6, 3), torch.ones(1, 6), target="cta", class_names=names)


@pytest.mark.parametrize("error", [IndexError("index 99"), KeyError("x"), RuntimeError("shape")])
def test_a_callable_that_fails_is_told_apart_from_the_net(error: Exception) -> None:
    def target(out: Tensor) -> Tensor:
        raise error

    for method in ("relevance", "gradient"):
        with pytest.raises(ValueError, match=f"target=callable failed on the net's output: {type(error).__name__}"):
            hw.attribute(mlp(6, 3), torch.ones(1, 6), target=target, method=method)


def test_a_target_of_zero_is_shown() -> None:
    e = hw.attribute(mlp(6, 3), torch.ones(1, 6), target=(1, 1))
    assert e.ledger.target == 0
    assert not e.attribution.any()
    assert (e.trace.n_steps, len(e.order)) == (0, 0)
    adds_up(e)


def test_all_absorbed_is_shown() -> None:
    net = nn.Linear(6, 2)
    with torch.no_grad():
        net.weight.fill_(-1)
        net.bias.fill_(3)
    e = hw.attribute(net, torch.ones(1, 6), target=0)
    assert e.ledger.absorbed == {("linear", "dead end"): pytest.approx(-3.0)}
    assert e.ledger.explained == 0
    assert not e.attribution.any()
    adds_up(e)


# --- Options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "lime"}, ValueError, "method='lime' is not one of 'relevance', 'gradient'"),
        ({"rule": "z"}, ValueError, "rule='z' is not one of 'zplus'"),
        ({"rule": 3}, (TypeError, ValueError), "rule"),
        ({"rule": {"*": "z"}}, ValueError, "rule='z' is not one of"),
        ({"rule": hw.zplus}, (TypeError, ValueError), "rule"),
        ({"nodes": "pixel"}, ValueError, "nodes='pixel' is not one of 'auto', 'unit'"),
        ({"nodes": {"conv9": "unit"}}, ValueError, "nodes names no layer 'conv9'; the layers are conv1, pool1"),
        ({"nodes": {3: "unit"}}, TypeError, "nodes maps 3, which is no layer label or pattern"),
        ({"nodes": {"conv1": "pixel"}}, ValueError, "nodes='pixel' is not one of 'auto', 'unit'"),
        ({"nodes": 3}, TypeError, "nodes must be"),
        ({"nodes": ["unit"]}, TypeError, "nodes must be"),
        ({"floor": 2}, ValueError, "floor 2 is not a fraction"),
        ({"floor": -1e-9}, ValueError, "floor -1e-09 is not a fraction"),
        ({"floor": float("nan")}, ValueError, "floor nan is not a fraction"),
        ({"floor": "small"}, TypeError, "floor"),
        ({"max_pops": -1}, ValueError, "max_pops must not be negative, but is -1"),
        ({"max_pops": "many"}, TypeError, "max_pops"),
        ({"max_pops": None}, TypeError, "max_pops"),
        ({"order": "ascending"}, ValueError, "order='ascending' is for method='gradient'"),
        ({"order": "random"}, ValueError, "order='random' is not one of"),
        ({"class_names": ["a"]}, ValueError, "class_names has 1 names, but the net gives 10 scores"),
        ({"class_names": 10}, TypeError, "class_names"),
        ({"image": np.zeros((3, 28, 28))}, ValueError, r"image has shape \(3, 28, 28\); it must be \(height, width\)"),
        (
            {"image": np.zeros((5, 5))},
            ValueError,
            "image has 5 x 5 pixels, but x has 28 x 28 positions; they must agree",
        ),
        ({"image": "seven.png"}, TypeError, "image must be an array of numbers, not 'seven.png'"),
    ],
    ids=named,
)
def test_odd_options(options: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        hw.attribute(lenet(), DIGIT, **options)


def test_class_names_may_be_any_sequence() -> None:
    for names in (range(10), list(range(10)), tuple("abcdefghij"), np.array(list("abcdefghij")), "abcdefghij"):
        e = hw.attribute(lenet(), DIGIT, class_names=names)
        assert e.trace.header["target"]["label"] == str(names[7])


def test_html_in_names_stays_text() -> None:
    names = ["<b>0</b>"] * 7 + ["<script>alert(1)</script>", "&amp;", "9"]
    e = hw.attribute(lenet(), DIGIT, class_names=names)
    assert e.trace.header["target"]["label"] == "<script>alert(1)</script>"
    data, _ = e.view()._repr_mimebundle_()
    assert "text/html" not in data
    assert "<script>" not in data.get("image/png", "")


# --- The flow ---------------------------------------------------------------------------------------------------------

# From the bottom to the top.
ROOMS = ["", "trace", "engine", "arguments", "methods", "findings", "display", "explanation.py", "api.py"]
# What is handed down on purpose: the user's target, which is recorded with the net, and a note of each layer made.
HANDED_DOWN = {("engine", "arguments/targets.py"), ("engine", "methods/article.py")}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 1, 4, 4)], ids=["without a batch axis", "with one"])
def test_no_room_calls_one_above_it(method: str, shape: tuple[int, ...]) -> None:
    """A net goes down through the house once; closures that are handed down and called from there would climb."""
    climbs, package = set(), Path(hw.__file__).resolve().parent

    def room(frame: FrameType) -> tuple[str, str] | None:
        path = Path(frame.f_code.co_filename)
        if not path.is_relative_to(package):
            return None
        file = path.relative_to(package).as_posix()
        first = file.split("/")[0]
        return (first if first in ROOMS else "", file)

    def seen(frame: FrameType, event: str, _: object) -> None:
        callee, above = room(frame), frame.f_back
        while callee is not None and event == "call" and above is not None:
            if caller := room(above):
                if ROOMS.index(callee[0]) > ROOMS.index(caller[0]) and (caller[0], callee[1]) not in HANDED_DOWN:
                    climbs.add((caller[1], callee[1], frame.f_code.co_name))
                return
            above = above.f_back

    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(-3), nn.Linear(8, 3))
    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        hw.attribute(net, torch.rand(shape), method=method)
    finally:
        sys.setprofile(before)
    assert not climbs


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------


def test_ctrl_c_stops_a_walk_between_two_pops(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = mlp(6, 5, 4, 3), torch.rand(1, 6)
    whole = hw.attribute(net, x, floor=0.0, nodes="layer")
    calls, local = [], Product.local

    def interrupted(self: Product, *args: Any) -> Any:
        calls.append(1)
        signal.raise_signal(signal.SIGINT)
        return local(self, *args)

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(Product, "local", interrupted)
        e = hw.attribute(net, x, floor=0.0, nodes="layer")
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(calls) == e.trace.header["phases"]["walk"] == 1
    adds_up(e)
    torch.testing.assert_close(e.attribution, whole.attribution)
    e.refine(max_pops=100)
    assert e.trace.header["phases"] == whole.trace.header["phases"]
    for name, column in whole.trace.columns.items():
        np.testing.assert_array_equal(e.trace.columns[name], column, err_msg=name)
