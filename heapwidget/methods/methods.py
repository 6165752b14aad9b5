"""The methods: from a net and its inputs to a trace and the inputs' contributions."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heapwidget.arguments.checks import check_number, check_single
from heapwidget.arguments.kinds import kind_of
from heapwidget.arguments.targets import Choice, Target, choose, head_of
from heapwidget.boxes import Partition, Shape, partition, positions, unbatched
from heapwidget.engine.capture import Recording, RunAs, apart, input_names, net_errors, record
from heapwidget.engine.composites import Composite
from heapwidget.engine.finite import check_finite, check_found
from heapwidget.engine.flow import Array, Flow, host
from heapwidget.engine.graph.builder import build
from heapwidget.engine.graph.layers import Graph
from heapwidget.engine.interrupts import let_through
from heapwidget.engine.ops import add_call
from heapwidget.engine.patterns import check_patterns, fits
from heapwidget.engine.walk.receptive_fields import ReceptiveField, fields_of_inputs, receptive_fields
from heapwidget.engine.walk.search import Finish, Row, Walk
from heapwidget.errors import UnsupportedOpError
from heapwidget.methods.direction import misdirected, slopes
from heapwidget.trace.trace import COLUMNS, FORMAT, VERSION, Trace


@dataclass
class Relevance:
    """A walk with what is needed to tell its trace, now and again after it went on.

    Attributes
    ----------
    finishing
        Whether what the walk leaves is passed on in whole-layer passes, each time that it stops.
    lock
        Held by whoever lets the walk go on: a viewer may ask for it while a cell does.
    """

    walk: Walk
    header: dict[str, Any]
    seeds: Array
    finishing: bool
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def start(
        cls,
        recording: Recording,
        target: Target,
        class_names: Sequence[str] | None,
        rules: Composite,
        nodes: str | Mapping[str, str],
        floor: float,
        by_bound: bool,
        finishing: bool,
    ) -> Relevance:
        """Build the graph of a recording, let that go, and put the target's relevance into the heap."""
        graph = build(recording, add_call)
        choice = choose(target, recording.output, class_names)
        slope = slopes(graph, recording, choice.value)
        recording.let_go()
        graph = replace(graph, layers=tuple(replace(layer, raw=None) for layer in graph.layers))
        output = recording.output.detach().to(graph.dtype)
        value = float(choice.value(output))
        seeds = host((output * choice.weights).reshape(graph.output.shape))
        flows: list[Flow | None] = [
            None if layer.make is None else layer.make(rule)
            for layer, rule in zip(graph.layers, rules.rules(graph), strict=True)
        ]
        start = torch.from_numpy(seeds).to(recording.output.device)
        astray = None if slope is None else misdirected(graph, flows, start, slope, callable(target))
        # The flows hold what they need of the activations that they were made of.
        graph = replace(graph, layers=tuple(replace(layer, make=None) for layer in graph.layers))
        for warning in dict.fromkeys([*(layer.warning for layer in graph.layers), astray]):
            if warning:
                warnings.warn(warning, stacklevel=4)
        walk = Walk(graph, flows, partitions(graph, nodes), seeds, floor, by_bound)
        layers = describe(graph, walk.partitions, flows)
        return cls(walk, make_header("relevance", rules.name, "descending", layers, choice, value), seeds, finishing)

    def go_on(self, max_pops: int, floor: float | None, tick: Callable[[int], object]) -> tuple[Trace, list[Array]]:
        """Pop on, with a lower floor if one is given or the heap is empty, and tell it all as `trace` does."""
        walk = self.walk
        with self.lock:
            if floor is None and not walk.pending:
                floor = walk.floor / 10
            if floor is not None:
                check_number("floor", floor)
                if not 0 <= floor <= walk.floor:
                    raise ValueError(f"floor {floor} is not between 0 and the walk's floor so far, {walk.floor}")
                walk.lower_floor(floor)
            walk.run(max_pops, tick)
            return self.trace()

    def finish(self) -> tuple[Trace, list[Array]]:
        """Pass on what the walk left, now and whenever it stops again, and tell it all as `trace` does."""
        with self.lock:
            self.finishing = True
            return self.trace()

    def trace(self) -> tuple[Trace, list[Array]]:
        """Tell all of the walk, finished on the side: the trace, and the contributions of each input's units."""
        walk, board = self.walk, self.walk.board
        finish = walk.finish() if self.finishing else walk.stopped()
        n_inputs = walk.input_nodes
        contributions = [c * walk.sign for c in finish.contributions]
        # Of a negative target the lowest contributions are its largest parts.
        turned = self.header["target"]["value"] < 0
        collect = _collect(walk.partitions, contributions, ascending=turned, zeros=False)
        pops = walk.rows()
        rows = [*pops, *finish.rows]
        if rows and not finish.rows and (self.finishing or walk.spent):
            # The walk left nothing at all, so what its running sums still show is rounding.
            rows[-1] = rows[-1]._replace(residual_mass=0.0, bound=0.0)
        nodes = np.concatenate([*board.log_nodes, finish.log_nodes]) if board.log_nodes else finish.log_nodes
        keys = np.concatenate([*board.log_keys, finish.log_keys]) if board.log_keys else finish.log_keys
        keys = np.where(nodes < n_inputs, keys * np.float32(walk.sign), keys)
        start, reached = walk.start_log, np.flatnonzero(nodes[: walk.start_log] < n_inputs)
        header = self.header | {
            "floor": walk.floor,
            "priority": "bound" if walk.board.by_bound else "mass",
            "phases": {"walk": len(pops), "finish": len(finish.rows), "collect": len(collect[0])},
            **({"collect_order": "ascending"} if turned else {}),
            "start": [[int(n), float(k)] for n, k in zip(nodes[:start], keys[:start], strict=True) if n >= n_inputs],
            "ledger": self._ledger(finish, contributions),
        }
        # What started on an input itself is told with the first row.
        logged = np.r_[reached, start : len(nodes)] if rows else reached[:0]
        ends = np.array([0, *(len(reached) + row.log_end - start for row in rows)])
        dust = self._dust(rows, nodes, keys)
        columns = _columns(rows, collect, walk.sign, dust, ends, nodes[logged], keys[logged], contributions)
        if not rows:
            for name, value in (("explained", board.explained), ("absorbed", board.absorbed_total)):
                columns[name][:] = value * walk.sign
        return Trace(header, columns), contributions

    def _ledger(self, finish: Finish, contributions: Sequence[Array]) -> dict[str, Any]:
        labels = [layer.label for layer in self.walk.graph.layers]
        absorbed = [[labels[n], cause, v * self.walk.sign] for (n, cause), v in sorted(finish.absorbed.items()) if v]
        explained = sum(float(c.sum(dtype=np.float64)) for c in contributions)
        target = self.header["target"]["value"]
        residual = 0.0 if self.finishing else self.walk.residual_sum()
        return {"target": target, "explained": explained, "residual": residual, "absorbed": absorbed}

    def _dust(self, rows: list[Row], nodes: NDArray[np.int64], keys: NDArray[np.float32]) -> NDArray[np.float64]:
        """What lies below the floor after each row: the residual mass less the keys in the heap."""
        walk = self.walk
        pops = walk.rows()
        ends = np.array([walk.start_log, *(row.log_end for row in pops)])
        # Every event gives a node a new key: each entry of the log, and each pop, which gives it none.
        logged = np.flatnonzero(nodes[: ends[-1]] >= walk.input_nodes)
        popped = np.array([row.node for row in pops], np.int64)
        node = np.concatenate([popped, nodes[logged]])
        key = np.concatenate([np.zeros(len(popped)), keys[logged]])
        row = np.concatenate([np.arange(len(popped)), np.searchsorted(ends, logged, side="right") - 1])
        # Row i's pop comes before row i's log; the start's log (row -1) before all.
        order = np.lexsort((np.arange(len(node)), row, node))
        node, key, row = node[order], key[order], row[order]
        before = np.where(np.r_[True, node[1:] != node[:-1]], 0.0, np.r_[0.0, key[:-1]])
        changes = np.bincount(row + 1, key - before, minlength=len(pops) + 1)
        in_heap = np.cumsum(changes)[1:]
        mass = np.array([r.bound if walk.board.by_bound else r.residual_mass for r in rows])
        mass[: len(in_heap)] -= in_heap
        dust: NDArray[np.float64] = np.maximum(mass, 0)
        return dust


def gradient(
    net: nn.Module,
    inputs: Sequence[Tensor],
    target: Target,
    class_names: Sequence[str] | None,
    ascending: bool,
    channel_axes: Sequence[int | None],
) -> tuple[Trace, list[Array]]:
    """The article's code: the gradient of the output with respect to the inputs' positions, and one heap of them all.

    Without a target it is the sum of all outputs, as in the article. Channels of a position are summed; where it is
    not known which axis counts them, it is the first.
    """
    with apart(net) as run, torch.enable_grad():
        leaves = [x.detach().clone().requires_grad_() for x in inputs]
        # Copies, since the net may write into what it is given.
        given = [leaf.clone() for leaf in leaves]
        with run.watched(given, RunAs(True)) as copy, let_through():
            with net_errors():
                output = copy(*given)
            output = head_of(target)(output)
        check_single(inputs, output, lambda rows: run.plain(rows, head_of(target), RunAs()))
        if target is None:
            choice = Choice("Σ outputs", None, torch.ones_like(output))
        else:
            choice = choose(target, output, class_names)
        value = choice.value(output)
        if not value.requires_grad:
            raise ValueError(
                "no gradient leads from the output back to x: the net cuts it off, by detach() or no_grad; "
                "method='relevance' follows the numbers themselves"
            )
        gradients = gradients_at(leaves, value, "gradient")
    if not all(bool(g.isfinite().all()) for g in (*gradients, value)):
        begins = check_finite(net, record(net, *inputs, head=head_of(target)))
        if begins is None:
            raise ValueError(
                "the gradient is not finite, though all activations are, as that of a root at 0 or of many steep "
                "layers; take method='relevance'"
            )
        check_found([host(g) for g in gradients], begins, "method='relevance'")
    shapes = [unbatched(tuple(x.shape)) for x in inputs]
    layers = _input_layers(input_names(net, len(inputs)), shapes, channel_axes)
    contributions = [
        host((g.float() if g.dtype in (torch.float16, torch.bfloat16) else g).reshape(layer["shape"]))
        for g, layer in zip(gradients, layers, strict=True)
    ]
    check_found(contributions, None, "method='relevance'")
    parts = [Partition(tuple(layer["shape"]), tuple(layer["box"])) for layer in layers]
    collect = _collect(parts, contributions, ascending, zeros=True)
    order = "ascending" if ascending else "descending"
    amount = float(value.detach())
    header = make_header("gradient", None, order, layers, choice, amount) | {
        "floor": None,
        "conserved": False,
        "phases": {"walk": 0, "finish": 0, "collect": len(collect[0])},
        "start": [],
        "ledger": {"target": amount, "explained": 0.0, "residual": 0.0, "absorbed": []},
    }
    empty = np.zeros(0, np.int64)
    columns = _columns([], collect, 1.0, np.zeros(0), np.zeros(1), empty, np.zeros(0), contributions)
    return Trace(header, columns), contributions


def gradients_at(leaves: Sequence[Tensor], value: Tensor, method: str) -> tuple[Tensor, ...]:
    """The gradient of a number at each of several tensors; 0 where it does not depend on one.

    Raises
    ------
    UnsupportedOpError
        If autograd refuses: an op has no derivative, or what it needs was overwritten.
    """
    try:
        return torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    except RuntimeError as error:
        raise UnsupportedOpError(
            f"method={method!r} needs a gradient through every op ({str(error).strip().splitlines()[0]}); "
            "take method='relevance'"
        ) from error


def _input_layers(
    names: Sequence[str], shapes: Sequence[Shape], channel_axes: Sequence[int | None]
) -> list[dict[str, Any]]:
    """What the header says of inputs alone: all that a method knows which looks at no other layer."""
    axes = [0 if axis is None and len(shape) > 1 else axis for shape, axis in zip(shapes, channel_axes, strict=True)]
    layers: list[dict[str, Any]] = [
        {
            "label": name,
            "op": "input",
            "shape": list(shape),
            "box": list(positions(shape, axis).box),
            "channel_axis": axis,
            "reads": [],
            "field": _told(field, shapes),
        }
        for name, shape, axis, field in zip(names, shapes, axes, fields_of_inputs(shapes, axes), strict=True)
    ]
    return _shown(layers, len(layers))


def _shown(layers: list[dict[str, Any]], n_inputs: int) -> list[dict[str, Any]]:
    """The layers, the inputs among them with their kinds."""
    kinds = [{"kind": kind_of(layers, number)} if number < n_inputs else {} for number in range(len(layers))]
    return [layer | kind for layer, kind in zip(layers, kinds, strict=True)]


def partitions(graph: Graph, nodes: str | Mapping[str, str]) -> list[Partition]:
    """The partition of each layer; a mapping sets those that its patterns name, the others are "auto"."""
    by_pattern = nodes if isinstance(nodes, Mapping) else {"*": nodes}
    check_patterns("nodes", by_pattern, graph)

    def one(number: int) -> Partition:
        layer = graph.layers[number]
        if number < graph.n_inputs:
            return positions(layer.shape, layer.channel_axis)
        granularity = next((name for pattern, name in by_pattern.items() if fits(pattern, graph, number)), "auto")
        return partition(layer.shape, layer.channel_axis, granularity)

    return [one(number) for number in range(len(graph.layers))]


def describe(graph: Graph, parts: Sequence[Partition], flows: Sequence[Flow | None]) -> list[dict[str, Any]]:
    """What the header says of each layer."""
    shapes = [layer.shape for layer in graph.layers[: graph.n_inputs]]
    layers: list[dict[str, Any]] = [
        {
            "label": layer.label,
            "op": layer.op,
            "shape": list(layer.shape),
            "box": list(part.box),
            "channel_axis": layer.channel_axis,
            "reads": list(graph.sources(number)),
            "field": _told(field, shapes),
        }
        for number, (layer, part, field) in enumerate(
            zip(graph.layers, parts, receptive_fields(graph, flows), strict=True)
        )
    ]
    return _shown(layers, graph.n_inputs)


def _told(field: ReceptiveField, shapes: Sequence[Shape]) -> list[list[int | None]] | None:
    """A field as the header has it: `None` where all of every input is seen."""
    everything = (
        seen.axis is None and seen.start <= 0 and seen.start + seen.size >= shapes[number][axis]
        for (number, axis), seen in field.items()
    )
    return None if all(everything) else [list(seen) for seen in field.values()]


def make_header(
    method: str, rule: str | None, order: str, layers: list[dict[str, Any]], choice: Choice, value: float
) -> dict[str, Any]:
    """The header without what depends on the pops."""
    n_inputs = sum("kind" in layer for layer in layers)
    return {
        "format": FORMAT,
        "version": VERSION,
        "method": method,
        "rule": rule,
        "order": order,
        "conserved": True,
        "target": {"label": choice.label, "index": choice.index, "value": value},
        "layers": layers,
        **({"inputs": n_inputs} if n_inputs > 1 else {}),
    }


def _collect(
    parts: Sequence[Partition], contributions: Sequence[Array], ascending: bool, zeros: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All inputs' positions in pop order, with their keys; positions of zero are left out unless `zeros`."""
    sums = [part.sums(c) for part, c in zip(parts, contributions, strict=False)]
    keys = np.concatenate(sums).astype(np.float32)
    nodes = np.arange(len(keys)) if zeros else np.flatnonzero(keys)
    order = np.lexsort((nodes, keys[nodes] if ascending else -keys[nodes]))
    return nodes[order], keys[nodes][order]


def _columns(
    rows: list[Row],
    collect: tuple[NDArray[np.int64], NDArray[np.float32]],
    sign: float,
    dust: NDArray[np.float64],
    ends: NDArray[Any],
    log_nodes: NDArray[np.int64],
    log_keys: NDArray[Any],
    contributions: Sequence[Array],
) -> dict[str, NDArray[Any]]:
    """All columns: the rows, then the collect phase, during which no sum changes."""
    nodes, keys = collect

    def column(name: str, factor: float = 1.0) -> NDArray[Any]:
        values = [getattr(row, name) * factor for row in rows]
        return np.concatenate([values, np.full(len(nodes), values[-1] if values else 0.0)])

    columns = {
        "pop_node": np.r_[[row.node for row in rows], nodes],
        "pop_mass": np.r_[[row.mass for row in rows], keys],
        "explained": column("explained", sign),
        "absorbed": column("absorbed", sign),
        "dust": np.r_[dust, np.full(len(nodes), dust[-1] if len(dust) else 0.0)],
        "bound": np.maximum(column("bound"), 0),
        "log_offset": np.r_[ends, np.full(len(nodes), ends[-1])],
        "log_node": log_nodes,
        "log_key": log_keys,
        "contribution": np.concatenate([c.reshape(-1) for c in contributions]),
    }
    return {name: np.ascontiguousarray(columns[name], dtype) for name, dtype in COLUMNS.items()}
