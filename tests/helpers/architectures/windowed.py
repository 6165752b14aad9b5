"""Attention within windows: Swin, its second version, and MaxViT."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers.architectures.parts import CLASSES, SMALL, Architectures, Attention, Excitation, conv, mlp, weight
from torch import Tensor, nn

WIDTH, WINDOW = 8, 4


def windows(x: Tensor) -> Tensor:
    """A map, channels last, cut into windows of tokens."""
    b, h, w, c = x.shape
    x = x.view(b, h // WINDOW, WINDOW, w // WINDOW, WINDOW, c)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, WINDOW * WINDOW, c)


def together(t: Tensor, h: int, w: int) -> Tensor:
    """Windows put together to a map."""
    c = t.shape[-1]
    t = t.view(-1, h // WINDOW, w // WINDOW, WINDOW, WINDOW, c)
    return t.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, h, w, c)


class WindowAttention(Attention):
    """Swin's: a bias of relative positions, and a mask between parts that the roll brought together."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.bias = weight(self.heads, WINDOW**2, WINDOW**2)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        return q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1) + self.bias.unsqueeze(0)

    def attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = self.split(x)
        scores = self.scores(q, k)
        if mask is not None:
            n, count = x.shape[1], len(mask)
            scores = scores.view(-1, count, self.heads, n, n) + mask.unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, self.heads, n, n)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape))


class CosineAttention(WindowAttention):
    """The second version's: cosines, scaled, and a bias that a small net makes of positions."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.logit_scale = nn.Parameter(torch.full((self.heads, 1, 1), 2.3))
        self.cpb = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, self.heads, bias=False))
        at = torch.cartesian_prod(torch.arange(WINDOW), torch.arange(WINDOW)).float()
        self.register_buffer("between", at[:, None] - at)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        cosines = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        bias = 16 * torch.sigmoid(self.cpb(self.between).permute(2, 0, 1))
        return cosines * torch.clamp(self.logit_scale, max=4.6).exp() + bias.unsqueeze(0)


class SwinBlock(nn.Module):
    """Attention within windows of a map that may be rolled away; norms before the branches, or behind them."""

    def __init__(self, width: int, shift: int, *, second: bool) -> None:
        super().__init__()
        self.shift, self.second = shift, second
        self.norm1, self.norm2, self.mlp = nn.LayerNorm(width), nn.LayerNorm(width), mlp(width)
        self.attention = (CosineAttention if second else WindowAttention)(width)

    def mask(self, x: Tensor) -> Tensor:
        parts = torch.zeros(1, *x.shape[1:3], 1, dtype=x.dtype)
        for n, rows in enumerate((slice(-self.shift), slice(-self.shift, None))):
            for m, columns in enumerate((slice(-self.shift), slice(-self.shift, None))):
                parts[:, rows, columns] = 2 * n + m
        own = windows(parts).squeeze(-1)
        other = own.unsqueeze(1) - own.unsqueeze(2)
        return other.masked_fill(other != 0, -100.0).masked_fill(other == 0, 0.0)

    def within(self, x: Tensor) -> Tensor:
        _, h, w, _ = x.shape
        if not self.shift:
            return together(self.attention.attend(windows(x), None), h, w)
        rolled = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        found = together(self.attention.attend(windows(rolled), self.mask(x)), h, w)
        return torch.roll(found, (self.shift, self.shift), (1, 2))

    def forward(self, x: Tensor) -> Tensor:
        if self.second:
            x = x + self.norm1(self.within(x))
            return x + self.norm2(self.mlp(x))
        x = x + self.within(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    """Two blocks, four tokens merged into one, and a block of what is left."""

    def __init__(self, *, second: bool = False) -> None:
        super().__init__()
        self.second, deep = second, 2 * WIDTH
        self.patches, self.norm = nn.Conv2d(3, WIDTH, 2, 2), nn.LayerNorm(WIDTH)
        self.blocks = nn.Sequential(*(SwinBlock(WIDTH, shift, second=second) for shift in (0, 2)))
        self.reduction = nn.Linear(4 * WIDTH, deep, bias=False)
        self.merged = nn.LayerNorm(deep if second else 4 * WIDTH)
        self.last, self.after, self.head = SwinBlock(deep, 0, second=second), nn.LayerNorm(deep), nn.Linear(deep, 5)

    def forward(self, x: Tensor) -> Tensor:
        t = self.blocks(self.norm(self.patches(x).permute(0, 2, 3, 1)))
        b, h, w, c = t.shape
        t = t.reshape(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 4, 2, 5).flatten(3)
        t = self.merged(self.reduction(t)) if self.second else self.reduction(self.merged(t))
        return self.head(self.after(self.last(t)).mean((1, 2)))


class MaxViT(nn.Module):
    """A mobile block, attention within windows, and attention on a grid that spans the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, WIDTH, 3, 2, act=nn.GELU)
        self.norm, self.widen = nn.BatchNorm2d(WIDTH), conv(WIDTH, 2 * WIDTH, 1, act=nn.GELU)
        self.depth = conv(2 * WIDTH, 2 * WIDTH, 3, groups=2 * WIDTH, act=nn.GELU)
        self.excite, self.narrow = Excitation(2 * WIDTH, nn.SiLU), nn.Conv2d(2 * WIDTH, WIDTH, 1)
        self.within, self.across = SwinBlock(WIDTH, 0, second=False), SwinBlock(WIDTH, 0, second=False)
        self.norm2, self.pre, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.narrow(self.excite(self.depth(self.widen(self.norm(x)))))
        t = self.within(x.permute(0, 2, 3, 1))
        t = self._ungridded(self.across(self._gridded(t)))
        return self.head(torch.tanh(self.pre(self.norm2(t.mean((1, 2))))))

    @staticmethod
    def _gridded(t: Tensor) -> Tensor:
        """Tokens far apart laid side by side, so that windows of them span the map."""
        b, h, w, c = t.shape
        t = t.view(b, WINDOW, h // WINDOW, WINDOW, w // WINDOW, c)
        return t.permute(0, 2, 1, 4, 3, 5).reshape(b, h, w, c)

    @staticmethod
    def _ungridded(t: Tensor) -> Tensor:
        b, h, w, c = t.shape
        t = t.view(b, h // WINDOW, WINDOW, w // WINDOW, WINDOW, c)
        return t.permute(0, 2, 1, 4, 3, 5).reshape(b, h, w, c)


WINDOWED: Architectures = {
    "Swin": (Swin, SMALL),
    "Swin V2": (lambda: Swin(second=True), SMALL),
    "MaxViT": (MaxViT, SMALL),
}
