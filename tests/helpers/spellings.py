"""Functions that nets spell in several ways: as one op, and by hand, as the code of real nets does."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from helpers.nets import Fn, values
from torch import Tensor, nn

Function = Callable[[Tensor], Tensor]

ROW, TOKENS, MAP = (1, 6), (1, 5, 8), (1, 8, 4, 3)

SCALE, SHIFT = values((8,), "positive", 11) + 0.5, values((8,), "both", 12)
EPS = 1e-5


def _activations() -> dict[str, dict[str, Function]]:
    root, cube = math.sqrt(2 / math.pi), 0.044715
    return {
        "GELU": {
            "fused": F.gelu,
            "erf": lambda x: x * 0.5 * (1 + torch.erf(x / math.sqrt(2))),
            "erf of the half": lambda x: 0.5 * x * (1 + (x * math.sqrt(0.5)).erf()),
            "normal": lambda x: x * torch.special.ndtr(x),
        },
        "GELU by tanh": {
            "fused": lambda x: F.gelu(x, approximate="tanh"),
            "power": lambda x: 0.5 * x * (1 + torch.tanh(root * (x + cube * torch.pow(x, 3)))),
            "products": lambda x: 0.5 * x * (1 + torch.tanh(root * x * (1 + cube * x * x))),
            "in place": lambda x: (x.pow(3).mul_(cube).add_(x).mul_(root).tanh_().add_(1)) * x / 2,
        },
        "SiLU": {
            "fused": F.silu,
            "sigmoid": lambda x: x * torch.sigmoid(x),
            "quotient": lambda x: x / (1 + torch.exp(-x)),
        },
        "hard swish": {
            "fused": F.hardswish,
            "relu6": lambda x: x * F.relu6(x + 3) / 6,
            "clamp": lambda x: x * torch.clamp(x + 3, 0, 6) * (1 / 6),
            "hard sigmoid": lambda x: x * F.hardsigmoid(x),
        },
        "Mish": {"fused": F.mish, "softplus": lambda x: x * F.softplus(x).tanh()},
    }


def _by_mean(x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.pow(2).mean(-1, keepdim=True) + EPS).sqrt() * SCALE + SHIFT


def _by_var_mean(x: Tensor) -> Tensor:
    var, mean = torch.var_mean(x, -1, unbiased=False, keepdim=True)
    return (x - mean) * torch.rsqrt(var + EPS) * SCALE + SHIFT


def _by_squares(x: Tensor) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt((x * x).mean(-1, keepdim=True) - mean * mean + EPS) * SCALE + SHIFT


def _by_var(x: Tensor) -> Tensor:
    return SHIFT + SCALE * ((x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + EPS) ** 0.5)


def _by_group(x: Tensor) -> Tensor:
    return F.group_norm(x[0], 1, SCALE, SHIFT, EPS)[None]


def _channels_first(x: Tensor) -> Tensor:
    x = x.mT
    mean = x.mean(1, keepdim=True)
    x = (x - mean) / torch.sqrt((x - mean).pow(2).mean(1, keepdim=True) + EPS)
    return (SCALE[:, None] * x + SHIFT[:, None]).mT


def _root_mean_square(x: Tensor) -> Tensor:
    return SCALE * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS))


def _norms() -> dict[str, dict[str, Function]]:
    return {
        "LayerNorm": {
            "fused": lambda x: F.layer_norm(x, (8,), SCALE, SHIFT, EPS),
            "mean": _by_mean,
            "var_mean": _by_var_mean,
            "squares": _by_squares,
            "var": _by_var,
            "one group": _by_group,
            "channels first": _channels_first,
        },
        "RMSNorm": {
            "fused": lambda x: F.rms_norm(x, (8,), SCALE, EPS),
            "rsqrt": _root_mean_square,
            "quotient": lambda x: x / ((x * x).sum(-1, keepdim=True) / 8 + EPS).sqrt() * SCALE,
        },
        "unit norm": {
            "fused": lambda x: F.normalize(x, dim=-1),
            "norm": lambda x: x / x.norm(dim=-1, keepdim=True),
            "root": lambda x: x / x.pow(2).sum(-1, keepdim=True).sqrt(),
        },
        "softmax": {
            "fused": lambda x: x.softmax(-1),
            "exp": lambda x: x.exp() / x.exp().sum(-1, keepdim=True),
            "shifted": lambda x: _shares((x - x.amax(-1, keepdim=True)).exp()),
            "log": lambda x: x.log_softmax(-1).exp(),
        },
    }


def _shares(a: Tensor) -> Tensor:
    return a / a.sum(-1, keepdim=True)


def _spatial_norm(x: Tensor, norm: Function) -> Tensor:
    """As in ConvNeXt V2: each channel's norm over positions, over the mean of all channels'."""
    found = norm(x)
    return x + SHIFT[:, None, None] + SCALE[:, None, None] * (x * (found / (found.mean(1, keepdim=True) + EPS)))


def _last(x: Tensor) -> Tensor:
    """The same with channels last, in one op less."""
    x = x.permute(0, 2, 3, 1)
    found = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
    scaled = x * (found / (found.mean(-1, keepdim=True) + EPS))
    return (x + torch.addcmul(SHIFT, SCALE, scaled)).permute(0, 3, 1, 2)


def _responses() -> dict[str, dict[str, Function]]:
    return {
        "GRN": {
            "fused": lambda x: _spatial_norm(x, lambda t: torch.norm(t, p=2, dim=(2, 3), keepdim=True)),
            "root": lambda x: _spatial_norm(x, lambda t: t.pow(2).sum((2, 3), keepdim=True).sqrt()),
            "channels last": _last,
        }
    }


# --- Attention --------------------------------------------------------------------------------------------------------

QKV = values((24, 8), "both", 13) / 2
MIX, MIX_BACK = values((2, 2), "both", 14), values((2, 2), "both", 15)
CAUSAL = torch.ones(5, 5, dtype=torch.bool).tril()
ROOT = 0.5


def _heads(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of two heads of four."""
    q, k, v = F.linear(x, QKV).reshape(1, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
    return q, k, v


def _joined(t: Tensor) -> Tensor:
    return t.transpose(1, 2).reshape(1, 5, 8)


def _fused(x: Tensor, **how: object) -> Tensor:
    return _joined(F.scaled_dot_product_attention(*_heads(x), **how))  # type: ignore[arg-type]


def _attention(x: Tensor, scores: Callable[[Tensor, Tensor], Tensor], softmax: Function | None = None) -> Tensor:
    q, k, v = _heads(x)
    weights = scores(q, k).softmax(-1) if softmax is None else softmax(scores(q, k))
    return _joined(weights @ v)


def _by_einsum(x: Tensor) -> Tensor:
    q, k, v = (t.transpose(1, 2) for t in _heads(x))
    weights = torch.einsum("bqhd,bkhd->bhqk", q, k).mul(ROOT).softmax(-1)
    return torch.einsum("bhqk,bkhd->bqhd", weights, v).reshape(1, 5, 8)


def _by_stacks(x: Tensor) -> Tensor:
    q, k, v = (t.reshape(2, 5, 4) for t in _heads(x))
    weights = torch.baddbmm(x.new_zeros(2, 5, 5), q, k.mT, beta=0, alpha=ROOT).softmax(-1)
    return _joined(torch.bmm(weights, v)[None])


def _module(x: Tensor) -> Tensor:
    return F.multi_head_attention_forward(
        *(x.transpose(0, 1),) * 3,
        embed_dim_to_check=8,
        num_heads=2,
        in_proj_weight=QKV,
        in_proj_bias=None,
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=torch.eye(8, dtype=x.dtype),
        out_proj_bias=None,
        training=False,
        need_weights=False,
    )[0].transpose(0, 1)


def _talking(x: Tensor, mixed: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """As in CaiT: heads are mixed before and behind the softmax."""
    q, k, v = _heads(x)
    return _joined(mixed(mixed(q * ROOT @ k.mT, MIX).softmax(-1), MIX_BACK) @ v)


def _shared(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries of two heads, keys and values of one."""
    q, k, v = _heads(x)
    return q, k[:, :1], v[:, 1:]


def _repeated(x: Tensor, how: Function) -> Tensor:
    q, k, v = _shared(x)
    return _joined((q @ how(k).mT * ROOT).softmax(-1) @ how(v))


def _attentions() -> dict[str, dict[str, Function]]:
    return {
        "attention": {
            "fused": _fused,
            "scaled after": lambda x: _attention(x, lambda q, k: q @ k.mT * ROOT),
            "scaled before": lambda x: _attention(x, lambda q, k: (q * ROOT) @ k.mT),
            "divided": lambda x: _attention(x, lambda q, k: torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(4)),
            "both scaled": lambda x: _attention(x, lambda q, k: (q * ROOT**0.5) @ (k * ROOT**0.5).mT),
            "softmax by hand": lambda x: _attention(
                x, lambda q, k: q @ k.mT * ROOT, lambda s: _shares((s - s.amax(-1, keepdim=True)).exp())
            ),
            "einsum": _by_einsum,
            "stacks": _by_stacks,
            "module": _module,
        },
        "masked attention": {
            "fused": lambda x: _fused(x, is_causal=True),
            "mask given": lambda x: _fused(x, attn_mask=CAUSAL),
            "filled": lambda x: _attention(x, lambda q, k: (q @ k.mT * ROOT).masked_fill(~CAUSAL, -math.inf)),
            "added": lambda x: _attention(x, lambda q, k: q @ k.mT * ROOT + (~CAUSAL).to(x.dtype) * -1e9),
            "chosen": lambda x: _attention(x, lambda q, k: torch.where(CAUSAL, q @ k.mT * ROOT, -1e9)),
        },
        "shared keys and values": {
            "fused": lambda x: _joined(F.scaled_dot_product_attention(*_shared(x), enable_gqa=True)),
            "expanded": lambda x: _repeated(x, lambda t: t[:, :, None].expand(1, 1, 2, 5, 4).reshape(1, 2, 5, 4)),
            "interleaved": lambda x: _repeated(x, lambda t: t.repeat_interleave(2, 1)),
            "broadcast": lambda x: _repeated(x, lambda t: t),
        },
        "talking heads": {
            "fused": lambda x: _talking(x, lambda a, w: F.conv2d(a, w[:, :, None, None])),
            "linear": lambda x: _talking(x, lambda a, w: F.linear(a.permute(0, 2, 3, 1), w).permute(0, 3, 1, 2)),
            "einsum": lambda x: _talking(x, lambda a, w: torch.einsum("bhij,gh->bgij", a, w)),
        },
    }


# --- A whole block ----------------------------------------------------------------------------------------------------


def _block() -> dict[str, dict[str, Function]]:
    """Norms behind the sums, as in BERT."""
    torch.manual_seed(3)
    layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, activation="gelu").double().eval()
    for part in layer.parameters():
        nn.init.normal_(part, std=0.5)
    layer.requires_grad_(False)
    attention = layer.self_attn

    def normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
        var, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        return (x - mean) / (var + norm.eps).sqrt() * norm.weight + norm.bias

    def by_hand(x: Tensor) -> Tensor:
        qkv = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        q, k, v = qkv.reshape(1, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
        x = normed(x + attention.out_proj(_joined((q @ k.mT * ROOT).softmax(-1) @ v)), layer.norm1)
        wide = layer.linear1(x)
        return normed(x + layer.linear2(wide * 0.5 * (1 + torch.erf(wide / math.sqrt(2)))), layer.norm2)

    return {"post-norm block": {"fused": layer, "by hand": by_hand}}


# By function: the shape that it is applied to, and its spellings, of which the first is the one that all must equal.
FUNCTIONS: dict[str, tuple[tuple[int, ...], dict[str, Function]]] = {
    **{name: (ROW, ways) for name, ways in _activations().items()},
    **{name: (TOKENS, ways) for name, ways in _norms().items()},
    **{name: (MAP, ways) for name, ways in _responses().items()},
    **{name: (TOKENS, ways) for name, ways in (_attentions() | _block()).items()},
}
PAIRS = [(name, way) for name, (_, ways) in FUNCTIONS.items() for way in list(ways)[1:]]


def spelled(name: str, way: str) -> tuple[nn.Module, Tensor]:
    """A net around a function, in float64, and its input: weights below and above it, so that both sides count."""
    shape, ways = FUNCTIONS[name]
    x, axis = values(shape, "both", 1), 1 if shape == MAP else -1
    width = shape[axis]
    below, shift = values((width, width), "both", 2), values((width,), "both", 3) / 2
    above = values((3, x.numel()), "both", 4)

    def mixed(t: Tensor) -> Tensor:
        return F.linear(t.movedim(axis, -1), below, shift).movedim(-1, axis)

    return Fn(lambda t: F.linear(ways[way](mixed(t)).flatten(1), above)), x
