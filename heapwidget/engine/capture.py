"""Run a net once and keep every ATen op through which the input flows.

The net runs under `torch.func.functionalize`, so in-place ops and writes through views arrive as functional ops, and
under a dispatch mode, which sees functional calls and reused modules alike. Tensors are linked by identity.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


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
    def bound(self) -> dict[str, Any]:
        """All arguments by their name in the op's schema, defaults filled in."""
        schema = self.op._schema.arguments
        given = dict(zip((a.name for a in schema), self.args, strict=False)) | self.kwargs
        return {a.name: given.get(a.name, a.default_value) for a in schema}


@dataclass(frozen=True)
class Recording:
    """The calls of one forward run, in order, with the very tensor that went in and what came out."""

    input: Tensor
    calls: list[Call]
    output: Any


def record(net: nn.Module, x: Tensor, head: Callable[[Any], Any] | None = None) -> Recording:
    """Record `head(net(x))` in eval mode, leaving the net as it was found, also after an error.

    Parameters
    ----------
    net
        Any module; it may use in-place ops, views, and control flow that depends on the data.
    x
        Its input, batch axis included.
    head
        Applied to the net's output inside the recording, such as a target function.
    """

    def run(inner: Tensor) -> Any:
        out = net(inner)
        return out if head is None else head(out)

    mode = _CallRecorder(x)
    with ExitStack() as stack:
        stack.enter_context(untouched(net))
        stack.enter_context(_open_attention())
        stack.enter_context(torch.no_grad())
        net.eval()
        stack.enter_context(mode.follow_modules(net))
        stack.enter_context(mode)
        output = torch.func.functionalize(run)(x)
    return Recording(x, mode.calls, output)


class _CallRecorder(TorchDispatchMode):
    """Keeps each op that takes a tensor which descends from the input."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self._stream = {id(x)}
        self._modules = [("", 1)]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else the first recording would import torch's compiler, which takes over a second.
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        stream = self._stream
        if any(isinstance(a, Tensor) and id(a) in stream for a in tree_iter((args, kwargs))):
            # The call holds on to its tensors, so no id in the stream can be taken by another tensor.
            self.calls.append(Call(func, args, kwargs, out, *self._modules[-1]))
            stream.update(id(o) for o in tree_iter(out) if isinstance(o, Tensor))
        return out

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


@contextmanager
def untouched(net: nn.Module) -> Iterator[None]:
    """Put back everything a run may change: flags, attributes, hooks, buffers, gradients and random states."""
    modules = list(net.modules())
    attributes = [dict(m.__dict__) for m in modules]
    containers = [(v, v.copy()) for m in modules for v in m.__dict__.values() if isinstance(v, dict | list | set)]
    buffers = [(b, b.detach().clone()) for b in net.buffers()]
    grads = [(p, p.grad, p.requires_grad) for p in net.parameters()]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - what a net may touch
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        for module, attribute in zip(modules, attributes, strict=True):
            module.__dict__.clear()
            module.__dict__.update(attribute)
        for container, content in containers:
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)
        with torch.no_grad():
            for buffer, value in buffers:
                if not torch.equal(buffer, value):
                    buffer.copy_(value)
        for parameter, grad, requires_grad in grads:
            parameter.grad = grad
            parameter.requires_grad_(requires_grad)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


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
