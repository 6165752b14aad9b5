"""Text models that go on with a text, on embeddings of words: what comes next is explained."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers.architectures.encoders import NewGELU
from helpers.architectures.parts import CLASSES, WORDS, Architectures, weight
from torch import Tensor, nn

LENGTH, WIDTH = WORDS[1], WORDS[2]


class Gpt2Block(nn.Module):
    """One projection of three, a causal mask, the elementary GELU."""

    def __init__(self, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2, self.act = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH), NewGELU()
        self.qkv, self.qkv_bias = weight(WIDTH, 3 * WIDTH), weight(3 * WIDTH)
        self.out, self.wide, self.narrow = (nn.Linear(i, o) for i, o in ((WIDTH, WIDTH), (WIDTH, 32), (32, WIDTH)))
        self.register_buffer("mask", torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril())

    def attend(self, x: Tensor) -> Tensor:
        qkv = torch.addmm(self.qkv_bias, x.view(-1, WIDTH), self.qkv).view(*x.shape[:-1], -1)
        q, k, v = (t.view(*t.shape[:-1], self.heads, -1).transpose(1, 2) for t in qkv.split(WIDTH, dim=2))
        scores = torch.matmul(q, k.transpose(-1, -2)) / k.shape[-1] ** 0.5
        scores = torch.where(self.mask, scores, torch.full([], torch.finfo(x.dtype).min, dtype=x.dtype))
        return self.out(torch.matmul(scores.softmax(-1), v).transpose(1, 2).reshape(x.shape))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.narrow(self.act(self.wide(self.norm2(x))))


class Gpt2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position, self.blocks = weight(1, LENGTH, WIDTH), nn.Sequential(Gpt2Block(), Gpt2Block())
        self.norm, self.out = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.norm(self.blocks(x + self.position)))[:, -1]


class RootMeanSquare(nn.Module):
    """Scaled by the root of the mean square alone; Gemma's scale is counted from one."""

    def __init__(self, width: int, *, from_one: bool = False) -> None:
        super().__init__()
        self.weight, self.from_one = nn.Parameter(torch.rand(width) + (0 if from_one else 0.5)), from_one

    def forward(self, x: Tensor) -> Tensor:
        if self.from_one:
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * (1.0 + self.weight)
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * x


def turned(t: Tensor) -> Tensor:
    """Rotary positions: each head's halves turned against each other."""
    half = t.shape[-1] // 2
    angle = torch.arange(t.shape[-2])[:, None] * 0.1 ** torch.arange(half).repeat(2)
    sin, cos = angle.sin().to(t.dtype), angle.cos().to(t.dtype)
    return (t * cos) + (torch.cat((-t[..., half:], t[..., :half]), dim=-1) * sin)


class RotaryBlock(nn.Module):
    """Llama's layer, and what its heirs changed: a bias, norms of heads, a window, a cap of scores, norms behind."""

    def __init__(
        self,
        *,
        shared: int = 1,
        bias: bool = False,
        head_norms: bool = False,
        window: int = LENGTH,
        cap: float = 0.0,
        gemma: bool = False,
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.fused = fused
        heads, part = 4, WIDTH // 4
        self.heads, self.kept, self.cap = heads, heads // shared, cap
        self.q_proj, self.o_proj = nn.Linear(WIDTH, WIDTH, bias=bias), nn.Linear(WIDTH, WIDTH, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(WIDTH, self.kept * part, bias=bias) for _ in range(2))
        self.q_norm, self.k_norm = (RootMeanSquare(part) if head_norms else nn.Identity() for _ in range(2))
        self.gate_proj, self.up_proj = (nn.Linear(WIDTH, 24, bias=False) for _ in range(2))
        self.down_proj, self.act = nn.Linear(24, WIDTH, bias=False), nn.GELU("tanh") if gemma else nn.SiLU()
        self.before, self.before_feed = (RootMeanSquare(WIDTH, from_one=gemma) for _ in range(2))
        self.behind, self.behind_feed = (
            RootMeanSquare(WIDTH, from_one=True) if gemma else nn.Identity() for _ in range(2)
        )
        seen = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril().triu(1 - window)
        self.register_buffer("mask", torch.zeros(LENGTH, LENGTH).masked_fill(~seen, torch.finfo(torch.float32).min))

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = (
            part(x).view(*x.shape[:-1], -1, WIDTH // self.heads) for part in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k, v = self.q_norm(q).transpose(1, 2), self.k_norm(k).transpose(1, 2), v.transpose(1, 2)
        q, k = turned(q), turned(k)
        if self.fused:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask, enable_gqa=True)
            return self.o_proj(mixed.transpose(1, 2).reshape(x.shape))
        k, v = (self._repeated(t) for t in (k, v))
        scores = torch.matmul(q, k.transpose(2, 3)) * q.shape[-1] ** -0.5
        if self.cap:
            scores = torch.tanh(scores / self.cap) * self.cap
        weights = F.softmax(scores + self.mask, dim=-1, dtype=torch.float32).to(q.dtype)
        return self.o_proj(torch.matmul(weights, v).transpose(1, 2).contiguous().reshape(x.shape))

    def _repeated(self, t: Tensor) -> Tensor:
        """Keys and values for all the heads that share them."""
        b, kept, n, part = t.shape
        t = t[:, :, None, :, :].expand(b, kept, self.heads // kept, n, part)
        return t.reshape(b, self.heads, n, part)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.behind(self.attend(self.before(x)))
        y = self.before_feed(x)
        return x + self.behind_feed(self.down_proj(self.act(self.gate_proj(y)) * self.up_proj(y)))


class Decoder(nn.Module):
    """Two layers and scores of the next word; Gemma scales words first and caps scores last."""

    def __init__(self, *, gemma: bool = False, **options: object) -> None:
        super().__init__()
        self.gemma = gemma
        self.layers = nn.Sequential(*(RotaryBlock(gemma=gemma, **options) for _ in range(2)))  # type: ignore[arg-type]
        self.norm, self.out = RootMeanSquare(WIDTH, from_one=gemma), nn.Linear(WIDTH, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.gemma:
            x = x * torch.tensor(WIDTH**0.5, dtype=x.dtype)
        scores = self.out(self.norm(self.layers(x))[:, -1])
        return torch.tanh(scores / 30.0) * 30.0 if self.gemma else scores


# --- T5 ---------------------------------------------------------------------------------------------------------------


class T5Attention(nn.Module):
    """Without a scale, with a bias of relative positions; queries may be of another text."""

    def __init__(self, *, biased: bool) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.bias = weight(1, 2, LENGTH, LENGTH) if biased else None

    def forward(self, x: Tensor, text: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = (
            part(t).view(1, -1, 2, WIDTH // 2).transpose(1, 2)
            for part, t in ((self.q, x), (self.k, text), (self.v, text))
        )
        scores = torch.matmul(q, k.transpose(3, 2))
        if self.bias is not None:
            bias = self.bias[:, :, : x.shape[1], : text.shape[1]]
            scores = scores + (bias if mask is None else bias + mask)
        weights = F.softmax(scores.float(), dim=-1).type_as(scores)
        return self.o(torch.matmul(weights, v).transpose(1, 2).contiguous().view(1, -1, WIDTH))


class T5(nn.Module):
    """A layer that reads the text, and one that answers with a start of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.answer = T5Attention(biased=True), T5Attention(biased=True)
        self.look, self.start = T5Attention(biased=False), weight(1, 3, WIDTH)
        self.wi, self.wi2 = nn.Linear(WIDTH, 24, bias=False), nn.Linear(WIDTH, 24, bias=False)
        self.wo, self.wo2 = nn.Linear(24, WIDTH, bias=False), nn.Linear(24, WIDTH, bias=False)
        self.norms = nn.ModuleList(RootMeanSquare(WIDTH) for _ in range(7))
        self.out = nn.Linear(WIDTH, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        norms, y = self.norms, self.start
        normed = norms[0](x)
        x = x + self.read(normed, normed)
        x = norms[2](x + self.wo(F.relu(self.wi(norms[1](x)))))
        mask = torch.full((3, 3), torch.finfo(x.dtype).min, dtype=x.dtype).triu(1)
        normed = norms[3](y)
        y = y + self.answer(normed, normed, mask)
        y = y + self.look(norms[4](y), x)
        y = norms[6](y + self.wo2(F.relu(self.wi2(norms[5](y)))))
        return self.out(y * WIDTH**-0.5)[:, -1]


DECODERS: Architectures = {
    "GPT-2": (Gpt2, WORDS),
    "Llama": (Decoder, WORDS),
    "Mistral": (lambda: Decoder(shared=2, window=3), WORDS),
    "Qwen": (lambda: Decoder(shared=2, bias=True, head_norms=True, fused=True), WORDS),
    "Gemma": (lambda: Decoder(gemma=True, shared=4, cap=5.0), WORDS),
    "T5": (T5, WORDS),
}
