"""The messages of ODBC drivers, for people."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^(?:\[[^\]]*\]\s*)+")
_SUFFIX = re.compile(r"\s*\(-?\d+\)(?:\s*\(SQL\w+\))?\s*$|\s*\(SQL\w+\)\s*$")
_NEXT = re.compile(r";\s+(?=\[[0-9A-Z]{5}\])")


def driver_message(error: Exception) -> str:
    """Return the message of a pyodbc exception without SQLSTATE, names of drivers, and names of functions.

    :param error: the exception.
    """
    text = str(error.args[-1]) if error.args else str(error)
    parts = [_SUFFIX.sub("", _PREFIX.sub("", part)).strip() for part in _NEXT.split(text)]
    return " ".join(dict.fromkeys(part for part in parts if part)) or "the driver gives no reason"


def sql_state(error: Exception) -> str:
    """Return the SQLSTATE of a pyodbc exception; empty if it has none.

    :param error: the exception.
    """
    return str(error.args[0]) if len(error.args) > 1 else ""
