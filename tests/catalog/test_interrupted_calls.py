"""Calls that a deadlock interrupts in the middle: the repetition continues, and leaves nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest
from airflow_provider_ssis.catalog.session import RetryPolicy
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.catalog.conftest import CLIENTS
from tests.support.mart import MART

REQUEST = ExecutionRequest(
    folder="Sales",
    project="Mart",
    package="Load.dtsx",
    parameters={"BatchSize": 7, "Title": "all"},
    property_overrides={
        r"\Package.Variables[User::FileName].Value": "a.csv",
        r"\Package.Variables[User::Key].Value": "k",
    },
)
INTERRUPTED = ("create_execution", "set_execution_parameter_value", "set_execution_property_override_value")


@pytest.fixture
def quick(ssisdb_emulator: SsisdbEmulator) -> Iterator[Catalog]:
    """A catalog that repeats calls without long waits, with a deployed project."""
    with Catalog(CLIENTS["Microsoft"](ssisdb_emulator), retry=RetryPolicy(first_delay=0.01)) as catalog:
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Mart", MART)
        yield catalog


def overrides(server: SsisdbEmulator, execution_id: int) -> list[str]:
    sql = "SELECT property_value FROM catalog.execution_property_override_values WHERE execution_id = ? ORDER BY 1"
    with closing(pyodbc.connect(server.odbc(), autocommit=True)) as connection:
        return [row[0] for row in connection.execute(sql, execution_id)]


@pytest.mark.parametrize("procedure", INTERRUPTED)
@pytest.mark.parametrize("number", [1205, 1222])
def test_a_repetition_completes_the_execution_that_was_created(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator, procedure: str, number: int
) -> None:
    ssisdb_emulator.faults.error(number, procedure=procedure, times=2)
    execution_id = quick.create_execution(REQUEST)
    assert [each.execution_id for each in quick.executions()] == [execution_id]
    values = {each.parameter_name: each.parameter_value for each in quick.execution_parameter_values(execution_id)}
    assert (values["BatchSize"], values["Title"]) == (7, "all")
    assert overrides(ssisdb_emulator, execution_id) == ["a.csv", "k"]
    quick.start_execution(execution_id)


@pytest.mark.parametrize("procedure", INTERRUPTED)
def test_a_repetition_by_key_completes_the_execution_that_was_created(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator, procedure: str
) -> None:
    correlation = Correlation(key="{a:1}", lock="a")
    ssisdb_emulator.faults.error(1205, procedure=procedure, times=2)
    first = quick.get_or_create_execution(REQUEST, correlation)
    assert (first.created, first.status) == (True, OperationStatus.CREATED)
    again = quick.get_or_create_execution(REQUEST, correlation)
    assert (again.created, again.execution_id) == (False, first.execution_id)
    assert [each.execution_id for each in quick.executions()] == [first.execution_id]
    assert overrides(ssisdb_emulator, first.execution_id) == ["a.csv", "k"]


@pytest.mark.parametrize("procedure", ["create_folder", "set_folder_description"])
def test_a_folder_gets_its_description_after_a_deadlock(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator, procedure: str
) -> None:
    ssisdb_emulator.faults.error(1205, procedure=procedure)
    assert quick.create_folder("Finance", "Ledgers").description == "Ledgers"
    assert [each.name for each in quick.folders()] == ["Finance", "Sales"]
