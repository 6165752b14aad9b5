"""Which axis of a layer counts channels, where nets move their tokens about; a node is a position with all of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.nets import adds_up
from helpers.token_nets import NETS
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.graph.channels import carried
from heapwidget.engine.graph.layers import CONSTANT_ENTRY, Layer, Operand


def explained(name: str, nodes: str) -> hw.Explanation:
    make, shape, _ = NETS[name]
    torch.manual_seed(0)
    net = make().eval()
    return hw.attribute(net, torch.rand(shape), target=0, nodes=nodes, rule="epsilon", max_pops=20, progress=False)


@pytest.mark.parametrize("nodes", ["token", "position", "auto"])
@pytest.mark.parametrize("name", list(NETS))
@pytest.mark.filterwarnings("ignore:.* lies on inputs that change it the other way")
def test_a_node_is_a_position_with_its_channels(name: str, nodes: str) -> None:
    e = explained(name, nodes)
    layers = [layer for layer in e.trace.header["layers"] if len(layer["shape"]) > 1]
    axes = NETS[name][2]
    assert {layer["label"]: layer["channel_axis"] for layer in layers} == axes
    for layer in layers:
        shape, box, channels = layer["shape"], layer["box"], axes[layer["label"]]
        if nodes != "auto" or layer["label"] == "input":
            assert box == [size if a == channels else 1 for a, size in enumerate(shape)], layer["label"]
        elif set(box) != {1}:
            assert box[channels] == shape[channels], layer["label"]
    adds_up(e)


def test_some_are_wide_enough_to_be_cut_by_auto() -> None:
    for name in ("wide ViT", "wide Swin"):
        layers = explained(name, "auto").trace.header["layers"]
        assert any(layer["op"] == "add" and set(layer["box"]) != {1} for layer in layers)


@pytest.mark.parametrize("positions", [6, 7])
def test_a_batch_norm_of_channels_is_not_merged_into_weights_over_positions(positions: int) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv1d(2, 6, 4, 4), nn.Linear(5, positions), nn.BatchNorm1d(6), nn.Flatten(), nn.Linear(6 * positions, 3)
    ).eval()
    for statistics in (net[2].running_mean, net[2].running_var):
        nn.init.uniform_(statistics, 0.5, 2)
    x = torch.rand(1, 2, 20, requires_grad=True)
    e = hw.attribute(net, x.detach(), target=0, rule="epsilon", progress=False)
    convolved = net[0](x)
    mixed = net[1](convolved)
    # The norm takes relevance as it is to what it scales.
    r = net[2](mixed) * net[4].weight[0].reshape(6, positions)
    for z, a in ((mixed, convolved), (convolved, x)):
        (r,) = torch.autograd.grad(z, a, r / z, retain_graph=True)
        r = r * a
    np.testing.assert_allclose(e.attribution, r.detach(), atol=1e-3)


# How tokens and maps are moved: a layer of three axes, whose channels come first or last.
MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "as it is": lambda t: t,
    "flat positions": lambda t: t.flatten(1),
    "tokens": lambda t: t.flatten(1).mT,
    "turned": lambda t: t.permute(2, 0, 1),
    "heads": lambda t: t.flatten(1).mT.reshape(16, 2, 3).transpose(0, 1),
    "rolled": lambda t: t.roll((1, 2), (1, 2)),
    "windows": lambda t: t.reshape(t.shape[0], 2, 2, -1, t.shape[2]).permute(1, 3, 2, 4, 0).flatten(0, 1),
    "folded": lambda t: F.pixel_unshuffle(t.double(), 2).long(),
    "a constant in front": lambda t: F.pad(t.flatten(1).mT, (0, 0, 1, 0), value=CONSTANT_ENTRY),
    "repeated": lambda t: t[:, :1].expand(-1, 5, -1),
    "some of each": lambda t: t[1:4, ::2, 1:],
}


def slow_twin(index: Tensor, layer: Layer) -> int | None:
    """The rule, line by line: the last axis on which channels change and positions stay, or who meets most channels."""
    axis, met, still = layer.channel_axis, [], []
    assert axis is not None
    for along in range(index.ndim):
        lines = np.moveaxis(index.numpy(), along, -1).reshape(-1, index.shape[along])
        channels, positions = [], []
        for line in lines:
            places = [np.unravel_index(unit - layer.offset, layer.shape) for unit in line if unit >= 0]
            channels.append(len({place[axis] for place in places}))
            positions.append(len({tuple(p for a, p in enumerate(place) if a != axis) for place in places}))
        met.append(max(channels))
        if max(positions) == 1 and max(channels) > 1:
            still.append(along)
    if still:
        return still[-1]
    return met.index(max(met)) if max(met) > 1 else None


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", list(MOVES))
def test_where_channels_are_carried_follows_from_each_unit(name: str, axis: int) -> None:
    source = Layer("source", "conv", (6, 4, 4), axis, 0)
    other = Layer("other", "conv", (5, 3, 2), axis, source.end)
    layer = Layer("layer", "conv", (6, 4, 4), axis, other.end)
    index = MOVES[name](torch.arange(layer.offset, layer.end).reshape(layer.shape))
    operand = Operand(tuple(index.shape), None, index)
    assert carried(operand, [source, other, layer]) == slow_twin(index, layer)


def test_where_channels_lie_is_not_known_before_it_is_told() -> None:
    unknown = Layer("x", "input", (6, 4, 4), None, 0)
    index = torch.arange(unknown.end).reshape(unknown.shape).permute(1, 2, 0)
    assert carried(Operand((4, 4, 6), None, index), [unknown]) is None


def test_one_channel_lies_on_the_axis_of_one() -> None:
    layer = Layer("conv", "conv", (1, 4, 4), 0, 0)
    index = torch.arange(16).reshape(16, 1)
    assert carried(Operand((16, 1), 0, None), [layer]) == carried(Operand((16, 1), None, index), [layer]) == 1
