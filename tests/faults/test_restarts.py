"""A triggerer, or the server, that dies while many tasks wait."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from tests.support.executions import start
from tests.support.mart import MART
from tests.support.waiting import wait_until
from tests.support.workers import Workers

pytestmark = pytest.mark.processes

WAITING = 200


def triggers_of(execution_ids: list[int]) -> list[dict[str, Any]]:
    return [{"execution_id": each, "poll_interval": 0.5} for each in execution_ids]


def statuses_of(catalog: Catalog, execution_ids: list[int]) -> set[OperationStatus]:
    return {state.status for state in catalog.execution_states(execution_ids)}


def test_a_triggerer_killed_and_restarted_loses_stops_and_starts_nothing(
    workers: Workers, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    execution_ids = [start(mart) for _ in range(WAITING)]
    wait_until(lambda: statuses_of(mart, execution_ids) == {OperationStatus.RUNNING})
    triggers = triggers_of(execution_ids)
    for _ in range(2):
        requests = ssisdb.traffic.requests
        killed = workers.start(stage="wait", connection=ssisdb.airflow_uri, triggers=triggers)
        wait_until(lambda requests=requests: ssisdb.traffic.requests > requests + 2)  # type: ignore[misc]  # bound early
        os.kill(killed, signal.SIGKILL)
        assert workers.wait(killed).code == -signal.SIGKILL
    logins = ssisdb.traffic.logins
    last = workers.start(stage="wait", connection=ssisdb.airflow_uri, triggers=triggers)
    wait_until(lambda: ssisdb.traffic.logins > logins)
    # An execution that a triggerer stopped would no longer run.
    assert statuses_of(mart, execution_ids) == {OperationStatus.RUNNING}
    for execution_id in execution_ids:
        mart.stop_operation(execution_id)
    answer = workers.wait(last).answer
    assert answer is not None
    assert [(event["execution_id"], event["result"]) for event in answer["events"]] == [
        (each, "terminal") for each in execution_ids
    ]
    executions = list(mart.executions(limit=None))
    assert {each.execution_id for each in executions} == set(execution_ids)
    assert {each.status for each in executions} == {OperationStatus.CANCELED}


def test_a_server_restarted_under_many_triggers_is_found_again_by_all(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = SsisdbEmulator(data_dir=tmp_path, password="Pa55-word!")
    server.start()
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", server.airflow_uri)
    uri, port = server.airflow_uri, server.port
    with SsisCatalogHook().open_catalog() as catalog:
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Mart", MART)
        server.scripts.take(600, package="Load.dtsx")
        execution_ids = [start(catalog) for _ in range(WAITING)]
    requests = server.traffic.requests
    waiting = workers.start(stage="wait", connection=uri, triggers=triggers_of(execution_ids))
    wait_until(lambda: server.traffic.requests > requests + 2)
    server.stop()
    with SsisdbEmulator(data_dir=tmp_path, password="Pa55-word!", port=port) as again:
        answer = workers.wait(waiting).answer
        assert answer is not None
        assert [event["result"] for event in answer["events"]] == ["terminal"] * WAITING
        monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", again.airflow_uri)
        with SsisCatalogHook().open_catalog() as catalog:
            assert all(state.status.is_terminal for state in catalog.execution_states(execution_ids))
