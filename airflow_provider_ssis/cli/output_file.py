"""Write a command's output file so that it is never incomplete and never replaces anything but a regular file."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file in the target's folder, and rename it over the target when the block ends without an error.

    A symbolic link is followed: the file that it points to is replaced, and the link stays. A file that exists keeps
    its permissions; a new one gets those of any file that the process creates.

    :param path: the target.
    :raises OSError: the target is not a regular file, or cannot be written. A file that exists is unchanged.
    """
    target = path.resolve()
    mode = _mode_of(target)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.close()
            temporary.chmod(mode)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _mode_of(target: Path) -> int:
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
    if not stat.S_ISREG(mode):
        raise OSError(0, f"it is a {_kind(mode)}, not a regular file")
    return stat.S_IMODE(mode)


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
