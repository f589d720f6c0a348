"""The types of columns and parameters as T-SQL declares them."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.datatypes import DataTypeCode as T

T_SQL_TYPES: Mapping[T, str] = {
    T.DT_I1: "smallint",
    T.DT_UI1: "tinyint",
    T.DT_I2: "smallint",
    T.DT_UI2: "int",
    T.DT_I4: "int",
    T.DT_UI4: "bigint",
    T.DT_I8: "bigint",
    T.DT_UI8: "decimal(20, 0)",
    T.DT_R4: "real",
    T.DT_R8: "float",
    T.DT_CY: "money",
    T.DT_BOOL: "bit",
    T.DT_GUID: "uniqueidentifier",
    T.DT_DATE: "datetime",
    T.DT_DBTIMESTAMP: "datetime",
    T.DT_DBTIMESTAMP2: "datetime2(7)",
    T.DT_DBDATE: "date",
    T.DT_DBTIME: "time(0)",
    T.DT_DBTIME2: "time(7)",
    T.DT_DBTIMESTAMPOFFSET: "datetimeoffset(7)",
    T.DT_FILETIME: "datetime2(7)",
}
"""The types without a length or precision."""

LONGEST = {T.DT_STR: 8000, T.DT_WSTR: 4000, T.DT_BYTES: 8000}
"""The longest values of types with a length."""
_SIZED = {T.DT_STR: "varchar", T.DT_WSTR: "nvarchar", T.DT_BYTES: "varbinary"}
_LARGE = {T.DT_TEXT: "varchar(max)", T.DT_NTEXT: "nvarchar(max)", T.DT_IMAGE: "varbinary(max)"}


def declared_type(type_: ColumnType) -> str:
    """Return the type of a column as T-SQL declares it.

    :raises KeyError: T-SQL has no such type.
    """
    code = type_.code
    if code in _SIZED:
        length = str(type_.length) if 0 < type_.length <= LONGEST[code] else "max"
        return f"{_SIZED[code]}({length})"
    if code is T.DT_NUMERIC:
        return f"decimal({type_.precision}, {type_.scale})"
    if code is T.DT_DECIMAL:
        return f"decimal(29, {type_.scale})"
    return _LARGE[code] if code in _LARGE else T_SQL_TYPES[code]
