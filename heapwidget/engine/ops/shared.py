"""An op whose relevance is shared by a function that the user wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.boxes import unbatched
from heapwidget.engine.capture import Call
from heapwidget.engine.flow import CONSTANT, RULE, Flow, add_up, total
from heapwidget.engine.graph.builder import Builder, short_name
from heapwidget.engine.ops.generic import JACOBIAN_LIMIT

Share = Callable[[Sequence[Any], Tensor, Tensor], Any]
"""`share(inputs, output, relevance)` gives each input's relevance; see `register_rule`."""


class Shared(Flow):
    """One result of an op, shared by `share`.

    What it gives to constants they absorb, and what it gives to none is absorbed by the rule.

    Parameters
    ----------
    name
        The op's name, for messages.
    share
        The user's function.
    inputs
        The op's arguments, tensors detached and in the dtype the engine works in.
    output
        The op's result, as it gave it.
    operands
        Which of the tensors among the inputs, in order, hold units.

    Raises
    ------
    ValueError
        If `share` fails, gives something else than promised, or is not linear in the relevance.
    """

    mixes = None

    multiplies = False

    def __init__(self, name: str, share: Share, inputs: Sequence[Any], output: Tensor, operands: Sequence[int]) -> None:
        self._name, self._share, self._inputs, self._output, self._operands = name, share, inputs, output, operands
        self.shape, self.device = unbatched(tuple(output.shape)), output.device
        self._check_linear()

    def _check_linear(self) -> None:
        """Relevance that comes in pieces must go where it would go at once."""
        draw = torch.Generator().manual_seed(0)
        a, b = (
            torch.rand(self._output.shape, generator=draw, dtype=torch.float32).to(self._output) + 0.5 for _ in range(2)
        )
        close = 1e-3 if self._output.dtype == torch.float32 else 1e-8
        for one, other, both in zip(self._given(a), self._given(b), self._given(a - 2 * b), strict=True):
            scale = float(one.abs().max() + other.abs().max()) if one.numel() else 0.0
            if not bool(((one - 2 * other - both).abs() <= close * scale).all()):
                raise ValueError(
                    f"the rule registered for {self._name} is not linear in the relevance: pieces passed on one by one "
                    "do not add up to what it makes of their sum"
                )

    def _given(self, r: Tensor) -> list[Tensor]:
        """What `share` gives to each tensor among the inputs."""
        try:
            with torch.no_grad():
                given = self._share(self._inputs, self._output, r)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"the rule registered for {self._name} failed: {type(error).__name__}: {reason}"
            ) from error
        if isinstance(given, Tensor):
            given = self._to_the_only_operand(given)
        return [self._checked(t, part) for t, part in self._pairs(self._inputs, given)]

    def _to_the_only_operand(self, given: Tensor) -> list[Any]:
        """A tensor alone is for the one input that comes from x."""
        places = [i for i, t in enumerate(self._inputs) if isinstance(t, Tensor)]
        if len(self._operands) != 1 or len(places) != len(self._tensors):
            raise self._refusal("a list with an entry for each argument of the op, since several come from x")
        parts: list[Any] = [None] * len(self._inputs)
        parts[places[self._operands[0]]] = given
        return parts

    def _pairs(self, inputs: Sequence[Any], given: Any) -> Iterator[tuple[Tensor, Any]]:
        """Each tensor among the inputs, also in lists, with what it was given."""
        if not isinstance(given, list | tuple) or len(given) > len(inputs):
            raise self._refusal(f"a list of at most {len(inputs)} entries, one for each argument of the op in order")
        for t, part in zip_longest(inputs, given):
            if isinstance(t, Tensor):
                yield t, part
            elif isinstance(t, list | tuple):
                yield from self._pairs(t, () if part is None else part)

    def _checked(self, t: Tensor, part: Any) -> Tensor:
        if part is None:
            return torch.zeros_like(t)
        if not isinstance(part, Tensor) or part.shape != t.shape:
            what = f"one of {tuple(part.shape)}" if isinstance(part, Tensor) else type(part).__name__
            raise self._refusal(f"a tensor of shape {tuple(t.shape)} to an argument of that shape, not {what}")
        if not bool(part.isfinite().all()):
            raise self._refusal("finite relevance, not NaN or infinite values")
        return part.detach().to(t)

    def _refusal(self, what: str) -> ValueError:
        return ValueError(f"the rule registered for {self._name} must give {what}")

    @cached_property
    def _tensors(self) -> list[Tensor]:
        return [t for t, _ in self._pairs(self._inputs, ())]

    def whole(self, r: Tensor) -> tuple[list[Tensor], dict[str, float]]:
        given = self._given(r.reshape(self._output.shape))
        sums = [total(part) for part in given]
        absorbed: dict[str, float] = {}
        add_up(absorbed, CONSTANT, sum(s for i, s in enumerate(sums) if i not in self._operands))
        add_up(absorbed, RULE, total(r) - sum(sums))
        return [given[i].reshape(unbatched(tuple(given[i].shape))) for i in self._operands], absorbed

    @cached_property
    def _rows(self) -> list[Tensor] | None:
        """For each operand the share of each unit, (units, *operand); `None` where that is too much to hold."""
        units = self._output.numel()
        if not 0 < units * sum(self._tensors[i].numel() for i in self._operands) <= JACOBIAN_LIMIT:
            return None
        each = torch.eye(units, dtype=self._output.dtype, device=self.device)
        rows = [self.whole(one.reshape(self.shape))[0] for one in each]
        return [torch.stack(column) for column in zip(*rows, strict=True)]

    @cached_property
    def signed(self) -> bool:  # type: ignore[override]
        return self._rows is None or any(bool((row < 0).any()) for row in self._rows)

    def amplification(self, k: list[Tensor]) -> Tensor:
        if self._rows is None:
            return torch.full(self.shape, torch.inf, dtype=self._output.dtype, device=self.device)
        parts = [(row.abs() * ki).flatten(1).sum(1) for row, ki in zip(self._rows, k, strict=True)]
        return torch.stack(parts).sum(0).reshape(self.shape)


def by_function(builder: Builder, call: Call, share: Share) -> bool:
    """An op whose relevance the function `share` hands out."""
    out = builder.only_result(call)
    given = list(call.bound.values())
    among = [t for t in tree_leaves(given) if isinstance(t, Tensor)]
    places = [i for i, t in enumerate(among) if builder.active(t) and t.is_floating_point()]
    if not places:
        return False

    def plain(a: Any) -> Any:
        if not isinstance(a, Tensor):
            return a
        return a.detach().to(builder.dtype) if a.is_floating_point() else a.detach()

    inputs, output, name = tree_map(plain, given), plain(out), str(call.op)
    operands = [builder.operand(among[i]) for i in places]
    builder.add_layer(
        call,
        out,
        Shared,
        operands,
        lambda _: Shared(name, share, inputs, output, places),
        op=short_name(call.name),
        channel_axis=builder.kept(out, operands),
    )
    return True
