"""A sensor waits on its worker for the first seconds before it defers or is rescheduled."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.compat import reschedule_exception
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import ExecutionFailed
from airflow_provider_ssis.executions import polling
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from airflow_provider_ssis.sensors.package import SsisPackageSensor
from tests.support.deferrals import deferred, reloaded
from tests.support.executions import LOAD, start, status_of
from tests.support.running import SingleTryHook
from tests.support.task_runs import TaskInstanceRecord, TaskRun
from tests.support.waiting import wait_until

needs_airflow_3 = pytest.mark.skipif(
    find_spec("airflow.sdk") is None, reason="Airflow 2 reads its database when a sensor in mode reschedule runs"
)
WAYS = [
    pytest.param({"deferrable": True}, id="deferrable"),
    pytest.param({"mode": "reschedule"}, id="reschedule", marks=needs_airflow_3),
]


class RescheduledTaskInstance(TaskInstanceRecord):
    """A task instance of a sensor in mode ``reschedule``."""

    first_reschedule_date: datetime | None = None

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        """When the sensor was rescheduled first."""
        return self.first_reschedule_date


def sensor(execution_id: int, *, rescheduled: datetime | None = None, **given: Any) -> TaskRun:
    arguments = {"poke_interval": 0.1, "timeout": 600, **given}
    task_instance = RescheduledTaskInstance()
    task_instance.first_reschedule_date = rescheduled
    return TaskRun(SsisExecutionSensor(task_id="wait", execution_id=execution_id, **arguments), task_instance)


def package_sensor(*, rescheduled: datetime | None = None, **given: Any) -> TaskRun:
    where = {"folder": "Sales", "project": "Mart", "package": "Load.dtsx", "since": "2020-01-01T00:00:00Z"}
    arguments = {**where, "mode": "reschedule", "timeout": 600, **given}
    task_instance = RescheduledTaskInstance()
    task_instance.first_reschedule_date = rescheduled
    return TaskRun(SsisPackageSensor(task_id="wait", **arguments), task_instance)


def set_times(monkeypatch: pytest.MonkeyPatch, *, defer_after: float, resume_after: float) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__DEFER_AFTER", str(defer_after))
    monkeypatch.setenv("AIRFLOW__SSIS__RESUME_AFTER", str(resume_after))


@pytest.mark.parametrize("way", WAYS)
def test_a_short_package_is_waited_for_on_the_worker(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    set_times(monkeypatch, defer_after=60, resume_after=15)
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    assert sensor(start(mart), **way).execute()["status"] == "succeeded"


@pytest.mark.parametrize("way", WAYS)
def test_a_short_package_that_fails_fails_on_the_worker(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    set_times(monkeypatch, defer_after=60, resume_after=15)
    ssisdb.scripts.take(0.5, package="Load.dtsx", executable="Truncate")
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    with pytest.raises(ExecutionFailed, match="The disk is full"):
        sensor(start(mart), **way).execute()


def test_a_longer_package_is_left_to_the_triggerer(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_times(monkeypatch, defer_after=0.5, resume_after=15)
    ssisdb.scripts.take(600, package="Load.dtsx")
    began = time.time()
    trigger = reloaded(deferred(sensor(start(mart), deferrable=True)).trigger)
    assert time.time() >= began + 0.5
    assert trigger.deferred_at is not None
    assert began + 0.5 <= trigger.deferred_at <= time.time()
    assert trigger.resume_after == 15


@pytest.mark.slow
@needs_airflow_3
@pytest.mark.parametrize("poke_interval", [0.1, 60])
def test_a_sensor_is_rescheduled_no_sooner_than_it_may_resume(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, poke_interval: float
) -> None:
    set_times(monkeypatch, defer_after=0.5, resume_after=15)
    ssisdb.scripts.take(600, package="Load.dtsx")
    began = datetime.now(UTC)
    with pytest.raises(reschedule_exception()) as caught:
        sensor(start(mart), mode="reschedule", poke_interval=poke_interval).execute()
    earliest = began + timedelta(seconds=max(15.5, poke_interval))
    assert earliest <= caught.value.reschedule_date <= datetime.now(UTC) + timedelta(seconds=max(15, poke_interval))


@needs_airflow_3
@pytest.mark.parametrize("poke_interval", [0.1, 60])
def test_a_package_sensor_is_rescheduled_no_sooner_than_it_may_resume(
    mart: Catalog, monkeypatch: pytest.MonkeyPatch, poke_interval: float
) -> None:
    set_times(monkeypatch, defer_after=0.5, resume_after=15)
    began = datetime.now(UTC)
    with pytest.raises(reschedule_exception()) as caught:
        package_sensor(poke_interval=poke_interval).execute()
    seconds = timedelta(seconds=max(15, poke_interval))
    assert began + seconds <= caught.value.reschedule_date <= datetime.now(UTC) + seconds


@needs_airflow_3
def test_a_rescheduled_package_sensor_finds_the_success(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    """Each poll is a new process, which does not know how long an outage has lasted."""
    ssisdb.faults.error(40613, statement="catalog.executions", times=None)
    for _ in range(2):
        task_run = package_sensor()
        task_run.operator.hook = SingleTryHook()
        with pytest.raises(reschedule_exception()):
            task_run.execute()
    ssisdb.faults.clear()
    execution_id = start(mart)
    wait_until(lambda: status_of(mart, execution_id) is OperationStatus.SUCCEEDED)
    assert package_sensor().execute()["execution_id"] == execution_id


@needs_airflow_3
def test_only_the_first_poke_of_a_rescheduled_sensor_logs_hints(mart: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    set_times(monkeypatch, defer_after=0, resume_after=15)
    monkeypatch.setattr(polling, "START_WARNING", -3600.0)
    created = mart.create_execution(LOAD)
    for rescheduled, hints in ((None, 1), (datetime.now(UTC), 0)):
        for task_run, line in (
            (package_sensor(package="Loadd.dtsx", rescheduled=rescheduled), "has not succeeded"),
            (sensor(created, mode="reschedule", rescheduled=rescheduled), "is created: nothing has started it yet."),
        ):
            with pytest.raises(reschedule_exception()):
                task_run.execute()
            # Airflow 3 warns that the test calls execute.
            assert len([each for each in task_run.log.at("warning") if "Task Runner" not in each]) == hints
            assert line in task_run.log.at("info")[0]


@needs_airflow_3
def test_a_later_poke_warns_of_an_execution_that_was_young_at_the_first(
    mart: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_times(monkeypatch, defer_after=0, resume_after=15)
    monkeypatch.setattr(polling, "START_WARNING", 0.0)
    created = mart.create_execution(LOAD)
    task_run = sensor(created, mode="reschedule", rescheduled=datetime.now(UTC))
    with pytest.raises(reschedule_exception()):
        task_run.execute()
    assert f"Execution {created} was created and has not been started." in str(task_run.log)


@needs_airflow_3
def test_only_the_first_poke_waits_on_the_worker(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_times(monkeypatch, defer_after=10_000, resume_after=15)
    ssisdb.scripts.take(600, package="Load.dtsx")
    again = sensor(start(mart), rescheduled=datetime.now(UTC), mode="reschedule", timeout=100_000)
    with pytest.raises(reschedule_exception()):
        again.execute()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_timeout_before_the_sensor_could_resume_is_waited_for_on_the_worker(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    set_times(monkeypatch, defer_after=0.1, resume_after=15)
    ssisdb.scripts.take(600, package="Load.dtsx")
    with pytest.raises(AirflowSensorTimeout, match="1 s after the task's start"):
        sensor(start(mart), timeout=1, **way).execute()
