"""From recorded calls to a graph of layers.

A layer is one tensor of units, made by an op that mixes units; the inputs are the first layers. Data movement and
elementwise functions make no layer: their results are *streams*, tensors whose entries are known to be units of earlier
layers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from heapwidget.boxes import Shape, everything, unbatched
from heapwidget.engine.capture import Call, Recording
from heapwidget.engine.capture.pairs import Base
from heapwidget.engine.flow import PADDING, Flow
from heapwidget.engine.graph.channels import carried, told
from heapwidget.engine.graph.layers import CONSTANT_ENTRY, Block, Graph, Layer, Make, Operand, finished
from heapwidget.errors import UnsupportedOpError


@dataclass
class _Stream:
    """A tensor whose entries are units: of `layer` in order, by `index` of the tensor's own shape, or a `padded` layer.

    `gate`: it only scales what it meets. `raw`: it is the very output of `layer`, and nothing
    else was done with that. `summary`: it is made of one number for many entries of another tensor.
    """

    layer: int | None
    index: Tensor | None
    gate: bool = False
    raw: bool = False
    padded: Operand | None = None
    summary: Summary | None = None


class Summary(NamedTuple):
    """Which op summed up which tensor: a mean, a variance, the largest."""

    op: str
    of: Tensor


Handler = Callable[["Builder", Call], bool]


class OpFamily(NamedTuple):
    """Who takes the calls of which ATen op, and the flows of the layers that they make, if they make any.

    A handler that declines a call, by `False`, leaves it to the op's own gradient.
    """

    handlers: Mapping[str, Handler]
    flows: tuple[type[Flow], ...] = ()


@dataclass
class Builder:
    """Reads calls in order and keeps which tensor holds which units; handlers of `engine.ops` add to it.

    `reads` counts how often each tensor, by its id, is read. Where there are `bases`, relevance is shared out among
    changes from them: of several, from their mean.
    """

    recording: Recording
    dtype: torch.dtype
    reads: Counter[int] = field(default_factory=Counter)
    bases: tuple[Base, ...] = ()
    layers: list[Layer] = field(default_factory=list)
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _named: set[tuple[str, int]] = field(default_factory=set)
    _changes: dict[int, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = zip(self.recording.inputs, self.recording.names, self.recording.channel_axes, strict=True)
        for number, (x, name, axis) in enumerate(named):
            self.layers.append(Layer(name, "input", unbatched(tuple(x.shape)), axis, self._n_units, raw=x))
            self._streams[id(x)] = _Stream(number, None)

    @property
    def _n_units(self) -> int:
        """How many units there are so far."""
        return self.layers[-1].end if self.layers else 0

    def active(self, t: Any) -> bool:
        """Whether a value holds units."""
        return isinstance(t, Tensor) and id(t) in self._streams

    def operands_of(self, call: Call) -> list[Tensor]:
        """The tensors among a call's arguments that hold units."""
        return [t for t in tensors(call) if self.active(t) and t.is_floating_point()]

    def only_result(self, call: Call) -> Tensor:
        """The one tensor that an op with a registered rule gives; others must not be read."""
        outs = results(call)
        read = [o for o in outs if self.reads[id(o)]]
        if len(read) > 1 or not outs:
            raise UnsupportedOpError(f"a registered rule is for one result, but of {call.where} {len(read)} are read")
        return (read or outs)[0]

    def value(self, t: Tensor) -> Tensor:
        """A tensor unbatched, in the dtype the engine works in."""
        return t.detach().reshape(unbatched(tuple(t.shape))).to(self.dtype)

    def base(self, t: Tensor) -> list[Tensor]:
        """A tensor as it is on each baseline, unbatched, in the dtype the engine works in."""
        return [self.value(base.get(id(t), t)) for base in self.bases]

    def change(self, t: Tensor) -> Tensor:
        """By how much a tensor, unbatched, differs from what it is on the baselines."""
        if id(t) in self._changes:
            return self._changes[id(t)]
        others = self.base(t)
        found = self.value(t) - (sum(others[1:], others[0]) / len(others))
        if id(t) in self.bases[0]:
            self._changes[id(t)] = found
        return found

    def signal(self, t: Tensor) -> Tensor:
        """What an op reads of a tensor, unbatched: its value, or its change where changes are shared out."""
        return self.change(t) if self.bases else self.value(t)

    def there(self, call: Call) -> Call:
        """The call as it was on the first baseline."""

        def at_base(a: Any) -> Any:
            return self.bases[0].get(id(a), a) if isinstance(a, Tensor) else a

        args, kwargs, out = tree_map(at_base, (call.args, call.kwargs, call.out))
        return replace(call, args=args, kwargs=kwargs, out=out)

    def summary(self, t: Tensor) -> Summary | None:
        """What a tensor sums up, if it does."""
        return self._streams[id(t)].summary if self.active(t) else None

    def sums_up(self, out: Tensor, summary: Summary | None) -> None:
        """Note what `out` sums up."""
        if summary is not None and self.active(out):
            self._streams[id(out)].summary = summary

    def one_unit(self, holders: Sequence[Tensor], shape: Sequence[int]) -> Tensor | None:
        """Units of several tensors broadcast to a shape, where each entry comes from one at most; else `None`."""
        found: Tensor | None = None
        for t in holders:
            units = self.units(t).expand(torch.Size(shape))
            if found is None:
                found = units
            elif not bool(((found == units) | (found < 0) | (units < 0)).all()):
                return None
            else:
                found = torch.where(found < 0, units, found)
        return found

    def units(self, t: Tensor) -> Tensor:
        """Global unit ids in the shape of `t`, below zero where an entry is no unit."""
        if not self.active(t):
            return torch.full(t.shape, CONSTANT_ENTRY, dtype=torch.int64, device=self.recording.inputs[0].device)
        stream = self._streams[id(t)]
        if stream.index is not None:
            return stream.index
        operand = stream.padded or Operand(unbatched(tuple(t.shape)), stream.layer, None)
        return operand.units(self.layers).to(t.device).reshape(t.shape)

    def operand(self, t: Tensor, shape: Sequence[int] | None = None) -> Operand:
        """An active tensor as an operand, broadcast to `shape` (batched) where one is given."""
        stream = self._streams[id(t)]
        shape = tuple(t.shape if shape is None else shape)
        if stream.padded is not None and shape == tuple(t.shape):
            return stream.padded
        own = unbatched(shape)
        if stream.layer is not None and prod(shape) == t.numel():
            return Operand(own, stream.layer, None)
        return Operand(own, None, self.units(t).expand(shape).reshape(own))

    def same_units(self, t: Tensor, out: Tensor, *, gate: bool = False, reshaped: bool = False) -> None:
        """`out` holds the units of `t`, entry by entry (a broadcast repeats them); only `reshaped`, the values too."""
        stream, as_many = self._streams[id(t)], out.numel() == t.numel()
        summary = stream.summary
        if stream.layer is not None and as_many:
            raw = reshaped and stream.raw and self.reads[id(t)] <= 1
            self._streams[id(out)] = replace(stream, gate=gate, raw=raw)
        elif stream.padded is not None and out.shape == t.shape:
            self._streams[id(out)] = replace(stream, gate=gate)
        else:
            units = self.units(t)
            units = units.reshape(out.shape) if as_many else units.expand(out.shape)
            self._streams[id(out)] = _Stream(None, units, gate, summary=summary)

    def pad(self, t: Tensor, out: Tensor, before: Sequence[int]) -> bool:
        """`out` is `t` with padding around it, as much in front on each axis (unbatched) as `before` says.

        Gives whether `t` is a whole layer; else nothing is done.
        """
        stream, shape = self._streams[id(t)], unbatched(tuple(t.shape))
        if stream.layer is None or self.layers[stream.layer].shape != shape:
            return False
        at = tuple(slice(lo, lo + size) for lo, size in zip(before, shape, strict=True))
        block = Block(stream.layer, at, everything(shape))
        padded = Operand(unbatched(tuple(out.shape)), None, None, (block,), PADDING)
        self._streams[id(out)] = _Stream(None, None, stream.gate, padded=padded)
        return True

    def moved(self, out: Tensor, index: Tensor, *, gate: bool = False) -> None:
        """`out` holds the units that `index` says; a map onto a whole layer in order is kept as that layer."""
        first = int(index.reshape(-1)[0]) if index.numel() else -1
        for number, layer in enumerate(self.layers):
            if first == layer.offset and index.numel() == layer.n_units:
                in_order = torch.arange(first, first + index.numel(), device=index.device)
                if torch.equal(index.reshape(-1), in_order):
                    self._streams[id(out)] = _Stream(number, None, gate)
                    return
        self._streams[id(out)] = _Stream(None, index, gate)

    def is_gate(self, t: Tensor) -> bool:
        """Whether a tensor only scales what it meets: a gate, attention weights, a statistic."""
        return self._streams[id(t)].gate

    def made_by(self, t: Tensor) -> Layer | None:
        """The layer of which `t` is the very output, in whatever shape, where nothing else was or is done with it."""
        stream = self._streams[id(t)]
        alone = stream.raw and self.reads[id(t)] <= 1 and not self.bases
        return self.layers[stream.layer] if stream.layer is not None and alone else None

    def channels_of(self, *operands: Operand) -> int | None:
        """The axis that operands of one shape have their channels on; `None` where it is not known yet."""
        found = (carried(operand, self.layers) for operand in operands)
        return next((axis for axis in found if axis is not None), None)

    def kept(self, out: Tensor, operands: Sequence[Operand]) -> int | None:
        """Where an op of any kind leaves channels: as operands of its result's shape have them, else first."""
        alike = [operand for operand in operands if operand.shape == unbatched(tuple(out.shape))]
        return self.channels_of(*alike) if alike else 0

    def add_layer(
        self,
        call: Call,
        out: Tensor,
        kind: type[Flow],
        operands: Sequence[Operand],
        make: Make,
        *,
        op: str = "",
        shape: Shape | None = None,
        channel_axis: int | None = 0,
        merge: Callable[[Tensor, Tensor], None] | None = None,
        warning: str | None = None,
    ) -> None:
        """Add the layer that `call` made, whose flow is of a `kind`; `out` holds its units in order.

        `op` names it where the kind's family does not.
        """
        op = op or kind.family
        shape = unbatched(tuple(out.shape)) if shape is None else shape
        label, offset, merged = self._label(call, op), self._n_units, (kind.mixes or 0) % len(shape)
        made = Layer(label, op, shape, channel_axis, offset, tuple(operands), make, kind.ruled)
        self.layers.append(
            replace(made, multiplies=kind.multiplies, warning=warning, raw=out, merge=merge, merged=merged)
        )
        self._streams[id(out)] = _Stream(len(self.layers) - 1, None, raw=True)
        if channel_axis is not None:
            # The first op that mixes units of an input, or of what was made of it unit by unit, tells its channels.
            for operand in operands:
                self._learn_channels(operand, channel_axis if kind.mixes is None else kind.mixes)

    def _learn_channels(self, operand: Operand, axis: int) -> None:
        """Of layers whose channels are not known yet, from an operand that has them on this axis."""
        for number, layer in enumerate(self.layers[:-1]):
            if layer.channel_axis is None and len(layer.shape) > 1:
                found = told(operand, number, layer, axis)
                if found is not None:
                    self._set_channels(number, found)

    def _set_channels(self, number: int, axis: int) -> None:
        """Of a layer, and of those that it was made of unit by unit."""
        layer = self.layers[number] = replace(self.layers[number], channel_axis=axis)
        for operand in layer.operands:
            if operand.shape == layer.shape:
                self._learn_channels(operand, axis)

    def _label(self, call: Call, op: str) -> str:
        run = (call.module, call.run)
        if call.module in self.recording.leaves and run not in self._named:
            self._named.add(run)
            return call.module or op
        return f"{call.module}.{op}" if call.module else op


def build(recording: Recording, add_call: Callable[[Builder, Call], object], bases: Sequence[Base] = ()) -> Graph:
    """The graph of a recording.

    Parameters
    ----------
    recording
        What `capture.record` kept.
    add_call
        Adds a call that reads units to the builder.
    bases
        The tensors of runs on baselines, where changes from them are shared out.

    Raises
    ------
    UnsupportedOpError
        For an op that cannot be differentiated.
    ValueError
        If the output does not depend on any input.
    """
    n_inputs = len(recording.inputs)
    dtype = torch.float64 if any(x.dtype == torch.float64 for x in recording.inputs) else torch.float32
    builder = Builder(recording, dtype, _reads(recording), tuple(bases))
    for call in recording.calls:
        if any(builder.active(t) for t in tensors(call)):
            add_call(builder, call)
    if not builder.active(recording.output):
        raise ValueError(
            "the output does not depend on x by any tensor op, so there is nothing to explain; pass the net's real "
            "input as x, and keep to tensor ops on the way, out of which NumPy, item() and tolist() lead"
        )
    return finished(builder.layers, n_inputs, builder.operand(recording.output), dtype)


def short_name(name: str) -> str:
    """An op's name as layers bear it."""
    return re.sub(r"^(aten)?_+|_with_indices$", "", name)


def each_axis(value: Sequence[int], rank: int) -> tuple[int, ...]:
    """One int for each axis: ATen lets a list of one stand for all."""
    return tuple(value) * rank if len(value) == 1 else tuple(value)


def tensors(call: Call) -> list[Tensor]:
    """The tensors among a call's arguments, in order."""
    return list(_tensors_in((*call.args, *call.kwargs.values())))


def results(call: Call) -> list[Tensor]:
    """The tensors that a call gave, in order."""
    return [o for o in (call.out if isinstance(call.out, tuple | list) else [call.out]) if isinstance(o, Tensor)]


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
