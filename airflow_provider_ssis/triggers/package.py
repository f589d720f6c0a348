"""The trigger that waits until a package has succeeded, whichever client runs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ssis.catalog.requests import PackageWatch
from airflow_provider_ssis.executions.deadline import Deadline, seconds_until_resume
from airflow_provider_ssis.executions.outage import OutageTolerance, recovery_text
from airflow_provider_ssis.executions.polling import PackageWait, PollSchedule
from airflow_provider_ssis.triggers.events import ExecutionEvent
from airflow_provider_ssis.triggers.execution import UpdateQueue, catalog_opener
from airflow_provider_ssis.triggers.poller import Subscription, shared_poller


class SsisPackageTrigger(BaseTrigger):
    """Wait until a package has succeeded, on the poller that all triggers of the connection share.

    The event is an :class:`~airflow_provider_ssis.triggers.events.ExecutionEvent` with the id of the successful
    execution, 0 if there is none.

    :param folder: the catalog's folder.
    :param project: the project.
    :param package: the package, with its ``.dtsx``.
    :param since: only executions that were created at or after this time count: ISO 8601 with a time zone.
    :param ssis_conn_id: the connection. Default: ``ssis_default``.
    :param poll_interval: seconds between two polls; shorter at first. Default: 60.
    :param deadline: when to stop waiting, in seconds since 1970. Default: never.
    :param outage_timeout: seconds that an outage of the server may last. Default: 900.
    :param deferred_at: when the task deferred, in seconds since 1970. Default: unknown.
    :param resume_after: seconds after ``deferred_at`` until which the event is held back. Default: 0.
    :param unknown: arguments that a later version of this package added. They are ignored.
    """

    def __init__(
        self,
        *,
        folder: str,
        project: str,
        package: str,
        since: str,
        ssis_conn_id: str = "ssis_default",
        poll_interval: float = 60.0,
        deadline: float | None = None,
        outage_timeout: float = 900.0,
        deferred_at: float | None = None,
        resume_after: float = 0.0,
        **unknown: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own is untyped
        self.folder = folder
        self.project = project
        self.package = package
        self.since = since
        self.ssis_conn_id = ssis_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.outage_timeout = outage_timeout
        self.deferred_at = deferred_at
        self.resume_after = resume_after

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in _ARGUMENTS}

    def check(self) -> None:
        """Check that the arguments can be sent to the triggerer.

        :raises TypeError: an argument is not a plain JSON value.
        :raises ValueError: a number is out of range.
        """
        json.dumps(self.serialize()[1], allow_nan=False)
        if self.poll_interval <= 0:
            raise ValueError(f"poll_interval is {self.poll_interval} seconds. It must be more than 0.")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the package."""
        try:
            event = await self._wait()
        except Exception:
            # The task resumes after a failure of its trigger too.
            await self._hold_back()
            raise
        await self._hold_back()
        yield TriggerEvent(event.payload)  # type: ignore[no-untyped-call]  # Airflow's own is untyped

    async def _hold_back(self) -> None:
        await asyncio.sleep(seconds_until_resume(self.deferred_at, self.resume_after))

    async def _wait(self) -> ExecutionEvent:
        loop = asyncio.get_running_loop()
        updates = UpdateQueue(loop)
        watch = PackageWatch(self.folder, self.project, self.package, datetime.fromisoformat(self.since))
        subscription = Subscription(
            wait=PackageWait(watch, PollSchedule(self.poll_interval), Deadline(self.deadline)),
            tolerance=OutageTolerance(self.outage_timeout),
            send=updates.put,
        )
        poller = shared_poller(loop, self.ssis_conn_id, catalog_opener)
        try:
            poller.subscribe(subscription)
            while True:
                update = await updates.get()
                if update.outage is not None:
                    self.log.warning("%s", update.outage)
                if update.recovered is not None:
                    self.log.info("%s", recovery_text(update.recovered))
                if update.result is not None:
                    detail = None if update.error is None else str(update.error)
                    return ExecutionEvent(update.execution_id or 0, update.result, detail=detail)
        finally:
            poller.unsubscribe(subscription)


_ARGUMENTS = (
    "folder",
    "project",
    "package",
    "since",
    "ssis_conn_id",
    "poll_interval",
    "deadline",
    "outage_timeout",
    "deferred_at",
    "resume_after",
)
