"""The strongest flows from the target to the inputs: paths over nodes, found best first.

In the full layer-wise pass, node J holds the relevance R_J and passes F(J -> I) of it to a node I that it reads. The
share of the step is F(J -> I) / R_J, and the relevance of a path is

    target * (what the target put on its first node, as a share) * product of the shares of its steps

as if relevance mixed inside each node. So the paths that end in a position add up to its contribution, and all paths to
the relevance explained. With nodes of one unit there is nothing to mix, and a path is the plain product of messages.
Shares may be negative; then the strongest paths are those of the largest size, whatever their sign. A node in which
relevance of both signs cancels out passes nothing on.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray

from heapwidget.boxes import Window
from heapwidget.engine.flow import Array, host
from heapwidget.engine.graph.layers import layers_of
from heapwidget.engine.graph.links import NO_NODE, Links
from heapwidget.engine.walk.search import Walk
from heapwidget.engine.walk.sweep import Left, deliver, device_of, gather, whole_pass
from heapwidget.findings.findings import NO_NET, Findings
from heapwidget.progress import progress_bar
from heapwidget.trace.trace import Trace
from heapwidget.words.percents import percent_digits

# A smaller sum, as a part of the sizes that it is made of, is what rounding leaves of what cancels out.
CANCELLED = 1e-6


@dataclass(frozen=True)
class Path:
    """One flow from the target to a position of an input.

    Attributes
    ----------
    labels, nodes, windows
        Of each node on the way, the output's first: its name, its id, and the slices of its layer that it covers.
    relevance
        The part of the target that takes this way.
    share
        The same as a fraction of the target.
    """

    labels: tuple[str, ...]
    nodes: tuple[int, ...]
    windows: tuple[Window, ...]
    relevance: float
    share: float

    def __str__(self) -> str:
        return f"{percent_digits(self.share)}  {' → '.join(self.labels)}"


@dataclass(frozen=True)
class _Steps:
    """Where a way can go on: nodes below, the share of each step, and the best product of shares from here down."""

    nodes: NDArray[np.int64]
    shares: NDArray[np.float64]
    best: NDArray[np.float64]

    @classmethod
    def strongest(
        cls, nodes: NDArray[np.integer], shares: NDArray[np.float64], onwards: NDArray[np.float64], k: int
    ) -> _Steps:
        """The k best steps; a worse one leads to none of the k best paths."""
        best = np.abs(shares) * onwards
        order = np.lexsort((nodes, -best))[:k]
        order = order[best[order] > 0]
        return cls(nodes[order].astype(np.int64), shares[order], best[order])


def strongest_paths(findings: Findings, k: int, progress: bool) -> list[Path]:
    """See `Explanation.paths`; fewer where there are fewer."""
    relevance = findings.relevance
    if relevance is None:
        raise RuntimeError(f"there are no flows to follow: only method='relevance' moves relevance, and {NO_NET}")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    start, steps = _all_steps(relevance.walk, relevance.seeds, k, progress)
    target = float(relevance.seeds.sum(dtype=np.float64))
    n_inputs, turns = relevance.walk.input_nodes, count()
    # Beginnings of paths, by the best path that each leads to: what flows, its nodes, and the step that it tries next.
    heap: list[tuple[float, int, float, tuple[int, ...], _Steps, int]] = []

    def push(flow: float, nodes: tuple[int, ...], onwards: _Steps, step: int) -> None:
        if step < len(onwards.nodes):
            heappush(heap, (-abs(flow) * float(onwards.best[step]), next(turns), flow, nodes, onwards, step))

    found: list[tuple[float, tuple[int, ...]]] = []
    push(1.0, (), start, 0)
    while heap and len(found) < k:
        _, _, before, way, onwards, step = heappop(heap)
        push(before, way, onwards, step + 1)
        node, flow = int(onwards.nodes[step]), before * float(onwards.shares[step])
        if node < n_inputs:
            found.append((flow, (*way, node)))
        else:
            push(flow, (*way, node), steps[node], 0)
    found.sort(key=lambda path: (-abs(path[0]), path[1]))
    return [_path(findings.trace, nodes, flow * target, flow) for flow, nodes in found]


def _path(trace: Trace, nodes: tuple[int, ...], relevance: float, share: float) -> Path:
    return Path(tuple(map(trace.label, nodes)), nodes, tuple(map(trace.window, nodes)), relevance, share)


def _all_steps(walk: Walk, seeds: Array, k: int, progress: bool) -> tuple[_Steps, dict[int, _Steps]]:
    """Where the target begins, and for each node that relevance passes, the k best steps down."""
    links = Links(walk.graph, walk.partitions)
    passed = _passed(walk)
    onwards = np.zeros(int(links.first[-1]))
    onwards[: walk.input_nodes] = 1.0
    steps: dict[int, _Steps] = {}
    relevance = [store.worth_of(p).astype(np.float64) for store, p in zip(walk.stores, passed, strict=True)]
    held = [part.sums(r) for part, r in zip(walk.partitions, relevance, strict=True)]
    sizes = [part.sums(np.abs(r)) for part, r in zip(walk.partitions, relevance, strict=True)]
    real = [np.abs(sums) > CANCELLED * size for sums, size in zip(held, sizes, strict=True)]
    todo = [(n, int(box)) for n in range(walk.n_inputs, len(held)) for box in np.flatnonzero(real[n])]
    worth: dict[int, list[Array | None]] = {}
    # Layers come in the order in which they read one another, so what lies below is known.
    with progress_bar(len(todo), "paths", progress) as tick:
        for number, box in todo:
            flow, window = walk.flows[number], walk.partitions[number].window(box)
            assert flow is not None
            messages, _ = flow.local(window, passed[number][window])
            if number not in worth:
                worth[number] = _worth(walk, number)
            parts = [
                (m, m.values if (d := worth[number][m.operand]) is None else m.values * d[m.window]) for m in messages
            ]
            nodes, sums = _by_node([links.sums(number, m.operand, m.window, values) for m, values in parts])
            node = box + int(links.first[number])
            steps[node] = _Steps.strongest(nodes, sums / held[number][box], onwards[nodes], k)
            onwards[node] = steps[node].best[0] if len(steps[node].best) else 0.0
            tick(1)
    nodes, sums = _by_node([links.output_sums(seeds)])
    total = float(seeds.sum(dtype=np.float64)) or 1.0
    return _Steps.strongest(nodes, sums / total, onwards[nodes], k), steps


def _worth(walk: Walk, number: int) -> list[Array | None]:
    """What messages to each operand of a layer are multiplied with for their relevance, where they are multipliers."""
    changes = [None if flow is None else flow.change for flow in walk.flows]
    found: list[Array | None] = []
    for operand in walk.graph.layers[number].operands:
        multiplied = any(changes[source] is not None for source in layers_of(operand, walk.graph.layers))
        ones = (torch.ones(layer.shape, dtype=walk.graph.dtype) for layer in walk.graph.layers)
        each = [one if d is None else d.cpu() for one, d in zip(ones, changes, strict=True)] if multiplied else []
        found.append(host(gather(walk.graph, operand, each)) if multiplied else None)
    return found


def _passed(walk: Walk) -> list[Array]:
    """What passes through each unit in the full layer-wise pass."""
    left: Left = [None] * len(walk.stores)
    deliver(walk.graph, walk.graph.output, torch.from_numpy(walk.held).to(device_of(walk.flows)), left, {})
    passed: list[Array] = [np.zeros_like(s.residual) for s in walk.stores]
    for number in range(len(left) - 1, -1, -1):
        r, flow = left[number], walk.flows[number]
        if r is not None:
            passed[number] = host(r).copy()
        if flow is not None:
            whole_pass(walk.graph, flow, number, left)
    return passed


def _by_node(
    parts: list[tuple[NDArray[np.integer], NDArray[np.floating]]],
) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
    """Sums by node; a node may come more than once."""
    if not parts:
        return np.empty(0, np.int64), np.empty(0)
    nodes, place = np.unique(np.concatenate([n for n, _ in parts]), return_inverse=True)
    sums = np.bincount(place, np.concatenate([s for _, s in parts]), minlength=len(nodes))
    real = nodes != NO_NODE
    return nodes[real], sums[real]
