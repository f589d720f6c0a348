"""OLE DB, ODBC and ADO.NET sources, on the embedded server and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.components.ado_net_source import AdoNetSource
from airflow_provider_ssis.engine.data_flow.components.odbc_source import OdbcSource
from airflow_provider_ssis.engine.data_flow.components.ole_db_source import OleDbSource
from airflow_provider_ssis.engine.data_flow.databases.query_source import QuerySource
from airflow_provider_ssis.engine.errors import Cancelled
from tests.support.database_components import TestColumn, flow_context, ole_db_string, opened, read_all, source
from tests.support.engine import failure_of

_T = DataTypeCode
I4, I8, R8 = ColumnType(_T.DT_I4), ColumnType(_T.DT_I8), ColumnType(_T.DT_R8)
NAME = ColumnType(_T.DT_WSTR, 3)
TABLE = "SELECT 1 AS n, N'abc' AS name UNION ALL SELECT 2, N'abcd' UNION ALL SELECT 3, NULL"


@pytest.fixture
def sql_server(ssisdb_emulator_server: SsisdbEmulator) -> str:
    return ole_db_string(ssisdb_emulator_server)


@pytest.fixture
def orders(postgresql_odbc: str) -> str:
    """A table of PostgreSQL."""
    with pyodbc.connect(postgresql_odbc, autocommit=True) as connection:
        connection.execute('DROP TABLE IF EXISTS "Orders"')
        connection.execute(
            'CREATE TABLE "Orders" (id int, "Name" varchar(10), price numeric(9,2), day date, at timestamp, ok boolean)'
        )
        connection.execute(
            "INSERT INTO \"Orders\" VALUES (1, 'abc', 1.50, '2024-02-03', '2024-02-03 04:05:06.789', true),"
            " (2, 'äöüß', NULL, NULL, NULL, false)"
        )
    connection.close()
    return postgresql_odbc


def _command(sql: str, *columns: TestColumn, **others: Any) -> OleDbSource:
    return OleDbSource(source("OLEDBSource", columns, {"AccessMode": "2", "SqlCommand": sql} | others))


N_AND_NAME = (TestColumn("n", I4), TestColumn("name", ColumnType(_T.DT_WSTR, 10)))


def test_a_query_is_read(sql_server: str) -> None:
    found = read_all(_command(TABLE, *N_AND_NAME), flow_context({"DB": sql_server}))
    assert found == {"O": [(1, "abc"), (2, "abcd"), (3, None)]}


def test_columns_are_found_by_the_name_of_the_external_column(sql_server: str) -> None:
    columns = (TestColumn("Text", NAME, external="NAME"), TestColumn("n", I8))
    found = read_all(_command("SELECT 1 AS n, N'abc' AS name, 3 AS unused", *columns), flow_context({"DB": sql_server}))
    assert found == {"O": [("abc", 1)]}


def test_a_missing_column_fails(sql_server: str) -> None:
    """Facts 3.1: a column missing at run time is 0xC0202005."""
    part = _command("SELECT 1 AS n", *N_AND_NAME)
    failure = failure_of(lambda: read_all(part, flow_context({"DB": sql_server})))
    assert failure.code == 0xC0202005
    assert "'name'" in failure.text


def test_the_first_result_with_columns_is_read(sql_server: str) -> None:
    """Facts 3.1: a text of several statements; the first result set that has columns."""
    sql = "DECLARE @t TABLE (a int); INSERT @t VALUES (7), (8); SELECT a AS n, N'x' AS name FROM @t; SELECT 9 AS z"
    assert read_all(_command(sql, *N_AND_NAME), flow_context({"DB": sql_server})) == {"O": [(7, "x"), (8, "x")]}


def test_a_statement_without_rows_fails(sql_server: str) -> None:
    failure = failure_of(lambda: read_all(_command("DECLARE @a int", *N_AND_NAME), flow_context({"DB": sql_server})))
    assert "returns no rows" in failure.text


def test_an_error_of_the_server_fails_with_its_reason(sql_server: str) -> None:
    part = _command("SELECT * FROM dbo.Nothing", *N_AND_NAME)
    failure = failure_of(lambda: read_all(part, flow_context({"DB": sql_server})))
    assert failure.code == 0xC0202009
    assert "Nothing" in failure.text


def test_a_value_that_is_too_long_fails_the_component(sql_server: str) -> None:
    """Facts 1.14: 0xC020902A names the column and the code of 1.13."""
    part = _command(TABLE, TestColumn("n", I4), TestColumn("name", NAME))
    failure = failure_of(lambda: read_all(part, flow_context({"DB": sql_server})))
    assert failure.code == 0xC020902A
    assert "row 2" in failure.text
    assert "0xC0209073" in failure.text


def test_a_value_that_is_too_long_is_cut_if_truncations_are_ignored(sql_server: str) -> None:
    part = _command(TABLE, TestColumn("n", I4), TestColumn("name", NAME, truncation="IgnoreFailure"))
    assert read_all(part, flow_context({"DB": sql_server})) == {"O": [(1, "abc"), (2, "abc"), (3, None)]}


def test_errors_and_truncations_are_redirected(sql_server: str) -> None:
    """Facts 1.12: a copy of every column, ErrorCode and ErrorColumn; codes of 1.13 for convert and overflow."""
    sql = "SELECT 1 AS n, N'7' AS name UNION ALL SELECT 70000, N'8' UNION ALL SELECT 3, N'x' UNION ALL SELECT 4, N'4'"
    columns = (
        TestColumn("n", ColumnType(_T.DT_I2), error="RedirectRow"),
        TestColumn("name", I4, error="RedirectRow"),
    )
    found = read_all(_command(sql, *columns), flow_context({"DB": sql_server}))
    assert found == {
        "O": [(1, 7), (4, 4)],
        "E": [(None, 8, 0xC0209075 - 2**32, 11), (3, None, 0xC0209072 - 2**32, 12)],
    }


TYPES = """SELECT CAST(1 AS bit) AS a, CAST(255 AS tinyint) AS b, CAST(1.5 AS real) AS c, CAST(12.5 AS money) AS d,
 CAST(1.25 AS decimal(9,3)) AS e, CAST('é' AS varchar(5)) AS f, CAST(N'日本' AS nvarchar(max)) AS g,
 CAST(0x0102 AS varbinary(5)) AS h, CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier) AS i,
 CAST('0001-02-03' AS date) AS j, CAST('12:13:14.123456' AS time(6)) AS k,
 CAST('2024-01-02T03:04:05.123' AS datetime) AS l, CAST('9999-12-31T23:59:59.999999' AS datetime2(6)) AS m"""
TYPED = (
    TestColumn("a", ColumnType(_T.DT_BOOL)),
    TestColumn("b", ColumnType(_T.DT_UI1)),
    TestColumn("c", ColumnType(_T.DT_R4)),
    TestColumn("d", ColumnType(_T.DT_CY)),
    TestColumn("e", ColumnType(_T.DT_NUMERIC, precision=9, scale=3)),
    TestColumn("f", ColumnType(_T.DT_STR, 5, code_page=1252)),
    TestColumn("g", ColumnType(_T.DT_NTEXT)),
    TestColumn("h", ColumnType(_T.DT_BYTES, 5)),
    TestColumn("i", ColumnType(_T.DT_GUID)),
    TestColumn("j", ColumnType(_T.DT_DBDATE)),
    TestColumn("k", ColumnType(_T.DT_DBTIME2, scale=6)),
    TestColumn("l", ColumnType(_T.DT_DBTIMESTAMP)),
    TestColumn("m", ColumnType(_T.DT_DBTIMESTAMP2, scale=6)),
)
VALUES = (
    True,
    255,
    1.5,
    Decimal("12.5000"),
    Decimal("1.250"),
    "é",
    "日本",
    b"\x01\x02",
    bytes.fromhex("6F9619FF8B86D011B42D00C04FC964FF"),
    dt.date(1, 2, 3),
    dt.time(12, 13, 14, 123456),
    dt.datetime(2024, 1, 2, 3, 4, 5, 123000),
    dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
)


@pytest.mark.parametrize("retain", [False, True], ids=["arrow", "pyodbc"])
def test_each_type_of_sql_server_arrives_in_its_ssis_type(sql_server: str, retain: bool) -> None:
    """Facts 2.1; a retained connection is read with pyodbc."""
    context = flow_context({"DB": sql_server}, retain=retain)
    assert read_all(_command(TYPES, *TYPED), context) == {"O": [VALUES]}
    context.opened.close()


def test_seven_fraction_digits_and_time_zones_are_kept(sql_server: str) -> None:
    """Facts 2.1: ticks, and the time in UTC with the offset."""
    sql = (
        "SELECT CAST('0001-01-01T00:00:01.5' AS datetime2(7)) AS t,"
        " CAST('2024-01-02T03:04:05+02:00' AS datetimeoffset(7)) AS z, CAST('1900-01-02T00:00:00.123' AS datetime) AS d"
    )
    ticks = ColumnType(_T.DT_DBTIMESTAMP2, scale=7)
    zoned = ColumnType(_T.DT_DBTIMESTAMPOFFSET, scale=7)
    columns = (TestColumn("t", ticks), TestColumn("z", zoned), TestColumn("d", ColumnType(_T.DT_DBTIMESTAMP)))
    ((at, zone, date),) = read_all(_command(sql, *columns), flow_context({"DB": sql_server}))["O"]
    assert at == 15_000_000
    utc = dt.datetime(2024, 1, 2, 1, 4, 5)
    assert zone == {"ticks": (utc - dt.datetime(1, 1, 1)) // dt.timedelta(microseconds=1) * 10, "minutes": 120}
    assert date == dt.datetime(1900, 1, 2, 0, 0, 0, 123000)


def _mapping(context: Any, *names: str, form: str = '"Parameter{}:Input",{};') -> str:
    ids = {variable.name: variable.id for variable in context.package.container.variables}
    return "".join(form.format(index, ids[name]) for index, name in enumerate(names))


@pytest.mark.parametrize("form", ['"Parameter{}:Input",{};', '"Parameter{}",{};', '"{}",{};', '"參數{}:Input",{};'])
def test_parameters_get_the_values_of_variables(sql_server: str, form: str) -> None:
    """Facts 3.1: the forms of ParameterMapping, by the position of the markers."""
    context = flow_context({"DB": sql_server}, First=5, Second="abc")
    sql = "SELECT ? AS n, ? AS name /* not a ? */"
    part = _command(sql, *N_AND_NAME, ParameterMapping=_mapping(context, "First", "Second", form=form))
    assert read_all(part, context) == {"O": [(5, "abc")]}


def test_named_parameters_are_found_by_name(sql_server: str) -> None:
    context = flow_context({"DB": sql_server}, First=5, Second="abc")
    ids = {variable.name: variable.id for variable in context.package.container.variables}
    mapping = f'"@b:Input",{ids["Second"]};"@a:Input",{ids["First"]};'
    sql = "EXEC sp_executesql N'SELECT @a AS n, @b AS name', N'@a int, @b nvarchar(9)', @a = ?, @b = ?"
    assert read_all(_command(sql, *N_AND_NAME, ParameterMapping=mapping), context) == {"O": [(5, "abc")]}
    mapping = mapping.replace("@a", "@c")
    failure = failure_of(lambda: read_all(_command(sql, *N_AND_NAME, ParameterMapping=mapping), context))
    assert failure.code == 0xC0207014


@pytest.mark.parametrize(
    ("mapping", "code"), [("Parameter0", 0xC0207012), ('"0:Output",User::First', 0xC0207012), ("", 0xC0207013)]
)
def test_a_wrong_mapping_fails(sql_server: str, mapping: str, code: int) -> None:
    """Facts 3.1: 0xC0207012 wrong form, 0xC0207013 too few."""
    context = flow_context({"DB": sql_server}, First=5)
    part = _command("SELECT ? AS n, N'a' AS name", *N_AND_NAME, ParameterMapping=mapping)
    assert failure_of(lambda: read_all(part, context)).code == code


def test_the_command_comes_from_a_variable(sql_server: str) -> None:
    properties = {"AccessMode": "3", "SqlCommandVariable": "User::Sql"}
    part = OleDbSource(source("OLEDBSource", N_AND_NAME, properties))
    assert read_all(part, flow_context({"DB": sql_server}, Sql="SELECT 1 AS n, N'a' AS name")) == {"O": [(1, "a")]}
    failure = failure_of(lambda: read_all(part, flow_context({"DB": sql_server}, Sql=" ")))
    assert failure.code == 0xC0202001


def test_a_source_without_a_command_fails(sql_server: str) -> None:
    assert failure_of(lambda: read_all(_command(" ", *N_AND_NAME), flow_context({"DB": sql_server}))).code == 0xC0202001


def test_an_unknown_access_mode_is_refused() -> None:
    (refusal,) = OleDbSource.refusals(source("OLEDBSource", (), {"AccessMode": "7"}))
    assert "access mode 7" in str(refusal)


def test_cancelling_interrupts_a_query(sql_server: str) -> None:
    part = _command("WAITFOR DELAY '00:01:00'; SELECT 1 AS n, N'a' AS name", *N_AND_NAME)
    context = flow_context({"DB": sql_server})

    def read() -> None:
        with opened(part, context):
            threading.Timer(0.2, context.cancel.cancel).start()
            list(part.rows({}))

    with pytest.raises(Cancelled):
        read()


@pytest.mark.parametrize("form", ["folders", "[catalog].[folders]", 'catalog."folders"'])
def test_a_table_is_read_by_its_name(ssisdb_emulator: SsisdbEmulator, form: str) -> None:
    name = form if "." in form else f"catalog.{form}"
    part = OleDbSource(source("OLEDBSource", [TestColumn("folder_id", I8)], {"AccessMode": "0", "OpenRowset": name}))
    context = flow_context({"DB": ole_db_string(ssisdb_emulator)})
    assert read_all(part, context) == {}
    assert 0x800470C8 in context.codes("warning")
    assert 0x800470C9 in context.codes("warning")


@pytest.mark.parametrize("validate", [True, False])
def test_a_used_column_that_no_longer_exists_fails(sql_server: str, validate: bool) -> None:
    """Facts 1.10: 0x800470CB, then VS_NEEDSNEWMETADATA with 0xC004706B; without validation the query fails."""
    columns = [TestColumn("folder_id", I8), TestColumn("lost", I4)]
    plan = source("OLEDBSource", columns, {"AccessMode": "0", "OpenRowset": "[catalog].[folders]"}, validate=validate)
    context = flow_context({"DB": sql_server})
    failure = failure_of(lambda: read_all(OleDbSource(plan), context))
    assert "lost" in failure.text
    assert failure.code == (0xC004706B if validate else 0xC0202009)
    assert (0x800470CB in context.codes("warning")) is validate


SOURCES: dict[str, Callable[[ComponentPlan], QuerySource]] = {
    "OLEDBSource": OleDbSource,
    "SSISODBCSrc": OdbcSource,
    "ADONETSource": AdoNetSource,
}
PG_COLUMNS = (
    TestColumn("id", I4),
    TestColumn("Name", ColumnType(_T.DT_WSTR, 10)),
    TestColumn("price", ColumnType(_T.DT_NUMERIC, precision=9, scale=2)),
    TestColumn("day", ColumnType(_T.DT_DBDATE)),
    TestColumn("at", ColumnType(_T.DT_DBTIMESTAMP)),
    TestColumn("ok", ColumnType(_T.DT_BOOL)),
)
PG_ROWS = [
    (1, "abc", Decimal("1.50"), dt.date(2024, 2, 3), dt.datetime(2024, 2, 3, 4, 5, 6, 789000), True),
    (2, "äöüß", None, None, None, False),
]


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("OLEDBSource", {"AccessMode": "0", "OpenRowset": '"public"."Orders"'}),
        ("OLEDBSource", {"AccessMode": "1", "OpenRowsetVariable": "User::Table"}),
        ("SSISODBCSrc", {"AccessMode": "0", "TableName": '"Orders"'}),
        ("SSISODBCSrc", {"AccessMode": "1", "SqlCommand": 'SELECT * FROM "Orders"', "StatementTimeout": "60"}),
        ("ADONETSource", {"AccessMode": "0", "TableOrViewName": '"public"."Orders"'}),
        ("ADONETSource", {"SqlCommand": 'SELECT * FROM "Orders"'}),
    ],
)
def test_a_table_of_postgresql_is_read(orders: str, kind: str, properties: dict[str, str]) -> None:
    part = SOURCES[kind](source(kind, PG_COLUMNS, properties))
    assert read_all(part, flow_context({"DB": orders}, Table='"Orders"')) == {"O": PG_ROWS}


def test_the_dispositions_of_an_odbc_source_are_those_of_its_output(orders: str) -> None:
    """Facts 1.11."""
    properties = {"AccessMode": "1", "SqlCommand": 'SELECT id, "Name" FROM "Orders"'}
    columns = (TestColumn("id", I4), TestColumn("Name", NAME))
    found = read_all(
        OdbcSource(source("SSISODBCSrc", columns, properties, disposition="RedirectRow")), flow_context({"DB": orders})
    )
    assert found == {"O": [(1, "abc")], "E": [(2, "äöü", 0xC0209073 - 2**32, 12)]}


def test_parameters_reach_postgresql(orders: str) -> None:
    context = flow_context({"DB": orders}, Id=2)
    sql = 'SELECT id AS n, "Name" AS name FROM "Orders" WHERE id = ?'
    part = _command(sql, *N_AND_NAME, ParameterMapping=_mapping(context, "Id"))
    assert read_all(part, context) == {"O": [(2, "äöüß")]}


def test_a_connection_that_cannot_be_found_fails() -> None:
    failure = failure_of(lambda: read_all(_command(TABLE, *N_AND_NAME), flow_context()))
    assert failure.code == 0xC001000E
