"""What the arguments must be: each refusal is one sentence that says what was wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import product
from numbers import Real
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch._subclasses import FakeTensor
from torch.nn.parameter import is_lazy

from heapwidget.arguments.advice import to_floats, to_tensor
from heapwidget.boxes import GRANULARITIES
from heapwidget.engine.capture import Recording
from heapwidget.engine.capture.isolation import tensors_of
from heapwidget.errors import NetError, UnsupportedOpError, brief
from heapwidget.trace.header import LONGEST_NAME

T = TypeVar("T")
Inputs = tuple[Tensor, ...]

# With more inputs than this, a batch axis is missing from all or from none.
MOST_MIXED = 4
# So many rows, from the first to the last, tell whether they are examples.
ROWS_TRIED = 4


def plain_module(net: Any) -> nn.Module:
    """The module itself, out of the wrappers that compile or spread it."""
    if isinstance(net, torch.jit.ScriptModule):
        raise UnsupportedOpError(
            "a scripted net runs outside Python, where no op can be seen; pass the original module"
        )
    if not isinstance(net, nn.Module):
        raise TypeError(f"net must be a torch.nn.Module, not {type(net).__name__}; a function can be wrapped in one")
    if isinstance(net, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return plain_module(net.module)
    original = net._modules.get("_orig_mod")
    if isinstance(original, nn.Module):
        return plain_module(original)
    for name, t in tensors_of(net):
        if is_lazy(t):
            raise ValueError(f"the net's {name!r} has no shape yet, as in lazy modules; run the net once before")
    return net


def check_surroundings(x: Any) -> None:
    """Nothing is going on around the call in which tensors hold no numbers of their own.

    Raises
    ------
    ValueError
        If a transform of `torch.func` runs, or tensors are fake.
    """
    if torch._C._functorch.peek_interpreter_stack() is not None:
        raise ValueError(
            "this was called inside a transform of torch.func, such as vmap or grad, in which tensors stand for "
            "others; call it outside, on one input at a time"
        )
    inputs = x if isinstance(x, tuple | list) else (x,)
    mode = torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)
    if mode is not None or any(isinstance(a, FakeTensor) for a in inputs):
        raise ValueError(
            "tensors are fake here, of shapes without numbers; call this outside of FakeTensorMode, on real tensors"
        )


def check_differentiable(net: nn.Module) -> None:
    """Weights that gradients can flow past."""
    for name, t in tensors_of(net):
        if isinstance(t, nn.Parameter) and t.is_inference():
            raise ValueError(
                f"the weight {name!r} was made in inference mode, past which no gradient flows; load the net outside "
                "of torch.inference_mode(), or use method='relevance'"
            )


def listed_inputs(x: Any, net: nn.Module | None = None) -> tuple[Tensor, ...]:
    """The inputs of a net one by one, each a tensor of its own that autograd may follow.

    Raises
    ------
    TypeError, ValueError
        For anything but tensors of finite floats, on one device.
    """
    if isinstance(x, Mapping):
        raise TypeError(
            "x is a mapping, whose tensors a net takes by name; pass them as a tuple, in the order in which the net's "
            "forward takes them"
        )
    if isinstance(x, tuple | list) and not x:
        raise ValueError("x is empty; pass the net's input, or a tuple of its inputs")
    if not isinstance(x, tuple | list) or not any(hasattr(a, "shape") for a in x):
        check_input(x, net=net)
        return (x.clone() if x.is_inference() else x,)
    inputs: list[Tensor] = []
    for i, a in enumerate(x):
        check_input(a, f"x[{i}]", net)
        if a.device != x[0].device:
            raise ValueError(f"x[0] is on {x[0].device} and x[{i}] on {a.device}; move all inputs to one device")
        # One tensor given twice is two inputs.
        inputs.append(a.clone() if a.is_inference() or any(a is b for b in inputs) else a)
    return tuple(inputs)


def check_input(x: Any, name: str = "x", net: nn.Module | None = None) -> None:
    """A tensor of finite floats."""
    if not isinstance(x, Tensor):
        several = "" if name == "x" else ", and x a tensor, or a tuple of what the net takes"
        raise TypeError(f"{name} must be a torch.Tensor, not {type(x).__name__}{several}; {to_tensor(x, name, net)}")
    if x.layout != torch.strided:
        raise TypeError(f"{name} is a {x.layout} tensor, whose missing entries are inputs too; pass {name}.to_dense()")
    if x.is_meta:
        raise ValueError(f"{name} is on the meta device, where tensors hold no numbers; pass {name} with its values")
    if x.is_complex():
        raise TypeError(
            f"{name} is of {x.dtype}, and relevance is real; pass its parts, for example torch.view_as_real({name})"
        )
    if not x.is_floating_point():
        raise TypeError(
            f"{name} is of {x.dtype}, and whole numbers have no share of relevance; {to_floats(x, name, net)}"
        )
    if x.numel() == 0:
        raise ValueError(f"{name} of shape {tuple(x.shape)} is empty; pass one example with all its numbers")
    if not bool(torch.isfinite(x).all()):
        raise ValueError(
            f"{name} holds NaN or infinite values; replace them first, for example with torch.nan_to_num({name})"
        )


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={brief(value)} is not one of {', '.join(map(repr, choices))}")


def check_number(name: str, value: Any) -> None:
    """A plain number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {brief(value)}")


def check_nodes(nodes: Any) -> None:
    """A granularity, or a mapping to some."""
    if not isinstance(nodes, str | Mapping):
        raise TypeError(f"nodes must be a granularity or a mapping from patterns to some, not {brief(nodes)}")
    for pattern in [] if isinstance(nodes, str) else nodes:
        if not isinstance(pattern, str):
            raise TypeError(f"nodes maps {brief(pattern)}, which is no layer label or pattern")
    for name in [nodes] if isinstance(nodes, str) else nodes.values():
        check_choice("nodes", name, GRANULARITIES)


def listed_names(class_names: Any) -> list[str] | None:
    """Names by class index: a sequence of whatever has a name, or a mapping from indices, as models carry them."""
    if class_names is None:
        return None
    if isinstance(class_names, Mapping):
        if set(class_names) != set(range(len(class_names))):
            raise ValueError(f"class_names maps {brief(list(class_names))}, not the class indices from 0 on")
        return [readable(class_names[i]) for i in range(len(class_names))]
    if isinstance(class_names, set | frozenset) or not isinstance(class_names, Iterable):
        raise TypeError(f"class_names must be a list of names by class index, not {brief(class_names)}")
    return [readable(name) for name in class_names]


def readable(name: Any) -> str:
    """A name as text that can be written: without halves of surrogate pairs, and no longer than a trace may hold."""
    text = str(name).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def accepted(run: Callable[[Inputs], T], inputs: Inputs) -> T:
    """`run` on the inputs, or on them with batch axes added where the net refuses them as they are.

    Raises
    ------
    ValueError
        If the net takes neither.
    """
    try:
        return run(inputs)
    except NetError as error:
        refusal = error.__cause__
    for which in _axes_to_add(len(inputs)):
        with suppress(NetError):
            return run(with_axes(inputs, which))
    reason = (str(refusal).strip() or type(refusal).__name__).splitlines()[0].rstrip(".")
    shapes = " and ".join(str(tuple(x.shape)) for x in inputs)
    if isinstance(refusal, TypeError) and "positional argument" in reason:
        advice = "pass all that the net's forward takes, as a tuple"
    elif len(inputs) == 1:
        advice = "pass one input as the net takes it, with its batch axis"
    else:
        advice = "pass one example as the net takes it, each input with its batch axis"
    raise ValueError(
        f"the net does not run on x of shape{'s' * (len(inputs) > 1)} {shapes}: {reason}; {advice}"
    ) from refusal


def _axes_to_add(count: int) -> Iterable[tuple[bool, ...]]:
    """Which inputs get a batch axis, by attempt: all of them, then some, the most at first."""
    some = product((True, False), repeat=count) if count <= MOST_MIXED else [(True,) * count]
    return sorted((which for which in some if any(which)), key=sum, reverse=True)


def with_axes(inputs: Inputs, which: Iterable[bool]) -> Inputs:
    """The inputs, some with a batch axis added."""
    return tuple(x[None] if add else x for x, add in zip(inputs, which, strict=True))


def batched(record: Callable[[Inputs], Recording], inputs: Inputs) -> Recording:
    """The recording of inputs with batch axes: added where the net refuses them without, or would add them itself.

    A convolution takes an image without a batch axis and adds it on the way; then the axes of x say more with it.
    """
    recording = accepted(record, inputs)
    taken = recording.inputs
    made = [call.out.shape for call in recording.calls if call.name == "unsqueeze"]
    which = [(1, *x.shape) in made for x in taken]
    if not any(which):
        return recording
    try:
        again = record(with_axes(taken, which))
    except NetError:
        return recording
    before, after = (r.output.detach().reshape(-1) for r in (recording, again))
    same = before.shape == after.shape and torch.allclose(before, after, rtol=1e-3, atol=1e-5, equal_nan=True)
    return again if same else recording


def batched_inputs(record: Callable[[Inputs], Recording], inputs: Inputs) -> Inputs:
    """The inputs of `batched`, for methods that ask less of a net than a recording does; of four axes all are meant."""
    if all(x.ndim > 3 for x in inputs):
        return inputs
    try:
        return batched(record, inputs).inputs
    except (NetError, UnsupportedOpError, TypeError, ValueError):
        return inputs


def check_single(inputs: Sequence[Tensor], output: Tensor, run: Callable[[Inputs], Tensor]) -> None:
    """One example, not a batch of several: of a batch, each row alone gives its row of the output.

    `run` gives the output of other inputs.
    """
    for x in inputs:
        batch = len(x) if x.ndim > 1 else 1
        if batch > 1 and output.ndim > 0 and len(output) == batch and _stands_alone(inputs, output, batch, run):
            if len(inputs) == 1:
                raise ValueError(f"x is a batch of {batch} inputs; explain one at a time, with x[i:i+1]")
            raise ValueError(
                f"x holds batches of {batch} examples; explain one at a time, with tuple(a[i:i+1] for a in x)"
            )


def _stands_alone(inputs: Sequence[Tensor], output: Tensor, count: int, run: Callable[[Inputs], Tensor]) -> bool:
    """Whether some rows give alone what they gave together; words of a text and nodes of a graph do not."""
    for i in {i * (count - 1) // (ROWS_TRIED - 1) for i in range(ROWS_TRIED)}:
        rows = tuple(a[i : i + 1] if a.ndim > 1 and len(a) == count else a for a in inputs)
        try:
            alone = run(rows)
        except Exception:
            return False
        here, there = (t.detach().reshape(-1).float() for t in (alone, output[i]))
        if here.shape != there.shape or not torch.allclose(here, there, rtol=1e-2, atol=1e-4):
            return False
    return True


def listed_pictures(image: Any, x: Tensor | Sequence[Tensor]) -> tuple[NDArray[np.uint8] | None, ...]:
    """A picture or `None` for each input: a tuple of them where x is one."""
    if isinstance(x, Tensor):
        return (None if image is None else picture_bytes(image),)
    if image is None:
        return (None,) * len(x)
    if not isinstance(image, tuple | list) or len(image) != len(x):
        raise ValueError(f"x holds {len(x)} inputs, so image must be a tuple of {len(x)}: a picture or None for each")
    return tuple(None if one is None else picture_bytes(one) for one in image)


def picture_bytes(image: Any) -> NDArray[np.uint8]:
    """A picture as uint8, (H, W) or (H, W, 3)."""
    a = np.asarray(image)
    if not (np.issubdtype(a.dtype, np.number) or a.dtype == np.bool_):
        raise TypeError(f"image must be an array of numbers, not {brief(image)}")
    if a.ndim not in (2, 3) or (a.ndim == 3 and a.shape[2] != 3):
        raise ValueError(f"image has shape {a.shape}; it must be (height, width) or (height, width, 3)")
    if a.dtype != np.uint8:
        a = np.rint(np.clip(a, 0, 1) * 255).astype(np.uint8)
    return a
