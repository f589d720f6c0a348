"""The trigger that waits until an execution has ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.compat import task_instance_state
from airflow_provider_ssis.executions.deadline import Deadline, seconds_until_resume
from airflow_provider_ssis.executions.message_log import log_message
from airflow_provider_ssis.executions.outage import OutageTolerance, recovery_text
from airflow_provider_ssis.executions.outcome import not_started_text
from airflow_provider_ssis.executions.polling import ExecutionWait, PollSchedule
from airflow_provider_ssis.triggers.events import ExecutionEvent
from airflow_provider_ssis.triggers.poller import Subscription, Update, shared_poller

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog

MAX_STOP_SECONDS = 20.0
"""Seconds for stopping the execution of a killed task. Airflow allows 30 for everything that a trigger does then."""

QUERY_TIMEOUT = 60
"""Seconds to wait for an answer if the connection sets no limit. Without one, a server that does not answer would block
all triggers of the connection, and their deadlines too."""

_CONNECTION_SECONDS = 30.0
_SHARE_FOR_POLLING = 0.9


class SsisExecutionTrigger(BaseTrigger):
    """Wait until an execution has ended. The event says why the wait ended.

    All triggers of one connection in a triggerer share a connection and a status query; see
    :mod:`airflow_provider_ssis.triggers.poller`. The event is an
    :class:`~airflow_provider_ssis.triggers.events.ExecutionEvent`.

    :param execution_id: the execution.
    :param ssis_conn_id: the connection. Default: ``ssis_default``.
    :param poll_interval: seconds between two polls; shorter at first. Default: 10.
    :param longest_poll_interval: seconds that the interval grows to for executions that run for hours. Default: 60.
    :param deadline: when to stop waiting, in seconds since 1970. Default: never.
    :param pending_timeout: seconds that the execution may be pending. Default: no limit.
    :param start_timeout: seconds after its creation in which the execution must be started. Default: no limit.
    :param outage_timeout: seconds that an outage of the server may last. Default: 900.
    :param follow_messages: the least important messages of the execution that are logged. Default: ``none``.
    :param cancel_on_kill: stop the execution when a user marks or clears the task; needs Airflow 3.3. Default: True.
    :param last_message_id: id of the last message that the worker has logged. Default: 0, none.
    :param deferred_at: when the task deferred, in seconds since 1970. Default: unknown.
    :param resume_after: seconds after ``deferred_at`` until which the event is held back. Default: 0.
    :param unknown: arguments that a later version of this package added. They are ignored, so that an older triggerer
        continues while the package is upgraded.
    """

    noun = "Execution"
    """What the trigger waits for, in its log."""

    def __init__(
        self,
        *,
        execution_id: int,
        ssis_conn_id: str = "ssis_default",
        poll_interval: float = 10.0,
        longest_poll_interval: float = 60.0,
        deadline: float | None = None,
        pending_timeout: float | None = None,
        start_timeout: float | None = None,
        outage_timeout: float = 900.0,
        follow_messages: str = MessageLevel.NONE.value,
        cancel_on_kill: bool = True,
        last_message_id: int = 0,
        deferred_at: float | None = None,
        resume_after: float = 0.0,
        **unknown: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own is untyped
        self.execution_id = execution_id
        self.ssis_conn_id = ssis_conn_id
        self.poll_interval = poll_interval
        self.longest_poll_interval = longest_poll_interval
        self.deadline = deadline
        self.pending_timeout = pending_timeout
        self.start_timeout = start_timeout
        self.outage_timeout = outage_timeout
        self.follow_messages = follow_messages
        self.cancel_on_kill = cancel_on_kill
        self.last_message_id = last_message_id
        self.deferred_at = deferred_at
        self.resume_after = resume_after

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments, without those at their defaults, so that older triggerers can read them."""
        arguments: dict[str, Any] = {"execution_id": self.execution_id}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                arguments[name] = value
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    def check(self) -> None:
        """Check that the arguments can be sent to the triggerer, before an execution is created.

        :raises TypeError: an argument is not a plain JSON value.
        :raises ValueError: a number is out of range.
        """
        json.dumps(self.serialize()[1], allow_nan=False)
        for name in ("poll_interval", "longest_poll_interval", "outage_timeout"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)} seconds. It must be more than 0.")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and meanwhile write the execution's messages to the task log."""
        try:
            event = await self._wait()
        except Exception:
            # The task resumes after a failure of its trigger too.
            await self._hold_back()
            raise
        await self._hold_back()
        yield TriggerEvent(event.payload)  # type: ignore[no-untyped-call]  # Airflow's own is untyped

    async def _wait(self) -> ExecutionEvent:
        loop = asyncio.get_running_loop()
        updates = UpdateQueue(loop)
        level = MessageLevel(self.follow_messages)
        subscription = Subscription(
            wait=ExecutionWait(
                execution_id=self.execution_id,
                schedule=PollSchedule(self.poll_interval, self.longest_poll_interval),
                deadline=Deadline(self.deadline),
                pending_timeout=self.pending_timeout,
                start_timeout=self.start_timeout,
            ),
            tolerance=OutageTolerance(self.outage_timeout),
            send=updates.put,
            last_message_id=None if level is MessageLevel.NONE else self.last_message_id,
        )
        poller = shared_poller(loop, self.ssis_conn_id, catalog_opener)
        try:
            poller.subscribe(subscription)
            while True:
                update = await updates.get()
                self._log_update(update, level)
                if update.result is not None:
                    return ExecutionEvent(
                        self.execution_id,
                        update.result,
                        detail=None if update.error is None else str(update.error),
                        last_message_id=subscription.last_message_id,
                    )
        finally:
            poller.unsubscribe(subscription)

    async def _hold_back(self) -> None:
        seconds = seconds_until_resume(self.deferred_at, self.resume_after)
        if seconds > 0:
            self.log.info("The task resumes in %.0f s, when Airflow has seen the end of its worker process.", seconds)
            await asyncio.sleep(seconds)

    def _log_update(self, update: Update, level: MessageLevel) -> None:
        # The worker logs the final status, after the last messages.
        if update.status is not None and not OperationStatus[update.status].is_terminal:
            self.log.info("%s %d is %s.", self.noun, self.execution_id, update.status.lower())
        for message in update.messages:
            log_message(self.log, message, level)
        if update.outage is not None:
            self.log.warning("%s", update.outage)
        if update.not_started:
            self.log.warning("%s", not_started_text(self.execution_id))
        if update.unreadable is not None:
            self.log.warning(
                "The messages of %s %d cannot be read, so they are left out from here on: %s",
                self.noun.lower(),
                self.execution_id,
                update.unreadable,
            )
        if update.recovered is not None:
            self.log.info("%s", recovery_text(update.recovered))

    async def on_kill(self) -> None:
        """Stop the execution, because a user marked or cleared the task; not when another triggerer takes over."""
        if not self.cancel_on_kill:
            return
        # Until this returns, Airflow 3.3 cancels it again every second. The stop must finish nevertheless.
        stopping = asyncio.ensure_future(self._stop_unless_moved())
        _stopping.add(stopping)
        stopping.add_done_callback(_stopping.discard)
        await asyncio.shield(stopping)

    async def _stop_unless_moved(self) -> None:
        try:
            has_moved = await self._is_still_deferred()
        except Exception as error:  # noqa: BLE001 Airflow's versions raise different errors
            self.log.error(
                "%s %d is not stopped, since the state of its task cannot be read: %s",
                self.noun,
                self.execution_id,
                error,
            )
            return
        if has_moved:
            self.log.info("Another triggerer waits for %s %d now; it goes on.", self.noun.lower(), self.execution_id)
            return
        stop = asyncio.to_thread(self._stop, catalog_opener(asyncio.get_running_loop(), self.ssis_conn_id))
        try:
            await asyncio.wait_for(stop, MAX_STOP_SECONDS)
        except TimeoutError:
            # The thread continues, but the process may end before it can log anything.
            self.log.error(
                "%s %d may not be stopped: the catalog did not answer within %.0f s. Check it in SSMS "
                "(Active Operations).",
                self.noun,
                self.execution_id,
                MAX_STOP_SECONDS,
            )

    async def _is_still_deferred(self) -> bool:
        """Whether the task still waits. Airflow also cancels a trigger when another triggerer takes it over."""
        state = None if self.task_instance is None else await task_instance_state(self.task_instance)
        return state == "deferred"

    def _stop(self, open_catalog: Callable[[], Catalog]) -> None:
        from airflow_provider_ssis.catalog.errors import CatalogError
        from airflow_provider_ssis.exceptions import ExecutionError
        from airflow_provider_ssis.executions.stop import stop_executions

        deadline = Deadline.after(MAX_STOP_SECONDS * _SHARE_FOR_POLLING)
        try:
            with open_catalog() as catalog:
                stop_executions(catalog, [self.execution_id], poll_interval=1.0, deadline=deadline, log=self.log)
        except (CatalogError, ExecutionError) as error:
            self.log.error("Execution %d is not stopped: %s", self.execution_id, error)
        else:
            self.log.info("Execution %d was stopped, because its task was marked or cleared.", self.execution_id)


_DEFAULTS: dict[str, Any] = {
    "ssis_conn_id": "ssis_default",
    "poll_interval": 10.0,
    "longest_poll_interval": 60.0,
    "deadline": None,
    "pending_timeout": None,
    "start_timeout": None,
    "outage_timeout": 900.0,
    "follow_messages": MessageLevel.NONE.value,
    "cancel_on_kill": True,
    "last_message_id": 0,
    "deferred_at": None,
    "resume_after": 0.0,
}


_stopping: set[asyncio.Future[None]] = set()
"""Stops in progress. An event loop keeps only weak references to its tasks."""


class UpdateQueue:
    """Updates from the poller's thread for a trigger on its event loop.

    Like an ``asyncio.Queue``, with a third of its objects: thousands of triggers wait, and the event loop stands still
    while Python's garbage collector walks their objects.

    :param loop: the trigger's event loop.
    """

    __slots__ = ("_arrived", "_loop", "_updates")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._updates: list[Update] = []
        self._arrived: asyncio.Future[None] | None = None

    def put(self, update: Update) -> None:
        """Send an update; may be called in any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put_on_loop, update)

    async def get(self) -> Update:
        """Wait for the next update."""
        if not self._updates:
            self._arrived = self._loop.create_future()
            await self._arrived
        return self._updates.pop(0)

    def _put_on_loop(self, update: Update) -> None:
        self._updates.append(update)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


def catalog_opener(loop: asyncio.AbstractEventLoop, ssis_conn_id: str) -> Callable[[], Catalog]:
    """A function that opens a client of the catalog in any thread but the loop's own.

    The Airflow connection is read on the loop each time, so that a changed password works without a restart.
    """

    def open_catalog() -> Catalog:
        from airflow.providers.common.compat.connection import get_async_connection

        from airflow_provider_ssis.catalog.session import NO_RETRY
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        future = asyncio.run_coroutine_threadsafe(get_async_connection(ssis_conn_id), loop)
        hook = SsisCatalogHook.of(future.result(_CONNECTION_SECONDS), ssis_conn_id=ssis_conn_id)
        # No retries here: each subscriber's OutageTolerance decides how long to retry.
        return hook.open_catalog(retry=NO_RETRY, query_timeout=QUERY_TIMEOUT)

    return open_catalog
