"""Waiting for the success of a package, on the embedded SSISDB and through a real ODBC driver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import LoginFailed
from airflow_provider_ssis.catalog.requests import ExecutionRequest, PackageWatch
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import InvalidTaskArgument, RenderedToNothing, SsisTaskError
from airflow_provider_ssis.sensors.package import SsisPackageSensor
from airflow_provider_ssis.triggers.package import SsisPackageTrigger
from tests.support.catalog_sql import connect
from tests.support.deferrals import deferred, events_of, reloaded, resumed
from tests.support.mart import MART
from tests.support.running import SingleTryHook
from tests.support.task_runs import TaskRun, rendered

pytestmark = pytest.mark.usefixtures("quick_backoff")

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def sensor(**arguments: Any) -> TaskRun:
    given = {
        "folder": "Sales",
        "project": "Mart",
        "package": "Load.dtsx",
        "since": LONG_AGO,
        "poke_interval": 0.05,
        "timeout": 60,
        "deferrable": False,
        **arguments,
    }
    return TaskRun(SsisPackageSensor(task_id="wait", **given))


def run_package(catalog: Catalog, package: str = "Load.dtsx") -> int:
    request = ExecutionRequest(
        folder="Sales", project="Mart", package=package, synchronized=True, parameters=_needed(package)
    )
    execution_id = catalog.create_execution(request)
    catalog.start_execution(execution_id)
    return execution_id


def _needed(package: str) -> dict[str, int]:
    return {"RegionId": 1} if package == "Strict.dtsx" else {}


def test_a_success_ends_the_wait(mart: Catalog) -> None:
    execution_id = run_package(mart)
    result = sensor().execute()
    assert result["execution_id"] == execution_id
    assert (result["package"], result["status"]) == ("Load.dtsx", "succeeded")


def test_an_unknown_package_is_a_warning(mart: Catalog) -> None:
    task = sensor(package="Loadd.dtsx")
    for _ in range(2):
        assert not task.operator.poke(task.context).is_done
    [warning] = task.log.at("warning")
    assert warning.startswith("The login sees no package 'Loadd.dtsx'. Did you mean 'Load.dtsx'?")
    assert task.log.at("info") == ["Sales/Mart/Loadd.dtsx has not succeeded since 2020-01-01 00:00:00+00:00."]


def test_only_a_success_of_this_package_since_then_counts(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", times=1)
    failed = run_package(mart)
    execution = mart.execution(failed)
    assert execution is not None
    assert execution.status is OperationStatus.FAILED
    run_package(mart, "Strict.dtsx")
    task_run = sensor()
    assert not task_run.operator.poke(task_run.context).is_done
    newest = [run_package(mart) for _ in range(2)][-1]
    assert task_run.operator.poke(task_run.context).xcom_value["execution_id"] == newest
    later = sensor(since=datetime.now(UTC) + timedelta(minutes=5))
    assert not later.operator.poke(later.context).is_done
    assert "has not succeeded since" in str(later.log)


def test_many_packages_are_searched_for_in_one_query(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    load, strict = run_package(mart), run_package(mart, "Strict.dtsx")
    watches = [PackageWatch("Sales", "Mart", name, LONG_AGO) for name in ("Load.dtsx", "Strict.dtsx", "None.dtsx")]
    requests = ssisdb.traffic.requests
    assert mart.successes(watches) == {watches[0]: load, watches[1]: strict}
    assert ssisdb.traffic.requests == requests + 1
    assert mart.successes([]) == {}


def test_a_login_that_sees_no_folder_finds_the_success(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    execution_id = run_package(mart)
    # The same names in another folder are another package.
    mart.create_folder("Archive")
    mart.deploy_project("Archive", "Mart", MART)
    ssisdb.add_login("reader", "pass-word-1", database_roles=["ssis_logreader"])
    with Catalog(connect(ssisdb, "reader", "pass-word-1")) as reader:
        assert reader.folders() == []
        watches = [PackageWatch(folder, "Mart", "Load.dtsx", LONG_AGO) for folder in ("sales", "Archive")]
        assert reader.successes(watches) == {watches[0]: execution_id}
        assert [each.execution_id for each in reader.executions(folder="Sales", project="Mart")] == [execution_id]
        assert list(reader.executions(folder="Archive", project="Mart")) == []
    mart.rename_folder("Sales", "Retail")
    assert [each.execution_id for each in mart.executions(folder="Retail", project="Mart")] == [execution_id]


def test_a_success_is_waited_for_in_the_triggerer(mart: Catalog) -> None:
    runs = [sensor(deferrable=True, package=name) for name in ("Load.dtsx", "Strict.dtsx")]
    deferrals = [deferred(task_run) for task_run in runs]
    triggers = [reloaded(deferral.trigger) for deferral in deferrals]
    assert all(isinstance(trigger, SsisPackageTrigger) for trigger in triggers)
    ids = [run_package(mart), run_package(mart, "Strict.dtsx")]
    events = events_of(triggers)
    assert [event["execution_id"] for event in events] == ids
    results = [resumed(*each) for each in zip(runs, deferrals, events, strict=True)]
    assert [result["execution_id"] for result in results] == ids


def test_a_success_during_the_wait_is_found(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    deferral = deferred(sensor(deferrable=True))
    # The first query finds nothing; the execution is created by then.
    ssisdb.faults.call(lambda: run_package_of(ssisdb), statement="catalog.executions", when="after")
    (event,) = events_of([reloaded(deferral.trigger)])
    assert event["execution_id"] > 0


def run_package_of(ssisdb: SsisdbEmulator) -> None:
    import threading

    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

    def run() -> None:
        with SsisCatalogHook().open_catalog() as catalog:
            run_package(catalog)

    # Not in the server's own thread, which must serve it.
    threading.Thread(target=run).start()


def test_the_sensor_times_out_in_the_triggerer(mart: Catalog) -> None:
    for soft_fail, expected in ((False, AirflowSensorTimeout), (True, AirflowSkipException)):
        task_run = sensor(deferrable=True, timeout=0.1, soft_fail=soft_fail)
        task_run.task_instance.start_date = datetime.now(UTC)
        deferral = deferred(task_run)
        (event,) = events_of([reloaded(deferral.trigger)])
        assert event["result"] == "timed_out"
        with pytest.raises(expected) as caught:
            resumed(task_run, deferral, event)
        # Airflow replaces the text of a skip.
        assert "had not succeeded" in f"{caught.value}{task_run.log}"


def test_an_event_of_another_trigger_is_not_believed(mart: Catalog) -> None:
    task_run = sensor(deferrable=True)
    deferral = deferred(task_run)
    from airflow.providers.common.compat.sdk import TaskDeferred

    with pytest.raises(TaskDeferred):
        resumed(task_run, deferral, {"execution_id": 99, "result": "terminal", "detail": None})
    with pytest.raises(SsisTaskError, match="is not known"):
        resumed(task_run, deferral, {"execution_id": 0, "result": "unreachable", "detail": "no answer"})


@pytest.mark.slow
def test_an_outage_is_survived_in_the_triggerer(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    deferral = deferred(sensor(deferrable=True))
    execution_id = run_package(mart)
    ssisdb.faults.drop(statement="catalog.executions", times=2)
    (event,) = events_of([reloaded(deferral.trigger)])
    assert event["execution_id"] == execution_id


def test_an_outage_is_survived_on_the_worker(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    task_run = sensor()
    task_run.operator.hook = SingleTryHook()
    assert not task_run.operator.poke(task_run.context).is_done
    run_package(mart)
    ssisdb.faults.error(40613, statement="catalog.executions", times=None)
    assert not task_run.operator.poke(task_run.context).is_done
    ssisdb.faults.clear()
    assert task_run.operator.poke(task_run.context).is_done
    assert "can be read again" in str(task_run.log)


def test_a_refused_login_fails_at_once(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.faults.refuse_login(times=None)
    with pytest.raises(LoginFailed):
        sensor().execute()
    ssisdb.faults.clear()


@pytest.mark.parametrize(
    ("since", "error"),
    [
        ("yesterday", InvalidTaskArgument),
        ("2024-02-29T06:00:00", InvalidTaskArgument),
        (datetime(2024, 2, 29), InvalidTaskArgument),
        ("None", RenderedToNothing),
        (None, InvalidTaskArgument),
        (7, InvalidTaskArgument),
    ],
)
def test_a_time_that_cannot_be_used_is_refused_when_the_dag_is_parsed(since: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        sensor(since=since)


def test_since_is_a_template(mart: Catalog) -> None:
    run_package(mart)
    task_run = sensor(since="{{ start }}")
    rendered(task_run.operator, start="2024-02-29 06:00:00+01:00")
    assert task_run.execute()["status"] == "succeeded"
    for arguments in ({"package": "Load"}, {"folder": ""}):
        with pytest.raises(InvalidTaskArgument):
            sensor(**arguments)
