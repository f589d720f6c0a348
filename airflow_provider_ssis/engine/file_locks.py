"""Locks on open files, between the processes of one machine."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def try_lock(file: int) -> bool:
    """Lock an open file, without waiting. Closing the file, or the end of the process, releases the lock.

    :param file: its descriptor.
    :returns: whether no other one held the lock.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_at(file: int, path: Path, *, follow_links: bool = True) -> bool:
    """Return whether an open file is still the one at a path: it can be replaced or removed after it was opened.

    :param file: its descriptor.
    :param path: the path.
    :param follow_links: whether a link at the path is followed. Default: True.
    """
    try:
        return os.path.samestat(os.fstat(file), path.stat(follow_symlinks=follow_links))
    except FileNotFoundError:
        return False
