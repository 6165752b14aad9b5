"""What is measured on: networks, digits and photographs. All of it ships in packages."""

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from matplotlib.cbook import get_sample_data
from matplotlib.pyplot import imread
from numpy.typing import NDArray
from skimage import data
from sklearn.datasets import load_sample_image
from torch import Tensor, nn

import heapwidget as hw

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

from helpers.benchmarks import efficientnet
from helpers.evidence import attention_peers, dino  # noqa: F401 - handed on to vit.py, which has no such path

DIGITS = 500

Item = tuple[str, Tensor]


@cache
def network(kind: str) -> nn.Module:
    """The network that looks at digits or at photos."""
    return hw.samples.lenet() if kind == "digits" else efficientnet.net()


@cache
def last_features(kind: str) -> nn.Module:
    """The module whose output are the last features that still have places."""
    net = network(kind)
    found = net.conv2 if kind == "digits" else net._bn1
    assert isinstance(found, nn.Module)
    return found


def items(kind: str) -> Iterator[Item]:
    """Names and inputs of all digits or photos."""
    return digits() if kind == "digits" else photos()


def digits() -> Iterator[Item]:
    """The first of the digits that LeNet has never seen: fifty of each class."""
    for number, image in enumerate(hw.samples.digits().images[:DIGITS]):
        yield str(number), image[None, None].float() / 255


def pictures() -> dict[str, Callable[[], NDArray[np.uint8]]]:
    """Every photograph of things or places that ships with scikit-image, scikit-learn or matplotlib and in which
    EfficientNet-Lite0 is sure of its first class by a tenth at least (in grass and gravel it sees nothing).
    """
    return {
        "astronaut": data.astronaut,
        "brick": data.brick,
        "camera": data.camera,
        "cat": data.chelsea,
        "china": lambda: load_sample_image("china.jpg"),
        "clock": data.clock,
        "coffee": data.coffee,
        "coins": data.coins,
        "flower": lambda: load_sample_image("flower.jpg"),
        "hopper": lambda: imread(get_sample_data("grace_hopper.jpg")),
        "motorcycle": lambda: data.stereo_motorcycle()[0],
        "rocket": data.rocket,
    }


def photos() -> Iterator[Item]:
    """The photographs as EfficientNet-Lite0 takes them."""
    for name, read in pictures().items():
        yield name, efficientnet.preprocess(coloured(read()))


def coloured(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photograph with three channels, as (H, W, 3)."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def scores(net: nn.Module, x: Tensor) -> Tensor:
    """The network's scores for one input, without their batch axis."""
    with torch.inference_mode():
        return net(x)[0].clone()
