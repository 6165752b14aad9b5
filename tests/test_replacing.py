"""Files are written whole or not at all: what was there stays byte for byte, and nothing is left beside it."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pytest
import torch
from helpers.nets import mlp

import heapwidget as hw
from heapwidget import lab, replacing
from heapwidget.demo import write_demo
from heapwidget.replacing import replacing as writing

OLD = b"what was there"
Writer = Callable[[Path], object]


@pytest.fixture(scope="module")
def writers(bundle: Path) -> dict[str, Writer]:
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3))
    return {
        "save": e.save,
        "page": e.to_html,
        "viewer": e.view().to_html,
        "comparison": hw.compare(e, e).to_html,
        "demo": write_demo,
        "png": e.plot().savefig,
        "svg": lambda path: e.plot().savefig(str(path), format="svg"),
        "pdf": lambda path: e.plot().savefig(path, format="pdf"),
    }


WRITERS = ["save", "page", "viewer", "comparison", "demo", "png", "svg", "pdf"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Full:
    """A file on a disk that fills up after so many bytes."""

    def __init__(self, file: Any, room: int, error: BaseException) -> None:
        self._file, self._room, self._error = file, room, error

    def write(self, data: Any) -> int:
        self._room -= memoryview(data).nbytes
        if self._room < 0:
            raise self._error
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._file)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("room", [0, 300])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_a_failed_write_leaves_what_was_there(
    name: str,
    room: int,
    error: BaseException,
    writers: dict[str, Writer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, created = tmp_path / "file.png", replacing._created
    path.write_bytes(OLD)
    monkeypatch.setattr(replacing, "_created", lambda *given: Full(created(*given), room, error))
    with pytest.raises(type(error)):
        writers[name](path)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_takes_the_place_of_what_was_there(name: str, writers: dict[str, Writer], tmp_path: Path) -> None:
    path = tmp_path / "file.png"
    path.write_bytes(OLD)
    path.chmod(0o640)
    writers[name](path)
    assert path.read_bytes() != OLD
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_link_is_followed(name: str, writers: dict[str, Writer], tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target.png", tmp_path / "link.png"
    target.write_bytes(OLD)
    link.symlink_to(target)
    writers[name](link)
    assert link.is_symlink()
    assert target.read_bytes() != OLD
    assert names(tmp_path / "there") == [target.name]


def test_a_new_file_gets_the_permissions_of_any(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    with writing(tmp_path / "new") as file:
        file.write(OLD)
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_link_to_nothing_makes_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with writing(tmp_path / "link") as file:
        file.write(OLD)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == OLD


def test_errors_name_the_path_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path, error in ((tmp_path / "missing" / "a", FileNotFoundError), (tmp_path / "folder", IsADirectoryError)):
        with pytest.raises(error) as raised, writing(path):
            raise AssertionError
        assert raised.value.filename is not None
        assert os.fspath(raised.value.filename) == os.fspath(path)


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked"
    path.write_bytes(OLD)
    # For root all files may be written.
    monkeypatch.setattr(os, "access", lambda file, mode: False)
    with pytest.raises(PermissionError), writing(path):
        raise AssertionError
    assert path.read_bytes() == OLD


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with writing(pipe) as file:
        file.write(OLD)
    reader.join()
    assert got == [OLD]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(("name", "written"), [("a", "a.png"), ("a.", "a.png"), ("a.svg", "a.svg"), ("b.PDF", "b.PDF")])
def test_figures_are_named_as_matplotlib_names_them(name: str, written: str, tmp_path: Path) -> None:
    figure = hw.attribute(mlp(3, 2), torch.rand(1, 3)).plot()
    figure.savefig(tmp_path / name)
    matplotlib.figure.Figure.savefig(figure, tmp_path / f"plain-{name}")
    assert names(tmp_path) == sorted([written, f"plain-{written}"])


def test_a_full_disk_leaves_no_half_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    created, error = replacing._created, OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(replacing, "_created", lambda *given: Full(created(*given), 0, error))
    with pytest.raises(lab.LabError, match="No space left"):
        lab.working_copy(lab.originals(), tmp_path / "work")
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]


LIMITED = """
import resource, signal, sys
import numpy as np
from heapwidget.replacing import replacing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with replacing(sys.argv[1]) as file:
    file.write(bytes(100_000))
"""


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs limits of POSIX")
def test_the_systems_own_limit_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True)
    assert "File too large" in done.stderr
    assert path.read_bytes() == OLD
    assert names(tmp_path) == [path.name]


def test_what_is_saved_over_a_loaded_file_is_read(tmp_path: Path) -> None:
    e = hw.attribute(mlp(3, 4, 2), torch.rand(1, 3))
    e.save(tmp_path / "e.npz")
    hw.load(tmp_path / "e.npz").save(tmp_path / "e.npz")
    assert np.array_equal(hw.load(tmp_path / "e.npz").order, e.order)
