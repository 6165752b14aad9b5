"""Small nets of tokens, each in the way that real ones make, move and mix theirs."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Attention in two heads and two linear layers, each beside a skip; with a bias of relative positions or none."""

    def __init__(self, width: int, tokens: int | None = None) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.relative = None if tokens is None else nn.Parameter(torch.randn(2, tokens, tokens))

    def attend(self, t: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(t)).reshape(len(t), t.shape[1], 3, 2, -1).permute(2, 0, 3, 1, 4)
        if self.relative is None:
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = (q @ k.mT + self.relative).softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(t.shape))

    def think(self, t: Tensor) -> Tensor:
        return t + self.narrow(F.gelu(self.wide(t)))

    def forward(self, t: Tensor) -> Tensor:
        return self.think(t + self.attend(t))


class Vision(nn.Module):
    """Patches flattened and transposed, tokens of its own in front (none, a class, or one to distil into)."""

    def __init__(self, own: int, width: int, relative: bool = False) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, width, 4, 4), nn.Linear(width, 5)
        self.own, self.position = (nn.Parameter(torch.randn(1, n, width)) for n in (own, 16 + own))
        self.block = Block(width, 16 + own if relative else None)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).flatten(2).mT
        t = self.block(torch.cat([self.own, t], 1) + self.position)
        first = t[:, : max(1, self.own.shape[1])]
        return self.head(first).sum(1)


class Windows(nn.Module):
    """As in Swin: attention within windows, once of the map rolled away, then four tokens merged into one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patches, self.merge = nn.Conv2d(3, width, 2, 2), nn.Linear(4 * width, 8)
        self.straight, self.rolled, self.last, self.head = Block(width), Block(width), Block(8), nn.Linear(8, 5)

    @staticmethod
    def _within(t: Tensor, block: Block, shift: int) -> Tensor:
        _, h, w, c = t.shape
        cut = t.roll((-shift, -shift), (1, 2)).view(1, h // 4, 4, w // 4, 4, c).transpose(2, 3).reshape(-1, 16, c)
        back = block.attend(cut).view(1, h // 4, w // 4, 4, 4, c).transpose(2, 3).reshape(t.shape)
        return block.think(t + back.roll((shift, shift), (1, 2)))

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).permute(0, 2, 3, 1)
        t = self._within(self._within(t, self.straight, 0), self.rolled, 2)
        t = torch.cat([t[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))], -1)
        return self.head(self.last(self.merge(t).flatten(1, 2)).mean(1))


class Mixer(nn.Module):
    """Linear layers over tokens and over channels in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 6, 4, 4), nn.Linear(6, 5)
        self.tokens, self.back = nn.Linear(16, 9), nn.Linear(9, 16)
        self.wide, self.narrow = nn.Linear(6, 12), nn.Linear(12, 6)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x).flatten(2).mT
        t = t + self.back(F.gelu(self.tokens(t.mT))).mT
        t = t + self.narrow(F.gelu(self.wide(t)))
        return self.head(t.mean(1))


class Pools(nn.Module):
    """As in PoolFormer: pools mix positions, convolutions of one pixel channels."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 6, 4, 4), nn.Linear(6, 5)
        self.norm, self.wide, self.narrow = nn.GroupNorm(1, 6), nn.Conv2d(6, 12, 1), nn.Conv2d(12, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        t = self.patches(x)
        t = t + F.avg_pool2d(self.norm(t), 3, 1, 1) - self.norm(t)
        return self.head((t + self.narrow(F.gelu(self.wide(t)))).mean((2, 3)))


class Stages(nn.Module):
    """As in CoAtNet: convolutions, then attention of what they see, then a map again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.conv, self.last = (nn.Conv2d(n, 6, 3, padding=1) for n in (3, 6, 6))
        self.block, self.head = Block(6, 16), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        t = F.max_pool2d(self.stem(x).relu(), 2)
        t = F.max_pool2d(t + self.conv(t).relu(), 2)
        t = self.block(t.flatten(2).mT).mT.reshape(t.shape)
        return self.head((t + self.last(t)).amax((2, 3)))


class Reduced(nn.Module):
    """Attention to fewer tokens, made by a convolution, as in PVT; then pixels shuffled apart and folded back."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.fewer, self.fine = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 2, 2), nn.Conv2d(2, 2, 1)
        self.query, self.both, self.head = nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        grid = self.patches(x)
        t = grid.flatten(2).mT
        k, v = self.both(self.fewer(grid).flatten(2).mT).chunk(2, -1)
        t = t + F.scaled_dot_product_attention(self.query(t), k, v)
        fine = F.pixel_shuffle(t.mT.reshape(grid.shape), 2)
        folded = F.pixel_unshuffle(fine + self.fine(fine), 2)
        return self.head((folded + folded.relu()).mean((2, 3)))


class Words(nn.Module):
    """Embeddings with positions, and a class token in front or none."""

    def __init__(self, own: int) -> None:
        super().__init__()
        self.own, self.position = (nn.Parameter(torch.randn(1, n, 6)) for n in (own, 7 + own))
        self.block, self.head = Block(6), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(torch.cat([self.own, x], 1) + self.position)[:, 0])


class Plain(nn.Module):
    """Attention of the input itself, without any weights."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(((x @ x.mT).softmax(-1) @ x).mean(1))


class Turning(nn.Module):
    """Rotary positions: each head's halves are turned against each other."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.out, self.angle = nn.Linear(4, 8), nn.Linear(8, 5), nn.Parameter(torch.randn(7, 4))

    def forward(self, x: Tensor) -> Tensor:
        t = self.value(x).view(1, 7, 2, 4).transpose(1, 2)
        t = t * self.angle.cos() + torch.cat([-t[..., 2:], t[..., :2]], -1) * self.angle.sin()
        return self.out(t.transpose(1, 2).reshape(1, 7, 8)).mean(1)


class Signal(nn.Module):
    """A convolution of a signal, or of words turned to one, and attention."""

    def __init__(self, channels: int, words: bool) -> None:
        super().__init__()
        self.words, self.conv = words, nn.Conv1d(channels, 6, 5, 2, 2)
        self.block, self.head = Block(6), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(F.gelu(self.conv(x.mT if self.words else x)).mT).mean(1))


class Recurrent(nn.Module):
    """An LSTM's states, one after the other, and attention to them."""

    def __init__(self) -> None:
        super().__init__()
        self.states, self.block, self.head = nn.LSTM(4, 6, batch_first=True), Block(6), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(self.states(x)[0]).mean(1))


class Normed(nn.Module):
    """A linear layer over positions with a batch norm over channels, of which there are as many."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.mix, self.norm = nn.Conv1d(2, 6, 4, 4), nn.Linear(5, 6), nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 5)
        for statistics in (self.norm.running_mean, self.norm.running_var):
            nn.init.uniform_(statistics, 0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.mix(self.conv(x))).mean(-1))


class Vectors(nn.Module):
    """Two vectors cut into rows or into maps, which only what reads them tells apart."""

    def __init__(self, shape: tuple[int, ...], reader: nn.Module) -> None:
        super().__init__()
        self.shape, self.reader = shape, reader
        self.left, self.right = nn.Linear(4, 96), nn.Linear(4, 96)

    def forward(self, x: Tensor) -> Tensor:
        return self.reader(self.left(x).view(self.shape) * self.right(x).view(self.shape)).flatten(1)


PICTURE, TEXT = (1, 3, 16, 16), (1, 7, 6)


def _block(name: str) -> dict[str, int]:
    """The layers of a block with the axis of their channels."""
    layers = {"qkv": 1, "matmul": 1, "out": 1, "add1": 1, "wide": 1, "narrow": 1, "add2": 1}
    return {f"{name}.{layer}": axis for layer, axis in layers.items()}


def _window(name: str, n: int) -> dict[str, int]:
    """The same of one within windows, the `n`-th of a net."""
    skips = {f"add{2 * n - 1}": 2, f"{name}.wide": 1, f"{name}.narrow": 1, f"add{2 * n}": 2}
    return {f"{name}.qkv": 1, f"matmul{n}": 1, f"{name}.out": 1, **skips}


VISION = {"input": 0, "patches": 0, "add": 1, **_block("block"), "sum": 1}
WORDS = {"input": 1, "add": 1, **_block("block")}
SWIN = {"input": 0, "patches": 0, **_window("straight", 1), **_window("rolled", 2), "merge": 1, **_block("last")}
COATNET = {"input": 0, "stem": 0, "max_pool1": 0, "conv": 0, "add1": 0, "max_pool2": 0, **_block("block")}
POOLS = dict.fromkeys(("input", "patches", "avg_pool", "add1", "add2", "wide", "narrow", "add3", "mean"), 0)
MIXER = {"input": 0, "patches": 0, "tokens": 0, "back": 0, "add1": 1, "wide": 1, "narrow": 1, "add2": 1, "mean": 1}
PVT = {"input": 0, "patches": 0, "fewer": 0, "both": 1, "matmul": 1, "add1": 1, "fine": 0, "add2": 0, "add3": 0}

# Each with the shape of its input, and for each layer that is no vector the axis of its channels.
NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], dict[str, int]]] = {
    "ViT without a class token": (lambda: Vision(0, 6), PICTURE, VISION),
    "ViT": (lambda: Vision(1, 6), PICTURE, VISION),
    "wide ViT": (lambda: Vision(1, 256), PICTURE, VISION),
    "DeiT": (lambda: Vision(2, 6), PICTURE, {**VISION, "head": 1}),
    "BEiT": (lambda: Vision(1, 6, relative=True), PICTURE, VISION),
    "Swin": (lambda: Windows(6), PICTURE, {**SWIN, "mean": 1}),
    "wide Swin": (lambda: Windows(66), PICTURE, {**SWIN, "mean": 1}),
    "Mixer": (Mixer, PICTURE, MIXER),
    "PoolFormer": (Pools, PICTURE, POOLS),
    "CoAtNet": (Stages, PICTURE, {**COATNET, "last": 0, "add2": 0}),
    "PVT": (Reduced, PICTURE, {**PVT, "mean": 0}),
    "text": (lambda: Words(0), TEXT, WORDS),
    "text with a class token": (lambda: Words(1), TEXT, WORDS),
    "attention alone": (Plain, TEXT, {"input": 1, "matmul": 1, "mean": 1}),
    "rotary": (Turning, (1, 7, 4), {"input": 1, "value": 1, "add": 2, "out": 1, "mean": 1}),
    "signal": (lambda: Signal(2, words=False), (1, 2, 20), {"input": 0, "conv": 0, **_block("block"), "mean": 1}),
    "convolved text": (
        lambda: Signal(4, words=True),
        (1, 20, 4),
        {"input": 1, "conv": 0, **_block("block"), "mean": 1},
    ),
    "LSTM": (Recurrent, (1, 5, 4), {"input": 1, "states": 1, **_block("block"), "mean": 1}),
    "normed": (Normed, (1, 2, 20), {"input": 0, "conv": 0, "mix": 0, "mean": 0}),
    "rows of a vector": (lambda: Vectors((1, 16, 6), nn.Linear(6, 2)), (1, 4), {"mul": 1, "reader": 1}),
    "maps of a vector": (lambda: Vectors((1, 6, 4, 4), nn.Conv2d(6, 2, 3)), (1, 4), {"mul": 0, "reader": 0}),
}
