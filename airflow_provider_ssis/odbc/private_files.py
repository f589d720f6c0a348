"""Files with settings for drivers, in a folder that only this account can read.

They are named after a digest of their content or their owner, and shared by all processes of the account.
"""

from __future__ import annotations

import os
import stat
import tempfile
from hashlib import sha256
from pathlib import Path


class UnsafeFolder(Exception):
    """Another account owns the folder for private files, or may write to it."""


def private_folder() -> Path:
    """The folder for private files, inside the folder for temporary files.

    :raises UnsafeFolder: another account created it or has access to it.
    """
    folder = Path(tempfile.gettempdir()) / f"airflow-ssis-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise UnsafeFolder(f"Other accounts own or can access {folder}. Delete it, or set TMPDIR to another folder.")
    return folder


def file_with(content: str | bytes, suffix: str) -> Path:
    """A file with this content, named after it.

    :raises UnsafeFolder: see :func:`private_folder`.
    """
    data = content.encode() if isinstance(content, str) else content
    path = private_folder() / f"{digest_of(data)}{suffix}"
    if not path.exists():
        write_whole(path, data)
    return path


def digest_of(data: bytes) -> str:
    """A short name that depends on the data only."""
    return sha256(data).hexdigest()[:24]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically: other processes see the old content or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)
