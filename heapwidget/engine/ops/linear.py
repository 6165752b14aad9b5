"""Linear ops with constant weights, which rules are about: one engine for all rules."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.flow import (
    BIAS,
    DEAD_END,
    STABILISER,
    Array,
    Flow,
    Message,
    Read,
    Table,
    add_up,
    host,
    inverse,
    is_zero,
    may_hold_zero,
    packed,
)
from heapwidget.engine.graph.builder import Builder
from heapwidget.engine.rules import ALONG, Branch, Rule, Scales, Term

# Above this many messages a layer is not tabled.
TABLE_LIMIT = 2**21

T = TypeVar("T")


@dataclass(frozen=True)
class _Prepared(Generic[T]):
    """A rule's branch with its arrays: changed inputs and weights, coefficient over denominator, each cause's share.

    One that is `rare` is for few units, which seldom hold relevance.
    """

    terms: list[tuple[T, T]]
    scale: T
    absorbing: dict[str, T]
    rare: bool = False


def _limited(branch: _Prepared[Tensor], those: Tensor) -> _Prepared[Tensor]:
    """The same for some units alone."""
    absorbing = {cause: share * those for cause, share in branch.absorbing.items()}
    return _Prepared(branch.terms, branch.scale * those, absorbing, rare=True)


class RuledFlow(Flow):
    """z = op(x, w) + b under one rule; subclasses say how the op is applied and transposed, and how a box passes on.

    Parameters
    ----------
    x, w, b
        Unbatched input, weight, and bias (broadcastable over the output; `None`: no bias). For changes x is the change
        of the input, and there is no bias.
    """

    ruled = True

    def __init__(self, x: Tensor, w: Tensor, b: Tensor | None, rule: Rule) -> None:
        self.x, self.w, self.b = x, w, b
        self.signed, self.device = rule.signed, x.device
        if rule.factor is not None:
            self.change = self.apply(x, w)
            self._branches = [_Prepared([(rule.factor(0, x), w)], torch.ones_like(self.change), {})]
        elif rule.scales is not None:
            self._branches = self._scaled(rule, rule.scales)
        else:
            self._branches = [prepared for branch in rule.branches for prepared in self._prepare(branch)]
        self.shape = tuple(self._branches[0].scale.shape)

    @abstractmethod
    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        """The op without its bias."""

    @abstractmethod
    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        """The op's transpose at `s` (the layer's shape), in the shape of x."""

    def _scaled(self, rule: Rule, scales: Scales) -> list[_Prepared[Tensor]]:
        """The branches of a rule with scales of its own, which absorbs nothing."""
        terms = [[(term.x(self.x), self.changed_weight(term)) for term in branch.terms] for branch in rule.branches]
        found = scales(lambda number: self._total(terms[number]))
        return [
            _Prepared(used, scale, {}, rare=number > 1)
            for number, (used, scale) in enumerate(zip(terms, found, strict=True))
            if scale is not None
        ]

    def _total(self, terms: list[tuple[Tensor, Tensor]]) -> Tensor:
        """The sum of some terms: the denominator of their branch."""
        total = self.apply(*terms[0])
        for term in terms[1:]:
            total += self.apply(*term)
        return total

    def _prepare(self, branch: Branch) -> list[_Prepared[Tensor]]:
        # A term without any input adds nothing, such as x- w- behind a ReLU.
        inputs = [(term.x(self.x), term) for term in branch.terms]
        used = [(x, term) for x, term in inputs if not is_zero(x)] or inputs[:1]
        terms = [(x, self.changed_weight(term)) for x, term in used]
        total = self._total(terms)
        absorbing = {}
        if branch.bias is not None and self.b is not None:
            absorbing[BIAS] = branch.bias(self.b).expand_as(total)
            total = total + absorbing[BIAS]
        if branch.epsilon:
            # Adding 0 gives a negative zero the sign of zero.
            absorbing[STABILISER] = torch.full_like(total, branch.epsilon).copysign_(total + 0)
            total = total + absorbing[STABILISER]
        scale = inverse(total)
        lost = scale.clone().eq_(0) if may_hold_zero(scale) else scale.new_zeros(1)
        if branch.coefficient != 1:
            scale, lost = scale * branch.coefficient, lost * branch.coefficient
        if branch.only is not None:
            applies = branch.only(self._z).to(scale.dtype)
            scale, lost = scale * applies, lost * applies
        absorbing = {cause: part * scale for cause, part in absorbing.items()}
        if is_zero(lost):
            return [_Prepared(terms, scale, absorbing)]
        if branch.otherwise is None:
            return [_Prepared(terms, scale, absorbing | {DEAD_END: lost})]
        return [
            _Prepared(terms, scale, absorbing),
            *(_limited(instead, lost) for instead in self._prepare(branch.otherwise)),
        ]

    def size(self, w: Tensor) -> Tensor:
        """The weight without its signs."""
        return w.abs()

    def changed_weight(self, term: Term) -> Tensor:
        """The weight as a term changes it."""
        return term.w(self.w)

    @cached_property
    def _z(self) -> Tensor:
        """The op's own output."""
        z = self.apply(self.x, self.w)
        return z if self.b is None else z + self.b

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        message: Tensor | None = None
        absorbed: dict[str, float] = {}
        for branch in self._branches:
            s = r * branch.scale
            if branch.rare and is_zero(s):
                continue
            for x, w in branch.terms:
                part = self.transpose(s, w).mul_(x)
                message = part if message is None else message.add_(part)
            for cause, share in branch.absorbing.items():
                add_up(absorbed, cause, float((r * share).sum()))
        assert message is not None
        return [message], absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        total = torch.zeros_like(self._branches[0].scale)
        for branch in self._branches:
            for x, w in branch.terms:
                if self.signed:
                    total += branch.scale.abs() * self.apply(x.abs() * k[0], self.size(w))
                else:
                    # No share is negative, also where a branch alone has some that are.
                    total += branch.scale * self.apply(x * k[0], w)
        return total

    @cached_property
    def _host(self) -> list[_Prepared[Array]]:
        """The branches on the host."""
        return [
            _Prepared(
                [(host(x), self.rows(w)) for x, w in b.terms],
                host(b.scale),
                {cause: host(share) for cause, share in b.absorbing.items()},
                b.rare,
            )
            for b in self._branches
        ]

    def rows(self, w: Tensor) -> Array:
        """A weight on the host with the layer's channels as its first axis."""
        return packed(w)


def not_ruled(rule: Rule) -> Rule:
    """The rule for a change that no weights make, as of sums and means: multipliers pass, all else goes its way."""
    return ALONG if rule.factor is None else rule


class LinearFlow(RuledFlow):
    """The same where a box sees a box of x; subclasses say which, and what each unit sees."""

    @abstractmethod
    def input_window(self, window: Window) -> Window | None:
        """The part of x that a box sees; `None` where the box is not of a kind that `spread` knows."""

    @abstractmethod
    def spread(self, window: Window, s: Array, w: Array) -> Array:
        """The op's transpose from one box, cut to the box's input_window."""

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        input_window = self.input_window(window)
        if input_window is None:
            return super().local(window, m)
        absorbed: dict[str, float] = {}
        message = None
        for branch in self._host:
            s = m * branch.scale[window]
            if branch.rare and not s.any():
                continue
            for x, w in branch.terms:
                values = self.spread(window, s, w) * x[input_window]
                message = values if message is None else message + values
            for cause, share in branch.absorbing.items():
                add_up(absorbed, cause, float((m * share[window]).sum()))
        assert message is not None
        return [Message(0, input_window, message)], absorbed

    def reads(self, window: Window, dtype: np.dtype[Any]) -> list[Read]:
        """The entries that get a share: under the rule `flat`, all that are looked at and no other."""
        messages, _ = self.local(window, np.ones([s.stop - s.start for s in window], dtype))
        return [Read(m.operand, m.window, m.values != 0) for m in messages]

    @abstractmethod
    def seen(self, values: Array) -> Array:
        """For each unit of the layer the values that it sees, given some for each entry of x: (n_units, fan-in)."""

    @abstractmethod
    def seeing(self, w: Array) -> Array:
        """For each unit of the layer the weights of what it sees, in the order of `seen`; w as from `rows`."""

    def table(self) -> Table | None:
        if prod(self.shape) * self.fan_in > TABLE_LIMIT:
            return None
        # Entries are counted from 1, so that padding, which gives 0, comes out as nothing.
        entries = self.seen(np.arange(1, self.x.numel() + 1).reshape(self.x.shape)) - 1
        shares = np.zeros(entries.shape, self._host[0].scale.dtype)
        absorbed: dict[str, Array] = {}
        for branch in self._host:
            scale = branch.scale.reshape(-1, 1)
            for x, w in branch.terms:
                shares += self.seen(x) * self.seeing(w) * scale
            for cause, share in branch.absorbing.items():
                absorbed[cause] = absorbed.get(cause, 0) + share.reshape(-1)
        return Table([entries], [shares], absorbed)

    @property
    @abstractmethod
    def fan_in(self) -> int:
        """Inputs that one unit sees."""


class Weights:
    """A weight and bias that a scale and a shift of each output channel, such as a BatchNorm's, may be merged into."""

    def __init__(self, builder: Builder, w: Tensor, b: Tensor | None, channel_axis: int) -> None:
        # A bias does not change.
        held = None if builder.bases else b
        self.w, self.b = w.detach().to(builder.dtype), None if held is None else held.detach().to(builder.dtype)
        self._axis = channel_axis

    def merge(self, scale: Tensor, shift: Tensor) -> None:
        """W' = s w, b' = s b + t along the output channels."""
        sizes = [1] * self.w.ndim
        sizes[self._axis] = -1
        self.w = self.w * scale.reshape(sizes)
        self.b = shift if self.b is None else self.b * scale + shift
