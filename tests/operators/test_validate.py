"""Validating and restoring projects on the embedded SSISDB, through a real ODBC driver."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
from airflow_provider_ssis.catalog.errors import (
    EnvironmentNotFound,
    PackageNotFound,
    ProjectNotFound,
    VersionNotFound,
)
from airflow_provider_ssis.emulator.ssisdb import validations
from airflow_provider_ssis.emulator.ssisdb.validation_checks import check_files
from airflow_provider_ssis.exceptions import (
    InvalidTaskArgument,
    ProjectInvalid,
    ValidationStopped,
    ValidationTimeout,
)
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.restore import SsisRestoreProjectOperator
from airflow_provider_ssis.operators.validate import SsisValidateOperator
from airflow_provider_ssis.triggers.validation import SsisValidationTrigger
from tests.support.airflow_context import current_context
from tests.support.deferrals import deferred, events_of, logged, reloaded, resumed
from tests.support.ssis_projects import execute_package, make_ispac, package, parameter, task
from tests.support.task_runs import TaskRun, rendered
from tests.support.waiting import wait_until

GOOD = [package("Load.dtsx", task("Run"), parameters=[parameter("Batch", "Int32", 5)])]
BROKEN = [package("Load.dtsx", execute_package("Call", "Missing.dtsx"), parameters=[parameter("Batch", "Int32", 5)])]


def validate(**arguments: Any) -> TaskRun:
    given = {"folder": "Sales", "project": "Mart", "poll_interval": 0.05, **arguments}
    return TaskRun(SsisValidateOperator(task_id="validate", **given))


def restore(version: Any, **arguments: Any) -> TaskRun:
    given = {"folder": "Sales", "project": "Mart", "version": version, **arguments}
    return TaskRun(SsisRestoreProjectOperator(task_id="restore", **given))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Validations wait until the event is set."""
    released = threading.Event()

    def wait(*arguments: Any) -> Any:
        released.wait(60)
        return check_files(*arguments)

    monkeypatch.setattr(validations, "check_files", wait)
    yield released
    released.set()


def test_a_package_and_a_project_are_validated(mart: Catalog) -> None:
    task_run = validate(package="Load.dtsx")
    result = task_run.execute()
    validation = mart.validation(result["validation_id"])
    assert validation is not None
    assert result == {
        "validation_id": validation.validation_id,
        "folder": "Sales",
        "project": "Mart",
        "package": "Load.dtsx",
        "status": "succeeded",
        "duration": result["duration"],
    }
    assert result["duration"] >= 0
    assert "of the package Sales/Mart/Load.dtsx succeeded" in str(task_run.log)
    mart.set_object_parameter_value("Sales", "Mart", "RegionId", 1, package="Strict.dtsx")
    assert validate().execute()["package"] is None


def test_an_invalid_project_fails_with_the_errors_of_its_validation(mart: Catalog) -> None:
    task_run = validate()
    with pytest.raises(ProjectInvalid, match="RegionId") as caught:
        task_run.execute()
    assert caught.value.status is OperationStatus.FAILED
    assert any("RegionId" in error for error in caught.value.errors)
    assert any("RegionId" in line for line in task_run.log.at("error"))


def test_an_environment_gives_the_missing_value(mart: Catalog) -> None:
    mart.create_environment("Sales", "Production")
    mart.create_environment_variable("Sales", "Production", "Region", 7)
    mart.create_environment_reference("Sales", "Mart", "Production")
    mart.bind_object_parameter("Sales", "Mart", "RegionId", "Region", package="Strict.dtsx")
    for arguments in ({"environment": "Production"}, {"environment": "./Production"}, {"all_environments": True}):
        assert validate(package="Strict.dtsx", **arguments).execute()["status"] == "succeeded"
    with pytest.raises(ProjectInvalid):
        validate(package="Strict.dtsx").execute()
    with pytest.raises(EnvironmentNotFound, match="no reference to the environment 'Test'"):
        validate(environment="Test").execute()


def test_an_unknown_name_fails_with_the_nearest(mart: Catalog) -> None:
    with pytest.raises(PackageNotFound, match=r"Did you mean 'Load\.dtsx'"):
        validate(package="Loading.dtsx").execute()
    with pytest.raises(ProjectNotFound, match="Did you mean 'Mart'"):
        validate(project="Marts").execute()


def test_a_long_validation_is_waited_for_in_the_triggerer(mart: Catalog, held: threading.Event) -> None:
    task_run = validate(package="Load.dtsx", deferrable=True)
    deferral = deferred(task_run)
    trigger = reloaded(deferral.trigger)
    assert isinstance(trigger, SsisValidationTrigger)
    held.set()
    (event,) = events_of([trigger])
    assert resumed(task_run, deferral, event)["status"] == "succeeded"
    failing = validate(deferrable=True)
    held.clear()
    deferral = deferred(failing)
    held.set()
    (event,) = events_of([reloaded(deferral.trigger)])
    with pytest.raises(ProjectInvalid, match="RegionId"):
        resumed(failing, deferral, event)


def test_messages_that_the_worker_has_logged_are_not_logged_by_the_triggerer(
    mart: Catalog, held: threading.Event
) -> None:
    task_run = validate(deferrable=True)
    deferral = deferred(task_run)
    held.set()
    (event,) = events_of([reloaded(deferral.trigger)])
    errors = list(mart.all_event_messages(event["execution_id"], message_types=[MessageType.ERROR]))
    deferral.kwargs = {**(deferral.kwargs or {}), "last_message_id": errors[-1].event_message_id}
    with pytest.raises(TaskDeferred) as again:
        # The event of another task's trigger, so this task defers again.
        resumed(task_run, deferral, {**event, "execution_id": event["execution_id"] + 1})
    trigger = reloaded(again.value.trigger)
    log = logged(trigger)
    events_of([trigger])
    assert errors
    assert log.at("error") == []


def test_a_validation_that_takes_too_long_is_stopped(mart: Catalog, held: threading.Event) -> None:
    with pytest.raises(ValidationTimeout, match=r"had not ended after 0\.1 s"):
        validate(package="Load.dtsx", timeout=0.1, deferrable=False).execute()
    held.set()
    [validation] = mart.validations()
    wait_until(lambda: all(each.status.is_terminal for each in mart.validations()))
    [validation] = mart.validations()
    assert validation.status is OperationStatus.CANCELED


def test_a_killed_task_stops_its_validation(mart: Catalog, held: threading.Event) -> None:
    task_run = validate(package="Load.dtsx", deferrable=False)

    def kill() -> None:
        wait_until(lambda: task_run.operator._validation_id)
        task_run.operator.on_kill()
        held.set()

    # In Airflow 2, a task runs in the main thread only.
    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ValidationStopped, match="was stopped by sa"):
        task_run.execute()
    killer.join(60)


def test_a_task_that_is_killed_before_it_resumes_stops_its_validation(mart: Catalog, held: threading.Event) -> None:
    """Airflow 2 kills a deferred task whose execution_timeout has passed before it calls execute_complete."""
    deferral = deferred(validate(package="Load.dtsx", deferrable=True))
    later = validate(package="Load.dtsx", deferrable=True)
    later.task_instance.next_method = "execute_complete"
    later.task_instance.next_kwargs = {**(deferral.kwargs or {}), "event": {}}
    with current_context(later.context):
        later.operator.on_kill()
    held.set()
    wait_until(lambda: all(each.status.is_terminal for each in mart.validations()))
    [validation] = mart.validations()
    assert validation.status is OperationStatus.CANCELED


def test_arguments_are_checked_when_the_dag_is_parsed() -> None:
    for arguments in (
        {"package": "Load"},
        {"folder": ""},
        {"environment": "Test", "all_environments": True},
        {"use_32bit_runtime": "perhaps"},
    ):
        with pytest.raises(InvalidTaskArgument):
            validate(**arguments)
    with pytest.raises(ValueError, match="follow_messages"):
        validate(follow_messages="loud")


# --- deploy, validate, restore


@pytest.fixture
def sales(catalog: Catalog) -> Catalog:
    catalog.create_folder("Sales")
    return catalog


def deploy(tmp_path: Path, packages: list[Any], **arguments: Any) -> TaskRun:
    path = tmp_path / "Mart.ispac"
    path.write_bytes(make_ispac("Mart", packages=packages))
    given = {"folder": "Sales", "validate": True, "restore_on_failure": True, **arguments}
    return TaskRun(SsisDeployProjectOperator(task_id="deploy", source=str(path), **given))


def version_in_use(catalog: Catalog) -> int:
    project = catalog.project("Sales", "Mart")
    assert project is not None
    return project.object_version_lsn


def test_a_deployment_that_is_invalid_goes_back_to_the_version_before(sales: Catalog, tmp_path: Path) -> None:
    first = deploy(tmp_path, GOOD).execute()
    assert (first["deployed"], first["previous_version"]) == (True, None)
    sales.set_object_parameter_value("Sales", "Mart", "Batch", 9, package="Load.dtsx")
    with pytest.raises(ProjectInvalid, match=f"Version {first['version']} is in use again") as caught:
        deploy(tmp_path, BROKEN).execute()
    assert "Missing.dtsx" in str(caught.value)
    assert version_in_use(sales) == first["version"]
    [batch] = sales.object_parameters("Sales", "Mart")
    assert batch.default_value == 9
    again = deploy(tmp_path, GOOD).execute()
    assert (again["deployed"], again["version"]) == (False, first["version"])


def test_without_restore_the_invalid_version_stays(sales: Catalog, tmp_path: Path) -> None:
    first = deploy(tmp_path, GOOD).execute()
    with pytest.raises(ProjectInvalid, match=r"Version \d+ is in use\.$"):
        deploy(tmp_path, BROKEN, restore_on_failure=False).execute()
    assert version_in_use(sales) != first["version"]
    # The version was deployed by an earlier task, so this one does not remove it.
    with pytest.raises(ProjectInvalid, match="it was deployed before, so nothing was restored"):
        deploy(tmp_path, BROKEN).execute()


def test_some_packages_are_validated(sales: Catalog, tmp_path: Path) -> None:
    mixed = [*GOOD, package("Broken.dtsx", execute_package("Call", "Missing.dtsx"))]
    assert deploy(tmp_path, mixed, validate=["Load.dtsx"]).execute()["deployed"] is True
    with pytest.raises(ProjectInvalid, match=r"package Sales/Mart/Broken\.dtsx"):
        deploy(tmp_path, mixed, validate=["Load.dtsx", "Broken.dtsx"]).execute()
    with pytest.raises(InvalidTaskArgument, match=r"end in \.dtsx"):
        deploy(tmp_path, mixed, validate=["Load"])


def test_a_version_that_cannot_be_validated_goes_back_to_the_version_before(sales: Catalog, tmp_path: Path) -> None:
    first = deploy(tmp_path, GOOD).execute()
    other = [*GOOD, package("Other.dtsx", task("Run"))]
    with pytest.raises(PackageNotFound, match=f"Version {first['version']} is in use again"):
        deploy(tmp_path, other, validate=["Missing.dtsx"]).execute()
    assert version_in_use(sales) == first["version"]
    with pytest.raises(InvalidTaskArgument, match="validate is 5"):
        deploy(tmp_path, other, validate=5)


def test_a_first_version_that_is_invalid_stays(sales: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ProjectInvalid, match="no earlier version"):
        deploy(tmp_path, BROKEN).execute()
    assert version_in_use(sales)


def test_restore_needs_a_validation() -> None:
    with pytest.raises(InvalidTaskArgument, match="needs validate=True"):
        SsisDeployProjectOperator(task_id="deploy", source="x.ispac", folder="Sales", restore_on_failure=True)


def test_a_version_is_restored_once(sales: Catalog, tmp_path: Path) -> None:
    first = deploy(tmp_path, GOOD).execute()
    second = deploy(tmp_path, BROKEN, validate=False, restore_on_failure=False).execute()
    assert second["previous_version"] == first["version"]
    task_run = restore("{{ earlier }}")
    rendered(task_run.operator, earlier=second["previous_version"])
    assert task_run.execute() == {
        "folder": "Sales",
        "project": "Mart",
        "version": first["version"],
        "previous_version": second["version"],
        "restored": True,
    }
    assert version_in_use(sales) == first["version"]
    assert restore(first["version"]).execute()["restored"] is False
    with pytest.raises(VersionNotFound, match=f"Its versions are {second['version']}, {first['version']}"):
        restore(999_999).execute()


@pytest.mark.parametrize("version", ["None", "last", 0, True])
def test_a_version_that_is_none_is_refused_when_the_dag_is_parsed(version: Any) -> None:
    with pytest.raises(InvalidTaskArgument, match="not a version of a project"):
        restore(version)


def test_a_restored_version_runs_with_its_values(sales: Catalog, tmp_path: Path) -> None:
    dated = [package("Load.dtsx", task("Run"), parameters=[parameter("Day", "DateTime", datetime(2024, 1, 31))])]
    first = deploy(tmp_path, dated).execute()
    deploy(tmp_path, GOOD).execute()
    restore(first["version"]).execute()
    assert [each.parameter_name for each in sales.object_parameters("Sales", "Mart")] == ["Day"]
