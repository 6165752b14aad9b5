"""From recorded calls to a graph of layers.

A layer is one tensor of units, made by an op that mixes units; the inputs are the first layers. Ops that only move,
scale or squash one unit each make no layer: their results are *streams*, tensors whose entries are known to be units
of earlier layers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor

from heapwidget.boxes import Shape, unbatched
from heapwidget.engine.capture import Call, Recording
from heapwidget.engine.flow import PADDING, Flow
from heapwidget.engine.generic import generic_flow, rerun
from heapwidget.engine.graph.drafts import Draft, labelled, made_of, reached
from heapwidget.engine.graph.operands import CONSTANT_ENTRY, Block, Operand, as_blocks, holds_rows, units_of
from heapwidget.engine.rules import Rule
from heapwidget.errors import UnsupportedOpError


@dataclass(frozen=True)
class Layer:
    """One activation tensor, unbatched; `offset` is its first unit's global id; `warning` is for those who use it.

    `raw` is the recorded tensor that it was made as.
    """

    label: str
    op: str
    shape: Shape
    channel_axis: int | None
    offset: int
    operands: tuple[Operand, ...]
    make: Callable[[Rule], Flow] | None
    warning: str | None = None
    raw: Tensor | None = None

    @property
    def n_units(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Graph:
    """The layers in the order they were made, inputs first, and where in them the net's output is found."""

    layers: tuple[Layer, ...]
    n_inputs: int
    output: Operand
    dtype: torch.dtype

    @cached_property
    def _sources(self) -> tuple[tuple[int, ...], ...]:
        ends = torch.tensor([layer.offset + layer.n_units for layer in self.layers])
        return tuple(
            tuple(sorted({s for operand in layer.operands for s in made_of(operand, ends)})) for layer in self.layers
        )

    def sources(self, number: int) -> tuple[int, ...]:
        """The layers whose units layer `number` reads."""
        return self._sources[number]

    def reads_input(self, number: int) -> bool:
        """Whether layer `number` reads units of an input."""
        return any(source < self.n_inputs for source in self._sources[number])

    def units(self, operand: Operand) -> Tensor:
        """Global unit ids in the shape of an operand, below zero where an entry is no unit."""
        return units_of(operand, [layer.offset for layer in self.layers], [layer.shape for layer in self.layers])


@dataclass
class _Stream:
    """A tensor whose entries are units: of `layer` in order, by `index` of the tensor's own shape, or a `padded` layer.

    `gate`: it only scales what it meets. `raw`: it is the very output of `layer`, and nothing
    else was done with that.
    """

    layer: int | None
    index: Tensor | None
    gate: bool = False
    raw: bool = False
    padded: Operand | None = None


Handler = Callable[["Builder", Call], bool]


@dataclass
class Builder:
    """Reads calls in order and keeps which tensor holds which units; handlers of `engine.ops` add to it.

    `reads` counts how often each tensor, by its id, is read.
    """

    recording: Recording
    dtype: torch.dtype
    reads: Counter[int] = field(default_factory=Counter)
    drafts: list[Draft] = field(default_factory=list)
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _named: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        named = zip(self.recording.inputs, self.recording.names, self.recording.channel_axes, strict=True)
        for number, (x, name, axis) in enumerate(named):
            self.drafts.append(Draft(name, "input", unbatched(tuple(x.shape)), axis, self._n_units, (), None, x))
            self._streams[id(x)] = _Stream(number, None)

    @property
    def _n_units(self) -> int:
        """How many units there are so far."""
        return self.drafts[-1].offset + prod(self.drafts[-1].shape) if self.drafts else 0

    def active(self, t: Any) -> bool:
        """Whether a value holds units."""
        return isinstance(t, Tensor) and id(t) in self._streams

    def value(self, t: Tensor) -> Tensor:
        """A tensor unbatched, in the dtype the engine works in."""
        return t.detach().reshape(unbatched(tuple(t.shape))).to(self.dtype)

    def units(self, t: Tensor) -> Tensor:
        """Global unit ids in the shape of `t`, below zero where an entry is no unit."""
        if not self.active(t):
            return torch.full(t.shape, CONSTANT_ENTRY, dtype=torch.int64, device=self.recording.inputs[0].device)
        stream = self._streams[id(t)]
        if stream.index is not None:
            return stream.index
        operand = stream.padded or Operand(unbatched(tuple(t.shape)), stream.layer, None)
        units = units_of(operand, [d.offset for d in self.drafts], [d.shape for d in self.drafts])
        return units.to(t.device).reshape(t.shape)

    def operand(self, t: Tensor, shape: Sequence[int] | None = None) -> Operand:
        """An active tensor as an operand, broadcast to `shape` (batched) where one is given."""
        stream = self._streams[id(t)]
        shape = tuple(t.shape if shape is None else shape)
        if stream.padded is not None and shape == tuple(t.shape):
            return stream.padded
        if shape == tuple(t.shape) or (stream.layer is not None and prod(shape) == t.numel()):
            return Operand(unbatched(shape), stream.layer, self._flat_index(stream.index, shape))
        return Operand(unbatched(shape), None, self._flat_index(self.units(t).expand(shape), shape))

    @staticmethod
    def _flat_index(index: Tensor | None, shape: Sequence[int]) -> Tensor | None:
        return None if index is None else index.reshape(unbatched(tuple(shape)))

    def same_units(self, t: Tensor, out: Tensor, *, gate: bool = False, reshaped: bool = False) -> None:
        """`out` holds the units of `t`, entry by entry (a broadcast repeats them); only `reshaped`, the values too."""
        stream = self._streams[id(t)]
        if out.shape == t.shape and stream.padded is not None:
            self._streams[id(out)] = replace(stream, gate=gate)
        elif out.numel() == t.numel() and stream.padded is None:
            index = None if stream.index is None else stream.index.reshape(out.shape)
            raw = reshaped and stream.raw and self.reads[id(t)] <= 1
            self._streams[id(out)] = _Stream(stream.layer, index, gate, raw)
        else:
            units = self.units(t)
            units = units.reshape(out.shape) if out.numel() == t.numel() else units.expand(out.shape)
            self._streams[id(out)] = _Stream(None, units, gate)

    def pad(self, t: Tensor, out: Tensor, before: Sequence[int]) -> bool:
        """`out` is `t` with padding around it, as much in front on each axis (unbatched) as `before` says.

        Gives whether `t` is a whole layer; else nothing is done.
        """
        stream, shape = self._streams[id(t)], unbatched(tuple(t.shape))
        if stream.layer is None or self.drafts[stream.layer].shape != shape:
            return False
        at = tuple(slice(lo, lo + size) for lo, size in zip(before, shape, strict=True))
        block = Block(stream.layer, at, tuple(slice(0, size) for size in shape))
        padded = Operand(unbatched(tuple(out.shape)), None, None, (block,), PADDING)
        self._streams[id(out)] = _Stream(None, None, stream.gate, padded=padded)
        return True

    def moved(self, out: Tensor, index: Tensor, *, gate: bool = False) -> None:
        """`out` holds the units that `index` says; a map onto a whole layer in order is kept as that layer."""
        first = int(index.reshape(-1)[0]) if index.numel() else -1
        for number, draft in enumerate(self.drafts):
            if first == draft.offset and index.numel() == prod(draft.shape):
                whole = torch.arange(first, first + index.numel(), device=index.device)
                if torch.equal(index.reshape(-1), whole):
                    self._streams[id(out)] = _Stream(number, None, gate)
                    return
        self._streams[id(out)] = _Stream(None, index, gate)

    def is_gate(self, t: Tensor) -> bool:
        """Whether a tensor only scales what it meets: a gate, attention weights, a statistic."""
        return self._streams[id(t)].gate

    def made_by(self, t: Tensor) -> Draft | None:
        """The layer of which `t` is the very output, in whatever shape, where nothing else was or is done with it."""
        stream = self._streams[id(t)]
        return self.drafts[stream.layer] if stream.layer is not None and stream.raw and self.reads[id(t)] <= 1 else None

    def channel_axis_of(self, t: Tensor) -> int | None:
        """The channel axis of the layer that `t` shows, where the shapes agree."""
        stream = self._streams[id(t)]
        if stream.layer is not None and self.drafts[stream.layer].shape == unbatched(tuple(t.shape)):
            return self.drafts[stream.layer].channel_axis
        return 0

    def layer(
        self,
        call: Call,
        out: Tensor,
        op: str,
        operands: Sequence[Operand],
        make: Callable[[Rule], Flow],
        *,
        shape: Shape | None = None,
        channel_axis: int | None = 0,
        fold: Callable[[Tensor, Tensor], None] | None = None,
        warning: str | None = None,
    ) -> None:
        """Add the layer that `call` made; `out` holds its units in order."""
        offset = self._n_units
        shape = unbatched(tuple(out.shape)) if shape is None else shape
        name = self._name(call, op)
        self.drafts.append(Draft(name, op, shape, channel_axis, offset, tuple(operands), make, out, fold, warning))
        self._streams[id(out)] = _Stream(len(self.drafts) - 1, None, raw=True)
        if channel_axis is not None:
            for operand in operands:
                self._learn_channels(op, operand, channel_axis)

    def _learn_channels(self, op: str, operand: Operand, kept: int) -> None:
        """The first op that mixes units of an input, or of what was made of it unit by unit, tells its channels.

        A product mixes the last axis, a mean keeps its channels; of what is flattened, and for other ops, they are
        the first.
        """
        for number in range(len(self.drafts) - 1):
            draft = self.drafts[number]
            if draft.channel_axis is None and len(draft.shape) > 1:
                rows = holds_rows(operand, number, draft.offset, draft.shape)
                if rows is not None:
                    last = len(draft.shape) - 1
                    axis = {"linear": last, "mkldnn_rnn_layer": last, "mean": kept, "sum": kept}.get(op, 0)
                    self._set_channels(number, axis if rows else 0)

    def _set_channels(self, number: int, axis: int) -> None:
        """Of a layer, and of those that it was made of unit by unit."""
        draft = self.drafts[number]
        draft.channel_axis = axis
        for operand in draft.operands:
            below = operand.layer
            if below is not None and self.drafts[below].channel_axis is None and operand.shape == draft.shape:
                self._set_channels(below, axis)

    def _name(self, call: Call, op: str) -> str:
        run = (call.module, call.run)
        if call.module in self.recording.leaves and run not in self._named:
            self._named.add(run)
            return call.module or op
        return f"{call.module}.{op}" if call.module else op

    def generic(self, call: Call, *, warn: bool = True) -> None:
        """Take an op without a handler: by its own VJP, with a warning, or refuse it."""
        outs = [o for o in (call.out if isinstance(call.out, tuple | list) else [call.out]) if isinstance(o, Tensor)]
        for out in outs:
            odd = "" if out.layout == torch.strided else "a sparse tensor"
            odd = "complex numbers" if out.is_complex() else "a nested tensor" if out.is_nested else odd
            if odd and self.reads[id(out)]:
                raise UnsupportedOpError(
                    f"no rule for {call.where}, which gives {odd}; rewrite that part of the net without, or make one "
                    "op of it with torch.library.custom_op and give that a rule with heapwidget.register_rule"
                )
        outs = [o for o in outs if o.is_floating_point()]
        active = [t for t in tensors(call) if self.active(t) and t.is_floating_point()]
        # An op may give statistics beside its result that nobody reads.
        read = [(number, out) for number, out in enumerate(outs) if self.reads[id(out)]]
        for number, out in read:
            op = rerun(call, active, number, self.dtype)
            self.layer(
                call,
                out,
                short_name(call.name),
                [self.operand(t) for t in active],
                generic_flow(call, [self.value(t) for t in active], op),
                warning=f"no rule for {call.where}: its relevance is shared by gradient x input of this op alone"
                if warn
                else None,
            )


def build(recording: Recording, handler_of: Callable[[Call], Handler | None]) -> Graph:
    """The graph of a recording.

    Parameters
    ----------
    recording
        What `capture.record` kept.
    handler_of
        Who takes a call; an op without a handler is taken by its own VJP.

    Raises
    ------
    UnsupportedOpError
        For an op that cannot be differentiated.
    ValueError
        If the output does not depend on any input.
    """
    n_inputs = len(recording.inputs)
    dtype = torch.float64 if any(x.dtype == torch.float64 for x in recording.inputs) else torch.float32
    builder = Builder(recording, dtype, _reads(recording))
    for call in recording.calls:
        if not any(builder.active(t) for t in tensors(call)):
            continue
        handler = handler_of(call)
        if handler is None or not handler(builder, call):
            builder.generic(call)
    if not builder.active(recording.output):
        raise ValueError(
            "the output does not depend on x by any tensor op, so there is nothing to explain; pass the net's real "
            "input as x, and keep to tensor ops on the way, out of which NumPy, item() and tolist() lead"
        )
    drafts = builder.drafts
    for draft in drafts:
        if len(draft.shape) > 1 and draft.channel_axis is None:
            draft.channel_axis = 0
    places = [d.offset for d in drafts], [d.shape for d in drafts]
    drafts = [replace(d, operands=tuple(as_blocks(o, *places) for o in d.operands)) for d in drafts]
    drafts, output = reached(drafts, n_inputs, as_blocks(builder.operand(recording.output), *places))
    layers = tuple(
        Layer(label, d.op, d.shape, d.channel_axis, d.offset, d.operands, d.make, d.warning, d.raw)
        for label, d in zip(labelled([d.name for d in drafts], n_inputs), drafts, strict=True)
    )
    return Graph(layers, n_inputs, output, builder.dtype)


def short_name(name: str) -> str:
    """An op's name as layers bear it."""
    return re.sub(r"^(aten)?_+|_with_indices$", "", name)


def tensors(call: Call) -> list[Tensor]:
    """The tensors among a call's arguments, in order."""
    return list(_tensors_in((*call.args, *call.kwargs.values())))


def _tensors_in(a: Any) -> Iterator[Tensor]:
    if isinstance(a, Tensor):
        yield a
    elif isinstance(a, list | tuple):
        for part in a:
            yield from _tensors_in(part)


def _reads(recording: Recording) -> Counter[int]:
    """How often each tensor is read; a call that gives back the very tensor that it took does not count."""
    ids = (id(t) for call in recording.calls for t in tensors(call) if t is not call.out)
    return Counter([*ids, id(recording.output)])
