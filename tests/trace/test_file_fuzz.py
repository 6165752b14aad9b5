"""Mutated, truncated, foreign and adversarial files: `TraceFormatError`, or a sound explanation that also shows."""

from __future__ import annotations

import io
import json
import pickle
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.examples import examples
from helpers.nets import mlp
from helpers.shown import use
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

import heapwidget as hw
from heapwidget.trace.columns import COLUMNS

Arrays = dict[str, np.ndarray[Any, Any]]
Mutation = Callable[[random.Random, Arrays], None]
ROWS = ("pop_node", "pop_mass", "explained", "absorbed", "dust", "bound", "certain")
ODD: list[Any] = [None, True, False, 0, 1, -1, 2, 3.5, 1e300, -1e-300, 1e-40, 10**20, 2**31, 2**53, 2**62, "", "x"]
ODD += ["\ud800", "\0", "a" * 20_000, "$x_$", "<b>", "\u202e", [], {}, [[]], [0], [1, 1], {"label": "x"}]
ODD += ["image", "bars", "tokens", "line", "strip", "descending", "ascending", "bound", float("nan"), float("inf")]
NUMBERS = [0, -0.0, 1, -1, 1e-38, 1e-45, 3e38, -3e38, np.nan, np.inf, 0.5]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Arrays]:
    """What several kinds of explanations leave in their files."""
    torch.manual_seed(1)
    net, x = mlp(4, 3, 2), torch.rand(1, 4)
    conv = nn.Sequential(nn.Conv2d(3, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    photo = torch.rand(1, 3, 3, 3)
    made = [
        hw.attribute(net, x, max_pops=3),
        hw.attribute(net, x, max_pops=2, finish=False, feature_names=list("abcd")),
        hw.attribute(net, x, rule="epsilon", target=(0, 1)),
        hw.attribute(net, x, method="gradient", order="ascending"),
        hw.attribute(net, x, method="article"),
        hw.attribute(conv, photo, image=np.zeros((3, 3, 3), np.uint8), max_pops=5),
        hw.attribute(conv, photo, nodes="channel"),
        hw.attribute(nn.Sequential(nn.Flatten(), nn.Linear(6, 2)), torch.rand(1, 3, 2), tokens=["a", "b", "c"]),
        hw.attribute(nn.Bilinear(2, 3, 2), (torch.rand(1, 2), torch.rand(1, 3))),
    ]
    path, found = tmp_path_factory.mktemp("sound") / "e.npz", []
    for e in made:
        e.save(path)
        with np.load(path) as arrays:
            found.append({name: arrays[name] for name in arrays.files})
    return found


# --- What is changed in the arrays ------------------------------------------------------------------------------------


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values in a header."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, one in inside for place in places(one, (*way, key)))]


def header_of(arrays: Arrays) -> dict[str, Any] | None:
    """The header, if it is still one."""
    try:
        header = json.loads(arrays["header"].tobytes())
    except ValueError:
        return None
    return header if isinstance(header, dict) else None


def change_header(rng: random.Random, arrays: Arrays) -> None:
    """Another value at some place, a part left out, told twice, or put somewhere else."""
    header = header_of(arrays)
    if header is None:
        return
    *way, last = rng.choice(places(header)[1:])
    place = header
    for key in way:
        place = place[key]
    kind = rng.randrange(5)
    if kind == 0:
        del place[last]
    elif kind == 1 and isinstance(place, list):
        place.insert(rng.randrange(len(place) + 1), place[last])
    elif kind == 2 and isinstance(place[last], int | float):
        place[last] += rng.choice([-1, 1, 0.5, 1e-9, 7])
    elif kind == 3:
        place[rng.choice(["names", "kind", "more", "scores", "inputs"]) if isinstance(place, dict) else last] = (
            rng.choice(ODD)
        )
    else:
        place[last] = rng.choice(ODD)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)


def change_numbers(rng: random.Random, arrays: Arrays) -> None:
    """Some values of a column become others."""
    name = rng.choice([n for n in arrays if n != "header"])
    column = arrays[name].copy()
    if column.size == 0 or column.dtype.kind not in "fu":
        return
    with np.errstate(all="ignore"):
        for _ in range(rng.choice([1, 1, 3])):
            at = rng.randrange(column.size)
            other = column.flat[rng.randrange(column.size)] if rng.random() < 0.4 else rng.choice(NUMBERS)
            wide = not np.isfinite(other) or abs(float(other)) > 2**31
            value = 2**31 if column.dtype.kind == "u" and wide else other
            column.flat[at] = np.array(value).astype(column.dtype)
    arrays[name] = column


def scale_numbers(rng: random.Random, arrays: Arrays) -> None:
    """Sums far from the target, which no column forbids."""
    name = rng.choice(["explained", "absorbed", "dust", "bound", "contribution"])
    factor = rng.choice([0.0, -1.0, 1e-30, 1e30, 1e37])
    if arrays[name].dtype == np.float32:
        with np.errstate(all="ignore"):
            arrays[name] = (arrays[name].astype(np.float64) * factor).astype(np.float32)


def change_length(rng: random.Random, arrays: Arrays) -> None:
    """Fewer rows in all columns, or another length of one."""
    cut, header = rng.randrange(5), header_of(arrays)
    if header is not None and isinstance(header.get("phases"), dict) and rng.random() < 0.5:
        for name in (*ROWS, "log_offset"):
            column = arrays[name].ravel()
            arrays[name] = column[: max(len(column) - cut, 0)]
        counts = header["phases"]
        counts["collect"] = max(counts["collect"] - cut, 0) if isinstance(counts.get("collect"), int) else 0
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    else:
        name = rng.choice(list(arrays))
        flat = arrays[name].ravel()
        arrays[name] = rng.choice([flat[:cut], np.r_[flat, flat[:cut]], flat.reshape(1, -1), flat[:0], flat[::-1]])


def change_type(rng: random.Random, arrays: Arrays) -> None:
    name = rng.choice(list(arrays))
    kind = rng.choice(["<f8", ">f4", "<i4", "|b1", "<c8", "<U4", "|u1", "<f2", "|S3", "<M8[s]"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arrays[name] = np.zeros(arrays[name].shape, kind)


def change_members(rng: random.Random, arrays: Arrays) -> None:
    """One left out, under another's name, or one more."""
    name, other = rng.choice(list(arrays)), rng.choice([*arrays, "x1", "image", "image3", "else", "x9999", "../x"])
    kind = rng.randrange(3)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[other] = arrays[name]
    else:
        arrays[other] = np.zeros(rng.choice([(0,), (3,), (1, 4), (), (2**16,)]), rng.choice(["<f4", "<u4", "|u1"]))


MUTATIONS: list[Mutation] = [change_header, change_header, change_numbers, scale_numbers, change_length, change_type]
MUTATIONS += [change_members]


# --- What is changed in the file --------------------------------------------------------------------------------------


def packed(rng: random.Random, arrays: Arrays) -> bytes:
    """The arrays as a file, stored or deflated, by members in any order."""
    names = list(arrays)
    if rng.random() < 0.3:
        rng.shuffle(names)
    data = io.BytesIO()
    method = rng.choice([zipfile.ZIP_DEFLATED] * 9 + [zipfile.ZIP_STORED] * 9 + [zipfile.ZIP_LZMA])
    with zipfile.ZipFile(data, "w", method) as archive:
        for name in names:
            array = io.BytesIO()
            version = rng.choice([(1, 0), (1, 0), (2, 0), (3, 0)])
            np.lib.format.write_array(array, np.asarray(arrays[name]), version, allow_pickle=False)
            archive.writestr(f"{name}.npy", array.getvalue())
    return data.getvalue()


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Flipped bits, cut short, cut out, put in, or twice."""
    spoilt, at = bytearray(data), rng.randrange(len(data))
    kind = rng.randrange(6)
    if kind < 2:
        for _ in range(rng.choice([1, 1, 4])):
            spoilt[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del spoilt[at:]
    elif kind == 3:
        del spoilt[at : at + rng.randrange(1, 40)]
    elif kind == 4:
        spoilt[at:at] = rng.randbytes(rng.randrange(1, 40))
    else:
        spoilt[at:] = data[: rng.randrange(1, len(data))]
    return bytes(spoilt)


def foreign(rng: random.Random) -> bytes:
    """Files of something else."""
    checkpoint, npy = io.BytesIO(), io.BytesIO()
    torch.save({"a": torch.ones(2)}, checkpoint)
    np.save(npy, np.zeros(3))
    return rng.choice(
        [
            b"",
            b"PK\5\6" + bytes(18),
            b"PK\3\4" + rng.randbytes(60),
            rng.randbytes(rng.randrange(400)),
            checkpoint.getvalue(),
            npy.getvalue(),
            pickle.dumps([1, 2]),
            b"\x89PNG\r\n\x1a\n" + rng.randbytes(80),
            b'{"format": "heapwidget-trace", "version": 1}',
            damaged(rng, checkpoint.getvalue()),
        ]
    )


def drawn(rng: random.Random, sound: list[Arrays]) -> bytes:
    if rng.random() < 0.05:
        return foreign(rng)
    arrays = dict(rng.choice(sound))
    in_file = rng.random() < 0.2
    for _ in range(0 if in_file else rng.choice([1, 1, 1, 2, 3])):
        if {"header", *COLUMNS} <= set(arrays):
            rng.choice(MUTATIONS)(rng, arrays)
    data = packed(rng, arrays)
    return damaged(rng, data) if in_file else data


# A name in the file that fills most of it.
@example(seed=8369)
@given(seed=st.integers(0, 2**48))
@examples(300)
def test_a_file_is_refused_or_sound(
    seed: int, sound: list[Arrays], bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    path = folder / "e.npz"
    path.write_bytes(drawn(random.Random(seed), sound))
    with warnings.catch_warnings():
        # Letters that the font has not.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support")
        try:
            e = hw.load(path)
        except hw.TraceFormatError as error:
            message = str(error)
            assert message, seed
            assert "\n" not in message, (seed, message)
            assert len(message) < 500, (seed, message)
            return
        use(e, folder)
