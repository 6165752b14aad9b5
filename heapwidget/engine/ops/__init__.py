"""The ATen ops that the engine knows, one file a family."""

from heapwidget.engine.graph import Handler
from heapwidget.engine.ops import mixes, moves

HANDLERS: dict[str, Handler] = mixes.HANDLERS | moves.HANDLERS
