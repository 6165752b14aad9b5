"""Run a net once and keep every ATen op through which its inputs flow.

The net runs under `torch.func.functionalize`, so in-place ops and writes through views arrive as functional ops, and
under a dispatch mode, which sees functional calls and reused modules alike. Tensors are linked by identity.
"""

from __future__ import annotations

import inspect
import random
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._functorch.utils import enable_single_level_autograd_function
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from heapwidget.engine.errors import NetError, UnsupportedOpError
from heapwidget.engine.parts import PARTS, SOMETIMES

_CONTAINERS = (dict, list, set, deque)


@dataclass(frozen=True)
class Call:
    """One recorded ATen op: what ran, on what, with what result, and in which module.

    `module` is the dotted path of the innermost running module ("" for the net itself) and `run` counts how often
    that module had been entered, from 1.
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
        return f"{self.op} in module '{self.module}'" if self.module else str(self.op)

    @property
    def bound(self) -> dict[str, Any]:
        """All arguments by their name in the op's schema, defaults filled in."""
        schema = self.op._schema.arguments
        given = dict(zip((a.name for a in schema), self.args, strict=False)) | self.kwargs
        return {a.name: given.get(a.name, a.default_value) for a in schema}


@dataclass(frozen=True)
class Recording:
    """The calls of one forward run, in order, with the very tensors that went in, their names, and what came out.

    `channel_axes` may tell which axis of an input, unbatched, counts channels; the graph finds out the others.
    """

    inputs: tuple[Tensor, ...]
    names: tuple[str, ...]
    calls: list[Call]
    output: Any
    channel_axes: tuple[int | None, ...]

    def let_go(self) -> None:
        """Drop the calls, and with them all activations that nothing else holds."""
        self.calls.clear()


def record(
    net: nn.Module,
    *inputs: Tensor,
    head: Callable[[Any], Any] | None = None,
    channel_axes: Sequence[int | None] | None = None,
) -> Recording:
    """Record `head(net(*inputs))` in eval mode, leaving the net as it was found, also after an error.

    Parameters
    ----------
    net
        Any module; it may use in-place ops, views, and control flow that depends on the data.
    *inputs
        What it is called with, batch axes included; no tensor comes twice.
    head
        Applied to the net's output inside the recording, such as a target function.
    channel_axes
        For each input the axis that counts channels, without the batch axis, where that is known.

    Raises
    ------
    NetError
        If the net raises, whatever that is.
    """

    def run(inner: tuple[Tensor, ...], buffers: dict[str, Tensor]) -> Any:
        with net_errors():
            out = torch.func.functional_call(net, buffers, inner)
        return out if head is None else head(out)

    mode = _CallRecorder(inputs)
    with ExitStack() as stack:
        stack.enter_context(untouched(net))
        stack.enter_context(_open_attention())
        if any(isinstance(module, nn.RNNBase) for module in net.modules()):
            stack.enter_context(_open_recurrence())
        stack.enter_context(_plain_functions())
        stack.enter_context(torch.no_grad())
        net.eval()
        # Buffers go in as arguments, so that what the net writes into them is made functional too.
        buffers = dict(net.named_buffers())
        stack.enter_context(mode.follow_modules(net))
        stack.enter_context(mode)
        output = torch.func.functionalize(run)(inputs, buffers)
    axes = tuple(channel_axes or [None] * len(inputs))
    return Recording(inputs, input_names(net, len(inputs)), mode.calls, mode.now(output), axes)


def input_names(net: nn.Module, count: int) -> tuple[str, ...]:
    """What the net's `forward` calls its arguments, each its own name; a single one is the `"input"`."""
    if count == 1:
        return ("input",)
    try:
        parameters = list(inspect.signature(net.forward).parameters.values())
    except (TypeError, ValueError):  # a forward that is not written in Python
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "input")
    return (*names, *(f"{rest}{i + 1}" for i in range(count - len(names))))


@contextmanager
def net_errors() -> Iterator[None]:
    """Mark what the net raises as its own."""
    try:
        yield
    except UnsupportedOpError:
        raise
    except Exception as error:
        # PyTorch's own words, from where no op or module is known any more.
        custom = re.search(r"custom \(non-ATen\) operator .*?: (\w+)::(\w+)\(", str(error))
        if custom is not None:
            raise UnsupportedOpError(
                f"the op {'.'.join(custom.groups())} writes into a tensor or gives back its own input; if it is yours, "
                "declare it to PyTorch as one that gives a new tensor, else rewrite that part of the net"
            ) from error
        raise NetError from error


class _CallRecorder(TorchDispatchMode):
    """Keeps each op that takes a tensor which descends from an input.

    Inside composite ops PyTorch still works in place, below `functionalize`. Such an op is run out of place; from then
    on its result stands for the tensor that it would have changed, and for that part of all others that share memory.
    """

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self._stream = {id(x) for x in inputs}
        self._modules = [("", 1)]
        # By storage, what was meant to be written into it: the tensor that would have changed, and its new values.
        self._writes: dict[int, list[tuple[Tensor, Tensor]]] = {}
        # By id, a tensor, what stands for it, and how many writes into its storage that knows of.
        self._stand_ins: dict[int, tuple[Tensor, Tensor, int]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else the first recording would import torch's compiler, which takes over a second.
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = args[0] if args else None
        if self._stand_ins or self._writes:
            args, kwargs = tree_map(self.now, (args, kwargs))
        stream = self._stream
        # Most ops take tensors as they stand, not in lists.
        taken = any(id(a) in stream for a in args) or any(id(a) in stream for a in tree_iter((args, kwargs)))
        if not taken:
            return func(*args, **kwargs)
        if func._schema.is_mutable:
            return self._run_out_of_place(func, given, args, kwargs)
        by_parts = PARTS.get(func) or SOMETIMES.get(func)
        if by_parts is not None:
            with self:
                out = by_parts(*args, **kwargs)
            if out is not NotImplemented:
                return out
        out = func(*args, **kwargs)
        self._keep(func, args, kwargs, out)
        return out

    def _keep(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        # The call holds on to its tensors, so no id in the stream can be taken by another tensor.
        self.calls.append(Call(func, args, kwargs, out, *self._modules[-1]))
        outs = (out,) if isinstance(out, Tensor) else tree_iter(out)
        self._stream.update(id(o) for o in outs if isinstance(o, Tensor))

    def now(self, a: Any) -> Any:
        """What stands for a tensor since an op meant to write into its memory; anything else is itself."""
        if not isinstance(a, Tensor) or a.layout != torch.strided:
            return a
        writes = self._writes.get(a.untyped_storage()._cdata, [])
        _, current, known = self._stand_ins.get(id(a), (a, a, 0))
        for changed, values in writes[known:]:
            current = self._overwrite(a, current, changed, values)
        if current is a:
            return a
        self._stand_ins[id(a)] = a, current, len(writes)
        # What stands for a tensor may have been written into as well.
        return self.now(current)

    def _overwrite(self, a: Tensor, current: Tensor, changed: Tensor, values: Tensor) -> Tensor:
        """`current`, which stands for `a`, with `values` where the memory of `a` is that of `changed`."""
        memory = torch.arange(a.untyped_storage().nbytes() // a.itemsize, device=a.device)
        mine, written = (memory.as_strided(t.size(), t.stride(), t.storage_offset()) for t in (a, changed))
        place = torch.full_like(memory, -1).index_put_((written.reshape(-1),), memory[: written.numel()])[mine]
        if not bool((place >= 0).any()):
            return current
        aten = torch.ops.aten
        packed = self._run(aten.clone.default, values, memory_format=torch.contiguous_format)
        picked = self._run(aten.index.Tensor, self._run(aten.view.default, packed, [-1]), [place.clamp(min=0)])
        merged: Tensor = self._run(aten.where.self, place >= 0, picked, current)
        return merged

    def _run(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Run an op of our own and keep it."""
        out = func(*args, **kwargs)
        self._keep(func, args, kwargs, out)
        return out

    def _run_out_of_place(self, func: Any, changed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func is torch.ops.aten.rrelu_with_noise.default:
            # It writes noise that only its derivative reads.
            return self._run(torch.ops.aten.rrelu_with_noise_functional.default, *args, **kwargs)[0]
        op = _out_of_place(func)
        if op is None or not isinstance(changed, Tensor):
            where = f" in module '{self._modules[-1][0]}'" if self._modules[-1][0] else ""
            raise UnsupportedOpError(
                f"{func}{where} writes into a tensor and has no form that does not; rewrite it without in-place ops"
            )
        out = op(*args, **kwargs)
        if torch.Tag.inplace_view in func.tags:
            args = self._reshape_given(func, changed, args, kwargs)
            self._stand_ins[id(changed)] = changed, out, 0
        else:
            writes = self._writes.setdefault(changed.untyped_storage()._cdata, [])
            writes.append((changed, out))
            self._stand_ins[id(changed)] = changed, out, len(writes)
        self._keep(op, args, kwargs, out)
        return changed

    def _reshape_given(self, func: Any, given: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Let an op such as `transpose_` change a tensor's shape, which its caller may ask for; gives its arguments."""
        alias = given.detach()

        def part(a: Any) -> Any:
            return alias if a is given else a

        for i, call in enumerate(self.calls):
            if any(a is given for a in tree_iter((call.args, call.kwargs, call.out))):
                before, named, out = tree_map(part, (call.args, call.kwargs, call.out))
                self.calls[i] = Call(call.op, before, named, out, call.module, call.run)
        args = tree_map(part, args)
        self._stream.add(id(alias))
        func(given, *args[1:], **kwargs)
        return args

    @contextmanager
    def follow_modules(self, net: nn.Module) -> Iterator[None]:
        """Keep the path of the running module, by global hooks: the net gets none of its own."""
        paths = {module: path for path, module in net.named_modules()}
        runs: dict[str, int] = {}

        def enter(module: nn.Module, _args: Any) -> None:
            path = paths.get(module, self._modules[-1][0])
            runs[path] = runs.get(path, 0) + 1
            self._modules.append((path, runs[path]))

        def leave(_module: nn.Module, _args: Any, _out: Any) -> None:
            self._modules.pop()

        hooks = nn.modules.module
        handles = [
            hooks.register_module_forward_pre_hook(enter),
            hooks.register_module_forward_hook(leave, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _out_of_place(func: Any) -> Any:
    """The op that gives what another one writes into its first argument; `None` where there is none."""
    packet = getattr(getattr(torch.ops, func.namespace), func.overloadpacket.__name__.removesuffix("_"), None)
    names = [a.name for a in func._schema.arguments]
    overloads = [getattr(packet, name) for name in packet.overloads()] if packet is not None else []
    fitting = [o for o in overloads if not o._schema.is_mutable and [a.name for a in o._schema.arguments] == names]
    # Overloads of the same name take the same kinds of arguments.
    return min(fitting, key=lambda o: o._overloadname != func._overloadname, default=None)


@contextmanager
def untouched(net: nn.Module) -> Iterator[None]:
    """Put back everything a run may change: flags, attributes, hooks, buffers, gradients and random states."""
    modules = list(net.modules())
    attributes = [dict(m.__dict__) for m in modules]
    containers = [(v, v.copy()) for m in modules for v in m.__dict__.values() if isinstance(v, _CONTAINERS)]
    grads = [(p, p.grad, p.requires_grad) for p in net.parameters()]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - what a net may touch
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        _lend_copies(modules)
        yield
    finally:
        for module, attribute in zip(modules, attributes, strict=True):
            module.__dict__.clear()
            module.__dict__.update(attribute)
        for container, content in containers:
            container.clear()
            container.extend(content) if isinstance(container, list | deque) else container.update(content)
        for parameter, grad, requires_grad in grads:
            parameter.grad = grad
            # Parameters made in inference mode take no setting, not even their own.
            if parameter.requires_grad != requires_grad:
                parameter.requires_grad_(requires_grad)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


def _lend_copies(modules: list[nn.Module]) -> None:
    """Put copies in the place of buffers and other tensors that modules hold, for a run to write into."""
    copies: dict[int, Tensor] = {}
    for module in modules:
        for place in (module._buffers, module.__dict__):
            for name, value in list(place.items()):
                if isinstance(value, Tensor) and not is_lazy(value):
                    if id(value) not in copies:
                        copies[id(value)] = value.detach().clone()
                    place[name] = copies[id(value)]


@contextmanager
def _plain_functions() -> Iterator[None]:
    """Run custom autograd functions by their forward alone: `functionalize` would refuse them."""
    before = torch._C._are_functorch_transforms_active
    torch._C._are_functorch_transforms_active = lambda: False
    try:
        with enable_single_level_autograd_function():
            yield
    finally:
        torch._C._are_functorch_transforms_active = before


@contextmanager
def _open_recurrence() -> Iterator[None]:
    """Keep recurrent layers in plain ops: the libraries that fuse them are left out."""
    # PyTorch's own contexts for these set more than is asked for, and warn of it.
    before = torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    torch._C._set_cudnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before[0])
        torch._C._set_cudnn_enabled(before[1])


@contextmanager
def _open_attention() -> Iterator[None]:
    """Keep attention in plain ops: no fused fast path, the math kernel of scaled dot products."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
