"""Open only regular files: a pipe can wait without end, and a device can have no end."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import IO


def check_regular(mode: int) -> None:
    """Check that a file is a regular one.

    :param mode: the mode of the file, as ``stat`` returns it.
    :raises OSError: it is a directory, a device, a pipe or a socket.
    """
    if not stat.S_ISREG(mode):
        raise OSError(0, f"it is a {_kind(mode)}, not a regular file")


def open_regular(path: Path) -> IO[bytes]:
    """Open a regular file for reading.

    :param path: its path; links are followed.
    :raises OSError: it does not exist, cannot be read, or is not a regular file.
    """
    check_regular(path.stat().st_mode)
    return path.open("rb")


def read_regular(path: Path) -> bytes:
    """Read a regular file.

    :param path: its path; links are followed.
    :raises OSError: as for :func:`open_regular`.
    """
    with open_regular(path) as file:
        return file.read()


def _kind(mode: int) -> str:
    for is_kind, name in (
        (stat.S_ISDIR, "directory"),
        (stat.S_ISCHR, "device"),
        (stat.S_ISBLK, "device"),
        (stat.S_ISFIFO, "pipe"),
        (stat.S_ISSOCK, "socket"),
    ):
        if is_kind(mode):
            return name
    return "special file"
