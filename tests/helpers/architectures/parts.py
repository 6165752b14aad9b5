"""What the small architectures are made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Make = Callable[[], nn.Module]
Shape = tuple[int, ...]
Architectures = dict[str, tuple[Make, Shape]]
"""By the name that it is known by: what makes a small net with the same ops in the same order, and its input's shape.

Text models take embeddings.
"""

PICTURE, SMALL, WORDS = (1, 3, 32, 32), (1, 3, 16, 16), (1, 6, 16)
CLASSES = 5


class Skip(nn.Sequential):
    """What is computed, added to what it was computed from."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Mean(nn.Module):
    """The mean over some axes."""

    def __init__(self, *axes: int, keep: bool = False) -> None:
        super().__init__()
        self.axes, self.keep = axes, keep

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.axes, keepdim=self.keep)


class Scale(nn.Module):
    """A learned scale of each channel, as residual branches of deep nets have."""

    def __init__(self, width: int, axis: int = -1) -> None:
        super().__init__()
        shape = [1, 1, 1, 1] if axis == 1 else [1]
        shape[axis] = width
        self.gamma = nn.Parameter(torch.rand(shape) + 0.3)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class ChannelNorm(nn.LayerNorm):
    """A layer norm over the channels of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape) / 2)


def conv(
    i: int, o: int, kernel: int = 3, stride: int = 1, *, groups: int = 1, act: type[nn.Module] | None = nn.ReLU
) -> nn.Sequential:
    """A convolution, its norm, and its activation if it has one."""
    made = [nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*made, *([] if act is None else [act()]))


def head(width: int) -> nn.Sequential:
    """The mean over positions, then scores."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES))


def mlp(width: int, times: int = 2, act: type[nn.Module] = nn.GELU) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, times * width), act(), nn.Linear(times * width, width))


class Excitation(nn.Module):
    """Squeeze and excitation: channels are scaled by what their means say."""

    def __init__(self, width: int, act: type[nn.Module] = nn.ReLU, gate: type[nn.Module] = nn.Sigmoid) -> None:
        super().__init__()
        self.reduce, self.act = nn.Conv2d(width, max(2, width // 4), 1), act()
        self.expand, self.gate = nn.Conv2d(max(2, width // 4), width, 1), gate()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.expand(self.act(self.reduce(x.mean((2, 3), keepdim=True)))))


class Patches(nn.Module):
    """Patches of a picture as tokens; with a class token in front and positions added, where asked for."""

    def __init__(self, width: int, size: int = 4, *, tokens: int = 0, own: int = 0, bias: bool = True) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, size, size, bias=bias)
        self.own = weight(1, own, width) if own else None
        self.position = weight(1, tokens + own, width) if tokens else None

    def forward(self, x: Tensor) -> Tensor:
        t = self.proj(x).flatten(2).transpose(1, 2)
        if self.own is not None:
            t = torch.cat([self.own.expand(len(t), -1, -1), t], 1)
        return t if self.position is None else t + self.position


class Attention(nn.Module):
    """Attention in heads by one projection, as timm spells it, by the fused op or by hand."""

    def __init__(self, width: int, heads: int = 2, *, fused: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=bias), nn.Linear(width, width)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return q, k, v

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        mixed = F.scaled_dot_product_attention(q, k, v) if self.fused else self.weights(q, k) @ v
        return self.proj(mixed.transpose(1, 2).reshape(x.shape))
