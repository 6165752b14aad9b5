"""The ATen ops that the engine knows, one file a family, and the rules that users registered."""

from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Builder, Handler, OpFamily
from heapwidget.engine.ops import (
    arithmetic,
    convolution,
    elementwise,
    interpolation,
    matmul,
    movement,
    normalization,
    pooling,
    selection,
    summing,
)
from heapwidget.engine.ops.generic import by_gradient
from heapwidget.engine.ops.registry import registered

_FILES = (
    convolution,
    matmul,
    pooling,
    arithmetic,
    interpolation,
    elementwise,
    normalization,
    selection,
    summing,
    movement,
)
FAMILIES: dict[str, OpFamily] = {file.__name__.rpartition(".")[2]: file.FAMILY for file in _FILES}

HANDLERS: dict[str, Handler] = {name: f for family in FAMILIES.values() for name, f in family.handlers.items()}

# What the layers are called that rules are about; a net need not have all of them.
RULED = frozenset(flow.family for family in FAMILIES.values() for flow in family.flows if flow.ruled)


def add_call(builder: Builder, call: Call) -> None:
    """Add what a call does to the graph: by the rule that a user registered, by its family, or by its own gradient."""
    handler = registered(call) or (HANDLERS.get(call.name) if call.op.namespace == "aten" else None)
    if handler is None or not handler(builder, call):
        by_gradient(builder, call)
