"""Deletion and insertion: what the target's score does as positions are taken away, or given back, in pop order.

The measure of Petsiuk et al. 2018, "RISE": positions that matter should, taken away first, make the score fall at once
(a small area under the deletion curve), and, given back first, make it rise at once (a large area under the insertion
curve). Random orders, measured beside it, say what is small and large here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.arguments.baseline import Single, by_input, stand_in
from heapwidget.arguments.targets import NEGATED
from heapwidget.boxes import Partition
from heapwidget.engine.capture import RunAs, apart
from heapwidget.engine.capture.isolation import tensors_of
from heapwidget.errors import check_choice
from heapwidget.findings.curves import Curves, Faithfulness
from heapwidget.findings.findings import NO_NET, Findings
from heapwidget.findings.probe import PROBABILITY_OF_NO, Probe
from heapwidget.progress import progress_bar

SCORES = ("probability", "logit")
# Fractions of a score that others exceed so many times say nothing.
MOST_TIMES = 10.0


@dataclass(frozen=True, eq=False)
class Trial:
    """What all orders of the inputs' positions are measured by alike.

    Attributes
    ----------
    inputs, empty
        The inputs, and what stands where a position was taken away: both in the shapes of `parts`.
    index
        Of the class whose score it is; `None` for the target's own value.
    kind
        `"probability"` or `"logit"`.
    """

    probe: Probe
    inputs: Sequence[Tensor]
    empty: Sequence[Tensor]
    parts: Sequence[Partition]
    index: int | None
    kind: str

    def curves(
        self, orders: Sequence[NDArray[np.int64]], steps: int, batch_size: int, progress: bool
    ) -> tuple[float, list[Curves]]:
        """The score on the inputs, and the curves of each order of all their positions."""
        inputs, empty = self.inputs, self.empty
        *firsts, total = np.cumsum([0, *(part.n_nodes for part in self.parts)]).tolist()
        counts = np.unique(np.rint(np.linspace(0, total, steps + 1)).astype(np.int64))
        here = inputs[0].device
        device = next((t.device for _, t in tensors_of(self.probe.net)), here)
        nodes = [torch.from_numpy(p.node_of_unit + first).to(here) for p, first in zip(self.parts, firsts, strict=True)]
        found = []
        with (
            apart(self.probe.net) as run,
            run.watched((), RunAs(False)) as net,
            torch._C.DisableTorchFunction(),
            progress_bar(2 * len(orders) * len(counts), "faithfulness", progress) as tick,
        ):
            probe = replace(self.probe, net=net)
            both = [torch.stack(pair).to(device) for pair in zip(inputs, empty, strict=True)]
            together = probe.takes_batches(both, self.index, self.kind)
            for order in orders:
                # From which count on a unit is replaced: its position's place in the order.
                rank = torch.empty(total, dtype=torch.int64)
                rank[torch.from_numpy(order)] = torch.arange(total)
                places = [rank.to(here)[n] for n in nodes]
                pair = []
                for before, after in ((inputs, empty), (empty, inputs)):
                    values = []
                    for first in range(0, len(counts), batch_size):
                        some = counts[first : first + batch_size].tolist()
                        batch = [
                            torch.stack([torch.where(place < n, new, old) for n in some]).to(device)
                            for place, old, new in zip(places, before, after, strict=True)
                        ]
                        values.append(probe.scores(batch, self.index, self.kind, together))
                        tick(len(some))
                    pair.append(np.concatenate(values))
                found.append(pair)
        whole = float(found[0][0][0])
        largest = max(float(np.abs(curve).max()) for pair in found for curve in pair)
        fractions, unit = counts / total, whole if whole != 0 and abs(whole) * MOST_TIMES >= largest else 1.0
        return whole, [Curves(fractions, *(curve / unit for curve in pair)) for pair in found]

    def faithfulness(
        self, orders: Sequence[NDArray[np.int64]], steps: int, batch_size: int, progress: bool
    ) -> Faithfulness:
        """How the first order fares beside the others."""
        for name, value in (("steps", steps), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        whole, (own, *random) = self.curves(orders, steps, batch_size, progress)
        means = (np.mean([getattr(c, name) for c in random], axis=0) for name in ("deletion", "insertion") if random)
        chance = Curves(own.fractions, *means) if random else None
        # On x itself the fraction is one.
        divided = whole == 1 or float(own.deletion[0]) != whole
        return Faithfulness(own.fractions, own.deletion, own.insertion, chance, whole, self.kind, divided)


def trial_of(findings: Findings, baseline: Single | Sequence[Single], score: str | None) -> Trial:
    """What an explanation is measured by; see `Explanation.faithfulness`."""
    trace, probe = findings.trace, findings.probe
    if probe is None:
        raise RuntimeError(f"there is no net to ask: {NO_NET}")
    index = trace.header.target.index
    kind = _kind(score, index)
    target = trace.header.target
    if kind == "probability" and probe.decides and (target.value < 0) != (target.kind == NEGATED):
        kind = PROBABILITY_OF_NO
    parts = trace.partitions[: trace.n_inputs]
    inputs = [x.reshape(part.shape) for x, part in zip(findings.inputs, parts, strict=True)]
    empty = [stand_in(b, x, part) for b, x, part in zip(_by_input(baseline, findings), inputs, parts, strict=True)]
    return Trial(probe, inputs, empty, parts, index, kind)


def _kind(score: str | None, index: int | None) -> str:
    """Probability where the target is a class, unless told otherwise."""
    if score is None:
        return "logit" if index is None else "probability"
    check_choice("score", score, SCORES)
    if score == "probability" and index is None:
        raise ValueError("score='probability' needs a single class as target; take score='logit', the target itself")
    return score


def orders_of(findings: Findings, random_orders: int, seed: int) -> list[NDArray[np.int64]]:
    """An explanation's own order of all positions, and random ones."""
    if random_orders < 0:
        raise ValueError(f"random_orders must be at least 0, not {random_orders}")
    rng = np.random.default_rng(seed)
    return [_whole_order(findings, seed), *(rng.permutation(findings.trace.input_nodes) for _ in range(random_orders))]


def _whole_order(findings: Findings, seed: int) -> NDArray[np.int64]:
    """All positions: as they were popped, with those that were not, in random order, where a key of 0 belongs."""
    trace = findings.trace
    popped, keys = findings.order, trace.columns["pop_mass"][trace.selecting]
    # A generator of its own: the random orders beside it are the same for every explanation.
    rest = np.random.default_rng([seed, 1]).permutation(np.setdiff1d(np.arange(trace.input_nodes), popped))
    before = keys < 0 if trace.collects_ascending else keys > 0
    # The article's steps pop every position, and in an order that does not follow the keys.
    at = int(np.argmin(before)) if len(rest) and not before.all() else len(popped)
    return np.concatenate([popped[:at], rest, popped[at:]])


def _by_input(baseline: Single | Sequence[Single], findings: Findings) -> Sequence[Single]:
    """What stands in for each input."""
    each: Sequence[Single] = by_input(baseline, len(findings.inputs))
    return each[0] if len(each) == 1 and isinstance(each[0], list | tuple) and len(each[0]) == 1 else each
