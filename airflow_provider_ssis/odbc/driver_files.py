"""The library of a registered driver, as the driver manager's list (odbcinst.ini) has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_FOLDERS = ("/etc", "/usr/local/etc", "/opt/homebrew/etc", "/etc/unixODBC")
"""Folders in which builds of unixODBC search for the list. ``ODBCSYSINI`` replaces them."""


def library_of(name: str) -> str | None:
    """The library of a registered driver, as odbcinst.ini has it; None if no readable list has the driver.

    :param name: the registered name, in any case.
    """
    wanted = name.strip().lower()
    for path in _lists():
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for section, key, value in _entries(text):
            if section == wanted and key == "driver" and value:
                return value
    return None


def _lists() -> Iterator[Path]:
    named = os.environ.get("ODBCINSTINI") or "odbcinst.ini"
    own = os.environ.get("ODBCSYSINI")
    for folder in (own,) if own else _FOLDERS:
        # An absolute path replaces the folder.
        yield Path(folder) / named
    home = os.environ.get("HOME")
    if home:
        yield Path(home) / ".odbcinst.ini"


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """Section, key and value of each line. ConfigParser rejects some files that the driver manager reads."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").strip().lower()
        elif "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            yield section, key.strip().lower(), value.strip()
