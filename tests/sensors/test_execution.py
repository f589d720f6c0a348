"""Waiting for an execution that something else started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import (
    CatalogMissing,
    ExecutionNotFound,
    LoginFailed,
    ServerUnreachable,
)
from airflow_provider_ssis.compat import deferral_exceptions
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import (
    ExecutionCanceled,
    ExecutionEndedUnexpectedly,
    ExecutionFailed,
    ExecutionNotStarted,
    ExecutionTimeout,
    InvalidTaskArgument,
)
from airflow_provider_ssis.executions import polling
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from tests.support.deferrals import deferred, events_of, logged, reloaded, resumed, run_to_end
from tests.support.executions import LOAD, start, wait_for_end, wait_for_status
from tests.support.running import SingleTryHook, run
from tests.support.task_runs import TaskRun, rendered

pytestmark = pytest.mark.usefixtures("quick_backoff")


def sensor(execution_id: Any, **arguments: Any) -> TaskRun:
    given = {"poke_interval": 0.05, "timeout": 30, **arguments}
    return TaskRun(SsisExecutionSensor(task_id="wait", execution_id=execution_id, **given))


def started(**arguments: Any) -> int:
    """The id of an execution that was started and not waited for."""
    execution_id: int = run(wait_for_termination=False, **arguments).execute()["execution_id"]
    return execution_id


def test_it_waits_for_the_end_and_returns_what_the_run_operator_returns(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.3, package="Load.dtsx")
    execution_id = started()
    result = sensor(execution_id).execute()
    assert (result["execution_id"], result["status"]) == (execution_id, "succeeded")
    assert result["duration"] > 0
    assert set(result) == {"execution_id", "folder", "project", "package", "status", "duration"}


def test_one_poll_of_a_running_execution_is_not_done(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = sensor(started())
    assert not task_run.operator.poke(task_run.context)


@pytest.mark.parametrize("as_given", [lambda number: number, str, lambda number: {"execution_id": number}])
def test_the_id_may_come_as_number_text_or_result_of_a_run(mart: Catalog, as_given: Any) -> None:
    execution_id = run().execute()["execution_id"]
    assert sensor(as_given(execution_id)).execute()["execution_id"] == execution_id


def test_the_id_is_templated(mart: Catalog) -> None:
    execution_id = run().execute()["execution_id"]
    operator = SsisExecutionSensor(task_id="wait", execution_id="{{ id }}")
    assert TaskRun(rendered(operator, id=execution_id)).execute()["status"] == "succeeded"


def failed(catalog: Catalog, ssisdb: SsisdbEmulator) -> int:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    return started()


def canceled(catalog: Catalog, ssisdb: SsisdbEmulator) -> int:
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = started()
    wait_for_status(catalog, execution_id, OperationStatus.RUNNING)
    catalog.stop_operation(execution_id)
    return execution_id


def crashed(catalog: Catalog, ssisdb: SsisdbEmulator) -> int:
    ssisdb.scripts.crash(package="Load.dtsx")
    return started()


ENDS = [
    pytest.param(failed, ExecutionFailed, "The disk is full", id="failed"),
    pytest.param(canceled, ExecutionCanceled, "was stopped by sa", id="canceled"),
    pytest.param(crashed, ExecutionEndedUnexpectedly, "ended unexpectedly", id="crashed"),
]


@pytest.mark.parametrize(("end", "exception", "text"), ENDS)
def test_each_way_to_end_without_success_has_its_own_error(
    mart: Catalog, ssisdb: SsisdbEmulator, end: Any, exception: type[Exception], text: str
) -> None:
    execution_id = end(mart, ssisdb)
    with pytest.raises(exception, match=text) as caught:
        sensor(execution_id).execute()
    assert getattr(caught.value, "execution_id", None) == execution_id


@pytest.mark.parametrize(("end", "exception", "text"), ENDS)
def test_with_soft_fail_the_task_is_skipped_and_says_why(
    mart: Catalog, ssisdb: SsisdbEmulator, end: Any, exception: type[Exception], text: str
) -> None:
    execution_id = end(mart, ssisdb)
    with pytest.raises(AirflowSkipException, match=text):
        sensor(execution_id, soft_fail=True).execute()


@pytest.mark.parametrize("deferrable", [False, True])
def test_with_never_fail_every_error_skips_the_task(mart: Catalog, ssisdb: SsisdbEmulator, deferrable: bool) -> None:
    ssisdb.scripts.fail(package="Load.dtsx")
    failed = start(mart)
    wait_for_end(mart, failed)
    for execution_id in (failed, failed + 1000):
        task_run = sensor(execution_id, never_fail=True, deferrable=deferrable)
        with pytest.raises(AirflowSkipException):
            task_run.execute()
        assert "Skipped: " in str(task_run.log)
        assert str(execution_id) in str(task_run.log).rpartition("Skipped: ")[2]


def test_a_status_is_logged_when_it_changes(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = mart.create_execution(LOAD)
    task_run = sensor(execution_id)
    for _ in range(2):
        task_run.operator.poke(task_run.context)
    mart.start_execution(execution_id)
    wait_for_status(mart, execution_id, OperationStatus.RUNNING)
    for _ in range(2):
        task_run.operator.poke(task_run.context)
    lines = [line.rpartition(" is ")[2] for line in task_run.log.at("info")]
    assert lines == ["created: nothing has started it yet.", "running."]


def test_what_takes_too_long_times_out(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    with pytest.raises(AirflowSensorTimeout, match=r"timeout of 0\.1 s has passed\. Execution .* is running\."):
        sensor(started(), timeout=0.1).execute()


def test_an_unknown_execution_is_an_error_with_its_id(mart: Catalog) -> None:
    with pytest.raises(ExecutionNotFound, match="987654321"):
        sensor(987654321).execute()


def test_a_value_that_is_not_an_execution_id_is_an_error(ssisdb: SsisdbEmulator) -> None:
    with pytest.raises(InvalidTaskArgument, match="'None', which"):
        sensor("None").execute()


def test_every_template_field_is_stored_as_it_was_given() -> None:
    arguments: dict[str, Any] = {field: object() for field in SsisExecutionSensor.template_fields}
    task = SsisExecutionSensor(task_id="wait", **arguments)
    assert {field: getattr(task, field) for field in arguments} == arguments


@pytest.mark.parametrize("name", ["timeout", "poke_interval"])
@pytest.mark.parametrize("value", ["x", -1, float("nan"), float("inf")])
def test_an_invalid_time_to_wait_is_refused_when_the_dag_is_read(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match="Give a timedelta or a number of seconds") as caught:
        sensor(1, **{name: value})
    assert (
        str(caught.value)
        == f"{name} is {value!r}. Give a timedelta or a number of seconds: 0 or more, at most ten years."
    )


def test_times_to_wait_may_come_as_airflow_takes_them() -> None:
    task = sensor(1, timeout=timedelta(minutes=1), poke_interval=timedelta(seconds=5)).operator
    assert (task.timeout, task.poke_interval) == (60, 5)


def test_a_poke_interval_of_0_is_refused_for_a_deferrable_sensor() -> None:
    with pytest.raises(ValueError, match=r"poke_interval is 0\.0\. .* more than 0"):
        sensor(1, poke_interval=0, deferrable=True)


# --- while the server is away -----------------------------------------------------------------------------------------


def test_an_outage_fails_no_sensor_and_is_reported_at_its_beginning_and_its_end(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    task_run = sensor(started())
    ssisdb.faults.drop_login(times=3)
    assert task_run.execute()["status"] == "succeeded"
    lines = [line for line in str(task_run.log).splitlines() if line.startswith("The catalog ")]
    assert len(lines) == 2
    assert lines[0].startswith("The catalog cannot be read; the task keeps waiting: ")
    assert lines[1].startswith("The catalog can be read again")


def test_connections_that_break_fail_no_sensor(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    task_run = sensor(run().execute()["execution_id"])
    task_run.operator.hook = SingleTryHook()
    ssisdb.faults.drop(statement="catalog.executions", times=1)
    assert not task_run.operator.poke(task_run.context)
    assert task_run.operator.poke(task_run.context)


@pytest.mark.parametrize(("number", "error"), [(18456, LoginFailed), (4060, CatalogMissing)])
def test_a_refused_login_is_part_of_an_outage_once_the_catalog_was_read(
    mart: Catalog, ssisdb: SsisdbEmulator, number: int, error: type[Exception]
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = sensor(started())
    ssisdb.faults.refuse_login(number, times=1)
    with pytest.raises(error):
        task_run.operator.poke(task_run.context)
    assert not task_run.operator.poke(task_run.context)
    ssisdb.faults.refuse_login(number, times=1)
    assert not task_run.operator.poke(task_run.context)
    assert "keeps waiting" in str(task_run.log)


def test_an_outage_that_lasts_too_long_fails_the_sensor_and_another_try_starts_again(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__OUTAGE_TIMEOUT", "0.2")
    task_run = sensor(run().execute()["execution_id"])
    ssisdb.faults.drop_login(times=None)
    with pytest.raises(ServerUnreachable):
        task_run.execute()
    ssisdb.faults.clear()
    ssisdb.faults.drop_login(times=1)
    assert task_run.execute()["status"] == "succeeded"


def test_the_sensors_own_timeout_holds_during_an_outage(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    task_run = sensor(run().execute()["execution_id"], timeout=0.2)
    ssisdb.faults.drop_login(times=None)
    with pytest.raises(AirflowSensorTimeout, match=r"timeout of 0\.2 s has passed\. The catalog cannot be read: "):
        task_run.execute()


def test_rescheduled_no_poll_fails_because_the_server_is_away(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each poll is a new process, which does not know how long the outage has lasted."""
    monkeypatch.setenv("AIRFLOW__SSIS__OUTAGE_TIMEOUT", "0.001")
    execution_id = run().execute()["execution_id"]
    ssisdb.faults.drop_login(times=2)
    pokes = [sensor(execution_id, mode="reschedule") for _ in range(3)]
    assert [bool(each.operator.poke(each.context)) for each in pokes] == [False, False, True]


def test_deferred_a_server_that_is_away_at_first_is_waited_for_in_the_triggerer(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    task_run = sensor(run().execute()["execution_id"], deferrable=True)
    ssisdb.faults.drop_login(times=1)
    assert run_to_end(task_run)["status"] == "succeeded"


# --- in the triggerer -------------------------------------------------------------------------------------------------


def test_deferred_it_waits_for_the_end_and_returns_the_same(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    execution_id = started()
    result = run_to_end(sensor(execution_id, deferrable=True))
    assert result == sensor(execution_id).execute()


def test_an_execution_that_has_ended_needs_no_triggerer(mart: Catalog) -> None:
    execution_id = run().execute()["execution_id"]
    assert sensor(execution_id, deferrable=True).execute()["status"] == "succeeded"


@pytest.mark.parametrize("skips", [{}, {"soft_fail": True}, {"never_fail": True}])
def test_deferred_a_failure_fails_or_skips_the_task(
    mart: Catalog, ssisdb: SsisdbEmulator, skips: dict[str, bool]
) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    task_run = sensor(started(), deferrable=True, **skips)
    with pytest.raises(AirflowSkipException if skips else ExecutionFailed) as caught:
        run_to_end(task_run)
    assert "The disk is full." in (str(task_run.log) if skips else str(caught.value))


@pytest.mark.parametrize("skips", [{"soft_fail": True}, {"never_fail": True}])
def test_a_deferral_that_times_out_skips_the_task(ssisdb: SsisdbEmulator, skips: dict[str, bool]) -> None:
    task_run = sensor(1, deferrable=True, **skips)
    with pytest.raises(AirflowSkipException):
        task_run.operator.resume_execution("__fail__", {"error": "Trigger timeout"}, task_run.context)
    assert "Skipped: " in str(task_run.log)


def test_deferred_it_never_stops_the_execution(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = sensor(started(), deferrable=True, timeout=5)
    deferral = deferred(task_run)
    assert not reloaded(deferral.trigger).cancel_on_kill
    # Since Airflow 3 a sensor turns the latter into the former.
    with pytest.raises((AirflowSensorTimeout, deferral_exceptions().timeout)):
        task_run.operator.resume_execution("__fail__", {"error": "Trigger timeout"}, task_run.context)
    assert next(mart.executions()).status is OperationStatus.RUNNING


def test_deferred_an_event_of_another_execution_sends_it_back_to_wait(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = sensor(started(), deferrable=True)
    deferral = deferred(task_run)
    with pytest.raises(type(deferral)):
        resumed(task_run, deferral, {"execution_id": 4711, "result": "terminal", "detail": None})


def test_deferred_an_execution_that_vanishes_is_reported(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = sensor(started(), deferrable=True)
    deferral = deferred(task_run)
    event = {"execution_id": reloaded(deferral.trigger).execution_id, "result": "not_found", "detail": None}
    with pytest.raises(ExecutionNotFound):
        resumed(task_run, deferral, event)


def started_ago(task_run: TaskRun, *, seconds: float) -> TaskRun:
    task_run.task_instance.start_date = datetime.now(UTC) - timedelta(seconds=seconds)
    return task_run


@pytest.mark.parametrize(
    ("arguments", "sooner"),
    [
        ({"timeout": 600}, 600),
        ({"timeout": 600, "execution_timeout": timedelta(seconds=100)}, 100),
        ({"timeout": 100, "execution_timeout": timedelta(seconds=600)}, 100),
    ],
)
def test_deferred_the_deadline_counts_from_the_tasks_start_and_stays_in_a_second_deferral(
    mart: Catalog, ssisdb: SsisdbEmulator, arguments: dict[str, Any], sooner: float
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = started_ago(sensor(started(), deferrable=True, **arguments), seconds=40)
    began = task_run.task_instance.start_date
    assert began is not None
    deferral = deferred(task_run)
    with pytest.raises(type(deferral)) as again:
        resumed(task_run, deferral, {"execution_id": 4711, "result": "terminal", "detail": None})
    for each in (deferral, again.value):
        assert reloaded(each.trigger).deadline == pytest.approx(began.timestamp() + sooner)
        # Airflow's own timeout is later than the trigger's, whose event has the details.
        assert each.timeout is not None
        assert each.timeout > timedelta(seconds=sooner - 40)


LIMITS = [
    pytest.param({"timeout": 10}, AirflowSensorTimeout, r"after the task's start, which is the sensor's timeout\."),
    pytest.param({"execution_timeout": timedelta(seconds=10)}, ExecutionTimeout, r"the sensor's execution_timeout\."),
]


@pytest.mark.parametrize(("limit", "exception", "text"), LIMITS)
def test_deferred_what_takes_too_long_times_out(
    mart: Catalog, ssisdb: SsisdbEmulator, limit: dict[str, Any], exception: type[Exception], text: str
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = started_ago(sensor(started(), deferrable=True, **limit), seconds=9)
    with pytest.raises(exception, match=text) as caught:
        run_to_end(task_run)
    assert "It is running." in str(caught.value)
    assert next(mart.executions()).status is OperationStatus.RUNNING


@pytest.mark.parametrize("limit", [limit.values[0] for limit in LIMITS])
def test_deferred_with_soft_fail_what_takes_too_long_is_skipped(
    mart: Catalog, ssisdb: SsisdbEmulator, limit: dict[str, Any]
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = started_ago(sensor(started(), deferrable=True, soft_fail=True, **limit), seconds=10)
    with pytest.raises(AirflowSkipException):
        run_to_end(task_run)
    assert "had not ended 10 s after the task's start" in str(task_run.log)


def test_deferred_what_ended_at_the_last_moment_counts(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.hang(package="Load.dtsx")
    task_run = sensor(started(), deferrable=True)
    deferral = deferred(task_run)
    execution_id = reloaded(deferral.trigger).execution_id
    ssisdb.scripts.release()
    sensor(execution_id).execute()
    event = {"execution_id": execution_id, "result": "timed_out", "detail": None}
    assert resumed(task_run, deferral, event)["status"] == "succeeded"


def test_deferred_a_server_that_is_away_at_the_deadline_has_no_more_time(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = sensor(started(), deferrable=True)
    deferral = deferred(task_run)
    ssisdb.faults.drop_login(times=1)
    event = {"execution_id": reloaded(deferral.trigger).execution_id, "result": "timed_out", "detail": None}
    with pytest.raises(AirflowSensorTimeout, match=r"The catalog cannot be read"):
        resumed(task_run, deferral, event)


def test_deferred_what_cannot_travel_to_the_triggerer_is_found_at_once(
    mart: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = run().execute()["execution_id"]
    monkeypatch.setenv("AIRFLOW__SSIS__OUTAGE_TIMEOUT", "-1")
    with pytest.raises(ValueError, match="outage_timeout"):
        sensor(execution_id, deferrable=True).execute()


# --- executions that nothing starts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_execution_that_nothing_starts_fails_the_sensor_on_request(mart: Catalog, deferrable: bool) -> None:
    execution_id = mart.create_execution(LOAD)
    task_run = sensor(execution_id, start_timeout=1, poke_interval=0.1, deferrable=deferrable)
    with pytest.raises(ExecutionNotStarted, match=f"Execution {execution_id} .* not started within 1 s"):
        run_to_end(task_run) if deferrable else task_run.execute()


def test_without_the_request_it_waits_and_says_so(mart: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "START_WARNING", 0.0)
    execution_id = mart.create_execution(LOAD)
    task_run = sensor(execution_id)
    assert not task_run.operator.poke(task_run.context)
    assert not task_run.operator.poke(task_run.context)
    warnings = [line for line in task_run.log.at("warning") if "has not been started" in line]
    assert len(warnings) == 1
    mart.start_execution(execution_id)
    wait_for_end(mart, execution_id)
    assert task_run.operator.poke(task_run.context)


def test_the_triggerer_says_so_too(mart: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "START_WARNING", 0.0)
    trigger = reloaded(deferred(sensor(mart.create_execution(LOAD), deferrable=True, timeout=1)).trigger)
    log = logged(trigger)
    events_of([trigger])
    assert len([line for line in log.at("warning") if "has not been started" in line]) == 1
