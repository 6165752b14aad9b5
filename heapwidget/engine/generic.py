"""Any other differentiable op: gradient times input of that op alone, by its own VJP."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from heapwidget.engine.flow import BIAS, DEAD_END, Flow, add_up, inverse

# Above this many entries the op's Jacobian is not worked out, and there is no certified bound.
JACOBIAN_LIMIT = 2**22


class Generic(Flow):
    """share(i <- j) = x_i dz_j/dx_i / z_j; what the gradient does not explain of z_j is absorbed.

    `op` maps the active operands, each unbatched, to the layer's tensor.
    """

    signed = True

    def __init__(self, operands: list[Tensor], op: Callable[..., Tensor]) -> None:
        self._operands, self._op = operands, op
        with torch.enable_grad():
            self._leaves = [a.detach().requires_grad_() for a in operands]
            self._z = op(*self._leaves)
        # An op without a derivative says so now, not in the middle of a walk.
        nothing = torch.zeros_like(self._z)
        grads = torch.autograd.grad(self._z, self._leaves, nothing, retain_graph=True, allow_unused=True)
        if all(grad is None for grad in grads):
            raise RuntimeError("its derivative is not known")
        self._over = inverse(self._z.detach())
        self.shape = tuple(self._z.shape)

    @property
    def device(self) -> torch.device:
        return self._over.device

    def _messages(self, s: Tensor) -> list[Tensor]:
        """Gradient of sum(s z) times input; nothing where it is not finite, as of a square root at 0."""
        grads = torch.autograd.grad(self._z, self._leaves, s, retain_graph=True, materialize_grads=True)
        return [(a * g).nan_to_num(0, 0, 0) for a, g in zip(self._operands, grads, strict=True)]

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        messages = self._messages(r * self._over)
        absorbed: dict[str, float] = {}
        lost = float(r[self._over == 0].sum(dtype=torch.float64))
        passed = float(sum(m.sum(dtype=torch.float64) for m in messages))
        add_up(absorbed, DEAD_END, lost)
        add_up(absorbed, BIAS, float(r.sum(dtype=torch.float64)) - lost - passed)
        return messages, absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        n_out = self._over.numel()
        if n_out * sum(a.numel() for a in self._operands) > JACOBIAN_LIMIT:
            return torch.full_like(self._over, torch.inf)
        rows = torch.eye(n_out, dtype=self._over.dtype, device=self.device).reshape(n_out, *self.shape)
        zero = torch.zeros((), dtype=self._over.dtype, device=self.device)
        sums = [
            sum((message.abs().mul(ki).sum() for message, ki in zip(self._messages(row), k, strict=True)), zero)
            for row in rows
        ]
        return torch.stack(sums).reshape(self.shape) * self._over.abs()
