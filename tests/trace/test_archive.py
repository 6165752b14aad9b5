"""A file is judged before it is unpacked: bombs, lies about sizes, and members that no trace has."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.nets import mlp

import heapwidget as hw
from heapwidget.trace import archive as trace_archive
from heapwidget.trace import file as trace_file
from heapwidget.trace.archive import LARGEST, LARGEST_HEADER, LARGEST_STRAYS
from heapwidget.trace.columns import COLUMNS
from heapwidget.trace.file import Saved

Members = dict[str, bytes]
LARGE = 2**24


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """The members of a sound file, unpacked."""
    path = tmp_path_factory.mktemp("archive") / "e.npz"
    hw.attribute(mlp(4, 3), torch.rand(1, 4)).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def own_header(shape: str, descr: str = "'<f4'", fortran: str = "False") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def zeros(path: Path, members: Members, name: str, size: int, own: bytes) -> Path:
    """A file with one more member, of so many zeros behind its own header."""
    write(path, members)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        file.write(own)
        for at in range(0, size, LARGE):
            file.write(bytes(min(LARGE, size - at)))
    return path


MEASURED = """
import sys, tracemalloc
import numpy, torch
import heapwidget as hw
# What is imported on the way is no memory of the file's.
try:
    hw.load(sys.argv[2])
except (hw.TraceFormatError, OSError):
    pass
tracemalloc.start()
try:
    hw.load(sys.argv[1])
    said = "loaded"
except hw.TraceFormatError as error:
    said = str(error)
print(tracemalloc.get_traced_memory()[1], said)
"""


def measured(path: Path) -> tuple[int, str]:
    """The most bytes that were held while a file was loaded, in a process of its own, and what was said of it."""
    command = [sys.executable, "-c", MEASURED, str(path), str(path.parent / "nothing")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    most, said = done.stdout.strip().split(" ", 1)
    return int(most), said


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("x1.npy", 2**26, "column 'x1' belongs to no input"),
        ("x1.npy", LARGEST, "files of up to 1 GiB are read"),
        ("image.npy", 2**26, "column 'image' is no picture"),
        ("else.npy", 2**26, "are of no column"),
        ("else", 2**26, "are of no column"),
        ("../x.npy", 2**26, "are of no column"),
        ("pop_node.npy", 2**26, "column 'pop_node'"),
        ("log_node.npy", 2**26, "column 'log_"),
        ("contribution.npy", 2**26, "column 'contribution'"),
        ("x.npy", 2**26, "column 'x'"),
        ("header.npy", 2**26, "column 'header'"),
    ],
)
def test_a_bomb_is_not_unpacked(name: str, size: int, said: str, members: Members, tmp_path: Path) -> None:
    descr = {"header": "|u1", "image": "|u1", "pop_node": "<u4", "log_node": "<u4"}.get(name[:-4], "<f4")
    count = size // np.dtype(descr).itemsize
    others = {n: data for n, data in members.items() if n != name}
    path = zeros(tmp_path / "bomb.npz", others, name, size, own_header(f"({count},)", repr(descr)))
    assert path.stat().st_size < size / 100
    most, words = measured(path)
    assert said in words
    assert most < 2**21


def test_memory_while_loading_is_at_most_three_times_the_arrays(tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 300 * 300, 4))
    e = hw.attribute(net, torch.rand(1, 3, 300, 300))
    e.save(tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz") as arrays:
        declared = sum(arrays[name].nbytes for name in arrays.files)
    assert declared > 4 * 2**20
    most, said = measured(tmp_path / "e.npz")
    assert said == "loaded"
    assert most < 3 * declared


def test_a_long_log_takes_no_more(tmp_path: Path) -> None:
    """A log that is nearly all of the file: one node is told again and again."""
    e = hw.attribute(mlp(4, 3), torch.rand(1, 4), max_pops=1)
    trace, more = e.trace, 2**22
    walk = trace.header["phases"]["walk"]
    end = int(trace.columns["log_offset"][walk])
    columns = dict(trace.columns)
    for name in ("log_node", "log_key"):
        columns[name] = np.insert(columns[name], end, np.full(more, 0, columns[name].dtype))
    columns["log_offset"] = columns["log_offset"].copy()
    columns["log_offset"][walk:] += more
    x = np.ones((1, 4), np.float32)
    trace_file.save(tmp_path / "e.npz", Saved(type(trace)(trace.header, columns), (x,), (None,), several=False))
    most, said = measured(tmp_path / "e.npz")
    assert said == "loaded"
    assert most < 3 * 8 * more


Change = Callable[[bytes], bytes]


def central(field: int, form: str, value: int, name: bytes = b"pop_node.npy") -> Change:
    """A file whose directory says something else of a member."""

    def change(data: bytes) -> bytes:
        at = data.rfind(name) - 46
        assert data[at : at + 4] == b"PK\1\2"
        spoilt = bytearray(data)
        struct.pack_into(form, spoilt, at + field, value)
        return bytes(spoilt)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (central(24, "<L", 2**31), "column 'pop_node' cannot be of 2,147,483,648 bytes"),
        (central(24, "<L", 5), "column 'pop_node'"),
        (central(20, "<L", 2**31), "lie over one another"),
        (central(16, "<L", 1), "column 'pop_node' cannot be read"),
        (central(8, "<H", 1), "encrypted or packed"),
        (central(10, "<H", zipfile.ZIP_LZMA), "encrypted or packed"),
        (central(10, "<H", zipfile.ZIP_BZIP2), "encrypted or packed"),
        (central(10, "<H", 99), "encrypted or packed"),
        (central(42, "<L", 2**31), "no heapwidget trace|cannot be read"),
        (central(42, "<L", 0), "column 'pop_node' cannot be read"),
        (lambda data: data[:-1], "no heapwidget trace"),
        (lambda data: data[: len(data) // 2], "no heapwidget trace"),
        (lambda data: data[:-12] + b"\xff\xff" + data[-10:], "no heapwidget trace"),
        (lambda data: data + data, "there twice|no heapwidget trace|cannot be read|pop_node"),
    ],
)
def test_what_the_directory_says_is_checked(change: Change, said: str, members: Members, tmp_path: Path) -> None:
    path = write(tmp_path / "e.npz", members)
    data = change(path.read_bytes())
    path.write_bytes(data)
    if data[: len(data) // 2] == data[len(data) // 2 :]:
        assert hw.load(path).trace.n_steps
        return
    with pytest.raises(hw.TraceFormatError, match=said):
        hw.load(path)


@pytest.mark.parametrize("garbage", [b"", b"x", bytes(1000)])
@pytest.mark.parametrize("before", [True, False])
def test_what_lies_around_the_archive_is_no_matter_or_refused(
    garbage: bytes, before: bool, members: Members, tmp_path: Path
) -> None:
    path = write(tmp_path / "e.npz", members)
    data = path.read_bytes()
    path.write_bytes(garbage + data if before else data + garbage)
    try:
        assert hw.load(path).trace.n_steps
    except hw.TraceFormatError as error:
        assert "no heapwidget trace" in str(error)  # noqa: PT017  # either will do


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_are_read(method: int, members: Members, tmp_path: Path) -> None:
    assert hw.load(write(tmp_path / "e.npz", members, method)).trace.n_steps


def test_a_member_that_is_there_twice_is_named(members: Members, tmp_path: Path) -> None:
    path = write(tmp_path / "e.npz", members)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("bound.npy", members["bound.npy"])
    with pytest.raises(hw.TraceFormatError, match="column 'bound' is there twice"):
        hw.load(path)


@pytest.mark.parametrize("name", ["else.npy", "../../x.npy", "/etc/passwd", "x", "x00000.npy", "header", "x.npy/"])
def test_members_of_other_names_are_passed_over(name: str, members: Members, tmp_path: Path) -> None:
    path = write(tmp_path / "e.npz", members | {name: b"\x80\x04K\x01."})
    assert hw.load(path).trace.n_steps
    assert [p.name for p in tmp_path.iterdir()] == ["e.npz"]


@pytest.mark.parametrize("name", ["x0.npy", "x1.npy", "image0.npy", "image7.npy", "x01.npy"])
def test_what_belongs_to_no_input_is_named(name: str, members: Members, tmp_path: Path) -> None:
    path = write(tmp_path / "e.npz", members | {name: own_header("(0,)", "'|u1'" if name[0] == "i" else "'<f4'")})
    with pytest.raises(hw.TraceFormatError, match=r"column '\w+' (belongs to no input|is missing)"):
        hw.load(path)


OWN = [
    (own_header("(5,)"), "not as long as the file says"),
    (own_header("(1,3)"), "2 axes"),
    (own_header("()"), "0 axes"),
    (own_header("(9223372036854775807, 2)"), "axes"),
    (own_header("(99999999999999999999,)"), "no plain array"),
    (own_header("(-3,)"), "no plain array"),
    (own_header("(3.0,)"), "no plain array"),
    (own_header("(3,)", "'|O'"), "not a plain column"),
    (own_header("(3,)", "[('a', '<f4')]"), "no plain array"),
    (own_header("(3,)", "'<f8'"), "not a plain column"),
    (own_header("(3,)", "'>f4'"), "not a plain column"),
    (own_header("(3,)", "'<V0'"), "not a plain column"),
    (own_header("(3,)", "'<U999'"), "not a plain column"),
    (own_header("(3,)", "'M8'"), "not a plain column"),
    (own_header("(3,)", fortran="7"), "no plain array"),
    (own_header("((((((((((3,))))))))))"), "no plain array"),
    (own_header("(" + "-" * 5000 + "3,)"), "no plain array"),
    (own_header("(" + "1," * 4000 + ")"), "axes"),
    (b"\x93NUMPY\1\0\xff\xff{", "no plain array"),
    (b"\x93NUMPY\2\0\xff\xff\xff\xff{", "no plain array"),
    (b"\x93NUMPY\7\0\x04\0{}  ", "no .npy array"),
    (b"\x93NUM", "no .npy array"),
    (b"", "no .npy array"),
    (b"\x80\x04K\x01.", "no .npy array"),
]


@pytest.mark.parametrize(("own", "said"), OWN)
def test_what_an_array_says_of_itself_is_checked(own: bytes, said: str, members: Members, tmp_path: Path) -> None:
    path = write(tmp_path / "e.npz", members | {"bound.npy": own + bytes(12)})
    with pytest.raises(hw.TraceFormatError, match=f"column 'bound' .*{said}"):
        hw.load(path)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("fortran", [False, True])
def test_all_that_numpy_writes_is_read(version: Any, fortran: bool, members: Members, tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 2))
    x = torch.arange(6.0).reshape(3, 2).T if fortran else torch.arange(6.0).reshape(2, 3)
    e = hw.attribute(net, x[None])
    e.save(tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz") as arrays:
        found = {name: arrays[name] for name in arrays.files}
    written = {}
    for name, array in found.items():
        data = io.BytesIO()
        np.lib.format.write_array(data, array, version)
        written[f"{name}.npy"] = data.getvalue()
    assert torch.equal(hw.load(write(tmp_path / "again.npz", written)).x, e.x)


def test_a_list_of_very_many_members_is_refused(members: Members, tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(trace_archive.MOST_MEMBERS + 1):
            archive.writestr(f"{number}", b"")
    with pytest.raises(hw.TraceFormatError, match="more than 32,768 arrays"):
        hw.load(path)


# --- The header as text -----------------------------------------------------------------------------------------------


def headed(text: bytes, members: Members, path: Path) -> Path:
    header = io.BytesIO()
    np.save(header, np.frombuffer(text, np.uint8))
    return write(path, members | {"header.npy": header.getvalue()})


def text_of(members: Members) -> bytes:
    return np.load(io.BytesIO(members["header.npy"])).tobytes()


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "lists in lists"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "lists in lists"),
        (b"[" * 100_000, "lists in lists|not JSON"),
        (b"9" * 10_000, "holds inf, which no page can read"),
        (b"1e400", "holds inf, which no page can read"),
        (b"NaN", "not JSON: NaN is no number"),
        (b'"\xff"', "not JSON"),
        (b'"\xed\xa0\x80"', "not JSON"),
        (b'{"a": 1, "a": 2}', "the same key twice"),
        (b'"\n"', "not JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_odd_text_is_refused(odd: bytes, said: str, members: Members, tmp_path: Path) -> None:
    path = headed(text_of(members)[:-1] + b', "more": ' + odd + b"}", members, tmp_path / "e.npz")
    with pytest.raises(hw.TraceFormatError, match=f"column 'header' .*({said})"):
        hw.load(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
def test_a_text_of_another_encoding_is_refused(encoding: str, members: Members, tmp_path: Path) -> None:
    header = json.loads(text_of(members))
    header["target"]["label"] = "ä"
    path = headed(json.dumps(header, ensure_ascii=False).encode(encoding), members, tmp_path / "e.npz")
    with pytest.raises(hw.TraceFormatError, match="column 'header'"):
        hw.load(path)


def test_limits_hold_for_what_is_written(members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LARGEST > LARGEST_HEADER > LARGEST_STRAYS
    e = hw.attribute(mlp(4, 3), torch.rand(1, 4))
    for name in ("LARGEST", "LARGEST_HEADER"):
        with monkeypatch.context() as patch:
            patch.setattr(trace_file, name, 1)
            with pytest.raises(hw.TraceFormatError, match="explain with fewer max_pops or with coarser nodes"):
                e.save(tmp_path / "e.npz")
        assert not (tmp_path / "e.npz").exists()
    for broken in ({"method": "\ud800"}, {"floor": float("nan")}):
        saved = Saved(type(e.trace)(replace(e.trace.header, **broken), e.trace.columns), (), (), several=False)
        with pytest.raises(hw.TraceFormatError, match="column 'header'"):
            trace_file.save(tmp_path / "e.npz", saved)
    assert set(COLUMNS) == set(e.trace.columns)
