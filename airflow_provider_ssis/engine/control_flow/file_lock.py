"""A lock between processes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from airflow_provider_ssis.engine.file_locks import is_at, try_lock


class FileLock:
    """A lock that one run at a time can hold. The end of the process releases it.

    :param path: the file that is locked. It is created, and removed with the release.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock, without waiting.

        :returns: whether it was free.
        :raises OSError: the file cannot be created.
        """
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if not try_lock(file):
                    os.close(file)
                    return False
                if is_at(file, self._path):
                    self._file = file
                    return True
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # the run before removed the file after it was opened here

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._file is not None:
            with suppress(OSError):  # a file that is left is not a lock
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
