"""A net that changes itself and the world around it wherever it can."""

from __future__ import annotations

import random
from collections import deque

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

X = torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(1))


class Busy(nn.Module):
    """Does all that a forward should not."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.drop = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)
        self.head = nn.Linear(2 * 4 * 4, 3)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("last", torch.zeros(1, 1, 6, 6))
        self.register_buffer("average", torch.zeros(3), persistent=False)
        self.seen: list[int] = [1]
        self.recent: deque[int] = deque([4], maxlen=3)
        self.table: dict[str, int] = {"a": 1}
        self.plain = torch.zeros(3)
        self.fail = False

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last.copy_(x)
        self.new_attribute = x.mean()
        self.seen.append(len(self.seen))
        self.recent.append(5)
        self.table["b"] = 2
        self.table.pop("a", None)
        self.plain += 1
        self.register_buffer("late", torch.ones(2))
        self.head.weight.requires_grad = False
        self.head.bias.grad = None
        random.random()
        np.random.rand()  # noqa: NPY002
        torch.rand(3)
        self.conv.register_forward_hook(lambda *_: None)
        self.drop.train()
        h = self.drop(F.relu(self.norm(self.conv(x)), inplace=True))
        out = self.head(h.flatten(1))
        self.average.mul_(0.9).add_(out[0] * 0.1)
        if self.fail:
            raise KeyError("a layer of mine")
        return out
