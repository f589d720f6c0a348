"""Several clients that change the same object at once: each name is given once, and no change is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, rows, value
from tests.support.mart import MART

CLIENTS = 6


@pytest.fixture
def connections(ssisdb_emulator: SsisdbEmulator) -> Iterator[list[pyodbc.Connection]]:
    with ExitStack() as stack:
        found = [stack.enter_context(closing(connect(ssisdb_emulator))) for _ in range(CLIENTS)]
        rows(found[0], "EXEC catalog.create_folder N'Sales'; EXEC catalog.create_environment N'Sales', N'Prod'")
        rows(found[0], "EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Size', N'Int32', 0, 0")
        rows(found[0], "EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        yield found


def at_once(connections: list[pyodbc.Connection], batch: Callable[[int], str]) -> list[str]:
    """Run a batch on each connection at the same time; returns the texts of the errors."""

    def run(number: int) -> str:
        try:
            rows(connections[number], batch(number))
        except pyodbc.Error as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(connections)) as pool:
        return [error for error in pool.map(run, range(len(connections))) if error]


@pytest.mark.parametrize(
    ("call", "number", "view"),
    [
        ("create_folder N'New'", 27190, "folders WHERE name = 'New'"),
        ("create_environment N'Sales', N'New'", 27157, "environments WHERE name = 'New'"),
        (
            "create_environment_variable N'Sales', N'Prod', N'New', N'Int32', 0, 1",
            27173,
            "environment_variables WHERE name = 'New'",
        ),
        (
            "create_environment_reference N'Sales', N'Mart', N'Prod', 'R', NULL, @id OUTPUT",
            27204,
            "environment_references",
        ),
    ],
)
def test_one_client_creates_an_object_and_the_others_are_refused(
    connections: list[pyodbc.Connection], call: str, number: int, view: str
) -> None:
    # A transaction of another client makes all of them wait at the same place.
    blocker, *others = connections
    rows(blocker, "BEGIN TRANSACTION; EXEC catalog.set_folder_description N'Sales', N'x'")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, others, lambda _: f"DECLARE @id bigint; EXEC catalog.{call}")
        rows(blocker, "WAITFOR DELAY '00:00:00.2'; COMMIT")
        errors = waiting.result()
    assert len(errors) == len(others) - 1
    assert all(f"({number})" in error for error in errors)
    assert value(blocker, f"SELECT COUNT(*) FROM catalog.{view}") == 1


def test_no_change_of_a_variable_is_lost(connections: list[pyodbc.Connection]) -> None:
    blocker, *others = connections
    variable = "N'Sales', N'Prod', N'Size'"
    changes = [
        f"set_environment_variable_value {variable}, 42",
        f"set_environment_variable_property {variable}, N'DESCRIPTION', N'Rows at once'",
        f"set_environment_variable_protection {variable}, 0",
        f"set_environment_variable_property {variable}, N'TYPE', N'Int64'",
    ]
    rows(blocker, "BEGIN TRANSACTION; EXEC catalog.set_folder_description N'Sales', N'x'")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, others[: len(changes)], lambda number: f"EXEC catalog.{changes[number]}")
        rows(blocker, "WAITFOR DELAY '00:00:00.2'; COMMIT")
        assert waiting.result() == []
    query = "SELECT type, description, CAST(value AS int) FROM catalog.environment_variables"
    assert rows(blocker, query) == [("Int64", "Rows at once", 42)]


def test_a_value_that_waits_for_the_start_of_its_execution_is_refused(connections: list[pyodbc.Connection]) -> None:
    blocker, other, *_ = connections
    execution_id = create(blocker)
    rows(blocker, f"BEGIN TRANSACTION; EXEC catalog.start_execution {execution_id}")
    call = f"EXEC catalog.set_execution_parameter_value {execution_id}, 30, N'BatchSize', 9"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, [other], lambda _: call)
        rows(blocker, "WAITFOR DELAY '00:00:00.2'; COMMIT")
        (error,) = waiting.result()
    assert "(27224)" in error


def test_a_deployment_into_a_folder_that_is_being_deleted_is_refused(connections: list[pyodbc.Connection]) -> None:
    blocker, other, *_ = connections
    rows(blocker, "EXEC catalog.create_folder N'Old'")
    rows(blocker, "BEGIN TRANSACTION; EXEC catalog.delete_folder N'Old'")
    call = f"EXEC catalog.deploy_project N'Old', N'Mart', 0x{MART.hex()}"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, [other], lambda _: call)
        rows(blocker, "WAITFOR DELAY '00:00:00.2'; COMMIT")
        (error,) = waiting.result()
    assert "(27104)" in error
    assert value(blocker, "SELECT COUNT(*) FROM catalog.projects") == 1
