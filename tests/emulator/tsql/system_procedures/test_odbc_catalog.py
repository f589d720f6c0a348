"""What ODBC's catalog functions find, through both drivers: tables, columns, procedures and their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.tsql.metadata.odbc_types import (
    ODBC_TYPES,
    Measures,
    measures,
    octets,
    odbc_type,
)
from airflow_provider_ssis.odbc.drivers import DriverFamily
from airflow_provider_ssis.odbc.target import Encrypt


@pytest.fixture(params=list(DriverFamily), ids=lambda family: family.name.lower())
def cursor(ssisdb_emulator: SsisdbEmulator, request: pytest.FixtureRequest) -> Iterator[pyodbc.Cursor]:
    text = ssisdb_emulator.odbc(request.param, encrypt=Encrypt.NO)
    with closing(pyodbc.connect(text, autocommit=True)) as connection:
        yield connection.cursor()


def found(cursor: pyodbc.Cursor, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of what a catalog function found."""
    places = [[column[0].lower() for column in cursor.description].index(name) for name in columns]
    return [tuple(row[place] for place in places) for row in cursor.fetchall()]


def test_views_are_found_by_schema(cursor: pyodbc.Cursor) -> None:
    rows = found(cursor.tables(schema="catalog"), "table_cat", "table_schem", "table_name", "table_type")
    assert ("SSISDB", "catalog", "executions", "VIEW") in rows
    assert {row[:2] for row in rows} == {("SSISDB", "catalog")}


def test_names_are_patterns(cursor: pyodbc.Cursor) -> None:
    rows = found(cursor.tables(table="execution%", schema="cat%", tableType="VIEW"), "table_name")
    assert ("executions",) in rows
    assert ("folders",) not in rows


def test_types_of_tables_can_be_chosen(cursor: pyodbc.Cursor) -> None:
    assert not found(cursor.tables(schema="catalog", tableType="TABLE"), "table_name")


def test_databases_are_listed(cursor: pyodbc.Cursor) -> None:
    rows = found(cursor.tables(catalog="%", schema="", table=""), "table_cat")
    assert [name for (name,) in rows] == sorted(["master", "model", "msdb", "SSISDB", "tempdb"])


def test_kinds_of_tables_are_listed(cursor: pyodbc.Cursor) -> None:
    rows = found(cursor.tables(catalog="", schema="", table="", tableType="%"), "table_type")
    assert rows == [("SYSTEM TABLE",), ("TABLE",), ("VIEW",)]


def test_columns_are_described(cursor: pyodbc.Cursor) -> None:
    rows = found(
        cursor.columns(table="folders", schema="catalog"),
        *("column_name", "data_type", "type_name", "nullable", "char_octet_length", "ordinal_position"),
    )
    assert rows[:2] == [
        ("folder_id", -5, "bigint", 0, None, 1),
        ("name", -9, "nvarchar", 0, 256, 2),
    ]
    assert ("created_time", -155, "datetimeoffset", 0, None, 6) in rows


def test_one_column_can_be_asked_for(cursor: pyodbc.Cursor) -> None:
    assert found(cursor.columns(table="folders", schema="catalog", column="name"), "column_name") == [("name",)]


def test_procedures_are_found(cursor: pyodbc.Cursor) -> None:
    rows = found(cursor.procedures(schema="catalog"), "procedure_schem", "procedure_name")
    assert ("catalog", "create_execution;1") in rows
    assert rows == sorted(rows)


def test_parameters_of_a_procedure_are_described_and_the_return_value_too(cursor: pyodbc.Cursor) -> None:
    rows = found(
        cursor.procedureColumns(procedure="create_folder", schema="catalog"),
        *("column_name", "column_type", "type_name", "ordinal_position"),
    )
    assert rows == [
        ("@RETURN_VALUE", 5, "int", 0),
        ("@folder_name", 1, "nvarchar", 1),
        ("@folder_id", 2, "bigint", 2),
    ]


@pytest.mark.parametrize("question", ["primaryKeys", "foreignKeys", "statistics", "rowIdColumns", "rowVerColumns"])
def test_there_are_no_keys_and_indexes(cursor: pyodbc.Cursor, question: str) -> None:
    assert getattr(cursor, question)("folders", schema="catalog").fetchall() == []


def test_names_that_are_not_patterns_are_taken_as_they_are(cursor: pyodbc.Cursor) -> None:
    rows = cursor.execute("EXEC sp_tables @table_name = N'folder_', @fUsePattern = 0").fetchall()
    assert rows == []
    assert cursor.execute("EXEC sp_tables @table_name = N'folder_', @table_owner = N'catalog'").fetchall() != []


def test_the_answer_can_be_kept_in_a_table_as_jdbc_does(cursor: pyodbc.Cursor) -> None:
    cursor.execute(
        """DECLARE @columns TABLE (
            TABLE_QUALIFIER sysname, TABLE_OWNER sysname, TABLE_NAME sysname, COLUMN_NAME sysname, DATA_TYPE smallint,
            TYPE_NAME sysname, PRECISION int, LENGTH int, SCALE smallint, RADIX smallint, NULLABLE smallint,
            REMARKS varchar(254), COLUMN_DEF nvarchar(4000), SQL_DATA_TYPE smallint, SQL_DATETIME_SUB smallint,
            CHAR_OCTET_LENGTH int, ORDINAL_POSITION int, IS_NULLABLE varchar(254), SS_DATA_TYPE tinyint);
        INSERT INTO @columns EXEC sp_columns_90 N'folders', N'catalog', N'SSISDB', NULL, 3;
        SELECT COLUMN_NAME, PRECISION FROM @columns WHERE ORDINAL_POSITION <= 2 ORDER BY ORDINAL_POSITION"""
    )
    while cursor.description is None:
        cursor.nextset()
    assert [tuple(row) for row in cursor.fetchall()] == [("folder_id", 19), ("name", 128)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nvarchar(128)", Measures(-9, "nvarchar", 128, 256, None, None)),
        ("nvarchar(max)", Measures(-9, "nvarchar", 0, 0, None, None)),
        ("varbinary(8)", Measures(-3, "varbinary", 8, 8, None, None)),
        ("int", Measures(4, "int", 10, 4, 0, 10)),
        ("bit", Measures(-7, "bit", 1, 1, None, None)),
        ("decimal(18,4)", Measures(3, "decimal", 18, 20, 4, 10)),
        ("float", Measures(6, "float", 53, 8, None, 2)),
        ("datetime2(7)", Measures(93, "datetime2", 27, 16, 7, None)),
        ("datetimeoffset(3)", Measures(-155, "datetimeoffset", 30, 20, 3, None)),
        ("date", Measures(91, "date", 10, 6, 0, None)),
        ("uniqueidentifier", Measures(-11, "uniqueidentifier", 36, 16, None, None)),
        ("sql_variant", Measures(-150, "sql_variant", 8000, 8000, None, None)),
    ],
)
def test_types_are_measured_as_odbc_does(text: str, expected: Measures) -> None:
    assert measures(SqlType.parse(text)) == expected


@pytest.mark.parametrize("name", sorted({odbc.name for odbc in ODBC_TYPES} - {"sysname"}))
def test_each_type_can_be_measured(name: str) -> None:
    sql_type = SqlType.parse(name)
    assert measures(sql_type).data_type == odbc_type(sql_type).data_type
    assert (octets(sql_type) is None) == (sql_type.length is None and name not in ("text", "ntext", "image"))


def test_a_table_type_has_its_own_number() -> None:
    assert odbc_type(SqlType("IdList", schema="catalog")).data_type == -153
