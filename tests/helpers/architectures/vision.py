"""Transformers of patches, each with what is its own."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from helpers.architectures.parts import (
    CLASSES,
    SMALL,
    Architectures,
    Attention,
    Patches,
    Scale,
    conv,
    mlp,
    weight,
)
from torch import Tensor, nn

WIDTH, TOKENS = 12, 16


class Block(nn.Module):
    """Norms first, attention and perceptron beside skips, each branch scaled where asked for."""

    def __init__(self, attention: nn.Module, feed: nn.Module | None = None, *, scaled: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention, self.mlp = attention, mlp(WIDTH) if feed is None else feed
        self.scale1, self.scale2 = (Scale(WIDTH) if scaled else nn.Identity() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.scale1(self.attention(self.norm1(x)))
        return x + self.scale2(self.mlp(self.norm2(x)))


class FirstToken(nn.Module):
    """The norm of all, and scores of the first token."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(x)[:, 0])


def vit() -> nn.Module:
    blocks = [Block(Attention(WIDTH)), Block(Attention(WIDTH))]
    return nn.Sequential(Patches(WIDTH, tokens=TOKENS, own=1), *blocks, FirstToken())


class Distilled(nn.Module):
    """DeiT: a second token is read by a head of its own, and both scores are averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = Patches(WIDTH, tokens=TOKENS, own=2)
        self.blocks = nn.Sequential(Block(Attention(WIDTH, fused=False)), Block(Attention(WIDTH, fused=False)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)
        self.other_head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        t = self.norm(self.blocks(self.patches(x)))
        return (self.head(t[:, 0]) + self.other_head(t[:, 1])) / 2


class RelativeAttention(Attention):
    """BEiT's: a bias of relative positions, no bias of keys."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__(width, bias=False)
        self.q_bias, self.v_bias = weight(width), weight(width)
        self.table = weight(2 * tokens - 1, self.heads)
        at = torch.arange(tokens)
        self.register_buffer("at", at[:, None] - at + tokens - 1)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        bias = torch.cat((self.q_bias, torch.zeros_like(self.v_bias), self.v_bias))
        qkv = F.linear(x, self.qkv.weight, bias).reshape(*x.shape[:2], 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q, k, v

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        scores = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)
        bias = self.table[self.at.view(-1)].view(*self.at.shape, -1).permute(2, 0, 1)
        return (scores + bias.unsqueeze(0)).softmax(-1)


class BEiT(nn.Module):
    """Relative positions alone, scaled branches, the mean of all patches."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = Patches(WIDTH, own=1)
        attentions = [RelativeAttention(WIDTH, TOKENS + 1) for _ in range(2)]
        for attention in attentions:
            attention.fused = False
        self.blocks = nn.Sequential(*(Block(attention, scaled=True) for attention in attentions))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        t = self.blocks(self.patches(x))
        return self.head(self.norm(t[:, 1:].mean(1)))


class TalkingHeads(Attention):
    """CaiT's: heads are mixed before and behind the softmax."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.mix, self.mix_back = nn.Linear(self.heads, self.heads), nn.Linear(self.heads, self.heads)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        scores = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)
        weights = self.mix(scores.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).softmax(dim=-1)
        weights = self.mix_back(weights.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.proj((weights @ v).transpose(1, 2).reshape(x.shape))


class ClassAttention(nn.Module):
    """CaiT's second half: the class token alone asks, all answer."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q = self.q(x[:, 0]).unsqueeze(1).reshape(b, 1, self.heads, c // self.heads).permute(0, 2, 1, 3)
        k, v = (part(x).reshape(b, n, self.heads, c // self.heads).permute(0, 2, 1, 3) for part in (self.k, self.v))
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(b, 1, c))


class CaiT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.own = Patches(WIDTH, tokens=TOKENS), weight(1, 1, WIDTH)
        self.blocks = nn.Sequential(Block(TalkingHeads(WIDTH), scaled=True), Block(TalkingHeads(WIDTH), scaled=True))
        self.last, self.out = Block(ClassAttention(WIDTH), scaled=True), FirstToken()

    def forward(self, x: Tensor) -> Tensor:
        t, own, last = self.blocks(self.patches(x)), self.own, self.last
        u = torch.cat((own, t), dim=1)
        own = own + last.scale1(last.attention(last.norm1(u)))
        own = own + last.scale2(last.mlp(last.norm2(own)))
        return self.out(torch.cat((own, t), dim=1))


class Rotary(Attention):
    """EVA's: rotated queries and keys of the patches, not of the class token; a norm inside."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.norm = nn.LayerNorm(width)
        angle = torch.arange(TOKENS)[:, None] * torch.tensor([1.0, 0.3, 0.1]).repeat_interleave(2)
        self.register_buffer("sin", angle.sin())
        self.register_buffer("cos", angle.cos())

    def turned(self, t: Tensor) -> Tensor:
        own, t = t[:, :, :1], t[:, :, 1:]
        turned = torch.stack([-t[..., 1::2], t[..., ::2]], -1).reshape(t.shape)
        return torch.cat([own, t * self.cos + turned * self.sin], 2)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        mixed = F.scaled_dot_product_attention(self.turned(q), self.turned(k), v)
        return self.proj(self.norm(mixed.transpose(1, 2).reshape(x.shape)))


class SwiGLU(nn.Module):
    """A gated perceptron with a norm inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(width, 16), nn.Linear(width, 16), nn.Linear(16, width)
        self.norm = nn.LayerNorm(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.norm(F.silu(self.gate(x)) * self.up(x)))


def eva() -> nn.Module:
    blocks = [Block(Rotary(WIDTH), SwiGLU(WIDTH)) for _ in range(2)]
    return nn.Sequential(Patches(WIDTH, tokens=TOKENS, own=1), *blocks, FirstToken())


class QuickGELU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class ClipVision(nn.Module):
    """Patches without a bias, a norm before the blocks, four projections, and similarities to some texts."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.before = Patches(WIDTH, tokens=TOKENS, own=1, bias=False), nn.LayerNorm(WIDTH)
        feed = nn.Sequential(nn.Linear(WIDTH, 24), QuickGELU(), nn.Linear(24, WIDTH))
        self.block, self.after = Block(Separate(WIDTH), feed), nn.LayerNorm(WIDTH)
        self.project, self.texts = nn.Linear(WIDTH, 8, bias=False), weight(CLASSES, 8)

    def forward(self, x: Tensor) -> Tensor:
        found = self.project(self.after(self.block(self.before(self.patches(x)))[:, 0]))
        found = found / found.norm(p=2, dim=-1, keepdim=True)
        return math.e * found @ (self.texts / self.texts.norm(dim=-1, keepdim=True)).t()


class Separate(nn.Module):
    """Attention with a projection for each of queries, keys and values, as transformers spells it."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        shape = (*x.shape[:-1], self.heads, -1)
        q, k, v = (part(x).view(shape).transpose(1, 2) for part in (self.q_proj, self.k_proj, self.v_proj))
        weights = F.softmax(torch.matmul(q, k.transpose(-1, -2)) * q.shape[-1] ** -0.5, dim=-1, dtype=torch.float32)
        mixed = torch.matmul(weights.to(q.dtype), v).transpose(1, 2).contiguous()
        return self.out_proj(mixed.reshape(x.shape).contiguous())


# --- Without attention ------------------------------------------------------------------------------------------------


class MixerBlock(nn.Module):
    """Tokens mixed, then channels."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.tokens, self.channels = mlp(TOKENS), mlp(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class SpatialGate(nn.Module):
    """gMLP's: one half, mixed over tokens, scales the other."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.norm1, self.proj = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH), nn.Linear(TOKENS, TOKENS)
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        u, v = F.gelu(self.wide(self.norm(x))).chunk(2, dim=-1)
        v = self.proj(self.norm1(v).transpose(-1, -2))
        return x + self.narrow(u * v.transpose(-1, -2))


class MeanToken(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(x).mean(dim=1))


class PoolBlock(nn.Module):
    """PoolFormer's: what a mean over neighbours adds to a pixel, then a perceptron of convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(1, width), nn.GroupNorm(1, width)
        self.mlp = nn.Sequential(nn.Conv2d(width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1))
        self.scale1, self.scale2 = Scale(width, 1), Scale(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.scale1(F.avg_pool2d(y, 3, 1, 1, count_include_pad=False) - y)
        return x + self.scale2(self.mlp(self.norm2(x)))


class PoolFormer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.down = nn.Conv2d(3, 8, 7, 4, 2), nn.Conv2d(8, WIDTH, 3, 2, 1)
        self.first, self.second, self.out = PoolBlock(8), PoolBlock(WIDTH), MeanToken()

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.down(self.first(self.stem(x))))
        return self.out(y.flatten(2).transpose(1, 2))


def coatnet() -> nn.Module:
    """Convolutions first, then attention of what they see."""
    tokens = nn.Sequential(nn.Flatten(2), Turned())
    attentions = [RelativeAttention(WIDTH, TOKENS) for _ in range(2)]
    for attention in attentions:
        attention.fused = False
    stem = [conv(3, 8, 3, 2, act=nn.GELU), conv(8, WIDTH, 3, 2, act=nn.GELU)]
    return nn.Sequential(*stem, tokens, *(Block(attention) for attention in attentions), MeanToken())


class Turned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


VISION: Architectures = {
    "ViT": (vit, SMALL),
    "DeiT": (Distilled, SMALL),
    "BEiT": (BEiT, SMALL),
    "CaiT": (CaiT, SMALL),
    "EVA": (eva, SMALL),
    "CLIP, pictures": (ClipVision, SMALL),
    "CoAtNet": (coatnet, SMALL),
    "Mixer": (lambda: nn.Sequential(Patches(WIDTH), MixerBlock(), MixerBlock(), MeanToken()), SMALL),
    "gMLP": (lambda: nn.Sequential(Patches(WIDTH), SpatialGate(), SpatialGate(), MeanToken()), SMALL),
    "PoolFormer": (PoolFormer, SMALL),
}
