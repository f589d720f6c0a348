"""The file that keeps a database over restarts, and the reasons why it cannot be opened."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Final

import duckdb

from airflow_provider_ssis.emulator.tsql.values.storage import quoted

_HELD: Final = re.compile(r"Could not set lock on file(?:.*\(PID (?P<process>\d+)\))?|is already attached", re.DOTALL)
_ANOTHER: Final = "or give another data folder"


def file_name(database: str) -> str:
    """The name of a database's file in the data folder."""
    return f"{database.lower()}.duckdb"


def attach(connection: duckdb.DuckDBPyConnection, name: str, file: Path | None) -> None:
    """Open a database.

    :param name: the name it gets in the connection.
    :param file: its file, whose folder is made if it is missing. None keeps the database in memory.
    :raises OSError: the folder cannot be used; or another process has the file open, or it is none of DuckDB.
    """
    path = Path(":memory:")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        path = file
    path_text = str(path).replace("'", "''")
    try:
        # With its type named, DuckDB does not load an extension for a file of another type.
        connection.execute(f"ATTACH '{path_text}' AS {quoted(name)} (TYPE duckdb)")
    except duckdb.Error as error:
        # Not chained: DuckDB's text is in the message, and its traceback adds nothing.
        raise _unusable(path, str(error)) from None


def _unusable(path: Path, text: str) -> OSError:
    held = _HELD.search(text)
    if held:
        process = f" (process {held['process']})" if held["process"] else ""
        return OSError(errno.EBUSY, f"it is in use by another emulator{process}: stop that one, {_ANOTHER}", str(path))
    reason = text.split("\n", maxsplit=1)[0]
    return OSError(
        errno.EINVAL,
        f"it is not a readable database file ({reason}): move it away to start with an empty one, {_ANOTHER}",
        str(path),
    )
