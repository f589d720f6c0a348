"""Ordering faults: the connection drops, the answer is late, the server answers with an error."""

from __future__ import annotations

import time
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.odbc.drivers import DriverFamily


def connect(server: SsisdbEmulator, family: DriverFamily | None = None) -> pyodbc.Connection:
    return pyodbc.connect(server.odbc(family), autocommit=True)


def folders(server: SsisdbEmulator) -> list[str]:
    with closing(connect(server)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM catalog.folders ORDER BY name")]


@pytest.mark.parametrize("family", DriverFamily)
@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["A"])])
def test_a_connection_drops_before_or_after_the_request_is_processed(
    ssisdb_emulator: SsisdbEmulator, family: DriverFamily, when: str, left: list[str]
) -> None:
    ssisdb_emulator.faults.drop(statement="CREATE_FOLDER", when=when)
    with closing(connect(ssisdb_emulator, family)) as connection:
        connection.execute("SELECT 1").fetchall()
        with pytest.raises(pyodbc.Error):
            connection.execute("EXEC catalog.create_folder ?", "A")
    assert folders(ssisdb_emulator) == left


def test_a_fault_happens_as_often_as_it_was_ordered(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.faults.error(1205, message="Chosen as the victim.", severity=13, statement="folders", times=2)
    with closing(connect(ssisdb_emulator)) as connection:
        for _ in range(2):
            with pytest.raises(pyodbc.Error, match="1205"):
                connection.execute("SELECT name FROM catalog.folders")
        assert connection.execute("SELECT name FROM catalog.folders").fetchall() == []


def test_an_answer_comes_late(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.faults.delay(0.3, statement="'late'")
    with closing(connect(ssisdb_emulator)) as connection:
        began = time.monotonic()
        assert connection.execute("SELECT 'late'").fetchval() == "late"
    assert time.monotonic() - began >= 0.3


def test_logins_are_refused_as_while_a_server_fails_over(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.faults.refuse_login(40613, message="Not available at the moment.")
    with pytest.raises(pyodbc.Error, match="40613"):
        connect(ssisdb_emulator)
    connect(ssisdb_emulator).close()


def test_a_login_breaks_off(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.faults.drop_login()
    with pytest.raises(pyodbc.Error):
        connect(ssisdb_emulator)
    connect(ssisdb_emulator).close()


def test_a_function_is_called_at_the_statement(ssisdb_emulator: SsisdbEmulator) -> None:
    seen: list[list[str]] = []
    with closing(connect(ssisdb_emulator)) as connection:
        ssisdb_emulator.faults.call(lambda: seen.append(["called"]), statement="create_folder", when="after")
        connection.execute("EXEC catalog.create_folder ?", "A")
    assert seen == [["called"]]


def test_a_statement_that_runs_by_its_handle_is_known_by_its_text(ssisdb_emulator: SsisdbEmulator) -> None:
    with closing(connect(ssisdb_emulator, DriverFamily.MICROSOFT)) as connection:
        cursor = connection.cursor()
        text = "SELECT name FROM catalog.folders WHERE name = ?"
        cursor.execute(text, "A").fetchall()
        ssisdb_emulator.faults.error(50001, statement="catalog.folders")
        with pytest.raises(pyodbc.Error, match="50001"):
            cursor.execute(text, "B")


def test_faults_are_ordered_through_t_sql(ssisdb_emulator: SsisdbEmulator) -> None:
    with closing(connect(ssisdb_emulator)) as connection:
        connection.execute("EXEC emulator.answer_with_error @number = 1222, @statement = N'folders', @times = NULL")
        for _ in range(3):
            with pytest.raises(pyodbc.Error, match="1222"):
                connection.execute("SELECT name FROM catalog.folders")
        connection.execute("EXEC emulator.clear_faults")
        connection.execute("SELECT name FROM catalog.folders").fetchall()
        connection.execute("EXEC emulator.delay_answer @seconds = 0.1, @moment = N'before'")
        connection.execute("EXEC emulator.refuse_login")
        with pytest.raises(pyodbc.Error, match="18456"):
            connect(ssisdb_emulator)
        connection.execute("EXEC emulator.drop_connection @statement = N'SELECT 2', @moment = N'before'")
        with pytest.raises(pyodbc.Error):
            connection.execute("SELECT 2")


@pytest.mark.parametrize(
    "call",
    [
        "delay_answer @seconds = -1",
        "drop_connection @times = 0",
        "drop_connection @moment = N'while'",
        "answer_with_error @number = 1, @severity = 10",
    ],
)
def test_a_fault_that_cannot_be_is_refused(ssisdb_emulator: SsisdbEmulator, call: str) -> None:
    with closing(connect(ssisdb_emulator)) as connection, pytest.raises(pyodbc.Error, match="50000"):
        connection.execute(f"EXEC emulator.{call}")


def test_a_reset_removes_faults_and_sets_the_counters_to_zero(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.faults.error(1205, times=None)
    ssisdb_emulator.reset()
    with closing(connect(ssisdb_emulator)) as connection:
        before = ssisdb_emulator.traffic.requests
        connection.execute("SELECT 1").fetchall()
    assert ssisdb_emulator.traffic.requests == before + 1
    assert ssisdb_emulator.traffic.logins == 1


def test_a_procedure_raises_an_error_after_the_statements_before_it_took_effect(
    ssisdb_emulator: SsisdbEmulator,
) -> None:
    ssisdb_emulator.faults.error(1205, severity=13, procedure="Set_Folder_Description")
    batch = (
        "BEGIN TRY EXEC catalog.create_folder N'A'; EXEC catalog.set_folder_description N'A', N'about'; END TRY"
        " BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE(); END CATCH"
    )
    with closing(connect(ssisdb_emulator)) as connection:
        assert tuple(connection.execute(batch).fetchone()) == (1205, "set_folder_description")
        assert folders(ssisdb_emulator) == ["A"]
        connection.execute("EXEC catalog.set_folder_description N'A', N'about'")


def test_any_procedure_raises_an_error(ssisdb_emulator: SsisdbEmulator) -> None:
    with closing(connect(ssisdb_emulator)) as connection:
        connection.execute("EXEC emulator.answer_with_error 1222, @procedure = N''")
        assert connection.execute("SELECT COUNT(*) FROM catalog.folders").fetchval() == 0
        with pytest.raises(pyodbc.Error, match="1222"):
            connection.execute("EXEC catalog.create_folder N'A'")
        connection.execute("EXEC catalog.create_folder N'A'")
    assert folders(ssisdb_emulator) == ["A"]
