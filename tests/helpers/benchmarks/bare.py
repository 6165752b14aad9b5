"""A browser with no tools attached: under them it keeps each page a second time, and decodes it again once read."""

import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

from helpers.browser.fixtures import FLAGS
from helpers.waiting import PATIENCE, wait_for


class Bare:
    """A running browser, spoken to by the addresses that list and open its pages alone."""

    def __init__(self, port: str) -> None:
        self.port = port

    def figures(self, address: str) -> dict[str, float]:
        """What a benchmark page has written into its title, once it is done."""
        opened = self._ask(f"new?{address}", "PUT")["id"]
        title = wait_for(lambda: self._title(opened), "figures in the page's title")
        self._ask(f"close/{opened}")
        figures: dict[str, float] = json.loads(title)
        return figures

    def _title(self, opened: str) -> str:
        # The list is written for a page that would show it.
        title = unescape(next(page["title"] for page in self._ask("list") if page["id"] == opened))
        return title if title.startswith("{") else ""

    def _ask(self, what: str, method: str = "GET") -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/json/{what}", method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            said = response.read().decode()
        return json.loads(said) if said.startswith(("{", "[")) else said


@contextmanager
def bare_browser(chromium: str) -> Iterator[Bare]:
    """A browser that has been running for a moment, with a profile of its own."""
    profile = Path(tempfile.mkdtemp())
    command = [
        *(chromium, *FLAGS, "--headless=new", "--window-size=1400,1000"),
        *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        told = profile / "DevToolsActivePort"
        port = wait_for(lambda: told.exists() and told.read_text(encoding="utf-8").split("\n")[0], "port")
        yield Bare(port)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)
