"""A real JupyterLab for the browser tests: the server, its notebook page, and a line to the notebook's kernel."""

import ast
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from helpers.waiting import PATIENCE, PATIENCE_MS, wait_for
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page

TOKEN = "for-tests-only"
HERE = {"127.0.0.1", "localhost"}
# What anywidget says of a model that a slow page kept waiting; heapwidget's own goes on (test_slow_start.py).
SLOW_START = "[anywidget] Failed to initialize model."
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
}


@dataclass
class Server:
    """A running JupyterLab and the folder that it serves."""

    url: str
    folder: Path
    runtime: Path

    def ask(self, path: str, method: str = "GET") -> Any:
        """The answer of the server's interface; None where it has no content."""
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.loads(response.read() or "null")

    def shut_down(self, notebook: str) -> None:
        """End the kernel of a notebook."""
        for session in self.ask("/api/sessions"):
            if session["path"] == notebook:
                self.ask(f"/api/sessions/{session['id']}", "DELETE")

    def kernel(self, notebook: str) -> dict[str, Any]:
        """The kernel of an open notebook; an empty dict while it has none."""
        return next((s["kernel"] for s in self.ask("/api/sessions") if s["path"] == notebook), {})

    def is_up(self) -> bool:
        try:
            return bool(self.ask("/api/status"))
        except OSError:
            return False


@contextmanager
def jupyterlab(home: Path) -> Iterator[Server]:
    """JupyterLab on a free port, with all its folders below ``home``."""
    folders = {name: home / name for name in ("config", "data", "runtime", "settings", "workspaces", "notebooks")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    for plugin, settings in SETTINGS.items():
        file = folders["settings"] / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"),
        *("--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folders['notebooks']}"),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        "JUPYTER_DATA_DIR": str(folders["data"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(folders["settings"]),
        "JUPYTERLAB_WORKSPACES_DIR": str(folders["workspaces"]),
        "OMP_NUM_THREADS": "1",
    }
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        server = Server(f"http://127.0.0.1:{port}", folders["notebooks"], folders["runtime"])
        try:
            wait_for(lambda: server.is_up() or process.poll() is not None, "JupyterLab")
            if process.poll() is not None:
                raise RuntimeError(f"JupyterLab did not start\n{log.read_text(encoding='utf-8')}")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Watch:
    """What a page asked for from elsewhere, and what went wrong in it."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        """Listen only: a handler that must answer stalls the page while a test waits for the kernel."""
        context.on("request", lambda request: self._address(request.url))
        context.on("page", lambda page: page.on("websocket", lambda socket: self._address(socket.url)))
        context.on("console", self._console)
        context.on("weberror", lambda error: self._error(str(error.error)))

    def _address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"blob", "data"} and parts.hostname not in HERE:
            self.outside.append(url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._error(f"{message.text} ({message.location.get('url', '')})")

    def _error(self, text: str) -> None:
        if SLOW_START not in text:
            self.errors.append(text)


class Kernel:
    """A second line to the kernel of an open notebook."""

    def __init__(self, server: Server, notebook: str) -> None:
        kernel = server.kernel(notebook)["id"]
        self._client = BlockingKernelClient(connection_file=str(server.runtime / f"kernel-{kernel}.json"))
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)
        cells = json.loads((server.folder / notebook).read_text(encoding="utf-8"))["cells"]
        self._code_cells = sum(cell["cell_type"] == "code" for cell in cells)

    def wait_for_cells(self) -> None:
        """Wait until every code cell has run, without an error; lines sent from here do not count."""
        count = "get_ipython().execution_count"
        wait_for(lambda: self.value(count) > self._code_cells, "end of the last cell")
        assert self.value("repr(getattr(__import__('sys'), 'last_value', None))") == "None"

    def run(self, code: str) -> None:
        reply = self._client.execute(code, store_history=False, reply=True, timeout=PATIENCE)["content"]
        assert reply["status"] == "ok", reply

    def value(self, expression: str) -> Any:
        """What an expression is worth, handed over as JSON."""
        dumped = f"__import__('json').dumps({expression})"
        reply = self._client.execute(
            "", store_history=False, user_expressions={"value": dumped}, reply=True, timeout=PATIENCE
        )["content"]
        value = reply["user_expressions"]["value"]
        assert value["status"] == "ok", value
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def close(self) -> None:
        self._client.stop_channels()


def write_notebook(server: Server, name: str, cells: Sequence[str]) -> None:
    """Put a notebook of code cells into the server's folder."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, server.folder / name)


def open_notebook(page: Page, server: Server, name: str) -> None:
    """Open a notebook and wait until its kernel is idle and the page has a line to it."""

    def ready() -> bool:
        kernel = server.kernel(name)
        return kernel.get("execution_state") == "idle" and kernel["connections"] > 0

    page.goto(f"{server.url}/lab/tree/{name}?reset&token={TOKEN}")
    # The indicator says idle before there is a kernel at all.
    wait_for(ready, "kernel")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=PATIENCE_MS)


def run_all(page: Page) -> None:
    """Run every cell, from the menu."""
    page.locator('.lm-MenuBar-itemLabel:text-is("Run")').click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()


def overlay(viewer: Locator) -> list[list[int]]:
    """RGBA of each position of the input, as the overlay shows them."""
    return viewer.locator("canvas.hw-overlay").evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return Array.from({ length: data.length / 4 }, (_, i) => Array.from(data.subarray(4 * i, 4 * i + 4)));
        }"""
    )


@contextmanager
def running(page: Page, server: Server, name: str, *cells: str) -> Iterator[Kernel]:
    """A notebook of these cells, open and run, and a line to its kernel, which ends with it."""
    write_notebook(server, name, cells)
    open_notebook(page, server, name)
    run_all(page)
    kernel = Kernel(server, name)
    kernel.wait_for_cells()
    yield kernel
    kernel.close()
    server.shut_down(name)
