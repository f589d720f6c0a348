"""The values of rows that a driver returns as columns of Arrow."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyodbc

from airflow_provider_ssis.datatypes import DATES, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.rows import RowSchema

_T = DataTypeCode
_MICROSECOND_SCALE = 6
_REAL_BITS = 24
"""The precision of a real of SQL Server."""


def needs_ticks(type_: ColumnType) -> bool:
    """Whether a type keeps what Arrow's microseconds lose."""
    is_precise = type_.code is _T.DT_DBTIMESTAMP2 and type_.scale > _MICROSECOND_SCALE
    return is_precise or type_.code is _T.DT_DBTIMESTAMPOFFSET


@contextmanager
def exact_values(connection: pyodbc.Connection, schema: RowSchema) -> Iterator[None]:
    """Read the structures of the driver where a datetime of Python would lose a digit or the time zone."""
    if not any(needs_ticks(column.type) for column in schema.columns):
        yield
        return
    functions = {pyodbc.SQL_TYPE_TIMESTAMP: _ticks_of_timestamp, _SQL_SS_TIMESTAMPOFFSET: _offset_of_timestamp}
    before = {number: connection.get_output_converter(number) for number in functions}
    for number, function in functions.items():
        connection.add_output_converter(number, function)
    try:
        yield
    finally:
        for number, function in before.items():
            if function is None:
                connection.remove_output_converter(number)
            else:
                connection.add_output_converter(number, function)


_SQL_SS_TIMESTAMPOFFSET = -155
_TIMESTAMP = struct.Struct("<hHHHHHI")
_OFFSET = struct.Struct("<hHHHHHIhh")
_DATETIME = struct.Struct("<iI")
_TICKS_PER_DAY = 864_000_000_000
_YEAR_1900 = date(1900, 1, 1).toordinal() - 1


def _ticks_of_timestamp(value: bytes | None) -> int | None:
    if value is None:
        return None
    if len(value) == _DATETIME.size:
        days, three_hundredths = _DATETIME.unpack(value)
        milliseconds = (three_hundredths * 10 + 1) // 3
        return int((_YEAR_1900 + days) * _TICKS_PER_DAY + milliseconds * 10_000)
    return _ticks(*_TIMESTAMP.unpack(value))


def _ticks(year: int, month: int, day: int, hour: int, minute: int, second: int, fraction: int) -> int:
    days = date(year, month, day).toordinal() - 1
    return days * _TICKS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 10_000_000 + fraction // 100


def _offset_of_timestamp(value: bytes | None) -> dict[str, int] | None:
    if value is None:
        return None
    *parts, hours, minutes = _OFFSET.unpack(value)
    offset = hours * 60 + minutes
    return {"ticks": _ticks(*parts) - offset * 600_000_000, "minutes": offset}


_ARROW_OF_PYTHON: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    str: pa.large_string(),
    float: pa.float64(),
    datetime: pa.timestamp("us"),
    date: pa.date32(),
    time: pa.time64("us"),
    bytes: pa.large_binary(),
    bytearray: pa.large_binary(),
    dict: pa.struct([("ticks", pa.int64()), ("minutes", pa.int16())]),
}


def row_arrays(
    rows: Sequence[Any], positions: Sequence[int], schema: RowSchema, reals: Collection[int]
) -> list[pa.Array]:
    """Return the columns of a schema from rows of a driver; none without rows.

    :param rows: the rows.
    :param positions: the position in a row of each column of the schema.
    :param schema: the columns.
    :param reals: the positions of :func:`real_positions`.
    """
    columns = list(zip(*rows, strict=True))
    if not columns:
        return []
    arrays = [
        value_array(columns[position], column.type) for position, column in zip(positions, schema.columns, strict=True)
    ]
    return [
        array.cast(pa.float32()) if position in reals else array
        for position, array in zip(positions, arrays, strict=True)
    ]


def value_array(values: Sequence[Any], type_: ColumnType) -> pa.Array:
    """Return the values of a driver as a column.

    :param values: the values, of one type of Python.
    :param type_: the declared type.
    """
    sample = next((value for value in values if value is not None), None)
    if sample is None:
        return pa.nulls(len(values))
    if isinstance(sample, uuid.UUID):
        if type_.code is _T.DT_GUID:
            return pa.array([None if value is None else value.bytes for value in values], pa.binary(16))
        # As ``arrow_batch`` and pyodbc return it.
        return pa.array([None if value is None else str(value).upper() for value in values], pa.large_string())
    if isinstance(sample, Decimal):
        return pa.array(values)
    if isinstance(sample, int) and not isinstance(sample, bool):
        array = pa.array(values, pa.int64()) if type_.code is not _T.DT_UI8 else pa.array(values)
        is_ticks = type_.code in DATES and not needs_ticks(type_)
        return _microseconds(array) if is_ticks else array
    if isinstance(sample, datetime) and sample.tzinfo is not None:
        return pa.array(values, pa.timestamp("us", "UTC"))
    return pa.array(values, _ARROW_OF_PYTHON[type(sample)])


_MICROSECONDS_BEFORE_UNIX = (date(1970, 1, 1).toordinal() - 1) * 86_400_000_000


def _microseconds(ticks: pa.Array) -> pa.Array:
    return pc.subtract(pc.divide(ticks, 10), _MICROSECONDS_BEFORE_UNIX).cast(pa.timestamp("us"))


def real_positions(description: Sequence[Sequence[Any]]) -> frozenset[int]:
    """Return the positions of columns of SQL Server's type real: their texts have fewer digits than those of float.

    :param description: the columns, as a cursor describes them.
    """
    return frozenset(
        position for position, column in enumerate(description) if column[1] is float and column[4] <= _REAL_BITS
    )
