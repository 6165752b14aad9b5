"""The LeNet of the founding article, and the weights that ship with it."""

from importlib.resources import files

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

WEIGHTS = "lenet.npz"


class LeNet(nn.Module):
    """Two convolutions and three linear layers for 28 x 28 grey images in [0, 1].

    ``pool`` is one module used twice, as in the article: tools that watch modules rather than operations stumble on it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28)."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 4 * 4)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x


def lenet() -> LeNet:
    """The trained net, in eval mode and float32.

    Returns
    -------
    LeNet
        A fresh copy at each call, with the weights that ship in the package: float16 numbers, exact in float32.

    Examples
    --------
    >>> from heapwidget.samples import digits, lenet
    >>> x = digits().images[7:8, None].float() / 255
    >>> int(lenet()(x).argmax())
    7
    """
    with (files(__package__) / WEIGHTS).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files}
    # Built without memory, then given its weights: the caller's random numbers stay as they are.
    with torch.device("meta"):
        net = LeNet()
    net.load_state_dict(state, assign=True)
    return net.eval()
