"""Ops that are several in one, frames in the place of a batch, and composite ops that write in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.nets import Fn, graph_of, values
from helpers.rule_twins import RULES, twin_of_matrix, twin_of_product
from helpers.slow_twins import Shares, dense
from helpers.twin_checks import assert_twins, last_flow, passed
from torch import Tensor, nn

import heapwidget as hw
from heapwidget.engine.capture.decompositions import DECOMPOSITIONS

W, V, B = values((4, 3), "both", 11), values((4,), "both", 12), values((3,), "both", 13)
STACK, BIASES = values((2, 4, 3), "both", 14), values((2, 5, 3), "both", 15)

# A linear op of x, and x's shape; without its bias it is linear.
PRODUCTS: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "matrix by vector": (lambda t: t[0] @ V, (1, 3, 4)),
    "vector by matrix": (lambda t: t[0] @ W, (1, 4)),
    "constant matrix by vector": (lambda t: W.mT @ t[0], (1, 4)),
    "inner product": (lambda t: (t[0] @ V)[None], (1, 4)),
    "scaled matrix by vector": (lambda t: torch.addmv(B, t[0], V, beta=0, alpha=-2), (1, 3, 4)),
    "scaled product and bias": (lambda t: torch.addmm(B, t[0], W, beta=0.5, alpha=-2), (1, 5, 4)),
    "stack and no bias": (lambda t: torch.baddbmm(BIASES, t[0], STACK, beta=0), (1, 2, 5, 4)),
    "scaled stack": (lambda t: torch.baddbmm(BIASES, t[0], STACK, beta=0, alpha=3), (1, 2, 5, 4)),
    "einsum of rows": (lambda t: torch.einsum("bij,jk->bik", t, W), (1, 5, 4)),
    "einsum of columns": (lambda t: torch.einsum("bij,ik->bkj", t, W), (1, 4, 5)),
    "einsum of maps": (lambda t: torch.einsum("bchw,cd->bdhw", t, W), (1, 4, 2, 3)),
    "einsum of two axes": (lambda t: torch.einsum("bhwc,hcd->bwd", t, STACK), (1, 2, 3, 4)),
    "einsum per head": (lambda t: torch.einsum("bhtc,hcd->bthd", t, STACK), (1, 2, 3, 4)),
    "tensordot": (lambda t: torch.tensordot(t, STACK, ([1, 3], [0, 1])), (1, 2, 3, 4)),
    "tokens by matmul": (lambda t: torch.matmul(t, W), (1, 2, 3, 4)),
    "matmul from the left": (lambda t: torch.matmul(W.mT, t), (1, 2, 4, 3)),
}


def linear_parts(op: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and bias of a linear op, from unit vectors."""
    b = op(torch.zeros(shape, dtype=torch.float64))
    return dense(lambda t: op(t) - b, shape), b.numpy().ravel()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "flat"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_every_form_of_a_product_with_a_constant(name: str, rule: str) -> None:
    op, shape = PRODUCTS[name]
    x = values(shape, "both", 3)
    matrix, b = linear_parts(op, shape)
    shares = twin_of_matrix(rule, x, matrix, b)
    z = op(x)
    r = values(tuple(z.shape), "both", 5)
    np.testing.assert_allclose(
        passed(Fn(op), x, r, RULES[rule]).ravel(), r.numpy().ravel() @ shares.to[0], rtol=1e-10, atol=1e-10
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("op", "same"),
    [
        (lambda t: torch.lerp(t, t.flip(1), 0.3), lambda t: t * 0.7 + t.flip(1) * 0.3),
        (lambda t: torch.lerp(t, t.flip(1), W[None]), lambda t: t * (1 - W) + t.flip(1) * W),
        (lambda t: torch.addcmul(t, t.flip(1), W[None], value=2), lambda t: t + t.flip(1) * W * 2),
        (lambda t: torch.addcdiv(t, t.flip(1), W[None]), lambda t: t + t.flip(1) / W),
        (lambda t: torch.addmm(t[0], W, t[0, 1:]), lambda t: t[0] + W @ t[0, 1:]),
        (lambda t: torch.addmv(B, t[0, :3], B, beta=2), lambda t: (t[0, :3] @ B[:, None])[:, 0] + 2 * B),
        (lambda t: torch.addbmm(W, t, STACK[:1].mT @ STACK[:1]), lambda t: W + t[0] @ (STACK[0].mT @ STACK[0])),
    ],
)
def test_mixed_ops_are_what_they_are_made_of(op: Callable[[Tensor], Tensor], same: Callable[[Tensor], Tensor]) -> None:
    x = values((1, 4, 3), "both", 3)
    r = values(tuple(op(x).shape), "both", 5)
    np.testing.assert_allclose(passed(Fn(op), x, r), passed(Fn(same), x, r), rtol=1e-10, atol=1e-12)


FRAMES = {
    "conv": nn.Conv2d(2, 3, 3, stride=2, padding=1, groups=1),
    "depthwise": nn.Conv2d(2, 4, 2, groups=2, dilation=2),
    "transposed": nn.ConvTranspose2d(2, 3, 2, stride=2, output_padding=1),
    "max": nn.MaxPool2d(2, ceil_mode=True),
    "mean": nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    "adaptive": nn.AdaptiveAvgPool2d(2),
    "adaptive max": nn.AdaptiveMaxPool2d((2, 3)),
    "upsampling": nn.Upsample(scale_factor=2, mode="bilinear"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", ["zplus", "epsilon 0.3", "gamma 0.25"])
@pytest.mark.parametrize("name", FRAMES)
def test_frames_in_the_place_of_a_batch_are_passed_on_one_by_one(name: str, rule: str) -> None:
    torch.manual_seed(1)
    layer = FRAMES[name].double()
    x = values((1, 3, 2, 5, 4), "both", 4)
    net = Fn(lambda t: layer(t[0])[None])
    r = values(tuple(net(x).shape), "both", 5)
    found = passed(net, x, r, RULES[rule])
    each = [passed(layer, x[:, i], r[:, i], RULES[rule]) for i in range(3)]
    np.testing.assert_allclose(found.reshape(x.shape[1:]), np.stack(each).reshape(x.shape[1:]), rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("error")
def test_frames_of_a_signal() -> None:
    torch.manual_seed(1)
    conv, pool = nn.Conv1d(2, 3, 3).double(), nn.MaxPool1d(2)
    x = values((1, 4, 2, 7), "both", 4)
    net = Fn(lambda t: pool(conv(t[0]))[None])
    r = values(tuple(net(x).shape), "both", 5)
    each = [passed(nn.Sequential(conv, pool), x[:, i], r[:, i]) for i in range(4)]
    np.testing.assert_allclose(passed(net, x, r).ravel(), np.stack(each).ravel(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("constant_first", [True, False])
def test_a_constant_that_wins_absorbs(name: str, constant_first: bool) -> None:
    x, c = values((1, 4, 3), "both", 3), values((1, 4, 3), "both", 4)
    x[0, 0, 0] = c[0, 0, 0]
    extreme = getattr(torch, name)
    won = ((x > c) if name == "maximum" else (x < c)).double() + (x == c).double() / 2
    layer, flow = last_flow(lambda t: extreme(c, t) if constant_first else extreme(t, c), x)
    share = won.numpy().ravel()
    assert_twins(layer, flow, Shares([np.diag(share)], {"constant": 1 - share}))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "op",
    [
        lambda t: F.pad(t, (2, 1, 1, 2), mode="circular"),
        lambda t: F.pad(t, (3, 3, 3, 3), mode="circular").flip(3),
        lambda t: F.rrelu(t, 0.1, 0.3),
    ],
)
def test_composite_ops_that_write_into_views(op: Callable[[Tensor], Tensor]) -> None:
    """What is recorded is what was computed: with a linear head, gradient times input."""
    x = values((1, 2, 4, 5), "both", 3)
    head = nn.Linear(op(x).numel(), 2).double()
    net = nn.Sequential(Fn(op), nn.Flatten(0), head)
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(net(leaf)[1], leaf)
    e = hw.attribute(net, x, target=1, rule=hw.epsilon(0), progress=False)
    assert e.ledger.target == pytest.approx(float(net(x)[1].detach()))
    torch.testing.assert_close(e.attribution, grad * x)


@pytest.mark.filterwarnings("error")
def test_a_cosine_is_recorded() -> None:
    x = values((1, 6), "both", 3)
    graph_of(Fn(lambda t: F.cosine_similarity(t, W.reshape(1, -1)[:, :6])), x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("make", [nn.LSTMCell, nn.GRUCell])
def test_fused_cells_compute_what_the_plain_ones_do(make: type, bias: bool) -> None:
    torch.manual_seed(0)
    module = make(4, 3, bias=bias).double()
    x, h, c = values((1, 4), "both", 1), values((1, 3), "both", 2), values((1, 3), "both", 3)
    gates = x @ module.weight_ih.mT, h @ module.weight_hh.mT
    biases = (module.bias_ih, module.bias_hh) if bias else ()
    name = "_thnn_fused_lstm_cell" if make is nn.LSTMCell else "_thnn_fused_gru_cell"
    state = c if make is nn.LSTMCell else h
    found = DECOMPOSITIONS[getattr(torch.ops.aten, name).default](*gates, state, *biases)
    expected = module(x, (h, c)) if make is nn.LSTMCell else (module(x, h),)
    for a, b in zip(found, expected, strict=False):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("batch_first", [True, False])
def test_sequences_are_packed_step_by_step(batch_first: bool) -> None:
    padded, lengths = values((3, 5, 2), "both", 3), torch.tensor([5, 3, 1])
    padded = padded if batch_first else padded.transpose(0, 1)
    op = torch.ops.aten._pack_padded_sequence.default
    packed = DECOMPOSITIONS[op](padded, lengths, batch_first)
    for found, expected in zip(packed, op(padded, lengths, batch_first), strict=True):
        torch.testing.assert_close(found, expected)


# --- Attention --------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "flat"])
@pytest.mark.parametrize("causal", [True, False])
def test_attention_follows_the_values(rule: str, causal: bool) -> None:
    """The weights after the softmax are constants, so the layer is linear in the values."""
    x = values((1, 2, 9, 4), "both", 3)
    q, k, v = x[:, :, :3], x[:, :, 3:6], x[:, :, 6:]
    scores = q @ k.mT / 2
    if causal:
        scores = scores.masked_fill(torch.ones(3, 3, dtype=torch.bool).triu(1), -torch.inf)
    weights = scores.softmax(-1)
    shares = twin_of_product(rule, v, dense(lambda t: weights @ t, tuple(v.shape)))
    r = values(tuple(v.shape), "both", 5)

    def fused(t: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(t[:, :, :3], t[:, :, 3:6], t[:, :, 6:], is_causal=causal)

    found = passed(Fn(fused), x, r, RULES[rule]).reshape(x.shape)
    assert not found[:, :, :6].any()
    np.testing.assert_allclose(found[:, :, 6:].ravel(), r.numpy().ravel() @ shares.to[0], rtol=1e-10, atol=1e-10)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", ["zplus", "epsilon 0.3", "gamma 0.25", "alpha_beta 2 1"])
def test_multihead_attention_is_three_linear_ops(rule: str) -> None:
    torch.manual_seed(3)
    attention = nn.MultiheadAttention(4, 2, batch_first=True).double().eval()
    x = values((1, 3, 4), "both", 3)
    with torch.no_grad():
        nn.init.normal_(attention.in_proj_bias)
        _, weights = attention(x, x, x, average_attn_weights=False)
        value = F.linear(x, attention.in_proj_weight[8:], attention.in_proj_bias[8:])

        def mix(t: Tensor) -> Tensor:
            return (weights @ t.unflatten(-1, (2, 2)).transpose(1, 2)).transpose(1, 2).flatten(2)

        steps = [
            (x, lambda t: F.linear(t, attention.in_proj_weight[8:], attention.in_proj_bias[8:])),
            (value, mix),
            (mix(value), attention.out_proj),
        ]
        r = values((1, 3, 4), "both", 5)
        expected = r.numpy().ravel()
        for operand, step in reversed(steps):
            matrix, b = linear_parts(step, tuple(operand.shape))
            twin = twin_of_product(rule, operand, matrix) if step is mix else twin_of_matrix(rule, operand, matrix, b)
            expected = expected @ twin.to[0]
    found = passed(Fn(lambda t: attention(t, t, t)[0]), x, r, RULES[rule])
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-10, atol=1e-10)
