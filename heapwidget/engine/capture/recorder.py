"""Keeps the ops of a net's run through which its inputs flow, as calls on values that never change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from heapwidget.engine.capture.calls import Call, in_module
from heapwidget.engine.capture.decompositions import CONDITIONAL, DECOMPOSITIONS
from heapwidget.engine.capture.foreign_memory import Guard
from heapwidget.engine.capture.isolation import OUR_HOOK, LentNet, drop_our_hooks, modules_of
from heapwidget.engine.capture.memory import Memory, tensors_in
from heapwidget.errors import UnsupportedOpError

aten = torch.ops.aten

# What they write into is not read before.
_OVERWRITING = {"copy_", "fill_", "zero_"}
_NUMBERS = frozenset((int, float, bool, type(None)))
# Of a tensor they take the shape alone.
_SHAPED = {
    *(f"{name}_like" for name in ("zeros", "ones", "full", "empty", "rand", "randn", "randint")),
    *(f"new_{name}" for name in ("zeros", "ones", "full", "empty", "empty_strided")),
}


class CallRecorder(Guard):
    """Keeps each op that takes a tensor which descends from an input. The net itself works on ordinary tensors."""

    def __init__(self, lent: LentNet, inputs: Sequence[Tensor]) -> None:
        super().__init__(lent)
        self.calls: list[Call] = []
        self.memory = Memory(self._keep)
        for x in inputs:
            self.own(x)
        self.inputs = tuple(self.memory.add_input(x) for x in inputs)
        self._modules = [("", 1)]

    def before_undoing(self, number: int) -> None:
        self.memory.preserve(number)

    def result(self, output: Any) -> Any:
        """What came out of the net, as a value."""
        return self.memory.value(output) if isinstance(output, Tensor) else output

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        written, kind = self.writes(func, args, kwargs), _kind(func)
        for t in written:
            self.protect(t)
        if kind.reshapes:
            return self._reshape(func, args, kwargs)
        if kind.writes:
            return self._write(func, args, kwargs, written)
        known = self._known(kind, args, kwargs)
        if known is None:
            return self._unrecorded(kind, func, args, kwargs, written)
        if kind.parts is not None and not (kind.framed and len(args[0]) == 1):
            with self:
                out = kind.parts(*args, **kwargs)
            if out is not NotImplemented:
                return out
        memory = self.memory

        def value(t: Tensor) -> Tensor:
            found = known.get(id(t))
            return memory.value(t) if found is None else found

        given, named = mapped(args, value), mapped(kwargs, value) if kwargs else {}
        for t in written:
            memory.before_write(t)
        out = self.seen(func(*args, **kwargs))
        self._keep(func, given, mapped(out, memory.made), named)
        return out

    def _unrecorded(
        self, kind: _Kind, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], written: list[Tensor]
    ) -> Any:
        """Run an op whose result does not descend from an input."""
        for t in written:
            self.memory.before_write(t)
        out = self.seen(func(*args, **kwargs))
        if kind.empty:
            self.memory.made_empty(out)
        return out

    def _known(self, kind: _Kind, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[int, Tensor] | None:
        """The values, by tensor, of the net's weights among an op's arguments and of what descends from an input.

        `None` if nothing does.
        """
        # A view of what was written in parts says nothing new; what it holds is asked for when it is read.
        if kind.shaped or (kind.view and self.memory.is_open(args[0])):
            return None
        known, stream, lent, streaming = {}, False, self._lent.value, self.memory.streaming
        for t in tensors_in((args, kwargs) if kwargs else args):
            value = lent(t)
            if value is None:
                value = streaming(t)
                if value is None:
                    continue
                stream = True
            known[id(t)] = value
        return known if stream else None

    def _keep(self, op: Any, args: tuple[Any, ...], out: Any, kwargs: dict[str, Any] | None = None) -> None:
        """Keep a call on values, unless nothing of its result is new."""
        if self.memory.to_stream(tensors_in(out)):
            self.calls.append(Call(op, args, kwargs or {}, out, *self._modules[-1]))

    def _values(self, a: Any) -> Any:
        """The same with a value in the place of each tensor."""
        return mapped(a, self.memory.value)

    def _write(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], written: list[Tensor]) -> Any:
        """An op that writes into tensors: kept as the one that gives what is written."""
        memory, overwriting = self.memory, func.overloadpacket.__name__ in _OVERWRITING
        outs = {id(kwargs[a.name]) for a in func._schema.arguments if a.is_out and a.name in kwargs}
        unread = {id(written[0])} if overwriting else outs
        read = (t for t in tensors_in((args, kwargs)) if id(t) not in unread)
        stream = any(memory.streaming(t) is not None for t in read)
        given, named, op = (), {}, None
        if stream:
            op = _functional(func)
            if op is None:
                name, _, overload = str(func).rpartition(".")
                raise UnsupportedOpError(
                    f"the op {name if overload == 'default' else func} writes into a tensor"
                    f"{in_module(self._modules[-1][0])} and has no form that does not; if it is yours, declare it to "
                    "PyTorch as one that gives a new tensor, else rewrite that part of the net"
                )
            before = args
            if overwriting:
                # Of what is overwritten only the shape counts.
                before = (torch.empty_like(args[0]), *args[1:])
            given = self._values(before)
            named = self._values(_defaults(func, args) | {n: a for n, a in kwargs.items() if id(a) not in outs})
        for t in written:
            memory.before_write(t)
        out = self.seen(func(*args, **kwargs))
        fresh = [o for o in tensors_in(out) if all(o is not t for t in written)]
        results = [memory.written(t, stream) for t in written]
        if op is not None:
            # Some give results of their own and write beside them.
            made = tuple(memory.made(o) for o in fresh) + tuple(r for r in results if r is not None)
            several = len(op._schema.returns) > 1
            self._keep(op, given, made if several else made[0] if len(made) == 1 else list(made), named)
        return out

    def _reshape(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An op such as `transpose_`, after which a tensor lies otherwise in the same memory."""
        t, op = args[0], _functional(func)
        stream = op is not None and self.memory.streaming(t) is not None
        given, named = (self._values(args), self._values(kwargs)) if stream else ((), {})
        out = self.seen(func(*args, **kwargs))
        if stream:
            self._keep(op, given, self.memory.made(t), named)
        return out

    def follow(self, net: nn.Module) -> None:
        """Keep the path of the running module, by hooks of the copy."""
        runs: dict[str, int] = {}
        for path, module in modules_of(net):
            if isinstance(module, torch.jit.ScriptModule):
                continue
            hooks = vars(module)
            hooks["_forward_pre_hooks"] = OrderedDict(
                [(OUR_HOOK, self._entering(path, runs)), *hooks["_forward_pre_hooks"].items()]
            )
            hooks["_forward_hooks"][OUR_HOOK] = self._leave
            hooks["_forward_hooks_always_called"][OUR_HOOK] = True

    def let_go(self) -> None:
        """Leave the copy's modules, and hold nothing but what was kept: no circle keeps activations alive."""
        for _, module in modules_of(self._lent.net):
            drop_our_hooks(module)
        self.memory.let_go()

    def _entering(self, path: str, runs: dict[str, int]) -> Callable[[nn.Module, Any], None]:
        def enter(_module: nn.Module, _args: Any) -> None:
            runs[path] = runs.get(path, 0) + 1
            self._modules.append((path, runs[path]))

        return enter

    def _leave(self, _module: nn.Module, _args: Any, _out: Any) -> None:
        self._modules.pop()


def mapped(a: Any, of: Callable[[Tensor], Tensor]) -> Any:
    """A nest of arguments or results with something else in the place of each tensor."""
    if isinstance(a, Tensor):
        return of(a)
    kind = type(a)
    if kind is tuple:
        return tuple([part if type(part) in _NUMBERS else mapped(part, of) for part in a])
    if kind is list:
        # Numbers, such as a stride, are most of what comes in lists, and come with their like alone.
        return [mapped(part, of) for part in a] if a and type(a[0]) not in _NUMBERS else a
    return {name: mapped(part, of) for name, part in a.items()} if kind is dict else a


@dataclass(frozen=True)
class _Kind:
    """What is to be known of an op whenever it runs.

    `reshapes`: in place, the shape alone; `writes`: into arguments; `view`, `shaped`, `empty`: what its result is made
    of; `parts` runs the ops that it is made of, where that is to be tried, if `framed` for several frames alone.
    """

    reshapes: bool
    writes: bool
    view: bool
    shaped: bool
    empty: bool
    parts: Callable[..., Any] | None
    framed: bool


@cache
def _kind(func: Any) -> _Kind:
    name = func.overloadpacket.__name__
    # PyTorch itself shows what such ops are made of only above where it follows gradients.
    composite = torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd")
    return _Kind(
        reshapes=torch.Tag.inplace_view in func.tags,
        writes=func._schema.is_mutable,
        view=func.is_view,
        shaped=name in _SHAPED,
        empty="empty" in name,
        parts=DECOMPOSITIONS.get(func) or CONDITIONAL.get(func) or (func.decompose if composite else None),
        framed=func in CONDITIONAL and func is not aten.addmm.default,
    )


def _defaults(func: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    """The arguments that an op fills in, by name: the functional form may ask for them."""
    rest = func._schema.arguments[len(args) :]
    return {a.name: a.default_value for a in rest if a.default_value is not None and not a.is_out}


@cache
def _functional(func: Any) -> Any:
    """The op that gives what another one writes into its arguments; `None` where there is none."""

    def taken(op: Any) -> list[tuple[str, str]]:
        return [(a.name, str(a.type)) for a in op._schema.arguments if not a.is_out]

    name = func.overloadpacket.__name__.removesuffix("_")
    for functional in (name, f"{name}_functional"):
        packet = getattr(getattr(torch.ops, func.namespace), functional, None)
        overloads = [getattr(packet, o) for o in packet.overloads()] if packet is not None else []
        fitting = [o for o in overloads if not o._schema.is_mutable and taken(o) == taken(func)]
        if fitting:
            return min(fitting, key=lambda o: o._overloadname != func._overloadname)
    return None
