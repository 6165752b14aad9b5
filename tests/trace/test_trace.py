"""The trace's file: what is written is read back, and whatever is wrong in a file is named."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.nets import DIGIT, mlp
from helpers.traces import validate
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import heapwidget as hw
from heapwidget.samples import lenet
from heapwidget.trace.check import HEADER
from heapwidget.trace.columns import COLUMNS

Arrays = dict[str, np.ndarray]


def explained() -> dict[str, hw.Explanation]:
    net, x = mlp(6, 5, 3), torch.linspace(-1, 1, 6)[None]
    conv = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    picture = np.arange(75, dtype=np.uint8).reshape(5, 5, 3)
    return {
        "walk": hw.attribute(lenet(), DIGIT),
        "stopped": hw.attribute(net, x, max_pops=2),
        "signed": hw.attribute(net, x, rule="epsilon", target=(0, 1)),
        "bound": hw.attribute(net, x, priority="bound"),
        "gradient": hw.attribute(net, x, method="gradient", order="ascending"),
        "article": hw.attribute(net, x, method="article"),
        "picture": hw.attribute(conv, torch.rand(1, 3, 5, 5), image=picture),
        "nothing": hw.attribute(net, x, target=(0, 0)),
        "double": hw.attribute(mlp(6, 3, dtype=torch.float64), x.double(), floor=0.0),
    }


EXPLAINED = explained()


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_is_saved_is_loaded(name: str, tmp_path: Path) -> None:
    e = EXPLAINED[name]
    e.save(tmp_path / "e.npz")
    loaded = hw.load(tmp_path / "e.npz")
    assert loaded.trace.header == json.loads(json.dumps(dict(e.trace.header)))
    for column in COLUMNS:
        np.testing.assert_array_equal(loaded.trace.columns[column], e.trace.columns[column])
        assert loaded.trace.columns[column].dtype == COLUMNS[column]
    assert torch.equal(loaded.x, e.x.float())
    assert torch.equal(loaded.attribution, e.attribution.float())
    assert np.array_equal(loaded.order, e.order)
    assert np.array_equal(loaded.pops, e.pops)
    assert repr(loaded) == repr(e)
    assert (loaded.image is None) == (e.image is None)
    assert e.image is None or np.array_equal(loaded.image, e.image)
    assert not loaded.can_refine
    if e.trace.conserved:
        assert str(loaded.ledger) == str(e.ledger)


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_is_made_is_valid(name: str) -> None:
    trace = EXPLAINED[name].trace
    validate(json.loads(json.dumps(dict(trace.header))), trace.columns)


def test_files_are_the_same_each_time_and_hold_no_objects(tmp_path: Path) -> None:
    EXPLAINED["walk"].save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert set(arrays.files) == {"header", "x", *COLUMNS}
        assert all(not arrays[name].dtype.hasobject for name in arrays.files)
    assert (tmp_path / "a.npz").stat().st_size < 60_000


# --- Files that are wrong ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    path = tmp_path_factory.mktemp("trace") / "whole.npz"
    EXPLAINED["walk"].save(path)
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def load(arrays: Arrays, path: Path) -> hw.Explanation:
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return hw.load(path)


def with_header(arrays: Arrays, change: dict[str, Any]) -> Arrays:
    header = json.loads(arrays["header"].tobytes()) | change
    return arrays | {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}


NAMES = [*COLUMNS, "x", "header"]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_column_is_named(name: str, arrays: Arrays, tmp_path: Path) -> None:
    with pytest.raises(hw.TraceFormatError, match=f"column '{name}' is missing"):
        load({n: a for n, a in arrays.items() if n != name}, tmp_path / "e.npz")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a[:-1],
        lambda a: np.r_[a.ravel(), a.ravel()[:1]],
        lambda a: a.astype(np.float64),
        lambda a: a.astype(">u2"),
        lambda a: a.reshape(1, 1, 1, 1, -1).astype(np.int8),
        lambda a: np.array(["text"]),
        lambda a: a[:0],
        lambda a: np.zeros((), a.dtype),
    ],
    ids=["short", "long", "double", "big endian", "axes", "text", "empty", "scalar"],
)
def test_a_spoilt_column_is_named(name: str, spoil: Any, arrays: Arrays, tmp_path: Path) -> None:
    # The log's two columns are as long as each other.
    named = "log_" if name in ("log_node", "log_key", "log_offset") else name
    with pytest.raises(hw.TraceFormatError, match=f"column '{named}"):
        load(arrays | {name: spoil(arrays[name])}, tmp_path / "e.npz")


@pytest.mark.parametrize("name", ["pop_mass", "explained", "absorbed", "dust", "bound", "log_key", "contribution", "x"])
def test_a_number_that_is_none_is_named(name: str, arrays: Arrays, tmp_path: Path) -> None:
    spoilt = arrays[name].copy()
    spoilt.flat[len(spoilt) // 2] = np.nan
    with pytest.raises(hw.TraceFormatError, match=f"column '{name}'"):
        load(arrays | {name: spoilt}, tmp_path / "e.npz")


@pytest.mark.parametrize("name", ["pop_node", "log_node", "log_offset"])
@pytest.mark.parametrize("at", [0, -1])
def test_an_index_out_of_range_is_named(name: str, at: int, arrays: Arrays, tmp_path: Path) -> None:
    spoilt = arrays[name].copy()
    spoilt[at] = 2**32 - 1
    with pytest.raises(hw.TraceFormatError, match=f"column '{name}'"):
        load(arrays | {name: spoilt}, tmp_path / "e.npz")


def test_pops_of_the_wrong_kind_are_named(arrays: Arrays, tmp_path: Path) -> None:
    for at, node in ((0, 0), (-1, 5000), (-1, int(arrays["pop_node"][-2]))):
        spoilt = arrays["pop_node"].copy()
        spoilt[at] = node
        with pytest.raises(hw.TraceFormatError, match="column 'pop_node'"):
            load(arrays | {"pop_node": spoilt}, tmp_path / "e.npz")


SPOILT = [None, 3.5, -1, "x", [], {}, [[]], [None], {"walk": 1}, [[0, 1, 2]], [{}]]
# Another floor, order or rule would be sound.
SOUND = [("method", "x"), ("rule", None), ("rule", "x"), ("floor", None), ("floor", 3.5), ("floor", -1), ("start", [])]
HEADERS = [(k, v) for k in (*HEADER, "format", "version") for v in SPOILT if (k, v) not in SOUND]


@pytest.mark.parametrize(("key", "value"), HEADERS, ids=str)
def test_a_spoilt_header_is_named(key: str, value: Any, arrays: Arrays, tmp_path: Path) -> None:
    header = json.loads(arrays["header"].tobytes())
    with pytest.raises(hw.TraceFormatError, match="column 'header'"):
        load(with_header(arrays, {key: value}), tmp_path / "e.npz")
    del header[key]
    spoilt = arrays | {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
    with pytest.raises(hw.TraceFormatError, match="column 'header'"):
        load(spoilt, tmp_path / "e.npz")


@pytest.mark.parametrize("key", ["label", "op", "shape", "box", "channel_axis", "reads", "field"])
@pytest.mark.parametrize("value", [-1, [8], [7, 7, 7], [[1]], {}, 99, 1e300], ids=str)
@pytest.mark.parametrize("layer", [0, 3])
def test_a_spoilt_layer_is_named(key: str, value: Any, layer: int, arrays: Arrays, tmp_path: Path) -> None:
    layers = json.loads(arrays["header"].tobytes())["layers"]
    layers[layer][key] = value
    with pytest.raises(hw.TraceFormatError, match=r"column '\w+'"):
        load(with_header(arrays, {"layers": layers}), tmp_path / "e.npz")


@pytest.mark.parametrize("kind", [None, "photo", 1, ["image"], {}], ids=str)
def test_an_input_of_no_known_kind_is_named(kind: Any, arrays: Arrays, tmp_path: Path) -> None:
    layers = json.loads(arrays["header"].tobytes())["layers"]
    layers[0]["kind"] = kind
    with pytest.raises(hw.TraceFormatError, match="'kind'"):
        load(with_header(arrays, {"layers": layers}), tmp_path / "e.npz")


@pytest.mark.parametrize("image", [np.zeros((28, 28)), np.zeros((5, 5), np.uint8), np.zeros((28, 28, 4), np.uint8)])
def test_a_spoilt_picture_is_named(image: np.ndarray, arrays: Arrays, tmp_path: Path) -> None:
    with pytest.raises(hw.TraceFormatError, match="column 'image'"):
        load(arrays | {"image": image}, tmp_path / "e.npz")


class Bomb:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["pop_node", "header", "x", "image", "else"])
def test_nothing_is_unpickled(name: str, arrays: Arrays, tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    bomb = np.empty(1, object)
    bomb[0] = Bomb(mark)
    if name == "else":
        assert load(arrays | {name: bomb}, tmp_path / "e.npz").order.size
    else:
        with pytest.raises(hw.TraceFormatError, match=f"column '{name}'"):
            load(arrays | {name: bomb}, tmp_path / "e.npz")
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(hw.TraceFormatError, match="no heapwidget trace"):
        hw.load(tmp_path / "pickle.npz")
    assert not mark.exists()


def foreign() -> dict[str, bytes]:
    """Files that are something else."""
    npy, npz, checkpoint, zipped = (io.BytesIO() for _ in range(4))
    np.save(npy, np.zeros(3))
    np.savez(npz, a=np.zeros(3))
    torch.save({"a": torch.ones(2)}, checkpoint)
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("header", b"{}")
        archive.writestr("pop_node", b"hello")
    files = {"npy": npy, "npz": npz, "checkpoint": checkpoint, "zip": zipped}
    return {name: file.getvalue() for name, file in files.items()} | {
        "empty": b"",
        "text": b"hello\n",
        "zeros": b"\0" * 99,
    }


@pytest.mark.parametrize("name", foreign())
def test_foreign_files_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.npz"
    path.write_bytes(foreign()[name])
    with pytest.raises(hw.TraceFormatError, match=r"no heapwidget trace|column 'header'"):
        hw.load(path)


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hw.load(tmp_path / "nowhere.npz")


@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=3))
def test_a_damaged_file_is_read_right_or_refused(
    cut: float, flips: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    e = EXPLAINED["stopped"]
    e.save(path)
    whole = bytearray(path.read_bytes())
    for at, bits in flips:
        whole[int(at * (len(whole) - 1))] ^= bits
    damaged = whole if cut > 0.9 else whole[: int(cut * len(whole))]
    path.write_bytes(damaged)
    with contextlib.suppress(hw.TraceFormatError):
        assert hw.load(path).order.tolist() == e.order.tolist()
