"""`method="article"`: the founding article's five steps, to the letter, on the whole network.

    1. compute each node's contribution to the output      (a box: summed over its units, input positions included)
    2. put all contributions into a heap
    3. pop the largest
    4. add its key to the keys of its children             (the nodes its op reads, if they are still in the heap)
    5. repeat until the heap is empty                      (each node is popped once)

A unit's contribution is activation times gradient of the target, or the gradient alone, as in the article's own code.
Keys are added, not moved, so nothing is conserved: what `method="relevance"` mends.

The gradients come from running the recorded calls once more, with autograd watching.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.arguments.nets import check_differentiable
from heapwidget.arguments.question import Question
from heapwidget.boxes import Partition
from heapwidget.engine.capture import Call, Recording
from heapwidget.engine.finite import check_found
from heapwidget.engine.flow import Array, Flow, host
from heapwidget.engine.graph.builder import Builder, build
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.graph.links import NO_NODE, Links
from heapwidget.engine.interrupts import noted
from heapwidget.engine.ops import add_call
from heapwidget.engine.rules import flat
from heapwidget.errors import check_choice
from heapwidget.methods.base import Answer, Run, run_of
from heapwidget.methods.ends import EACH_ALONE
from heapwidget.methods.gradient import gradients_at
from heapwidget.methods.traces import Log, Nodes, check_nodes, make_header, net_layers, partitions, told
from heapwidget.progress import progress_bar
from heapwidget.trace.header import Phases
from heapwidget.trace.trace import Trace

CONTRIBUTIONS = ("activation_x_gradient", "gradient")

# More keys than this are no longer a thing to look at, nor to hold in memory.
LOG_LIMIT = 2**24


@dataclass(frozen=True)
class Article:
    """The five steps, as a trace and the keys of each input's units."""

    name: ClassVar = "article"

    nodes: Nodes = "auto"
    contribution: str = CONTRIBUTIONS[0]

    def __post_init__(self) -> None:
        check_choice("contribution", self.contribution, CONTRIBUTIONS)
        check_nodes(self.nodes)

    def answer(self, question: Question) -> Answer:
        """Take the steps.

        Where a position holds several channels, what was added to its key is spread evenly over them.

        Raises
        ------
        ValueError
            If a contribution is no number, or the keys outgrow float32, as they do in deep nets, or are too many.
        """
        check_differentiable(question.net)
        with run_of(question) as run:
            return self._steps(question, run)

    def _steps(self, question: Question, run: Run) -> Answer:
        graph, activations = _layers(run.recording)
        choice = question.choice(run.recording.output, run.below in EACH_ALONE)
        value, gradients = _gradients(run.recording, activations, choice.value)
        contributions = [
            host((g if self.contribution == "gradient" else a * g).detach().to(graph.dtype).reshape(layer.shape))
            for a, g, layer in zip(activations, gradients, graph.layers, strict=True)
        ]
        parts = partitions(graph, self.nodes)
        flows = [None if layer.make is None else layer.make(flat()) for layer in graph.layers]
        check_found(contributions, run.begins, "method='relevance'")
        # Without negative zeros, which would order apart.
        own = np.concatenate(list(map(Partition.sums, parts, contributions))).astype(np.float32) + np.float32(0)
        with noted() as interrupted, progress_bar(len(own), "pops", question.progress) as tick:
            popped, masses, log = _pop_all(own, _Children(graph, parts, flows), tick, interrupted)

        layers = net_layers(graph, parts, flows, question.named)
        start, phases = tuple(enumerate(own.tolist())), Phases(walk=len(popped))
        header = make_header(
            self.name, choice, value, layers, run.below, input_in_heap=True, phases=phases, start=start
        )
        keys = np.empty(len(own), np.float32)
        keys[popped] = masses
        inputs = parts[: graph.n_inputs]
        added = np.split(keys - own, np.cumsum([part.n_nodes for part in inputs]))
        final = [c + _spread(part, a) for c, part, a in zip(contributions, inputs, added, strict=False)]
        trace = Trace(header, told(popped, masses, final, log))
        return Answer(trace, final, run.recording.inputs, choice=choice)


def _spread(part: Partition, added: Array) -> Array:
    """What came to the nodes of a layer, evenly over their units."""
    per_unit: Array = added[part.node_of_unit] / np.bincount(part.node_of_unit.reshape(-1))[part.node_of_unit]
    return per_unit


# --- Step 1: layers with their activations, and the gradients there ---------------------------------------------------


def _layers(recording: Recording) -> tuple[Graph, list[Tensor]]:
    """The graph, and the activation of each layer: what is left after the ops on each unit alone."""
    activations = dict[int, Tensor]()

    def noting(builder: Builder, call: Call) -> None:
        before = len(builder.layers)
        add_call(builder, call)
        outs = [o for o in tree_leaves(call.out) if builder.active(o)]
        # The layers that a call makes are its active outputs, in order.
        activations.update((id(layer.raw), o) for layer, o in zip(builder.layers[before:], outs, strict=False))
        if len(builder.layers) == before:
            _follow(builder, call, outs, activations)

    graph = build(recording, noting)
    return graph, [*recording.inputs, *(activations[id(layer.raw)] for layer in graph.layers[graph.n_inputs :])]


def _follow(builder: Builder, call: Call, outs: list[Tensor], activations: dict[int, Tensor]) -> None:
    """An op on each unit alone: its result is the activation from here on, if nothing else reads what it read."""
    read = {id(t) for t in tree_leaves((call.args, call.kwargs)) if isinstance(t, Tensor)}
    for made, held in activations.items():
        if id(held) not in read or builder.reads[id(held)] != 1:
            continue
        units = builder.units(held).reshape(-1)
        for out in outs:
            if out.is_floating_point() and torch.equal(builder.units(out).reshape(-1), units):
                activations[made] = out


def _gradients(
    recording: Recording, activations: list[Tensor], target: Callable[[Tensor], Tensor]
) -> tuple[float, list[Tensor]]:
    """The target, and its gradient with respect to each activation, by running the recorded calls again."""
    with torch.enable_grad():
        now: dict[int, Any] = {id(x): x.detach().clone().requires_grad_() for x in recording.inputs}

        def present(a: Any) -> Any:
            return now.get(id(a), a.detach()) if isinstance(a, Tensor) else a

        for call in recording.calls:
            args, kwargs = tree_map(present, (call.args, call.kwargs))
            outs = tree_leaves(_differentiable(call, args, kwargs))
            now.update((id(was), out) for was, out in zip(tree_leaves(call.out), outs, strict=True))
        value = target(now[id(recording.output)])
        gradients = gradients_at([now[id(a)] for a in activations], value, "article")
    return float(value.detach()), list(gradients)


def _differentiable(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call again; `aten.copy`, which stands for in-place copies, has no derivative."""
    if call.name == "copy":
        changed, source = args[:2]
        return source.to(changed.dtype).expand_as(changed)
    return call.op(*args, **kwargs)


# --- Steps 2 to 5 -----------------------------------------------------------------------------------------------------


def _pop_all(
    own: NDArray[np.float32], children: _Children, tick: Callable[[int], None], interrupted: Callable[[], bool]
) -> tuple[NDArray[np.int64], NDArray[np.float32], Log]:
    """Pop every node, the largest key first, ties by the smaller id; the log tells the children whose keys changed."""
    keys, waiting = own.copy(), np.ones(len(own), np.bool_)
    ends, log_nodes, log_keys = [0], list[NDArray[np.int32]](), list[NDArray[np.float32]]()
    popped, masses = np.empty(len(own), np.int64), np.empty(len(own), np.float32)
    for i in range(len(own)):
        # One scan for the largest costs less than to re-key hundreds of heap entries; argmax takes the smallest id.
        node = int(keys.argmax())
        popped[i], masses[i] = node, keys[node]
        if not np.isfinite(masses[i]):
            raise ValueError(
                f"the article's steps add keys to keys, and after {i} pops they exceed what float32 holds; "
                "take a net with fewer layers, coarser nodes (nodes='layer'), or method='relevance'"
            )
        waiting[node], keys[node] = False, -np.inf
        touched = children.of(node)
        touched = touched[waiting[touched]]
        with np.errstate(over="ignore"):
            keys[touched] += masses[i]
        log_nodes.append(touched)
        log_keys.append(keys[touched])
        ends.append(ends[-1] + len(touched))
        tick(1)
        if interrupted():
            raise KeyboardInterrupt
        if ends[-1] > LOG_LIMIT:
            raise ValueError(
                f"the article's steps change more than {LOG_LIMIT:,} keys here; take coarser nodes, for example "
                "nodes='position' or nodes='channel'"
            )
    return popped, masses, Log(np.array(ends), np.concatenate(log_nodes), np.concatenate(log_keys))


class _Children:
    """The nodes that a node's op reads, as ascending ids."""

    def __init__(self, graph: Graph, parts: Sequence[Partition], flows: Sequence[Flow | None]) -> None:
        self._parts, self._flows, self._links = parts, flows, Links(graph, parts)
        self._dtype = np.dtype(np.float64 if graph.dtype == torch.float64 else np.float32)

    def of(self, node: int) -> NDArray[np.int32]:
        """The children of one node."""
        number = self._links.layer_of(node)
        flow = self._flows[number]
        nothing = np.empty(0, np.int32)
        if flow is None:
            return nothing
        window = self._parts[number].window(node - int(self._links.first[number]))
        nodes, reads = self._links.nodes, flow.reads(window, self._dtype)
        # A unit may read nothing, as a node of a graph without neighbours does.
        found = np.concatenate([nothing, *(nodes(number, r.operand)[r.window][r.mask].reshape(-1) for r in reads)])
        return np.unique(found[found != NO_NODE])
