"""The name of the catalog's database, and the names that the catalog accepts."""

from __future__ import annotations

import re
from typing import Final

DATABASE: Final = "SSISDB"
"""The name of the catalog's database."""

_LONGEST: Final = 128
_FORBIDDEN = re.compile(r"[\x00-\x1f\"<>|]")


def folded(name: str) -> str:
    """A name as SQL Server compares it: without case, and without blanks at its end."""
    return name.rstrip(" ").lower()


def is_valid_name(name: str) -> bool:
    """Whether folders, projects, environments and their variables can have this name.

    1 to 128 characters; no control characters and none of ``" < > |``; no blank at either end; no ``@`` in front.
    """
    return (
        0 < len(name) <= _LONGEST
        and _FORBIDDEN.search(name) is None
        and name.strip(" ") == name
        and not name.startswith("@")
    )
