"""What may be explained: a module that shows its ops, given embeddings in the place of ids.

Text models of the common form take token ids first, and embeddings by the name `inputs_embeds`.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from heapwidget.engine.capture.isolation import tensors_of
from heapwidget.errors import UnsupportedOpError

IDS, EMBEDDINGS = "input_ids", "inputs_embeds"


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


def takes_embeddings(net: nn.Module) -> bool:
    """Whether a net's first argument are ids, in the place of which it takes embeddings by name."""
    names = _arguments(net)
    return names[:1] == [IDS] and EMBEDDINGS in names


def fed_embeddings(net: nn.Module) -> nn.Module:
    """A net that shares all with the given one, but takes embeddings first; another net is given back as it is."""
    if not takes_embeddings(net) or "forward" in vars(net):
        return net
    kind = type(net)
    others = [name for name in _arguments(net) if name not in (IDS, EMBEDDINGS)]

    def forward(self: Any, embeddings: Any, *rest: Any) -> Any:
        return kind.forward(self, **{EMBEDDINGS: embeddings}, **dict(zip(others, rest, strict=False)))

    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    given = [inspect.Parameter(name, place) for name in ("self", EMBEDDINGS, *others)]
    forward.__signature__ = inspect.Signature(given)  # type: ignore[attr-defined]
    fed = kind.__new__(kind)
    vars(fed).update(vars(net))
    fed.__class__ = type(kind.__name__, (kind,), {"forward": forward})
    return fed


def _arguments(net: nn.Module) -> list[str]:
    try:
        return list(inspect.signature(net.forward).parameters)
    except (TypeError, ValueError):  # a forward that is not written in Python
        return []
