"""Whole packages: tasks, loops and connections together, on a database of the embedded server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.control_flow.running import RunResult, run_package
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.engine.refusals import UnsupportedError
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.builder.sql_parameters import SqlParameter
from airflow_provider_ssis.project.package.loops import AdoEnumerator, FileEnumerator

DATABASE = "EngineTasks"
TABLE = "CREATE TABLE dbo.files (id int IDENTITY PRIMARY KEY, name nvarchar(100) NOT NULL, size int NULL)"


@pytest.fixture
def database(ssisdb_emulator: SsisdbEmulator) -> Iterator[SsisdbEmulator]:
    """A server with the database and its table."""
    with pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True) as connection:
        connection.execute(f"IF DB_ID('{DATABASE}') IS NOT NULL DROP DATABASE {DATABASE}")
        connection.execute(f"CREATE DATABASE {DATABASE}")
        connection.execute(f"USE {DATABASE}")
        connection.execute(TABLE)
    yield ssisdb_emulator
    with pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE}")


def ole_db(server: SsisdbEmulator) -> str:
    return (
        f"Provider=SQLNCLI11.1;Data Source={server.host},{server.port};Initial Catalog={DATABASE};"
        f"User ID={server.user};Password='{server.password}';"
    )


def rows(server: SsisdbEmulator, query: str) -> list[tuple[Any, ...]]:
    with pyodbc.connect(server.odbc_connection_string, autocommit=True) as connection:
        connection.execute(f"USE {DATABASE}")
        return [tuple(row) for row in connection.execute(query).fetchall()]


def errors(result: RunResult) -> list[tuple[int, str]]:
    return [(message.code, message.text) for message in result.messages if message.name is EventName.ERROR]


def test_files_are_registered_moved_and_read_again(database: SsisdbEmulator, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for file in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / "in" / file).write_text("x")
    package = PackageBuilder("Load")
    path, name = package.add_variable("Path", ""), package.add_variable("Name", "")
    archive = package.add_variable("Archive", "C:\\data\\done")
    found = package.add_variable("Rows", data_type="Object")
    number = package.add_variable("Number", 0)
    package.add_variable("Names", "")
    server = package.connection_managers.add_oledb("Sales", "Data Source=x")

    prepare = package.add_file_system("Make folder", "CreateDirectory", archive, overwrite=True)
    loop = package.add_foreach_loop("Each file", FileEnumerator("C:\\data\\in", "*.csv", 0, False), mappings=[path])
    cut = loop.add_expression(
        "Cut", '@[User::Name] = RIGHT(@[User::Path], FINDSTRING(REVERSE(@[User::Path]), "\\\\", 1) - 1)'
    )
    insert = loop.add_execute_sql(
        "Register",
        server,
        "INSERT INTO dbo.files (name, size) VALUES (?, LEN(?))",
        parameters=[SqlParameter(name), SqlParameter(path)],
    )
    move = loop.add_file_system("Move", "MoveFile", path, archive, options=Options(delay_validation=True))
    loop.connect(cut, insert, move)
    read = package.add_execute_sql(
        "Read", server, "SELECT name, id FROM dbo.files ORDER BY id", result_type="Rowset", results={"0": found}
    )
    again = package.add_foreach_loop(
        "Each row",
        AdoEnumerator("EnumerateRowsInFirstTable", "User::Rows"),
        mappings=[name, number],
    )
    again.add_expression("Join", '@[User::Names] = @[User::Names] + @[User::Name] + (DT_WSTR,5)@[User::Number] + ";"')
    package.connect(prepare, loop, read, again)

    result = run_package(
        package.save(tmp_path), connections={"Sales": ole_db(database)}, path_map={"C:\\data": str(tmp_path)}
    )
    assert errors(result) == []
    assert result.status is Result.SUCCESS
    assert result.variables["User::Names"] == "a.csv1;b.csv2;"
    assert rows(database, "SELECT name, size FROM dbo.files ORDER BY id") == [("a.csv", 16), ("b.csv", 16)]
    assert sorted(each.name for each in (tmp_path / "done").iterdir()) == ["a.csv", "b.csv"]
    assert [each.name for each in (tmp_path / "in").iterdir()] == ["c.txt"]


def test_a_child_package_gets_parameters_and_its_failure_is_the_parents(
    database: SsisdbEmulator, tmp_path: Path
) -> None:
    project = ProjectBuilder("P")
    child = project.add_package("Child")
    region = child.add_parameter("Region", "", data_type="String")
    server = child.connection_managers.add_oledb("Sales", "Data Source=x")
    child.add_execute_sql(
        "Insert", server, "INSERT INTO dbo.files (name) VALUES (NULLIF(?, 'none'))", parameters=[SqlParameter(region)]
    )
    parent = project.add_package("Parent")
    given = parent.add_variable("Region", "North")
    parent.add_execute_package("Run", "Child.dtsx", assignments={"Region": given})
    ispac = tmp_path / "P.ispac"
    ispac.write_bytes(project.to_ispac())
    arguments: dict[str, Any] = {"connections": {"Sales": ole_db(database)}}
    assert errors(run_package(ispac, "Parent.dtsx", **arguments)) == []
    assert rows(database, "SELECT name FROM dbo.files") == [("North",)]
    failed = run_package(
        ispac, "Parent.dtsx", property_overrides={"\\Package.Variables[User::Region].Value": "none"}, **arguments
    )
    assert failed.status is Result.FAILURE
    assert [code for code, _ in errors(failed)] == [0xC002F210]


def test_a_failed_connection_has_two_errors_and_no_password(database: SsisdbEmulator, tmp_path: Path) -> None:
    package = PackageBuilder("Load")
    package.add_execute_sql("Query", package.connection_managers.add_oledb("Sales", "Data Source=x"), "SELECT 1")
    wrong = ole_db(database).replace(database.password, "c4nary")
    result = run_package(package.save(tmp_path), connections={"Sales": wrong})
    assert [code for code, _ in errors(result)] == [0xC0202009, 0xC00291EC]
    assert all("c4nary" not in message.text for message in result.messages)


def test_what_cannot_run_is_refused_before_anything_runs(tmp_path: Path) -> None:
    package = PackageBuilder("Load")
    made = package.add_variable("Made", str(tmp_path / "made"))
    package.add_file_system("Make", "CreateDirectory", made)
    package.add_script("Clean", {"ScriptMain.cs": "x"}, b"MZ")
    with pytest.raises(UnsupportedError) as caught:
        run_package(package.save(tmp_path))
    assert [each.where for each in caught.value.refusals] == ["\\Package\\Clean"]
    assert not (tmp_path / "made").exists()
    result = run_package(package.save(tmp_path), scripts={"\\Package\\Clean": lambda script: None})
    assert result.status is Result.SUCCESS
    assert (tmp_path / "made").is_dir()


@pytest.mark.parametrize("fails", [False, True])
def test_a_transaction_commits_or_rolls_back_all_statements(
    database: SsisdbEmulator, tmp_path: Path, fails: bool
) -> None:
    package = PackageBuilder("Load")
    server = package.connection_managers.add_oledb("Sales", "Data Source=x")
    sequence = package.add_sequence("All", options=Options(transaction_option=2))
    first = sequence.add_execute_sql("First", server, "INSERT INTO dbo.files (name) VALUES (N'a')")
    value = "NULL" if fails else "N'b'"
    sequence.connect(
        first, sequence.add_execute_sql("Second", server, f"INSERT INTO dbo.files (name) VALUES ({value})")
    )
    result = run_package(package.save(tmp_path), connections={"Sales": ole_db(database)})
    assert result.status is (Result.FAILURE if fails else Result.SUCCESS)
    assert rows(database, "SELECT name FROM dbo.files ORDER BY id") == ([] if fails else [("a",), ("b",)])


def test_a_provider_without_odbc_is_refused_unless_it_is_replaced(database: SsisdbEmulator, tmp_path: Path) -> None:
    package = PackageBuilder("Load")
    cube = package.connection_managers.add_oledb("Cube", "Provider=MSOLAP.6;Data Source=x")
    package.connection_managers.add_oledb("Unused", "Provider=MSOLAP.6;Data Source=x")
    package.add_execute_sql("Query", cube, "SELECT 1")
    with pytest.raises(UnsupportedError) as caught:
        run_package(package.save(tmp_path))
    assert [each.where for each in caught.value.refusals] == ["\\Package.Connections[Cube]"]
    result = run_package(package.save(tmp_path), connections={"Cube": ole_db(database)})
    assert result.status is Result.SUCCESS


def test_cancelling_a_run_ends_its_query(database: SsisdbEmulator, tmp_path: Path) -> None:
    package = PackageBuilder("Load")
    server = package.connection_managers.add_oledb("Sales", "Data Source=x")
    package.add_execute_sql("Wait", server, "WAITFOR DELAY '00:01:00'")
    assert cancelled(package.save(tmp_path), connections={"Sales": ole_db(database)}) < 30


@pytest.mark.processes
def test_cancelling_a_run_ends_its_process(tmp_path: Path) -> None:
    package = PackageBuilder("Load")
    package.add_execute_process("Wait", "sleep", "60")
    assert cancelled(package.save(tmp_path)) < 30


def cancelled(path: Path, **arguments: Any) -> float:
    """Cancel a run soon after its task began; returns how many seconds the run then took to end."""
    cancel = CancelToken()
    began: list[float] = []

    def stop() -> None:
        began.append(time.monotonic())
        cancel.cancel()

    def watch(event: Any) -> None:
        if getattr(event, "name", None) is EventName.PRE_EXECUTE and event.place.name == "Wait":
            threading.Timer(0.2, stop).start()

    result = run_package(path, cancel=cancel, on_event=watch, **arguments)
    assert result.status is Result.CANCELED
    return time.monotonic() - began[0]
