"""The viewer's panels, and which of them suit a trace: one entry a panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from heapwidget.errors import check_choice
from heapwidget.trace.trace import Trace

# Whether a viewer of a trace shows a panel at first.
Suits = Callable[[Trace], bool]


def _walked(trace: Trace) -> bool:
    """Whether a walk that conserves the target fills it."""
    return trace.conserved and trace.phase_start("collect") > 0


# In the order in which they are shown; the vocabulary has their titles.
PANELS: dict[str, Suits] = {
    "input": lambda trace: True,
    "heap": lambda trace: True,
    "code": lambda trace: False,
    "network": _walked,
    "curve": _walked,
}


def register_panel(name: str, at_first: Suits = lambda trace: False) -> None:
    """Let viewers show a panel that the front end was built with, one more than the package's own.

    Parameters
    ----------
    name
        What the front end calls it: the `name` of its `Panel`.
    at_first
        Of which traces a viewer shows it without being asked; by default of none.

    Raises
    ------
    ValueError
        If there is a panel of that name.
    """
    if name in PANELS:
        raise ValueError(f"there is a panel {name!r} already; take another name than {', '.join(map(repr, PANELS))}")
    PANELS[name] = at_first


def default_panels(trace: Trace) -> list[str]:
    """What a viewer of a trace shows at first."""
    return [name for name, suits in PANELS.items() if suits(trace)]


def read_panels(names: Sequence[str]) -> list[str]:
    """The panels to show, each once.

    Raises
    ------
    ValueError
        For a name that no panel has.
    """
    for name in names:
        check_choice("panel", name, tuple(PANELS))
    return list(dict.fromkeys(names))
