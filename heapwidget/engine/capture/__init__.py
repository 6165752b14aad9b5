"""Running a net and seeing all of what it does, without touching it."""

from heapwidget.engine.capture.calls import Call, Recording, RunAs
from heapwidget.engine.capture.confirm import confirm
from heapwidget.engine.capture.run import apart, input_names, net_errors, record

__all__ = ["Call", "Recording", "RunAs", "apart", "confirm", "input_names", "net_errors", "record"]
