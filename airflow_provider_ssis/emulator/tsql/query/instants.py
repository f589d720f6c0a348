"""The DuckDB text of datetimeoffset columns: tables keep TIMESTAMPTZ, and queries show the server's offset."""

from __future__ import annotations

import re
from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type

_ZONED: Final = duckdb_type(SqlType("datetimeoffset"), zoned=True)
_SHOWN: Final = re.compile(
    r"CASE WHEN (?P<column>\S+) IS NULL THEN NULL ELSE CAST\(\{'us': (?P<instant>epoch_us\((?P=column)\)),"
    r" 'minutes': -?\d+\} AS " + re.escape(_ZONED) + r"\) END"
)


def shown(column: str, minutes: int) -> str:
    """The value of a column with an offset.

    :param column: DuckDB text of type TIMESTAMPTZ.
    :param minutes: the offset.
    """
    pair = f"{{'us': epoch_us({column}), 'minutes': {minutes}}}"
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE CAST({pair} AS {_ZONED}) END"


def instant(value: str) -> str:
    """The microseconds of a datetimeoffset, by which it is compared; those of a column without the value around them.

    :param value: its DuckDB text.
    """
    found = _SHOWN.fullmatch(value)
    return f"({value}).us" if found is None else found["instant"]
