"""The still picture of an explanation: a PNG that others can read, of the right size and colours."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from helpers.nets import DIGIT, mlp
from PIL import Image
from torch import nn

import heapwidget as hw
from heapwidget.display.still import LARGEST, LIMIT, _reduced, picture, png, still
from heapwidget.samples import lenet


def pixels(data: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(data))
    image.verify()
    assert image.format == "PNG"
    return np.asarray(Image.open(io.BytesIO(data)))


def linear(*shape: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 2))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 7)])
def test_png_is_read_back(shape: tuple[int, int]) -> None:
    expected = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert np.array_equal(pixels(png(expected)), expected)


def test_a_digit_and_its_contributions_stand_side_by_side() -> None:
    e = hw.attribute(lenet(), DIGIT)
    found = pixels(still(e))
    side = 28 * (240 // 28)
    assert found.shape == (side, 2 * (side + 16), 3)
    left, right = found[:, :side], found[:, side + 16 : -16]
    factor = side // 28
    # Ink is dark on paper.
    assert np.array_equal(left[::factor, ::factor, 0], 255 - (DIGIT[0, 0] * 255).round().byte().numpy())
    coloured = (right[::factor, ::factor] != 255).any(axis=2)
    assert np.array_equal(coloured & (e.attribution[0, 0] == 0).numpy(), np.zeros((28, 28), bool))
    best = np.unravel_index(e.order[0], (28, 28))
    assert right[::factor, ::factor][best].tolist() == [128, 0, 38]


def test_negative_contributions_are_purple() -> None:
    net = linear(1, 2)
    with torch.no_grad():
        net[1].weight[:] = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
        net[1].bias.zero_()
    found = pixels(still(hw.attribute(net, torch.ones(1, 2), target=0, method="gradient")))
    assert found[0, 0].tolist() == [143, 59, 5]
    assert found[0, -1].tolist() == [63, 26, 114]


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 6), (40, 240)),
        ((1, 1, 1, 1), (240, 512)),
        ((1, 3, 10, 20), (120, 512)),
        ((1, 3, 300, 20), (300, 72)),
        ((1, 5, 7), (34, 238)),
        ((1, 2, 3, 4, 5), (36, 240)),
    ],
)
def test_sizes(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    e = hw.attribute(linear(*shape), torch.rand(shape))
    assert pixels(still(e)).shape == (*size, 3)


def test_nothing_explained_is_white() -> None:
    e = hw.attribute(mlp(6, 3), torch.ones(1, 6), target=(1, 1))
    assert (pixels(still(e)) == 255).all()


@pytest.mark.parametrize(
    ("x", "low", "high"),
    [
        (torch.linspace(0, 1, 9), 0, 255),
        (torch.linspace(0, 0.5, 9), 0, 128),
        (torch.linspace(-3, 5, 9), 0, 255),
        (torch.full((9,), 4.0), 0, 0),
        (torch.linspace(0, 255, 9), 0, 255),
    ],
)
def test_inputs_of_any_range_are_shown(x: torch.Tensor, low: int, high: int) -> None:
    shown = picture(hw.attribute(linear(9), x.reshape(1, 1, 3, 3)), 0)
    assert shown is not None
    assert (shown.dtype, shown.shape) == (np.uint8, (3, 3))
    assert (int(shown.min()), int(shown.max())) == (low, high)


@pytest.mark.parametrize(
    "given",
    [np.full((3, 3), 7, np.uint8), np.zeros((3, 3, 3)), np.eye(3), np.eye(3, dtype=bool), [[0.0, 0.5, 1.0]] * 3],
    ids=lambda a: str(np.asarray(a).dtype) + str(np.asarray(a).shape),
)
def test_a_picture_of_ones_own(given: Any) -> None:
    e = hw.attribute(linear(9), torch.rand(1, 9), image=given)
    shown = picture(e, 0)
    a = np.asarray(given)
    assert np.array_equal(shown, a if a.dtype == np.uint8 else np.rint(a.astype(float) * 255).astype(np.uint8))
    assert pixels(still(e)).ndim == 3


@pytest.mark.parametrize("method", ["relevance", "gradient", "article"])
def test_all_methods_have_a_still(method: str) -> None:
    assert pixels(still(hw.attribute(lenet(), DIGIT, method=method))).shape[2] == 3


def large(*shape: int) -> nn.Module:
    torch.manual_seed(0)
    if len(shape) == 2:
        return linear(*shape)
    line = [nn.Conv1d(2, 3, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(6, 2)]
    image = [nn.Conv2d(3, 3, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2)]
    return nn.Sequential(*(line if len(shape) == 3 else image))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 3, 500, 600), (None, None)),
        ((1, 3, 1000, 40), (None, None)),
        ((1, 3, 16, 3000), (9, 2 * (480 + 16))),
        ((1, 2, 60_000), (8, 480)),
        ((1, 30_000), (8, 480)),
    ],
    ids=str,
)
def test_large_inputs_keep_to_the_limit(shape: tuple[int, ...], size: tuple[int | None, int | None]) -> None:
    """Also where the input is noise, which nothing compresses."""
    data = still(hw.attribute(large(*shape), torch.rand(shape), progress=False))
    found = pixels(data).shape
    assert len(data) <= LIMIT
    assert max(found[:2]) <= 2 * (LARGEST + 16)
    assert min(found[:2]) >= 8
    assert all(wanted in (None, n) for n, wanted in zip(found, size, strict=False))


def test_many_inputs_keep_to_the_limit() -> None:
    class Many(nn.Module):
        def forward(self, *images: torch.Tensor) -> torch.Tensor:
            return sum(image.sum((1, 2, 3)) for image in images)[:, None]

    data = still(hw.attribute(Many(), tuple(torch.rand(1, 3, 240, 200) for _ in range(12)), progress=False))
    assert len(data) <= LIMIT
    assert pixels(data).shape[0] > 12 * 8


def test_a_smaller_picture_shows_the_same() -> None:
    """A disc on the left of a large image, whose pixels count: where it was, in its colours."""
    rows, columns = np.mgrid[:960, :1280]
    disc = (rows - 300) ** 2 + (columns - 400) ** 2 < 150**2
    x = torch.from_numpy(np.where(disc, [[[1.0]], [[0.5]], [[0.0]]], 0.2)).float()[None]

    class Sum(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * mask).sum((1, 2, 3))[:, None]

    mask = torch.from_numpy(disc).float()
    found = pixels(still(hw.attribute(Sum(), x, progress=False)))
    height, width = 360, 480
    assert found.shape == (height, 2 * (width + 16), 3)
    small = disc[::8, ::8].repeat(3, 0).repeat(3, 1)
    inside, outside = (binary_eroded(m) for m in (small, ~small))
    left, right = found[:, :width], found[:, width + 16 : 2 * width + 16]
    assert (np.abs(left[inside].astype(int) - [255, 128, 0]) <= 1).all()
    assert (np.abs(left[outside].astype(int) - 51) <= 1).all()
    assert (right[inside].astype(int).sum(1) < 500).all()
    assert (right[outside] == 255).all()


def binary_eroded(mask: np.ndarray, by: int = 6) -> np.ndarray:
    """Less its border."""
    kept = mask.copy()
    for axis in (0, 1):
        for shift in (-by, by):
            kept &= np.roll(mask, shift, axis)
    return kept


@pytest.mark.parametrize("shape", [(7, 5), (100, 33), (48, 96, 3), (1, 97), (97, 1)])
@pytest.mark.parametrize("side", [1, 4, 10, 48])
def test_smaller_tiles_are_means(shape: tuple[int, ...], side: int) -> None:
    """Beside a plain loop over the rectangles, which cover all of it."""
    a = np.random.default_rng(0).random(shape)
    found = _reduced(a, side)
    if max(shape[:2]) <= side:
        assert found is a
        return
    down, across = found.shape[:2]
    assert max(down, across) == side
    edges = [np.linspace(0, length, n + 1).astype(int) for length, n in zip(shape, (down, across), strict=False)]
    for i in range(down):
        for j in range(across):
            part = a[edges[0][i] : edges[0][i + 1], edges[1][j] : edges[1][j + 1]]
            assert np.allclose(found[i, j], part.mean((0, 1)))
