"""Cells: the part of the input that a unit lies over, by proportion, through whatever made its layer."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from helpers.nets import Fn
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.trace.header import Layer

SIDE = 16


def layers_of(net: nn.Module, x: Tensor | tuple[Tensor, ...]) -> tuple[Layer, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hw.attribute(net.eval(), x, max_pops=0, target=lambda out: out.sum(), progress=False).trace.header.layers


def places(layer: Layer, unit: tuple[int, ...]) -> list[tuple[float, float] | None]:
    """Where a unit lies along each axis of the inputs, from 0 to 1; `None` where it lies nowhere."""
    found: list[tuple[float, float] | None] = []
    for digits in layer.cell or ():
        place, count, inside = 0, 1, True
        for axis, start, stop, stride, size in digits:
            inside &= start <= unit[axis] < stop
            place, count = place * size + (unit[axis] - start) // stride % size, count * size
        found.append((place / count, (place + 1) / count) if inside else None)
    return found


def part(index: int, count: int) -> tuple[float, float]:
    return index / count, (index + 1) / count


def conv(stride: int = 1, size: int = 3, padding: int = 1) -> nn.Module:
    return nn.Conv2d(1, 2, size, stride, padding)


def mean_of(*modules: nn.Module) -> nn.Module:
    return nn.Sequential(*modules, Fn(lambda t: t.mean((2, 3))), nn.Linear(2, 2))


MAPS: dict[str, tuple[nn.Module, int]] = {
    "convolution": (conv(), SIDE),
    "convolution without padding": (conv(padding=0), SIDE - 2),
    "strided": (conv(2), SIDE // 2),
    "pooling": (nn.Sequential(conv(), nn.MaxPool2d(2)), SIDE // 2),
    "mean pooling": (nn.Sequential(conv(), nn.AvgPool2d(4)), SIDE // 4),
    "uneven pooling": (nn.Sequential(conv(), nn.AdaptiveAvgPool2d(3)), 3),
    "transposed": (nn.ConvTranspose2d(1, 2, 2, 2), 2 * SIDE),
    "strided and back": (nn.Sequential(conv(4), nn.ConvTranspose2d(2, 2, 4, 4)), SIDE),
    "upsampled": (nn.Sequential(conv(2), nn.Upsample(scale_factor=2, mode="bilinear")), SIDE),
    "padded by hand": (nn.Sequential(nn.ZeroPad2d(1), conv(padding=0)), SIDE),
    "every second": (nn.Sequential(Fn(lambda t: t[:, :, ::2, ::2]), conv()), SIDE // 2),
    "patches": (conv(4, 4, 0), SIDE // 4),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_map_divides_the_input_into_as_many_parts_as_it_has_rows(name: str) -> None:
    torch.manual_seed(0)
    net, size = MAPS[name]
    layers = layers_of(mean_of(net, nn.ReLU()), torch.rand(1, 1, SIDE, SIDE))
    layer = next(one for one in reversed(layers) if len(one.shape) == 3 and one.shape[1] > 1)
    assert layer.shape[1:] == (size, size)
    for row, column in [(0, 0), (1, 2), (size - 1, size // 2)]:
        assert places(layer, (1, row, column)) == [part(row, size), part(column, size)]


def test_a_cut_lies_where_it_was() -> None:
    layers = layers_of(mean_of(Fn(lambda t: t[:, :, 4:12, :8]), conv()), torch.rand(1, 1, SIDE, SIDE))
    assert places(layers[1], (0, 0, 7)) == [part(4, SIDE), part(7, SIDE)]
    assert places(layers[1], (0, 7, 0)) == [part(11, SIDE), part(0, SIDE)]


def test_a_vector_lies_over_everything() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 9), nn.ReLU(), nn.Linear(9, 9))
    assert [layer.cell for layer in layers_of(net, torch.rand(1, 1, SIDE, SIDE))][1:] == [None, None, None]


class Tokens(nn.Module):
    """Patches of 4 x 4 pixels as tokens, a class token in front or behind if wanted, a block of attention."""

    def __init__(self, patches: Callable[[Tensor], Tensor] | None, extra: str) -> None:
        super().__init__()
        self.patches, self.extra = patches, extra
        self.embed = nn.Conv2d(1, 8, 4, 4) if patches is None else nn.Linear(16, 8)
        self.token, self.places = nn.Parameter(torch.randn(1, 1, 8)), nn.Parameter(torch.randn(1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        t = self.embed(x).flatten(2).mT if self.patches is None else self.embed(self.patches(x))
        around = {"front": [self.token, t], "back": [t, self.token], "none": [t]}[self.extra]
        return self.head(self.block(torch.cat(around, 1) + self.places).mean(1))


def by_hand(x: Tensor) -> Tensor:
    """Patches in reading order, each as a token."""
    return x.reshape(1, 4, 4, 4, 4).transpose(2, 3).reshape(1, 16, 16)


@pytest.mark.parametrize(
    "patches", [None, by_hand, lambda x: F.unfold(x, 4, stride=4).mT], ids=["conv", "hand", "fold"]
)
@pytest.mark.parametrize("extra", ["none", "front", "back"])
def test_tokens_lie_where_their_patches_were(patches: Callable[[Tensor], Tensor] | None, extra: str) -> None:
    torch.manual_seed(0)
    layers = layers_of(Tokens(patches, extra), torch.rand(1, 1, SIDE, SIDE))
    first, count = extra == "front", 16 + (extra != "none")
    told = [layer for layer in layers[1:] if count in layer.shape]
    assert len(told) >= 6
    for layer in told:
        axis = layer.shape.index(count)
        for token in (0, 5, 15):
            unit = tuple(token + first if a == axis else 0 for a in range(len(layer.shape)))
            assert places(layer, unit) == [part(token // 4, 4), part(token % 4, 4)], layer.label
        if extra != "none":
            alone = tuple((0 if first else 16) if a == axis else 0 for a in range(len(layer.shape)))
            assert places(layer, alone) == [None, None]


class Windows(nn.Module):
    """Windows of 2 x 2 tokens, and a merging of four tokens to one, as in Swin transformers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.inside = nn.Conv2d(1, 8, 2, 2), nn.Linear(8, 8)
        self.merge, self.head = nn.Linear(32, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        t = self.embed(x).permute(0, 2, 3, 1)
        w = F.relu(self.inside(t.reshape(1, 4, 2, 4, 2, 8).transpose(2, 3).reshape(16, 4, 8)))
        t = t + w.reshape(1, 4, 4, 2, 2, 8).transpose(2, 3).reshape(1, 8, 8, 8)
        t = torch.cat([t[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        return self.head(F.relu(self.merge(t)).mean((1, 2)))


def test_windows_and_merged_tokens_lie_where_they_were() -> None:
    torch.manual_seed(0)
    layers = {layer.label: layer for layer in layers_of(Windows(), torch.rand(1, 1, SIDE, SIDE))}
    # Window 6 is in row 1, column 2; its token 3 is the lower right one.
    assert places(layers["inside"], (6 * 4 + 3, 0)) == [part(2 * 1 + 1, 8), part(2 * 2 + 1, 8)]
    assert places(layers["merge"], (6, 0)) == [part(1, 4), part(2, 4)]


def test_words_and_channels_of_a_signal_lie_where_they_are() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2), Fn(lambda t: t.mean(1)), nn.Linear(2, 2))
    words = layers_of(net, torch.rand(1, 7, 4))
    assert places(words[1], (5, 0)) == [part(5, 7)]
    signal = layers_of(
        nn.Sequential(nn.Conv1d(2, 3, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(21, 2)), torch.rand(1, 2, 16)
    )
    assert places(signal[1], (0, 6)) == [part(6, 7)]


def test_of_several_inputs_each_has_its_own() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.head = nn.Conv2d(1, 2, 3, 2), nn.Conv2d(1, 2, 3), nn.Linear(4, 2)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.head(torch.cat([F.relu(self.a(a)).mean((2, 3)), F.relu(self.b(b)).mean((2, 3))], 1))

    layers = layers_of(Two(), (torch.rand(1, 1, 9, 9), torch.rand(1, 1, 8, 8)))
    assert [[bool(digits) for digits in layer.cell or ()] for layer in layers if layer.op == "conv"] == [
        [True, True, False, False],
        [False, False, True, True],
    ]
