"""Files that a connection names: keytabs and certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FILE_ADVICE: Final = (
    "Every machine that uses the connection needs the file, readable for Airflow's account: the workers, the "
    "triggerers, and the API server (web server before Airflow 3) for the Test button."
)
"""What to do about a file of the connection that cannot be read."""


class UnreadableFile(OSError):
    """A file that the connection names cannot be read on this machine.

    :param field: the connection's field that names it.
    :param path: the file.
    :param reason: why, in the words of the operating system.
    """

    def __init__(self, field: str, path: str, reason: str) -> None:
        super().__init__(f"the file {path} of the field {field} cannot be read: {reason}")
        self.field = field
        self.path = path
        self.reason = reason


def read_input(field: str, path: str) -> bytes:
    """The content of a file that the connection names.

    :param field: the connection's field that names it, for the message.
    :param path: the file.
    :raises UnreadableFile: the file does not exist, is a folder, or the account may not read it.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableFile(field, path, error.strerror or type(error).__name__) from None
