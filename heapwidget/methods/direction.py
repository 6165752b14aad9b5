"""Whether relevance goes the target's way: a warning where what lowers the target bears the sign of what raises it.

A rule of one sign hands the relevance of a unit to the inputs that raise the unit, whatever its sign is. So a negative
score lies on what raises it, and so does a loss, or the logarithm of a probability, which are not made of the score but
of what it lacks. At the last weights of the net the sign of the relevance is held against the target's gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.engine.capture import Call, Recording
from heapwidget.engine.flow import Flow
from heapwidget.engine.graph.layers import Graph, layers_of
from heapwidget.engine.walk.sweep import Left, deliver, whole_pass
from heapwidget.words.percents import percent

# Where more of the target lies on the wrong side, it is said.
MOST = 0.1
# Rules of both signs stray where sums share by size; a function of the user's own may mix in what has no side.
MOST_OF_SIGNED, MOST_OF_FUNCTION = 0.25, 0.5


@dataclass(frozen=True)
class Front:
    """A layer of weights, or an input, that no other weights come after: what lies there, and what it does."""

    relevance: Tensor
    value: Tensor
    gradient: Tensor
    signed: bool

    def wrong(self, signed: bool) -> float:
        """How much of the relevance a rule hands to what changes the target the other way."""
        raises = self.gradient * self.value if signed else self.gradient
        return float(self.relevance.abs()[self.relevance.sign() * raises.sign() < 0].sum())


class Slopes(NamedTuple):
    """The target, and by layer its value and the target's gradient: where weights or an input come last before it."""

    target: float
    at: Mapping[int, tuple[Tensor, Tensor]]


def slopes(graph: Graph, recording: Recording, target: Callable[[Tensor], Tensor]) -> Slopes | None:
    """Run what came after the last weights once more, with gradients; `None` where an op has none."""
    # A layer may have been made as a tensor that is not recorded itself.
    recorded = {id(t) for call in recording.calls for t in tree_leaves(call.out)} | {id(x) for x in recording.inputs}
    raws = {n: graph.layers[n].raw for n in sorted(_last(graph))}
    leaves = {n: raw for n, raw in raws.items() if raw is not None and id(raw) in recorded}
    with torch.enable_grad():
        now = {id(raw): raw.detach().clone().requires_grad_() for raw in leaves.values()}
        try:
            for call in _after(recording, set(now)):
                args, kwargs = tree_map(lambda a: now.get(id(a), a), (call.args, call.kwargs))
                for was, out in zip(tree_leaves(call.out), tree_leaves(call.op(*args, **kwargs)), strict=True):
                    now[id(was)] = out
            value = target(now.get(id(recording.output), recording.output))
            gradients = torch.autograd.grad(
                value, [now[id(raw)] for raw in leaves.values()], allow_unused=True, materialize_grads=True
            )
        except RuntimeError:
            return None

    def shaped(number: int, t: Tensor) -> Tensor:
        return t.detach().reshape(graph.layers[number].shape).to(graph.dtype).cpu()

    at = {n: (shaped(n, raw), shaped(n, g)) for (n, raw), g in zip(leaves.items(), gradients, strict=True)}
    return Slopes(float(value.detach()), at)


def misdirected(
    graph: Graph, flows: Sequence[Flow | None], seeds: Tensor, slopes: Slopes, function: bool
) -> str | None:
    """What is to be said, and done, where relevance goes the wrong way; `None` where it does not.

    Parameters
    ----------
    seeds
        What the walk starts with, in the shape of the graph's output.
    function
        Whether the target is a function of the user's own.
    """
    value, fronts = slopes.target, []
    for number, relevance in _above(graph, flows, seeds).items():
        if number in slopes.at:
            flow = flows[number]
            fronts.append(Front(relevance.cpu(), *slopes.at[number], flow is None or flow.signed))
    total = sum(float(front.relevance.abs().sum()) for front in fronts)
    if not total:
        decided = value == 0 and any(bool(front.gradient.any()) for front in fronts)
        return "the target is 0, so there is nothing to share out; take method='gradient'" if decided else None
    signed = all(front.signed for front in fronts)
    most = (MOST_OF_FUNCTION if function else MOST_OF_SIGNED if signed else MOST) * total
    wrong = sum(front.wrong(front.signed) for front in fronts)
    if wrong <= most:
        return None
    told = f"{percent(wrong / total)} of the target, {value:.4g}, lies on inputs that change it the other way"
    if sum(front.wrong(True) for front in fronts) <= MOST_OF_SIGNED * total:
        return f"{told}; take rule='epsilon', which tells apart what raises a score and what lowers it"
    (first, *others) = fronts
    if function and not others and first.relevance.ndim == 1 and len(first.relevance) > 1:
        scored = int(first.relevance.abs().argmax())
        return f"{told}; explain the score that it is made of, with target={scored}, or take method='gradient'"
    return f"{told}; take method='gradient', which follows the slope of the target"


def _comes_last(graph: Graph, number: int) -> bool:
    """Whether a way down from the output ends at a layer: an input, or one with weights."""
    return number < graph.n_inputs or graph.layers[number].ruled


def _last(graph: Graph) -> set[int]:
    """The layers with weights, and the inputs, that no other weights come after on some way to the output."""
    seen, waiting = set[int](), layers_of(graph.output, graph.layers)
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            waiting += [] if _comes_last(graph, number) else graph.sources(number)
    return {number for number in seen if _comes_last(graph, number)}


def _above(graph: Graph, flows: Sequence[Flow | None], seeds: Tensor) -> dict[int, Tensor]:
    """Relevance on the layers where it first meets weights, or an input; by layer."""
    left: Left = [None] * len(graph.layers)
    deliver(graph, graph.output, seeds, left, {})
    found = {}
    for number in reversed(range(len(graph.layers))):
        flow, r = flows[number], left[number]
        if r is None:
            continue
        if flow is None or _comes_last(graph, number):
            found[number] = r
        else:
            whole_pass(graph, flow, number, left)
    return found


def _after(recording: Recording, leaves: set[int]) -> list[Call]:
    """The calls that lead from some tensors to the output, in order."""
    wanted, found = {id(recording.output)} - leaves, list[Call]()
    for call in reversed(recording.calls):
        if any(id(out) in wanted for out in tree_leaves(call.out)):
            found.append(call)
            wanted |= {id(a) for a in tree_leaves((call.args, call.kwargs)) if isinstance(a, Tensor)} - leaves
    return found[::-1]
