"""Names of several parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

DEFAULT_SCHEMA: Final = "dbo"
TEMPORARY_DATABASE: Final = "tempdb"
GLOBAL_MARK: Final = "##"
"""The begin of the name of a global temporary table, which belongs to tempdb."""


def is_global(name: str) -> bool:
    """Whether a name is that of a global temporary table."""
    return name.startswith(GLOBAL_MARK)


def qualified(parts: Sequence[str], database: str) -> tuple[str, str, str]:
    """Database, schema and name of a one- to three-part name; omitted parts are the current database and dbo."""
    *qualifiers, name = parts
    if is_global(name):
        return TEMPORARY_DATABASE, DEFAULT_SCHEMA, name
    schema = (qualifiers[-1] if qualifiers else "") or DEFAULT_SCHEMA
    return (qualifiers[0] if len(qualifiers) > 1 and qualifiers[0] else database), schema, name


def split_name(text: str) -> list[str]:
    """The parts of a name such as ``[Sales].dbo."orders"``."""
    parts: list[str] = []
    current = ""
    closing = ""
    position = 0
    while position < len(text):
        character = text[position]
        if closing:
            if character == closing and text[position + 1 : position + 2] == closing:
                current += character
                position += 1
            elif character == closing:
                closing = ""
            else:
                current += character
        elif character in '["':
            closing = "]" if character == "[" else '"'
        elif character == ".":
            parts.append(current.strip())
            current = ""
        else:
            current += character
        position += 1
    return [*parts, current.strip()]
