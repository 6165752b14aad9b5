"""Handlers of the ops that make layers: which flow each gets, from its recorded arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from heapwidget.boxes import Shape, unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.builder import Builder, Handler
from heapwidget.engine.graph.operands import Operand
from heapwidget.engine.ops import split
from heapwidget.engine.ops.linear import Conv, Product
from heapwidget.engine.ops.matmul import BatchProduct, Bilinear, Interpolation
from heapwidget.engine.ops.pool import MaxPool, MeanPool, adaptive_windows, windows
from heapwidget.engine.rules import Rule


class _Weights:
    """A weight and bias that a BatchNorm right behind may still be merged into."""

    def __init__(self, w: Tensor, b: Tensor | None, channel_axis: int) -> None:
        self.w, self.b, self._axis = w, b, channel_axis

    def fold(self, scale: Tensor, shift: Tensor) -> None:
        """W' = s w, b' = s b + t along the output channels."""
        sizes = [1] * self.w.ndim
        sizes[self._axis] = -1
        self.w = self.w * scale.reshape(sizes)
        self.b = shift if self.b is None else self.b * scale + shift


def convolution(builder: Builder, call: Call) -> bool:
    """A convolution with a constant weight."""
    x, w, b, *settings = call.args
    transposed = settings[3]
    if not builder.active(x) or builder.active(w) or x.shape[0] != 1 or x.ndim != w.ndim:
        return False
    weights = _Weights(
        w.detach().to(builder.dtype), None if b is None else b.detach().to(builder.dtype), 1 if transposed else 0
    )
    value = builder.value(x)

    def make(rule: Rule) -> Flow:
        bias = None if weights.b is None else weights.b.reshape(-1, *[1] * (value.ndim - 1))
        return Conv(value, weights.w, bias, rule, tuple(settings))

    fold = None if transposed else weights.fold
    builder.layer(call, call.out, "conv", [builder.operand(x)], make, fold=fold)
    return True


def product(builder: Builder, call: Call) -> bool:
    """A matrix product with a constant weight on the right, with or without a bias."""
    bound = call.bound
    if call.name == "linear":
        x, w, b = bound["input"], bound["weight"].mT, bound["bias"]
    elif call.name in ("mm", "matmul"):
        x, w, b = *call.args[:2], None
    else:
        x, w, b = bound.get("mat1"), bound.get("mat2"), bound["self"]
        if bound["beta"] != 1 or bound["alpha"] != 1:
            return False
    if call.name == "mm" and builder.active(w):
        return batch_product(builder, call)
    if not builder.active(x) or builder.active(w) or builder.active(b) or x.ndim != 2 or w.ndim != 2:
        return False
    bias = None if b is None else b.detach().to(builder.dtype)
    if bias is not None and bias.ndim > 1:
        return False
    weights = _Weights(w.detach().to(builder.dtype), bias, 1)
    value = builder.value(x)
    builder.layer(
        call,
        call.out,
        "linear",
        [builder.operand(x)],
        lambda rule: Product(value, weights.w, weights.b, rule),
        channel_axis=value.ndim - 1,
        fold=weights.fold,
    )
    return True


def _each(values: Sequence[int], rank: int) -> list[int]:
    """One value for each axis: ATen lets one stand for all."""
    return list(values) * rank if len(values) == 1 else list(values)


def max_pool(builder: Builder, call: Call) -> bool:
    """Max pooling, also adaptive."""
    x, (out, winners) = call.args[0], call.out
    rank = out.ndim - 2
    if rank < 1 or x.shape[0] != 1:
        return False
    value = builder.value(x)
    sizes, counts = value.shape[1:], out.shape[2:]
    if call.name.startswith("adaptive"):
        seen = {1 + a: adaptive_windows(counts[a], sizes[a]) for a in range(rank)}
    else:
        bound = call.bound
        kernel, padding, dilation = (_each(bound[n], rank) for n in ("kernel_size", "padding", "dilation"))
        stride = _each(bound["stride"], rank) if bound["stride"] else kernel
        extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        seen = {1 + a: windows(counts[a], sizes[a], extent[a], stride[a], padding[a]) for a in range(rank)}
    shaped = winners[0]
    builder.layer(call, out, "max_pool", [builder.operand(x)], lambda rule: MaxPool(value, shaped, seen))
    return True


def mean_pool(builder: Builder, call: Call) -> bool:
    """Average pooling, also adaptive."""
    x, out = call.args[0], call.out
    rank = out.ndim - 2
    if rank < 1 or x.shape[0] != 1:
        return False
    value = builder.value(x)
    sizes, counts = value.shape[1:], out.shape[2:]
    if "adaptive" in call.name:
        seen = {1 + a: adaptive_windows(counts[a], sizes[a]) for a in range(rank)}
    else:
        bound = call.bound
        kernel, padding = _each(bound["kernel_size"], rank), _each(bound["padding"], rank)
        stride = _each(bound["stride"], rank) if bound["stride"] else kernel
        seen = {1 + a: windows(counts[a], sizes[a], kernel[a], stride[a], padding[a]) for a in range(rank)}
    rest = call.args[1:]

    def op(a: Tensor) -> Tensor:
        pooled: Tensor = call.op(a[None], *rest, **call.kwargs)
        return pooled[0]

    def transpose(s: Tensor) -> Tensor:
        with torch.enable_grad():
            a = torch.zeros_like(value).requires_grad_()
            (message,) = torch.autograd.grad(op(a), a, s)
        return message

    builder.layer(call, out, "avg_pool", [builder.operand(x)], lambda rule: MeanPool(value, op, transpose, seen))
    return True


def reduction(builder: Builder, call: Call) -> bool:
    """A mean or sum over axes; the layer keeps the rank of x, the reduced axes of size one."""
    x = call.args[0]
    value = builder.value(x)
    lead = x.ndim - value.ndim
    dims = call.bound.get("dim") or range(x.ndim)
    axes = sorted({d % x.ndim - lead for d in dims} - {-1}) if x.ndim else [0]
    if not axes:
        builder.same_units(x, call.out)
        return True
    seen = {a: [slice(0, value.shape[a])] for a in axes}
    average = call.name == "mean"

    def op(a: Tensor) -> Tensor:
        return a.mean(axes, keepdim=True) if average else a.sum(axes, keepdim=True)

    size = prod(value.shape[a] for a in axes) if average else 1

    def transpose(s: Tensor) -> Tensor:
        return (s / size).expand(value.shape)

    kept = [a for a in range(value.ndim) if a not in axes]
    channel_axis = builder.channel_axis_of(x)
    builder.layer(
        call,
        call.out,
        call.name,
        [builder.operand(x)],
        lambda rule: MeanPool(value, op, transpose, seen),
        shape=tuple(1 if a in axes else s for a, s in enumerate(value.shape)),
        # Positions are what one averages over.
        channel_axis=kept[0] if channel_axis is None and len(kept) == 1 else channel_axis,
    )
    return True


def sum_of_two(builder: Builder, call: Call) -> bool:
    """A sum or difference; where one side is constant, it absorbs its share."""
    a, b = call.args[:2]
    alpha = float(call.bound["alpha"])
    factors = {"add": (1.0, alpha), "sub": (1.0, -alpha), "rsub": (-alpha, 1.0)}[call.name]
    scaled = list(zip((a, b), factors, strict=True))
    shape = call.out.shape

    def value(t: Any, factor: float) -> Tensor:
        whole = torch.as_tensor(t, dtype=builder.dtype, device=call.out.device) * factor
        return builder.value(whole.expand(shape))

    active = [value(t, f) for t, f in scaled if builder.active(t)]
    constants = [value(t, f) for t, f in scaled if not builder.active(t)]
    constant = constants[0] if constants and bool(constants[0].any()) else None
    holders = [t for t, _ in scaled if builder.active(t)]
    gate = all(builder.is_gate(t) for t in holders)
    if len(active) == 1 and (constant is None or gate):
        builder.same_units(holders[0], call.out, gate=gate)
        return True
    if constant is not None and _as_bias(builder, holders[0], scaled, constant):
        builder.same_units(holders[0], call.out)
        return True
    _split(builder, call, holders, "add", lambda: split.by_size(active, constant))
    return True


def _as_bias(builder: Builder, t: Tensor, scaled: list[tuple[Any, float]], constant: Tensor) -> bool:
    """Merge a constant into the weights that made `t`, if it is one number for each channel: a bias added by hand."""
    draft = builder.made_by(t)
    if draft is None or draft.fold is None or draft.channel_axis is None or constant.numel() != t.numel():
        return False
    by_channel = constant.reshape(draft.shape).movedim(draft.channel_axis, 0)
    by_channel = by_channel.reshape(len(by_channel), -1)
    shift = by_channel[:, 0]
    if not torch.equal(by_channel, shift[:, None].expand_as(by_channel)):
        return False
    factor = next(f for side, f in scaled if side is t)
    draft.fold(torch.full_like(shift, factor), shift)
    return True


def _split(builder: Builder, call: Call, holders: list[Tensor], op: str, make: Callable[[], Flow]) -> None:
    shape = call.out.shape
    builder.layer(
        call,
        call.out,
        op,
        [builder.operand(t, shape) for t in holders],
        lambda rule: make(),
        channel_axis=builder.channel_axis_of(holders[0]) if len(unbatched(tuple(shape))) > 1 else 0,
    )


def multiply(builder: Builder, call: Call) -> bool:
    """A product: by a constant a scale, else a gate or a meeting of two signals."""
    a, b = call.args[:2]
    signals = [t for t in (a, b) if builder.active(t) and not builder.is_gate(t)]
    gates = [t for t in (a, b) if builder.active(t) and builder.is_gate(t)]
    if len(signals) == 1 or len(signals) + len(gates) == 1:
        builder.same_units((signals or gates)[0], call.out, gate=not signals)
        return True
    value = builder.value(call.out)
    _split(builder, call, [a, b], "mul", lambda: split.halves(value))
    return True


def divide(builder: Builder, call: Call) -> bool:
    """All to the dividend: the divisor is held constant, as a norm's statistics are."""
    a = call.args[0]
    if not builder.active(a) or call.bound.get("rounding_mode") is not None:
        return False
    builder.same_units(a, call.out, gate=builder.is_gate(a))
    return True


def batch_product(builder: Builder, call: Call) -> bool:
    """Stacks of matrices: by a constant or by attention weights one side takes all, two signals take half each."""
    a, b = call.args[:2]
    left, right = (builder.active(t) and not builder.is_gate(t) for t in (a, b))
    if not left and not right:
        left, right = builder.active(a), not builder.active(a)
    first, second = (_stack(t).detach().to(builder.dtype) for t in (a, b))
    out = call.out
    shape = tuple(_stack(out).shape)
    if left:
        holders = [a, b] if right else [a]
        operands = [_stacked(builder.operand(t), tuple(_stack(t).shape)) for t in holders]

        def make(rule: Rule) -> Flow:
            return Bilinear(first, second, rule) if right else BatchProduct(first, second, None, rule)

        builder.layer(call, out, "matmul", operands, make, shape=shape, channel_axis=2)
        return True
    # w x is (x^T w^T)^T: the layer holds the transpose, the stream turns it back.
    turned = _stack(out).mT.contiguous()
    builder.layer(
        call,
        turned,
        "matmul",
        [Operand(tuple(second.mT.shape), None, _stack(builder.units(b)).mT)],
        lambda rule: BatchProduct(second.mT, first.mT, None, rule),
        shape=tuple(turned.shape),
        channel_axis=1,
    )
    builder.moved(out, builder.units(turned).mT.reshape(out.shape))
    return True


def _stacked(operand: Operand, shape: Shape) -> Operand:
    """An operand in the shape of a stack, of however few matrices."""
    index = None if operand.index is None else operand.index.reshape(shape)
    return Operand(shape, operand.layer, index)


def _stack(t: Tensor) -> Tensor:
    """A matrix as a stack of one."""
    return t if t.ndim == 3 else t[None]


def interpolation(builder: Builder, call: Call) -> bool:
    """Linear and cubic upsampling, as one matrix for each axis."""
    x = call.args[0]
    if x.shape[0] != 1:
        return False
    value = builder.value(x)
    weights = [_axis_weights(call, value, axis) for axis in range(1, value.ndim)]
    builder.layer(call, call.out, "upsample", [builder.operand(x)], lambda rule: Interpolation(value, weights))
    return True


def _axis_weights(call: Call, value: Tensor, axis: int) -> Tensor:
    """What each output along an axis takes of each input: the op on one unit vector a channel, constant elsewhere."""
    size = value.shape[axis]
    shape = [1] * value.ndim
    shape[0], shape[axis] = size, size
    unit = torch.eye(size, dtype=value.dtype, device=value.device).reshape(shape).expand(size, *value.shape[1:])
    out: Tensor = call.op(unit[None], *call.args[1:], **call.kwargs)[0]
    rest = tuple(0 if a not in (0, axis) else slice(None) for a in range(value.ndim))
    return out[rest].mT


def larger(builder: Builder, call: Call) -> bool:
    """The larger or smaller of two, of which one may be constant."""
    a, b = call.args[:2]
    shape = call.out.shape
    first, second = (builder.value(t.expand(shape)) for t in (a, b))
    is_max = call.name == "maximum"
    held = [builder.active(t) for t in (a, b)]
    holders = [t for t, active in zip((a, b), held, strict=True) if active]
    _split(builder, call, holders, call.name, lambda: split.winner(first, second, is_max).held_by(held))
    return True


HANDLERS: dict[str, Handler] = {
    "convolution": convolution,
    **dict.fromkeys(("addmm", "mm", "linear"), product),
    **dict.fromkeys(
        (
            "max_pool2d_with_indices",
            "max_pool3d_with_indices",
            "adaptive_max_pool1d",
            "adaptive_max_pool2d",
            "adaptive_max_pool3d",
        ),
        max_pool,
    ),
    **dict.fromkeys(
        (
            "avg_pool1d",
            "avg_pool2d",
            "avg_pool3d",
            "adaptive_avg_pool1d",
            "_adaptive_avg_pool2d",
            "_adaptive_avg_pool3d",
        ),
        mean_pool,
    ),
    **dict.fromkeys(("mean", "sum"), reduction),
    **dict.fromkeys(("add", "sub", "rsub"), sum_of_two),
    "mul": multiply,
    "div": divide,
    **dict.fromkeys(("maximum", "minimum"), larger),
    "bmm": batch_product,
    **dict.fromkeys(
        ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"), interpolation
    ),
}
