"""Nets made to be small, and nets of pictures to pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers.architectures.parts import PICTURE, SMALL, Architectures, Attention, Excitation, conv, head, mlp
from torch import Tensor, nn


class Inverted(nn.Module):
    """Widen, mix each channel by itself, excite, narrow."""

    def __init__(self, i: int, o: int, stride: int = 1, act: type[nn.Module] = nn.SiLU, *, hard: bool = False) -> None:
        super().__init__()
        wide = 2 * i
        self.widen, self.depth = conv(i, wide, 1, act=act), conv(wide, wide, 3, stride, groups=wide, act=act)
        self.excite = Excitation(wide, nn.ReLU, nn.Hardsigmoid) if hard else Excitation(wide, act)
        self.narrow, self.skips = conv(wide, o, 1, act=None), i == o and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.narrow(self.excite(self.depth(self.widen(x))))
        return x + y if self.skips else y


class FusedInverted(nn.Module):
    """The second EfficientNet's early block: one convolution widens and mixes."""

    def __init__(self, i: int, o: int, stride: int = 1) -> None:
        super().__init__()
        self.wide, self.narrow = conv(i, 2 * i, 3, stride, act=nn.SiLU), conv(2 * i, o, 1, act=None)
        self.skips = i == o and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.narrow(self.wide(x))
        return x + y if self.skips else y


class Universal(nn.Module):
    """MobileNetV4's universal block: a depthwise convolution in front of the widening one too, and layer scale."""

    def __init__(self, i: int, o: int, stride: int = 1) -> None:
        super().__init__()
        self.before, self.widen = conv(i, i, 3, groups=i, act=None), conv(i, 2 * i, 1)
        self.depth, self.narrow = conv(2 * i, 2 * i, 5, stride, groups=2 * i), conv(2 * i, o, 1, act=None)
        self.scale, self.skips = nn.Parameter(torch.rand(o, 1, 1) + 0.3), i == o and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.narrow(self.depth(self.widen(self.before(x))))
        return x + y * self.scale if self.skips else y


class MultiQuery(nn.Module):
    """MobileNetV4's attention: heads of queries share keys and values, which a strided convolution makes fewer."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.heads, part = heads, width // heads
        self.norm, self.query = nn.BatchNorm2d(width), nn.Conv2d(width, width, 1)
        self.key, self.value = (
            nn.Sequential(conv(width, width, 3, 2, groups=width, act=None), nn.Conv2d(width, part, 1)) for _ in range(2)
        )
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        q = self.query(y).reshape(len(x), self.heads, -1, y[0, 0].numel()).transpose(-1, -2)
        k, v = (part(y).flatten(2).transpose(1, 2)[:, None] for part in (self.key, self.value))
        mixed = F.scaled_dot_product_attention(q, k.expand(-1, self.heads, -1, -1), v.expand(-1, self.heads, -1, -1))
        return x + self.out(mixed.transpose(-1, -2).reshape(x.shape))


def mobilenet_v3() -> nn.Module:
    def block(i: int, o: int, stride: int, act: type[nn.Module]) -> nn.Module:
        return Inverted(i, o, stride, act, hard=True)

    blocks = [block(6, 8, 2, nn.ReLU), block(8, 8, 1, nn.Hardswish), block(8, 12, 2, nn.Hardswish)]
    last = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 16, 1), nn.Hardswish(), nn.Flatten(), nn.Linear(16, 5)]
    return nn.Sequential(conv(3, 6, 3, 2, act=nn.Hardswish), *blocks, *last)


def mobilenet_v4() -> nn.Module:
    blocks = [Universal(6, 8, 2), Universal(8, 8), MultiQuery(8), Universal(8, 12)]
    return nn.Sequential(conv(3, 6, 3, 2), *blocks, head(12))


def efficientnet() -> nn.Module:
    blocks = [Inverted(6, 8, 2), Inverted(8, 8), Inverted(8, 12, 2), Inverted(12, 12)]
    return nn.Sequential(conv(3, 6, 3, 2, act=nn.SiLU), *blocks, conv(12, 16, 1, act=nn.SiLU), head(16))


def efficientnet_v2() -> nn.Module:
    blocks = [FusedInverted(6, 6), FusedInverted(6, 8, 2), Inverted(8, 12, 2), Inverted(12, 12)]
    return nn.Sequential(conv(3, 6, 3, 2, act=nn.SiLU), *blocks, conv(12, 16, 1, act=nn.SiLU), head(16))


class MobileViT(nn.Module):
    """Convolutions, attention among pixels at the same place of their patch, and both fused."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem, self.near = conv(3, width, 3, 2, act=nn.SiLU), conv(width, width, act=nn.SiLU)
        self.into, self.back = nn.Conv2d(width, 12, 1, bias=False), conv(12, width, 1, act=nn.SiLU)
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(12), Attention(12), nn.LayerNorm(12)
        self.mlp, self.norm3 = mlp(12, act=nn.SiLU), nn.LayerNorm(12)
        self.fused, self.head = conv(2 * width, width, act=nn.SiLU), head(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.into(self.near(x))
        b, c, h, w = y.shape
        t = y.reshape(b * c * h // 2, 2, w // 2, 2).transpose(1, 2).reshape(b, c, -1, 4).transpose(1, 3)
        t = t.reshape(b * 4, -1, c)
        t = t + self.attention(self.norm1(t))
        t = self.norm3(t + self.mlp(self.norm2(t)))
        t = t.reshape(b, 4, -1, c).transpose(1, 3).reshape(b * c * h // 2, w // 2, 2, 2)
        y = self.back(t.transpose(1, 2).reshape(b, c, h, w))
        return self.head(self.fused(torch.cat([x, y], 1)))


# --- Pictures to pictures ---------------------------------------------------------------------------------------------


class UNet(nn.Module):
    """Down by maxima, up by transposed convolutions, what was before beside it; scores of the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.deep = (self._two(i, o) for i, o in ((3, 6), (6, 8), (8, 12)))
        self.up2, self.up1 = nn.ConvTranspose2d(12, 8, 2, 2), nn.ConvTranspose2d(8, 6, 2, 2)
        self.after2, self.after1, self.out = self._two(16, 8), self._two(12, 6), nn.Conv2d(6, 3, 1)

    @staticmethod
    def _two(i: int, o: int) -> nn.Module:
        return nn.Sequential(conv(i, o), conv(o, o))

    def forward(self, x: Tensor) -> Tensor:
        first = self.down1(x)
        second = self.down2(F.max_pool2d(first, 2))
        y = self.up2(self.deep(F.max_pool2d(second, 2)))
        y = self.up1(self.after2(torch.cat([second, y], 1)))
        return self.out(self.after1(torch.cat([first, y], 1))).mean((2, 3))


class HRNet(nn.Module):
    """Maps of two sizes side by side, which exchange what they see."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 8, 3, 2), conv(8, 8))
        self.fine, self.coarse = conv(8, 6), conv(8, 10, 3, 2)
        self.fine2, self.coarse2 = conv(6, 6), conv(10, 10)
        self.up, self.down = conv(10, 6, 1, act=None), conv(6, 10, 3, 2, act=None)
        self.head = head(16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        fine, coarse = self.fine2(self.fine(x)), self.coarse2(self.coarse(x))
        up = F.interpolate(self.up(coarse), scale_factor=2, mode="nearest")
        fine, coarse = F.relu(fine + up), F.relu(coarse + self.down(fine))
        size = fine.shape[-2:]
        both = torch.cat([fine, F.interpolate(coarse, size=size, mode="bilinear", align_corners=True)], 1)
        return self.head(both)


MOBILE: Architectures = {
    "MobileNetV3": (mobilenet_v3, PICTURE),
    "MobileNetV4": (mobilenet_v4, PICTURE),
    "EfficientNet": (efficientnet, PICTURE),
    "EfficientNetV2": (efficientnet_v2, PICTURE),
    "MobileViT": (MobileViT, SMALL),
    "HRNet": (HRNet, PICTURE),
    "UNet": (UNet, SMALL),
}
