"""What a driver returns, converted to the declared SSIS type: facts in data_flow.md, sections 2.1 and 2.3."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.driver_columns import convert_values
from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus as S
from airflow_provider_ssis.engine.data_flow.databases.target_columns import convert_for_target
from airflow_provider_ssis.expressions.arrow import arrow_type

_T = DataTypeCode
GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
US = pa.timestamp("us")
NUMERIC_5_2 = ColumnType(_T.DT_NUMERIC, precision=5, scale=2)
EARLY = dt.datetime(1752, 1, 1, 0, 0, 0, 5)
TIME = dt.time(1, 2, 3, 456789)


def wstr(length: int) -> ColumnType:
    return ColumnType(_T.DT_WSTR, length)


def str_(length: int, code_page: int = 1252) -> ColumnType:
    return ColumnType(_T.DT_STR, length, code_page=code_page)


def seconds(code: DataTypeCode, scale: int) -> ColumnType:
    return ColumnType(code, scale=scale)


CASES: list[tuple[Any, pa.DataType, ColumnType, Any, S]] = [
    # the same type
    (True, pa.bool_(), ColumnType(_T.DT_BOOL), True, S.OK),
    (7, pa.uint8(), ColumnType(_T.DT_UI1), 7, S.OK),
    # integers: too big is an overflow, a sign that does not fit has a status (1.13, 2.3)
    (70000, pa.int32(), ColumnType(_T.DT_I2), None, S.OVERFLOW),
    (-1, pa.int32(), ColumnType(_T.DT_UI1), None, S.SIGN),
    (300, pa.int32(), ColumnType(_T.DT_UI1), None, S.OVERFLOW),
    (-5, pa.int64(), ColumnType(_T.DT_I4), -5, S.OK),
    (2**64 - 1, pa.uint64(), ColumnType(_T.DT_I8), None, S.OVERFLOW),
    (True, pa.bool_(), ColumnType(_T.DT_I4), -1, S.OK),
    (2, pa.int64(), ColumnType(_T.DT_BOOL), True, S.OK),
    (Decimal("2.5"), pa.decimal128(5, 1), ColumnType(_T.DT_I4), 2, S.OK),
    ("12", pa.large_string(), ColumnType(_T.DT_I4), 12, S.OK),
    ("twelve", pa.large_string(), ColumnType(_T.DT_I4), None, S.CONVERSION),
    ("99999999999", pa.large_string(), ColumnType(_T.DT_I4), None, S.OVERFLOW),
    # reals
    (3, pa.int32(), ColumnType(_T.DT_R8), 3.0, S.OK),
    (Decimal("1.25"), pa.decimal128(5, 2), ColumnType(_T.DT_R4), 1.25, S.OK),
    (1e300, pa.float64(), ColumnType(_T.DT_R4), None, S.OVERFLOW),
    # decimals: numeric to a smaller scale is a truncation, r8 to decimal is cut (2.3)
    (Decimal("1.234"), pa.decimal128(10, 3), NUMERIC_5_2, Decimal("1.23"), S.TRUNCATED),
    (Decimal("1.230"), pa.decimal128(10, 3), NUMERIC_5_2, Decimal("1.23"), S.OK),
    (Decimal(1000), pa.decimal128(10, 0), NUMERIC_5_2, None, S.OVERFLOW),
    (Decimal("-999.99"), pa.decimal128(5, 2), NUMERIC_5_2, Decimal("-999.99"), S.OK),
    (12.3456789, pa.float64(), ColumnType(_T.DT_NUMERIC, precision=19, scale=2), Decimal("12.34"), S.OK),
    (0.29, pa.float64(), NUMERIC_5_2, Decimal("0.29"), S.OK),
    (-0.299, pa.float64(), NUMERIC_5_2, Decimal("-0.29"), S.OK),
    (1234.5, pa.float64(), NUMERIC_5_2, None, S.OVERFLOW),
    (12345678901234567890.0, pa.float64(), ColumnType(_T.DT_NUMERIC, precision=38, scale=2),
     Decimal(12345678901234567000), S.OK),
    (math.nan, pa.float64(), NUMERIC_5_2, None, S.OVERFLOW),
    (7, pa.int32(), ColumnType(_T.DT_CY), Decimal(7), S.OK),
    (Decimal("12.3456"), pa.decimal128(19, 4), ColumnType(_T.DT_CY), Decimal("12.3456"), S.OK),
    # text: length in UTF-16 units or bytes, ends at NUL, no character outside of the code page (2.1, 2.3)
    ("abc", pa.large_string(), wstr(3), "abc", S.OK),
    ("abcd", pa.large_string(), wstr(3), "abc", S.TRUNCATED),
    ("ab\0d", pa.large_string(), wstr(2), "ab", S.OK),
    ("äöü", pa.large_string(), wstr(3), "äöü", S.OK),
    ("a\U0001f600", pa.large_string(), wstr(3), "a\U0001f600", S.OK),
    ("ab\U0001f600", pa.large_string(), wstr(3), "ab", S.TRUNCATED),
    ("äöü", pa.large_string(), str_(3), "äöü", S.OK),
    ("äöü", pa.large_string(), str_(3, 65001), "ä", S.TRUNCATED),
    ("日本", pa.large_string(), str_(4, 932), "日本", S.OK),
    ("日本", pa.large_string(), str_(3, 932), "日", S.TRUNCATED),
    ("日a", pa.large_string(), str_(5), "?a", S.TRUNCATED),
    (12, pa.int32(), wstr(2), "12", S.OK),
    (123, pa.int32(), wstr(2), "12", S.TRUNCATED),
    (dt.date(2024, 2, 3), pa.date32(), wstr(10), "2024-02-03", S.OK),
    ("long", pa.large_string(), ColumnType(_T.DT_NTEXT), "long", S.OK),
    # bytes, GUIDs, Booleans of psqlODBC
    (b"abcd", pa.large_binary(), ColumnType(_T.DT_BYTES, 3), b"abc", S.TRUNCATED),
    (b"abcd", pa.large_binary(), ColumnType(_T.DT_IMAGE), b"abcd", S.OK),
    (GUID, pa.large_string(), ColumnType(_T.DT_GUID), bytes.fromhex(GUID.replace("-", "")), S.OK),
    ("{" + GUID + "}", pa.large_string(), ColumnType(_T.DT_GUID), bytes.fromhex(GUID.replace("-", "")), S.OK),
    ("no guid", pa.large_string(), ColumnType(_T.DT_GUID), None, S.CONVERSION),
    ("1", pa.large_string(), ColumnType(_T.DT_BOOL), True, S.OK),
    ("maybe", pa.large_string(), ColumnType(_T.DT_BOOL), None, S.CONVERSION),
    # dates: the missing part is dropped, datetime2 before 1753 overflows a dbTimeStamp, a lost fraction is a truncation
    (dt.datetime(2024, 2, 3, 4, 5), US, ColumnType(_T.DT_DBDATE), dt.date(2024, 2, 3), S.OK),
    (dt.datetime(1752, 1, 1), US, ColumnType(_T.DT_DBTIMESTAMP), None, S.OVERFLOW),
    (EARLY, US, seconds(_T.DT_DBTIMESTAMP2, 6), EARLY, S.OK),
    (dt.datetime(2024, 1, 1, 0, 0, 0, 123456), US, seconds(_T.DT_DBTIMESTAMP2, 3),
     dt.datetime(2024, 1, 1, 0, 0, 0, 123000), S.TRUNCATED),
    (dt.datetime(2024, 1, 1, 0, 0, 0, 123456), US, ColumnType(_T.DT_DBTIMESTAMP),
     dt.datetime(2024, 1, 1, 0, 0, 0, 123000), S.OK),
    (dt.datetime(1, 1, 1), US, seconds(_T.DT_DBTIMESTAMP2, 7), 0, S.OK),
    (dt.date(2024, 2, 3), pa.date32(), ColumnType(_T.DT_DBTIMESTAMP), dt.datetime(2024, 2, 3), S.OK),
    (TIME, pa.time64("us"), seconds(_T.DT_DBTIME2, 6), TIME, S.OK),
    (TIME, pa.time64("us"), ColumnType(_T.DT_DBTIME), dt.time(1, 2, 3), S.TRUNCATED),
    (dt.datetime(2024, 1, 1, 2, 3, 4), US, ColumnType(_T.DT_DBTIME), dt.time(2, 3, 4), S.OK),
    ("2024-02-03", pa.large_string(), ColumnType(_T.DT_DBDATE), dt.date(2024, 2, 3), S.OK),
    # a type that converts to nothing is an error of the column
    (b"ab", pa.large_binary(), ColumnType(_T.DT_R8), None, S.CONVERSION),
]  # fmt: skip


@pytest.mark.parametrize(("value", "source", "target", "expected", "status"), CASES)
def test_a_value_is_converted_to_its_type(
    value: Any, source: pa.DataType, target: ColumnType, expected: Any, status: S
) -> None:
    array = pa.array([None, value, None], source).slice(1)
    found = convert_values(array, target)
    assert found.values.type == arrow_type(target)
    assert found.values.to_pylist() == [expected, None]
    statuses = [0, 0] if found.statuses is None else found.statuses.tolist()
    assert statuses == [status, 0]


def test_a_column_of_nulls_is_null_in_any_type() -> None:
    found = convert_values(pa.nulls(2), NUMERIC_5_2)
    assert (found.values.to_pylist(), found.statuses) == ([None, None], None)


def test_a_time_with_a_zone_counts_in_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    array = pa.array([dt.datetime(2024, 1, 1, 3, tzinfo=zone)], pa.timestamp("us", "UTC"))
    found = convert_values(array, seconds(_T.DT_DBTIMESTAMP2, 6))
    assert found.values.to_pylist() == [dt.datetime(2024, 1, 1, 1)]


@pytest.mark.parametrize(
    ("text", "type_", "value", "status"),
    [
        ("2024-02-03", ColumnType(_T.DT_DBDATE), dt.date(2024, 2, 3), S.OK),
        (" 2024-2-3 4:5:6.5 ", ColumnType(_T.DT_DBTIMESTAMP), dt.datetime(2024, 2, 3, 4, 5, 6, 500_000), S.OK),
        ("04:05:06", seconds(_T.DT_DBTIME2, 0), dt.time(4, 5, 6), S.OK),
        ("03/02/2024", ColumnType(_T.DT_DBTIMESTAMP), None, S.CONVERSION),
        ("2024-02-30", ColumnType(_T.DT_DBDATE), None, S.CONVERSION),
        ("", ColumnType(_T.DT_DBTIMESTAMP2, scale=3), None, S.CONVERSION),
        ("4:05 PM", seconds(_T.DT_DBTIME2, 0), None, S.CONVERSION),
        (None, ColumnType(_T.DT_DBDATE), None, S.OK),
    ],
)
def test_a_destination_reads_dates_of_text_in_the_form_of_iso_only(
    text: str | None, type_: ColumnType, value: Any, status: S
) -> None:
    found = convert_for_target(pa.array([text], pa.string()), ColumnType(_T.DT_STR, 50, code_page=1252), type_)
    assert found.values.to_pylist() == [value]
    assert (S.OK if found.statuses is None else S(int(found.statuses[0]))) is status


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        (dt.datetime(2024, 2, 3), ColumnType(_T.DT_DBTIMESTAMP), "2024-02-03 00:00:00"),
        (dt.datetime(2024, 2, 3, 4, 5, 6), ColumnType(_T.DT_DATE), "2024-02-03 04:05:06"),
        (dt.date(2024, 2, 3), ColumnType(_T.DT_DBDATE), "2024-02-03"),
        (dt.datetime(2024, 2, 3, 4, 5, 6, 500_000), seconds(_T.DT_DBTIMESTAMP2, 3), "2024-02-03 04:05:06.500"),
    ],
)
def test_a_destination_writes_dates_as_text_in_the_form_of_iso(value: Any, type_: ColumnType, text: str) -> None:
    """Facts 2.2: dbTimeStamp is yyyy-mm-dd hh:mm:ss[.fff], dbTimeStamp2 has the digits of its scale."""
    found = convert_for_target(pa.array([value, None]).cast(arrow_type(type_)), type_, wstr(50))
    assert (found.values.to_pylist(), found.statuses) == ([text, None], None)
