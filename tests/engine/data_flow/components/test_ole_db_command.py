"""OLE DB Commands, on the embedded server and on PostgreSQL: facts in data_flow.md, 3.10 and 1.13."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from lxml import etree

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.components.ole_db_command import OleDbCommand
from airflow_provider_ssis.expressions.arrow import as_column
from airflow_provider_ssis.expressions.values import from_python
from airflow_provider_ssis.project.package.data_flow import read_pipeline
from tests.support.database_components import TestColumn, batch_of, destination, flow_context, write_all
from tests.support.databases import TestDatabase, sql_server_database
from tests.support.engine import failure_of

I4 = ColumnType(DataTypeCode.DT_I4)
TEXT = ColumnType(DataTypeCode.DT_WSTR, 10)
ID, NAME = TestColumn("id", I4, external="Param_1"), TestColumn("name", TEXT, external="Param_0")
INTEGRITY = 0xC0209070 - 2**32


@pytest.fixture
def table(database: TestDatabase) -> str:
    name = database.create("t_command", "id int CHECK (id < 100)", "name nvarchar(10)")
    database.run(f"INSERT INTO {name} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    return name


def command(sql: str, *columns: TestColumn, disposition: str = "FailComponent", **others: Any) -> ComponentPlan:
    return destination("OLEDBCommand", columns or (NAME, ID), {"SqlCommand": sql}, disposition=disposition, **others)


def run(database: TestDatabase, made: ComponentPlan, **values: Any) -> dict[str, list[tuple[Any, ...]]]:
    return write_all(OleDbCommand(made), flow_context({"DB": database.manager}), batch_of(made.inputs["I"], **values))


def test_the_statement_runs_for_each_row_and_the_rows_go_on(database: TestDatabase, table: str) -> None:
    """Facts 3.10: Param_0 is the first marker; the row continues unchanged."""
    made = command(f"UPDATE {table} SET name = ? WHERE id = ?")
    assert run(database, made, id=[1, 3], name=["x", None]) == {"O": [("x", 1), (None, 3)]}
    assert database.rows(f"SELECT id, name FROM {table} ORDER BY id") == [(1, "x"), (2, "b"), (3, None)]


def test_columns_that_are_not_parameters_go_on(database: TestDatabase, table: str) -> None:
    made = command(f"DELETE FROM {table} WHERE id = ?", TestColumn("id", I4, external="Param_0"), unmapped=[NAME])
    assert run(database, made, id=[2], name=["more"]) == {"O": [(2, "more")]}
    assert len(database.rows(f"SELECT id FROM {table}")) == 2


def test_a_failing_statement_fails_the_component_and_keeps_what_was_done(database: TestDatabase, table: str) -> None:
    """Facts 1.14: statements before the error stay committed."""
    made = command(f"INSERT INTO {table} (name, id) VALUES (?, ?)")
    failure = failure_of(lambda: run(database, made, id=[10, 400, 11], name=["x", "y", "z"]))
    assert failure.code == 0xC0209029
    assert "row 2" in failure.text
    assert [cause.code for cause in failure.causes] == [0xC0202009]
    assert [row[0] for row in database.rows(f"SELECT id FROM {table} WHERE id > 3")] == [10]


@pytest.mark.parametrize("disposition", ["RedirectRow", "IgnoreFailure"])
def test_the_other_rows_go_on_after_an_error(database: TestDatabase, table: str, disposition: str) -> None:
    made = command(f"INSERT INTO {table} (name, id) VALUES (?, ?)", disposition=disposition)
    found = run(database, made, id=[10, 400, 11], name=["x", "y", "z"])
    assert [row[0] for row in database.rows(f"SELECT id FROM {table} WHERE id > 3 ORDER BY id")] == [10, 11]
    if disposition == "RedirectRow":
        assert found == {"O": [("x", 10), ("z", 11)], "E": [("y", 400, INTEGRITY, 0)]}
    else:
        assert found == {"O": [("x", 10), ("y", 400), ("z", 11)]}


@pytest.mark.parametrize(
    ("sql", "code"), [("DELETE FROM t WHERE a = ? AND b = ? AND c = ?", 0xC0207013), (" ", 0xC0202001)]
)
def test_a_parameter_without_a_column_fails_the_validation(sql: str, code: int) -> None:
    assert failure_of(lambda: OleDbCommand(command(sql)).validate(flow_context())).code == code


_C = DataTypeCode
TYPES: dict[ColumnType, tuple[str, str, Any]] = {
    ColumnType(_C.DT_BOOL): ("bit", "int", True),
    ColumnType(_C.DT_I1): ("smallint", "smallint", -5),
    ColumnType(_C.DT_I2): ("smallint", "smallint", -500),
    ColumnType(_C.DT_I4): ("int", "int", 7),
    ColumnType(_C.DT_I8): ("bigint", "bigint", 2**40),
    ColumnType(_C.DT_UI1): ("tinyint", "smallint", 200),
    ColumnType(_C.DT_UI2): ("int", "int", 60_000),
    ColumnType(_C.DT_UI4): ("bigint", "bigint", 2**31),
    ColumnType(_C.DT_UI8): ("decimal(20)", "decimal(20)", 2**63 + 1),
    ColumnType(_C.DT_R4): ("real", "real", 1.5),
    ColumnType(_C.DT_R8): ("float", "float8", 2.5),
    ColumnType(_C.DT_CY): ("money", "decimal(19,4)", Decimal("1.2500")),
    ColumnType(_C.DT_DECIMAL, scale=2): ("decimal(29,2)", "decimal(29,2)", Decimal("1.25")),
    ColumnType(_C.DT_NUMERIC, precision=10, scale=2): ("decimal(10,2)", "decimal(10,2)", Decimal("1.25")),
    ColumnType(_C.DT_STR, 10, code_page=1252): ("varchar(10)", "varchar(10)", "é"),
    ColumnType(_C.DT_WSTR, 10): ("nvarchar(10)", "varchar(10)", "Ω"),
    ColumnType(_C.DT_TEXT, code_page=1252): ("varchar(max)", "text", "long"),
    ColumnType(_C.DT_NTEXT): ("nvarchar(max)", "text", "long"),
    ColumnType(_C.DT_BYTES, 10): ("varbinary(10)", "bytea", b"\x00\xff"),
    ColumnType(_C.DT_IMAGE): ("varbinary(max)", "bytea", b"\x00\xff"),
    ColumnType(_C.DT_GUID): ("uniqueidentifier", "uuid", UUID(int=0x1234)),
    ColumnType(_C.DT_DATE): ("datetime", "timestamp", datetime(2024, 2, 29, 13, 45)),
    ColumnType(_C.DT_DBDATE): ("date", "date", date(2024, 2, 29)),
    ColumnType(_C.DT_DBTIME): ("time(0)", "time", time(13, 45, 1)),
    ColumnType(_C.DT_DBTIME2, scale=7): ("time(7)", "time", time(13, 45, 1, 5)),
    ColumnType(_C.DT_DBTIMESTAMP): ("datetime", "timestamp", datetime(2024, 2, 29, 13, 45)),
    ColumnType(_C.DT_DBTIMESTAMP2, scale=7): ("datetime2(7)", "timestamp", datetime(2024, 2, 29, 13, 45, 1, 5)),
    ColumnType(_C.DT_FILETIME): ("datetime2(7)", "timestamp", datetime(2024, 2, 29, 13, 45)),
    ColumnType(_C.DT_DBTIMESTAMPOFFSET, scale=7): (
        "nvarchar(34)",
        "varchar(34)",
        "2024-02-29 13:45:00.0000000 +02:00",
    ),
}
"""For each type of Integration Services: its type in SQL Server and PostgreSQL, and a value."""


def _typed() -> tuple[list[TestColumn], list[pa.Array]]:
    """A column of each type, and its value and NULL."""
    columns = [TestColumn(f"v{number}", type_, external=f"Param_{number}") for number, type_ in enumerate(TYPES)]
    return columns, [as_column([from_python(value, type_), None], type_) for type_, (_, _, value) in TYPES.items()]


def test_parameters_have_each_type_and_null(database: TestDatabase) -> None:
    assert {one.code for one in TYPES} == set(DataTypeCode) - {_C.DT_EMPTY, _C.DT_NULL}
    names = [one[0 if database.is_sql_server else 1] for one in TYPES.values()]
    table = database.create("t_typed", *(f"v{number} {name}" for number, name in enumerate(names)))
    columns, arrays = _typed()
    made = command(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in columns)})", *columns)
    batch = pa.RecordBatch.from_arrays(arrays, schema=made.inputs["I"].arrow)
    write_all(OleDbCommand(made), flow_context({"DB": database.manager}), batch)
    first, second = sorted(database.rows(f"SELECT * FROM {table}"), key=lambda row: row[-1] is None)
    assert [str(int(one) if isinstance(one, bool) else one) for one in first] == [
        str(int(value) if isinstance(value, bool) else value) for _, _, value in TYPES.values()
    ]
    assert set(second) == {None}


def test_parameters_next_to_an_output_have_each_type_and_null(ssisdb_emulator_server: SsisdbEmulator) -> None:
    database = sql_server_database(ssisdb_emulator_server)
    columns, arrays = _typed()
    declared = ", ".join(f"@{one.name} {name}" for one, (name, _, _) in zip(columns, TYPES.values(), strict=True))
    counted = " + ".join(f"CASE WHEN @{one.name} IS NULL THEN 0 ELSE 1 END" for one in columns)
    database.run(
        "DROP PROCEDURE IF EXISTS dbo.p_typed",
        f"CREATE PROCEDURE dbo.p_typed {declared}, @n int OUTPUT AS SET @n = {counted}",
    )
    output = TestColumn("n", I4, external=f"Param_{len(columns)}")
    sql = f"EXEC dbo.p_typed {', '.join('?' for _ in columns)}, ? OUTPUT"
    made = with_flags(command(sql, *columns, output), **{one.name: 1 for one in columns}, n=3)
    batch = pa.RecordBatch.from_arrays([*arrays, pa.array([7, 7], pa.int32())], schema=made.inputs["I"].arrow)
    found = write_all(OleDbCommand(made), flow_context({"DB": database.manager}), batch)
    assert [row[-1] for row in found["O"]] == [len(columns), 0]


def with_flags(made: ComponentPlan, **flags: int) -> ComponentPlan:
    """The plan with DBParamInfoFlags of external columns by the names of their columns."""
    for column in made.stored.inputs[0].columns:
        external = next(e for e in made.stored.inputs[0].external_columns if e.key == column.external_key)
        holder = etree.SubElement(external.element, "properties")
        name = column.cached_name or column.name
        etree.SubElement(holder, "property", name="DBParamInfoFlags", dataType="System.Int32").text = str(flags[name])
    root = made.stored.element.getroottree().getroot()
    return replace(made, stored=read_pipeline(root, "p.dtsx").components[0])


PROCEDURE = """CREATE PROCEDURE dbo.p_command @a int, @b int OUTPUT, @t nvarchar(20) OUTPUT AS
BEGIN
    IF @a = 13 THROW 50001, 'unlucky', 1;
    SELECT 'a result set that has no use';
    SET @b = ISNULL(@b, 0) + @a;
    SET @t = CASE WHEN @a = 0 THEN NULL ELSE REPLICATE('x', @a) END;
    RETURN @a * 2;
END"""


@pytest.fixture
def sql_server(ssisdb_emulator_server: SsisdbEmulator) -> TestDatabase:
    """A database with the procedure."""
    found = sql_server_database(ssisdb_emulator_server)
    found.run("DROP PROCEDURE IF EXISTS dbo.p_command", PROCEDURE)
    return found


RETURN = TestColumn("r", I4, external="@RETURN_VALUE")
A, B = TestColumn("a", I4, external="@a"), TestColumn("b", I4, external="@b")
T = TestColumn("t", TEXT, external="@t")


@pytest.mark.parametrize("sql", ["EXEC ? = {} ?, ? OUTPUT, ? out", "{{? = call {}(?, ?, ?)}}"])
def test_output_parameters_and_the_return_value_come_into_their_columns(sql_server: TestDatabase, sql: str) -> None:
    """Facts 3.10: output parameters may be mapped to columns. @b is also an input parameter."""
    made = with_flags(command(sql.format("dbo.p_command"), RETURN, A, B, T), r=2, a=1, b=3, t=66)
    assert not list(OleDbCommand.refusals(made))
    found = run(sql_server, made, r=[None, 0, 5], a=[1, 2, 0], b=[10, None, 7], t=["", "old", "old"])
    assert found == {"O": [(2, 1, 11, "x"), (4, 2, 2, "xx"), (0, 0, 7, None)]}


def test_a_parameter_without_output_in_the_statement_returns_nothing(sql_server: TestDatabase) -> None:
    made = with_flags(command("EXEC dbo.p_command ?, ?, ? OUTPUT", A, B, T), a=1, b=3, t=2)
    assert run(sql_server, made, a=[3], b=[1], t=["y"]) == {"O": [(3, 1, "xxx")]}


def test_rows_that_fail_keep_their_values(sql_server: TestDatabase) -> None:
    """Text that exceeds the column is an error of its row, and so is an error of the procedure."""
    short = TestColumn("t", ColumnType(DataTypeCode.DT_WSTR, 2), external="@t")
    sql = "EXEC dbo.p_command ?, ? OUTPUT, ? OUTPUT"
    made = with_flags(command(sql, A, B, short, disposition="RedirectRow"), a=1, b=2, t=2)
    made.stored.inputs[0].external_columns[2].element.set("length", "20")
    root = made.stored.element.getroottree().getroot()
    made = replace(made, stored=read_pipeline(root, "p.dtsx").components[0])
    found = run(sql_server, made, a=[1, 13, 5], b=[0, 0, 0], t=["a", "b", "c"])
    assert found["O"] == [(1, 1, "x")]
    assert [(row[0], row[2], row[3] & 0xFFFFFFFF) for row in found["E"]] == [
        (13, "b", 0xC020906E),
        (5, "xx", 0xC020906B),
    ]


def test_output_parameters_of_other_types_and_databases(database: TestDatabase) -> None:
    precise = TestColumn("w", ColumnType(DataTypeCode.DT_DBTIMESTAMP2, scale=7), external="Param_0")
    (refused,) = OleDbCommand.refusals(with_flags(command("EXEC p ? OUTPUT", precise), w=2))
    assert "w" in str(refused)
    if not database.is_sql_server:
        made = with_flags(command("EXEC p ? OUTPUT", TestColumn("a", I4, external="Param_0")), a=2)
        assert "SQL Server only" in failure_of(lambda: run(database, made, a=[1])).text
