"""The ATen ops that the engine knows, one file a family, and the rules that users registered."""

from heapwidget.engine.capture import Call
from heapwidget.engine.graph.builder import Handler
from heapwidget.engine.ops import mixes, moves
from heapwidget.engine.ops.registry import registered

HANDLERS: dict[str, Handler] = mixes.HANDLERS | moves.HANDLERS


def handler_of(call: Call) -> Handler | None:
    """Who takes a call: the rule that a user registered for its op, else the family that knows it, if any does."""
    own = registered(call)
    if own is not None or call.op.namespace != "aten":
        return own
    return HANDLERS.get(call.name)
