"""Triggers on one event loop in a separate process, as in a triggerer: ours, and triggers that poll alone."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
from airflow.triggers.base import BaseTrigger, TriggerEvent

from benchmarks.airflow_home import ODBC

_LAG_SAMPLE_SECONDS = 0.01
_IS_OVER = "SELECT status FROM catalog.executions WHERE execution_id = ? AND status IN (3, 4, 6, 7, 9)"


class PollingAloneTrigger(BaseTrigger):
    """Polls one execution in its own loop, as triggers of most providers do for their jobs.

    Each poll is a blocking call of Airflow's own hook in the thread that ``sync_to_async`` keeps for them, as
    common-sql's trigger makes it; the hook connects for each.

    :param execution_id: the execution.
    :param driver: the ODBC driver.
    :param poll_interval: seconds between two polls.
    """

    def __init__(self, execution_id: int, driver: str, poll_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own is untyped
        self.execution_id = execution_id
        self.driver = driver
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments."""
        arguments = {"execution_id": self.execution_id, "driver": self.driver, "poll_interval": self.poll_interval}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until the execution has ended."""
        from airflow.providers.odbc.hooks.odbc import OdbcHook
        from asgiref.sync import sync_to_async

        hook = OdbcHook(odbc_conn_id=ODBC, driver=self.driver)
        while not await sync_to_async(hook.get_first)(_IS_OVER, parameters=(self.execution_id,)):  # noqa: ASYNC110 this is measured
            await asyncio.sleep(self.poll_interval)
        yield TriggerEvent(self.execution_id)  # type: ignore[no-untyped-call]  # Airflow's own is untyped


def ours(poll_interval: float) -> Callable[[int], BaseTrigger]:
    """Makes our triggers."""
    from airflow_provider_ssis.hooks import ssis  # noqa: F401 later imports of triggers count for none
    from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger

    return lambda execution_id: SsisExecutionTrigger(
        execution_id=execution_id, poll_interval=poll_interval, longest_poll_interval=poll_interval
    )


def polling_alone(poll_interval: float) -> Callable[[int], BaseTrigger]:
    """Makes triggers that poll alone."""
    from airflow.providers.odbc.hooks import odbc  # noqa: F401 as above
    from asgiref import sync  # noqa: F401

    from airflow_provider_ssis.odbc.drivers import find_driver

    driver = find_driver().name
    return lambda execution_id: PollingAloneTrigger(execution_id, driver, poll_interval)


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of waiting.

    :param cpu: processor seconds of the process.
    :param memory: bytes by which the process has grown since before the first trigger.
    """

    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Lag:
    """The event loop's lag: how late it ran a due callback.

    :param worst: the longest time, in seconds.
    :param collection: the longest garbage collection, in seconds, during which Python does nothing else.
    """

    worst: float
    collection: float


class WaiterService:
    """Triggers on one event loop.

    :param make: :func:`ours` or :func:`polling_alone`.
    :param poll_interval: seconds between two polls.
    """

    def __init__(self, make: Callable[[float], Callable[[int], BaseTrigger]], poll_interval: float) -> None:
        self._make = make(poll_interval)
        self._triggers: list[asyncio.Task[None]] = []
        self._seen: dict[int, float] = {}
        self._lag = 0.0
        self._collecting_since = 0.0
        self._collection = 0.0
        self._cpu = 0.0
        self._memory = 0
        self._sampler: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Measure the process before the first trigger."""
        # The log goes through Airflow's handlers and is then discarded.
        sys.stdout.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        self._memory = _memory()
        gc.callbacks.append(self._note_collection)

    async def stop(self) -> None:
        """End all triggers."""
        gc.callbacks.remove(self._note_collection)
        tasks = [*self._triggers, *([] if self._sampler is None else [self._sampler])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_for(self, execution_ids: Sequence[int]) -> None:
        """Start a trigger for each execution, one after the other, as a triggerer does."""
        for execution_id in execution_ids:
            self._triggers.append(asyncio.create_task(self._wait(execution_id)))
            await asyncio.sleep(0)

    async def begin_usage(self) -> None:
        """Start to measure the usage of the triggers."""
        self._cpu = time.process_time()

    async def end_usage(self) -> Usage:
        """The usage since then."""
        return Usage(time.process_time() - self._cpu, max(0, _memory() - self._memory))

    async def begin_lag(self) -> None:
        """Start to measure the event loop's lag, which itself takes processor time."""
        self._lag = self._collection = 0.0
        self._sampler = asyncio.create_task(self._sample_lag())

    async def end_lag(self) -> Lag:
        """The lag since then."""
        if self._sampler is not None:
            self._sampler.cancel()
        return Lag(self._lag, self._collection)

    async def seen(self) -> dict[int, float]:
        """The times of the triggers' events, in seconds since 1970."""
        return dict(self._seen)

    async def _wait(self, execution_id: int) -> None:
        async for _ in self._make(execution_id).run():
            self._seen[execution_id] = time.time()
            return

    def _note_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        else:
            self._collection = max(self._collection, time.perf_counter() - self._collecting_since)

    async def _sample_lag(self) -> None:
        while True:
            due = time.perf_counter() + _LAG_SAMPLE_SECONDS
            await asyncio.sleep(_LAG_SAMPLE_SECONDS)
            self._lag = max(self._lag, time.perf_counter() - due)


def _memory() -> int:
    memory: int = psutil.Process().memory_info().rss
    return memory
