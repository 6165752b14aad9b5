"""The viewer's script and style, as the build made them."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"


def bundled(name: str) -> str:
    """The text of a file of the bundle.

    Raises
    ------
    RuntimeError
        If the package holds no bundle: a checkout that was never installed.
    """
    try:
        return (STATIC / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RuntimeError(
            f"the viewer's bundle {name} is missing: install the package (pip install .), which builds it"
        ) from None
