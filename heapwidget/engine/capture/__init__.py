"""Running a net and seeing all of what it does, without touching it."""

from heapwidget.engine.capture.calls import Call, Recording, RunAs
from heapwidget.engine.capture.confirm import confirm
from heapwidget.engine.capture.run import apart, called, input_names, record

__all__ = ["Call", "Recording", "RunAs", "apart", "called", "confirm", "input_names", "record"]
