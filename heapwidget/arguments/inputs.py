"""The inputs that are explained, tensors of finite floats on one device, and pictures to show for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch._subclasses import FakeTensor

from heapwidget.arguments.advice import to_floats, to_tensor
from heapwidget.errors import brief

T = TypeVar("T")


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


def listed_inputs(x: Any, net: nn.Module) -> tuple[Tensor, ...]:
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
    several = isinstance(x, tuple | list) and any(hasattr(a, "shape") for a in x)
    inputs: list[Tensor] = []
    for name, a in [(f"x[{i}]", a) for i, a in enumerate(x)] if several else [("x", x)]:
        check_input(a, name, net)
        if inputs and a.device != inputs[0].device:
            raise ValueError(f"x[0] is on {inputs[0].device} and {name} on {a.device}; move all inputs to one device")
        # One tensor given twice is two inputs.
        inputs.append(a.clone() if a.is_inference() or any(a is b for b in inputs) else a)
    return tuple(inputs)


def check_input(x: Any, name: str, net: nn.Module) -> None:
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


def by_input(
    argument: str,
    what: str,
    given: Any,
    x: Tensor | Sequence[Tensor],
    read: Callable[[Any], T],
    is_one: Callable[[Any], bool] = lambda part: True,
) -> tuple[T | None, ...]:
    """What was given for each input: for a single one as it is, for several a tuple, with `None` where there is none.

    Parameters
    ----------
    argument, what
        The argument's name, and what it is for one input.
    read
        Makes of that what is meant.
    is_one
        Whether a part of a tuple can be that at all.
    """
    if isinstance(x, Tensor):
        return (None if given is None else read(given),)
    parts = [None] * len(x) if given is None else list(given) if isinstance(given, tuple | list) else []
    if len(parts) != len(x) or not all(part is None or is_one(part) for part in parts):
        raise ValueError(f"x holds {len(x)} inputs, so {argument} must be a tuple of {len(x)}: {what} or None for each")
    return tuple(None if part is None else read(part) for part in parts)


def listed_pictures(image: Any, x: Tensor | Sequence[Tensor]) -> tuple[NDArray[np.uint8] | None, ...]:
    """A picture or `None` for each input: a tuple of them where x is one."""
    return by_input("image", "a picture", image, x, picture_bytes)


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
