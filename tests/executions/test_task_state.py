"""How far an execution is, in Airflow's task state store."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import ExecutionFailed
from airflow_provider_ssis.executions.task_state import EXECUTION_KEY, PROGRESS_KEY
from tests.support.deferrals import run_to_end
from tests.support.running import run
from tests.support.task_runs import Store


@pytest.mark.parametrize("deferrable", [False, True])
def test_at_the_end_everything_is_done(mart: Catalog, ssisdb: SsisdbEmulator, deferrable: bool) -> None:
    ssisdb.scripts.take(0.3, package="Load.dtsx")
    task_run = run(deferrable=deferrable)
    task_run.store = Store()
    result = run_to_end(task_run) if deferrable else task_run.execute()
    progress = task_run.store.values[PROGRESS_KEY]
    assert progress["execution_id"] == result["execution_id"]
    assert progress["status"] == "succeeded"
    assert progress["done"] == progress["total"] > 1
    assert progress["errors"] == 0


def test_a_failure_shows_where_it_was(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    task_run = run()
    task_run.store = Store()
    with pytest.raises(ExecutionFailed):
        task_run.execute()
    progress = task_run.store.values[PROGRESS_KEY]
    assert (progress["status"], progress["errors"]) == ("failed", 1)


def test_a_store_that_fails_keeps_no_task_from_its_end(mart: Catalog) -> None:
    class Full(Store):
        def set(self, key: str, value: Any) -> None:
            if key != EXECUTION_KEY:
                raise OSError("The store is full.")
            super().set(key, value)

    task_run = run()
    task_run.store = Full()
    assert task_run.execute()["status"] == "succeeded"
    assert any("The store is full." in line for line in task_run.log.at("warning"))


def test_without_a_store_nothing_is_asked(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.faults.error(50000, statement="catalog.executable_statistics", times=None)
    try:
        task_run = run()
        task_run.execute()
    finally:
        ssisdb.faults.clear()
    assert not any("progress" in line for line in task_run.log.at("warning"))
