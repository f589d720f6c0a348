"""Waiting in the triggerer, on the embedded SSISDB through a real ODBC driver."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat import connection as connection_module
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.connection_fields import PlainFields, read_fields
from airflow_provider_ssis.triggers import base, execution
from airflow_provider_ssis.triggers.base import catalog_opener
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger
from tests.support.deferrals import event_of, events_of, logged, reloaded
from tests.support.executions import start, status_of, wait_for_end, wait_for_status
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("quick_backoff")


def trigger(execution_id: int, **arguments: Any) -> SsisExecutionTrigger:
    return reloaded(SsisExecutionTrigger(**{"execution_id": execution_id, "poll_interval": 0.1, **arguments}))


# --- events -----------------------------------------------------------------------------------------------------------


def test_it_sends_an_event_when_the_execution_has_ended(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    execution_id = start(mart)
    assert events_of([trigger(execution_id)]) == [
        {"execution_id": execution_id, "result": "terminal", "detail": None, "last_message_id": None}
    ]


def test_an_execution_that_has_already_ended_gives_an_event_at_once(mart: Catalog) -> None:
    execution_id = start(mart)
    wait_for_end(mart, execution_id)
    assert events_of([trigger(execution_id)])[0]["result"] == "terminal"


def test_a_failed_execution_is_terminal_too(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    assert events_of([trigger(start(mart))])[0]["result"] == "terminal"


def test_the_deadline_is_a_point_in_time_that_no_restart_moves(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    given = trigger(start(mart), deadline=time.time() - 1)
    assert events_of([given])[0]["result"] == "timed_out"
    assert reloaded(given).deadline == given.deadline


def test_an_execution_that_stays_pending_gives_an_event(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.hang(package="Load.dtsx")
    assert events_of([trigger(start(mart), pending_timeout=1)])[0]["result"] == "stuck_pending"


def test_an_execution_that_the_catalog_does_not_show_gives_an_event(mart: Catalog) -> None:
    assert events_of([trigger(4711)])[0]["result"] == "not_found"


def test_its_messages_come_into_the_log_each_once_at_their_level(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.3, package="Load.dtsx")
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    execution_id = start(mart)
    following = trigger(execution_id, follow_messages="all")
    log = logged(following)
    (event,) = events_of([following])
    messages = mart.event_messages(execution_id, limit=None)
    assert len(log.messages()) == len(messages)
    assert event["last_message_id"] == messages[-1].event_message_id
    assert any("The disk is full." in line for line in log.at("error"))


def test_only_messages_of_the_level_asked_for_come(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.warn("Nearly full.", package="Load.dtsx", executable="Truncate")
    following = trigger(start(mart), follow_messages="warning")
    log = logged(following)
    events_of([following])
    lines = log.messages()
    assert len(lines) == 1
    assert "Nearly full." in lines[0]


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_many_share_one_connection_and_one_query_per_poll(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(3, package="Load.dtsx")
    executions = [start(mart) for _ in range(40)]
    logins, requests = ssisdb.traffic.logins, ssisdb.traffic.requests
    began = time.monotonic()
    events = events_of([trigger(each, poll_interval=1) for each in executions])
    possible_polls = (time.monotonic() - began) / 0.1 + 2
    assert [event["result"] for event in events] == ["terminal"] * 40
    assert ssisdb.traffic.logins - logins == 1
    # A poll for each would be 40 times as many; the shortest tick is as long as the poll interval.
    assert ssisdb.traffic.requests - requests < possible_polls


def test_the_event_loop_runs_while_the_server_is_slow(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    execution_id = start(mart)
    answered = threading.Event()
    # The server answers only after the loop has turned often, so a held loop would never end the test.
    ssisdb.faults.call(lambda: answered.wait(30), statement="catalog.operations")

    async def turn_often() -> None:
        for _ in range(200):
            await asyncio.sleep(0)
        answered.set()

    async def both() -> Any:
        return (await asyncio.gather(event_of(trigger(execution_id)), turn_often()))[0]

    assert asyncio.run(asyncio.wait_for(both(), 60))["result"] == "terminal"


# --- what it survives -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_broken_connection_is_reported_once_and_survived(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(1, package="Load.dtsx")
    execution_id = start(mart)
    ssisdb.faults.drop(statement="catalog.operations", times=2)
    waiting = trigger(execution_id)
    log = logged(waiting)
    assert events_of([waiting])[0]["result"] == "terminal"
    assert len([line for line in log.at("warning") if "Lost the connection" in line]) == 1
    assert len([line for line in log.at("info") if "answers again" in line]) == 1


PASSING = [596, 701, 845, 922, 927, 952, 976, 978, 983, 1105, 1205, 6005, 8645, 42108]
"""What a server says that shuts down, starts, fails over, restores, or is short of something."""


@pytest.mark.slow
@pytest.mark.parametrize("number", [40613, 4060, *PASSING, 18456])
def test_errors_of_a_failover_are_survived(mart: Catalog, ssisdb: SsisdbEmulator, number: int) -> None:
    execution_id = start(mart)
    if number in (4060, 18456, 40613):
        ssisdb.faults.refuse_login(number)
    else:
        ssisdb.faults.error(number, statement="catalog.operations")
    assert events_of([trigger(execution_id)])[0]["result"] == "terminal"


@pytest.mark.slow
def test_a_server_that_does_not_answer_delays_no_deadline(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "QUERY_TIMEOUT", 1)
    ssisdb.scripts.take(600, package="Load.dtsx", times=1)
    endless, short = start(mart), start(mart)
    ssisdb.faults.delay(3600, statement="catalog.operations")
    events = events_of([trigger(endless, deadline=time.time() + 0.5), trigger(short)])
    assert [event["result"] for event in events] == ["timed_out", "terminal"]


def test_an_outage_that_lasts_too_long_gives_an_event_with_its_error(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    execution_id = start(mart)
    ssisdb.faults.refuse_login(40613, times=None)
    try:
        (event,) = events_of([trigger(execution_id, outage_timeout=0.5)])
    finally:
        ssisdb.faults.clear()
    assert event["result"] == "unreachable"
    assert "refused" in event["detail"]


def test_a_permanent_error_gives_an_event_at_once(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    execution_id = start(mart)
    ssisdb.faults.error(229, statement="catalog.operations", times=None)
    try:
        (event,) = events_of([trigger(execution_id)])
    finally:
        ssisdb.faults.clear()
    assert event["result"] == "unreachable"


def test_a_connection_that_airflow_does_not_have_gives_an_event(mart: Catalog) -> None:
    (event,) = events_of([trigger(start(mart), ssis_conn_id="ssis_missing", outage_timeout=0.5)])
    assert event["result"] == "unreachable"
    assert "ssis_missing" in event["detail"]


@pytest.mark.slow
def test_a_server_that_restarts_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
    from tests.support.mart import MART

    server = SsisdbEmulator(data_dir=tmp_path, password="Pa55-word!")
    server.start()
    port = server.port
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", server.airflow_uri)
    with SsisCatalogHook().open_catalog() as catalog:
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Mart", MART)
        server.scripts.take(600, package="Load.dtsx")
        executions = [start(catalog) for _ in range(5)]

    def restart() -> None:
        wait_until(lambda: server.traffic.logins > 1)
        server.stop()
        again = SsisdbEmulator(data_dir=tmp_path, password="Pa55-word!", port=port)
        again.start()
        servers.append(again)

    servers: list[SsisdbEmulator] = []
    restarter = threading.Thread(target=restart)
    restarter.start()
    events = events_of([trigger(each) for each in executions])
    restarter.join()
    assert [event["result"] for event in events] == ["terminal"] * 5
    servers[0].stop()


# --- its arguments ----------------------------------------------------------------------------------------------------


@given(
    arguments=st.fixed_dictionaries(
        {"execution_id": st.integers(1, 2**63 - 1)},
        optional={
            "ssis_conn_id": st.text(min_size=1, max_size=250),
            "poll_interval": st.floats(0.1, 1e6),
            "longest_poll_interval": st.floats(0.1, 1e6),
            "deadline": st.none() | st.floats(0, 1e12),
            "pending_timeout": st.none() | st.floats(1, 1e6),
            "outage_timeout": st.floats(1, 1e6),
            "follow_messages": st.sampled_from(["none", "error", "warning", "information", "all"]),
            "cancel_on_kill": st.booleans(),
        },
    )
)
def test_what_is_serialized_is_plain_json_and_makes_the_same_trigger(arguments: dict[str, Any]) -> None:
    made = SsisExecutionTrigger(**arguments)
    made.check()
    assert reloaded(made).serialize() == made.serialize()
    for name, value in arguments.items():
        assert getattr(reloaded(made), name) == value


def test_arguments_at_their_defaults_are_left_out_so_that_older_triggerers_can_read_them() -> None:
    assert SsisExecutionTrigger(execution_id=1).serialize()[1] == {"execution_id": 1}


def test_arguments_of_later_versions_are_ignored() -> None:
    assert SsisExecutionTrigger(execution_id=1, colour="blue").serialize()[1] == {"execution_id": 1}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"execution_id": object()}, TypeError),
        ({"execution_id": 1, "poll_interval": 0}, ValueError),
        ({"execution_id": 1, "outage_timeout": -1}, ValueError),
        ({"execution_id": 1, "deadline": float("nan")}, ValueError),
    ],
)
def test_arguments_that_cannot_travel_are_refused(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        SsisExecutionTrigger(**arguments).check()


# --- kills ------------------------------------------------------------------------------------------------------------


def test_a_kill_stops_the_execution(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = start(mart)
    killed = trigger(execution_id)
    log = logged(killed)
    asyncio.run(killed.on_kill())
    assert status_of(mart, execution_id) is OperationStatus.CANCELED
    assert "was stopped" in str(log)


def test_a_kill_that_is_cancelled_again_and_again_stops_the_execution(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow cancels every second; a trigger that first asked a slow API server stopped nothing."""
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = start(mart)
    killed = trigger(execution_id)
    is_asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly(_: object) -> bool:
        is_asked.set()
        await may_answer.wait()
        return False

    monkeypatch.setattr(SsisExecutionTrigger, "_is_still_deferred", slowly)

    async def kill() -> None:
        killing = asyncio.create_task(killed.on_kill())
        await is_asked.wait()
        killing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await killing
        may_answer.set()
        await asyncio.to_thread(wait_for_status, mart, execution_id, OperationStatus.CANCELED)

    asyncio.run(kill())


def test_a_kill_that_cannot_find_the_owner_of_the_trigger_stops_nothing_and_logs_it(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = start(mart)
    killed = trigger(execution_id)
    log = logged(killed)

    async def fail(_: object) -> bool:
        raise OSError("the API server is away")

    monkeypatch.setattr(SsisExecutionTrigger, "_is_still_deferred", fail)
    asyncio.run(killed.on_kill())
    assert status_of(mart, execution_id).is_active
    assert any(f"Execution {execution_id} is not stopped" in line for line in log.at("error"))


def test_a_kill_leaves_alone_what_is_not_to_be_stopped(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = start(mart)
    asyncio.run(trigger(execution_id, cancel_on_kill=False).on_kill())
    assert status_of(mart, execution_id).is_active


def test_a_kill_that_cannot_stop_says_so(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    killed = trigger(start(mart))
    log = logged(killed)
    ssisdb.faults.refuse_login(18456, times=None)
    try:
        asyncio.run(killed.on_kill())
    finally:
        ssisdb.faults.clear()
    assert any("is not stopped" in line for line in log.at("error"))


@pytest.mark.parametrize("error", [KeyError("no such secret"), TimeoutError()])
def test_a_kill_without_its_airflow_connection_says_so(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It was deleted while the task waited, or Airflow does not answer."""
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = start(mart)
    killed = trigger(execution_id)
    log = logged(killed)

    async def fail(_: str) -> PlainFields:
        raise error

    monkeypatch.setattr(connection_module, "get_async_connection", fail)
    asyncio.run(killed.on_kill())
    reason = str(error) or "TimeoutError"
    not_read = f"Execution {execution_id} is not stopped: The connection 'ssis_default' cannot be read from Airflow"
    assert [line for line in log.at("error") if line.startswith(f"{not_read}: {reason}")]


def test_a_kill_that_gets_no_answer_ends_in_time_and_names_the_execution(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "MAX_STOP_SECONDS", 0.5)
    monkeypatch.setattr(base, "QUERY_TIMEOUT", 1)
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_id = start(mart)
    killed = trigger(execution_id)
    log = logged(killed)
    ssisdb.faults.delay(3600, statement="catalog.executions")
    asyncio.run(killed.on_kill())
    assert any(f"Execution {execution_id} may not be stopped" in line for line in log.at("error"))


def test_airflows_connection_is_read_only_in_threads_that_may_call_airflow(
    ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They mask extra fields with a call on the thread's event loop. On another loop, Airflow 3.0 and 3.1 end."""
    loops = []

    class MaskingConnection(PlainFields):
        @property
        def extra_dejson(self) -> dict[str, Any]:
            loops.append(async_to_sync(running_loop)())
            return super().extra_dejson

    async def running_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def load(conn_id: str) -> PlainFields:
        return MaskingConnection(**asdict(read_fields(ssisdb.airflow_uri, conn_id=conn_id)))

    monkeypatch.setattr(connection_module, "get_async_connection", load)

    async def open_in_a_thread() -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        (await asyncio.to_thread(catalog_opener(loop, "ssis_default"))).close()
        return loop

    assert asyncio.run(open_in_a_thread()) is loops[0]
    assert len(loops) == 1
