"""Two workers at once for one task instance: one that Airflow has lost but that still runs, and its retry."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.faults.test_protocol import STEPS
from tests.support.running import run
from tests.support.task_runs import Store

pytestmark = pytest.mark.slow

RACES = 200
LONGEST_DELAY = 0.02


@pytest.mark.parametrize("shares_store", [True, False], ids=["one store", "a store each"])
def test_two_workers_racing_two_hundred_times_start_one_execution_each_time(
    mart: Catalog, ssisdb: SsisdbEmulator, shares_store: bool
) -> None:
    chance = random.Random(20240229)
    with ThreadPoolExecutor(2) as racers:
        for _ in range(RACES // 2):
            run_id = str(uuid.uuid4())
            for step in ("get or create", "start", "poll"):
                for when in ("before", "after"):
                    ssisdb.faults.delay(chance.uniform(0, LONGEST_DELAY), statement=STEPS[step], when=when)
            # With separate stores, an id that one worker saved does not reach the other in time.
            one = Store()
            tasks = [run(follow_messages="none") for _ in range(2)]
            for try_number, task in enumerate(tasks, start=1):
                task.task_instance.run_id = run_id
                task.task_instance.try_number = try_number
                task.store = one if shares_store else Store()
            results = list(racers.map(lambda task: task.execute(), tasks))
            ssisdb.faults.clear()
            assert results[0]["execution_id"] == results[1]["execution_id"]
            assert [result["status"] for result in results] == ["succeeded"] * 2
    executions = mart.executions(limit=None)
    assert [each.status for each in executions] == [OperationStatus.SUCCEEDED] * (RACES // 2)
