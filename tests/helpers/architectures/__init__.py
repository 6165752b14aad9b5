"""Architectures that people use, written small: few channels, random weights, the same ops in the same order."""

from __future__ import annotations

import torch
from helpers.architectures.convolutional import CONVOLUTIONAL
from helpers.architectures.decoders import DECODERS
from helpers.architectures.encoders import ENCODERS
from helpers.architectures.mobile import MOBILE
from helpers.architectures.parts import Architectures
from helpers.architectures.sequences import SEQUENCES
from helpers.architectures.vision import VISION
from helpers.architectures.windowed import WINDOWED
from torch import Tensor, nn

FAMILIES: dict[str, Architectures] = {
    "convolutional": CONVOLUTIONAL,
    "mobile, and pictures to pictures": MOBILE,
    "vision transformers and mixers": {**VISION, **WINDOWED},
    "text": {**ENCODERS, **DECODERS},
    "sound, sequences, graphs, films": SEQUENCES,
}
ARCHITECTURES: Architectures = {name: made for family in FAMILIES.values() for name, made in family.items()}


def architecture(name: str) -> tuple[nn.Module, Tensor]:
    """A net, fresh and always the same, in float32, with norms that do something, and its input."""
    make, shape = ARCHITECTURES[name]
    torch.manual_seed(sum(map(ord, name)))
    net = make().eval()
    with torch.no_grad():
        for module in net.modules():
            _wake(module)
    return net, torch.randn(shape)


def _wake(module: nn.Module) -> None:
    """Weights that keep a signal's size through the layers, as trained ones do, and statistics that do something."""
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        module.running_mean.normal_(std=0.5)
        module.running_var.uniform_(0.5, 2)
    if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.LayerNorm | nn.GroupNorm):
        module.weight.uniform_(0.5, 1.5)
        module.bias.normal_(std=0.2)
    if isinstance(module, nn.modules.conv._ConvNd | nn.Linear) and not nn.utils.parametrize.is_parametrized(module):
        nn.init.kaiming_normal_(module.weight)
