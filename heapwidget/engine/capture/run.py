"""Run a net once and keep every ATen op through which its inputs flow.

What runs is a copy of the net's structure that shares its weights (`isolation`), on ordinary tensors, under a dispatch
mode of this thread, which sees functional calls and reused modules alike (`recorder`).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import torch
from torch import _C, Tensor, nn
from torch.overrides import TorchFunctionMode

from heapwidget.engine.capture.calls import Recording, RunAs
from heapwidget.engine.capture.decompositions import WholeAttention
from heapwidget.engine.capture.foreign_memory import Guard
from heapwidget.engine.capture.isolation import LentNet, hooks_kept, leaves_of, modules_of
from heapwidget.engine.capture.recorder import CallRecorder
from heapwidget.engine.capture.surroundings import RandomStates, put_back
from heapwidget.engine.interrupts import held, let_through
from heapwidget.errors import NetError, UnsupportedOpError

Head = Callable[[Any], Any]
# Done to a copy before it runs.
Prepare = Callable[[nn.Module], None]


def record(
    net: nn.Module, *inputs: Tensor, head: Head | None = None, channel_axes: Sequence[int | None] | None = None
) -> Recording:
    """Record `head(net(*inputs))` in eval mode. The net itself is not touched.

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
    UnsupportedOpError
        If it raises only while it is recorded.
    """
    with apart(net) as run:
        recorder, lent, output, run_as = _recorded(run, inputs, head)
    axes = tuple(channel_axes or [None] * len(inputs))
    names = input_names(net, len(inputs))
    run_as = replace(run_as, owned=frozenset(lent.owned))
    return Recording(
        recorder.inputs, names, recorder.calls, output, axes, leaves_of(lent.net), run_as, recorder.memory.blank
    )


def _recorded(run: Apart, inputs: Sequence[Tensor], head: Head | None) -> tuple[CallRecorder, LentNet, Tensor, RunAs]:
    """A recorded run, with gradients only where the net asks for some itself."""
    compiling = "torch._dynamo" in sys.modules
    try:
        return *run.recorded(inputs, head, RunAs()), RunAs()
    except NetError as error:
        refusal = error
    # A net may bring in the compiler as it runs, which is switched off only then, and attention from elsewhere.
    whole = isinstance(refusal.__cause__, WholeAttention)
    again = [False] if whole or (not compiling and "torch._dynamo" in sys.modules) else []
    grads = [False, True] if torch.is_grad_enabled() else [False]
    for run_as in (RunAs(grad, plain_attention=whole) for grad in again + grads[1:]):
        with suppress(NetError):
            return *run.recorded(inputs, head, run_as), run_as
    for grad in grads:
        try:
            run.plain(inputs, head, RunAs(grad))
        except NetError:
            continue
        reason = " ".join(f"{type(refusal.__cause__).__name__}: {refusal.__cause__}".split())
        raise UnsupportedOpError(
            f"the net runs, but not while its ops are recorded ({reason}); rewrite that part in plain tensor ops, "
            "or make one op of it with torch.library.custom_op and give that a rule with heapwidget.register_rule"
        ) from refusal
    raise refusal


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


class _PlainAttention(TorchFunctionMode):
    """Keeps PyTorch's attention layers in plain ops: they fuse everything only where nobody overrides functions."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


@contextmanager
def _eager() -> Iterator[None]:
    """Run compiled functions as they were written, where there may be any: compiled code shows no ops."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


@contextmanager
def _function_modes(plain_attention: bool) -> Iterator[None]:
    """Have that mode on, where it is needed; in the end the modes are those of before, also after an interrupt."""
    modes = [_C._get_function_stack_at(i) for i in range(_C._len_torch_function_stack())]
    if plain_attention:
        _C._push_on_torch_function_stack(_PlainAttention())
    try:
        yield
    finally:
        while _C._len_torch_function_stack():
            _C._pop_torch_function_stack()
        for mode in modes:
            _C._push_on_torch_function_stack(mode)


def _as_it_is(net: nn.Module) -> None:
    """Prepare nothing."""


class Apart:
    """Runs of copies of a net: each begins with the same random states, and nothing of it stays."""

    def __init__(self, net: nn.Module, states: RandomStates) -> None:
        self._net, self._states = net, states

    def lend(self, owned: frozenset[int] = frozenset()) -> LentNet:
        """A copy of the net, with memory of its own in the place of the storages `owned`."""
        return LentNet(self._net, owned)

    @contextmanager
    def running(self, lent: LentNet, guard: Guard, run_as: RunAs) -> Iterator[None]:
        """Where the copy runs, watched, as it would for the user; no draw stays."""
        modes = _function_modes(run_as.plain_attention or lent.attends)
        try:
            with _eager(), torch._C._EnableTorchFunction(), torch.set_grad_enabled(run_as.grad), modes, guard:
                lent.to_eval()
                yield
        finally:
            guard.put_back()
            self._states.restore(guard.drew)

    @contextmanager
    def watched(self, given: Sequence[Tensor], run_as: RunAs, prepare: Prepare = _as_it_is) -> Iterator[nn.Module]:
        """A copy to run that nobody records, on tensors that it may write into."""
        lent = self.lend(run_as.owned)
        prepare(lent.net)
        guard = Guard(lent)
        for x in given:
            guard.own(x)
        with self.running(lent, guard, run_as):
            yield lent.net

    def recorded(
        self, inputs: Sequence[Tensor], head: Head | None, run_as: RunAs, prepare: Prepare = _as_it_is
    ) -> tuple[CallRecorder, LentNet, Tensor]:
        """A recorded run: who kept its calls, what ran, and what came out."""
        lent, given = self.lend(), _given(inputs, run_as.grad)
        prepare(lent.net)
        recorder = CallRecorder(lent, given)
        recorder.follow(lent.net)
        try:
            with _open_recurrence(lent.net, given), self.running(lent, recorder, run_as):
                # A value, before what was written elsewhere is undone.
                output = recorder.result(called(lent.net, given, head))
        finally:
            recorder.let_go()
        return recorder, lent, output

    def plain(self, inputs: Sequence[Tensor], head: Head | None, run_as: RunAs, prepare: Prepare = _as_it_is) -> Any:
        """What a run gives that nobody records."""
        given = _given(inputs, run_as.grad)
        with self.watched(given, run_as, prepare) as copy:
            output = called(copy, given, head)
            return output.detach().clone() if isinstance(output, Tensor) else output


@contextmanager
def apart(net: nn.Module) -> Iterator[Apart]:
    """Where copies of a net can run."""
    with held(), put_back() as states, hooks_kept(net):
        yield Apart(net, states)


def _given(inputs: Sequence[Tensor], grad: bool) -> tuple[Tensor, ...]:
    """Inputs that a net may write into."""
    with torch.enable_grad():
        return tuple(x.detach().requires_grad_(grad).clone() for x in inputs)


def called(net: nn.Module, inputs: Sequence[Tensor], head: Head | None) -> Any:
    """What a net gives, and the head makes of it; what the net raises is marked as its own."""
    # The innermost context: an interrupt at its end still leaves all others as they should be.
    with let_through():
        try:
            output = net(*inputs)
        except UnsupportedOpError:
            raise
        except Exception as error:
            raise NetError from error
        return output if head is None else head(output)


@contextmanager
def _open_recurrence(net: nn.Module, inputs: Sequence[Tensor]) -> Iterator[None]:
    """Keep recurrent layers on a GPU in plain ops: the library that fuses them there is left out."""
    if not inputs[0].is_cuda or not any(isinstance(module, nn.RNNBase) for _, module in modules_of(net)):
        yield
        return
    # PyTorch's own context for this sets more than is asked for, and warns of it.
    before = torch._C._get_cudnn_enabled()
    torch._C._set_cudnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_cudnn_enabled(before)
