"""The trigger that waits until an execution has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.compat import task_instance_state
from airflow_provider_ssis.executions.deadline import Deadline
from airflow_provider_ssis.executions.message_log import log_message
from airflow_provider_ssis.executions.outcome import not_started_text
from airflow_provider_ssis.executions.polling import ExecutionWait, PollSchedule
from airflow_provider_ssis.triggers.base import SsisTrigger, catalog_opener

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.triggers.poller import Update

MAX_STOP_SECONDS = 20.0
"""Seconds for stopping the execution of a killed task. Airflow allows 30 for everything that a trigger does then."""

_SHARE_FOR_POLLING = 0.9


class SsisExecutionTrigger(SsisTrigger):
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
    intervals = ("poll_interval", "longest_poll_interval", "outage_timeout")

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

    def _arguments(self) -> dict[str, Any]:
        # Without those at their defaults, so that older triggerers can read them.
        arguments: dict[str, Any] = {"execution_id": self.execution_id}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                arguments[name] = value
        return arguments

    def _wait(self) -> ExecutionWait:
        return ExecutionWait(
            execution_id=self.execution_id,
            schedule=PollSchedule(self.poll_interval, self.longest_poll_interval),
            deadline=Deadline(self.deadline),
            pending_timeout=self.pending_timeout,
            start_timeout=self.start_timeout,
        )

    def _execution_of(self, update: Update) -> int:
        return self.execution_id

    @property
    def _level(self) -> MessageLevel:
        return MessageLevel(self.follow_messages)

    @property
    def _first_message_id(self) -> int | None:
        return None if self._level is MessageLevel.NONE else self.last_message_id

    def _log_update(self, update: Update) -> None:
        # The worker logs the final status, after the last messages.
        if update.status is not None and not OperationStatus[update.status].is_terminal:
            self.log.info("%s %d is %s.", self.noun, self.execution_id, update.status.lower())
        level = self._level
        for message in update.messages:
            log_message(self.log, message, level)
        if update.not_started:
            self.log.warning("%s", not_started_text(self.execution_id))
        if update.unreadable is not None:
            self.log.warning(
                "The messages of %s %d cannot be read, so they are left out from here on: %s",
                self.noun.lower(),
                self.execution_id,
                update.unreadable,
            )
        super()._log_update(update)

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
            self.log.info("Another triggerer waits for %s %d now; it continues.", self.noun.lower(), self.execution_id)
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
