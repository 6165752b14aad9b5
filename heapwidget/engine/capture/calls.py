"""What a recording is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Call:
    """One recorded ATen op: what ran, on what, with what result, and in which module.

    `module` is the dotted path of the innermost running module ("" for the net itself) and `run` counts how often
    that module had been entered, from 1. Each tensor is one value that never changes, also where the net writes in
    place: then the op is the one that gives what was written, and its result a tensor of its own.
    """

    op: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Any
    module: str
    run: int

    @property
    def name(self) -> str:
        """The op's name without namespace and overload, such as `convolution`."""
        return str(self.op.overloadpacket.__name__)

    @property
    def where(self) -> str:
        """The op's full name and its module, for messages."""
        return f"{self.op}{in_module(self.module)}"

    @property
    def bound(self) -> dict[str, Any]:
        """All arguments by their name in the op's schema, defaults filled in."""
        schema = self.op._schema.arguments
        given = dict(zip((a.name for a in schema), self.args, strict=False)) | self.kwargs
        return {a.name: given.get(a.name, a.default_value) for a in schema}


@dataclass(frozen=True)
class RunAs:
    """How a net was run.

    `grad`: with gradients; `owned`: the storages of the net's that the run had for itself; `plain_attention`: all
    attention in plain ops, also of layers that are not among the net's modules.
    """

    grad: bool = False
    owned: frozenset[int] = frozenset()
    plain_attention: bool = False


@dataclass(frozen=True)
class Recording:
    """The calls of one forward run, in order, with the very tensors that went in, their names, and what came out.

    `channel_axes` may tell which axis of an input, unbatched, counts channels; the graph finds out the others.
    `leaves` are the paths of the modules that have no children; `blank` the ids of tensors among the calls' arguments
    that are memory with nothing in it yet.
    """

    inputs: tuple[Tensor, ...]
    names: tuple[str, ...]
    calls: list[Call]
    output: Any
    channel_axes: tuple[int | None, ...]
    leaves: set[str]
    run_as: RunAs
    blank: set[int]

    def let_go(self) -> None:
        """Drop the calls, and with them all activations that nothing else holds."""
        self.calls.clear()


def in_module(path: str) -> str:
    """Where something happened, for messages; nothing for the net itself."""
    return f" in module '{path}'" if path else ""
