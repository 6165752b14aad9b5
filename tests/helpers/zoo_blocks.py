"""Nets of the zoo around one building block each: windows, rotary positions, dilated towers, gates, several heads."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers.zoo_parts import IMAGE, SIGNAL, TOKENS, VECTOR, VOLUME, Animals, Net, Recurrent, weight
from torch import Tensor, nn


def two_heads(net: Net, x: Tensor) -> dict[str, Tensor]:
    """A body that two heads read; the logits come from one of them."""
    y = F.relu(net.body(x))
    return {"boxes": net.boxes(y), "logits": net.classes(y)}


def shifted_windows(net: Net, x: Tensor) -> Tensor:
    """Attention in windows of four tokens on a map rolled by one, and rolled back."""
    y = net.patches(x).roll((-1, -1), (2, 3))
    windows = y.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).permute(0, 2, 3, 4, 1).reshape(4, 4, 4)
    q, k, v = net.qkv(windows).chunk(3, -1)
    mixed = F.scaled_dot_product_attention(q, k, v).reshape(1, 2, 2, 2, 2, 4).permute(0, 5, 1, 3, 2, 4).reshape(y.shape)
    return net.out((y + mixed).roll((1, 1), (2, 3)).mean((2, 3)))


def rotary(net: Net, x: Tensor) -> Tensor:
    """Queries and keys turned by their position, a causal mask, a gated feed-forward, RMS norms."""
    h = net.norm1(x)
    turn = torch.arange(5, dtype=x.dtype)[:, None] * torch.tensor([1.0, 0.1], dtype=x.dtype)

    def turned(t: Tensor) -> Tensor:
        a, b = t.chunk(2, -1)
        return torch.cat([a * turn.cos() - b * turn.sin(), a * turn.sin() + b * turn.cos()], -1)

    q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in net.qkv(h).split(8, -1))
    y = x + F.scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True).transpose(1, 2).flatten(2)
    h = net.norm2(y)
    return net.out((y + net.down(F.silu(net.gate(h)) * net.up(h)))[:, -1])


def causal_tower(net: Net, x: Tensor) -> Tensor:
    """Dilated convolutions that see the past alone, with residual sums."""
    y = net.first(F.pad(x, (2, 0)))
    y = y + F.elu(net.second(F.pad(y, (4, 0))))
    return net.out(y[:, :, -1])


def gathered(net: Net, x: Tensor) -> Tensor:
    """Units taken by constant indices, stacked, split and read again."""
    y = F.relu(net.first(x))
    parts = torch.stack([y[:, net.order], y.flip(1), y.index_select(1, net.order).roll(1, 1)], 1)
    first, rest = parts.split([1, 2], 1)
    picked = rest.gather(2, net.order.expand(1, 2, -1))
    return net.out((first + picked).amax(1))


def cross_attention(net: Net, x: Tensor) -> Tensor:
    """Learned queries read the tokens."""
    y, _ = net.attention(net.queries, x, x)
    return net.out(y.flatten(1))


def siamese(net: Net, x: Tensor) -> Tensor:
    """One tower on two halves of the input, and what they differ by."""
    a, b = (net.tower(part) for part in x.chunk(2, 1))
    return net.out(torch.cat([(a - b).abs(), a * b], 1))


def highway(net: Net, x: Tensor) -> Tensor:
    """A gate that mixes a signal with itself."""
    gate = torch.sigmoid(net.gate(x))
    return net.out(gate * F.relu(net.change(x)) + (1 - gate) * x)


def convolutional_block(net: Net, x: Tensor) -> Tensor:
    """A wide depthwise kernel, a norm over channels, a bottleneck turned inside out, a scale for each channel."""
    y = net.narrow(F.gelu(net.wide(net.norm(net.depth(x).permute(0, 2, 3, 1)))))
    y = x + (y * net.scale).permute(0, 3, 1, 2)
    return net.out(F.pixel_unshuffle(y, 2).mean((2, 3)))


class Order(Net):
    """A net with a constant order of its eight hidden units."""

    def __init__(self, *args: object, **parts: nn.Module) -> None:
        super().__init__(*args, **parts)  # type: ignore[arg-type]
        self.register_buffer("order", torch.tensor([3, 0, 7, 1, 2, 6, 5, 4]))


BLOCKS: Animals = {
    "two heads": (
        lambda: Net(two_heads, body=nn.Linear(6, 8), boxes=nn.Linear(8, 4), classes=nn.Linear(8, 3)),
        VECTOR,
    ),
    "shifted windows": (
        lambda: Net(shifted_windows, patches=nn.Conv2d(2, 4, 2, stride=2), qkv=nn.Linear(4, 12), out=nn.Linear(4, 3)),
        IMAGE,
    ),
    "rotary and gated": (
        lambda: Net(
            rotary,
            norm1=nn.RMSNorm(8),
            qkv=nn.Linear(8, 24, bias=False),
            norm2=nn.RMSNorm(8),
            gate=nn.Linear(8, 6, bias=False),
            up=nn.Linear(8, 6, bias=False),
            down=nn.Linear(6, 8, bias=False),
            out=nn.Linear(8, 3),
        ),
        TOKENS,
    ),
    "causal tower": (
        lambda: Net(causal_tower, first=nn.Conv1d(2, 4, 3), second=nn.Conv1d(4, 4, 3, dilation=2), out=nn.Linear(4, 3)),
        SIGNAL,
    ),
    "gathered": (lambda: Order(gathered, first=nn.Linear(6, 8), out=nn.Linear(8, 3)), VECTOR),
    "cross attention": (
        lambda: Net(
            cross_attention,
            queries=weight(1, 2, 8),
            attention=nn.MultiheadAttention(8, 2, batch_first=True),
            out=nn.Linear(16, 2),
        ),
        TOKENS,
    ),
    "siamese": (lambda: Net(siamese, tower=nn.Sequential(nn.Linear(3, 5), nn.ReLU()), out=nn.Linear(10, 2)), VECTOR),
    "highway": (lambda: Net(highway, gate=nn.Linear(6, 6), change=nn.Linear(6, 6), out=nn.Linear(6, 3)), VECTOR),
    "convolutional block": (
        lambda: Net(
            convolutional_block,
            depth=nn.Conv2d(2, 2, 5, padding=2, groups=2),
            norm=nn.LayerNorm(2),
            wide=nn.Linear(2, 6),
            narrow=nn.Linear(6, 2),
            scale=weight(2),
            out=nn.Linear(8, 3),
        ),
        IMAGE,
    ),
    "bidirectional LSTM": (
        lambda: Recurrent(nn.LSTM(8, 3, num_layers=2, bidirectional=True, batch_first=True), 6),
        TOKENS,
    ),
    "decoder in 3-D": (
        lambda: nn.Sequential(
            nn.Conv3d(1, 2, 3, stride=2, padding=1, groups=1),
            nn.InstanceNorm3d(2, affine=True),
            nn.ReLU(),
            nn.ConvTranspose3d(2, 1, 3, stride=2, padding=1),
            nn.AdaptiveAvgPool3d((2, 2, 1)),
            nn.Flatten(),
            nn.Linear(4, 2),
        ),
        VOLUME,
    ),
}
