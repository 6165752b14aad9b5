"""What the net's tensors hold, moment by moment: the values behind tensors that it may write into.

The net works on ordinary tensors, whose contents change where it writes in place and whose views share memory. A
recording needs values that never change. Here a *value* is a tensor of our own over the same memory as the net's;
before the net writes there, the values that would change are moved to memory of their own. So nothing is copied as long
as nothing is written, and a write copies what it changes, once.

A tensor is known by its place: its storage and how it lies in it. That holds for tensors made behind our back as well,
by `.data` or `detach()`. What a place holds after writes is put together from the results that were painted over the
storage, the latest on top.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from heapwidget.errors import UnsupportedOpError

aten = torch.ops.aten

_NESTS = (tuple, list, dict)
# How a tensor lies in its storage.
Place = tuple[Any, ...]
# Keeps a call: its op, arguments and result.
Keep = Callable[[Any, tuple[Any, ...], Tensor], None]


def place_of(t: Tensor) -> Place:
    """How a tensor lies in its storage."""
    dtype = t.dtype
    return t.storage_offset(), t.size(), t.stride(), dtype, t.is_neg() or (dtype.is_complex and t.is_conj())


def storage_id(t: Tensor) -> int:
    """The storage of a dense tensor, by a number that no other has while it lives."""
    cdata: int = t.untyped_storage()._cdata
    return cdata


def is_dense(t: Any) -> bool:
    """Whether a value is a tensor with a storage that strides lead through."""
    return isinstance(t, Tensor) and t.layout == torch.strided and not t.is_nested


def tensors_in(a: Any) -> list[Tensor]:
    """The tensors in a nest of arguments or results, in order."""
    if isinstance(a, Tensor):
        return [a]
    found = []
    if isinstance(a, _NESTS):
        for part in a.values() if isinstance(a, dict) else a:
            if isinstance(part, Tensor):
                found.append(part)
            # Whole numbers, such as a stride, come with their like alone.
            elif isinstance(part, _NESTS) and not (type(part) is list and part and type(part[0]) is int):
                found += tensors_in(part)
    return found


class _Contents:
    """What is known of one storage; the storage is held, so that no other takes its number."""

    __slots__ = ("paints", "sharing", "spanned", "storage", "values")

    def __init__(self, storage: torch.UntypedStorage) -> None:
        self.storage = storage
        # By place, the value there now.
        self.values: dict[Place, Tensor] = {}
        # Results that were made or written here, the oldest first.
        self.paints: list[_Paint] = []
        # Values whose memory this is; from the first write on, with the bytes that they span.
        self.sharing: list[Tensor] = []
        self.spanned: list[tuple[int, int, Tensor]] = []


class _Paint(NamedTuple):
    """A result in a storage: where it was put, and its value."""

    place: Place
    value: Tensor


class Memory:
    """The values of the tensors of one run, and which of them descend from its inputs: the *stream*."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._contents: dict[int, _Contents] = {}
        # Tensors without strides cannot be written into in parts: each is its own value.
        self._others: dict[int, Tensor] = {}
        self._stream: dict[int, Tensor] = {}
        self._empty = set[int]()
        # The ids of values of memory that nothing was written into.
        self.blank = set[int]()

    def made_empty(self, out: Tensor) -> None:
        """An op gave memory with nothing in it yet."""
        self._empty.add(storage_id(out))

    def add_input(self, x: Tensor) -> Tensor:
        """The value of an input of the net."""
        value = self.made(x)
        self.to_stream([value])
        return value

    def to_stream(self, values: list[Tensor]) -> bool:
        """Count values among those that descend from an input; gives whether one is new there."""
        stream, count = self._stream, len(self._stream)
        for value in values:
            stream[id(value)] = value
        return len(stream) > count

    def holds(self, value: Tensor) -> bool:
        """Whether a value is counted among those."""
        return id(value) in self._stream

    def streaming(self, t: Tensor) -> Tensor | None:
        """The value of a tensor that holds anything that descends from an input; `None` for others."""
        if t.layout is not torch.strided or t.is_nested:
            return self._stream.get(id(t))
        contents = self._contents.get(t.untyped_storage()._cdata)
        if contents is None or not contents.paints:
            return None
        value = contents.values.get(place_of(t))
        return self._stream.get(id(value if value is not None else self._put_together(t, contents)))

    def is_open(self, t: Tensor) -> bool:
        """Whether it would take work to say what a tensor holds, after writes into its memory."""
        contents = self._contents.get(storage_id(t)) if is_dense(t) else None
        return contents is not None and bool(contents.paints) and place_of(t) not in contents.values

    def value(self, t: Tensor) -> Tensor:
        """The value that stands for what a tensor holds now."""
        if not is_dense(t):
            return self._others.setdefault(id(t), t)
        contents = self._of(t)
        place = place_of(t)
        value = contents.values.get(place)
        if value is not None:
            return value
        value = self._put_together(t, contents) if contents.paints else self._add(t, contents, place)
        return value if self.holds(value) else self._constant(t, value)

    def _constant(self, t: Tensor, value: Tensor) -> Tensor:
        if storage_id(t) in self._empty:
            self.blank.add(id(value))
        return value

    def made(self, out: Tensor) -> Tensor:
        """The value of an op's result: a new one, unless it lies where one is known."""
        # What holds nothing tells nothing.
        if not is_dense(out) or not out.numel():
            return self._others.setdefault(id(out), out)
        storage, place = out.untyped_storage(), place_of(out)
        contents = self._contents.get(storage._cdata)
        if contents is None:
            contents = self._contents[storage._cdata] = _Contents(storage)
            contents.paints.append(_Paint(place, self._add(out, contents, place)))
        value = contents.values.get(place)
        return self._add(out, contents, place) if value is None else value

    def before_write(self, t: Tensor) -> None:
        """Move the values that share memory with a tensor to memory of their own, for it will be written into."""
        contents = self._contents.get(storage_id(t)) if is_dense(t) else None
        if contents is None:
            return
        contents.spanned += [(*_bytes(value), value) for value in contents.sharing]
        contents.sharing.clear()
        low, high = _bytes(t)
        hit = [value for first, last, value in contents.spanned if first < high and low < last]
        if hit:
            contents.spanned = [s for s in contents.spanned if s[1] <= low or high <= s[0]]
        if sum(v.numel() * v.itemsize for v in hit) <= contents.storage.nbytes():
            for value in hit:
                value.data = value.clone()
        else:
            copy = contents.storage.clone()
            for value in hit:
                value.data = rebased(value, copy)

    def written(self, t: Tensor, stream: bool) -> Tensor | None:
        """What a tensor holds after it was written into: a value, or none that anything would ask for."""
        if not is_dense(t):
            return None
        contents = self._of(t) if stream else self._contents.get(storage_id(t))
        if contents is None:
            return None
        contents.values.clear()
        if not stream and not contents.paints:
            return None
        place = place_of(t)
        value = self._add(t, contents, place)
        if _covers(t):
            contents.paints.clear()
        contents.paints.append(_Paint(place, value))
        return value

    def preserve(self, number: int) -> None:
        """Move all values that share a storage to memory of their own, before it gets back what it held."""
        contents = self._contents.pop(number, None)
        if contents is not None:
            for value in (*contents.sharing, *(value for _, _, value in contents.spanned)):
                value.data = value.clone()

    def let_go(self) -> None:
        """Forget everything, and hold nothing any more, nor whoever keeps the calls."""
        del self._keep
        self._contents.clear()
        self._others.clear()
        self._stream.clear()

    def _of(self, t: Tensor) -> _Contents:
        storage = t.untyped_storage()
        found = self._contents.get(storage._cdata)
        if found is None:
            found = self._contents[storage._cdata] = _Contents(storage)
        return found

    @staticmethod
    def _add(t: Tensor, contents: _Contents, place: Place) -> Tensor:
        """A value over the tensor's own memory."""
        value = t.detach()
        contents.values[place] = value
        contents.sharing.append(value)
        return value

    def _put_together(self, t: Tensor, contents: _Contents) -> Tensor:
        """The value of a place that was not asked for since the last write: made of what was painted there."""
        place = place_of(t)
        low, high = _span(place)
        spans = [_span(paint.place) for paint in contents.paints]
        paints = [p for p, (first, last) in zip(contents.paints, spans, strict=True) if first < high and low < last]
        first = min([low, *(_span(p.place)[0] for p in paints)])
        last = max([high, *(_span(p.place)[1] for p in paints)])
        cells = torch.full((last - first,), -1)
        starts = [0, *accumulate(p.value.numel() for p in paints)]
        for start, paint in zip(starts, paints, strict=False):
            if paint.place[3:] != place[3:]:
                raise UnsupportedOpError(
                    f"the net writes {paint.place[3]} into memory that it reads as {t.dtype}, and nothing tells which "
                    "number became which; rewrite that part of it with ops that give new tensors, such as clone()"
                )
            offset, size, stride = paint.place[:3]
            painted = torch.arange(start, start + paint.value.numel()).view(size)
            cells.as_strided(size, stride, offset - first).copy_(painted)
        index = cells.as_strided(t.size(), t.stride(), t.storage_offset() - first).contiguous()
        paint_of = torch.bucketize(index, torch.tensor(starts[1:]), right=True)
        used = paint_of[index >= 0].unique().tolist()
        value = self._add(t, contents, place)
        if any(id(paints[n].value) in self._stream for n in used):
            self._merge(t, value, index, [(starts[n], paints[n].value) for n in used])
        if _covers(t):
            contents.paints = [_Paint(place, value)]
        return value

    def _merge(self, t: Tensor, value: Tensor, index: Tensor, sources: list[tuple[int, Tensor]]) -> None:
        """Keep the calls that make a value of others, entry by entry: `index` counts on from each one's start."""
        pieces, place, count = [], torch.full_like(index, -1), 0
        for start, source in sources:
            mine = (index >= start) & (index < start + source.numel())
            place = torch.where(mine, index - start + count, place)
            pieces.append(self._flat(source))
            count += source.numel()
        constant = place < 0
        if bool(constant.any()):
            rest = value.clone(memory_format=torch.contiguous_format).view(-1)
            pieces.append(self._constant(t, rest))
            place = torch.where(constant, torch.arange(count, count + place.numel()).view(place.shape), place)
        joined = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
        if len(pieces) > 1:
            self._keep(aten.cat.default, (pieces,), joined)
        if place.numel() == joined.numel() and torch.equal(place.view(-1), torch.arange(place.numel())):
            self._keep(aten.reshape.default, (joined, list(place.shape)), value)
        else:
            self._keep(aten.index.Tensor, (joined, [place.to(value.device)]), value)

    def _flat(self, source: Tensor) -> Tensor:
        """A value as one row of entries."""
        flat = source.reshape(-1)
        if id(source) in self._stream:
            self._keep(aten.reshape.default, (source, [-1]), flat)
        contents = self._contents.get(storage_id(flat))
        if contents is not None:
            contents.sharing.append(flat)
        return flat


def rebased(t: Tensor, storage: torch.UntypedStorage) -> Tensor:
    """A tensor that lies in another storage as `t` lies in its own."""
    return torch.empty(0, dtype=t.dtype, device=t.device).set_(storage, t.storage_offset(), t.size(), t.stride())


def _span(place: Place) -> tuple[int, int]:
    """The first element of its storage that a place holds, and the one behind its last."""
    first, size, stride = place[:3]
    if 0 in size:
        return first, first
    return first, first + 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))


def _bytes(t: Tensor) -> tuple[int, int]:
    """The same in bytes."""
    first, last = _span(place_of(t))
    return first * t.itemsize, last * t.itemsize


def _covers(t: Tensor) -> bool:
    """Whether a tensor holds all of its storage, each element once."""
    if t.numel() * t.itemsize != t.untyped_storage().nbytes():
        return False
    expected = 1
    for stride, size in sorted(zip(t.stride(), t.size(), strict=True)):
        if size > 1:
            if stride != expected:
                return False
            expected *= size
    return True
