"""A linear op of which nothing is known but what it does: written as a matrix, one unit vector at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Shape, Window, everything, unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import Array, Flow
from heapwidget.engine.graph.builder import Builder
from heapwidget.engine.ops.generic import JACOBIAN_LIMIT, rerun
from heapwidget.engine.ops.linear import LinearFlow
from heapwidget.engine.rules import Rule, Term
from heapwidget.errors import UnsupportedOpError


class Dense(LinearFlow):
    """op(x) = w x + b with w a matrix (units, inputs), and x, b and the result of any shape."""

    family = "linear"
    mixes = -1

    def __init__(self, x: Tensor, w: Tensor, b: Tensor, rule: Rule) -> None:
        self._result: Shape = tuple(b.shape)
        super().__init__(x, w, b if bool(b.any()) else None, rule)

    def changed_weight(self, term: Term) -> Tensor:
        # An entry of zero is no connection: rules that count inputs leave it out.
        return super().changed_weight(term) * (self.w != 0)

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        return (w @ x.reshape(-1)).reshape(self._result)

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        return (s.reshape(-1) @ w).reshape(self.x.shape)

    def input_window(self, window: Window) -> Window:
        return everything(self.x.shape)

    def spread(self, window: Window, s: Array, w: Array) -> Array:
        units = np.arange(len(w)).reshape(self.shape)[window].reshape(-1)
        message: Array = s.reshape(-1) @ w[units]
        return message.reshape(self.x.shape)

    def seen(self, values: Array) -> Array:
        return np.broadcast_to(values.reshape(-1), tuple(self.w.shape))

    def seeing(self, w: Array) -> Array:
        return w

    @property
    def fan_in(self) -> int:
        return self.x.numel()


class DenseConv(Dense):
    """The same where the result has channels and positions: a kind of convolution."""

    family = "conv"
    mixes = 0


@torch.no_grad()
def matrix_of(op: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix (units, inputs) and the bias of a linear op on tensors like x.

    Raises
    ------
    ValueError
        If matrix and bias do not give op(x): then the op is not linear.
    """
    b = op(torch.zeros_like(x))
    columns = []
    for i in range(x.numel()):
        unit = torch.zeros_like(x)
        unit.view(-1)[i] = 1
        columns.append((op(unit) - b).reshape(-1))
    w = torch.stack(columns, dim=1)
    z, expected = (w @ x.reshape(-1)).reshape(b.shape) + b, op(x)
    close = 1e-3 if x.dtype == torch.float32 else 1e-9
    scale = float((w.abs() @ x.reshape(-1).abs()).max() + b.abs().max())
    if not bool(((z - expected).abs() <= close * scale).all()):
        raise ValueError("is not linear in its input")
    return w, b


def linear(builder: Builder, call: Call, own: Rule | None = None) -> bool:
    """An op that is said to be linear in its one input: under the rule of the walk, or always under its `own`."""
    out, operands = builder.only_result(call), builder.operands_of(call)
    if not operands:
        return False
    t = operands[0]
    if len(operands) > 1 or out.numel() * t.numel() > JACOBIAN_LIMIT:
        reason = "several of its inputs come from x" if len(operands) > 1 else "its matrix would be too large"
        raise UnsupportedOpError(f"the rule 'linear' does not fit {call.where}: {reason}; register a function")
    value, rank = builder.signal(t), len(unbatched(tuple(out.shape)))
    kind = DenseConv if rank > 2 else Dense

    def make(rule: Rule) -> Flow:
        try:
            w, b = matrix_of(rerun(call, [t], 0, builder.dtype), value)
            b = torch.zeros_like(b) if builder.bases else b
        except ValueError as error:
            raise UnsupportedOpError(
                f"the rule 'linear' does not fit {call.where}: it {error}; register a function"
            ) from error
        return kind(value, w, b, own or rule)

    axis = 0 if rank > 2 else rank - 1
    builder.add_layer(call, out, kind, [builder.operand(t)], make, channel_axis=axis)
    return True
