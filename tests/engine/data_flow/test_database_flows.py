"""Whole packages that read and write databases: from one table to another, on the embedded server and on PostgreSQL."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine import run_package
from airflow_provider_ssis.engine.events import RowsWritten
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.databases import TestDatabase, sql_server_database
from tests.support.engine import run_task, task_context

COLUMNS = [Column("id", "DT_I4"), Column("name", "DT_WSTR", length=10)]
STUB = "Provider=MSOLEDBSQL.1;Data Source=.;"


@pytest.fixture
def databases(ssisdb_emulator_server: SsisdbEmulator, postgresql_odbc: str) -> dict[str, TestDatabase]:
    return {
        "Sql": sql_server_database(ssisdb_emulator_server),
        "Pg": TestDatabase(postgresql_odbc, postgresql_odbc, is_sql_server=False),
    }


@pytest.mark.parametrize(("source", "target"), [("Sql", "Pg"), ("Pg", "Sql"), ("Sql", "Sql")])
def test_rows_go_from_one_database_to_another(databases: dict[str, TestDatabase], source: str, target: str) -> None:
    read, write = databases[source], databases[target]
    read.create("t_from", "id int", "name nvarchar(10)")
    read.run("INSERT INTO t_from VALUES (1, 'a'), (2, 'äöü'), (3, NULL), (400, 'bad')")
    write.create("t_to", "id int CHECK (id < 100)", "name nvarchar(10)")
    project = ProjectBuilder("Copy")
    package = project.add_package("Copy")
    first = package.connection_managers.add_oledb("From", STUB)
    second = package.connection_managers.add_oledb("To", STUB)
    rows = package.add_variable("Rows", None)
    flow = package.add_data_flow("Load")
    got = flow.add_oledb_source("Read", first, COLUMNS, table="t_from")
    split = flow.add_conditional_split("Split", got.output, {"Good": "[id] < 100"})
    flow.add_oledb_destination("Write", split.outputs["Good"], second, "t_to")
    flow.add_recordset_destination("Keep", split.output, rows)
    written: dict[str, int] = {}
    result = run_package(
        project.to_ispac(),
        connections={"From": read.manager, "To": write.manager},
        on_event=lambda event: written.update({event.component: event.rows} if isinstance(event, RowsWritten) else {}),
    )
    assert result.succeeded, [message.text for message in result.messages]
    assert write.rows("SELECT id, name FROM t_to ORDER BY id") == [(1, "a"), (2, "äöü"), (3, None)]
    assert written == {"Write": 3, "Keep": 1}


def test_a_failure_of_the_database_fails_the_package(databases: dict[str, TestDatabase]) -> None:
    """Facts 1.14: the provider's error, then 0xC0209029, then the component's."""
    database = databases["Sql"]
    database.create("t_from", "id int", "name nvarchar(10)")
    database.run("INSERT INTO t_from VALUES (1, 'a'), (400, 'bad')")
    database.create("t_to", "id int CHECK (id < 100)", "name nvarchar(10)")
    project = ProjectBuilder("Copy")
    package = project.add_package("Copy")
    manager = package.connection_managers.add_oledb("Mart", STUB)
    flow = package.add_data_flow("Load")
    got = flow.add_oledb_source("Read", manager, COLUMNS, sql="SELECT id, name FROM t_from")
    flow.add_oledb_destination("Write", got.output, manager, "t_to")
    result = run_package(project.to_ispac(), connections={"Mart": database.manager})
    assert not result.succeeded
    codes = [message.code for message in result.messages]
    assert [code for code in codes if code in (0xC0202009, 0xC0209029, 0xC0047022)] == [
        0xC0202009,
        0xC0209029,
        0xC0047022,
    ]
    assert database.rows("SELECT id FROM t_to") == []


@pytest.mark.parametrize("source", ["Sql", "Pg"])
def test_rows_are_counted_although_no_column_is_used(databases: dict[str, TestDatabase], source: str) -> None:
    database = databases[source]
    database.create("t_count", "id int", "name nvarchar(10)")
    database.run("INSERT INTO t_count VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    package = ProjectBuilder("Count").add_package("Count")
    manager = package.connection_managers.add_oledb("Mart", STUB)
    flow = package.add_data_flow("Load")
    got = flow.add_oledb_source("Read", manager, COLUMNS, table="t_count")
    flow.add_row_count("Count", got.output, package.add_variable("Rows", 0))
    context = task_context(package.read(), replacements={"Mart": database.manager})
    run_task(context)
    assert context.variables["User::Rows"] == 3
