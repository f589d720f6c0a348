"""The lengths, precisions and scales that types may have."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_LARGEST_LENGTH: Final = {"char": 8000, "varchar": 8000, "binary": 8000, "varbinary": 8000}
_LARGEST_UNICODE_LENGTH: Final = 4000
_LARGEST_PRECISION: Final = 38
_LARGEST_SCALE: Final = 7


def check_facets(sql_type: SqlType, text: str, line: int = 0) -> None:
    """Check the facets of a type.

    :param text: the type as the batch writes it.
    :param line: its line; 0 leaves it open.
    :raises SqlError: 131, 183, 1001, 1002, 2716, 2750: a facet is out of range.
    """

    def refuse(number: int, complaint: str) -> SqlError:
        return SqlError(number, f"{text}: {complaint}.", severity=15, line=line)

    has_facets = (sql_type.length, sql_type.precision, sql_type.scale) != (None, None, None)
    if "(" in text and not has_facets and sql_type.name not in ("real", "float"):
        raise refuse(2716, f"the type {sql_type.name} does not accept a length")
    if sql_type.length is not None and sql_type.length != MAX:
        largest = _LARGEST_LENGTH.get(sql_type.name, _LARGEST_UNICODE_LENGTH)
        if sql_type.length == 0:
            raise refuse(1001, "the length must be greater than 0")
        if sql_type.length > largest:
            raise refuse(131, f"the length must not be greater than {largest}")
    if sql_type.precision is not None:
        if not 1 <= sql_type.precision <= _LARGEST_PRECISION:
            raise refuse(2750, f"the precision must be 1 to {_LARGEST_PRECISION}")
        if (sql_type.scale or 0) > sql_type.precision:
            raise refuse(183, "the scale must not be greater than the precision")
    elif sql_type.scale is not None and sql_type.scale > _LARGEST_SCALE:
        raise refuse(1002, f"the scale must not be greater than {_LARGEST_SCALE}")
