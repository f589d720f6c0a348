"""The folder that keeps a catalog over restarts: only its owner can read it, since it holds sensitive values."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_CATALOG_FILES: Final = ("ssisdb.duckdb", "logins.json")
"""The beginnings of their names."""
_PROJECTS: Final = "projects"
_OWNER_ONLY: Final = 0o700
_OWNER_ONLY_FILE: Final = 0o600
_OTHERS: Final = 0o077


def prepare_data_folder(path: Path) -> None:
    """Create the folder, or take the access of other users from it.

    A folder that also holds files of something else keeps its mode; then the catalog's own files are protected, as far
    as they exist.

    :raises OSError: the folder cannot be created, or it belongs to another user.
    """
    if not path.exists():
        path.mkdir(parents=True, mode=_OWNER_ONLY)
    own = [file for file in path.iterdir() if file.name.startswith(_CATALOG_FILES) or file.name == _PROJECTS]
    if len(own) == len(list(path.iterdir())):
        path.chmod(_OWNER_ONLY)
    elif path.stat().st_mode & _OTHERS:
        log.warning(
            "%s holds other files too, so its mode stays as it is. Give the catalog a folder for itself:"
            " other users may be able to read it.",
            path,
        )
    for file in own:
        file.chmod(_OWNER_ONLY if file.is_dir() else _OWNER_ONLY_FILE)
