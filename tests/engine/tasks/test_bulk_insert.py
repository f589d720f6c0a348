"""Bulk Insert: the statement that the server puts together, and what is refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.tasks.bulk_insert import BulkInsertTask, is_this_machine, table_parts, terminator
from airflow_provider_ssis.project.builder.package import PackageBuilder
from tests.support.engine import Context, failure_of, run_task, task_context, task_of


def context(
    table: str = "[dbo].[Sales]",
    path: str = "C:\\data\\it's.csv",
    connection: str = "",
    paths: PathMap | None = None,
    **values: Any,
) -> Context:
    package = PackageBuilder("P")
    source = package.connection_managers.add_file("File", path)
    target = package.connection_managers.add_oledb("Database", "Data Source=x")
    package.add_bulk_insert("Load", source, target, table, **values)
    return task_context(package.read(), paths=paths, replacements={"Database": connection} if connection else None)


def statement(server: SsisdbEmulator, found: Context) -> str:
    """The statement, as a server puts it together."""
    task = task_of(found)
    assert isinstance(task, BulkInsertTask)
    made = task._statement(found)
    with pyodbc.connect(server.odbc_connection_string, autocommit=True) as connection:
        text: str = connection.execute(f"SELECT {made.expression}", *made.values).fetchone()[0]
    return text


def test_the_server_quotes_names_paths_and_terminators(ssisdb_emulator_server: SsisdbEmulator) -> None:
    found = context("[dbo].[Sa]]les]", field_terminator="Vertical Bar {|}", row_terminator="{LF}")
    assert statement(ssisdb_emulator_server, found) == (
        "BULK INSERT [dbo].[Sa]]les] FROM N'C:\\data\\it''s.csv' WITH (DATAFILETYPE = 'char', FIELDTERMINATOR = N'|', "
        "ROWTERMINATOR = N'0x0a', MAXERRORS = 0, CHECK_CONSTRAINTS)"
    )


def test_options_become_those_of_the_statement(ssisdb_emulator_server: SsisdbEmulator) -> None:
    properties = {
        "TableLock": "True",
        "CheckConstraints": "False",
        "KeepNulls": "True",
        "FirstRow": "2",
        "BatchSize": "1000",
        "MaximumErrors": "5",
        "CodePage": "65001",
        "DataFileType": "DTSBulkInsert_DataFileType_WideChar",
    }
    assert statement(ssisdb_emulator_server, context(properties=properties)) == (
        "BULK INSERT [dbo].[Sales] FROM N'C:\\data\\it''s.csv' WITH (DATAFILETYPE = 'widechar', "
        "FIELDTERMINATOR = N'\\t', "
        "ROWTERMINATOR = N'0x0d0a', CODEPAGE = '65001', MAXERRORS = 5, BATCHSIZE = 1000, FIRSTROW = 2, "
        "TABLOCK, KEEPNULLS)"
    )


def test_the_errors_of_the_server_are_those_of_the_task(ssisdb_emulator_server: SsisdbEmulator) -> None:
    failure = failure_of(lambda: run_task(context(connection=ssisdb_emulator_server.odbc_connection_string)))
    assert "[dbo].[Sales]" in failure.text
    assert "its own path" in failure.text
    assert ".." not in failure.text


def test_a_server_on_this_machine_gets_the_mapped_path(ssisdb_emulator_server: SsisdbEmulator, tmp_path: Path) -> None:
    (tmp_path / "sales.txt").write_bytes(b"1\tone\r\n2\t\r\n")
    with closing(pyodbc.connect(ssisdb_emulator_server.odbc_connection_string, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE BulkPaths")
        connection.execute("CREATE TABLE BulkPaths.dbo.Sales (Id int, Name varchar(9))")
        here = ssisdb_emulator_server.odbc(database="BulkPaths")
        paths = PathMap((("C:\\data", str(tmp_path)),))
        found = context(path="c:\\DATA\\sales.txt", connection=here, paths=paths)
        assert run_task(found) == 2
        loaded = connection.execute("SELECT Id, Name FROM BulkPaths.dbo.Sales").fetchall()
    assert list(map(tuple, loaded)) == [(1, "one"), (2, None)]
    other = context(path="c:\\DATA\\sales.txt", connection=here.replace("127.0.0.1", "db1"), paths=paths)
    task = task_of(other)
    assert isinstance(task, BulkInsertTask)
    assert task._statement(other).values[-3] == "c:\\DATA\\sales.txt"


@pytest.mark.parametrize(
    ("server", "is_here"),
    [
        ("tcp:127.0.0.1,1433", True),
        (".", True),
        ("LOCALHOST\\Sales", True),
        ("db1", False),
        ("tcp:db1,1", False),
        ("", False),
    ],
)
def test_servers_on_this_machine(server: str, is_here: bool) -> None:
    assert is_this_machine(server) is is_here


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Comma {,}", ","),
        ("Vertical Bar {|}", "|"),
        ("Tab", "\\t"),
        ("{CR}{LF}", "0x0d0a"),
        ("{CR}", "0x0d"),
        ("||", "||"),
        ("Semicolon {;}", ";"),
    ],
)
def test_terminators(text: str, expected: str) -> None:
    assert terminator(text) == expected


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("[dbo].[Sales]", ["dbo", "Sales"]),
        ("Sales", ["Sales"]),
        ('"a""b".[c]]d]', ['a"b', "c]d"]),
        ("db.dbo.Sales", ["db", "dbo", "Sales"]),
    ],
)
def test_names_of_tables(name: str, parts: list[str]) -> None:
    assert table_parts(name) == parts


@pytest.mark.parametrize("name", ["", "a.b.c.d", "a; DROP TABLE b", "[a", "a."])
def test_other_texts_are_no_tables(name: str) -> None:
    if name == "a; DROP TABLE b":
        assert table_parts(name) == [name]  # one name, which the server quotes
    else:
        assert "does not have the form" in failure_of(lambda: table_parts(name)).text


def test_what_is_not_supported_is_refused() -> None:
    found = context(properties={"FormatFile": "x.fmt", "CodePage": "x'", "FirstRow": "one", "SortedData": "a"})
    task = task_of(found)
    refused = " ".join(str(each) for each in task.refusals(found.options))
    assert [word in refused for word in ("FormatFile", "code page", "firstrow", "SortedData")] == [True] * 4
