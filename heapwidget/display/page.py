"""A viewer as one page of its own: script, style and data inside, no request to anywhere, opens from disk."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import Any, NamedTuple

from heapwidget.display.bookmarks import read_bookmarks
from heapwidget.display.panels import default_panels, read_panels
from heapwidget.display.payload import bundled, packed, shown_input
from heapwidget.findings.findings import Findings
from heapwidget.replacing import replacing

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This viewer is drawn by JavaScript, which is switched off.</noscript>
<main>
<h1>{title}</h1>
{data}
</main>
<script>{script}</script>
</body>
</html>
"""
DATA = '<script type="application/json" class="heapwidget-data">{data}</script>'


class Shown(NamedTuple):
    """A viewer of a page.

    Attributes
    ----------
    explanation
        What it shows.
    state
        Where it begins: what the front end calls its state.
    """

    explanation: Findings
    state: Mapping[str, Any]

    @classmethod
    def at(
        cls, explanation: Findings, step: int = 0, bookmarks: object = (), panels: Sequence[str] | None = None
    ) -> Shown:
        """A viewer that opens at a step.

        Raises
        ------
        TypeError, ValueError
            For bookmarks and panels that cannot be meant.
        """
        trace = explanation.trace
        state = {
            "step": min(max(step, 0), trace.n_steps),
            "bookmarks": read_bookmarks(bookmarks, trace.n_steps),
            "panels": default_panels(trace) if panels is None else read_panels(panels),
        }
        return cls(explanation, state)


def write_page(path: str | os.PathLike[str], *shown: Shown) -> None:
    """Write the page, whole or not at all, as UTF-8 whatever the machine's own encoding is."""
    text = page(*shown).encode("utf-8")
    with replacing(path) as file:
        file.write(text)


def page(*shown: Shown) -> str:
    """The page as text, with its viewers beside one another.

    Raises
    ------
    RuntimeError
        If the package holds no bundle: a checkout that was never installed.
    """
    style, script = bundled("widget.css"), _harmless(bundled("standalone.js"))
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    labels = dict.fromkeys(e.trace.header.target.label for e, _ in shown)
    return PAGE.format(
        policy=policy,
        title=escape(f"{', '.join(labels)} · heapwidget"),
        style=style,
        data="\n".join(DATA.format(data=_data(one)) for one in shown),
        script=script,
    )


def _data(shown: Shown) -> str:
    """Header, columns in base64, and what the input panel draws; no `<` is left that could end the script."""
    explanation, state = shown
    data = packed(explanation) | {"input": shown_input(explanation), "state": dict(state)}
    return json.dumps(data, default=_base64, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _base64(buffer: memoryview) -> str:
    return b64encode(buffer.tobytes()).decode("ascii")


def _harmless(script: str) -> str:
    """The same program without the sequences that end a script element, or hide its end."""
    for word in ("</script", "<script", "<!--"):
        script = script.replace(word, f"\\x3c{word[1:]}")
    return script


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}"
