"""Text models of the common form: token ids come first, and embeddings by the name `inputs_embeds`."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

IDS, EMBEDDINGS = "input_ids", "inputs_embeds"


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
