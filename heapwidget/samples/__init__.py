"""A trained LeNet and digits it has never seen: examples that need no download.

The net is the one of PyTorch's first tutorial: small enough to follow every pop, and its one pooling layer is used
twice. ``python -m heapwidget.samples.train`` made both files.
"""

from heapwidget.samples.images import Digits, digits
from heapwidget.samples.net import LeNet, lenet

__all__ = ["Digits", "LeNet", "digits", "lenet"]
