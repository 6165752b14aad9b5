"""How what was given instead of a tensor of floats becomes one: code that works as it stands, for just this value."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from heapwidget.arguments.nets import takes_embeddings

# Pictures that need no conversion before their bytes are numbers.
PLAIN_MODES = ("L", "RGB")
# What comes along with the inputs that are explained.
MASK = "a mask belongs into a module around the net, which passes it on"


def to_tensor(x: Any, name: str, net: nn.Module) -> str:
    """Code that makes a tensor of an array, a picture, a list or a row of a table."""
    dtype = _dtype(net)
    cast = ".float()" if dtype == torch.float32 else f".to({dtype})"
    if hasattr(x, "getbands") and hasattr(x, "convert"):
        return f"for a picture, {_of_picture(x, name)}{cast} / 255"
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiubc" and x.dtype.isnative and min(x.strides, default=0) >= 0:
        with suppress(TypeError):
            return f"for an array, {_of_array(torch.from_numpy(x[:0] if x.ndim else x).dtype, dtype, name, cast)}"
    if isinstance(x, list | tuple | range):
        with suppress(Exception):
            np.asarray(x, dtype=np.float64)
            return f"for numbers in a list, torch.tensor({name}, dtype={dtype})"
    for given_name, given in ((name, x), (f"{name}.toarray()", getattr(x, "toarray", lambda: None)())):
        with suppress(Exception):
            if given is not None and hasattr(given, "__array__") and np.asarray(given, dtype=np.float32).ndim:
                made = f"torch.tensor(numpy.ascontiguousarray({given_name}, dtype='float32'))"
                return f"for an array, {made}{'' if dtype == torch.float32 else cast}"
    return "pass the numbers that the net takes, as a tensor of floats"


def _of_array(given: torch.dtype, dtype: torch.dtype, name: str, cast: str) -> str:
    made = f"torch.from_numpy({name})"
    if given.is_complex:
        return f"torch.view_as_real({made}){cast}, the parts of which a net takes apart"
    return f"{made}{'' if given == dtype else cast}{' / 255' if given == torch.uint8 else ''}"


def _of_picture(x: Any, name: str) -> str:
    mode = x.mode if x.mode in PLAIN_MODES else "L" if x.mode in ("1", "I", "F") else "RGB"
    pixels = f"torch.tensor(numpy.array({name if x.mode == mode else f'{name}.convert({mode!r})'}))"
    return f"{pixels}[None, None]" if mode == "L" else f"{pixels}.permute(2, 0, 1)[None]"


def to_floats(x: Tensor, name: str, net: nn.Module) -> str:
    """What to do about whole numbers: bytes of an image, ids that the net looks up, a mask, or just numbers."""
    dtype = _dtype(net)
    cast = f"{name}.float()" if dtype == torch.float32 else f"{name}.to({dtype})"
    mask = "" if name == "x" else f"; {MASK}"
    if x.dtype == torch.uint8:
        return f"for images use {cast} / 255{mask}"
    table = _table(x, net)
    if table is None:
        return f"pass {cast}{mask}"
    if mask:
        return f"{MASK}, and so does an index: self.net = net, and def forward(self, x): return self.net(x, mask)"
    if takes_embeddings(net) and hasattr(net, "get_input_embeddings"):
        return "for token ids explain the embeddings: attribute(net, net.get_input_embeddings()(x))"
    return (
        f"for token ids explain the embeddings: e = net.get_submodule({table!r})(x), then "
        f"net.set_submodule({table!r}, torch.nn.Identity()) and attribute(net, e)"
    )


def _table(x: Tensor, net: nn.Module) -> str | None:
    """The path of the first table of embeddings that could look these numbers up; a mask may go with any."""
    ids = x.dtype in (torch.int64, torch.int32) and x.numel() > 0
    if not (ids or x.dtype == torch.bool):
        return None
    most = int(x.max()) if ids else -1
    tables = ((path, m) for path, m in net.named_modules() if path and isinstance(m, nn.Embedding))
    return next((path for path, m in tables if m.num_embeddings > most), None)


def _dtype(net: nn.Module) -> torch.dtype:
    """The floats that a net takes."""
    return next((p.dtype for p in net.parameters() if p.is_floating_point()), torch.float32)
