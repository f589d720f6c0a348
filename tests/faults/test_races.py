"""Two workers at once for one task instance: one that Airflow has lost but that still runs, and its retry."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import TrySuperseded
from tests.faults.test_protocol import STEPS
from tests.support.running import run
from tests.support.task_runs import Store, TaskRun

pytestmark = pytest.mark.slow

RACES = 50
LONGEST_DELAY = 0.02


def execute(task: TaskRun) -> dict[str, Any] | None:
    """The task's result, or None if a later try has taken over."""
    try:
        result: dict[str, Any] = task.execute()
    except TrySuperseded:
        return None
    return result


@pytest.mark.parametrize("tries", [(1, 1), (1, 2)], ids=["one try", "two tries"])
@pytest.mark.parametrize("shares_store", [True, False], ids=["one store", "a store each"])
def test_two_workers_racing_fifty_times_start_one_execution_each_time(
    mart: Catalog, ssisdb: SsisdbEmulator, shares_store: bool, tries: tuple[int, int]
) -> None:
    chance = random.Random(20240229)
    with ThreadPoolExecutor(2) as racers:
        for _ in range(RACES):
            run_id = str(uuid.uuid4())
            for step in ("get or create", "start", "poll"):
                for when in ("before", "after"):
                    ssisdb.faults.delay(chance.uniform(0, LONGEST_DELAY), statement=STEPS[step], when=when)
            # With separate stores, an id that one worker saved does not reach the other in time.
            one = Store()
            tasks = [run(follow_messages="none") for _ in range(2)]
            for try_number, task in zip(tries, tasks, strict=True):
                task.task_instance.run_id = run_id
                task.task_instance.try_number = try_number
                task.store = one if shares_store else Store()
            earlier, later = racers.map(execute, tasks)
            ssisdb.faults.clear()
            assert later is not None
            assert later["status"] == "succeeded"
            if earlier is None:
                assert tries == (1, 2)
            else:
                assert (earlier["execution_id"], earlier["status"]) == (later["execution_id"], "succeeded")
    executions = list(mart.executions(limit=None))
    assert [each.status for each in executions] == [OperationStatus.SUCCEEDED] * RACES
