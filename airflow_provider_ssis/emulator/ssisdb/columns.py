"""Columns of tables and views, written as text: ``folder_id bigint NN; name sysname NN; created_time dto7``."""

from __future__ import annotations

import re

from airflow_provider_ssis.emulator.datatypes import Column, SqlType

_COLUMN = re.compile(r"(?P<name>\w+)\s+(?P<type>\w+(?:\([^)]*\))?)(?P<not_null>\s+NN)?")


def parse_columns(text: str) -> tuple[Column, ...]:
    """Read columns from text.

    :param text: names and T-SQL types, separated by semicolons. ``NN`` means NOT NULL; ``dto7`` is short for
        ``datetimeoffset(7)``.
    :raises ValueError: a part of the text is not a column.
    """
    columns = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        match = _COLUMN.fullmatch(part)
        if match is None:
            raise ValueError(f"not a column: {part!r}")
        columns.append(Column(match["name"], _column_type(match["type"]), nullable=match["not_null"] is None))
    return tuple(columns)


def _column_type(text: str) -> SqlType:
    return SqlType("datetimeoffset", scale=7) if text == "dto7" else SqlType.parse(text)
