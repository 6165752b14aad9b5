"""Watch a neural network's decision being taken apart, pop by pop.

Each name is looked up when it is first used: neither the engine nor a saved trace needs the viewer, or its bundle.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heapwidget import samples as samples
    from heapwidget.api import attribute as attribute
    from heapwidget.api import explain as explain
    from heapwidget.display.comparison import Comparison as Comparison
    from heapwidget.display.comparison import compare as compare
    from heapwidget.display.viewer import HeapViewer as HeapViewer
    from heapwidget.engine.composites import Composite as Composite
    from heapwidget.engine.ops.registry import Registration as Registration
    from heapwidget.engine.ops.registry import register_rule as register_rule
    from heapwidget.engine.rules import Branch as Branch
    from heapwidget.engine.rules import Rule as Rule
    from heapwidget.engine.rules import Term as Term
    from heapwidget.engine.rules import absolute as absolute
    from heapwidget.engine.rules import alpha_beta as alpha_beta
    from heapwidget.engine.rules import epsilon as epsilon
    from heapwidget.engine.rules import flat as flat
    from heapwidget.engine.rules import gamma as gamma
    from heapwidget.engine.rules import w_square as w_square
    from heapwidget.engine.rules import z_box as z_box
    from heapwidget.engine.rules import zplus as zplus
    from heapwidget.errors import TraceFormatError as TraceFormatError
    from heapwidget.errors import UnsupportedOpError as UnsupportedOpError
    from heapwidget.explanation import Explanation as Explanation
    from heapwidget.explanation import load as load
    from heapwidget.findings.curves import Faithfulness as Faithfulness
    from heapwidget.findings.paths import Path as Path
    from heapwidget.trace.ledger import Ledger as Ledger

__version__ = "0.1.0"

# Where the public names are at home.
_NAMES = {
    "api": "attribute explain",
    "display.comparison": "Comparison compare",
    "display.viewer": "HeapViewer",
    "engine.composites": "Composite",
    "engine.ops.registry": "Registration register_rule",
    "engine.rules": "Branch Rule Term absolute alpha_beta epsilon flat gamma w_square z_box zplus",
    "errors": "TraceFormatError UnsupportedOpError",
    "explanation": "Explanation load",
    "findings.curves": "Faithfulness",
    "findings.paths": "Path",
    "trace.ledger": "Ledger",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = ["samples", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Whatever is imported as a module is an attribute from then on.
    found = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    return globals().setdefault(name, getattr(found, name) if name in _HOMES else found)


def __dir__() -> list[str]:
    return sorted(["__doc__", "__version__", *__all__])
