"""Executions on the embedded SSISDB: create, start, follow, stop."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import ExecutionResult, LoggingLevel, MessageType, ObjectType, OperationStatus
from airflow_provider_ssis.catalog.errors import (
    AlreadyStarted,
    AmbiguousEnvironment,
    CatalogError,
    ConnectionLost,
    EnvironmentNotFound,
    ExecutionNotFound,
    FolderNotFound,
    NotStoppable,
    PackageNotFound,
    ParameterNotFound,
    ProjectChanged,
    ProjectNotFound,
    RequiredParameterMissing,
    WrongParameterType,
)
from airflow_provider_ssis.catalog.failures.causes import describe, first_causes
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, VariableReference
from airflow_provider_ssis.catalog.retries import RetryPolicy
from tests.catalog.conftest import CLIENTS
from tests.support.catalog_projects import FOLDER, PACKAGE, PROJECT, TYPES, etl
from tests.support.executions import wait_for_end, wait_for_status

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.server import SsisdbEmulator

RUN_SECONDS = 600


@pytest.fixture
def deployed(any_catalog: Catalog) -> Catalog:
    """The project, over each client in turn."""
    return deploy(any_catalog)


@pytest.fixture
def ready(catalog: Catalog) -> Catalog:
    """The project, over one client."""
    return deploy(catalog)


def deploy(catalog: Catalog) -> Catalog:
    catalog.create_folder(FOLDER)
    catalog.deploy_project(FOLDER, PROJECT, etl())
    return catalog


def request_for(package: str = PACKAGE, **arguments: Any) -> ExecutionRequest:
    return ExecutionRequest(**{"folder": FOLDER, "project": PROJECT, "package": package, **arguments})


def values_of(catalog: Catalog, execution_id: int) -> dict[str, Any]:
    return {each.parameter_name: each.parameter_value for each in catalog.execution_parameter_values(execution_id)}


def overrides_of(server: SsisdbEmulator, execution_id: int) -> list[tuple[str, str | None, bool]]:
    """No method reads overrides back, so the view is read here."""
    connection = CLIENTS["Microsoft"](server)
    rows = connection.execute(
        "SELECT property_path, property_value, sensitive FROM catalog.execution_property_override_values "
        "WHERE execution_id = ? ORDER BY property_id",
        execution_id,
    ).fetchall()
    connection.close()
    return [(path, value, bool(sensitive)) for path, value, sensitive in rows]


def test_a_package_runs_from_creation_to_success(deployed: Catalog) -> None:
    execution_id = deployed.create_execution(request_for(logging_level="verbose"))
    created = deployed.execution(execution_id)
    assert created is not None
    assert created.status is OperationStatus.CREATED
    assert (created.folder_name, created.project_name, created.package_name) == (FOLDER, PROJECT, PACKAGE)
    assert not created.use32bitruntime
    assert created.environment_name is None

    assert deployed.start_execution(execution_id) is not OperationStatus.CREATED
    assert wait_for_end(deployed, execution_id) is OperationStatus.SUCCEEDED

    messages = deployed.event_messages(execution_id)
    ids = [message.event_message_id for message in messages]
    assert ids == sorted(ids, key=lambda each: each or 0)
    assert {MessageType.PRE_EXECUTE, MessageType.POST_EXECUTE} <= {message.message_type for message in messages}
    assert any(message.message_source_name == "Truncate" for message in messages)
    assert all(message.package_name in (PACKAGE, None) for message in messages)

    executables = {each.executable_id: each for each in deployed.executables(execution_id)}
    assert {each.executable_name for each in executables.values()} >= {"Truncate", "Copy", "Orders", "Index"}
    statistics = deployed.executable_statistics(execution_id)
    assert {each.executable_id for each in statistics} <= set(executables)
    assert {each.execution_result for each in statistics} == {ExecutionResult.SUCCESS}


def test_messages_are_read_on_from_the_last_one(ready: Catalog) -> None:
    execution_id = ready.create_execution(request_for())
    ready.start_execution(execution_id)
    wait_for_end(ready, execution_id)
    messages = ready.event_messages(execution_id)
    assert len(messages) > 3
    pieces, after = [], 0
    while piece := ready.event_messages(execution_id, after=after, limit=3):
        pieces += piece
        after = piece[-1].event_message_id or 0
    assert pieces == messages
    some = ready.event_messages(execution_id, message_types=[MessageType.PRE_EXECUTE])
    assert some == [message for message in messages if message.message_type is MessageType.PRE_EXECUTE]
    assert ready.event_messages(execution_id, message_types=[]) == []


def test_everything_is_set_in_one_go(ssisdb_emulator: SsisdbEmulator, deployed: Catalog) -> None:
    execution_id = deployed.create_execution(
        request_for(
            parameters={**{f"A{data_type}": value for data_type, value in TYPES.items()}, "Password": "hunter2"},
            project_parameters={"Region": "south"},
            connection_managers={"Warehouse": {"ServerName": "dw02", "InitialCatalog": "DW"}},
            property_overrides={
                r"\Package\Truncate.Properties[Disable]": True,
                r"\Package.Variables[User::Secret].Properties[Value]": Sensitive("hunter2"),
            },
            logging_level=LoggingLevel.PERFORMANCE,
            use32bit=True,
            caller_info="O'Brien ☃",
        )
    )
    values = values_of(deployed, execution_id)
    assert {data_type: values[f"A{data_type}"] for data_type in TYPES} == TYPES
    assert values["Password"] is None
    assert values["Region"] == "south"
    assert values["CM.Warehouse.ServerName"] == "dw02"
    assert values["LOGGING_LEVEL"] == 2
    assert values["CALLER_INFO"] == "O'Brien ☃"
    execution = deployed.execution(execution_id)
    assert execution is not None
    assert execution.use32bitruntime
    assert overrides_of(ssisdb_emulator, execution_id) == [
        (r"\Package.Connections[Warehouse].Properties[InitialCatalog]", "DW", False),
        (r"\Package\Truncate.Properties[Disable]", "True", False),
        (r"\Package.Variables[User::Secret].Properties[Value]", None, True),
    ]
    deployed.start_execution(execution_id)
    assert wait_for_end(deployed, execution_id) is OperationStatus.SUCCEEDED


@pytest.mark.parametrize(("text", "expected"), [("7", 7), (" -1 ", -1)])
def test_text_from_a_template_becomes_the_parameters_type(ready: Catalog, text: str, expected: int) -> None:
    execution_id = ready.create_execution(request_for(parameters={"AInt32": text}))
    value = next(v for v in ready.execution_parameter_values(execution_id) if v.parameter_name == "AInt32")
    assert (value.parameter_value, value.object_type, value.runtime_override) == (expected, ObjectType.PACKAGE, True)


def test_an_environment_gives_its_values(ready: Catalog) -> None:
    ready.create_environment(FOLDER, "Prod")
    ready.create_environment_variable(FOLDER, "Prod", "Where", "west")
    ready.set_object_parameter_value(FOLDER, PROJECT, "Region", VariableReference("Where"))
    reference_id = ready.create_environment_reference(FOLDER, PROJECT, "Prod")
    for arguments in ({"environment": "Prod"}, {"environment": "./Prod"}, {"reference_id": reference_id}):
        execution_id = ready.create_execution(request_for(**arguments))
        assert values_of(ready, execution_id)["Region"] == "west"
        execution = ready.execution(execution_id)
        assert execution is not None
        assert (execution.reference_id, execution.environment_name) == (reference_id, "Prod")


def test_no_run_goes_without_the_environment_that_it_asked_for(ready: Catalog) -> None:
    with pytest.raises(EnvironmentNotFound, match=r"no reference to the environment 'Prod'.*Add a reference"):
        ready.create_execution(request_for(environment="Prod"))
    for folder in (FOLDER, "Shared"):
        ready.create_folder(folder, exist_ok=True)
        ready.create_environment(folder, "Prod")
        ready.create_environment_reference(FOLDER, PROJECT, "Prod", environment_folder=folder)
    with pytest.raises(AmbiguousEnvironment, match="Shared/Prod"):
        ready.create_execution(request_for(environment="Prod"))
    assert list(ready.executions()) == []


def test_an_environment_missing_in_one_folder_is_named_with_that_folder(ready: Catalog) -> None:
    ready.create_environment(FOLDER, "Prod")
    ready.create_environment_reference(FOLDER, PROJECT, "Prod")
    for arguments in ({"environment": "Prod", "environment_folder": "Shared"}, {"environment": "Shared/Prod"}):
        with pytest.raises(
            EnvironmentNotFound, match=r"reference to the environment 'Shared/Prod'\. It has references to: \./Prod\."
        ):
            ready.create_execution(request_for(**arguments))


@pytest.mark.parametrize(
    ("arguments", "expected", "text"),
    [
        ({"folder": "Nowhere"}, FolderNotFound, "no folder 'Nowhere'"),
        ({"folder": "Nowhere", "environment": "Prod"}, FolderNotFound, "no folder 'Nowhere'"),
        (
            {"project": "Nothing"},
            ProjectNotFound,
            "login 'sa' sees no project 'Nothing'.*the project 'ETL'.*READ, READ_OBJECTS",
        ),
        ({"package": "Load"}, PackageNotFound, r"no package 'Load'.*Did you mean 'Load\.dtsx'"),
    ],
)
def test_what_is_missing_is_reported(
    ready: Catalog, arguments: dict[str, Any], expected: type[Exception], text: str
) -> None:
    with pytest.raises(expected, match=text):
        ready.create_execution(request_for(**arguments))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"parameters": {"Region": 1}},
            "The project has a parameter of this name: give it as a parameter of the project",
        ),
        ({"project_parameters": {"AInt32": 1}}, "The package has a parameter of this name"),
    ],
)
def test_a_parameter_of_the_other_kind_is_reported(ready: Catalog, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterNotFound, match=text):
        ready.create_execution(request_for(**arguments))


def test_an_unknown_parameter_is_reported_with_those_that_there_are(ready: Catalog) -> None:
    with pytest.raises(ParameterNotFound) as caught:
        ready.create_execution(request_for(parameters={"AInt32": 1, "aint16": 1}))
    assert "the package has no parameter 'aint16'" in str(caught.value)
    assert "Did you mean 'AInt16'?" in str(caught.value)
    assert list(ready.executions()) == []


@pytest.mark.parametrize(
    "mistake",
    [
        {"parameters": {"AInt32": 1, "Nothing": 1}},
        {"parameters": {"AInt32": "much"}},
        {"parameters": {"ABoolean": 7}},
        {"parameters": {"ADateTime": "tomorrow"}},
        {"project_parameters": {"Nothing": 1}},
        {"environment": "Nothing"},
        {"environment": "Nothing", "parameters": {"AInt32": 1}},
        {"logging_level": "basicc"},
        {"package": "Nothing.dtsx", "parameters": {"AInt32": 1}},
    ],
    ids=str,
)
def test_a_mistake_leaves_no_execution_that_waits_to_be_started(deployed: Catalog, mistake: dict[str, Any]) -> None:
    with pytest.raises(CatalogError):
        deployed.create_execution(request_for(**mistake))
    assert list(deployed.executions(status=[OperationStatus.CREATED])) == []


@pytest.mark.slow
def test_what_fails_after_the_creation_names_the_execution(ready: Catalog, ssisdb_emulator: SsisdbEmulator) -> None:
    # So many values that they take a second batch, which fails.
    overrides = {rf"\Package.Properties[P{n}]": n for n in range(1500)}
    ssisdb_emulator.faults.error(50000, statement="SET @execution_id = ")
    with pytest.raises(CatalogError) as caught:
        ready.create_execution(request_for(property_overrides=overrides))
    (left,) = ready.executions()
    assert caught.value.operation_id == left.execution_id
    assert f"execution {left.execution_id} was created and not started" in str(caught.value)


def test_a_value_of_the_wrong_type_is_reported_with_the_parameter(deployed: Catalog) -> None:
    with pytest.raises(WrongParameterType, match=r"'AInt16'.* got 70000: a value of type Int16 must be from"):
        deployed.create_execution(request_for(parameters={"AInt16": 70000}))
    assert list(deployed.executions()) == []


def test_a_secret_of_the_wrong_type_is_not_shown(ready: Catalog) -> None:
    with pytest.raises(WrongParameterType) as caught:
        ready.create_execution(request_for(parameters={"AInt16": Sensitive("hunter2")}))
    assert "hunter2" not in str(caught.value)


def test_a_required_parameter_without_a_value_is_named(ready: Catalog) -> None:
    execution_id = ready.create_execution(request_for("Strict.dtsx"))
    with pytest.raises(RequiredParameterMissing, match="without a value: Day") as caught:
        ready.start_execution(execution_id)
    assert caught.value.number == 27184
    assert caught.value.operation_id == execution_id
    given = ready.create_execution(request_for("Strict.dtsx", parameters={"Day": "2024-02-29"}))
    ready.start_execution(given)
    assert wait_for_end(ready, given) is OperationStatus.SUCCEEDED


@pytest.mark.slow
def test_many_parameters_go_in_several_batches(ready: Catalog) -> None:
    overrides = {rf"\Package.Variables[User::V{number}].Properties[Value]": number for number in range(900)}
    execution_id = ready.create_execution(request_for(property_overrides=overrides))
    ready.start_execution(execution_id)
    assert wait_for_end(ready, execution_id) is OperationStatus.SUCCEEDED


def test_an_execution_starts_once(ready: Catalog) -> None:
    execution_id = ready.create_execution(request_for())
    ready.start_execution(execution_id)
    with pytest.raises(AlreadyStarted) as caught:
        ready.start_execution(execution_id)
    assert caught.value.number == 27121
    with pytest.raises(ExecutionNotFound):
        ready.start_execution(execution_id + 1000)


def test_a_project_deployed_again_ends_what_was_created_before(ready: Catalog) -> None:
    execution_id = ready.create_execution(request_for())
    ready.deploy_project(FOLDER, PROJECT, etl())
    with pytest.raises(ProjectChanged):
        ready.start_execution(execution_id)


def test_a_synchronous_start_returns_at_the_end(deployed: Catalog) -> None:
    execution_id = deployed.create_execution(request_for(synchronized=True))
    assert deployed.start_execution(execution_id) is OperationStatus.SUCCEEDED


def test_what_cannot_be_stopped_is_explained(ready: Catalog) -> None:
    execution_id = ready.create_execution(request_for(synchronized=True))
    with pytest.raises(NotStoppable, match=r"CREATED.*never started") as caught:
        ready.stop_operation(execution_id)
    assert caught.value.status is OperationStatus.CREATED
    ready.start_execution(execution_id)
    with pytest.raises(NotStoppable, match=r"SUCCEEDED.*It has ended"):
        ready.stop_operation(execution_id)


def test_a_running_execution_is_stopped(ssisdb_emulator: SsisdbEmulator, deployed: Catalog) -> None:
    ssisdb_emulator.scripts.take(RUN_SECONDS, executable="Index")
    execution_id = deployed.create_execution(request_for())
    deployed.start_execution(execution_id)
    wait_for_status(deployed, execution_id, OperationStatus.RUNNING)
    deployed.stop_operation(execution_id)
    assert wait_for_end(deployed, execution_id) is OperationStatus.CANCELED
    execution = deployed.execution(execution_id)
    assert execution is not None
    assert execution.stopped_by_name == "sa"
    operation = deployed.operation(execution_id)
    assert operation is not None
    assert (operation.status, operation.object_name) == (OperationStatus.CANCELED, PROJECT)


def test_a_pending_execution_cannot_be_stopped_yet(ssisdb_emulator: SsisdbEmulator, ready: Catalog) -> None:
    ssisdb_emulator.scripts.hang()
    execution_id = ready.create_execution(request_for())
    assert ready.start_execution(execution_id) is OperationStatus.PENDING
    with pytest.raises(NotStoppable, match="as soon as it is running") as caught:
        ready.stop_operation(execution_id)
    assert caught.value.number == 27124
    assert caught.value.status is OperationStatus.PENDING
    ssisdb_emulator.scripts.release()
    assert wait_for_end(ready, execution_id) is OperationStatus.SUCCEEDED


def test_the_first_cause_of_a_failure_is_the_tasks_own_message(
    ssisdb_emulator: SsisdbEmulator, deployed: Catalog
) -> None:
    ssisdb_emulator.scripts.fail(executable="Index", message="Login failed for 'loader'.", code=0xC0202009)
    execution_id = deployed.create_execution(request_for())
    deployed.start_execution(execution_id)
    assert wait_for_end(deployed, execution_id) is OperationStatus.FAILED
    cause = first_causes(deployed.event_messages(execution_id))[0]
    assert "Login failed for 'loader'." in cause.message
    assert cause.message_source_name == "Index"
    assert cause.code_hex == "0xC0202009"
    assert r"\Package\Copy\Index" in describe(cause)


def test_executions_are_found_by_project_package_status_and_time(ready: Catalog) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=5)
    created = ready.create_execution(request_for())
    ended = ready.create_execution(request_for("Strict.dtsx", parameters={"Day": "2024-02-29"}, synchronized=True))
    ready.start_execution(ended)

    def found(**conditions: Any) -> list[int]:
        return [execution.execution_id for execution in ready.executions(**conditions)]

    assert found() == found(folder=FOLDER) == found(folder=FOLDER, project=PROJECT) == [ended, created]
    assert found(folder=FOLDER, project=PROJECT, package=PACKAGE) == [created]
    assert found(status=[OperationStatus.SUCCEEDED]) == [ended]
    assert found(status=[]) == []
    assert found(since=begin) == [ended, created]
    assert found(since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert found(limit=1) == [ended]
    assert found(folder=FOLDER, project="Another") == []


class CutConnection:
    """A real connection that breaks right after a statement was carried out, or right before."""

    def __init__(self, connection: Any, *, before: bool) -> None:
        connection.autocommit = True
        self._connection = connection
        self._before = before
        self.breaks_at = "catalog.start_execution"

    def cursor(self) -> CutCursor:
        return CutCursor(self._connection.cursor(), self, before=self._before)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def close(self) -> None:
        self._connection.close()


# The client takes a driver's errors from the module of its connections.
CutConnection.__module__ = "pyodbc"


class CutCursor:
    def __init__(self, cursor: Any, connection: CutConnection, *, before: bool) -> None:
        self._cursor = cursor
        self._connection = connection
        self._before = before

    def execute(self, statement: str, values: Any) -> None:
        cut = self._connection.breaks_at in statement
        if not (cut and self._before):
            self._cursor.execute(statement, values)
        if cut:
            while self._cursor.nextset():
                pass
            raise ConnectionResetError(104, "Connection reset by peer")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@pytest.mark.parametrize("before", [True, False])
def test_a_start_whose_answer_was_lost_happens_exactly_once(
    ssisdb_emulator: SsisdbEmulator, ready: Catalog, before: bool
) -> None:
    execution_id = ready.create_execution(request_for())
    connect = CLIENTS["Microsoft"]
    cut = CutConnection(connect(ssisdb_emulator), before=before)
    with Catalog(cut, reconnect=lambda: connect(ssisdb_emulator), retry=RetryPolicy(first_delay=0)) as catalog:
        assert catalog.start_execution(execution_id) is not OperationStatus.CREATED
        assert wait_for_end(catalog, execution_id) is OperationStatus.SUCCEEDED


@pytest.mark.parametrize("client", ["Microsoft", "FreeTDS"])
@pytest.mark.parametrize("statement", ["sp_unprepare", "sp_prepexec", "sp_prepare", "sp_execute", ""])
def test_an_error_in_the_drivers_own_calls_does_not_block_the_session(
    ssisdb_emulator: SsisdbEmulator, ready: Catalog, client: str, statement: str
) -> None:
    connect = CLIENTS[client]
    with Catalog(connect(ssisdb_emulator), reconnect=lambda: connect(ssisdb_emulator)) as catalog:
        for number in (50000, 8179, 1205):
            ssisdb_emulator.faults.error(number, statement=statement, times=2)
            for folder in (FOLDER, "Other"):
                with suppress(CatalogError):
                    catalog.folder(folder)
            ssisdb_emulator.faults.clear()
            assert catalog.folder(FOLDER) is not None
            assert [each.name for each in catalog.projects(FOLDER)] == [PROJECT]


def test_without_a_way_to_look_a_lost_start_is_an_error(ssisdb_emulator: SsisdbEmulator, ready: Catalog) -> None:
    execution_id = ready.create_execution(request_for())
    with (
        Catalog(CutConnection(CLIENTS["Microsoft"](ssisdb_emulator), before=False)) as catalog,
        pytest.raises(ConnectionLost) as caught,
    ):
        catalog.start_execution(execution_id)
    assert caught.value.operation_id == execution_id


def test_an_error_is_one_exception_and_not_a_chain(ready: Catalog) -> None:
    with pytest.raises(CatalogError) as caught:
        ready.create_execution(request_for(package="No.dtsx", environment="Prod"))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_messages_without_an_id_are_those_of_scale_out_workers_only(deployed: Catalog) -> None:
    execution_id = deployed.create_execution(request_for())
    deployed.start_execution(execution_id)
    wait_for_end(deployed, execution_id)
    assert deployed.event_messages(execution_id, after=None) == []
