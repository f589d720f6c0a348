"""Stopping executions on the embedded SSISDB, through a real ODBC driver."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import ExecutionNotFound, ServerUnreachable
from airflow_provider_ssis.emulator.runs.runner import Runtime
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import (
    ExecutionNotRunning,
    ExecutionNotStopped,
    InvalidTaskArgument,
    NoRunningExecution,
)
from airflow_provider_ssis.operators.stop import SsisStopExecutionOperator
from tests.support.deferrals import deferred, events_of, reloaded, resumed
from tests.support.executions import status_of
from tests.support.running import run
from tests.support.task_runs import TaskRun, rendered
from tests.support.waiting import wait_until


def stop(**arguments: Any) -> TaskRun:
    return TaskRun(SsisStopExecutionOperator(task_id="stop", **{"poll_interval": 0.05, "timeout": 30, **arguments}))


def started(**arguments: Any) -> int:
    """The id of an execution that was started and not waited for, each in a separate DAG run."""
    task_run = run(wait_for_termination=False, **arguments)
    task_run.task_instance.run_id = str(uuid.uuid4())
    execution_id: int = task_run.execute()["execution_id"]
    return execution_id


@pytest.fixture
def slow(mart: Catalog, ssisdb: SsisdbEmulator) -> Catalog:
    """The project's packages take long."""
    for package in ("Load.dtsx", "Strict.dtsx"):
        ssisdb.scripts.take(600, package=package)
    return mart


@pytest.fixture
def stubborn(slow: Catalog, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The project's packages take long, and do not end when they are stopped."""
    monkeypatch.setattr(Runtime, "stop", lambda runtime, execution_id: True)
    return slow


def test_a_running_execution_is_stopped_and_its_end_confirmed(slow: Catalog) -> None:
    execution_id = started()
    assert stop(execution_id=execution_id).execute() == [{"execution_id": execution_id, "status": "canceled"}]
    assert status_of(slow, execution_id) is OperationStatus.CANCELED


def test_what_a_run_operator_returned_names_the_execution(slow: Catalog) -> None:
    result = run(wait_for_termination=False).execute()
    stop(execution_id=result).execute()
    assert status_of(slow, result["execution_id"]) is OperationStatus.CANCELED


def test_the_execution_id_is_templated(slow: Catalog) -> None:
    execution_id = started()
    operator = SsisStopExecutionOperator(task_id="stop", execution_id="{{ id }}")
    assert TaskRun(rendered(operator, id=execution_id)).execute()[0]["status"] == "canceled"


def test_all_active_executions_of_a_package_are_stopped_and_no_others(slow: Catalog) -> None:
    wanted = {started(), started()}
    other = started(package="Strict.dtsx", parameters={"RegionId": 1})
    result = stop(folder="Sales", project="Mart", package="Load.dtsx").execute()
    assert {each["execution_id"] for each in result} == wanted
    assert {each["status"] for each in result} == {"canceled"}
    assert status_of(slow, other).is_active


@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize("name", ["project", "package"])
def test_a_name_that_renders_to_nothing_stops_nothing_else(slow: Catalog, name: str, nothing: str | None) -> None:
    execution_id = started()
    where = {"folder": "Sales", "project": "Mart", "package": "Load.dtsx", name: "{{ nothing }}"}
    task_run = TaskRun(rendered(stop(**where).operator, native=True, nothing=nothing))
    with pytest.raises(InvalidTaskArgument, match=f"'{name}'"):
        task_run.execute()
    assert status_of(slow, execution_id) is OperationStatus.RUNNING


@pytest.mark.parametrize("where", [{"folder": "Sales", "project": "Mart"}, {"folder": "Sales"}])
def test_all_active_executions_of_a_project_or_folder_are_stopped(slow: Catalog, where: dict[str, str]) -> None:
    wanted = {started(), started(package="Strict.dtsx", parameters={"RegionId": 1})}
    assert {each["execution_id"] for each in stop(**where).execute()} == wanted


def test_an_execution_that_has_ended_counts_as_stopped(mart: Catalog) -> None:
    execution_id = run().execute()["execution_id"]
    task_run = stop(execution_id=execution_id)
    assert task_run.execute() == [{"execution_id": execution_id, "status": "succeeded"}]
    assert "is not running" in str(task_run.log)


def test_an_execution_that_has_ended_fails_the_task_on_request(mart: Catalog) -> None:
    execution_id = run().execute()["execution_id"]
    with pytest.raises(ExecutionNotRunning, match=f"Execution {execution_id} .*succeeded") as caught:
        stop(execution_id=execution_id, fail_if_not_running=True).execute()
    assert caught.value.status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"folder": "Saels"}, "The login sees no folder 'Saels'. Did you mean 'Sales'?"),
        ({"folder": "Sales", "project": "Nart"}, "The login sees no project 'Nart'."),
        ({"folder": "Sales", "project": "Mart", "package": "Loadd.dtsx"}, "The login sees no package 'Loadd.dtsx'."),
    ],
)
def test_a_name_that_the_login_does_not_see_is_a_warning(mart: Catalog, where: dict[str, Any], said: str) -> None:
    task = TaskRun(SsisStopExecutionOperator(task_id="stop", **where))
    assert task.execute() == []
    assert [line for line in task.log.at("warning") if line.startswith(said)]


def test_names_that_cannot_be_checked_fail_no_task(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.faults.error(50001, statement="catalog.folders", times=None)
    task = TaskRun(SsisStopExecutionOperator(task_id="stop", folder="Saels"))
    assert task.execute() == []
    assert task.log.lines[-1] == ("info", "No execution of Saels is active.")


def test_nothing_to_stop_is_a_success_unless_asked_otherwise(mart: Catalog) -> None:
    assert stop(folder="Sales", project="Mart", package="Load.dtsx").execute() == []
    with pytest.raises(NoRunningExecution, match=r"Sales/Mart/Load\.dtsx"):
        stop(folder="Sales", project="Mart", package="Load.dtsx", fail_if_not_running=True).execute()


def test_a_pending_execution_that_never_runs_is_an_error_that_says_why(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.hang(package="Load.dtsx")
    execution_id = started()
    with pytest.raises(ExecutionNotStopped, match=f"Execution {execution_id} .*pending.*ISServerExec"):
        stop(execution_id=execution_id, timeout=0.2).execute()


def test_an_unknown_execution_is_an_error_with_its_id(mart: Catalog) -> None:
    with pytest.raises(ExecutionNotFound, match="987654321"):
        stop(execution_id=987654321).execute()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "do not say what to stop"),
        ({"project": "Mart"}, "do not say what to stop"),
        ({"folder": "Sales", "package": "Load.dtsx"}, "do not say what to stop"),
        ({"execution_id": 1, "folder": "Sales"}, "not both"),
        ({"execution_id": "None"}, "is not an execution id"),
    ],
)
def test_arguments_that_do_not_go_together_are_an_error(
    ssisdb: SsisdbEmulator, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidTaskArgument, match=text):
        stop(**arguments).execute()


def test_every_template_field_is_stored_as_it_was_given() -> None:
    arguments: dict[str, Any] = {field: object() for field in SsisStopExecutionOperator.template_fields}
    task = SsisStopExecutionOperator(task_id="stop", **arguments)
    assert {field: getattr(task, field) for field in arguments} == arguments


@pytest.mark.parametrize(("name", "least"), [("timeout", "0 or more"), ("poll_interval", "more than 0")])
@pytest.mark.parametrize("value", ["x", -1, True, float("nan"), float("inf"), timedelta(seconds=-1)])
def test_an_invalid_time_to_wait_is_refused_when_the_dag_is_read(name: str, least: str, value: Any) -> None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    with pytest.raises(ValueError, match="Give a timedelta or a number of seconds") as caught:
        stop(execution_id=1, **{name: value})
    assert (
        str(caught.value)
        == f"{name} is {seconds!r}. Give a timedelta or a number of seconds: {least}, at most ten years."
    )


def test_a_poll_interval_of_0_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match=r"poll_interval is 0\."):
        stop(execution_id=1, poll_interval=0)


def test_the_time_to_wait_counts_from_the_tasks_start(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.hang(package="Load.dtsx")
    task_run = started_ago(stop(execution_id=started(), timeout=3600), seconds=4000)
    with pytest.raises(ExecutionNotStopped):
        task_run.execute()


def test_without_a_timeout_there_is_no_limit(slow: Catalog) -> None:
    execution_id = started()
    assert stop(execution_id=execution_id, timeout=None).execute()[0]["status"] == "canceled"


# --- in the triggerer -------------------------------------------------------------------------------------------------


def test_deferred_all_are_stopped_and_their_end_confirmed(slow: Catalog) -> None:
    wanted = {started() for _ in range(3)}
    result = run_to_end_of_all(stop(folder="Sales", project="Mart", package="Load.dtsx", deferrable=True))
    assert {each["execution_id"] for each in result} == wanted
    assert {each["status"] for each in result} == {"canceled"}


def test_deferred_one_that_does_not_end_in_time_is_reported(slow: Catalog) -> None:
    execution_id = started()
    task_run = stop(execution_id=execution_id, deferrable=True)
    event = {"execution_id": execution_id, "result": "timed_out", "detail": None}
    with pytest.raises(ExecutionNotStopped, match=f"Execution {execution_id}"):
        task_run.operator.execute_complete(task_run.context, event, [execution_id], 0.0)


def test_deferred_a_pending_one_is_stopped_as_soon_as_it_runs(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.hang(0.5, package="Load.dtsx")
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = started()
    result = run_to_end_of_all(stop(execution_id=execution_id, deferrable=True))
    assert result == [{"execution_id": execution_id, "status": "canceled"}]


def test_deferred_the_deadline_counts_from_the_tasks_start_and_stays_in_a_second_deferral(stubborn: Catalog) -> None:
    execution_id = started()
    task_run = started_ago(stop(execution_id=execution_id, deferrable=True, timeout=100), seconds=40)
    began = task_run.task_instance.start_date
    assert began is not None
    deferral = deferred(task_run)
    with pytest.raises(TaskDeferred) as again:
        resumed(task_run, deferral, {"execution_id": execution_id, "result": "terminal", "detail": None})
    for each in (deferral, again.value):
        assert reloaded(each.trigger).deadline == pytest.approx(began.timestamp() + 100)
        # Airflow's own timeout is later than the trigger's, whose event has the details.
        assert each.timeout is not None
        assert each.timeout > timedelta(seconds=60)


def test_deferred_airflows_execution_timeout_holds_if_it_is_sooner(stubborn: Catalog) -> None:
    arguments = {"execution_timeout": timedelta(seconds=30), "timeout": 300}
    task_run = started_ago(stop(execution_id=started(), deferrable=True, **arguments), seconds=29)
    with pytest.raises(ExecutionNotStopped, match="still stopping"):
        run_to_end_of_all(task_run)


def test_deferred_an_execution_that_ended_at_the_last_moment_is_not_a_failure(slow: Catalog) -> None:
    execution_id = started()
    task_run = stop(execution_id=execution_id, deferrable=True)
    stop(execution_id=execution_id).execute()
    event = {"execution_id": execution_id, "result": "timed_out", "detail": None}
    result = task_run.operator.execute_complete(task_run.context, event, [execution_id], 0.0)
    assert result == [{"execution_id": execution_id, "status": "canceled"}]


def test_deferred_a_server_that_is_away_at_the_deadline_has_no_more_time(slow: Catalog, ssisdb: SsisdbEmulator) -> None:
    execution_id = started()
    task_run = stop(execution_id=execution_id, deferrable=True)
    ssisdb.faults.drop_login(times=1)
    event = {"execution_id": execution_id, "result": "timed_out", "detail": None}
    with pytest.raises(ServerUnreachable):
        task_run.operator.execute_complete(task_run.context, event, [execution_id], 0.0)


@pytest.mark.parametrize("result", ["timed_out", "not_found", "unreachable"])
def test_deferred_an_event_of_another_execution_is_ignored(stubborn: Catalog, result: str) -> None:
    execution_id = started()
    task_run = stop(execution_id=execution_id, deferrable=True)
    deferral = deferred(task_run)
    with pytest.raises(TaskDeferred) as again:
        resumed(task_run, deferral, {"execution_id": execution_id + 1, "result": result, "detail": None})
    assert reloaded(again.value.trigger).execution_id == execution_id


def test_deferred_the_event_alone_is_enough(stubborn: Catalog) -> None:
    """``dag.test()`` passes no other arguments."""
    one, other = started(), started()
    task_run = stop(execution_id=one, deferrable=True)
    event = {"execution_id": one, "result": "terminal", "detail": None}
    deferred(task_run)
    with pytest.raises(TaskDeferred) as again:
        task_run.operator.execute_complete(task_run.context, event)
    assert again.value.kwargs is not None
    assert again.value.kwargs["execution_ids"] == [one]
    task_run = stop(folder="Sales", project="Mart", deferrable=True)
    deferred(task_run)
    with pytest.raises(TaskDeferred) as again:
        task_run.operator.execute_complete(task_run.context, event)
    assert again.value.kwargs is not None
    assert again.value.kwargs["execution_ids"] == [one, other]


def test_deferred_what_cannot_travel_to_the_triggerer_is_found_before_anything_is_stopped(
    slow: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = started()
    monkeypatch.setenv("AIRFLOW__SSIS__OUTAGE_TIMEOUT", "-1")
    with pytest.raises(ValueError, match="outage_timeout"):
        stop(execution_id=execution_id, deferrable=True).execute()
    assert status_of(slow, execution_id).is_active
    assert status_of(slow, execution_id) is not OperationStatus.STOPPING


def started_ago(task_run: TaskRun, *, seconds: float) -> TaskRun:
    task_run.task_instance.start_date = datetime.now(UTC) - timedelta(seconds=seconds)
    return task_run


def run_to_end_of_all(task_run: TaskRun) -> Any:
    """Run a task that may defer again and again."""
    try:
        return task_run.execute()
    except TaskDeferred as first:
        deferral = first
    while True:
        (event,) = events_of([reloaded(deferral.trigger)])
        try:
            return resumed(task_run, deferral, event)
        except TaskDeferred as again:
            deferral = again


def test_only_executions_of_an_age_are_stopped(slow: Catalog) -> None:
    execution_id = started()
    assert stop(folder="Sales", older_than=3600).execute() == []
    assert status_of(slow, execution_id).is_active
    with pytest.raises(NoRunningExecution, match="that was started 3600 s ago or earlier"):
        stop(folder="Sales", project="Mart", older_than=timedelta(hours=1), fail_if_not_running=True).execute()
    wait_until(lambda: (slow.execution_states([execution_id])[0].age or 0) >= 1)
    assert stop(folder="Sales", older_than=1).execute() == [{"execution_id": execution_id, "status": "canceled"}]


def test_an_age_is_for_executions_of_a_folder() -> None:
    with pytest.raises(InvalidTaskArgument, match="older_than"):
        stop(execution_id=1, older_than=60)
    with pytest.raises(ValueError, match="older_than"):
        stop(folder="Sales", older_than=-1)
