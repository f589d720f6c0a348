"""Temporary folders of runs, which are removed also after a run that was killed.

A folder has a file ``lock``, which the process of the run keeps locked (``flock(2)``). The system releases the lock
when the process ends, however it ends. A folder whose lock is free is abandoned, and the next run removes it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_ssis.engine.file_locks import is_at, try_lock

_PREFIX, _LOCK = "ssis-engine-", "lock"


class TemporaryFolder:
    """A new folder for the rows that exceed the memory of an operation.

    :param parent: where it is made; None for the system's folder of temporary files.
    :raises OSError: it cannot be made.
    """

    def __init__(self, parent: str | None) -> None:
        remove_abandoned_folders(parent)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            try:
                self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError:
                shutil.rmtree(self.path, ignore_errors=True)
                raise
            if _is_locked(self._lock, self.path):
                return
            # Another run took the folder for an abandoned one before it was locked.
            os.close(self._lock)

    def remove(self) -> None:
        """Remove the folder with its files. Can be called twice."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def __del__(self) -> None:
        """Remove the folder of an operation that was not closed."""
        if getattr(self, "_lock", -1) >= 0:
            self.remove()


def remove_abandoned_folders(parent: str | None) -> None:
    """Remove the temporary folders of processes that were killed.

    :param parent: where they are; None for the system's folder of temporary files.
    """
    for folder in Path(parent or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with _opened(folder / _LOCK) as lock:
            if lock is not None and _is_locked(lock, folder):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        # Not through a link: the folder of temporary files belongs to all users.
        lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        yield lock if os.fstat(lock).st_uid == os.geteuid() else None
    finally:
        os.close(lock)


def _is_locked(lock: int, folder: Path) -> bool:
    """Lock an open file; returns whether it could be locked and is still the lock of the folder."""
    try:
        return try_lock(lock) and is_at(lock, folder / _LOCK, follow_links=False)
    except OSError:
        return False
