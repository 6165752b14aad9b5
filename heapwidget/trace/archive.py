"""The archive that a trace lies in: what its members declare is judged before any of them is unpacked.

It is a `.npz`: a zip of `.npy` members. Two headers say how large a member is, the zip's and its own; only
members whose two sizes agree, and whose bytes in the file can hold as much, are read, and no more than was declared.
"""

from __future__ import annotations

import os
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from heapwidget.errors import TraceFormatError, brief
from heapwidget.trace.columns import COLUMNS

# What an explanation keeps with its trace; of several inputs, each behind its number: x0, image0, x1.
BESIDE = re.compile(r"(x|image)(\d{0,4})")

# Bytes: of all arrays, of the JSON header, and of members that are not of this format, which are not read.
LARGEST, LARGEST_HEADER, LARGEST_STRAYS = 2**30, 2**25, 2**24
MOST_MEMBERS = 2**15
# A byte of deflate never stands for more (zlib, "Maximum Compression Factor").
DENSEST = 1032
# The end of a zip's directory, behind which there may be a comment.
END, LONGEST_COMMENT = struct.Struct("<4s4H2LH"), 2**16
# An array's own header, as NumPy writes it: magic, version, length, and a dictionary of three.
OWN_HEADER = re.compile(
    r"\{'descr': '([<>|=]?[a-zA-Z]\d{0,4})', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,19}, ?)*(?:\d{1,19})?)\), \}\s*"
)
LONGEST_OWN = 10_000
MOST_AXES = 32
CHUNK = 2**20


@dataclass(frozen=True)
class Member:
    """An array in the archive, as it is declared."""

    info: zipfile.ZipInfo
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    begins: int

    @property
    def size(self) -> int:
        """Number of its values."""
        return prod(self.shape)


class Archive:
    """The members of a trace file that are known, all of them judged, none of them unpacked yet."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        size = file.seek(0, os.SEEK_END)
        _check_directory(file, size, name)
        try:
            self._zip = zipfile.ZipFile(file)
        except Exception as error:  # zipfile has several for damaged data
            raise _foreign(name) from error
        known = _known(self._zip.infolist(), size)
        self.members = {name: self._member(name, info) for name, info in known.items()}

    def _member(self, name: str, info: zipfile.ZipInfo) -> Member:
        with self._reading(name), self._zip.open(info) as stream:
            dtype, shape, fortran, begins = _own_header(stream.read(LONGEST_OWN))
        wanted = "|u1" if name == "header" else COLUMNS.get(name) or ("<f4" if name.startswith("x") else "|u1")
        if dtype != np.dtype(wanted):
            raise TraceFormatError(f"column {name!r} is not a plain column of {wanted}")
        member = Member(info, np.dtype(wanted), shape, fortran, begins)
        if len(shape) != 1 and BESIDE.fullmatch(name) is None:
            raise TraceFormatError(f"column {name!r} is not a plain column of {wanted}: it has {len(shape)} axes")
        if begins + member.size * member.dtype.itemsize != info.file_size:
            raise TraceFormatError(f"column {name!r} is not as long as the file says: its shape is {brief(shape)}")
        return member

    def read(self, name: str) -> NDArray[Any]:
        """Unpack a member.

        Raises
        ------
        TraceFormatError
            If it is damaged.
        """
        member = self.members[name]
        raw = np.empty(member.size * member.dtype.itemsize, np.uint8)
        with self._reading(name), self._zip.open(member.info) as stream:
            stream.read(member.begins)
            for at in range(0, len(raw), CHUNK):
                part = raw[at : at + CHUNK]
                part[:] = np.frombuffer(stream.read(len(part)), np.uint8)
            # What follows the last byte is the check of all before.
            stream.read(1)
        return raw.view(member.dtype).reshape(member.shape, order="F" if member.fortran else "C")

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # zlib, zipfile and NumPy each have their own for damaged data
            # The file's own bytes may stand in it.
            reason = " ".join(str(error).split())[:100] or type(error).__name__
            raise TraceFormatError(f"column {name!r} cannot be read: {reason}") from error


def _foreign(name: str) -> TraceFormatError:
    return TraceFormatError(f"{name!r} is no heapwidget trace: it is not an .npz file")


def _check_directory(file: BinaryIO, size: int, name: str) -> None:
    """Refuse a file that is no zip, or whose list of members alone would take much memory."""
    file.seek(max(size - END.size - LONGEST_COMMENT, 0))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < END.size:
        raise _foreign(name)
    _, _, _, _, members, length, _, _ = END.unpack_from(tail, at)
    if members > MOST_MEMBERS or length > 1000 * MOST_MEMBERS:
        raise TraceFormatError(f"{name!r} is no heapwidget trace: it holds more than {MOST_MEMBERS:,} arrays")


def _known(infos: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    """The members that a trace may have, by name; their sizes are those that the zip declares."""
    known: dict[str, zipfile.ZipInfo] = {}
    strays = 0
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if name == info.filename or not (name in ("header", *COLUMNS) or BESIDE.fullmatch(name)):
            strays += info.file_size
            continue
        if name in known:
            raise TraceFormatError(f"column {name!r} is there twice")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise TraceFormatError(f"column {name!r} is encrypted or packed in a way that no trace is")
        if info.file_size > (DENSEST * info.compress_size if info.compress_type else info.compress_size):
            raise TraceFormatError(
                f"column {name!r} cannot be of {info.file_size:,} bytes: the file has {info.compress_size:,} for it"
            )
        known[name] = info
    if "header" in known and known["header"].file_size > LARGEST_HEADER:
        raise TraceFormatError(f"column 'header' is of more than {LARGEST_HEADER >> 20} MiB, which no trace has")
    total, packed = (sum(getattr(i, f"{kind}_size") for i in known.values()) for kind in ("file", "compress"))
    if total > LARGEST:
        largest = max(known, key=lambda name: known[name].file_size)
        raise TraceFormatError(
            f"column {largest!r} and the others are {total / 2**30:.1f} GiB unpacked; "
            f"files of up to {LARGEST >> 30} GiB are read"
        )
    if packed > size:
        raise TraceFormatError("the columns lie over one another: together they are longer than the file")
    if strays > LARGEST_STRAYS:
        raise TraceFormatError(
            f"the file holds {strays:,} bytes that are of no column, and at most {LARGEST_STRAYS:,} are passed over"
        )
    return known


def _own_header(start: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """What an array says of itself: its type, its shape, whether it is in Fortran's order, and where values begin."""
    if start[:6] != b"\x93NUMPY" or start[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise ValueError("it is no .npy array")
    length = struct.Struct("<H" if start[6] == 1 else "<L")
    begins = 8 + length.size
    ends = begins + length.unpack_from(start, 8)[0]
    found = OWN_HEADER.fullmatch(start[begins:ends].decode("latin-1")) if ends <= len(start) else None
    if found is None:
        raise ValueError(f"it is no plain array: {brief(start[begins : begins + 40].decode('latin-1'))}")
    descr, fortran, sizes = found.groups()
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    if len(shape) > MOST_AXES:
        raise ValueError(f"it has {len(shape)} axes, and at most {MOST_AXES} are read")
    return np.dtype(descr), shape, fortran == "True", ends
