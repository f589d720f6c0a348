"""The file that keeps logins, users and roles over restarts, with the salted hashes of passwords."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Final

from airflow_provider_ssis.emulator.tsql.metadata.principals import Logins

FILE_NAME: Final = "logins.json"


class LoginFile:
    """Keeps the logins of a server in its data folder.

    :param logins: the logins.
    :param data_dir: the folder; None keeps nothing.
    """

    def __init__(self, logins: Logins, data_dir: Path | None) -> None:
        self._logins = logins
        self._path = None if data_dir is None else data_dir / FILE_NAME

    def load(self) -> None:
        """Take over the logins of the file, if there is one.

        :raises OSError: the file cannot be read, or it contains something else.
        """
        if self._path is None or not self._path.exists():
            return
        try:
            self._logins.restore(json.loads(self._path.read_bytes()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = (
                f"it does not contain the server's logins ({type(error).__name__}: {error}): move it away to start "
                "without them, or give another data folder"
            )
            raise OSError(errno.EINVAL, reason, str(self._path)) from None

    def save(self) -> None:
        """Write the logins, so that a server that is killed meanwhile finds the old file or the new one."""
        if self._path is None:
            return
        # mkstemp lets only the owner read the file.
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f"{FILE_NAME}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(self._logins.snapshot(), file)
        Path(name).replace(self._path)
