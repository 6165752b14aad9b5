"""``python -m heapwidget lab``: what it copies, what it hands on, what it says when it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyterlab.labapp import LabApp

from heapwidget import lab
from heapwidget.__main__ import main


def test_originals_hold_the_quickstart() -> None:
    assert (lab.originals() / "quickstart.ipynb").is_file()


def test_copies_all_but_hidden_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("quickstart.ipynb", "course/1.ipynb", ".ipynb_checkpoints/old.ipynb", "__pycache__/x.pyc"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    folder = tmp_path / "copy"
    assert lab.working_copy(source, folder) == folder / "quickstart.ipynb"
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        "quickstart.ipynb",
        "course/1.ipynb",
    }


def test_edits_are_kept(tmp_path: Path) -> None:
    notebook = lab.working_copy(lab.originals(), tmp_path)
    notebook.write_text("mine")
    assert lab.working_copy(lab.originals(), tmp_path).read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(lab.LabError, match="taken"):
        lab.working_copy(lab.originals(), tmp_path / "taken")


def test_missing_originals_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "heapwidget" / "lab.py"))
    with pytest.raises(lab.LabError, match="reinstall"):
        lab.originals()


@pytest.mark.parametrize(("user", "flags"), [(0, ["--allow-root"]), (1000, [])])
def test_root_is_allowed_and_arguments_go_on(monkeypatch: pytest.MonkeyPatch, user: int, flags: list[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    where = ["--ServerApp.root_dir=/n", "--LabApp.default_url=/lab/tree/q.ipynb"]
    assert lab.arguments(Path("/n/q.ipynb"), ["--port=1"]) == [*where, *flags, "--port=1"]


def test_lab_starts_on_the_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(LabApp, "launch_instance", calls.append)
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "--no-browser", "--port", "8899"]) == 0
    assert calls[0][0] == f"--ServerApp.root_dir={tmp_path / 'heapwidget-notebooks'}"
    assert calls[0][-3:] == ["--no-browser", "--port", "8899"]


def test_missing_jupyterlab_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    assert main(["lab"]) == 1
    assert capsys.readouterr().err == "JupyterLab is not installed: pip install 'heapwidget[lab]'.\n"
    assert not any(tmp_path.iterdir())


def test_help_is_printed_without_a_command() -> None:
    done = subprocess.run([sys.executable, "-m", "heapwidget"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "lab" in done.stdout


def test_unknown_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--nonsense"])
    assert "--nonsense" in capsys.readouterr().err
