"""Properties, logging levels, data taps, validations, statistics, Scale Out and clean-up, on the embedded SSISDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyodbc
import pytest

from airflow_provider_ssis.catalog.catalog_properties import CHANGEABLE, checked_property
from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import (
    LoggedEvents,
    LoggedStatistics,
    LoggingLevel,
    MessageType,
    OperationStatus,
    OperationType,
    ValidationStatus,
    ValidationType,
)
from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    AlreadyStarted,
    CatalogError,
    DataTapNotFound,
    InvalidArgument,
    LoggingLevelNotFound,
    PackageNotFound,
    PermissionDenied,
    ProcessNotFound,
    ProjectNotFound,
    SingleUserRequired,
    WorkerNotFound,
)
from airflow_provider_ssis.catalog.requests import EnvironmentScope, ExecutionRequest
from airflow_provider_ssis.catalog.session import PAGE_SIZE
from tests.catalog.conftest import CLIENTS
from tests.support.catalog_projects import FOLDER, PACKAGE, PROJECT, etl
from tests.support.ssis_projects import guid
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.server import SsisdbEmulator

TASK = "\\Package\\Copy\\Orders"
PATH = "Paths[Source.Source Output]"


@pytest.fixture
def ready(catalog: Catalog) -> Catalog:
    catalog.create_folder(FOLDER)
    catalog.deploy_project(FOLDER, PROJECT, etl())
    return catalog


@pytest.fixture
def any_ready(any_catalog: Catalog) -> Catalog:
    any_catalog.create_folder(FOLDER)
    any_catalog.deploy_project(FOLDER, PROJECT, etl())
    return any_catalog


def create(catalog: Catalog, **changes: Any) -> int:
    return catalog.create_execution(ExecutionRequest(folder=FOLDER, project=PROJECT, package=PACKAGE, **changes))


def run(catalog: Catalog, **changes: Any) -> int:
    execution_id = create(catalog, synchronized=True, **changes)
    assert catalog.start_execution(execution_id) is OperationStatus.SUCCEEDED
    return execution_id


# --- properties and logging levels


def test_properties_are_read_and_changed(any_catalog: Catalog) -> None:
    properties = any_catalog.catalog_properties()
    assert set(CHANGEABLE) <= set(properties) | {"SERVER_CUSTOMIZED_LOGGING_LEVEL"}
    any_catalog.set_catalog_property("retention_window", 30)
    any_catalog.set_catalog_property("VERSION_CLEANUP_ENABLED", False)
    changed = any_catalog.catalog_properties()
    assert (changed["RETENTION_WINDOW"], changed["VERSION_CLEANUP_ENABLED"]) == ("30", "FALSE")
    [operation] = any_catalog.operations(operation_type=OperationType.CONFIGURE_CATALOG, limit=1)
    assert operation.caller_name == "sa"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RETENTION_WINDOW", 0, "Give 1 to 3650"),
        ("RETENTION_WINDOW", "many", "Give 1 to 3650"),
        ("MAX_PROJECT_VERSIONS", 10000, "Give 1 to 9999"),
        ("OPERATION_CLEANUP_ENABLED", "yes", "Give TRUE, FALSE"),
        ("SERVER_LOGGING_LEVEL", 5, "Give 0, 1, 2, 3, 4, 100"),
        ("ENCRYPTION_ALGORITHM", "DES", "TRIPLE_DES_3KEY"),
        ("SCHEMA_VERSION", 7, "cannot be changed"),
        ("RETENTION", 7, "no such property.*Did you mean 'RETENTION_WINDOW'"),
    ],
)
def test_a_wrong_property_or_value_is_refused_before_it_is_sent(name: str, value: object, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        checked_property(name, value)  # type: ignore[arg-type]  # wrong on purpose


def test_a_property_for_single_user_mode_says_so(catalog: Catalog) -> None:
    with pytest.raises(SingleUserRequired, match="SINGLE_USER"):
        catalog.set_catalog_property("ENCRYPTION_ALGORITHM", "AES_128")


def test_a_customized_logging_level_is_created_changed_used_and_deleted(any_ready: Catalog) -> None:
    level = any_ready.create_customized_logging_level(
        "Errors only", statistics=LoggedStatistics.EXECUTION, events=LoggedEvents.ON_ERROR, description="few rows"
    )
    assert any_ready.customized_logging_level("errors only") == level
    assert (level.profile_value, level.events_value) == (1, LoggedEvents.ON_ERROR)
    with pytest.raises(AlreadyExists):
        any_ready.create_customized_logging_level("Errors only")
    any_ready.set_customized_logging_level(
        "Errors only",
        statistics=LoggedStatistics.VOLUME,
        events=LoggedEvents.ON_ERROR | LoggedEvents.ON_WARNING,
        context_of=LoggedEvents.ON_ERROR,
    )
    any_ready.set_customized_logging_level_description("Errors only", "fewer rows")
    any_ready.rename_customized_logging_level("Errors only", "Errors")
    [level] = any_ready.customized_logging_levels()
    assert (level.name, level.description, level.profile_value) == ("Errors", "fewer rows", 2)
    assert level.events_value == LoggedEvents.ON_ERROR | LoggedEvents.ON_WARNING | LoggedEvents.ON_ERROR << 32
    execution_id = run(any_ready, logging_level="Errors")
    events = (MessageType.PRE_EXECUTE, MessageType.POST_EXECUTE, MessageType.PROGRESS)
    assert list(any_ready.all_event_messages(execution_id, message_types=events)) == []
    any_ready.set_catalog_property("SERVER_CUSTOMIZED_LOGGING_LEVEL", "Errors")
    assert any_ready.catalog_properties()["SERVER_LOGGING_LEVEL"] == str(LoggingLevel.CUSTOMIZED.value)
    any_ready.delete_customized_logging_level("Errors")
    with pytest.raises(LoggingLevelNotFound, match=r"There are none\.$"):
        any_ready.delete_customized_logging_level("Errors")
    assert any_ready.customized_logging_level("Errors") is None


def test_an_unknown_customized_logging_level_is_reported_with_the_nearest(catalog: Catalog) -> None:
    catalog.create_customized_logging_level("Errors")
    calls: list[Callable[[], object]] = [
        lambda: catalog.delete_customized_logging_level("Error"),
        lambda: catalog.rename_customized_logging_level("Error", "New"),
        lambda: catalog.set_customized_logging_level("Error", events=LoggedEvents.ON_ERROR),
        lambda: catalog.set_catalog_property("SERVER_CUSTOMIZED_LOGGING_LEVEL", "Error"),
    ]
    for call in calls:
        with pytest.raises(LoggingLevelNotFound, match="Did you mean 'Errors'"):
            call()


def test_events_with_context_need_the_events(catalog: Catalog) -> None:
    """They would be left out without a word."""
    catalog.create_customized_logging_level("Errors")
    with pytest.raises(InvalidArgument, match="context_of is given without events"):
        catalog.set_customized_logging_level("Errors", context_of=LoggedEvents.ON_ERROR)


# --- data taps


def test_a_data_tap_is_added_listed_and_removed(any_ready: Catalog) -> None:
    execution_id = create(any_ready)
    first = any_ready.add_data_tap(execution_id, PATH, "orders.csv", task_path=TASK, max_rows=10)
    second = any_ready.add_data_tap(execution_id, PATH, "again.csv", task_guid=guid(PACKAGE, TASK))
    taps = any_ready.data_taps(execution_id)
    assert [(tap.data_tap_id, tap.filename, tap.max_rows) for tap in taps] == [
        (first, "orders.csv", 10),
        (second, "again.csv", -1),
    ]
    assert taps[0].package_path == TASK
    assert taps[0].dataflow_path_id_string == PATH
    assert taps[1].dataflow_task_guid is not None
    with pytest.raises(AlreadyExists, match="data tap already"):
        any_ready.add_data_tap(execution_id, PATH, "orders.csv", task_path=TASK)
    any_ready.remove_data_tap(first)
    assert [tap.data_tap_id for tap in any_ready.data_taps(execution_id)] == [second]
    with pytest.raises(DataTapNotFound):
        any_ready.remove_data_tap(first)
    any_ready.start_execution(execution_id)
    with pytest.raises(AlreadyStarted):
        any_ready.add_data_tap(execution_id, PATH, "late.csv", task_path=TASK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one data flow task"),
        ({"task_path": TASK, "task_guid": str(uuid4())}, "exactly one data flow task"),
        ({"task_guid": "x"}, "'x' is not the id of a task"),
        ({"task_path": TASK, "max_rows": -5}, "max_rows is -5"),
    ],
)
def test_a_data_tap_with_wrong_arguments_is_refused(catalog: Catalog, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        catalog.add_data_tap(1, PATH, "orders.csv", **arguments)


# --- validations


def ended(catalog: Catalog, validation_id: int) -> OperationStatus:
    def status() -> OperationStatus:
        validation = catalog.validation(validation_id)
        assert validation is not None
        return validation.status

    wait_until(lambda: status().is_terminal)
    return status()


def test_a_package_and_a_project_are_validated(any_ready: Catalog) -> None:
    good = any_ready.validate_package(FOLDER, PROJECT, PACKAGE)
    bad = any_ready.validate_project(FOLDER, PROJECT)
    assert ended(any_ready, good) is OperationStatus.SUCCEEDED
    assert ended(any_ready, bad) is OperationStatus.FAILED
    errors = list(any_ready.all_event_messages(bad, message_types=[MessageType.ERROR]))
    assert any("Day" in error.message for error in errors)
    assert [each.validation_id for each in any_ready.validations()] == [bad, good]
    failed = any_ready.validations(folder=FOLDER, project=PROJECT, status=OperationStatus.FAILED)
    assert [(each.validation_id, each.object_name) for each in failed] == [(bad, PROJECT)]
    statuses = {package.name: package.validation_status for package in any_ready.packages(FOLDER, PROJECT)}
    assert statuses == {PACKAGE: ValidationStatus.SUCCEEDED, "Strict.dtsx": ValidationStatus.FAILED}
    project = any_ready.project(FOLDER, PROJECT)
    assert project is not None
    assert project.validation_status is ValidationStatus.FAILED
    package = any_ready.package(FOLDER, PROJECT, "strict.DTSX")
    assert package is not None
    assert package.last_validation_time is not None


def test_a_validation_uses_an_environment(ready: Catalog) -> None:
    ready.create_environment(FOLDER, "Production")
    ready.create_environment_variable(FOLDER, "Production", "Day", datetime(2024, 2, 29))
    reference_id = ready.create_environment_reference(FOLDER, PROJECT, "Production")
    ready.bind_object_parameter(FOLDER, PROJECT, "Day", "Day", package="Strict.dtsx")
    with_one = ready.validate_package(FOLDER, PROJECT, "Strict.dtsx", reference_id=reference_id)
    with_all = ready.validate_package(FOLDER, PROJECT, "Strict.dtsx", scope=EnvironmentScope.ALL)
    with_none = ready.validate_package(FOLDER, PROJECT, "Strict.dtsx")
    assert ended(ready, with_one) is OperationStatus.SUCCEEDED
    assert ended(ready, with_all) is OperationStatus.SUCCEEDED
    assert ended(ready, with_none) is OperationStatus.FAILED
    validation = ready.validation(with_one)
    assert validation is not None
    assert (validation.environment_scope, validation.reference_id) == (EnvironmentScope.SINGLE, reference_id)
    assert validation.validate_type is ValidationType.FULL


def test_a_validation_of_an_unknown_package_or_project_shows_the_nearest_name(ready: Catalog) -> None:
    with pytest.raises(PackageNotFound, match=r"Did you mean 'Load\.dtsx'"):
        ready.validate_package(FOLDER, PROJECT, "Loadd.dtsx")
    with pytest.raises(ProjectNotFound, match="Did you mean 'ETL'"):
        ready.validate_project(FOLDER, "ETLs")


# --- operations, pages, statistics


def test_operations_and_executions_are_filtered_on_the_server(ready: Catalog) -> None:
    first, second = run(ready), create(ready)
    assert [each.execution_id for each in ready.executions(status=OperationStatus.CREATED)] == [second]
    assert [each.execution_id for each in ready.executions(folder=FOLDER, project=PROJECT, limit=1)] == [second]
    assert ready.running(folder=FOLDER) == []
    now = datetime.now(UTC)
    assert [each.execution_id for each in ready.executions(until=now - timedelta(hours=1))] == []
    assert len(list(ready.executions(since=now - timedelta(hours=1)))) == 2
    found = ready.operations(operation_type=OperationType.EXECUTION, status=OperationStatus.SUCCEEDED)
    assert [each.operation_id for each in found] == [first]
    assert [each.operation_id for each in ready.operations(object_name="Nothing")] == []
    assert {each.operation_type for each in ready.operations(caller="sa")} == {
        OperationType.EXECUTION,
        OperationType.DEPLOY_PROJECT,
    }
    with pytest.raises(ValueError, match="needs a time zone"):
        ready.executions(since=datetime(2024, 1, 1))
    with pytest.raises(ValueError, match="without its folder"):
        ready.executions(project=PROJECT)


def test_an_iterator_reads_page_by_page(
    ready: Catalog, ssisdb_emulator: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = run(ready, logging_level=LoggingLevel.VERBOSE)
    everything = ready.event_messages(execution_id, limit=None)
    assert PAGE_SIZE > len(everything) > 6
    monkeypatch.setattr("airflow_provider_ssis.catalog.session.PAGE_SIZE", 3)
    monkeypatch.setattr("airflow_provider_ssis.catalog.sections.operation_messages.PAGE_SIZE", 3)
    assert list(ready.all_event_messages(execution_id)) == everything
    assert [each.operation_message_id for each in ready.operation_messages(execution_id)] == [
        each.event_message_id for each in everything
    ]
    for _ in range(4):
        create(ready)
    requests = ssisdb_emulator.traffic.requests
    executions = ready.executions()
    assert ssisdb_emulator.traffic.requests == requests
    newest = next(executions)
    assert ssisdb_emulator.traffic.requests == requests + 1
    assert [newest, *executions][-1].execution_id == execution_id
    assert ssisdb_emulator.traffic.requests == requests + 2


def test_statistics_of_an_execution(any_ready: Catalog) -> None:
    execution_id = run(any_ready, logging_level=LoggingLevel.VERBOSE)
    assert any_ready.executables(execution_id)
    assert any_ready.executable_statistics(execution_id)
    phases = list(any_ready.component_phases(execution_id))
    assert {phase.task_name for phase in phases} == {"Orders"}
    sent = list(any_ready.data_statistics(execution_id))
    assert sent
    assert all(each.rows_sent for each in sent)
    assert [each.object_name for each in any_ready.extended_operation_info(execution_id)] == [PACKAGE]
    last = any_ready.event_messages(execution_id, limit=None)[-1].event_message_id
    assert last is not None
    assert any_ready.event_message_context(last) == []


# --- Scale Out and maintenance


def test_workers_are_listed_enabled_disabled_and_deleted(any_catalog: Catalog, ssisdb_emulator: SsisdbEmulator) -> None:
    worker_id = ssisdb_emulator.add_worker("WORKER1")
    [worker] = any_catalog.worker_agents()
    assert (worker.worker_agent_id, worker.machine_name, worker.is_enabled) == (worker_id, "WORKER1", True)
    any_catalog.disable_worker_agent(worker_id)
    any_catalog.set_worker_agent_property(worker_id, "Description", "spare")
    [worker] = any_catalog.worker_agents()
    assert (worker.is_enabled, worker.description) == (False, "spare")
    any_catalog.enable_worker_agent(worker_id)
    assert isinstance(any_catalog.worker_counters(worker_id), list)
    any_catalog.update_master_address("https://master:8391")
    assert isinstance(any_catalog.master_properties(), dict)
    any_catalog.delete_worker_agent(worker_id)
    assert any_catalog.worker_agents() == []
    with pytest.raises(WorkerNotFound):
        any_catalog.enable_worker_agent(uuid4())
    with pytest.raises(InvalidArgument, match="'x' is not the id of a worker"):
        any_catalog.enable_worker_agent("x")


def test_scale_out_is_enabled_and_its_logs_are_moved(catalog: Catalog, ssisdb_emulator: SsisdbEmulator) -> None:
    catalog.enable_scale_out()
    assert catalog.catalog_properties()["IS_SCALEOUT_ENABLED"] == "TRUE"
    secret = "Server=logs;Password=zebra-9"
    catalog.update_logdb_info("logs", secret)
    ssisdb_emulator.faults.error(50000, procedure="update_logdb_info")
    with pytest.raises(CatalogError) as caught:
        catalog.update_logdb_info("logs", secret)
    assert "zebra" not in str(caught.value)
    ssisdb_emulator.add_login("plain", "pass-word-1")
    endpoint = replace(ssisdb_emulator.endpoint, user="plain", password="pass-word-1")
    with Catalog(pyodbc.connect(endpoint.odbc())) as plain, pytest.raises(PermissionDenied):
        plain.update_logdb_info("logs", secret)


def test_the_log_and_the_keys_are_deleted_in_single_user_mode(ready: Catalog, ssisdb_emulator: SsisdbEmulator) -> None:
    ready.start_execution(create(ready, synchronized=True))
    for clean_up in (ready.clean_up_log, ready.clean_up_execution_keys):
        with pytest.raises(SingleUserRequired):
            clean_up()
    connection = CLIENTS["Microsoft"](ssisdb_emulator)
    with Catalog(connection) as only:
        assert list(only.operations()) != []
        connection.cursor().execute("ALTER DATABASE SSISDB SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
        try:
            only.clean_up_execution_keys()
            only.clean_up_execution_keys(of_projects=True)
            only.clean_up_log()
            assert list(only.operations()) == []
        finally:
            connection.cursor().execute("ALTER DATABASE SSISDB SET MULTI_USER")


def test_an_execution_runs_on_the_worker_that_was_added(ready: Catalog, ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.add_worker("WORKER1")
    wanted = ssisdb_emulator.add_worker("WORKER2")
    execution_id = create(ready, run_in_scale_out=True, use_any_worker=False)
    ready.add_execution_worker(execution_id, wanted)
    ready.start_execution(execution_id)
    wait_until(lambda: (found := ready.execution(execution_id)) is not None and found.status.is_terminal)
    execution = ready.execution(execution_id)
    assert execution is not None
    assert execution.machine_name == "WORKER2"
    with pytest.raises(CatalogError):
        ready.add_execution_worker(create(ready), wanted)


def test_a_running_execution_has_counters_and_can_be_dumped(ready: Catalog, ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.scripts.take(600, package=PACKAGE)
    execution_id = create(ready)
    with pytest.raises(ProcessNotFound):
        ready.create_execution_dump(execution_id)
    ready.start_execution(execution_id)
    wait_until(lambda: ready.running()[0].status is OperationStatus.RUNNING)
    assert {each.execution_id for each in ready.performance_counters(execution_id)} <= {execution_id}
    ready.create_execution_dump(execution_id)
    ready.stop_operation(execution_id)
    wait_until(lambda: ready.running() == [])


def test_overrides_are_listed(ready: Catalog) -> None:
    execution_id = create(ready, property_overrides={r"\Package.Properties[MaximumErrorCount]": 5})
    [override] = ready.property_overrides(execution_id)
    assert (override.property_path, override.property_value) == (r"\Package.Properties[MaximumErrorCount]", "5")
