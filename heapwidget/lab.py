"""Open JupyterLab on the notebooks that come with the package.

The notebooks are copied into ``heapwidget-notebooks`` in the current folder, so that they can be run, changed and
saved. A file that is already there stays as it is, whatever the reader has made of it; delete it, or the folder, to
have the original again.
"""

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from heapwidget.replacing import replacing

FIRST = "quickstart.ipynb"
WORKING_FOLDER = "heapwidget-notebooks"


class LabError(Exception):
    """Why JupyterLab cannot be opened, in one sentence."""


def originals() -> Path:
    """The folder of the shipped notebooks: inside an installed package, beside it in a checkout.

    Raises
    ------
    LabError
        If neither holds the quickstart.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / FIRST).is_file():
            return folder
    raise LabError(f"{FIRST} is neither in {package} nor beside it: reinstall heapwidget.")


def _files(folder: Path) -> Iterator[Path]:
    """Paths of the files below a folder, relative to it, hidden ones left out."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__")) for part in relative.parts):
            yield relative


def working_copy(source: Path, folder: Path) -> Path:
    """Copy what is not there yet, and return the path of the quickstart.

    Raises
    ------
    LabError
        If the folder cannot be written.
    """
    try:
        for relative in _files(source):
            target = folder / relative
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                # Half a notebook would be taken for the reader's own the next time.
                with replacing(target) as file:
                    file.write((source / relative).read_bytes())
    except OSError as error:
        raise LabError(f"Cannot write to {folder} ({error.strerror}): change to a folder of your own.") from error
    return folder / FIRST


def arguments(notebook: Path, extra: Sequence[str]) -> list[str]:
    """The command line for JupyterLab; root may not start it without saying so."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    # As a default URL the notebook opens from the printed address too, where no browser is at hand.
    where = [f"--ServerApp.root_dir={notebook.parent}", f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    return [*where, *(["--allow-root"] if is_root else []), *extra]


def open_lab(extra: Sequence[str] = ()) -> None:
    """Run JupyterLab on the quickstart until it is shut down.

    Parameters
    ----------
    extra
        Further arguments for JupyterLab, such as ``--no-browser`` or ``--port=8899``.

    Raises
    ------
    LabError
        If JupyterLab is not installed, or the notebooks can be neither found nor copied.
    """
    if find_spec("jupyterlab") is None:
        raise LabError("JupyterLab is not installed: pip install 'heapwidget[lab]'.")
    notebook = working_copy(originals(), Path.cwd() / WORKING_FOLDER)
    # Only the extra "lab" brings it.
    import_module("jupyterlab.labapp").LabApp.launch_instance(arguments(notebook, extra))
