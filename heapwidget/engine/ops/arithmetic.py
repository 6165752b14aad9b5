"""Ops that meet unit by unit: sums, products, the larger of two. Each operand takes a fixed share of every unit.

A skip connection must split relevance, never copy it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Window, unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import CONSTANT, Array, Flow, Message, Reach, Table, add_up, host, inverse
from heapwidget.engine.graph.builder import Builder, OpFamily, Summary, short_name
from heapwidget.engine.graph.layers import Make, Operand
from heapwidget.engine.rules import Rule, along


class Split(Flow):
    """`shares` (one an operand, all of the layer's shape) say what each takes; `constant` is what constants absorb.

    Where multipliers are split, `change` is the layer's own, and shares may be of any size.
    """

    mixes = None

    def __init__(self, shares: list[Tensor], constant: Tensor | None, change: Tensor | None = None) -> None:
        self._shares, self._constant = shares, constant
        self.shape, self.device = tuple(shares[0].shape), shares[0].device
        self.signed = change is not None
        if change is not None:
            self.change = change

    def held_by(self, active: list[bool]) -> Split:
        """The same with only some of the operands active: the others are constants."""
        if all(active):
            return self
        taken = [share for share, is_active in zip(self._shares, active, strict=True) if is_active]
        rest = [share for share, is_active in zip(self._shares, active, strict=True) if not is_active]
        return Split(taken, sum(rest[1:], rest[0]))

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        absorbed: dict[str, float] = {}
        if self._constant is not None:
            add_up(absorbed, CONSTANT, float((r * self._constant).sum()))
        return [r * share for share in self._shares], absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        return sum((share.abs() * ki for share, ki in zip(self._shares, k, strict=True)), torch.zeros_like(k[0]))

    @cached_property
    def _host(self) -> tuple[list[Array], Array | None]:
        return [host(s) for s in self._shares], None if self._constant is None else host(self._constant)

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        shares, constant = self._host
        absorbed: dict[str, float] = {}
        if constant is not None:
            add_up(absorbed, CONSTANT, float((m * constant[window]).sum()))
        return [Message(i, window, m * share[window]) for i, share in enumerate(shares)], absorbed

    def table(self) -> Table:
        shares, constant = self._host
        entries = np.arange(shares[0].size)[:, None]
        absorbed = {} if constant is None else {CONSTANT: constant.reshape(-1)}
        return Table([entries] * len(shares), [share.reshape(-1, 1) for share in shares], absorbed)

    def reach(self, operand: int) -> dict[int, Reach]:
        return {a: Reach(0, 1, 1, a) for a in range(len(self.shape))}


def by_size(active: list[Tensor], constant: Tensor | None) -> Split:
    """A sum: abs(a) / (abs(a) + abs(b)) to each side, evenly between the active ones where all are zero.

    The plain a / (a + b) would explode where the sides cancel.
    """
    total = sum((a.abs() for a in active), torch.zeros_like(active[0]))
    if constant is not None:
        total = total + constant.abs()
    over = inverse(total)
    even = (over == 0).to(total.dtype) / len(active)
    return Split([a.abs() * over + even for a in active], None if constant is None else constant.abs() * over)


def of_changes(rule: Rule, parts: list[Tensor]) -> Split:
    """A meeting of changes: each operand has its part of the layer's own.

    Those that go the way of all take their shares of that; multipliers are worth the parts.
    """
    z = sum(parts[1:], parts[0])
    if rule.factor is not None:
        return Split([rule.factor(i, part) for i, part in enumerate(parts)], None, z)
    of_size, of_own = along(sum((c.abs() for c in parts), torch.zeros_like(z)), z)
    even = (of_size == 0).to(z.dtype) / len(parts)
    return Split([c.abs() * of_size + c * of_own + even for c in parts], None)


def halves(a: Tensor) -> Split:
    """A product of two signals shaped like `a`: half each."""
    half = torch.full_like(a, 0.5)
    return Split([half, half], None)


def winner(a: Tensor, b: Tensor, larger: bool) -> Split:
    """The larger (or smaller) of two: all to the winner, half each on a tie."""
    first = (a > b) if larger else (a < b)
    share = first.to(a.dtype) + (a == b).to(a.dtype) / 2
    return Split([share, 1 - share], None)


def of_one(builder: Builder, call: Call) -> bool:
    """Of two changes that meet, whether all goes to one: the other is constant, of the same unit, or sums it up.

    What sums a tensor up, as a norm's mean and variance do, is held: relevance stays with the unit that it scales or
    shifts. What is divided by its own sum is a share, which only scales what it meets, as attention does.
    """
    holders = [t for t in call.args[:2] if builder.active(t)]
    if len(holders) > 1:
        a, b = holders
        for held, summary in ((a, builder.summary(b)), (b, builder.summary(a))):
            if summary is not None and _sums_up(builder, summary, held, call.out):
                share = call.name == "div" and held is a and summary.op == "sum" and summary.of is a
                builder.same_units(held, call.out, gate=share or builder.is_gate(held))
                return True
        units = builder.one_unit(holders, call.out.shape)
        if units is None:
            return False
        builder.moved(call.out, units, gate=all(builder.is_gate(t) for t in holders))
    else:
        builder.same_units(holders[0], call.out, gate=builder.is_gate(holders[0]))
    summaries = [builder.summary(t) for t in holders]
    builder.sums_up(call.out, summaries[0] if len(set(map(id, summaries))) == 1 else None)
    return True


def _sums_up(builder: Builder, summary: Summary, held: Tensor, out: Tensor) -> bool:
    """Whether a summary is one of the very units of a tensor, entry by entry."""
    return held.shape == out.shape and _alike(builder, summary.of, held)


def meeting(builder: Builder, call: Call, op: str, coefficients: Callable[[], list[Tensor]]) -> bool:
    """Two changes that meet: each counts with a coefficient, in the shape of the result."""
    if of_one(builder, call):
        return True
    counted = [(t, c) for t, c in zip(call.args[:2], coefficients(), strict=True) if builder.active(t)]
    parts = [c * shaped(builder.change(t), t, call.out) for t, c in counted]
    holders = [t for t, _ in counted]
    _split(builder, call, holders, op, lambda rule: of_changes(rule, parts))
    builder.sums_up(call.out, _of_the_same(builder, call, holders))
    return True


def _of_the_same(builder: Builder, call: Call, holders: list[Tensor]) -> Summary | None:
    """What tensors that meet sum up, if it is the same units: the mean of squares less the squared mean, a variance."""
    first, *others = [builder.summary(t) for t in holders]
    if first is None or any(other is None or not _alike(builder, first.of, other.of) for other in others):
        return None
    return Summary(call.name, first.of)


def _alike(builder: Builder, a: Tensor, b: Tensor) -> bool:
    """Whether two tensors hold the same units, entry by entry."""
    return a.numel() == b.numel() and torch.equal(builder.units(a).reshape(-1), builder.units(b).reshape(-1))


def shaped(values: Tensor, t: Tensor, out: Tensor) -> Tensor:
    """What a tensor holds, unbatched, broadcast to the shape of a result."""
    return values.reshape(t.shape).expand(out.shape).reshape(unbatched(tuple(out.shape)))


def midway(builder: Builder, t: Any, out: Tensor) -> Tensor:
    """An operand half-way between the baseline and x, in the shape of a result."""
    if not isinstance(t, Tensor):
        return torch.full(unbatched(tuple(out.shape)), float(t), dtype=builder.dtype, device=out.device)
    values = builder.value(t)
    return shaped(values - builder.change(t) / 2 if builder.active(t) else values, t, out)


def sum_of_two(builder: Builder, call: Call) -> bool:
    """A sum or difference; where one side is constant, it absorbs its share."""
    a, b = call.args[:2]
    alpha = float(call.bound["alpha"])
    factors = {"add": (1.0, alpha), "sub": (1.0, -alpha), "rsub": (-alpha, 1.0)}[call.name]
    if builder.bases:
        return meeting(builder, call, "add", lambda: [midway(builder, factor, call.out) for factor in factors])
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
    _split(builder, call, holders, "add", lambda _: by_size(active, constant))
    return True


def _as_bias(builder: Builder, t: Tensor, scaled: list[tuple[Any, float]], constant: Tensor) -> bool:
    """Merge a constant into the weights that made `t`, if it is one number for each output: a bias added by hand."""
    layer = builder.made_by(t)
    if layer is None or layer.merge is None or constant.numel() != t.numel():
        return False
    by_output = constant.reshape(layer.shape).movedim(layer.merged, 0)
    by_output = by_output.reshape(len(by_output), -1)
    shift = by_output[:, 0]
    if not torch.equal(by_output, shift[:, None].expand_as(by_output)):
        return False
    factor = next(f for side, f in scaled if side is t)
    layer.merge(torch.full_like(shift, factor), shift)
    return True


def _split(builder: Builder, call: Call, holders: list[Tensor], op: str, make: Make) -> None:
    shape = call.out.shape
    operands = [builder.operand(t, shape) for t in holders]
    axis = builder.channels_of(*operands)
    builder.add_layer(call, call.out, Split, operands, make, op=op, channel_axis=axis)


def multiply(builder: Builder, call: Call) -> bool:
    """A product: by a constant a scale, else a gate or a meeting of two signals."""
    a, b = call.args[:2]
    if builder.bases:
        # d(a b) = d_a (b + b0) / 2 + d_b (a + a0) / 2
        return meeting(builder, call, "mul", lambda: [midway(builder, t, call.out) for t in (b, a)])
    signals = [t for t in (a, b) if builder.active(t) and not builder.is_gate(t)]
    gates = [t for t in (a, b) if builder.active(t) and builder.is_gate(t)]
    if len(signals) == 1 or len(signals) + len(gates) == 1:
        builder.same_units((signals or gates)[0], call.out, gate=not signals)
        return True
    value = builder.value(call.out)
    _split(builder, call, [a, b], "mul", lambda _: halves(value))
    return True


def divide(builder: Builder, call: Call) -> bool:
    """All to the dividend: the divisor is held constant, as a norm's statistics are."""
    a = call.args[0]
    if builder.bases and call.bound.get("rounding_mode") is None:
        return meeting(builder, call, "div", lambda: _of_quotient(builder, call))
    if not builder.active(a) or call.bound.get("rounding_mode") is not None:
        return False
    builder.same_units(a, call.out, gate=builder.is_gate(a))
    return True


def _of_quotient(builder: Builder, call: Call) -> list[Tensor]:
    """A quotient as the product with the reciprocal, which changes by -d_b / (b b0)."""
    a, b = call.args[:2]
    last = midway(builder, b, call.out)
    half = shaped(builder.change(b), b, call.out) / 2 if builder.active(b) else torch.zeros_like(last)
    here, there = 1 / (last + half), 1 / (last - half)
    return [(here + there) / 2, -midway(builder, a, call.out) * here * there]


def chosen(builder: Builder, call: Call, out: Tensor, here: Tensor, there: Tensor, *, lowest: bool = False) -> None:
    """`out` holds units of `here` on x and of `there` on the baseline.

    Where these are two, the larger of the two moves went that way: of what rose all goes to the unit here, of what
    fell to the unit there; of the lowest it is the other way round.
    """
    neither = (here == there) | (here < 0) | (there < 0)
    if bool(neither.all()):
        builder.moved(out, torch.where(here < 0, there, here))
        return
    change = builder.change(out)
    first = ((change < 0) if lowest else (change > 0)) | neither.reshape(change.shape)
    parts = [change * first, change * ~first]
    index = [torch.where(here < 0, there, here), torch.where(there < 0, here, there)]
    operands = [Operand(tuple(change.shape), None, i.reshape(change.shape)) for i in index]
    axis = builder.channels_of(*operands)
    builder.add_layer(
        call,
        out,
        Split,
        operands,
        lambda rule: of_changes(rule, parts),
        op=short_name(call.name),
        channel_axis=axis,
    )


def larger(builder: Builder, call: Call) -> bool:
    """The larger or smaller of two, of which one may be constant."""
    a, b = call.args[:2]
    shape = call.out.shape
    if builder.bases:
        if not of_one(builder, call):
            first, second = (builder.units(t).expand(shape) for t in (a, b))
            is_first = [(c.args[0] >= c.args[1]) == (call.name == "maximum") for c in (call, builder.there(call))]
            here, there = (torch.where(mask, first, second) for mask in is_first)
            chosen(builder, call, call.out, here, there, lowest=call.name == "minimum")
        return True
    first, second = (builder.value(t.expand(shape)) for t in (a, b))
    is_max = call.name == "maximum"
    held = [builder.active(t) for t in (a, b)]
    holders = [t for t, active in zip((a, b), held, strict=True) if active]
    _split(builder, call, holders, call.name, lambda _: winner(first, second, is_max).held_by(held))
    return True


FAMILY = OpFamily(
    {
        **dict.fromkeys(("add", "sub", "rsub"), sum_of_two),
        **dict.fromkeys(("maximum", "minimum"), larger),
        "mul": multiply,
        "div": divide,
    },
    (Split,),
)
