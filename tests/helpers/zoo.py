"""A zoo of small nets, one for each thing that real architectures do."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from helpers.zoo_blocks import BLOCKS
from helpers.zoo_parts import IMAGE, SIGNAL, TOKENS, VECTOR, VOLUME, Animals, Net, Recurrent, weight
from helpers.zoo_several import SEVERAL
from helpers.zoo_sums import SUMS
from torch import Tensor, nn


def gated(net: Net, x: Tensor) -> Tensor:
    """Depthwise convolution with squeeze and excitation."""
    y = F.hardswish(net.depth(F.relu6(net.point(x))))
    gate = F.hardsigmoid(net.wide(F.relu(net.narrow(y.mean((2, 3), keepdim=True)))))
    return net.out((y * gate).mean((2, 3)))


def u_shaped(net: Net, x: Tensor) -> Tensor:
    """Down, up, and the skip beside it; a mask's mean is explained."""
    first = F.relu(net.down(x))
    deep = F.relu(net.deep(F.max_pool2d(first, 2)))
    up = F.interpolate(deep, scale_factor=2, mode="bilinear", align_corners=False)
    return net.out(torch.cat([net.up(deep), up, first], 1)).mean((2, 3))


def vision_transformer(net: Net, x: Tensor) -> Tensor:
    """Patches, a class token, positions, and a pre-norm block."""
    tokens = net.patches(x).flatten(2).transpose(1, 2)
    tokens = torch.cat([net.token.expand(1, -1, -1), tokens], 1) + net.position
    return net.out(net.block(tokens)[:, 0])


def by_value(net: Net, x: Tensor) -> Tensor:
    """Control flow that depends on the data."""
    y = F.relu(net.first(x))
    while y.norm() < 10:
        y = y * 2 + 0.1
    return net.out(y) if y.sum() > 0 else net.first(y)


def in_place(net: Net, x: Tensor) -> Tensor:
    """Writes through views."""
    y = F.relu_(net.first(x))
    y[:, 0] *= 2
    row = y.view(1, -1)
    row += 0.5
    y[:, 1:].mul_(y[:, :-1].clone())
    return net.out(y)


def statistics(net: Net, x: Tensor) -> Tensor:
    """Every norm in a row."""
    y = net.instance(F.relu(net.group(net.first(x))))
    return net.out(net.rms(net.layer(net.second(y))).flatten(1))


def shared(net: Net, x: Tensor) -> Tensor:
    """One module three times, one weight twice."""
    y = torch.tanh(net.same(torch.tanh(net.same(torch.tanh(net.same(x))))))
    return y @ net.same.weight[:, :3]


def mixer(net: Net, x: Tensor) -> Tensor:
    """Tokens and channels mixed in turn by einsum."""
    y = x + F.gelu(torch.einsum("btd,ts->bsd", x, net.tokens))
    return net.out((y + F.silu(torch.einsum("btd,de->bte", y, net.channels))).mean(1))


def residual(net: Net, x: Tensor) -> Tensor:
    """Post-activation, with a projected skip."""
    y = F.relu(net.bn1(net.conv1(x)))
    y = F.relu(net.bn2(net.conv2(y)) + net.skip(x))
    return net.out(F.adaptive_avg_pool2d(y, 1).flatten(1))


def pre_activation(net: Net, x: Tensor) -> Tensor:
    """BatchNorm and ReLU before each convolution."""
    y = net.conv1(F.relu(net.bn1(x)))
    return net.out((x + net.conv2(F.relu(net.bn2(y)))).mean((2, 3)))


def dense(net: Net, x: Tensor) -> Tensor:
    """Everything before is read again."""
    y = torch.cat([x, net.conv1(F.relu(net.bn1(x)))], 1)
    y = torch.cat([y, net.conv2(F.relu(net.bn2(y)))], 1)
    return net.out(F.avg_pool2d(y, 3, ceil_mode=True, padding=1).amax((2, 3)))


def transformer() -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)


ZOO: Animals = {
    **BLOCKS,
    **SEVERAL,
    **SUMS,
    "residual": (
        lambda: Net(
            residual,
            conv1=nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(4),
            conv2=nn.Conv2d(4, 4, 3, padding=1, bias=False),
            bn2=nn.BatchNorm2d(4),
            skip=nn.Sequential(nn.Conv2d(2, 4, 1, stride=2, bias=False), nn.BatchNorm2d(4)),
            out=nn.Linear(4, 3),
        ),
        IMAGE,
    ),
    "pre-activation": (
        lambda: Net(
            pre_activation,
            bn1=nn.BatchNorm2d(2),
            conv1=nn.Conv2d(2, 4, 3, padding=1),
            bn2=nn.BatchNorm2d(4),
            conv2=nn.Conv2d(4, 2, 3, padding=1),
            out=nn.Linear(2, 3),
        ),
        IMAGE,
    ),
    "dense": (
        lambda: Net(
            dense,
            bn1=nn.BatchNorm2d(2),
            conv1=nn.Conv2d(2, 3, 3, padding=1),
            bn2=nn.BatchNorm2d(5),
            conv2=nn.Conv2d(5, 3, 3, padding=2, dilation=2),
            out=nn.Linear(8, 3),
        ),
        IMAGE,
    ),
    "mobile with gates": (
        lambda: Net(
            gated,
            point=nn.Conv2d(2, 6, 1),
            depth=nn.Conv2d(6, 6, 3, padding=1, groups=6),
            narrow=nn.Conv2d(6, 2, 1),
            wide=nn.Conv2d(2, 6, 1),
            out=nn.Linear(6, 3),
        ),
        IMAGE,
    ),
    "U-shaped": (
        lambda: Net(
            u_shaped,
            down=nn.Conv2d(2, 3, 3, padding=1),
            deep=nn.Conv2d(3, 4, 3, padding=1),
            up=nn.ConvTranspose2d(4, 2, 2, stride=2),
            out=nn.Conv2d(9, 2, 1),
        ),
        IMAGE,
    ),
    "1-D": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 5, stride=2), nn.BatchNorm1d(4), nn.ELU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(12, 3)
        ),
        SIGNAL,
    ),
    "3-D": (
        lambda: nn.Sequential(
            nn.Conv3d(1, 2, 3, padding=1), nn.ReLU(), nn.AvgPool3d(2), nn.Flatten(), nn.Linear(16, 2)
        ),
        VOLUME,
    ),
    "MLP": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(), nn.Linear(8, 5), nn.Sigmoid(), nn.Linear(5, 3)),
        VECTOR,
    ),
    "vision transformer": (
        lambda: Net(
            vision_transformer,
            patches=nn.Conv2d(2, 8, 4, stride=4),
            token=weight(1, 1, 8),
            position=weight(1, 5, 8),
            block=nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=True, activation="gelu"),
            out=nn.Linear(8, 3),
        ),
        IMAGE,
    ),
    "text transformer on embeddings": (
        lambda: Net(
            lambda net, x: net.out(net.second(net.first(x)).mean(1)),
            first=transformer(),
            second=transformer(),
            out=nn.Linear(8, 2),
        ),
        TOKENS,
    ),
    "attention": (
        lambda: Net(
            lambda net, x: net.out(net.attention(x, x, x)[0].flatten(1)),
            attention=nn.MultiheadAttention(8, 2, batch_first=True),
            out=nn.Linear(40, 2),
        ),
        TOKENS,
    ),
    "LSTM": (lambda: Recurrent(nn.LSTM(8, 3, batch_first=True)), TOKENS),
    "GRU": (lambda: Recurrent(nn.GRU(8, 3, batch_first=True)), TOKENS),
    "plain recurrent": (lambda: Recurrent(nn.RNN(8, 3, batch_first=True)), TOKENS),
    "shared weights": (lambda: Net(shared, same=nn.Linear(6, 6)), VECTOR),
    "functional only": (
        lambda: Net(
            lambda net, x: F.linear(F.max_pool2d(F.conv2d(x, net.w).relu(), 2).flatten(1), net.v),
            w=weight(3, 2, 3, 3),
            v=weight(3, 27),
        ),
        IMAGE,
    ),
    "control flow": (lambda: Net(by_value, first=nn.Linear(6, 6), out=nn.Linear(6, 3)), VECTOR),
    "in place on views": (lambda: Net(in_place, first=nn.Linear(6, 8), out=nn.Linear(8, 3)), VECTOR),
    "dict output": (
        lambda: Net(
            lambda net, x: {"hidden": x, "logits": net.out(F.relu(net.first(x)))},
            first=nn.Linear(6, 8),
            out=nn.Linear(8, 3),
        ),
        VECTOR,
    ),
    "weight norm": (
        lambda: nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 3)), nn.Mish(), nn.Flatten(), nn.Linear(108, 2)
        ),
        IMAGE,
    ),
    "spectral norm": (
        lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(6, 8)), nn.PReLU(), nn.Linear(8, 2)),
        VECTOR,
    ),
    "mixer": (lambda: Net(mixer, tokens=weight(5, 5), channels=weight(8, 8), out=nn.Linear(8, 3)), TOKENS),
    "channels last": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU6(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(16, 2)
        ).to(memory_format=torch.channels_last),
        IMAGE,
    ),
    "norms": (
        lambda: Net(
            statistics,
            first=nn.Conv2d(2, 4, 3),
            group=nn.GroupNorm(2, 4),
            instance=nn.InstanceNorm2d(4, affine=True),
            second=nn.Conv2d(4, 2, 3),
            layer=nn.LayerNorm(4),
            rms=nn.RMSNorm(4),
            out=nn.Linear(32, 3),
        ),
        IMAGE,
    ),
    "two signals": (
        lambda: Net(
            lambda net, x: net.out((net.a(x) @ net.a(x).transpose(1, 2)).flatten(1)),
            a=nn.Linear(8, 4),
            out=nn.Linear(25, 2),
        ),
        TOKENS,
    ),
    "shuffled": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 8, 3),
            nn.PixelShuffle(2),
            nn.Hardtanh(),
            nn.ZeroPad2d(1),
            nn.Upsample(scale_factor=2),
            nn.Flatten(),
            nn.Linear(1568, 2),
        ),
        IMAGE,
    ),
    "softmax head": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GLU(), nn.Linear(4, 3), nn.Softmax(-1)), VECTOR),
}


def animal(name: str) -> tuple[nn.Module, Any]:
    """A net of the zoo in float64, fresh and always the same, with norms that do something, and its input or inputs."""
    make, shape = ZOO[name]
    torch.manual_seed(len(name))
    net = make().double().eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                module.weight.normal_()
                module.bias.normal_()
    if isinstance(shape[0], tuple):
        return net, tuple(torch.randn(one, dtype=torch.float64) for one in shape)
    return net, torch.randn(shape, dtype=torch.float64)
