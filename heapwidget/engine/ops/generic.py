"""Any other differentiable op: gradient times input of that op alone, by its own VJP."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from heapwidget.boxes import unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import DEAD_END, NO_CHANGE, REMAINDER, Flow, add_up, inverse, total
from heapwidget.engine.graph.builder import Builder, Summary, results, short_name
from heapwidget.engine.graph.layers import Make
from heapwidget.engine.rules import Rule
from heapwidget.errors import UnsupportedOpError

# Above this many entries the op's Jacobian is not worked out, and there is no certified bound.
JACOBIAN_LIMIT = 2**22


# How much larger all operands are made to see how an output grows, and how far from a whole degree it may seem to be.
SCALES = (1.01, 1.03)
OFF = 0.01
# A smaller part of what is passed on is rounding.
NOISE = 1e-6


def _amplified(messages: Callable[[Tensor], list[Tensor]], like: Tensor, k: list[Tensor]) -> Tensor:
    """What one of each output comes to, by the sizes of its messages times k; infinite where that is too much work."""
    n_out = like.numel()
    if n_out * sum(ki.numel() for ki in k) > JACOBIAN_LIMIT:
        return torch.full_like(like, torch.inf)
    rows = torch.eye(n_out, dtype=like.dtype, device=like.device).reshape(n_out, *like.shape)
    zero = torch.zeros((), dtype=like.dtype, device=like.device)
    sums = [sum((m.abs().mul(ki).sum() for m, ki in zip(messages(row), k, strict=True)), zero) for row in rows]
    return torch.stack(sums).reshape(like.shape)


class Generic(Flow):
    """share(i <- j) = x_i dz_j/dx_i / (d_j z_j); what the gradient does not explain of z_j remains, and is absorbed.

    d_j is the degree of z_j where it is homogeneous, as a product of n factors is with n: then, by Euler's theorem,
    the shares add up to one, and each factor has the same. Elsewhere it is 1.

    `op` maps the active operands, each unbatched, to the layer's tensor.
    """

    mixes = None
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
        self._over = inverse(self._z.detach()) / _degrees(operands, op, self._z.detach())
        self.shape, self.device = tuple(self._z.shape), self._z.device

    def _messages(self, s: Tensor) -> list[Tensor]:
        """Gradient of sum(s z) times input; nothing where it is not finite, as of a square root at 0."""
        grads = torch.autograd.grad(self._z, self._leaves, s, retain_graph=True, materialize_grads=True)
        return [(a * g).nan_to_num(0, 0, 0) for a, g in zip(self._operands, grads, strict=True)]

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        messages = self._messages(r * self._over)
        absorbed: dict[str, float] = {}
        lost, passed = total(r[self._over == 0]), sum(total(m) for m in messages)
        add_up(absorbed, DEAD_END, lost)
        rest = total(r) - lost - passed
        if abs(rest) > NOISE * total(r.abs()):
            add_up(absorbed, REMAINDER, rest)
        return messages, absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        return _amplified(self._messages, self._over, k) * self._over.abs()


# Gauss's points on a line from 0 to 1, and their weights.
POINTS = ((0.11270166537925831, 5 / 18), (0.5, 4 / 9), (0.8872983346207417, 5 / 18))


class ChangeGeneric(Flow):
    """The same of changes: share(i <- j) = d_i / d_j times the mean of dz_j/dx_i on the line from the baseline to x.

    Parameters
    ----------
    operands, changes
        On x, and by how much each differs from the baseline.
    change
        By how much the result differs.
    """

    mixes = None
    signed = True

    def __init__(
        self, operands: list[Tensor], changes: list[Tensor], change: Tensor, op: Callable[..., Tensor], rule: Rule
    ) -> None:
        self._op, self._factor, self._change = op, rule.factor, change
        self.change = None if rule.factor is None else change
        self._lines = [[x - d * (1 - at) for x, d in zip(operands, changes, strict=True)] for at, _ in POINTS]
        self.shape, self.device = tuple(change.shape), change.device
        large = change.abs() > NO_CHANGE * change.abs().amax() if change.numel() else change > 0
        self._over = inverse(change * large)
        worth = [d if rule.factor is None else rule.factor(i, d) for i, d in enumerate(changes)]
        self._worth = worth
        self._messages(torch.zeros_like(change))

    def _messages(self, s: Tensor) -> list[Tensor]:
        sums = [torch.zeros_like(worth) for worth in self._worth]
        for point, (_, weight) in zip(self._lines, POINTS, strict=True):
            with torch.enable_grad():
                leaves = [a.detach().requires_grad_() for a in point]
                z = self._op(*leaves)
            grads = torch.autograd.grad(z, leaves, s, allow_unused=True, materialize_grads=True)
            sums = [total + g.nan_to_num(0, 0, 0) * weight for total, g in zip(sums, grads, strict=True)]
        return [total * worth for total, worth in zip(sums, self._worth, strict=True)]

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        if self._factor is not None:
            return self._messages(r), {}
        messages = self._messages(r * self._over)
        rest = total(r) - sum(total(m) for m in messages)
        absorbed: dict[str, float] = {}
        if abs(rest) > NOISE * total(r.abs()):
            add_up(absorbed, REMAINDER, rest)
        return messages, absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        found = _amplified(self._messages, self._change, k)
        return found if self._factor is not None else found * self._over.abs()


def _degrees(operands: list[Tensor], op: Callable[..., Tensor], z: Tensor) -> Tensor:
    """The degree of each output that is homogeneous, of two or more: c times all operands make c ** degree of it."""
    found = []
    with torch.no_grad():
        for scale in SCALES:
            ratio = op(*(a.detach() * scale for a in operands)) / z
            found.append(ratio.clamp(min=0).log() / math.log(scale))
    degree = found[0].round()
    whole = torch.stack([(d - degree).abs() < OFF for d in found]).all(0) & (degree >= 2)
    return torch.where(whole, degree, 1.0)


def by_gradient(builder: Builder, call: Call, *, warn: bool = True) -> bool:
    """Take an op without a rule: by its own VJP, with a warning, or refuse it."""
    _check_kind(builder, call)
    active = builder.operands_of(call)
    told = f"no rule for {call.where}: its relevance is shared by gradient x input of this op alone"
    # An op may give statistics beside its result that nobody reads.
    for number, out in enumerate(o for o in results(call) if o.is_floating_point()):
        if builder.reads[id(out)]:
            make = _make(builder, call, out, number)
            operands = [builder.operand(t) for t in active]
            name, warning, axis = short_name(call.name), told if warn else None, builder.kept(out, operands)
            builder.add_layer(call, out, Generic, operands, make, op=name, warning=warning, channel_axis=axis)
            if len(active) == 1 and out.numel() < active[0].numel():
                builder.sums_up(out, Summary(call.name, active[0]))
    return True


def _check_kind(builder: Builder, call: Call) -> None:
    """Whether what is read of a result is numbers that have shares."""
    for out in results(call):
        odd = "" if out.layout == torch.strided else "a sparse tensor"
        odd = "complex numbers" if out.is_complex() else "a nested tensor" if out.is_nested else odd
        if odd and builder.reads[id(out)]:
            raise UnsupportedOpError(
                f"no rule for {call.where}, which gives {odd}; rewrite that part of the net without, or make one "
                "op of it with torch.library.custom_op and give that a rule with heapwidget.register_rule"
            )


def _make(builder: Builder, call: Call, out: Tensor, number: int) -> Make:
    """The flow of an op without a rule, made only if relevance reaches it."""
    active = builder.operands_of(call)
    values, op = [builder.value(t) for t in active], rerun(call, active, number, builder.dtype)
    changes = [builder.change(t) for t in active] if builder.bases else None
    change = builder.change(out) if builder.bases else None

    def make(rule: Rule) -> Flow:
        if not values:
            raise UnsupportedOpError(
                f"no rule for {call.where}, which takes whole numbers made of x, and these have no share of relevance; "
                "explain what comes after it, such as the embeddings"
            )
        try:
            if changes is not None and change is not None:
                return ChangeGeneric(values, changes, change, op, rule)
            return Generic(values, op)
        except RuntimeError as error:
            name = f"{call.op.namespace}.{call.name}"
            raise UnsupportedOpError(
                f"no rule for {call.where}, and it has no derivative to fall back on ({_first_sentence(error)}); "
                f"say how it shares relevance with heapwidget.register_rule({name!r}, rule), or rewrite that part "
                "of the net with differentiable PyTorch ops"
            ) from error

    return make


def _first_sentence(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0].split(". ")[0].rstrip(".") if text else type(error).__name__


def rerun(call: Call, active: list[Tensor], output: int, dtype: torch.dtype) -> Callable[..., Tensor]:
    """The call as a function of its active operands, unbatched, giving one of its outputs, unbatched."""
    places = {id(t): i for i, t in enumerate(active)}

    def op(*values: Tensor) -> Tensor:
        def replace(a: Any) -> Any:
            if isinstance(a, Tensor) and id(a) in places:
                return values[places[id(a)]].reshape(a.shape)
            return a.to(dtype) if isinstance(a, Tensor) and a.is_floating_point() else a

        args, kwargs = tree_map(replace, (call.args, call.kwargs))
        out = call.op(*args, **kwargs)
        if not isinstance(out, Tensor):
            out = [o for o in out if isinstance(o, Tensor) and o.is_floating_point()][output]
        return out.reshape(unbatched(tuple(out.shape)))

    return op
