"""OLE DB Commands, on the embedded server and on PostgreSQL: facts in data_flow.md, 3.10 and 1.13."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan
from airflow_provider_ssis.engine.data_flow.components.ole_db_command import OleDbCommand
from airflow_provider_ssis.project.package.data_flow import read_pipeline
from tests.support.database_components import TestColumn, batch_of, destination, flow_context, write_all
from tests.support.databases import TestDatabase
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


def test_an_output_parameter_is_refused() -> None:
    made = command("EXEC p ?", TestColumn("id", I4, external="@id"))
    assert not list(OleDbCommand.refusals(made))
    external = made.stored.inputs[0].external_columns[0]
    holder = etree.SubElement(external.element, "properties")
    etree.SubElement(holder, "property", name="DBParamInfoFlags", dataType="System.Int32").text = "67"
    stored = read_pipeline(made.stored.element.getroottree().getroot(), "p.dtsx").components[0]
    (refused,) = OleDbCommand.refusals(replace(made, stored=stored))
    assert "@id" in str(refused)
