"""The viewer's panels, and which of them suit a trace."""

from __future__ import annotations

from heapwidget.trace.trace import Trace

PANELS = ("input", "heap", "code", "network", "curve")


def default_panels(trace: Trace) -> list[str]:
    """What a walk that conserves the target fills, or every method."""
    walked = trace.conserved and trace.phase_start("collect") > 0
    return ["input", "heap", "network", "curve"] if walked else ["input", "heap"]
