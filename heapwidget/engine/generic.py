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
        self._over = inverse(self._z.detach())
        self.shape = tuple(self._z.shape)

    @property
    def device(self) -> torch.device:
        return self._over.device

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        s = r * self._over
        grads = torch.autograd.grad(self._z, self._leaves, s, retain_graph=True, materialize_grads=True)
        messages = [a * g for a, g in zip(self._operands, grads, strict=True)]
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
        jacobians = [
            torch.autograd.grad(self._z, self._leaves, row, retain_graph=True, materialize_grads=True) for row in rows
        ]
        zero = torch.zeros((), dtype=self._over.dtype, device=self.device)
        sums = [
            sum(((a * g).abs().mul(ki).sum() for a, g, ki in zip(self._operands, j, k, strict=True)), zero)
            for j in jacobians
        ]
        return torch.stack(sums).reshape(self.shape) * self._over.abs()
