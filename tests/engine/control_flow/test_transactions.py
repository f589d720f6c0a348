"""Transactions of packages, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.engine import UnsupportedError
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.containers import SequenceBuilder
from airflow_provider_ssis.project.builder.executables import Options, TaskBuilder
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.package.loops import ItemEnumerator
from tests.support.engine_runs import EngineRuns, Function, add_task, codes

SERIALIZABLE = 1048576
NOT_SUPPORTED, SUPPORTED, REQUIRED = range(3)


@pytest.fixture
def table(postgresql_odbc: str) -> Iterator[Any]:
    """A connection to a database with an empty table."""
    import pyodbc

    connection = pyodbc.connect(postgresql_odbc, autocommit=True)
    connection.execute("DROP TABLE IF EXISTS written")
    connection.execute("CREATE TABLE written (name text)")
    yield connection
    connection.close()


def rows(table: Any) -> list[str]:
    return [row[0] for row in table.execute("SELECT name FROM written ORDER BY name").fetchall()]


def insert(context: TaskContext) -> None:
    with context.connections.odbc("Db") as connection:
        connection.execute("INSERT INTO written VALUES (?)", context.container.name)


def insert_and_fail(context: TaskContext) -> None:
    insert(context)
    raise TaskFailure("The check failed.")


def option(transaction_option: int) -> Options:
    return Options(transaction_option=transaction_option)


class Database:
    """A package with a connection manager of the database."""

    def __init__(self, odbc: str) -> None:
        self.package = PackageBuilder("P")
        self.manager: ConnectionManagerBuilder = self.package.connection_managers.add_odbc("Db", odbc)

    def sequence(self, *names: str, transaction_option: int = REQUIRED) -> SequenceBuilder:
        """Add a sequence with a transaction and tasks, one after the other."""
        made = self.package.add_sequence("S", options=option(transaction_option))
        made.connect(*(add_task(made, name) for name in names))
        return made


@pytest.mark.parametrize(("last", "expected"), [(insert, ["A", "B"]), (insert_and_fail, [])])
def test_a_container_commits_or_rolls_back_all_its_tasks(
    runs: EngineRuns, postgresql_odbc: str, table: Any, last: Function, expected: list[str]
) -> None:
    database = Database(postgresql_odbc)
    database.sequence("A", "B")
    result = runs.run(database.package, {"A": insert, "B": last})
    assert rows(table) == expected
    assert codes(result, EventName.INFORMATION) == [0x4001100A, 0x4001100B if expected else 0x4001100C]


def test_a_task_that_does_not_support_transactions_is_not_rolled_back(
    runs: EngineRuns, postgresql_odbc: str, table: Any
) -> None:
    database = Database(postgresql_odbc)
    sequence = database.sequence("Fails")
    add_task(sequence, "Outside", options=option(NOT_SUPPORTED))
    runs.run(database.package, {"Outside": insert, "Fails": insert_and_fail})
    assert rows(table) == ["Outside"]


def test_a_task_with_its_own_transaction(runs: EngineRuns, postgresql_odbc: str, table: Any) -> None:
    database = Database(postgresql_odbc)
    add_task(database.package, "A", options=option(REQUIRED))
    add_task(database.package, "B", options=option(REQUIRED))
    runs.run(database.package, {"A": insert, "B": insert_and_fail})
    assert rows(table) == ["A"]


def test_11_a_loop_that_does_not_support_transactions_separates_them(
    runs: EngineRuns, postgresql_odbc: str, table: Any
) -> None:
    database = Database(postgresql_odbc)
    sequence = database.package.add_sequence("S", options=option(REQUIRED))
    loop = sequence.add_foreach_loop("Loop", ItemEnumerator((((8, "x"),),)), options=option(NOT_SUPPORTED))
    loop.connect(*(add_task(loop, name, options=option(REQUIRED)) for name in "ABCD"))
    result = runs.run(database.package, {**dict.fromkeys("ABC", insert), "D": insert_and_fail})
    begun = [one for one in result.messages if one.code == 0x4001100A]
    assert (len(begun), rows(table)) == (5, ["A", "B", "C"])


def test_a_cancelled_container_rolls_back(runs: EngineRuns, postgresql_odbc: str, table: Any) -> None:
    from airflow_provider_ssis.engine import CancelToken

    database = Database(postgresql_odbc)
    database.sequence("A")
    token = CancelToken()

    def task(context: TaskContext) -> None:
        insert(context)
        token.cancel()
        context.cancel.check()

    result = runs.run(database.package, {"A": task}, cancel=token)
    assert (result.status, rows(table)) == (Result.CANCELED, [])


def test_two_connection_managers_in_a_transaction_are_refused(runs: EngineRuns, postgresql_odbc: str) -> None:
    database = Database(postgresql_odbc)
    other = database.package.connection_managers.add_odbc("Other", postgresql_odbc)
    sequence = database.package.add_sequence("S", options=option(REQUIRED))
    sequence.add_execute_sql("A", database.manager, "SELECT 1")
    sequence.add_execute_sql("B", other, "SELECT 1")
    with pytest.raises(UnsupportedError, match=r"2 connection managers \(Db, Other\)"):
        runs.run(database.package)
    # One of them outside of the transaction is supported.
    supported = Database(postgresql_odbc)
    inside = supported.package.connection_managers.add_oledb("Inside", "Data Source=x")
    sequence = supported.package.add_sequence("S", options=option(REQUIRED))
    sequence.add_execute_sql("A", inside, "SELECT 1")
    sequence.add_execute_sql("B", supported.manager, "SELECT 1", options=option(NOT_SUPPORTED))
    assert runs.run(supported.package, connections={"Inside": postgresql_odbc}).status is Result.SUCCESS


@pytest.mark.parametrize(("handler_option", "expected"), [(SUPPORTED, []), (NOT_SUPPORTED, ["Log"])])
def test_an_event_handler_joins_the_transaction_unless_it_does_not_support_it(
    runs: EngineRuns, postgresql_odbc: str, table: Any, handler_option: int, expected: list[str]
) -> None:
    database = Database(postgresql_odbc)
    handler = database.package.event_handler("OnError", of=database.sequence("A", "B"))
    handler.set_attributes({"TransactionOption": None if handler_option == SUPPORTED else str(handler_option)})
    add_task(handler, "Log")
    runs.run(database.package, {"A": insert, "B": insert_and_fail, "Log": insert})
    assert rows(table) == expected


def test_transactions_of_event_handlers_are_refused(runs: EngineRuns, postgresql_odbc: str) -> None:
    package = PackageBuilder("P")
    package.event_handler("OnError").set_attributes({"TransactionOption": "2"})
    with pytest.raises(UnsupportedError, match="the engine begins no transactions for event handlers"):
        runs.run(package)
    database = Database(postgresql_odbc)
    other = database.package.connection_managers.add_odbc("Other", postgresql_odbc)
    database.package.add_sequence("S", options=option(REQUIRED)).add_execute_sql("A", database.manager, "SELECT 1")
    handler = database.package.event_handler("OnError", of=database.package.add_sequence("Without"))
    handler.add_execute_sql("Log", other, "SELECT 1")
    assert runs.run(database.package).status is Result.FAILURE  # over ODBC, but nothing is refused
    sequence = database.package.add_sequence("T", options=option(REQUIRED))
    sequence.add_execute_sql("A", database.manager, "SELECT 1")
    database.package.event_handler("OnError", of=sequence).add_execute_sql("Log", other, "SELECT 1")
    with pytest.raises(UnsupportedError, match=r"2 connection managers \(Db, Other\)"):
        runs.run(database.package)


def test_a_child_package_in_a_transaction_is_refused(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    package.add_sequence("S", options=option(REQUIRED)).add_execute_package("Run", "P.dtsx")
    with pytest.raises(UnsupportedError, match="a child package in a transaction"):
        runs.run(package)


def _two_connections(odbc: str) -> tuple[Database, TaskBuilder]:
    database = Database(odbc)
    other = database.package.connection_managers.add_odbc("Other", odbc)
    database.package.add_parameter("Target", "Other")
    database.package.add_variable("Target", "Other")
    sequence = database.package.add_sequence("S", options=option(REQUIRED))
    first = sequence.add_execute_sql("A", database.manager, "SELECT 1")
    second = sequence.add_execute_sql("B", database.manager, "SELECT 1")
    sequence.connect(first, second)
    database.package.add_execute_sql("Outside", other, "SELECT 1")
    return database, second


@pytest.mark.parametrize("value", ['"Other"', "@[$Package::Target]"])
def test_a_second_connection_of_a_property_expression_is_refused(
    runs: EngineRuns, postgresql_odbc: str, value: str
) -> None:
    database, second = _two_connections(postgresql_odbc)
    second.set_expression("Connection", value)
    with pytest.raises(UnsupportedError, match=r"2 connection managers \(Db, Other\)"):
        runs.run(database.package)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("\\Package\\S\\B.Properties[Connection]", "Other"),
        ("\\Package.Properties[TransactionOption]", "2"),
    ],
)
def test_a_second_connection_of_a_property_override_is_refused(
    runs: EngineRuns, postgresql_odbc: str, path: str, value: str
) -> None:
    database, _ = _two_connections(postgresql_odbc)
    with pytest.raises(UnsupportedError, match=r"2 connection managers \(Db, Other\)"):
        runs.run(database.package, property_overrides={path: value})


def test_nothing_is_committed_if_a_second_connection_is_found_late(
    runs: EngineRuns, postgresql_odbc: str, table: Any
) -> None:
    database = Database(postgresql_odbc)
    database.package.connection_managers.add_odbc("Other", postgresql_odbc)
    sequence = database.sequence("A", "B")
    sequence.set_attributes({"MaxErrorCount": "0"})  # so that the failure of B is none of the sequence
    database.package.set_attributes({"MaxErrorCount": "0"})

    def second(context: TaskContext) -> None:
        with context.connections.odbc("Other") as connection:
            connection.execute("INSERT INTO written VALUES ('B')").close()

    result = runs.run(database.package, {"A": insert, "B": second})
    assert rows(table) == []
    assert codes(result, EventName.INFORMATION) == [0x4001100A, 0x4001100C]
    assert 0xC001401A in codes(result)
    assert "Nothing is committed" in str(result.messages)


def test_an_excel_file_in_a_transaction_is_refused(runs: EngineRuns) -> None:
    package = PackageBuilder("P")
    book = package.connection_managers.add_excel("Book", "book.xlsx")
    sequence = package.add_sequence("S", options=option(REQUIRED))
    sequence.add_execute_sql("Create", book, "CREATE TABLE Sales (Id INT)")
    flow = sequence.add_data_flow("Load")
    source = flow.add_excel_source("Read", book, [Column("Id", "DT_R8")], table="Sheet1$")
    flow.add_excel_destination("Write", source.output, book, "Target$")
    reads = sequence.add_data_flow("Only reads")
    source = reads.add_excel_source("Read", book, [Column("Id", "DT_R8")], table="Sheet1$")
    reads.add_recordset_destination("Keep", source.output, package.add_variable("Rows"))
    with pytest.raises(UnsupportedError) as raised:
        runs.run(package)
    assert [(one.where, one.what) for one in raised.value.refusals] == [
        ("\\Package\\S\\Create", "an Excel file in a transaction"),
        ("\\Package\\S\\Load", "an Excel file in a transaction"),
    ]


def test_a_file_that_joins_a_transaction_late_is_not_changed(runs: EngineRuns, tmp_path: Path) -> None:
    package = PackageBuilder("P")
    book = package.connection_managers.add_excel("Book", str(tmp_path / "book.xlsx"))
    package.add_variable("Option", 2)
    task = package.add_execute_sql("Create", book, "CREATE TABLE Sales (Id INT)")
    task.set_expression("TransactionOption", "@[User::Option]")
    result = runs.run(package)
    assert codes(result)[0] == 0xC001A004
    assert not (tmp_path / "book.xlsx").exists()
