"""Whether a recorded run gave what the net gives by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from heapwidget.engine.capture.calls import Recording
from heapwidget.engine.capture.isolation import modules_of
from heapwidget.engine.capture.memory import tensors_in
from heapwidget.engine.capture.run import Apart, Head, apart
from heapwidget.errors import UnsupportedOpError

# What rounding may change, as a share of the largest number: ops are recorded that a plain run fuses.
_SHARES = {torch.float64: 1e-6, torch.float32: 1e-3}
_SHARE = 5e-2
# And in units of the last place of the largest activation, which may cancel out later.
_PLACES = 128

Seen = list[tuple[str, list[Tensor]]]


def confirm(net: nn.Module, recording: Recording, head: Head | None) -> None:
    """Run a net once more, plainly, and compare.

    Raises
    ------
    UnsupportedOpError
        If what comes out is not what was recorded; the message names the first module that differs.
    """
    with apart(net) as run:
        plain = run.plain(recording.inputs, head, recording.run_as)
        if _agree(recording.output, plain, recording):
            return
        again, plain, path = _compared(run, recording, head)
        if path is None and _agree(recording.output, again, recording):
            # Another thread drew random numbers in between.
            return
    raise UnsupportedOpError(
        f"the net does not give the same answer twice: {_told(recording.output)} when it was recorded, {_told(plain)} "
        f"when it ran plainly on the same input, and {f'the module {path!r}' if path else 'the net itself'} is the "
        "first to differ; make it depend on its input alone, or pass verify=False to explain the recorded run"
    )


def _agree(a: Any, b: Any, recording: Recording) -> bool:
    """Whether two results differ by no more than rounding."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor) or a.shape != b.shape:
        return a is b
    if torch.equal(a, b):
        return True
    if not a.is_floating_point():
        return False
    share = _SHARE if torch.is_autocast_enabled(a.device.type) else _SHARES.get(a.dtype, _SHARE)
    return _close(a, b, share * float(a.abs().max())) or _close(a, b, _rounding(recording, a.dtype))


def _close(a: Tensor, b: Tensor, difference: float) -> bool:
    return torch.allclose(a, b, rtol=0, atol=difference, equal_nan=True)


def _rounding(recording: Recording, dtype: torch.dtype) -> float:
    """What rounding can come to among the activations."""
    outs = (o for call in recording.calls for o in tensors_in(call.out))
    sizes = (o.abs() for o in outs if o.is_floating_point() and o.numel())
    largest = max((float(s[s.isfinite()].max()) for s in sizes if bool(s.isfinite().any())), default=0.0)
    return _PLACES * torch.finfo(dtype).eps * largest


def _compared(run: Apart, recording: Recording, head: Head | None) -> tuple[Any, Any, str | None]:
    """Both runs once more: what comes out, and the first module whose output differs; `None` if nothing does."""
    inputs, run_as = recording.inputs, recording.run_as
    ours: Seen = []
    theirs: Seen = []
    again = run.recorded(inputs, head, run_as, _watching(ours))[2]
    plain = run.plain(inputs, head, run_as, _watching(theirs))
    for (path, outs), (other, plain_outs) in zip(ours, theirs, strict=False):
        pairs = zip(outs, plain_outs, strict=False)
        if path != other or len(outs) != len(plain_outs) or not all(_agree(a, b, recording) for a, b in pairs):
            return again, plain, path
    return again, plain, None if _agree(again, plain, recording) else ""


def _watching(seen: Seen) -> Callable[[nn.Module], None]:
    """Lets the modules of a copy note what they give."""

    def watch(net: nn.Module) -> None:
        for path, module in modules_of(net):
            module.register_forward_hook(lambda _m, _args, out, path=path: seen.append((path, list(_copies(out)))))

    return watch


def _copies(out: Any) -> Iterator[Tensor]:
    yield from (o.detach().clone() for o in tensors_in(out))


def _told(output: Any) -> str:
    """The largest score of an output."""
    if isinstance(output, Tensor) and output.numel():
        return f"{float(output.max()):.6g}"
    return f"a {type(output).__name__}"
