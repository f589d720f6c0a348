"""Values in DuckDB and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.datatypes import Column, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.values import storage

T = SqlType.parse
WIDE = Context(prec=38)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bit": st.booleans(),
    "tinyint": st.integers(0, 255),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "decimal(18,4)": st.decimals(-(10**13), 10**13, places=4, allow_nan=False, allow_infinity=False),
    "decimal(38,38)": st.integers(1 - 10**38, 10**38 - 1).map(lambda digits: Decimal(digits).scaleb(-38, WIDE)),
    "money": st.decimals(-(10**13), 10**13, places=4, allow_nan=False, allow_infinity=False),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "real": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "nvarchar(20)": TEXTS,
    "varbinary(20)": st.binary(max_size=20),
    "uniqueidentifier": st.uuids(),
    "date": st.dates(),
    "time": st.times(),
    "datetime2": st.datetimes(),
    "datetimeoffset": st.datetimes(dt.datetime(1753, 1, 1), dt.datetime(9999, 12, 30), timezones=ZONES),
}
TYPED = st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(T(name)), VALUES[name]))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    yield connection
    connection.close()


def _stored(connection: duckdb.DuckDBPyConnection, type_: SqlType, value: Any, *, zoned: bool) -> Any:
    name = "there_and_back"
    columns = [Column("v", type_)]
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(storage.create_table(name, columns, temporary=zoned))
    connection.execute(f"INSERT INTO {name} VALUES (?)", [storage.encode(type_, value, zoned=zoned)])
    column = "v" if zoned or type_.name != "datetimeoffset" else "{'us': epoch_us(v), 'minutes': 0}"
    row = connection.execute(f"SELECT CASE WHEN v IS NOT NULL THEN {column} END FROM {name}").fetchone()
    assert row is not None
    return storage.decode(type_, row[0])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(typed=TYPED)
def test_a_value_comes_back_from_a_table(connection: duckdb.DuckDBPyConnection, typed: tuple[SqlType, Any]) -> None:
    type_, value = typed
    back = _stored(connection, type_, value, zoned=False)
    assert back == value
    assert type(back) is type(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(value=VALUES["datetimeoffset"])
def test_a_temporary_table_keeps_the_offset(connection: duckdb.DuckDBPyConnection, value: dt.datetime) -> None:
    back = _stored(connection, T("datetimeoffset"), value, zoned=True)
    assert back.isoformat() == value.isoformat()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(typed=TYPED)
def test_a_sql_variant_keeps_base_type_and_value(
    connection: duckdb.DuckDBPyConnection, typed: tuple[SqlType, Any]
) -> None:
    variant = Variant(*typed)
    back = _stored(connection, T("sql_variant"), variant, zoned=False)
    assert back == variant
    if typed[0].name == "datetimeoffset":
        assert back.value.isoformat() == typed[1].isoformat()


@pytest.mark.parametrize("name", [*VALUES, "sql_variant"])
def test_null_comes_back(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    assert _stored(connection, T(name), None, zoned=False) is None
    assert _stored(connection, T(name), None, zoned=True) is None


def test_a_table_type_is_not_a_column_type() -> None:
    with pytest.raises(ValueError, match=r"dbo\.ids"):
        storage.duckdb_type(SqlType("ids", schema="dbo"))


def test_a_name_with_quotes_is_quoted() -> None:
    assert storage.quoted('a"b') == '"a""b"'
