"""Ops that are several in one, and ops on several frames at once: recorded as the simpler ops that they are made of.

Each entry takes the op's arguments and computes its result by other ops, which the recorder then sees.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten


def _scaled(a: Any, by: Any) -> Any:
    """The constant times, mostly, a weight."""
    return a if isinstance(by, int | float) and by == 1 else a * by


def _lerp(a: Tensor, b: Tensor, weight: Any) -> Any:
    return a * (1 - weight) + b * weight


def _lstm_cell(own: Tensor, past: Tensor, cell: Tensor, b: Tensor | None = None, c: Tensor | None = None) -> Any:
    """The cell that CUDA fuses, without its workspace."""
    gates = own + past if b is None or c is None else own + b + past + c
    enter, forget, new, leave = gates.chunk(4, 1)
    cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
    return leave.sigmoid() * cell.tanh(), cell, gates


def _gru_cell(own: Tensor, past: Tensor, state: Tensor, b: Tensor | None = None, c: Tensor | None = None) -> Any:
    """The same for the gated recurrent unit."""
    own, past = (own, past) if b is None or c is None else (own + b, past + c)
    (reset, update, new), (past_reset, past_update, past_new) = own.chunk(3, 1), past.chunk(3, 1)
    new = (new + (reset + past_reset).sigmoid() * past_new).tanh()
    return (state - new) * (update + past_update).sigmoid() + new, own


def _fused_lstm(x: Tensor, w: Tensor, u: Tensor, b: Tensor, c: Tensor, h: Tensor, cell: Tensor, *options: Any) -> Any:
    """One layer in one direction, over all steps, as a library fuses it; `options` begins with whether backwards."""
    own = torch.nn.functional.linear(x, w, b)
    steps = range(len(own))
    found = []
    for step in reversed(steps) if options[0] else steps:
        h, cell, _ = _lstm_cell(own[step], torch.nn.functional.linear(h, u, c), cell)
        found.append(h)
    return torch.stack(found[::-1] if options[0] else found), h, cell, x.new_empty(0)


def _attention(op: Any) -> Callable[..., Any]:
    """Scaled dot products with their weights, where a library fuses them; the result lies in memory as its own."""
    names = [a.name for a in op._schema.arguments]
    results = len(op._schema.returns)

    def run(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip(names, args, strict=False)) | kwargs
        mask = given.get("attn_mask", given.get("attn_bias"))
        query, key, value = (given[name] for name in ("query", "key", "value"))
        # Several heads of queries may share one of keys and values.
        shared = query.ndim > 3 and query.shape[1] != key.shape[1]
        how = {"scale": given.get("scale"), "enable_gqa": shared}
        out = aten._scaled_dot_product_attention_math(
            query, key, value, mask, 0.0, given.get("is_causal", False), **how
        )[0]
        # Nobody reads what these ops keep for their derivatives.
        rest = [value.new_empty(0)] * (results - 1)
        return out.transpose(1, 2).contiguous().transpose(1, 2), *rest

    return run


def _sparse_sum(c: Tensor, a: Tensor, b: Tensor, beta: Any = 1, alpha: Any = 1) -> Any:
    """A product with a sparse matrix and what is added to it, if anything is."""
    product = torch.mm(a, _scaled(b, alpha))
    return product if beta == 0 else product + _scaled(c, beta)


def _grouped_product(a: Tensor, b: Tensor, ends: Tensor | None = None, *rest: Any) -> Any:
    """Groups of rows, each by a matrix of its own, as in mixtures of experts; where the groups end may be said."""
    bias, dtype = (*rest, None, None)[:2]
    if ends is None:
        out = torch.bmm(a, b)
    else:
        stops = [int(end) for end in ends]
        groups = [slice(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
        if a.ndim == b.ndim == 2:
            out = torch.stack([torch.mm(a[:, group], b[group]) for group in groups])
        elif a.ndim == 2:
            parts = [torch.mm(a[group], b[i]) for i, group in enumerate(groups)]
            out = torch.cat([*parts, a.new_zeros(len(a) - stops[-1], b.shape[2])])
        else:
            out = torch.cat([torch.mm(a[i], b[:, group]) for i, group in enumerate(groups)], 1)
    out = out if bias is None else out + bias
    return out if dtype is None else out.to(dtype)


def _packed(padded: Tensor, lengths: Tensor, batch_first: bool) -> Any:
    """Sequences of several lengths, the longest first, step by step, and how many there are at each step."""
    steps = padded.transpose(0, 1) if batch_first else padded
    sizes = [int((lengths > step).sum()) for step in range(int(lengths.max()))]
    return torch.cat([steps[step, :size] for step, size in enumerate(sizes)]), torch.tensor(sizes)


def _gated_half(t: Tensor, dim: int = -1) -> Tensor:
    """One half of a tensor gates the other."""
    signal, gate = t.chunk(2, dim)
    return signal * gate.sigmoid()


FUSED_ATTENTION = [
    aten._scaled_dot_product_flash_attention_for_cpu.default,
    aten._scaled_dot_product_flash_attention.default,
    aten._scaled_dot_product_efficient_attention.default,
    aten._scaled_dot_product_cudnn_attention.default,
    aten._scaled_dot_product_fused_attention_overrideable.default,
]


class WholeAttention(Exception):
    """A whole attention layer runs as one op: PyTorch does that only where nobody overrides functions."""


def _whole_attention(*_: Any) -> Any:
    raise WholeAttention("an attention layer runs as one op")


DECOMPOSITIONS: dict[Any, Callable[..., Any]] = {
    aten.mv.default: lambda a, v: torch.mm(a, v[:, None])[:, 0],
    aten.dot.default: lambda a, b: torch.mm(a[None], b[:, None])[0, 0],
    aten.addmv.default: lambda c, a, v, beta=1, alpha=1: (
        torch.mm(a, _scaled(v, alpha)[:, None])[:, 0] + _scaled(c, beta)
    ),
    aten.baddbmm.default: lambda c, a, b, beta=1, alpha=1: torch.bmm(a, _scaled(b, alpha)) + _scaled(c, beta),
    aten.addbmm.default: lambda c, a, b, beta=1, alpha=1: torch.bmm(a, _scaled(b, alpha)).sum(0) + _scaled(c, beta),
    aten.addcmul.default: lambda c, a, b, value=1: c + _scaled(a * b, value),
    aten.addcdiv.default: lambda c, a, b, value=1: c + _scaled(a / b, value),
    aten._sparse_addmm.default: _sparse_sum,
    aten._grouped_mm.default: _grouped_product,
    aten.glu.default: _gated_half,
    aten._pack_padded_sequence.default: _packed,
    aten.lerp.Scalar: _lerp,
    aten.lerp.Tensor: _lerp,
    aten._thnn_fused_lstm_cell.default: _lstm_cell,
    aten._thnn_fused_gru_cell.default: _gru_cell,
    aten.mkldnn_rnn_layer.default: _fused_lstm,
    **{op: _attention(op) for op in FUSED_ATTENTION},
    aten._native_multi_head_attention.default: _whole_attention,
    aten._transformer_encoder_layer_fwd.default: _whole_attention,
}


def _general_product(c: Tensor, a: Tensor, b: Tensor, beta: Any = 1, alpha: Any = 1) -> Any:
    """A product with anything but a plain bias."""
    if c.ndim > 1:
        return torch.mm(a, _scaled(b, alpha)) + _scaled(c, beta)
    return NotImplemented if beta == alpha == 1 else torch.addmm(_scaled(c, beta), a, _scaled(b, alpha))


def _convolution_of_frames(
    x: Tensor,
    w: Tensor,
    b: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    out: Any,
    groups: int,
) -> Any:
    """Frames become a position axis, along which the kernel has one entry."""
    if x.ndim != w.ndim or x.ndim > 4 or len(x) == 1:
        return NotImplemented
    rank = x.ndim - 2
    # ATen lets a list of one stand for all axes.
    stride, padding, dilation, out = (
        [own, *(given if len(given) == rank else list(given) * rank)]
        for own, given in ((1, stride), (0, padding), (1, dilation), (0, out))
    )
    frames = x.transpose(0, 1).reshape(1, x.shape[1], len(x), *x.shape[2:])
    y = aten.convolution(frames, w[:, :, None], b, stride, padding, dilation, transposed, out, groups)
    return y.reshape(y.shape[1:]).transpose(0, 1)


def _of_frames(op: Any, rank: int) -> Callable[..., Any]:
    """An op that looks at each channel alone takes all frames' channels as those of one."""

    def run(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if x.ndim != rank + 2 or len(x) == 1:
            return NotImplemented
        out = op(x.reshape(1, prod(x.shape[:2]), *x.shape[2:]), *args, **kwargs)
        several = isinstance(out, tuple)
        parts = [o.reshape(*x.shape[:2], *o.shape[2:]) for o in (out if several else [out])]
        return tuple(parts) if several else parts[0]

    return run


# By the number of their positions' axes.
_BY_CHANNEL = {
    1: [aten.upsample_linear1d],
    2: [
        *(aten.max_pool2d_with_indices, aten.avg_pool2d, aten.adaptive_max_pool2d, aten._adaptive_avg_pool2d),
        *(aten.upsample_bilinear2d, aten.upsample_bicubic2d),
    ],
    3: [
        *(aten.max_pool3d_with_indices, aten.avg_pool3d, aten.adaptive_max_pool3d, aten._adaptive_avg_pool3d),
        aten.upsample_trilinear3d,
    ],
}

# The same for ops that are simple in most cases: `NotImplemented` there.
CONDITIONAL: dict[Any, Callable[..., Any]] = {
    aten.addmm.default: _general_product,
    aten.convolution.default: _convolution_of_frames,
    **{op.default: _of_frames(op.default, rank) for rank, ops in _BY_CHANNEL.items() for op in ops},
}
