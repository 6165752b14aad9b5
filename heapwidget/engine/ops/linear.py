"""Convolutions and matrix products with constant weights: the ops that rules are about."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.flow import (
    BIAS,
    DEAD_END,
    STABILISER,
    TABLE_LIMIT,
    Array,
    Flow,
    Message,
    Reach,
    Table,
    add_up,
    host,
    inverse,
    is_zero,
    may_hold_zero,
    packed,
)
from heapwidget.engine.rules import Branch, Rule, Term

T = TypeVar("T")


@dataclass(frozen=True)
class _Prepared(Generic[T]):
    """A rule's branch with its arrays: changed inputs and weights, coefficient over denominator, each cause's share."""

    terms: list[tuple[T, T]]
    scale: T
    absorbing: dict[str, T]


class LinearFlow(Flow):
    """z = op(x, w) + b under one rule; subclasses say how the op is applied, transposed and seen from a box.

    Parameters
    ----------
    x, w, b
        Unbatched input, weight, and bias (broadcastable over the output; `None`: no bias).
    """

    def __init__(self, x: Tensor, w: Tensor, b: Tensor | None, rule: Rule) -> None:
        self.x, self.w, self.b = x, w, b
        self.signed = rule.signed
        self._branches = [self._prepare(branch) for branch in rule.branches]
        self.shape = tuple(self._branches[0].scale.shape)

    @abstractmethod
    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        """The op without its bias."""

    @abstractmethod
    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        """The op's transpose at `s` (the layer's shape), in the shape of x."""

    @property
    def device(self) -> torch.device:
        return self.x.device

    def _prepare(self, branch: Branch) -> _Prepared[Tensor]:
        # A term without any input adds nothing, such as x- w- behind a ReLU.
        inputs = [(term.x(self.x), term) for term in branch.terms]
        used = [(x, term) for x, term in inputs if not is_zero(x)] or inputs[:1]
        terms = [(x, self.changed_weight(term)) for x, term in used]
        total = self.apply(*terms[0])
        for term in terms[1:]:
            total += self.apply(*term)
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
        if not is_zero(lost):
            absorbing[DEAD_END] = lost
        return _Prepared(terms, scale, absorbing)

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
                total += branch.scale.abs() * self.apply(x.abs() * k[0], w.abs())
        return total

    @cached_property
    def _host(self) -> list[_Prepared[Array]]:
        """The branches on the host."""
        return [
            _Prepared(
                [(host(x), self.rows(w)) for x, w in b.terms],
                host(b.scale),
                {cause: host(share) for cause, share in b.absorbing.items()},
            )
            for b in self._branches
        ]

    def rows(self, w: Tensor) -> Array:
        """A weight on the host with the layer's channels as its first axis."""
        return packed(w)

    @abstractmethod
    def inlet(self, window: Window) -> Window | None:
        """The part of x that a box sees; `None` where the box is not of a kind that `spread` knows."""

    @abstractmethod
    def spread(self, window: Window, s: Array, w: Array) -> Array:
        """The op's transpose from one box, cut to the box's inlet."""

    def local(self, window: Window, m: Array) -> tuple[list[Message], dict[str, float]]:
        inlet = self.inlet(window)
        if inlet is None:
            return super().local(window, m)
        absorbed: dict[str, float] = {}
        message = None
        for branch in self._host:
            s = m * branch.scale[window]
            for x, w in branch.terms:
                values = self.spread(window, s, w) * x[inlet]
                message = values if message is None else message + values
            for cause, share in branch.absorbing.items():
                add_up(absorbed, cause, float((m * share[window]).sum()))
        assert message is not None
        return [Message(0, inlet, message)], absorbed

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


class Product(LinearFlow):
    """x @ w with x of shape (K,) or (M, K) and w of shape (K, N)."""

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        return x @ w

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        return s @ w.mT

    def rows(self, w: Tensor) -> Array:
        return packed(w.mT)

    def inlet(self, window: Window) -> Window:
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


class Conv(LinearFlow):
    """A convolution of any rank, stride, padding, dilation and groups, also transposed.

    `settings` are the arguments of `aten.convolution` after the bias: stride, padding, dilation, transposed,
    output_padding, groups.
    """

    def __init__(self, x: Tensor, w: Tensor, b: Tensor | None, rule: Rule, settings: tuple[object, ...]) -> None:
        self.settings = settings
        stride, padding, dilation, transposed, _, groups = settings
        rank = x.ndim - 1
        self._stride, self._padding, self._dilation = (_each(v, rank) for v in (stride, padding, dilation))
        self._transposed, self._groups = bool(transposed), int(groups)  # type: ignore[call-overload]
        super().__init__(x, w, b, rule)

    def rows(self, w: Tensor) -> Array:
        depthwise = self._groups == len(w) and w.shape[1] == 1
        return host(w) if depthwise else packed(w)

    def apply(self, x: Tensor, w: Tensor) -> Tensor:
        out: Tensor = torch.ops.aten.convolution(x[None], w, None, *self.settings)
        return out[0]

    def transpose(self, s: Tensor, w: Tensor) -> Tensor:
        grads = torch.ops.aten.convolution_backward(
            s[None], self.x[None], w, None, *self.settings, [True, False, False]
        )
        message: Tensor = grads[0][0]
        return message

    @cached_property
    def _axes(self) -> list[list[tuple[slice, slice]]]:
        """For each position axis and index on it: the inputs seen, and the part of the kernel that sees them."""
        axes = []
        for a, size in enumerate(self.x.shape[1:]):
            step, kernel = self._dilation[a], self.w.shape[2 + a]
            seen = []
            for i in range(self.shape[1 + a]):
                base = i * self._stride[a] - self._padding[a]
                first, last = max(0, -(base // step)), min(kernel, -((base - size) // step))
                if first < last:
                    window = slice(base + first * step, base + (last - 1) * step + 1, step)
                    seen.append((window, slice(first, last)))
                else:
                    seen.append((slice(0, 0), slice(0, 0)))
            axes.append(seen)
        return axes

    def inlet(self, window: Window) -> Window | None:
        channels, *positions = window
        out, inner = self.shape[0], self.w.shape[1]
        count = channels.stop - channels.start
        if self._transposed or count not in (1, out) or (count == out and self._is_whole(positions)):
            return None
        if count == out:
            inputs = slice(0, self.x.shape[0])
        else:
            group = channels.start // (out // self._groups)
            inputs = slice(group * inner, (group + 1) * inner)
        if all(p.stop - p.start == 1 for p in positions):
            return (inputs, *(self._axes[a][p.start][0] for a, p in enumerate(positions)))
        return (inputs, *(self._region(a, p) for a, p in enumerate(positions)))

    def _is_whole(self, positions: list[slice]) -> bool:
        """Whether a box holds all of several positions: then a whole pass is quicker."""
        sizes = [p.stop - p.start for p in positions]
        return sizes == list(self.shape[1:]) and prod(sizes) > 1

    def _region(self, axis: int, positions: slice) -> slice:
        """The inputs from the first to the last that a run of positions sees, padding cut off."""
        lo, hi = self._span(axis, positions)
        size = self.x.shape[1 + axis]
        return slice(min(max(lo, 0), size), max(min(hi, size), 0))

    def _span(self, axis: int, positions: slice) -> tuple[int, int]:
        """The inputs from the first to the last that a run of positions sees, padding included."""
        stride, padding = self._stride[axis], self._padding[axis]
        extent = self._dilation[axis] * (self.w.shape[2 + axis] - 1) + 1
        return positions.start * stride - padding, (positions.stop - 1) * stride - padding + extent

    def spread(self, window: Window, s: Array, w: Array) -> Array:
        channels, *positions = window
        if s.size == len(s):
            kernel = tuple(self._axes[a][p.start][1] for a, p in enumerate(positions))
            return self._spread_position(channels, kernel, s, w)
        groups = self._groups if len(s) == self.shape[0] else 1
        w = w[channels].reshape(groups, len(s) // groups, w.shape[1], *w.shape[2:])
        return self._spread_region(positions, s.reshape(groups, len(s) // groups, -1), w)

    def _spread_position(self, channels: slice, kernel: Window, s: Array, w: Array) -> Array:
        """From one position, or a single unit there: the part `kernel` of the weights, which lies within x."""
        if len(s) == 1:
            part: Array = w[(channels.start, slice(None), *kernel)] * s.item()
            return part
        if self._groups == 1:
            flat: Array = s.reshape(-1) @ w.reshape(len(s), -1)
        elif self._groups == len(s):
            # A product of one by one matrices: NumPy multiplies faster than it loops over them.
            flat = w * s.reshape(-1, *[1] * (w.ndim - 1))
        else:
            flat = s.reshape(self._groups, 1, -1) @ w.reshape(self._groups, len(s) // self._groups, -1)
        return flat.reshape(-1, *w.shape[2:])[(slice(None), *kernel)]

    def _spread_region(self, positions: list[slice], s: Array, w: Array) -> Array:
        """From several positions: add up over the kernel, one offset at a time, then cut the padding off."""
        spans = [self._span(a, p) for a, p in enumerate(positions)]
        counts = [p.stop - p.start for p in positions]
        out = np.zeros((w.shape[0] * w.shape[2], *(hi - lo for lo, hi in spans)), s.dtype)
        by_offset = w.reshape(*w.shape[:3], -1)
        for number, offset in enumerate(product(*(range(k) for k in w.shape[3:]))):
            at = tuple(
                slice(k * d, k * d + (n - 1) * t + 1, t)
                for k, d, n, t in zip(offset, self._dilation, counts, self._stride, strict=True)
            )
            part = by_offset[..., number].swapaxes(1, 2) @ s
            out[(slice(None), *at)] += part.reshape(-1, *counts)
        cut = tuple(
            slice(seen.start - lo, seen.stop - lo)
            for seen, (lo, _) in zip((self._region(a, p) for a, p in enumerate(positions)), spans, strict=True)
        )
        return out[(slice(None), *cut)]

    @property
    def fan_in(self) -> int:
        return self.w[0].numel()

    def table(self) -> Table | None:
        return None if self._transposed else super().table()

    def seen(self, values: Array) -> Array:
        """Slide the kernel over the padded values, and give each output channel those of its group."""
        rank, groups = len(self._padding), self._groups
        padded = np.pad(values, [(0, 0), *((p, p) for p in self._padding)])
        extents = [d * (k - 1) + 1 for d, k in zip(self._dilation, self.w.shape[2:], strict=True)]
        slid = sliding_window_view(padded, extents, axis=tuple(range(1, 1 + rank)))
        steps = [slice(None, None, t) for t in self._stride] + [slice(None, None, d) for d in self._dilation]
        slid = slid[(slice(None), *steps)]
        by_group = slid.reshape(groups, -1, *slid.shape[1:])
        by_position = np.moveaxis(by_group, 1, 1 + rank).reshape(groups, 1, -1, self.fan_in)
        return np.broadcast_to(by_position, (groups, self.shape[0] // groups, *by_position.shape[2:])).reshape(
            -1, self.fan_in
        )

    def seeing(self, w: Array) -> Array:
        return np.repeat(w.reshape(len(w), -1), prod(self.shape[1:]), axis=0)

    def reach(self, operand: int) -> dict[int, Reach]:
        if self._transposed:
            return {}
        return {
            1 + a: Reach(-p, t, d * (k - 1) + 1, 1 + a)
            for a, (p, t, d, k) in enumerate(
                zip(self._padding, self._stride, self._dilation, self.w.shape[2:], strict=True)
            )
        }


def _each(value: object, rank: int) -> tuple[int, ...]:
    """One int for each axis: ATen lets a list of one stand for all."""
    values = tuple(int(v) for v in value)  # type: ignore[attr-defined]
    return values * rank if len(values) == 1 else values
