"""A task that starts a run, and its cost."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from tests.support.task_runs import TaskInstanceRecord, TaskRun


@dataclass(frozen=True, slots=True)
class Took:
    """The cost of a task.

    :param seconds: from its first line until the run was started and the connection closed.
    :param cpu: processor seconds of its process meanwhile.
    """

    seconds: float
    cpu: float


def execute(operator: Any, number: int) -> Took:
    """Execute a separate task instance, as on a worker.

    :param operator: the task.
    :param number: makes this task instance different from others.
    """
    from airflow.providers.common.compat.sdk import TaskDeferred

    task = TaskRun(operator, TaskInstanceRecord(run_id=f"{time.time_ns()}-{number}"))
    began, cpu = time.perf_counter(), time.process_time()
    # A task that defers has started its run, and leaves its worker.
    with contextlib.suppress(TaskDeferred):
        task.execute()
    return Took(time.perf_counter() - began, time.process_time() - cpu)
