"""Convolutional nets of pictures: from VGG to ConvNeXt."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers.architectures.parts import (
    CLASSES,
    PICTURE,
    SMALL,
    Architectures,
    ChannelNorm,
    Excitation,
    Scale,
    Skip,
    conv,
    head,
    mlp,
)
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """Narrow, mix, widen; with groups it is ResNeXt's, with an excitation RegNetY's."""

    def __init__(self, i: int, o: int, stride: int = 1, groups: int = 1, *, excited: bool = False) -> None:
        super().__init__()
        wide = o // 2
        self.conv1, self.conv2 = conv(i, wide, 1), conv(wide, wide, 3, stride, groups=groups)
        self.excite = Excitation(wide) if excited else nn.Identity()
        self.conv3 = conv(wide, o, 1, act=None)
        self.down = nn.Identity() if i == o and stride == 1 else conv(i, o, 1, stride, act=None)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv3(self.excite(self.conv2(self.conv1(x))))
        y += self.down(x)
        return F.relu_(y)


class Basic(nn.Module):
    """ResNet-18's block."""

    def __init__(self, i: int, o: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(i, o, 3, stride), conv(o, o, act=None)
        self.down = nn.Identity() if i == o else conv(i, o, 1, stride, act=None)

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv2(self.conv1(x))
        out += self.down(x)
        return F.relu(out, inplace=True)


def resnet() -> nn.Module:
    stem = [conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, Basic(8, 8), Basic(8, 16, 2), Bottleneck(16, 24, 2), Bottleneck(24, 24), head(24))


def resnext() -> nn.Module:
    return nn.Sequential(conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1), *_stages(groups=4), head(32))


def regnet() -> nn.Module:
    return nn.Sequential(conv(3, 8, 3, 2), *_stages(groups=2, excited=True), head(32))


def _stages(groups: int, excited: bool = False) -> list[nn.Module]:
    sizes = ((8, 16, 1), (16, 32, 2), (32, 32, 1))
    return [Bottleneck(i, o, stride, groups, excited=excited) for i, o, stride in sizes]


class DenseLayer(nn.Module):
    """Norm and activation first; all that was made so far is concatenated."""

    def __init__(self, i: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, 2 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(2 * growth), nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y)))], 1)


def densenet() -> nn.Module:
    block = [DenseLayer(8 + 4 * n, 4) for n in range(3)]
    transition = [nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1, bias=False), nn.AvgPool2d(2)]
    last = [DenseLayer(10, 4), nn.BatchNorm2d(14), nn.ReLU()]
    return nn.Sequential(conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1), *block, *transition, *last, head(14))


def vgg() -> nn.Module:
    def block(i: int, o: int) -> list[nn.Module]:
        return [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]

    features = [*block(3, 6), *block(6, 6), nn.MaxPool2d(2), *block(6, 10), *block(10, 10), nn.MaxPool2d(2)]
    last = [nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(90, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, CLASSES)]
    return nn.Sequential(*features, *last)


class Inception(nn.Module):
    """Four towers side by side, of which one factors its kernel, and one ends in two."""

    def __init__(self, i: int) -> None:
        super().__init__()
        self.one, self.pooled, self.five = conv(i, 4, 1), conv(i, 4, 1), nn.Sequential(conv(i, 3, 1), conv(3, 4, 5))
        self.before = conv(i, 4, 1)
        self.wide, self.tall = (nn.Conv2d(4, 3, k, padding=p) for k, p in (((1, 3), (0, 1)), ((3, 1), (1, 0))))

    def forward(self, x: Tensor) -> Tensor:
        seven = self.before(x)
        split = torch.cat([self.wide(seven), self.tall(seven)], 1)
        pooled = self.pooled(F.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return torch.cat([self.one(x), self.five(x), split, pooled], 1)


class Reduction(nn.Module):
    """A smaller map by a convolution and by a maximum."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(i, o, 3, 2, bias=False), nn.BatchNorm2d(o, eps=1e-3), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), F.max_pool2d(x, kernel_size=3, stride=2)], 1)


def inception() -> nn.Module:
    return nn.Sequential(conv(3, 8, 3, 2), Inception(8), nn.ReLU(), Reduction(18, 6), Inception(24), head(18))


class Separable(nn.Sequential):
    def __init__(self, i: int, o: int) -> None:
        depthwise = nn.Conv2d(i, i, 3, padding=1, groups=i, bias=False)
        super().__init__(nn.ReLU(), depthwise, nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o))


class XceptionBlock(nn.Module):
    """Depth and channels apart; a maximum at the end of the branch."""

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(Separable(i, o), Separable(o, o), nn.MaxPool2d(3, 2, 1))
        self.skip = conv(i, o, 1, 2, act=None)

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.skip(x)


def xception() -> nn.Module:
    middle = Skip(Separable(16, 16), Separable(16, 16))
    return nn.Sequential(conv(3, 8, 3, 2), conv(8, 8), XceptionBlock(8, 16), middle, nn.ReLU(), head(16))


# --- ConvNeXt ---------------------------------------------------------------------------------------------------------


class Response(nn.Module):
    """Global response normalisation, channels last."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(torch.randn(1, 1, 1, width) / 2) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        found = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        scaled = found / (found.mean(dim=-1, keepdim=True) + 1e-6)
        return self.gamma * (x * scaled) + self.beta + x


class NextBlock(nn.Module):
    """A wide depthwise kernel, then a perceptron over channels."""

    def __init__(self, width: int, *, second: bool) -> None:
        super().__init__()
        self.depth, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width, eps=1e-6)
        wide, act, narrow = mlp(width)
        self.mlp = nn.Sequential(wide, act, *([Response(2 * width)] if second else []), narrow)
        self.scale = nn.Identity() if second else Scale(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.scale(self.mlp(self.norm(self.depth(x).permute(0, 2, 3, 1))))
        return x + y.permute(0, 3, 1, 2)


def convnext(second: bool = False) -> nn.Module:
    stem = [nn.Conv2d(3, 8, 4, 4), ChannelNorm(8)]
    down = [ChannelNorm(8), nn.Conv2d(8, 12, 2, 2)]
    last = [nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.LayerNorm(12), nn.Linear(12, CLASSES)]
    blocks = [NextBlock(n, second=second) for n in (8, 8, 12)]
    return nn.Sequential(*stem, *blocks[:2], *down, blocks[2], *last)


# --- Without norms ----------------------------------------------------------------------------------------------------


class StandardConv(nn.Conv2d):
    """A convolution whose weights are standardised at each call."""

    def __init__(self, *sizes: int, padding: int = 0, groups: int = 1) -> None:
        super().__init__(*sizes, padding=padding, groups=groups)  # type: ignore[arg-type]
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        fan = self.weight[0].numel()
        var, mean = torch.var_mean(self.weight, (1, 2, 3), keepdim=True)
        scale = torch.rsqrt(torch.maximum(var * fan, torch.tensor(1e-4))) * self.gain
        return F.conv2d(x, self.weight * scale - mean * scale, self.bias, self.stride, self.padding, 1, self.groups)


class FreeBlock(nn.Module):
    """NFNet's: activations scaled to keep variance, the branch scaled by alpha, the skip by beta."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv3 = StandardConv(width, width // 2, 1), StandardConv(width // 2, width, 1)
        self.conv2 = StandardConv(width // 2, width // 2, 3, padding=1, groups=2)
        self.excite, self.gain = Excitation(width), nn.Parameter(torch.tensor(0.7))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(_scaled_gelu(x) * 0.9)
        y = self.conv3(_scaled_gelu(self.conv2(_scaled_gelu(y))))
        return 2 * self.excite(y) * self.gain * 0.2 + x


def _scaled_gelu(x: Tensor) -> Tensor:
    return F.gelu(x) * 1.7015043497085571


def nfnet() -> nn.Module:
    stem = [StandardConv(3, 6, 3, 2, padding=1), nn.GELU(), StandardConv(6, 8, 3, 2, padding=1)]
    return nn.Sequential(*stem, FreeBlock(8), FreeBlock(8), nn.GELU(), head(8))


CONVOLUTIONAL: Architectures = {
    "ResNet": (resnet, PICTURE),
    "ResNeXt": (resnext, PICTURE),
    "DenseNet": (densenet, PICTURE),
    "VGG with norms": (vgg, SMALL),
    "Inception": (inception, PICTURE),
    "Xception": (xception, SMALL),
    "RegNet": (regnet, SMALL),
    "ConvNeXt": (convnext, PICTURE),
    "ConvNeXt V2": (lambda: convnext(second=True), PICTURE),
    "NFNet": (nfnet, SMALL),
}
