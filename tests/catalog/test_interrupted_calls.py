"""Calls that a deadlock interrupts in the middle: the repetition continues, and leaves nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType
from airflow_provider_ssis.catalog.errors import AlreadyStarted, AttemptSuperseded, StartInterrupted
from airflow_provider_ssis.catalog.models import CorrelatedExecution
from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.catalog.sql import execution_creation
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.catalog.conftest import CLIENTS
from tests.support.executions import set_status
from tests.support.mart import MART
from tests.support.scripted_catalog import Clock
from tests.support.ssis_projects import ispac_parts, make_ispac, make_project, package

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


def test_an_interrupted_creation_is_not_completed_if_an_earlier_attempt_created_an_execution_meanwhile(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator
) -> None:
    """The start of the earlier attempt would not see an execution that is older than its own."""
    stale = Correlation(key="{a:1:", key_prefix="{a:", attempt=1, lock="a")
    found: list[CorrelatedExecution] = []

    class Meanwhile(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if not found:
                found.append(quick.get_or_create_execution(REQUEST, stale))

    ssisdb_emulator.faults.error(1205, procedure=INTERRUPTED[-1])
    with Catalog(CLIENTS["Microsoft"](ssisdb_emulator), clock=Meanwhile()) as catalog:
        created = catalog.get_or_create_execution(REQUEST, replace(stale, key="{a:2:", attempt=2))
    [first] = found
    assert (first.is_first, created.created) == (True, True)
    assert created.execution_id > first.execution_id
    with pytest.raises(AttemptSuperseded):
        quick.start_correlated_execution(first.execution_id, stale, is_first=True)


MANY = replace(REQUEST, property_overrides={rf"\Package.Variables[User::V{number}].Value": "v" for number in range(60)})


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [None, Correlation(key="{a:1}", lock="a")], ids=["new", "by key"])
def test_a_creation_in_several_batches_continues_where_a_deadlock_interrupted_it(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, correlation: Correlation | None
) -> None:
    # So that some sixty overrides take two batches, as a thousand do.
    monkeypatch.setattr(execution_creation, "MAX_MARKERS", 130)
    second_batch = f"SET @step = {len(MANY.property_overrides) - 1}"
    ssisdb_emulator.faults.call(
        lambda: ssisdb_emulator.faults.error(1205, procedure="set_execution_property_override_value"),
        statement=second_batch,
    )
    if correlation is None:
        execution_id = quick.create_execution(MANY)
    else:
        created = quick.get_or_create_execution(MANY, correlation)
        assert created.created
        execution_id = created.execution_id
        with Catalog(CLIENTS["Microsoft"](ssisdb_emulator)) as other:
            assert other.get_or_create_execution(MANY, correlation).execution_id == execution_id
    assert [each.execution_id for each in quick.executions()] == [execution_id]
    assert len(overrides(ssisdb_emulator, execution_id)) == len(MANY.property_overrides)


@pytest.mark.parametrize("procedure", ["create_folder", "set_folder_description"])
def test_a_folder_gets_its_description_after_a_deadlock(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator, procedure: str
) -> None:
    ssisdb_emulator.faults.error(1205, procedure=procedure)
    assert quick.create_folder("Finance", "Ledgers").description == "Ledgers"
    assert [each.name for each in quick.folders()] == ["Finance", "Sales"]


@pytest.mark.parametrize("number", [1205, 1222])
def test_an_interrupted_start_fails_the_execution(quick: Catalog, ssisdb_emulator: SsisdbEmulator, number: int) -> None:
    """The package never ran: a result of FAILED would send readers to its messages, of which there are none."""
    execution_id = quick.create_execution(REQUEST)
    ssisdb_emulator.faults.error(number, procedure="start_execution")
    with pytest.raises(StartInterrupted, match=f"execution {execution_id}, which never ran") as caught:
        quick.start_execution(execution_id)
    assert (caught.value.number, caught.value.operation_id) == (number, execution_id)
    execution = quick.execution(execution_id)
    assert execution is not None
    assert (execution.status, execution.start_time, execution.process_id) == (OperationStatus.FAILED, None, None)
    assert execution.end_time is not None
    with pytest.raises(AlreadyStarted):
        quick.start_execution(execution_id)
    correlation = Correlation(key=None, known_id=execution_id, lock="a")
    assert quick.get_or_create_execution(REQUEST, correlation).created


def test_a_lock_timeout_in_a_start_fails_the_execution(ssisdb_emulator: SsisdbEmulator, quick: Catalog) -> None:
    execution_id = quick.create_execution(REQUEST)
    with (
        closing(pyodbc.connect(ssisdb_emulator.odbc())) as holder,
        closing(pyodbc.connect(ssisdb_emulator.odbc(), autocommit=True)) as starter,
    ):
        holder.execute("EXEC catalog.create_folder N'Held'")
        starter.execute("SET LOCK_TIMEOUT 50")
        with pytest.raises(pyodbc.Error, match="1222"):
            starter.execute("EXEC catalog.start_execution ?", execution_id)
        holder.rollback()
    execution = quick.execution(execution_id)
    assert execution is not None
    assert execution.status is OperationStatus.FAILED


@pytest.mark.parametrize(
    ("procedure", "kind", "call"),
    [
        ("create_execution", OperationType.EXECUTION, lambda catalog: catalog.create_execution(REQUEST)),
        (
            "deploy_project",
            OperationType.DEPLOY_PROJECT,
            lambda catalog: catalog.deploy_project("Sales", "Mart", MART),
        ),
        (
            "validate_project",
            OperationType.VALIDATE_PROJECT,
            lambda catalog: catalog.validate_project("Sales", "Mart"),
        ),
    ],
)
def test_an_interrupted_operation_leaves_a_failed_row_and_is_repeated(
    quick: Catalog,
    ssisdb_emulator: SsisdbEmulator,
    procedure: str,
    kind: OperationType,
    call: Callable[[Catalog], object],
) -> None:
    before = len(list(quick.operations(operation_type=kind)))
    ssisdb_emulator.faults.error(1205, procedure=procedure)
    call(quick)
    interrupted, _ = sorted(quick.operations(operation_type=kind), key=lambda each: each.operation_id)[before:]
    assert interrupted.status is OperationStatus.FAILED
    assert interrupted.end_time is not None


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("content", ["new", "the same"])
def test_a_deployment_whose_answer_is_lost_leaves_one_version(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator, moment: str, content: str
) -> None:
    ispac = MART if content == "the same" else make_ispac("Mart", [package("Load.dtsx")])

    def connect() -> pyodbc.Connection:
        return pyodbc.connect(ssisdb_emulator.odbc(), autocommit=True)

    [before] = quick.project_versions("Sales", "Mart")
    with Catalog(connect(), reconnect=connect, retry=RetryPolicy(first_delay=0.01)) as catalog:
        ssisdb_emulator.faults.drop(statement="deploy_project", when=moment)
        found = catalog.deploy_project("Sales", "Mart", ispac)
        versions = {each.object_version_lsn for each in catalog.project_versions("Sales", "Mart")}
        assert catalog.get_project("Sales", "Mart") == ispac
    # A deployment of the same file that was not carried out shows no difference.
    is_new = content == "new" or moment == "after"
    assert versions == {before.object_version_lsn, found.object_version_lsn}
    assert (found.object_version_lsn > before.object_version_lsn) == is_new
    operation = quick.operation(found.operation_id)
    assert operation is not None
    assert (operation.operation_type, operation.status) == (OperationType.DEPLOY_PROJECT, OperationStatus.SUCCEEDED)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_deployment_of_packages_whose_answer_is_lost_leaves_one_version(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator, moment: str
) -> None:
    name = "Neue Läufe.dtsx"
    content = ispac_parts(make_project("X", [package(name)]))[name]

    def connect() -> pyodbc.Connection:
        return pyodbc.connect(ssisdb_emulator.odbc(), autocommit=True)

    with Catalog(connect(), reconnect=connect, retry=RetryPolicy(first_delay=0.01)) as catalog:
        ssisdb_emulator.faults.drop(statement="deploy_packages", when=moment)
        found = catalog.deploy_packages("Sales", "Mart", {name: content})
    assert name in [each.name for each in quick.packages("Sales", "Mart")]
    assert len(quick.project_versions("Sales", "Mart")) == 2
    operation = quick.operation(found.operation_id)
    assert operation is not None
    assert operation.operation_type is OperationType.DEPLOY_PACKAGES


def test_a_lost_deployment_of_a_restored_version_names_its_operation(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator
) -> None:
    [before] = quick.project_versions("Sales", "Mart")
    [deployed] = quick.operations(operation_type=OperationType.DEPLOY_PROJECT)
    quick.deploy_project("Sales", "Mart", make_ispac("Mart", [package("Load.dtsx")]))
    quick.restore_project("Sales", "Mart", before.object_version_lsn)

    def connect() -> pyodbc.Connection:
        return pyodbc.connect(ssisdb_emulator.odbc(), autocommit=True)

    with Catalog(connect(), reconnect=connect, retry=RetryPolicy(first_delay=0.01)) as catalog:
        ssisdb_emulator.faults.drop(statement="deploy_project", when="before")
        found = catalog.deploy_project("Sales", "Mart", MART)
    assert (found.object_version_lsn, found.operation_id) == (before.object_version_lsn, deployed.operation_id)


def test_an_error_of_the_batch_itself_says_nothing_about_the_run(
    quick: Catalog, ssisdb_emulator: SsisdbEmulator
) -> None:
    """The batch reads the status after the start, so a package may have run, and failed, before the error."""
    execution_id = quick.create_execution(REQUEST)
    ssisdb_emulator.faults.error(1205, statement="EXEC catalog.start_execution")
    ssisdb_emulator.faults.call(
        lambda: set_status(ssisdb_emulator, execution_id, OperationStatus.FAILED),
        statement="EXEC catalog.start_execution",
        when="before",
    )
    assert quick.start_execution(execution_id) is OperationStatus.FAILED
