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


def refused_after(blocker: pyodbc.Connection, other: pyodbc.Connection, change: str, batch: str) -> str:
    """Run a batch that waits for the transaction of a change; returns the text of its error, or an empty text."""
    rows(blocker, f"BEGIN TRANSACTION; EXEC catalog.{change}")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(at_once, [other], lambda _: batch)
        rows(blocker, "WAITFOR DELAY '00:00:00.2'; COMMIT")
        return "".join(waiting.result())


def test_a_value_that_waits_for_the_start_of_its_execution_is_refused(connections: list[pyodbc.Connection]) -> None:
    blocker, other, *_ = connections
    execution_id = create(blocker)
    call = f"EXEC catalog.set_execution_parameter_value {execution_id}, 30, N'BatchSize', 9"
    assert "(27224)" in refused_after(blocker, other, f"start_execution {execution_id}", call)


def test_a_deployment_into_a_folder_that_is_being_deleted_is_refused(connections: list[pyodbc.Connection]) -> None:
    blocker, other, *_ = connections
    rows(blocker, "EXEC catalog.create_folder N'Old'")
    call = f"EXEC catalog.deploy_project N'Old', N'Mart', 0x{MART.hex()}"
    assert "(27104)" in refused_after(blocker, other, "delete_folder N'Old'", call)
    assert value(blocker, "SELECT COUNT(*) FROM catalog.projects") == 1


CREATE = "create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @n OUTPUT"
ENVIRONMENT = "(SELECT environment_id FROM catalog.environments WHERE name = 'Prod')"
WORKER = "(SELECT WorkerAgentId FROM catalog.worker_agents)"


@pytest.mark.parametrize(
    ("change", "call", "number"),
    [
        (
            "delete_project N'Sales', N'Mart'",
            "create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @n OUTPUT",
            27146,
        ),
        ("delete_project N'Sales', N'Mart'", "validate_project N'Sales', N'Mart', 'F', @n OUTPUT", 27109),
        ("delete_environment N'Sales', N'Prod'", "grant_permission 3, @environment, 0, 1", 27182),
        ("delete_customized_logging_level N'L'", "set_customized_logging_level_description N'L', N'x'", 27237),
        ("delete_customized_logging_level N'L'", "set_customized_logging_level_value N'L', N'EVENTS', 1", 27237),
        ("delete_worker_agent @worker", "disable_worker_agent @worker", 27243),
        ("delete_worker_agent @worker", "set_worker_agent_property @worker, N'Tags', N'x'", 27243),
        ("delete_worker_agent @worker", "add_execution_worker @execution, @worker", 27243),
    ],
)
def test_a_call_that_waits_for_the_deletion_of_its_object_is_refused(
    connections: list[pyodbc.Connection], change: str, call: str, number: int
) -> None:
    blocker, other, *_ = connections
    rows(blocker, "EXEC catalog.create_customized_logging_level N'L'")
    rows(blocker, "DECLARE @id uniqueidentifier; EXEC emulator.add_worker N'W1', 1, @id OUTPUT")
    execution_id = create(blocker, more=", @runinscaleout = 1, @useanyworker = 0")
    declared = f"DECLARE @n bigint, @execution bigint = {execution_id}, @environment bigint = {ENVIRONMENT},"
    declared += f" @worker uniqueidentifier = {WORKER};"
    worker = value(blocker, f"SELECT CAST({WORKER} AS nvarchar(36))")
    error = refused_after(blocker, other, change.replace("@worker", f"'{worker}'"), f"{declared} EXEC catalog.{call}")
    assert f"({number})" in error
