"""Deferrals in the test's process: first the work of the triggerer, then that of the worker."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Sequence
from typing import Any

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger
from tests.support.task_runs import LogRecord, TaskRun


def reloaded(trigger: Any) -> SsisExecutionTrigger:
    """The trigger as a triggerer creates it from the row in Airflow's database."""
    path, arguments = trigger.serialize()
    module, name = path.rsplit(".", 1)
    made: SsisExecutionTrigger = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(arguments)))
    return made


def logged(trigger: SsisExecutionTrigger) -> LogRecord:
    """Keep the lines that a trigger logs."""
    log = LogRecord()
    # Where Airflow keeps the log: the first since version 3, the second in version 2.
    for name in ("_cached_logger", "_log"):
        setattr(trigger, name, log)
    return log


async def event_of(trigger: SsisExecutionTrigger) -> dict[str, Any]:
    """The one event of a trigger, which must be plain JSON."""
    payloads: list[dict[str, Any]] = [json.loads(json.dumps(event.payload)) async for event in trigger.run()]
    (payload,) = payloads
    return payload


def events_of(triggers: Sequence[SsisExecutionTrigger]) -> list[dict[str, Any]]:
    """The events of many triggers on one loop, as a triggerer runs them."""

    async def run_all() -> list[dict[str, Any]]:
        return list(await asyncio.gather(*map(event_of, triggers)))

    return asyncio.run(run_all())


def deferred(task_run: TaskRun) -> TaskDeferred:
    """The deferral of a task; the task must defer."""
    try:
        result = task_run.execute()
    except TaskDeferred as deferral:
        return deferral
    raise AssertionError(f"the task did not defer but returned {result!r}")


def resumed(task_run: TaskRun, deferral: TaskDeferred, event: dict[str, Any]) -> Any:
    """Resume a task with an event of its trigger; returns its result."""
    return task_run.operator.resume_execution(
        deferral.method_name, {**(deferral.kwargs or {}), "event": event}, task_run.context
    )


def run_to_end(task_run: TaskRun) -> Any:
    """Run a task on the worker, in the triggerer, and on the worker again."""
    deferral = deferred(task_run)
    (event,) = events_of([reloaded(deferral.trigger)])
    return resumed(task_run, deferral, event)
