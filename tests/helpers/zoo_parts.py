"""What the nets of the zoo are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Shape = tuple[int, ...]
Animals = dict[str, tuple[Callable[[], nn.Module], Shape | tuple[Shape, ...]]]
"""By name: what makes the net, and the shape of its input, or of each of its inputs."""

IMAGE, SIGNAL, VOLUME, TOKENS, VECTOR = (1, 2, 8, 8), (1, 2, 16), (1, 1, 5, 5, 5), (1, 5, 8), (1, 6)


class Net(nn.Module):
    """A net from its modules and a function of them and the inputs."""

    def __init__(self, run: Callable[..., Any], **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self._run = run
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *x: Tensor) -> Any:
        return self._run(self, *x)


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape) / 2)


class Recurrent(nn.Module):
    """A recurrent module, its last step read out."""

    def __init__(self, cell: nn.Module, width: int = 3) -> None:
        super().__init__()
        self.cell, self.out = cell, nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.cell(x)[0][:, -1])
