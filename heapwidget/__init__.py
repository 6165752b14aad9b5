"""Watch a neural network's decision being taken apart, pop by pop."""

from heapwidget import samples
from heapwidget.api import attribute, explain
from heapwidget.engine.errors import TraceFormatError, UnsupportedOpError
from heapwidget.engine.rules import Rule, epsilon, flat, zplus
from heapwidget.explanation import Explanation, Ledger, load
from heapwidget.faithfulness import Faithfulness
from heapwidget.paths import Path
from heapwidget.viewer import HeapViewer

__version__ = "0.1.0"

__all__ = [
    "Explanation",
    "Faithfulness",
    "HeapViewer",
    "Ledger",
    "Path",
    "Rule",
    "TraceFormatError",
    "UnsupportedOpError",
    "attribute",
    "epsilon",
    "explain",
    "flat",
    "load",
    "samples",
    "zplus",
]
