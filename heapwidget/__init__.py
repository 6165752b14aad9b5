"""Watch a neural network's decision being taken apart, pop by pop."""

from heapwidget import samples
from heapwidget.api import attribute, explain
from heapwidget.display.comparison import Comparison, compare
from heapwidget.display.viewer import HeapViewer
from heapwidget.engine.composites import Composite
from heapwidget.engine.ops.registry import Registration, register_rule
from heapwidget.engine.rules import (
    Branch,
    Rule,
    Term,
    absolute,
    alpha_beta,
    epsilon,
    flat,
    gamma,
    w_square,
    z_box,
    zplus,
)
from heapwidget.errors import TraceFormatError, UnsupportedOpError
from heapwidget.explanation import Explanation, load
from heapwidget.findings.curves import Faithfulness
from heapwidget.findings.paths import Path
from heapwidget.trace.ledger import Ledger

__version__ = "0.1.0"

__all__ = [
    "Branch",
    "Comparison",
    "Composite",
    "Explanation",
    "Faithfulness",
    "HeapViewer",
    "Ledger",
    "Path",
    "Registration",
    "Rule",
    "Term",
    "TraceFormatError",
    "UnsupportedOpError",
    "absolute",
    "alpha_beta",
    "attribute",
    "compare",
    "epsilon",
    "explain",
    "flat",
    "gamma",
    "load",
    "register_rule",
    "samples",
    "w_square",
    "z_box",
    "zplus",
]
