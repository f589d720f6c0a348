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
    # Path.resolve raises RuntimeError for a loop of links before Python 3.13.
    target = Path(os.path.realpath(path))
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
    from airflow_provider_ssis.project.regular_files import check_regular

    check_regular(mode)
    return stat.S_IMODE(mode)
