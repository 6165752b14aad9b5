"""The founding article's script, written afresh: the gradient of LeNet's outputs at each pixel, put into a heap.

It builds the net, differentiates the sum of its outputs with respect to the image, pushes `(gradient, pixel)` for all
784 pixels with `heapq` and pops them all: a min-heap, so the most negative gradient comes first.
"""

from __future__ import annotations

import heapq

import torch
import torch.nn as nn
import torch.nn.functional as F


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 4 * 4)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x


def pops(net, image):
    """All pixels in pop order, as (gradient, pixel)."""
    image = image.clone().requires_grad_(True)
    outputs = net(image)
    gradient = torch.autograd.grad(outputs.sum(), image)[0]
    heap = []
    for index, value in enumerate(gradient.flatten().tolist()):
        heapq.heappush(heap, (value, index))
    popped = []
    while heap:
        popped.append(heapq.heappop(heap))
    return popped


if __name__ == "__main__":
    torch.manual_seed(0)
    for value, index in pops(LeNet(), torch.randn(1, 1, 28, 28)):
        print(index, value)
