"""Receptive fields: what a unit is said to see holds all that can really move it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from helpers import zoo
from helpers.examples import examples
from helpers.nets import graph_of
from helpers.random_nets import KINDS, TOKEN_KINDS, Net, joined_nets, nets, token_nets
from helpers.zoo import animal
from hypothesis import given
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.graph import builder
from heapwidget.engine.graph.builder import Builder
from heapwidget.samples import lenet


def layer_values(net: nn.Module, *inputs: Tensor) -> list[np.ndarray]:
    """The recorded values of each layer that the graph keeps."""
    values, kept = [x[0].numpy() for x in inputs], []
    finish = builder.finished

    def finished(layers: list[Any], *rest: Any) -> Any:
        result = finish(layers, *rest)
        kept.extend(i for i, layer in enumerate(layers) if any(layer.make is r.make for r in result.layers))
        return result

    class Watched(Builder):
        def add_layer(self, call: Any, out: Tensor, *args: Any, **options: Any) -> None:
            Builder.add_layer(self, call, out, *args, **options)
            values.append(out.detach().reshape(self.layers[-1].shape).numpy())

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr("heapwidget.engine.graph.builder.Builder", Watched)
        patch.setattr("heapwidget.engine.graph.builder.finished", finished)
        graph_of(net, *inputs)
    return [values[i] for i in kept]


def check_fields(net: nn.Module, x: Tensor | tuple[Tensor, ...], positions: list[tuple[int, ...]] | None = None) -> int:
    """Move each position (or those given) and see which units it moves; gives how many layers told a field."""
    inputs = x if isinstance(x, tuple) else (x,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = hw.attribute(net, x, max_pops=0, target=lambda out: out.sum(), progress=False).trace.header
    before, first = layer_values(net, *inputs), 0
    for number, one in enumerate(inputs):
        shape, channel_axis = header["layers"][number]["shape"], header["layers"][number]["channel_axis"]
        axes = [a for a in range(len(shape)) if a != channel_axis]
        own = slice(first, first + len(axes))
        for position in positions or np.ndindex(*(shape[a] for a in axes)):
            at = dict(zip(axes, position, strict=True))
            moved = one.clone()
            moved[(0, *(at.get(a, slice(None)) for a in range(len(shape))))] += 3.7
            after = layer_values(net, *inputs[:number], moved, *inputs[number + 1 :])
            # The header has one layer more: the sum that is explained.
            for layer, was, now in zip(header["layers"][:-1], before, after, strict=True):
                field = None if layer["field"] is None else layer["field"][own]
                for unit in np.argwhere(was != now):
                    assert sees(field, unit, position), f"{layer['label']} {unit} is moved by {position}"
        first = own.stop
    return sum(layer["field"] is not None for layer in header["layers"])


def sees(field: list[list[int]] | None, unit: np.ndarray, position: tuple[int, ...]) -> bool:
    if field is None:
        return True
    for (start, step, size, axis), p in zip(field, position, strict=True):
        first = start + step * (0 if axis is None else int(unit[axis]))
        if not first <= p < first + size:
            return False
    return True


# Relevance takes a norm's statistics as given, and so do fields.
STILL, STILL_TOKENS = ([k for k in kinds if k not in ("norm", "normed")] for kinds in (KINDS, TOKEN_KINDS))


@given(drawn=nets(length=5, kinds=STILL))
@examples(40)
def test_fields_hold_what_moves_a_unit(drawn: tuple[Net, Tensor]) -> None:
    net, x = drawn
    assert check_fields(net, x, [(0, 0), (1, 3), (2, 2), (4, 4)]) >= 1


@given(drawn=token_nets(kinds=STILL_TOKENS))
@examples(40)
def test_fields_of_tokens_hold_what_moves_a_unit(drawn: tuple[Net, Tensor]) -> None:
    check_fields(*drawn)


# Nor do they follow what only gates, which may be of another input.
@given(drawn=joined_nets(length=5, kinds=[kind for kind in STILL if kind != "gate"]))
@examples(40)
def test_fields_of_several_inputs_hold_what_moves_a_unit(drawn: tuple[Net, tuple[Tensor, ...]]) -> None:
    check_fields(*drawn, [(0, 0), (1, 2), (2, 2)])


class Gated(nn.Module):
    """One picture, gated by another."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.conv(a * torch.sigmoid(b)).flatten(1)


def test_what_only_gates_is_not_followed() -> None:
    x = torch.rand(1, 1, 5, 5), torch.rand(1, 1, 5, 5)
    layers = hw.attribute(Gated(), x, target=0, progress=False).trace.header["layers"]
    unseen = [0, 0, 0, None]
    fields = [layer["field"] for layer in layers if layer["op"] == "conv"]
    assert fields == [[[0, 1, 3, 1], [0, 1, 3, 2], unseen, unseen]]


def test_fields_tell_which_input_is_not_seen() -> None:
    net, x = animal("picture and table")
    layers = hw.attribute(net, x).trace.header["layers"]
    fields = {layer["label"]: layer["field"] for layer in layers}
    unseen = [0, 0, 0, None]
    assert fields == {
        "x1": [[0, 1, 1, 1], [0, 1, 1, 2], unseen],
        "x2": [unseen, unseen, [0, 1, 1, 0]],
        "conv": [[0, 1, 3, 1], [0, 1, 3, 2], unseen],
        "max_pool": [[0, 3, 5, 1], [0, 3, 5, 2], unseen],
        "wide": [unseen, unseen, [0, 0, 6, None]],
        "out": None,
    }


def test_fields_follow_axes_that_trade_places() -> None:
    """A convolution over words takes their embeddings as channels."""
    torch.manual_seed(0)
    text = zoo.Net(lambda net, x: net.conv(x.transpose(1, 2)), conv=nn.Conv1d(4, 3, 3, padding=1))
    layers = hw.attribute(text, torch.randn(1, 7, 4), tokens=list("abcdefg"), target=torch.sum).trace.header["layers"]
    assert [layer["field"] for layer in layers[:2]] == [[[0, 1, 1, 0]], [[-1, 1, 3, 1]]]
    grid = zoo.Net(lambda net, x: net.conv(x.transpose(2, 3)), conv=nn.Conv2d(2, 3, (3, 1)))
    assert check_fields(grid, torch.randn(1, 2, 6, 5)) >= 1
    assert hw.attribute(grid, torch.randn(1, 2, 6, 5), target=torch.sum).trace.header["layers"][1]["field"] == [
        [0, 1, 1, 2],
        [0, 1, 3, 1],
    ]


def test_fields_of_lenet_are_those_of_its_arithmetic() -> None:
    x = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert check_fields(lenet(), x, [(0, 0), (13, 20), (27, 5)]) == 5
    fields = {layer["label"]: layer["field"] for layer in hw.attribute(lenet(), x).trace.header["layers"]}
    assert fields["conv1"] == [[0, 1, 5, 1], [0, 1, 5, 2]]
    assert fields["pool1"] == [[0, 2, 6, 1], [0, 2, 6, 2]]
    assert fields["conv2"] == [[0, 2, 14, 1], [0, 2, 14, 2]]
    assert fields["pool2"] == [[0, 4, 16, 1], [0, 4, 16, 2]]
    assert fields["fc1"] is None


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1, dilation=2), nn.MaxPool2d(3, 2, 1, ceil_mode=True)), 9),
        (nn.Sequential(nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), nn.Conv2d(1, 1, 2)), 8),
        (nn.Sequential(nn.AdaptiveMaxPool2d((3, 5)), nn.Conv2d(1, 1, 2)), 8),
        (nn.Sequential(nn.ConvTranspose2d(1, 2, 3, stride=2, padding=1), nn.MaxPool2d(2)), 5),
        (nn.Sequential(nn.ZeroPad2d((2, 0, 1, 3)), nn.Conv2d(1, 1, 3)), 6),
        (nn.Sequential(nn.ReflectionPad2d(2), nn.Conv2d(1, 1, 3)), 6),
        (nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3)), 5),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=False), nn.Linear(3, 4)), 6),
        (nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 2, 2)), 6),
    ],
    ids=lambda value: type(value[0]).__name__ if isinstance(value, nn.Sequential) else str(value),
)
def test_fields_of_single_ops(net: nn.Module, shape: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 1, shape, shape)
    last = shape - 1
    check_fields(net, x, [(0, 0), (0, last), (last, 0), (last, last), (2, 3), (4, 1)])
