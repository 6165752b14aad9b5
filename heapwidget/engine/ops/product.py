"""Matrix products with a constant weight on the right: linear layers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Array, Reach, packed
from heapwidget.engine.graph.builder import Builder
from heapwidget.engine.ops.family import OpFamily
from heapwidget.engine.ops.linear import LinearFlow, Weights


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
    weights, value = Weights(builder, w, b, 1), builder.value(x)
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


FAMILY = OpFamily({"addmm": product, "linear": product}, (Product,))
