"""Pools, sums, products and the rest beside their slow twins."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from helpers import slow_twins as twins
from helpers.examples import examples
from helpers.nets import SIGNS, Fn, graph_of, values
from helpers.twin_checks import assert_twins, last_flow
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.layers import Layer
from heapwidget.engine.rules import zplus

SEEDS = st.integers(10, 10**6)


@st.composite
def pools(draw: st.DrawFn, mean: bool) -> tuple[nn.Module, Tensor, list[list[list[int]]]]:
    """A pooling of random settings, its input, and the windows along each axis."""
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    ceil = draw(st.booleans())
    size = tuple(draw(st.integers(2, 6)) for _ in range(rank))
    axes = []
    for _ in range(rank):
        kernel = draw(st.integers(1, 3))
        padding = draw(st.integers(0, kernel // 2))
        axes.append(twins.Axis(kernel, draw(st.integers(1, 3)), padding, 1 if mean else draw(st.integers(1, 2)), ceil))
    counts = [a.outputs(n) for a, n in zip(axes, size, strict=True)]
    assume(min(counts) >= 1)
    windows = [a.windows(n) for a, n in zip(axes, size, strict=True)]
    # PyTorch leaves windows that see nothing but padding undefined, and refuses kernels larger than what is padded.
    assume(all(w for axis in windows for w in axis))
    pad = 0 if mean and rank == 3 else 2
    assume(all(n + pad * a.padding >= a.dilation * (a.kernel - 1) + 1 for a, n in zip(axes, size, strict=True)))
    options = {
        "kernel_size": tuple(a.kernel for a in axes),
        "stride": tuple(a.stride for a in axes),
        "padding": tuple(a.padding for a in axes),
        "ceil_mode": ceil,
    }
    if mean:
        options["count_include_pad"] = draw(st.booleans())
        if rank > 1:
            options["divisor_override"] = draw(st.sampled_from([None, None, 2]))
    else:
        options["dilation"] = tuple(a.dilation for a in axes)
    net = getattr(nn, f"{'Avg' if mean else 'Max'}Pool{rank}d")(**options)
    x = values((1, draw(st.integers(1, 3)), *size), draw(st.sampled_from(SIGNS)), draw(SEEDS))
    return net, x, windows


@given(pools(mean=False))
@examples(60)
def test_max_pool(drawn: tuple[nn.Module, Tensor, list[list[list[int]]]]) -> None:
    net, x, windows = drawn
    assert_twins(*last_flow(net, x), twins.pool(x[0].numpy(), windows, twins.winner))


@given(pools(mean=True))
@examples(60)
def test_mean_pool(drawn: tuple[nn.Module, Tensor, list[list[list[int]]]]) -> None:
    net, x, windows = drawn
    assert_twins(*last_flow(net, x), twins.pool(x[0].numpy(), windows, twins.by_size))


@pytest.mark.parametrize("mean", [True, False])
@given(rank=st.integers(1, 3), data=st.data())
@examples(30)
def test_adaptive_pool(mean: bool, rank: int, data: st.DataObject) -> None:
    size = data.draw(st.tuples(*[st.integers(1, 5)] * rank))
    counts = data.draw(st.tuples(*[st.integers(1, 4)] * rank))
    x = values((1, 2, *size), data.draw(st.sampled_from(SIGNS)), data.draw(SEEDS))
    net = getattr(nn, f"Adaptive{'Avg' if mean else 'Max'}Pool{rank}d")(counts)
    windows = [twins.adaptive(n, m) for n, m in zip(size, counts, strict=True)]
    share = twins.by_size if mean else twins.winner
    assert_twins(*last_flow(net, x), twins.pool(x[0].numpy(), windows, share))


@pytest.mark.parametrize("name", ["mean", "sum"])
@given(data=st.data())
@examples(30)
def test_reduction(name: str, data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    rank = len(shape)
    axes = data.draw(st.lists(st.integers(1, rank), min_size=1, max_size=rank, unique=True))
    written = [a if data.draw(st.booleans()) else a - rank - 1 for a in axes]
    keep = data.draw(st.booleans())
    x = values((1, *shape), data.draw(st.sampled_from(SIGNS)), data.draw(SEEDS))
    layer, flow = last_flow(lambda t: getattr(t, name)(dim=written, keepdim=keep), x)
    assert_twins(layer, flow, twins.reduced(x[0].numpy(), [a - 1 for a in axes]))


@pytest.mark.parametrize("name", ["mean", "sum"])
def test_reduction_of_everything(name: str) -> None:
    x = values((1, 2, 3), "both", 5)
    assert_twins(*last_flow(lambda t: getattr(t, name)(), x), twins.reduced(x[0].numpy(), [0, 1]))


@given(
    channels=st.integers(1, 3), size=st.integers(1, 3), sign=st.sampled_from(SIGNS), other=st.sampled_from(SIGNS),
    seed=SEEDS, form=st.sampled_from(["add", "sub", "rsub", "alpha", "inplace", "iadd"]),
)  # fmt: skip
@examples(60)
def test_sum_of_two(channels: int, size: int, sign: str, other: str, seed: int, form: str) -> None:
    a, b = values((1, channels, size), sign, seed), values((1, channels, size), other, seed + 1)
    x = torch.cat([a, b], dim=1)

    def net(t: Tensor) -> Tensor:
        a, b = t[:, :channels], t[:, channels:]
        if form == "inplace":
            y = a.clone()
            y += b
            return y
        return {
            "add": lambda: a + b,
            "sub": lambda: a - b,
            "rsub": lambda: torch.rsub(a, b),
            "alpha": lambda: torch.add(a, b, alpha=-2.5),
            "iadd": lambda: a.clone().add_(b),
        }[form]()

    scale = 2.5 if form == "alpha" else 1.0
    sides = [a[0].numpy(), b[0].numpy() * scale]
    assert_twins(*last_flow(net, x), twins.added(sides))


@given(sign=st.sampled_from(SIGNS), other=st.sampled_from(SIGNS), seed=SEEDS, alpha=st.sampled_from([1, -3, 0.5]))
@examples(30)
def test_sum_with_a_constant(sign: str, other: str, seed: int, alpha: float) -> None:
    x, c = values((1, 2, 3), sign, seed), values((1, 2, 3), other, seed + 1)
    assume(bool(c.any()))
    shares = twins.added([x[0].numpy()], c[0].numpy() * alpha)
    assert_twins(*last_flow(lambda t: torch.add(t, c, alpha=alpha), x), shares)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [([2, 3], (1, 3, 1, 1)), ([1], (1, 1, 2, 4)), ([2, 3], (3, 1, 1)), ([1, 2], (4,)), ([1, 2, 3], ())],
)
def test_sums_broadcast(axes: list[int], shape: tuple[int, ...]) -> None:
    """A side that is repeated holds the same unit many times; it gets all its shares."""
    x = values((1, 3, 2, 4), "both", 3)

    def small(t: Tensor) -> Tensor:
        return t.mean(dim=axes).reshape(shape)

    sides = [x[0].numpy(), small(x).expand(x.shape)[0].numpy()]
    assert_twins(*last_flow(lambda t: t + small(t), x), twins.added(sides))


def test_sum_of_a_tensor_with_itself() -> None:
    x = values((1, 2, 3), "both", 3)
    assert_twins(*last_flow(lambda t: t + t, x), twins.added([x[0].numpy()] * 2))


HALVES = [0.5, 0.5]


@pytest.mark.parametrize(
    ("net", "shares"),
    [
        (lambda a, b: a * b, HALVES),
        (lambda a, b: a.clone().mul_(b), HALVES),
        (lambda a, b: torch.sigmoid(a) * torch.sigmoid(b), HALVES),
    ],
)
def test_product_of_two(net: Callable[[Tensor, Tensor], Tensor], shares: list[float]) -> None:
    x = values((1, 4, 3), "both", 8)
    ones = np.ones((2, 3))
    layer, flow = last_flow(lambda t: net(t[:, :2], t[:, 2:]), x)
    assert_twins(layer, flow, twins.parted([ones * s for s in shares]))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_larger_of_two(name: str) -> None:
    x = values((1, 4, 3), "both", 8)
    x[0, 0, 0] = x[0, 2, 0]
    a, b = x[0, :2].numpy(), x[0, 2:].numpy()
    won = (a > b) if name == "maximum" else (a < b)
    first = np.where(a == b, 0.5, won * 1.0)
    layer, flow = last_flow(lambda t: getattr(torch, name)(t[:, :2], t[:, 2:]), x)
    assert_twins(layer, flow, twins.parted([first, 1 - first]))


def unruled(op: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Layer, Flow]:
    """The last layer of a net with an op that has no rule."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = graph_of(Fn(op), x).layers[-1]
    assert layer.make is not None
    return layer, layer.make(zplus())


@pytest.mark.parametrize(
    "op",
    [
        lambda t: t.logcumsumexp(1),
        lambda t: t.logsumexp(1),
        lambda t: t.prod(2),
        lambda t: t.var(1),
    ],
)
@pytest.mark.parametrize("sign", ["both", "positive", "zero"])
def test_any_other_op_by_its_own_gradient(op: Callable[[Tensor], Tensor], sign: str) -> None:
    x = values((1, 3, 4), sign, 21)
    layer, flow = unruled(op, x)
    assert_twins(layer, flow, twins.gradient_times_input(lambda t: op(t[None])[0], [x[0]]))


def test_any_other_op_of_two() -> None:
    x = values((1, 4, 3), "positive", 21) + 0.5
    layer, flow = unruled(lambda t: torch.hypot(t[:, :2], t[:, 2:]), x)
    assert_twins(layer, flow, twins.gradient_times_input(torch.hypot, [x[0, :2], x[0, 2:]]))
