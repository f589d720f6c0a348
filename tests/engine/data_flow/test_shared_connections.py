"""Data flows whose components share one connection: a retained one, or that of a transaction."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine import run_package
from airflow_provider_ssis.engine.control_flow.running import RunResult
from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.databases import TestDatabase, sql_server_database

COLUMNS = [Column("id", "DT_I4"), Column("name", "DT_WSTR", length=10)]
STUB = "Provider=MSOLEDBSQL.1;Data Source=.;"
ROWS = 250
REQUIRED = 2


@pytest.fixture
def database(ssisdb_emulator_server: SsisdbEmulator) -> TestDatabase:
    made = sql_server_database(ssisdb_emulator_server)
    made.create("t_source", "id int", "name nvarchar(10)")
    made.run("INSERT INTO t_source VALUES " + ", ".join(f"({number}, 'n{number}')" for number in range(ROWS)))
    made.create("t_even", "id int", "name nvarchar(10)")
    made.create("t_odd", "id int CHECK (id < 200)", "name nvarchar(10)")
    return made


def run(
    database: TestDatabase, *, retain: bool = True, transaction: int = 1, commit_size: int | None = None
) -> RunResult:
    """Copy the rows of a table into two tables, in batches of 20 rows; some rows are rejected and go to a variable."""
    project = ProjectBuilder("Shared")
    package = project.add_package("Shared")
    manager = package.connection_managers.add_oledb("DB", STUB, retain=retain)
    flow = package.add_data_flow("Load", options=Options(transaction_option=transaction))
    source = flow.add_oledb_source("Read", manager, COLUMNS, table="t_source")
    split = flow.add_conditional_split("Split", source.output, {"Even": "[id] % 2 == 0"})
    flow.add_oledb_destination("Even", split.outputs["Even"], manager, "t_even", fast_load=False)
    if commit_size is None:
        flow.add_oledb_destination("Odd", split.output, manager, "t_odd", fast_load=False)
    else:
        flow.add_oledb_destination("Odd", split.output, manager, "t_odd", fast_load=True, commit_size=commit_size)
    flow.set_attributes({"defaultBufferMaxRows": "20"})
    return run_package(project.to_ispac(), connections={"DB": database.manager})


def counts(database: TestDatabase) -> tuple[int, ...]:
    return tuple(database.rows(f"SELECT COUNT(*) FROM {table}")[0][0] for table in ("t_even", "t_odd"))


def test_a_source_and_two_destinations_share_a_retained_connection(database: TestDatabase) -> None:
    database.run("DELETE FROM t_source WHERE id >= 200")
    result = run(database)
    assert result.succeeded, [message.text for message in result.messages]
    assert counts(database) == (100, 100)


def test_a_transaction_of_the_package_is_rolled_back_in_all_tables(database: TestDatabase) -> None:
    result = run(database, retain=False, transaction=REQUIRED)
    assert not result.succeeded
    assert counts(database) == (0, 0), [message.text for message in result.messages]
    assert any("t_odd did not accept" in message.text for message in result.messages)


def test_a_transaction_of_the_package_is_committed_at_its_end(database: TestDatabase) -> None:
    database.run("DELETE FROM t_source WHERE id >= 200")
    result = run(database, retain=False, transaction=REQUIRED)
    assert result.succeeded, [message.text for message in result.messages]
    assert counts(database) == (100, 100)


@pytest.mark.slow
@pytest.mark.parametrize(("retain", "transaction"), [(True, 1), (False, REQUIRED)], ids=["retained", "transaction"])
def test_statements_for_each_row_share_the_connection_of_the_source(
    database: TestDatabase, retain: bool, transaction: int
) -> None:
    """A Lookup without a cache and an OLE DB Command."""
    database.run("INSERT INTO t_even SELECT id, name FROM t_source WHERE id < 60")
    project = ProjectBuilder("Shared")
    package = project.add_package("Shared")
    manager = package.connection_managers.add_oledb("DB", STUB, retain=retain)
    flow = package.add_data_flow("Load", options=Options(transaction_option=transaction))
    flow.set_attributes({"defaultBufferMaxRows": "20"})
    source = flow.add_oledb_source("Read", manager, COLUMNS, table="t_source")
    sql = "SELECT id, name FROM t_even"
    found = flow.add_lookup("Find", source.output, manager, sql, {"id": "id"}, no_match="output", cache="none")
    flow.add_oledb_command("Mark", found.output, manager, "UPDATE t_even SET name = 'seen' WHERE id = ?", ["id"])
    result = run_package(project.to_ispac(), connections={"DB": database.manager})
    assert result.succeeded, [message.text for message in result.messages]
    assert database.rows("SELECT COUNT(*) FROM t_even WHERE name = 'seen'") == [(60,)]


def test_two_sources_share_a_retained_connection(database: TestDatabase) -> None:
    """The rows are only counted, so no column of them is needed."""
    project = ProjectBuilder("Shared")
    package = project.add_package("Shared")
    manager = package.connection_managers.add_oledb("DB", STUB, retain=True)
    flow = package.add_data_flow("Load")
    flow.set_attributes({"defaultBufferMaxRows": "20"})
    variables = [package.add_variable(name, 0) for name in ("First", "Second")]
    for variable in variables:
        source = flow.add_oledb_source(f"Read {variable.name}", manager, COLUMNS, table="t_source")
        flow.add_row_count(f"Count {variable.name}", source.output, variable)
    result = run_package(project.to_ispac(), connections={"DB": database.manager})
    assert result.succeeded, [message.text for message in result.messages]
    assert [result.variables[f"User::{variable.name}"] for variable in variables] == [ROWS, ROWS]


def test_one_commit_at_the_end_cannot_share_a_connection_with_other_commits(database: TestDatabase) -> None:
    result = run(database, commit_size=0)
    assert not result.succeeded
    assert any("commits its rows at the end" in message.text for message in result.messages)
    assert counts(database) == (0, 0)
