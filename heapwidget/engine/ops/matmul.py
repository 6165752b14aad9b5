"""Matrix products: linear layers, and stacks of matrices by a constant, by attention weights, and of two signals."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Shape, Window, unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Array, Flow, Message, Reach, add_up, packed
from heapwidget.engine.graph.builder import Builder, OpFamily
from heapwidget.engine.graph.layers import Operand
from heapwidget.engine.ops.entries import Entries, Matrix
from heapwidget.engine.ops.linear import LinearFlow, Weights
from heapwidget.engine.ops.summing import ENTRY_LIMIT, numbers
from heapwidget.engine.rules import Rule


class Product(LinearFlow):
    """x @ w with x of shape (K,) or (M, K) and w of shape (K, N)."""

    family = "linear"
    mixes: ClassVar[int | None] = -1

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        return x @ w

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        return s @ w.mT

    def rows(self, w: Tensor) -> Array:
        return packed(w.mT)

    def input_window(self, window: Window) -> Window:
        return (*window[:-1], slice(0, self.x.shape[-1]))

    def spread(self, window: Window, s: Array, w: Array) -> Array:
        rows = w[window[-1]]
        product: Array = rows[0] * s if len(rows) == 1 and s.ndim == 1 else s @ rows
        return product

    @property
    def fan_in(self) -> int:
        return self.x.shape[-1]

    def seen(self, values: Array) -> Array:
        return np.repeat(values.reshape(-1, self.fan_in), self.shape[-1], axis=0)

    def seeing(self, w: Array) -> Array:
        return np.tile(w, (self.x.numel() // self.fan_in, 1))

    def reach(self, operand: int) -> dict[int, Reach]:
        return {0: Reach(0, 1, 1, 0)} if self.x.ndim > 1 else {}


class BatchProduct(Product):
    """x @ w with x of shape (B, M, K) and w of shape (B, K, N), w held constant."""

    family = "matmul"
    mixes = None

    def input_window(self, window: Window) -> Window:
        return (*window[:2], slice(0, self.fan_in))

    def spread(self, window: Window, s: Array, w: Array) -> Array:
        part: Array = s @ w[window[0], window[2]]
        return part

    def seeing(self, w: Array) -> Array:
        return np.repeat(w, self.shape[1], axis=0).reshape(-1, self.fan_in)

    def reach(self, operand: int) -> dict[int, Reach]:
        return {0: Reach(0, 1, 1, 0), 1: Reach(0, 1, 1, 1)}


class Bilinear(Flow):
    """a @ b of two signals, (B, M, K) and (B, K, N): half to each side, by the rule with the other held constant."""

    family = "matmul"
    ruled = True
    mixes = -1

    def __init__(self, a: Tensor, b: Tensor, rule: Rule) -> None:
        self._left = BatchProduct(a, b, None, rule)
        # (a b)^T = b^T a^T
        self._right = BatchProduct(b.mT, a.mT, None, rule)
        self.shape, self.signed, self.device = self._left.shape, rule.signed, a.device

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        (left,), absorbed = self._left.whole(r / 2)
        (right,), more = self._right.whole(r.mT / 2)
        for cause, value in more.items():
            add_up(absorbed, cause, value)
        return [left, right.mT], absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        left, right = self._left.amplification([k[0]]), self._right.amplification([k[1].mT])
        return (left + right.mT) / 2

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        flipped = (window[0], window[2], window[1])
        (left,), absorbed = self._left.local(window, m / 2)
        (right,), more = self._right.local(flipped, m.swapaxes(1, 2) / 2)
        for cause, value in more.items():
            add_up(absorbed, cause, value)
        batch, columns, inner = right.window
        return [left, Message(1, (batch, inner, columns), right.values.swapaxes(1, 2))], absorbed


def product(builder: Builder, call: Call) -> bool:
    """A matrix product with a constant weight on the right, with or without a bias."""
    bound = call.bound
    if call.name == "linear":
        x, w, b = bound["input"], bound["weight"].mT, bound["bias"]
    elif call.name == "mm":
        x, w, b = *call.args[:2], None
    else:
        x, w, b = bound.get("mat1"), bound.get("mat2"), bound["self"]
        if bound["beta"] != 1 or bound["alpha"] != 1:
            return False
    if not builder.active(x) or builder.active(w) or builder.active(b) or x.ndim != 2 or w.ndim != 2:
        return False
    if b is not None and b.ndim > 1:
        return False
    operand = builder.operand(x)
    axis = builder.channels_of(operand)
    weights, value = Weights(builder, w, b, 1), builder.signal(x)
    builder.add_layer(
        call,
        call.out,
        Product,
        [operand],
        lambda rule: Product(value, weights.w, weights.b, rule),
        # What mixes positions, as a mixer's tokens, keeps channels where they are.
        channel_axis=value.ndim - 1 if axis is None else axis,
        merge=weights.merge,
    )
    return True


def sparse_product(builder: Builder, call: Call) -> bool:
    """A product with a sparse matrix, on either side: rows, or columns, are summed with its weights."""
    a, b = call.args[:2]
    left = not builder.active(a)
    matrix, x = (a, b) if left else (b, a)
    if builder.active(matrix) or x.layout != torch.strided:
        return False
    known = matrix.detach().to_sparse_coo().coalesce()
    (row, column), axis = known.indices(), 0 if left else 1
    to, at = (row, column) if left else (column, row)
    unit, entry = (numbers(t).movedim(axis, 0)[line] for t, line in ((call.out, to), (x, at)))
    weight = known.values().to(builder.dtype)[:, None].expand(unit.shape)
    if unit.numel() > ENTRY_LIMIT:
        return False
    weights = Matrix.of(unit.reshape(-1), entry.reshape(-1), weight.reshape(-1))
    value, shape = builder.signal(x), unbatched(tuple(call.out.shape))
    builder.add_layer(
        call,
        call.out,
        Entries,
        [builder.operand(x)],
        lambda rule: Entries(value, weights, None, shape, rule),
        channel_axis=(1 - axis) if len(shape) == 2 else 0,
    )
    return True


def batch_product(builder: Builder, call: Call) -> bool:
    """Stacks of matrices: by a constant or by attention weights one side takes all, two signals take half each."""
    a, b = call.args[:2]
    left, right = (builder.active(t) and not builder.is_gate(t) for t in (a, b))
    if not left and not right:
        left, right = builder.active(a), not builder.active(a)
    if builder.bases and left and right:
        return _product_of_changes(builder, call)
    # Of changes, what is held is held half-way.
    first = _stack(builder.change(a).reshape(a.shape) if builder.bases and left else _held(builder, a))
    second = _stack(builder.change(b).reshape(b.shape) if builder.bases and not left else _held(builder, b))
    out, own = call.out, _own_rule if builder.active(a) and builder.active(b) else _as_given
    shape = tuple(_stack(out).shape)
    if left:
        holders = [a, b] if right else [a]
        operands = [_stacked(builder.operand(t), tuple(_stack(t).shape)) for t in holders]

        def make(rule: Rule) -> Flow:
            rule = own(rule)
            return Bilinear(first, second, rule) if right else BatchProduct(first, second, None, rule)

        kind, axis = Bilinear if right else BatchProduct, builder.channels_of(operands[0])
        axis = 2 if right or axis is None else axis
        builder.add_layer(call, out, kind, operands, make, shape=shape, channel_axis=axis)
        return True
    # w x is (x^T w^T)^T: the layer holds the transpose, the stream turns it back.
    turned = _stack(out).mT.contiguous()
    operand = Operand(tuple(second.mT.shape), None, _stack(builder.units(b)).mT)
    axis = builder.channels_of(operand)
    builder.add_layer(
        call,
        turned,
        BatchProduct,
        [operand],
        lambda rule: BatchProduct(second.mT, first.mT, None, own(rule)),
        shape=tuple(turned.shape),
        channel_axis=1 if axis is None else axis,
    )
    builder.moved(out, builder.units(turned).mT.reshape(out.shape))
    return True


def _own_rule(rule: Rule) -> Rule:
    """The rule where what x makes meets what x makes, as in attention."""
    return rule.of_products or rule


def _as_given(rule: Rule) -> Rule:
    """The rule where weights are constants: that of a linear layer, however it is spelled."""
    return rule


def _held(builder: Builder, t: Tensor) -> Tensor:
    """One side of a product while the other is shared out: its value, half-way from the baseline to x."""
    value = builder.value(t)
    if builder.bases and builder.active(t):
        value = value - builder.change(t) / 2
    return value.reshape(t.shape)


class ChangeBilinear(Flow):
    """The same of changes: d(a b) = d_a (b + b0) / 2 + (a + a0) / 2 d_b, one sum over what both sides change."""

    family = "matmul"
    ruled = True
    mixes = -1

    def __init__(self, changes: tuple[Tensor, Tensor], midway: tuple[Tensor, Tensor], rule: Rule) -> None:
        (da, db), (a, b) = changes, midway
        self._inner = a.shape[-1]
        if rule.factor is not None:
            factor = rule.factor
            right = rule.passing(lambda _, part: factor(1, part.mT).mT)
            self._left = BatchProduct(da, b, None, rule)
            self._right = BatchProduct(db.mT, a.mT, None, right)
            self.change = da @ b + a @ db
        else:
            x, w = torch.cat([da, a], -1), torch.cat([b, db], -2)
            self._left, self._right = BatchProduct(x, w, None, rule), BatchProduct(w.mT, x.mT, None, rule)
        self.shape, self.signed, self.device = self._left.shape, self._left.signed, a.device

    def _own(self, left: Any, right: Any) -> tuple[Any, Any]:
        """The parts of messages that go to the operands: where both sides are joined, each is one half of two."""
        return left[..., : self._inner], right[..., -self._inner :]

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        (left,), absorbed = self._left.whole(r)
        (right,), _ = self._right.whole(r.mT.contiguous())
        left, right = self._own(left, right)
        return [left.contiguous(), right.mT.contiguous()], absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        both = torch.full_like(self._left.x, 0), torch.full_like(self._right.x, 0)
        left, right = self._own(*both)
        left.copy_(k[0]), right.copy_(k[1].mT)
        return self._left.amplification([both[0]]) + self._right.amplification([both[1]]).mT

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        flipped = (window[0], window[2], window[1])
        (left,), absorbed = self._left.local(window, m)
        (right,), _ = self._right.local(flipped, m.swapaxes(1, 2))
        ours, theirs = self._own(left.values, right.values)
        inner, (batch, columns, _) = slice(0, self._inner), right.window
        to_left = Message(0, (*left.window[:-1], inner), ours)
        return [to_left, Message(1, (batch, inner, columns), theirs.swapaxes(1, 2))], absorbed


def _product_of_changes(builder: Builder, call: Call) -> bool:
    """A product of two matrices that both change."""
    a, b = call.args[:2]
    changes = tuple(_stack(builder.change(t).reshape(t.shape)) for t in (a, b))
    midway = tuple(_stack(_held(builder, t)) for t in (a, b))
    operands = [_stacked(builder.operand(t), tuple(_stack(t).shape)) for t in (a, b)]
    shape = tuple(_stack(call.out).shape)

    def make(rule: Rule) -> Flow:
        return ChangeBilinear((changes[0], changes[1]), (midway[0], midway[1]), rule)

    builder.add_layer(call, call.out, ChangeBilinear, operands, make, shape=shape, channel_axis=2)
    return True


def _stacked(operand: Operand, shape: Shape) -> Operand:
    """An operand in the shape of a stack, of however few matrices."""
    index = None if operand.index is None else operand.index.reshape(shape)
    return Operand(shape, operand.layer, index)


def _stack(t: Tensor) -> Tensor:
    """A matrix as a stack of one."""
    return t if t.ndim == 3 else t[None]


def single_product(builder: Builder, call: Call) -> bool:
    """Two matrices: by a constant on the right as a linear layer, by a sparse one by its entries, else as a stack."""
    if any(t.layout != torch.strided for t in call.args[:2]):
        return sparse_product(builder, call)
    return (batch_product if builder.active(call.args[1]) else product)(builder, call)


FAMILY = OpFamily(
    {"addmm": product, "linear": product, "bmm": batch_product, "mm": single_product},
    (Product, BatchProduct, Bilinear, ChangeBilinear, Entries),
)
