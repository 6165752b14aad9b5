"""Nets of several inputs: each is explained, and whatever is asked by input is a tuple."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.examples import examples
from helpers.nets import adds_up, flat
from helpers.replay import replay
from helpers.traces import validate
from helpers.zoo import Net, animal
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import heapwidget as hw

METHODS = ["relevance", "gradient", "article"]
SEVERAL = [
    "picture and table",
    "two images compared",
    "question and text",
    "three inputs",
    "two images stacked",
    "three texts",
]


class Tagged(nn.Module):
    """A picture and a few numbers about it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.wide, self.out = nn.Conv2d(1, 3, 3), nn.Linear(5, 4), nn.Linear(16, 3)

    def forward(self, picture: Tensor, facts: Tensor) -> Tensor:
        seen = F.max_pool2d(F.relu(self.conv(picture)), 3).flatten(1)
        return self.out(torch.cat([seen, F.relu(self.wide(facts))], 1))


@pytest.fixture
def tagged() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    net = Tagged()
    return net, (torch.rand(1, 1, 8, 8), torch.randn(1, 5))


# --- What is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SEVERAL)
def test_each_input_has_its_own_part(name: str, method: str) -> None:
    net, x = animal(name)
    e = hw.attribute(net, x, method=method)
    trace = e.trace
    validate(trace.header, trace.columns)
    assert trace.n_inputs == trace.header["inputs"] == len(x)
    assert [layer["op"] for layer in trace.header["layers"][: len(x)]] == ["input"] * len(x)
    for given_x, kept, found in zip(x, e.x, e.attribution, strict=True):
        assert torch.equal(given_x, kept)
        assert (found.shape, found.dtype) == (given_x.shape, given_x.dtype)
        assert found.abs().sum() > 0
    positions = [int(np.prod(trace.positions(n))) for n in range(len(x))]
    assert trace.input_nodes == sum(positions)
    masks = e.selected(trace.n_steps)
    assert [m.shape for m in masks] == [trace.positions(n) for n in range(len(x))]
    assert np.array_equal(np.flatnonzero(np.concatenate([m.ravel() for m in masks])), np.sort(e.order))
    assert not any(m.any() for m in e.selected(0))
    if method == "relevance":
        adds_up(e)


def test_labels_are_the_parameters_of_forward(tagged: tuple[nn.Module, tuple[Tensor, Tensor]]) -> None:
    net, x = tagged
    e = hw.attribute(net, x)
    assert [layer["label"] for layer in e.trace.header["layers"]] == [
        "picture", "facts", "conv", "max_pool", "wide", "out",
    ]  # fmt: skip
    assert [layer["kind"] for layer in e.trace.header["layers"][:2]] == ["image", "bars"]
    assert e.trace.label(0) == "picture (0,0)"
    assert e.trace.label(64) == "facts (0)"
    assert set(e.pops["layer"][e.pops["phase"] == "collect"]) == {"picture", "facts"}
    assert hw.attribute(net, x, method="gradient").trace.label(68) == "facts (4)"


class Clashing(nn.Module):
    """Modules that bear the names of inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(3, 4)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.a(a) * torch.tanh(self.b(b))


class Listing(nn.Module):
    """As many inputs as one likes."""

    def forward(self, first: Tensor, *rest: Tensor) -> Tensor:
        return first * 2 + torch.stack(rest).sum(0)


def labels(net: nn.Module, *x: Tensor) -> list[str]:
    return [layer["label"] for layer in hw.attribute(net, x, target=0).trace.header["layers"]]


def test_inputs_keep_their_names_and_each_has_its_own() -> None:
    a = torch.ones(1, 3)
    assert labels(Clashing(), a, a)[:4] == ["a", "b", "a2", "b2"]
    assert labels(Listing(), a, a, a)[:3] == ["first", "rest1", "rest2"]
    assert labels(Net(lambda net, p, q: p * q + p), a, a)[:2] == ["x1", "x2"]


@pytest.mark.parametrize("several", [tuple, list])
def test_a_tuple_of_one_is_a_tuple(several: Any, tmp_path: Path) -> None:
    net, x = nn.Linear(3, 2), torch.ones(1, 3)
    e = hw.attribute(net, several([x]))
    assert isinstance(e.x, tuple)
    assert isinstance(e.attribution, tuple)
    assert torch.equal(e.attribution[0], hw.attribute(net, x).attribution)
    assert "inputs" not in e.trace.header
    e.save(tmp_path / "one.npz")
    assert isinstance(hw.load(tmp_path / "one.npz").attribution, tuple)


def test_one_tensor_given_twice_is_two_inputs() -> None:
    a = torch.tensor([[1.0, 2.0]])
    net = Net(lambda net, p, q: 3 * p + q)
    for x in ((a, a), (a, a.clone())):
        first, second = hw.attribute(net, x, target=1, rule="epsilon").attribution
        torch.testing.assert_close(first, torch.tensor([[0.0, 6.0]]))
        torch.testing.assert_close(second, torch.tensor([[0.0, 2.0]]))


def test_an_input_that_does_not_matter_has_nothing() -> None:
    net, x = animal("an input unread")
    for method in METHODS:
        used, unread = hw.attribute(net, x, method=method).attribution
        assert used.abs().sum() > 0
        assert not unread.any()
    e = hw.attribute(net, x)
    adds_up(e)
    assert not e.selected(e.trace.n_steps)[1].any()
    with pytest.raises(ValueError, match="the output does not depend on x"):
        hw.attribute(Net(lambda net, p, q: torch.ones(1, 2) + 0 * net.w, w=nn.Parameter(torch.ones(2))), (x[0], x[0]))


def test_epsilon_0_is_gradient_times_input_of_each() -> None:
    net, x = animal("picture and table")
    leaves = [a.clone().requires_grad_() for a in x]
    expected = [g * a for g, a in zip(torch.autograd.grad(net(*leaves)[0, 1], leaves), x, strict=True)]
    e = hw.attribute(net, x, target=1, rule=hw.epsilon(0))
    for found, wanted in zip(e.attribution, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-10)


def test_gradients_of_all_inputs_are_one_heap(tagged: tuple[nn.Module, tuple[Tensor, Tensor]]) -> None:
    net, x = tagged
    leaves = [a.clone().requires_grad_() for a in x]
    expected = torch.autograd.grad(net(*leaves).sum(), leaves)
    for order, sign in (("descending", -1), ("ascending", 1)):
        e = hw.attribute(net, x, method="gradient", order=order)
        assert np.allclose(flat(e.attribution), flat(expected))
        keys = flat(expected)
        assert e.order.tolist() == np.lexsort((np.arange(len(keys)), sign * keys)).tolist()
        assert replay(e.trace, e.trace.n_steps).selected == e.order.tolist()


def test_each_may_have_its_own_float() -> None:
    net = Net(lambda net, p, q: net.a(p) + net.b(q.float()), a=nn.Linear(3, 2), b=nn.Linear(3, 2))
    x = torch.rand(1, 3), torch.rand(1, 3, dtype=torch.float64)
    assert [a.dtype for a in hw.attribute(net, x).attribution] == [torch.float32, torch.float64]


def test_first_layers_are_those_that_read_any_input() -> None:
    net, x = animal("picture and table")
    plain = hw.attribute(net, x, target=0, rule="flat").attribution
    mixed = hw.attribute(net, x, target=0, rule={"first": "flat", "*": "zplus"}).attribution
    # On both inputs the flat rule gives the same to all that a unit sees.
    assert torch.unique(mixed[1].round(decimals=9)).numel() == 1
    assert not torch.allclose(plain[0], mixed[0])


def test_paths_lead_to_all_inputs(tagged: tuple[nn.Module, tuple[Tensor, Tensor]]) -> None:
    net, x = tagged
    e = hw.attribute(net, x, target=lambda out: out.abs().sum(), floor=0)
    paths = e.paths(2000)
    ends = np.zeros(e.trace.input_nodes)
    for path in paths:
        ends[path.nodes[-1]] += path.relevance
    sums = np.concatenate([e.trace.position_contributions(n) for n in range(2)])
    np.testing.assert_allclose(ends, sums, rtol=1e-4, atol=1e-6)
    assert {path.labels[-1].split()[0] for path in paths} == {"picture", "facts"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [*SEVERAL, "an input unread"])
def test_saved_and_loaded(name: str, method: str, tmp_path: Path) -> None:
    net, x = animal(name)
    e = hw.attribute(net, x, method=method)
    e.save(tmp_path / "e.npz")
    loaded = hw.load(tmp_path / "e.npz")
    assert loaded.trace.header == e.trace.header
    for before, after in zip((*e.x, *e.attribution), (*loaded.x, *loaded.attribution), strict=True):
        torch.testing.assert_close(after, before.float())
    for step in (0, e.trace.n_steps // 2, e.trace.n_steps):
        assert all(np.array_equal(a, b) for a, b in zip(loaded.selected(step), e.selected(step), strict=True))
    assert all(image is None for image in loaded.image)


@pytest.mark.parametrize("name", ["x0", "x1"])
def test_a_file_without_one_of_its_inputs_is_refused(
    name: str, tagged: tuple[nn.Module, tuple[Tensor, Tensor]], tmp_path: Path
) -> None:
    net, x = tagged
    hw.attribute(net, x).save(tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz") as file:
        arrays = dict(file)
    for spoilt in (None, arrays[name][..., :2], arrays[name].astype(np.float64)):
        kept = {k: v for k, v in arrays.items() if k != name} | ({} if spoilt is None else {name: spoilt})
        np.savez(tmp_path / "spoilt.npz", **kept)
        with pytest.raises(hw.TraceFormatError, match=f"column '{name}'"):
            hw.load(tmp_path / "spoilt.npz")


@pytest.mark.parametrize("inputs", [0, 7, -1, 1.0, "2", None, True])
def test_a_header_with_another_number_of_inputs_is_refused(
    inputs: Any, tagged: tuple[nn.Module, tuple[Tensor, Tensor]]
) -> None:
    trace = hw.attribute(*tagged).trace
    with pytest.raises(hw.TraceFormatError, match="inputs"):
        validate({**trace.header, "inputs": inputs}, trace.columns)


def test_a_field_tells_every_axis(tagged: tuple[nn.Module, tuple[Tensor, Tensor]]) -> None:
    trace = hw.attribute(*tagged).trace
    layers = [dict(layer) for layer in trace.header["layers"]]
    layers[2]["field"] = layers[2]["field"][:2]
    with pytest.raises(hw.TraceFormatError, match="'field' that has not one entry for each of 3 axes"):
        validate({**trace.header, "layers": layers}, trace.columns)


# --- How it is passed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lacking", [(0, 1), (0,), (1,)])
def test_batch_axes_are_added_where_they_are_missing(
    lacking: tuple[int, ...], method: str, tagged: tuple[nn.Module, tuple[Tensor, Tensor]]
) -> None:
    net, x = tagged
    bare = tuple(a[0] if i in lacking else a for i, a in enumerate(x))
    e, whole = hw.attribute(net, bare, method=method), hw.attribute(net, x, method=method)
    assert [a.shape for a in e.attribution] == [a.shape for a in bare]
    np.testing.assert_allclose(flat(e.attribution), flat(whole.attribution), rtol=1e-5, atol=1e-7)
    assert e.trace.header["layers"][0]["shape"] == [1, 8, 8]
    if method != "gradient":
        e.faithfulness(steps=2, random_orders=0)


def test_a_net_that_adds_batch_axes_by_itself() -> None:
    net = Net(lambda net, p, q: net.conv(p).mean((-1, -2)) + net.wide(q), conv=nn.Conv2d(3, 2, 3), wide=nn.Linear(4, 2))
    picture, facts = torch.rand(3, 5, 5), torch.rand(4)
    e = hw.attribute(net, (picture, facts), target=0)
    assert [a.shape for a in e.attribution] == [picture.shape, facts.shape]
    assert e.trace.input_kinds == ["image", "bars"]


REFUSED: list[tuple[Any, type[Exception], str]] = [
    ((), ValueError, "x is empty; pass the net's input, or a tuple of its inputs"),
    ([], ValueError, "x is empty"),
    ({"picture": torch.ones(1, 1, 8, 8)}, TypeError, "x is a mapping, .* pass them as a tuple, in the order"),
    ((torch.ones(1, 1, 8, 8), None), TypeError, r"x\[1\] must be a torch.Tensor, not NoneType"),
    ((torch.ones(1, 1, 8, 8), np.ones((1, 5))), TypeError, r"x\[1\] must be .*torch.from_numpy\(x\[1\]\)"),
    ((torch.ones(1, 1, 8, 8), torch.ones(1, 5).long()), TypeError, r"x\[1\] is of torch.int64.*a mask belongs into"),
    ((torch.ones(1, 1, 8, 8), torch.ones(1, 5) / 0), ValueError, r"x\[1\] holds NaN or infinite"),
    ((torch.ones(1, 1, 8, 8), torch.ones(1, 0)), ValueError, r"x\[1\] of shape \(1, 0\) is empty"),
    ((torch.ones(1, 1, 8, 8), torch.ones(1, 5, device="meta")), ValueError, r"x\[1\] is on the meta device"),
    ((torch.ones(2, 1, 8, 8), torch.ones(2, 5)), ValueError, r"batches of 2 examples.*tuple\(a\[i:i\+1\] for a in x\)"),
    ((torch.ones(1, 1, 8, 8), torch.ones(1, 4)), ValueError, r"shapes \(1, 1, 8, 8\) and \(1, 4\): .*each input with"),
    (torch.ones(1, 1, 8, 8), ValueError, "missing 1 required positional argument.*pass all that .* as a tuple"),
    ((torch.ones(1, 1, 8, 8), torch.ones(1, 5)) * 2, ValueError, "takes 3 positional arguments but 5 were given"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("x", "error", "message"), REFUSED, ids=[message[:30] for *_, message in REFUSED])
def test_refusals_name_the_input(x: Any, error: type[Exception], message: str, method: str) -> None:
    with pytest.raises(error, match=message):
        hw.attribute(Tagged(), x, method=method)


FLOATS = st.sampled_from([torch.float32, torch.float32, torch.float64, torch.float16, torch.int64])
SHAPES = st.sampled_from([(1, 1, 8, 8), (1, 8, 8), (8, 8), (1, 5), (5,), (2, 5), (1, 4), (), (0,), (3, 1, 8, 8)])
PARTS = st.one_of(
    st.builds(lambda shape, dtype: torch.ones(shape, dtype=dtype), SHAPES, FLOATS),
    st.sampled_from([None, 1.0, "x", np.ones((1, 5)), torch.full((1, 5), torch.nan), (torch.ones(1, 5),)]),
)


@given(
    parts=st.lists(PARTS, max_size=3),
    several=st.sampled_from([tuple, list]),
    method=st.sampled_from(METHODS),
    image=st.sampled_from(
        [None, None, (None, None), np.ones((8, 8)), (np.ones((8, 8)), None), (None, np.ones((3, 3)))]
    ),
)
@examples(200)
def test_an_answer_or_a_sentence(parts: list[Any], several: Any, method: str, image: Any) -> None:
    """Any tuple gives an explanation of as many parts, or one of the errors that say what to do."""
    try:
        e = hw.attribute(Tagged(), several(parts), method=method, image=image, progress=False)
    except (TypeError, ValueError) as error:
        # Of an argument, not from deep inside.
        assert str(error).startswith(("x", "the net", "image", "the output", "the scores")), error  # noqa: PT017
    else:
        assert [a.shape for a in e.attribution] == [a.shape for a in parts]


# --- What is shown and asked besides ----------------------------------------------------------------------------------


def test_pictures_for_some_of_the_inputs(tagged: tuple[nn.Module, tuple[Tensor, Tensor]], tmp_path: Path) -> None:
    net, x = tagged
    picture = np.arange(64, dtype=np.uint8).reshape(8, 8)
    e = hw.attribute(net, x, image=(picture, None))
    assert np.array_equal(e.image[0], picture)
    assert e.image[1] is None
    e.save(tmp_path / "e.npz")
    loaded = hw.load(tmp_path / "e.npz").image
    assert np.array_equal(loaded[0], picture)
    assert loaded[1] is None
    for wrong in (picture, (picture,), [picture, None, None]):
        with pytest.raises(ValueError, match="x holds 2 inputs, so image must be a tuple of 2"):
            hw.attribute(net, x, image=wrong)
    with pytest.raises(ValueError, match=r"image\[1\] has 8 x 8 pixels, but x\[1\] has 5 positions"):
        hw.attribute(net, x, image=(None, picture))


def test_positions_of_all_inputs_are_replaced() -> None:
    net = Net(lambda net, p, q: torch.cat([p.sum(1, keepdim=True) + q.sum(1, keepdim=True), p[:, :1] * 0], 1))
    x = torch.tensor([[4.0, 1.0]]), torch.tensor([[3.0, 2.0]])
    e = hw.attribute(net, x, target=0)
    assert e.order.tolist() == [0, 2, 3, 1]
    found = e.faithfulness(score="logit", steps=4, random_orders=0)
    np.testing.assert_allclose(found.deletion, [1, 0.6, 0.3, 0.1, 0], atol=1e-6)
    np.testing.assert_allclose(found.insertion, [0, 0.4, 0.7, 0.9, 1], atol=1e-6)


def test_baselines_of_each_input(tagged: tuple[nn.Module, tuple[Tensor, Tensor]]) -> None:
    net, x = tagged
    e = hw.attribute(net, x, target=0)
    empty = torch.full((1, 1, 8, 8), 0.25), torch.full((1, 5), 2.0)
    score = float(net(*empty)[0, 0].detach())
    for baseline in (empty, list(empty), (0.25, 2.0), (empty[0], 2.0)):
        found = e.faithfulness(baseline=baseline, score="logit", steps=3, random_orders=0)
        assert found.deletion[-1] * found.score == pytest.approx(score, rel=1e-5)
    for baseline in ("blur", 1.0, ("blur", 0.0)):
        assert np.isfinite(e.faithfulness(baseline=baseline, steps=3, random_orders=0).deletion_area)
    with pytest.raises(ValueError, match="baseline has 1 parts, but x holds 2 inputs"):
        e.faithfulness(baseline=(0.0,))
    with pytest.raises(ValueError, match="x holds 2 inputs, so a baseline of tensors must be a tuple of 2"):
        e.faithfulness(baseline=empty[0])
    with pytest.raises(ValueError, match=r"baseline of shape \(1, 5\) does not fit"):
        e.faithfulness(baseline=empty[::-1])


def test_batches_of_examples_are_scored_as_one_by_one(tagged: tuple[nn.Module, tuple[Tensor, Tensor]]) -> None:
    net, x = tagged
    e = hw.attribute(net, x, target=0)
    alone, together = (e.faithfulness(steps=9, random_orders=2, batch_size=n) for n in (1, 7))
    np.testing.assert_allclose(alone.deletion, together.deletion, rtol=1e-5)
    np.testing.assert_allclose(alone.insertion, together.insertion, rtol=1e-5)


def test_the_summary_tells_the_share_of_each(tagged: tuple[nn.Module, tuple[Tensor, Tensor]]) -> None:
    net, x = tagged
    e = hw.attribute(net, x, target=lambda out: out.abs().sum())
    shares = [100 * float(a.sum()) / e.ledger.target for a in e.attribution]
    assert f"inputs    {shares[0]:.0f} % picture, {shares[1]:.0f} % facts" in e.summary()
    assert "of 69 input positions" in e.summary()
    assert "inputs" not in hw.attribute(nn.Linear(3, 2), torch.ones(1, 3)).summary()
