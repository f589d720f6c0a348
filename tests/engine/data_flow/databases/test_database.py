"""Connections of components: strings for mssql-python, and logins that only one driver can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyodbc
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.data_flow.databases import reading
from airflow_provider_ssis.engine.data_flow.databases.database import Database, connection_pairs
from airflow_provider_ssis.engine.data_flow.databases.reading import read_query
from airflow_provider_ssis.engine.data_flow.databases.table_names import Quoting, split_name
from airflow_provider_ssis.engine.data_flow.databases.table_writer import WriteOptions
from airflow_provider_ssis.engine.data_flow.databases.writers import open_writer
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.odbc.drivers import DriverFamily
from tests.support.engine import failure_of

GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
SCHEMA = RowSchema((RowColumn("L", "n", ColumnType(DataTypeCode.DT_I4)),))


@pytest.fixture
def database(ssisdb_emulator_server: SsisdbEmulator) -> Iterator[Database]:
    text = ssisdb_emulator_server.odbc(DriverFamily.MICROSOFT)
    connection = pyodbc.connect(text, autocommit=True)
    yield Database(connection, text, is_retained=False, in_package_transaction=False, cancel=CancelToken())
    connection.close()


def test_a_query_is_read_without_mssql_python_if_it_cannot_log_in(database: Database) -> None:
    assert database.connect_arrow() is not None
    other = replace(database, odbc_string=database.odbc_string.replace("UID=", "UID=no"))
    assert other.connect_arrow() is None
    (batch,) = read_query(other, "SELECT 7 AS n", (), SCHEMA, 10)
    assert batch.to_pydict() == {"L": [7]}


def test_a_bulk_load_that_cannot_log_in_fails(database: Database) -> None:
    """Facts 3.2: 0xC0202040."""
    other = replace(database, odbc_string=database.odbc_string.replace("UID=", "UID=no"))
    options = WriteOptions("t_none", (), is_fast=True, is_bulk=True)
    failure = failure_of(lambda: open_writer(other, options, single_transaction=False))
    assert failure.code == 0xC0202040
    password = connection_pairs(database.odbc_string)["pwd"]
    assert password not in failure.text


def test_a_keyword_that_mssql_python_does_not_know_keeps_the_connection(database: Database) -> None:
    assert replace(database, odbc_string=database.odbc_string + "ColumnEncryption=Enabled;").microsoft_string is None
    assert replace(database, odbc_string=database.odbc_string + "AutoTranslate=no;").microsoft_string is not None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[dbo].[My Table]", [("dbo", True), ("My Table", True)]),
        ("dbo.T", [("dbo", False), ("T", False)]),
        ('"a""b"."c.d"', [('a"b', True), ("c.d", True)]),
        ("[a]]b]", [("a]b", True)]),
        ("db..T", [("db", False), ("", False), ("T", False)]),
    ],
)
def test_a_name_is_split_at_its_points(text: str, parts: list[tuple[str, bool]]) -> None:
    assert split_name(text) == parts


def test_names_are_quoted_as_the_database_does(database: Database) -> None:
    quoting = Quoting(database.connection)
    assert quoting.table("db..T") == "db..T"
    assert quoting.table("dbo.My Table") == "dbo.[My Table]"
    assert quoting.table('"a]b".T; DROP TABLE x') == "[a]]b].[T; DROP TABLE x]"


def test_a_connection_string_is_read_with_its_braces() -> None:
    assert connection_pairs("Driver={a;b};PWD={x}}y};server = h ; PWD=second") == {
        "driver": "a;b",
        "pwd": "x}y",
        "server": "h",
    }


@pytest.mark.parametrize("parameters", [(), (250,)], ids=["mssql-python", "pyodbc"])
@pytest.mark.parametrize(("limit", "sizes"), [(32 * 2**20, [250]), (150, [100, 100, 50])])
def test_large_objects_are_fetched_some_rows_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch, parameters: tuple[int, ...], limit: int, sizes: list[int]
) -> None:
    """``arrow_batch`` keeps the interpreter lock while it waits for the rest of a large object."""
    monkeypatch.setattr(reading, "_LARGE_BYTES", limit)
    monkeypatch.delattr("mssql_python.Cursor.arrow_batch")
    numbers = (
        "SELECT TOP 250 CAST('ab' AS nvarchar(max)) AS n FROM sys.all_columns AS a CROSS JOIN sys.all_columns AS b"
    )
    query = f"{numbers} WHERE ? > 0" if parameters else numbers
    schema = RowSchema((RowColumn("L", "n", ColumnType(DataTypeCode.DT_WSTR, 4)),))
    batches = list(read_query(database, query, parameters, schema, 10_000))
    assert [batch.num_rows for batch in batches] == sizes
    assert {text for batch in batches for text in batch.column(0).to_pylist()} == {"ab"}


@pytest.mark.parametrize("parameters", [(), (1,)], ids=["mssql-python", "pyodbc"])
@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("CAST(0.1 AS real)", ColumnType(DataTypeCode.DT_WSTR, 40), "0.1"),
        ("CAST(0.1 AS float)", ColumnType(DataTypeCode.DT_WSTR, 40), "0.1"),
        ("CAST(0.1 AS real)", ColumnType(DataTypeCode.DT_R8), 0.10000000149011612),
        (f"CAST('{GUID}' AS uniqueidentifier)", ColumnType(DataTypeCode.DT_WSTR, 40), GUID),
        ("CAST('12:34:56.123456' AS time(6))", ColumnType(DataTypeCode.DT_WSTR, 40), "12:34:56.123456"),
        ("CAST(1.50 AS money)", ColumnType(DataTypeCode.DT_WSTR, 40), "1.5000"),
        ("CAST(1 AS bit)", ColumnType(DataTypeCode.DT_WSTR, 40), "True"),
    ],
)
def test_a_large_object_does_not_change_the_other_values(
    database: Database, value: str, type_: ColumnType, expected: object, parameters: tuple[int, ...]
) -> None:
    schema = RowSchema((RowColumn("L", "n", type_),))
    for other in ("1", "CAST('x' AS varchar(max))"):
        query = f"SELECT {value} AS n, {other} AS m" + (" WHERE ? = 1" if parameters else "")
        (batch,) = read_query(database, query, parameters, schema, 10)
        assert batch.column(0).to_pylist() == [expected]


@pytest.mark.parametrize("other", ["1", "CAST('x' AS varchar(max))"])
@pytest.mark.parametrize("code", [DataTypeCode.DT_WSTR, DataTypeCode.DT_NTEXT])
def test_text_does_not_lose_the_offset_of_a_datetimeoffset(database: Database, code: DataTypeCode, other: str) -> None:
    query = f"SELECT CAST('2024-01-02T03:04:05+02:00' AS datetimeoffset) AS n, {other} AS m"
    schema = RowSchema((RowColumn("L", "n", ColumnType(code, 40)),))
    assert "lose the offset" in failure_of(lambda: list(read_query(database, query, (), schema, 10))).text


def test_values_of_several_types_in_rows_with_a_large_object_fail(database: Database) -> None:
    variants = "SELECT CAST(1 AS sql_variant) AS n UNION ALL SELECT CAST('5' AS sql_variant)"
    query = f"SELECT n, CAST('x' AS varchar(max)) AS m FROM ({variants}) AS v"
    failure = failure_of(lambda: list(read_query(database, query, (), SCHEMA, 10)))
    assert (failure.code, "several types" in failure.text) == (0xC0202009, True)
