"""Files that are written whole or not at all: beside the old one, and put in its place when all went well."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from shutil import copymode
from typing import BinaryIO


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` once the block has ended without an error.

    Until then, and after an error or Ctrl-C, the file that was there is as it was. A link is followed, the permissions
    of a file that was there are kept, and what is no file (a pipe, a device) is written to as it is.

    Raises
    ------
    OSError
        That of the system, for a path that cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        # A folder is refused here, by the system itself.
        with target.open("wb") as file:
            yield file
        return
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    beside = target.with_name(f".heapwidget-{token_hex(8)}.part")
    try:
        with _created(beside, path) as file:
            yield file
            file.flush()
            # Else a machine that loses its power may keep the new name and not what it stands for.
            os.fsync(file.fileno())
        if target.exists():
            copymode(target, beside)
        beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _created(beside: Path, path: str | os.PathLike[str]) -> BinaryIO:
    """A new file; what the system says of it is told of the path that was asked for."""
    try:
        return beside.open("xb")
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
