"""Connections of a run: opened for a task or shared, in a transaction, cancelled, and closed at the end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from functools import partial

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.open_connections import OpenConnections
from airflow_provider_ssis.engine.connections.transactions import TransactionConnections
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from tests.support.engine import failure_of

PROBE = "SELECT OBJECT_ID('tempdb..#kept')"


def connections(string: str, *, retain: bool = False, **others: str) -> OpenConnections:
    managers = {"Sales": string, **others}

    def resolve(reference: str) -> RunConnection:
        properties = {"Retain": "True"} if retain else {}
        return RunConnection(reference, reference, "OLEDB", "OLEDB", managers[reference], properties)

    return OpenConnections(resolve)


def ole_db(server: SsisdbEmulator, password: str | None = None) -> str:
    return (
        f"Provider=SQLNCLI11.1;Data Source={server.host},{server.port};Initial Catalog=SSISDB;"
        f"User ID={server.user};Password='{server.password if password is None else password}';Auto Translate=False;"
    )


@pytest.fixture(params=["plain", "retained"])
def sales(request: pytest.FixtureRequest, ssisdb_emulator_server: SsisdbEmulator) -> Iterator[OpenConnections]:
    opened = connections(ole_db(ssisdb_emulator_server), retain=request.param == "retained")
    yield opened
    opened.close()


def test_a_manager_that_retains_its_connection_keeps_temporary_tables(
    sales: OpenConnections, request: pytest.FixtureRequest
) -> None:
    with sales.odbc("Sales") as first:
        first.execute("CREATE TABLE #kept (a int)")
    with sales.odbc("Sales") as second:
        found = second.execute(PROBE).fetchone()[0]
    assert (found is not None) is ("retained" in request.node.name)


def test_an_ole_db_string_connects_in_autocommit_mode(ssisdb_emulator_server: SsisdbEmulator) -> None:
    with connections(ole_db(ssisdb_emulator_server)).odbc("Sales") as connection:
        assert connection.autocommit
        row = connection.execute("SELECT DB_NAME(), CAST('2024-02-03T04:05:06+02:00' AS datetimeoffset)").fetchone()
    assert row[0] == "SSISDB"
    assert row[1].isoformat() == "2024-02-03T04:05:06+02:00"


def test_close_ends_the_connections_that_are_kept_open(ssisdb_emulator_server: SsisdbEmulator) -> None:
    opened = connections(ole_db(ssisdb_emulator_server), retain=True)
    with opened.odbc("Sales") as connection:
        connection.execute("SELECT 1")
    opened.close()
    with pytest.raises(pyodbc.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_a_wrong_password_is_a_failure_without_the_password(ssisdb_emulator_server: SsisdbEmulator) -> None:
    opened = connections(ole_db(ssisdb_emulator_server, "wr0ng;p'w".replace("'", "")))
    failure = failure_of(lambda: opened.odbc("Sales").__enter__())
    assert failure.code == 0xC0202009
    assert "Login failed" in failure.text
    assert "Sales" in failure.text
    assert "wr0ng" not in failure.text
    assert failure.__context__ is None


def test_cancelling_ends_the_wait_for_a_server_that_does_not_answer() -> None:
    cancel = CancelToken()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        text = f"Provider=SQLNCLI11;Data Source=127.0.0.1,{port};User ID=u;Password=p;"
        opened = OpenConnections(lambda name: RunConnection(name, name, "OLEDB", "OLEDB", text, {}), cancel=cancel)

        def cancel_when_connected() -> None:
            client, _ = silent.accept()
            cancel.cancel()
            client.close()

        thread = threading.Thread(target=cancel_when_connected)
        thread.start()
        with pytest.raises(Cancelled), opened.odbc("Sales"):
            pass
        thread.join()


def test_a_shared_connection_has_one_user_at_a_time(ssisdb_emulator_server: SsisdbEmulator) -> None:
    cancel = CancelToken()
    text = ole_db(ssisdb_emulator_server)
    opened = OpenConnections(
        lambda name: RunConnection(name, name, "OLEDB", "OLEDB", text, {"Retain": "True"}), cancel=cancel
    )
    outcome: list[str] = []

    def use() -> None:
        try:
            with opened.odbc("Sales"):
                outcome.append("used")
        except Cancelled:
            outcome.append("cancelled")

    with opened.odbc("Sales"):
        thread = threading.Thread(target=use)
        thread.start()
        cancel.cancel()
        thread.join()
    opened.close()
    assert outcome == ["cancelled"]


class TestTransactions:
    """A transaction of a package on PostgreSQL."""

    @pytest.fixture
    def run(self, postgresql_odbc: str) -> Iterator[OpenConnections]:
        opened = connections(postgresql_odbc, Other=postgresql_odbc)
        with opened.odbc("Sales") as connection:
            connection.execute("DROP TABLE IF EXISTS entries")
            connection.execute("CREATE TABLE entries (a int)")
        yield opened
        opened.close()

    def rows(self, run: OpenConnections) -> int:
        with run.odbc("Sales") as connection:
            count: int = connection.execute("SELECT COUNT(*) FROM entries").fetchone()[0]
        return count

    @pytest.mark.parametrize("commits", [True, False])
    def test_all_work_is_committed_or_rolled_back(self, run: OpenConnections, commits: bool) -> None:
        transaction = TransactionConnections(run)
        for _ in range(2):
            with transaction.odbc("Sales") as connection:
                connection.execute("INSERT INTO entries VALUES (1)")
        assert self.rows(run) == 0
        if commits:
            transaction.commit()
        else:
            transaction.rollback()
        assert self.rows(run) == (2 if commits else 0)

    def test_a_second_connection_manager_is_refused(self, run: OpenConnections) -> None:
        transaction = TransactionConnections(run)
        with transaction.odbc("Sales"):
            failure = failure_of(lambda: transaction.odbc("Other").__enter__())
        transaction.rollback()
        assert failure.code == 0xC001401A
        assert "MSDTC" in failure.text

    def test_a_second_connection_of_the_same_manager_is_refused(self, run: OpenConnections) -> None:
        with pytest.raises(TaskFailure, match="inside a transaction"):
            TransactionConnections(run).odbc_string("Sales")

    def test_snapshot_and_shared_connections_are_refused(self, run: OpenConnections, postgresql_odbc: str) -> None:
        with pytest.raises(TaskFailure, match="isolation level"):
            TransactionConnections(run, 16777216).odbc("Sales").__enter__()
        retained = connections(postgresql_odbc, retain=True)
        failure = failure_of(lambda: TransactionConnections(retained).odbc("Sales").__enter__())
        assert failure.code == 0xC001A003


@pytest.mark.parametrize("only_validates", [False, True])
def test_a_validation_tries_a_server_that_fails_once(only_validates: bool) -> None:
    attempts: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            while True:
                try:
                    accepted, _ = listener.accept()
                except OSError:
                    return
                attempts.append(1)
                accepted.close()

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        string = f"Provider=MSOLEDBSQL;Data Source=127.0.0.1,{listener.getsockname()[1]};User ID=a;Password=b;"
        opened = connections(string, Archive=string)
        if only_validates:
            opened.fail_at_once()
        texts = []
        counts = []
        for name in ("Sales", "Archive"):
            failure = failure_of(partial(opened.connect, opened.get(name)))
            texts.append(failure.text.replace(name, ""))
            counts.append(len(attempts))
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert texts[0] == texts[1]
    assert "***" not in texts[0], "a password of one letter leaves words as they are"
    assert (counts[0] == counts[1]) is only_validates
