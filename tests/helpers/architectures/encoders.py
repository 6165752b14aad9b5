"""Text models that read in both directions, on embeddings of words."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from helpers.architectures.parts import CLASSES, WORDS, Architectures, weight
from torch import Tensor, nn

LENGTH, WIDTH, HEADS = WORDS[1], WORDS[2], 2


class Embedded(nn.Module):
    """Positions and a kind of sentence added to words, and a norm."""

    def __init__(self, *, kinds: bool = True) -> None:
        super().__init__()
        self.position, self.norm = weight(1, LENGTH, WIDTH), nn.LayerNorm(WIDTH, eps=1e-12)
        self.kind = weight(1, 1, WIDTH) if kinds else None

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.kind is None else x + self.kind
        return self.norm(x + self.position)


class SelfAttention(nn.Module):
    """Three projections, scores over the root of a head's width, by hand."""

    def __init__(self, *, scale_first: bool = False) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.scale_first = scale_first

    def heads(self, t: Tensor) -> Tensor:
        return t.view(*t.shape[:-1], HEADS, WIDTH // HEADS).permute(0, 2, 1, 3)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        root = math.sqrt(q.shape[-1])
        if self.scale_first:
            return torch.matmul(q / root, k.transpose(2, 3))
        return torch.matmul(q, k.transpose(-1, -2)) / root

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.heads(part(x)) for part in (self.query, self.key, self.value))
        weights = nn.functional.softmax(self.scores(q, k), dim=-1)
        return torch.matmul(weights, v).permute(0, 2, 1, 3).contiguous().view(x.shape)


class PostNorm(nn.Module):
    """BERT's layer: norms behind the sums."""

    def __init__(self, attention: nn.Module, gelu: nn.Module | None = None) -> None:
        super().__init__()
        self.attention, self.dense = attention, nn.Linear(WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-12), nn.LayerNorm(WIDTH, eps=1e-12)
        self.wide, self.narrow = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.gelu = nn.GELU() if gelu is None else gelu

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(self.dense(self.attention(x)) + x)
        return self.norm2(self.narrow(self.gelu(self.wide(x))) + x)


class Pooled(nn.Module):
    """The first word, a dense layer, and scores."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.dense, self.act, self.out = nn.Linear(WIDTH, WIDTH), act, nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.act(self.dense(x[:, 0])))


def bert() -> nn.Module:
    return nn.Sequential(Embedded(), PostNorm(SelfAttention()), PostNorm(SelfAttention()), Pooled(nn.Tanh()))


def distilbert() -> nn.Module:
    layer = PostNorm(SelfAttention(scale_first=True))
    return nn.Sequential(Embedded(kinds=False), layer, Pooled(nn.ReLU()))


class NewGELU(nn.Module):
    """The elementary GELU of the first transformers."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def albert() -> nn.Module:
    """Embeddings widened, one layer used again and again."""
    layer = PostNorm(SelfAttention(), NewGELU())
    return nn.Sequential(Embedded(), nn.Linear(WIDTH, WIDTH), layer, layer, layer, Pooled(nn.Tanh()))


class Electra(nn.Module):
    """Whether each word was replaced: a score of each, of which the mean is explained."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(Embedded(), nn.Linear(WIDTH, WIDTH), PostNorm(SelfAttention()))
        self.dense, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.gelu(self.dense(self.body(x)))).squeeze(-1)


class Disentangled(SelfAttention):
    """DeBERTa's: content asks content, content asks position, position asks content."""

    def __init__(self) -> None:
        super().__init__()
        self.table = weight(2 * LENGTH, WIDTH)
        at = torch.arange(LENGTH)
        self.register_buffer("at", at[:, None] - at + LENGTH)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        scale = math.sqrt(q.shape[-1] * 3)
        at = self.at.expand(1, HEADS, -1, -1)
        position = self.table.unsqueeze(0)
        scores = torch.matmul(q / scale, k.transpose(-1, -2))
        asked = torch.matmul(q, self.heads(self.key(position)).transpose(-1, -2))
        scores = scores + torch.gather(asked, dim=-1, index=at) / scale
        asking = torch.matmul(k, self.heads(self.query(position)).transpose(-1, -2))
        return scores + torch.gather(asking, dim=-1, index=at).transpose(-1, -2) / scale


def deberta() -> nn.Module:
    layers = [PostNorm(Disentangled()), PostNorm(Disentangled())]
    return nn.Sequential(nn.LayerNorm(WIDTH, eps=1e-7), *layers, Pooled(nn.GELU()))


ENCODERS: Architectures = {
    "BERT": (bert, WORDS),
    "DistilBERT": (distilbert, WORDS),
    "ALBERT": (albert, WORDS),
    "ELECTRA": (Electra, WORDS),
    "DeBERTa": (deberta, WORDS),
}
