"""Values behind tensors that are written into: a recording is a program without writes that gives the very numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from helpers.examples import examples
from helpers.nets import Fn
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from heapwidget.engine.capture import Recording, record

ROWS, COLUMNS = 4, 6

# From a tensor of two axes to a view of it, again of two axes.
VIEWS: list[Callable[[Tensor], Tensor]] = [
    lambda t: t,
    lambda t: t[1:],
    lambda t: t[:, ::2],
    lambda t: t.t(),
    lambda t: t[:1],
    lambda t: t[:, -1:],
    lambda t: t.detach(),
    lambda t: t.data,
    lambda t: t.diagonal()[None],
    lambda t: t.unsqueeze(0).squeeze(0),
    lambda t: t.view(-1)[None] if t.is_contiguous() else t,
    lambda t: t.unfold(1, 1, 1).squeeze(-1) if t.shape[1] else t,
    lambda t: t.chunk(2, 1)[0],
]
WRITES: list[Callable[[Tensor, Tensor], object]] = [
    lambda t, other: t.mul_(2),
    lambda t, other: t.add_(other.sum()),
    lambda t, other: t.copy_(other.amax()),
    lambda t, other: t.fill_(0.5),
    lambda t, other: t.zero_(),
    lambda t, other: t.relu_(),
    lambda t, other: t.masked_fill_(t > 0, 1.5),
    lambda t, other: t.__setitem__(0, 3.0),
    lambda t, other: t.__setitem__((slice(None), [0]), other.sum()),
    lambda t, other: t.sub_(t.clone().flip(0)),
    lambda t, other: torch.add(t.clone(), 1, out=t) if t.is_contiguous() else t.neg_(),
    lambda t, other: t.t_().t_() if t._base is None else t.abs_(),
    lambda t, other: torch._foreach_mul_([t], 0.5),
]

steps = st.lists(
    st.tuples(st.sampled_from(["view", "write", "new"]), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
    max_size=12,
)


def run(program: list[tuple[str, int, int, int]], x: Tensor) -> Tensor:
    """A program of views, writes into them, and new tensors; the sum of all that it holds in the end."""
    held = [x * 1, torch.zeros(ROWS, COLUMNS, dtype=x.dtype), torch.empty(ROWS, COLUMNS, dtype=x.dtype).copy_(x)]
    for what, which, how, other in program:
        t = held[which % len(held)]
        if what == "view":
            held.append(VIEWS[how % len(VIEWS)](t))
        elif what == "write":
            WRITES[how % len(WRITES)](t, held[other % len(held)])
        else:
            held.append(torch.cat([t, t + 1]))
    return torch.stack([t.sum() * (i + 1) for i, t in enumerate(held)]).sum().reshape(1, 1)


def replayed(recording: Recording) -> Tensor:
    """The calls once more, from the inputs; each must give what was recorded."""
    now: dict[int, Any] = {id(x): x for x in recording.inputs}
    for call in recording.calls:
        args, kwargs = tree_map(lambda a: now.get(id(a), a) if isinstance(a, Tensor) else a, (call.args, call.kwargs))
        for was, out in zip(tree_leaves(call.out), tree_leaves(call.op(*args, **kwargs)), strict=True):
            assert torch.equal(was, out), call
            now[id(was)] = out
    found: Tensor = now.get(id(recording.output), recording.output)
    return found


@examples(200)
@given(steps)
def test_a_recording_is_a_program_without_writes(program: list[tuple[str, int, int, int]]) -> None:
    # Eighths: a sum is exact in whatever order.
    x = (torch.arange(ROWS * COLUMNS, dtype=torch.float64) / 8 - 1).reshape(ROWS, COLUMNS)
    plain = run(program, x.clone())
    recording = record(Fn(lambda t: run(program, t)), x)
    assert torch.equal(recording.output, plain)
    assert not any(call.op._schema.is_mutable for call in recording.calls)
    assert torch.equal(replayed(recording), plain)


def test_a_write_copies_what_it_changes_once() -> None:
    """Slices written one by one stay where they are: memory grows with what is written, not with its square."""
    count, width = 200, 1000

    def net(t: Tensor) -> Tensor:
        out = torch.empty(count, width, dtype=t.dtype)
        for i in range(count):
            out[i] = t * i
        return out.sum(0)

    recording = record(Fn(net), torch.rand(1, width))
    storages = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for c in recording.calls for t in tensors(c)
    }
    assert sum(storages.values()) < 8 * count * width * 4
    assert torch.equal(replayed(recording), recording.output)


def tensors(call: Any) -> list[Tensor]:
    return [t for t in tree_leaves((call.args, call.kwargs, call.out)) if isinstance(t, Tensor)]
