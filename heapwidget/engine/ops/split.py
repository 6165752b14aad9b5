"""Ops that meet unit by unit: sums, products, the larger of two. Each operand takes a fixed share of every unit.

A skip connection must split relevance, never copy it.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from heapwidget.boxes import Window
from heapwidget.engine.flow import CONSTANT, Array, Flow, Message, Reach, Table, add_up, host, inverse


class Split(Flow):
    """`shares` (one an operand, all of the layer's shape) say what each takes; `constant` is what constants absorb."""

    signed = False

    def __init__(self, shares: list[Tensor], constant: Tensor | None) -> None:
        self._shares, self._constant = shares, constant
        self.shape = tuple(shares[0].shape)

    def held_by(self, active: list[bool]) -> Split:
        """The same with only some of the operands active: the others are constants."""
        if all(active):
            return self
        taken = [share for share, is_active in zip(self._shares, active, strict=True) if is_active]
        rest = [share for share, is_active in zip(self._shares, active, strict=True) if not is_active]
        return Split(taken, sum(rest[1:], rest[0]))

    @property
    def device(self) -> torch.device:
        return self._shares[0].device

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        absorbed: dict[str, float] = {}
        if self._constant is not None:
            add_up(absorbed, CONSTANT, float((r * self._constant).sum()))
        return [r * share for share in self._shares], absorbed

    def amplification(self, k: list[Tensor]) -> Tensor:
        return sum((share * ki for share, ki in zip(self._shares, k, strict=True)), torch.zeros_like(k[0]))

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


def halves(a: Tensor) -> Split:
    """A product of two signals shaped like `a`: half each."""
    half = torch.full_like(a, 0.5)
    return Split([half, half], None)


def winner(a: Tensor, b: Tensor, larger: bool) -> Split:
    """The larger (or smaller) of two: all to the winner, half each on a tie."""
    first = (a > b) if larger else (a < b)
    share = first.to(a.dtype) + (a == b).to(a.dtype) / 2
    return Split([share, 1 - share], None)
