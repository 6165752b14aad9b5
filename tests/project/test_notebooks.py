"""The notebooks as they are shipped: run from top to bottom, with their output, and small."""

from pathlib import Path

import nbformat
import pytest
from helpers.waiting import PATIENCE
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").rglob("[!.]*.ipynb"))
VIEW = "application/vnd.jupyter.widget-view+json"


def read(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_file_is_small(path: Path) -> None:
    assert path.stat().st_size < 1_000_000


def test_output_is_of_one_run(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}


def test_viewers_are_saved_with_their_state(path: Path) -> None:
    """A reopened notebook shows its viewers; where no widget can run, a still picture."""
    notebook = read(path)
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    bundles = [o.data for cell in notebook.cells for o in cell.get("outputs", []) if VIEW in o.get("data", {})]
    assert bundles
    for bundle in bundles:
        assert state[bundle[VIEW]["model_id"]]["model_name"] == "AnyModel"
        assert {"image/png", "text/plain"} <= set(bundle)


def test_every_cell_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    NotebookClient(
        read(path), timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
