"""Pictures to show for the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from heapwidget.arguments.inputs import by_input
from heapwidget.errors import brief


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
