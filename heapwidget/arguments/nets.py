"""What may be explained: a module that shows its ops, and weights that gradients can flow past."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from heapwidget.engine.capture.isolation import tensors_of
from heapwidget.errors import UnsupportedOpError


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


def check_differentiable(net: nn.Module) -> None:
    """Weights that gradients can flow past."""
    for name, t in tensors_of(net):
        if isinstance(t, nn.Parameter) and t.is_inference():
            raise ValueError(
                f"the weight {name!r} was made in inference mode, past which no gradient flows; load the net outside "
                "of torch.inference_mode(), or use method='relevance'"
            )
