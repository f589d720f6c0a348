"""Waiting for an execution in the triggerer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ssis.executions.following import MessageLevel, tell
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.watching import Deadline, Watch
from airflow_provider_ssis.triggers.poller import Subscription, Update, poller_of

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog

LONGEST_STOP = 20.0
"""Seconds for stopping an execution whose task was killed; Airflow allows 30 for all that a trigger does then."""

QUERY_TIMEOUT = 60
"""Seconds to wait for an answer where the connection sets no limit: a server that gives none would keep the thread of
all triggers of that connection, and their deadlines with it."""

_OF_IT_FOR_LOOKS = 0.9


class SsisExecutionTrigger(BaseTrigger):
    """Wait until an execution is over, and tell why the wait has ended.

    All triggers of one connection in a triggerer share a connection and a status query; see
    :mod:`airflow_provider_ssis.triggers.poller`. The event is ``{"execution_id": …, "verdict": …, "detail": …}`` with a
    verdict of :class:`~airflow_provider_ssis.executions.watching.Verdict`.

    :param execution_id: the execution.
    :param ssis_conn_id: the connection. Default: ``ssis_default``.
    :param poll_interval: seconds between two looks; shorter at first. Default: 10.
    :param longest_poll_interval: seconds that the interval grows to for executions that run for hours. Default: 60.
    :param deadline: when to give up, in seconds since 1970. Default: never.
    :param pending_timeout: seconds that the execution may be pending. Default: no limit.
    :param outage_timeout: seconds to bear that the catalog cannot be read. Default: 900.
    :param follow_messages: the least level of the execution's messages that come into the log. Default: ``none``.
    :param cancel_on_kill: stop the execution when somebody marks or clears the task; needs Airflow 3.3. Default: True.
    :param unknown: arguments that a later version of this package added; ignored, so that an older triggerer goes on
        while the package is upgraded.
    """

    def __init__(
        self,
        *,
        execution_id: int,
        ssis_conn_id: str = "ssis_default",
        poll_interval: float = 10.0,
        longest_poll_interval: float = 60.0,
        deadline: float | None = None,
        pending_timeout: float | None = None,
        outage_timeout: float = 900.0,
        follow_messages: str = MessageLevel.NONE.value,
        cancel_on_kill: bool = True,
        **unknown: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own is untyped
        self.execution_id = execution_id
        self.ssis_conn_id = ssis_conn_id
        self.poll_interval = poll_interval
        self.longest_poll_interval = longest_poll_interval
        self.deadline = deadline
        self.pending_timeout = pending_timeout
        self.outage_timeout = outage_timeout
        self.follow_messages = follow_messages
        self.cancel_on_kill = cancel_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments, those at their defaults left out, so that older triggerers can read them."""
        given: dict[str, Any] = {"execution_id": self.execution_id}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                given[name] = value
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    def check(self) -> None:
        """Make sure that the arguments can travel to the triggerer, before anything is created that would be lost.

        :raises TypeError: one is no plain JSON value.
        :raises ValueError: a number is none that can be waited for.
        """
        json.dumps(self.serialize()[1], allow_nan=False)
        for name in ("poll_interval", "longest_poll_interval", "outage_timeout"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)} seconds; it must be more than 0")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and write the execution's messages into the task's log meanwhile."""
        loop = asyncio.get_running_loop()
        inbox = _Inbox(loop)
        level = MessageLevel(self.follow_messages)
        subscription = Subscription(
            watch=Watch(
                execution_id=self.execution_id,
                poll_interval=self.poll_interval,
                longest_poll_interval=self.longest_poll_interval,
                deadline=Deadline(self.deadline),
                pending_timeout=self.pending_timeout,
            ),
            outage=Outage(self.outage_timeout),
            tell=inbox.put,
            after=None if level is MessageLevel.NONE else 0,
        )
        poller = poller_of(loop, self.ssis_conn_id, _opener)
        try:
            poller.subscribe(subscription)
            while True:
                update = await inbox.get()
                self._tell(update, level)
                if update.verdict is not None:
                    yield TriggerEvent(  # type: ignore[no-untyped-call]  # Airflow's own is untyped
                        {
                            "execution_id": self.execution_id,
                            "verdict": update.verdict.value,
                            "detail": None if update.error is None else str(update.error),
                        }
                    )
                    return
        finally:
            poller.unsubscribe(subscription)

    def _tell(self, update: Update, level: MessageLevel) -> None:
        if update.status is not None:
            self.log.info("Execution %d is %s.", self.execution_id, update.status.lower())
        for message in update.messages:
            if level.includes(message.message_type):
                tell(self.log, message)
        if update.outage is not None:
            self.log.warning(
                "The catalog cannot be read; execution %d goes on, and so does the task: %s",
                self.execution_id,
                update.outage,
            )
        if update.unread is not None:
            self.log.warning(
                "The messages of execution %d cannot be read, so they are left out from here on: %s",
                self.execution_id,
                update.unread,
            )
        if update.recovered is not None:
            self.log.info("The catalog can be read again, after %.0f s.", update.recovered)

    async def on_kill(self) -> None:
        """Stop the execution, because somebody marked or cleared the task; not when the trigger moves elsewhere."""
        if not self.cancel_on_kill:
            return
        # Until this comes back, Airflow 3.3 cancels it anew every second. What it has begun must come to its end.
        stopping = asyncio.ensure_future(self._stop_unless_moved())
        _stopping.add(stopping)
        stopping.add_done_callback(_stopping.discard)
        await asyncio.shield(stopping)

    async def _stop_unless_moved(self) -> None:
        try:
            is_elsewhere = await self._is_still_deferred()
        except Exception as error:  # noqa: BLE001 whatever Airflow's versions raise when they cannot tell
            self.log.error(
                "Execution %d is not stopped, since the state of its task cannot be read: %s", self.execution_id, error
            )
            return
        if is_elsewhere:
            self.log.info("Another triggerer waits for execution %d now; it goes on.", self.execution_id)
            return
        stop = asyncio.to_thread(self._stop, _opener(asyncio.get_running_loop(), self.ssis_conn_id))
        try:
            await asyncio.wait_for(stop, LONGEST_STOP)
        except TimeoutError:
            # The thread goes on, but nobody may be there to read what it says.
            self.log.error(
                "Execution %d is perhaps not stopped: the catalog gave no answer within %.0f s. Look at it in SSMS "
                "(Active Operations).",
                self.execution_id,
                LONGEST_STOP,
            )

    async def _is_still_deferred(self) -> bool:
        """Airflow cancels a trigger in the same way when it gave the trigger to another triggerer."""
        from airflow_provider_ssis.triggers.task_state import state_of

        state = None if self.task_instance is None else await state_of(self.task_instance)
        return state == "deferred"

    def _stop(self, open_catalog: Callable[[], Catalog]) -> None:
        from airflow_provider_ssis.catalog.errors import CatalogError
        from airflow_provider_ssis.exceptions import ExecutionError
        from airflow_provider_ssis.executions.stopping import stop_executions

        began = time.time()
        try:
            with open_catalog() as catalog:
                stop_executions(
                    catalog,
                    [self.execution_id],
                    poll_interval=1.0,
                    deadline=Deadline.after(LONGEST_STOP * _OF_IT_FOR_LOOKS, start=began),
                    log=self.log,
                )
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
    "outage_timeout": 900.0,
    "follow_messages": MessageLevel.NONE.value,
    "cancel_on_kill": True,
}


_stopping: set[asyncio.Future[None]] = set()
"""What is being stopped, kept here because a loop keeps no task alive by itself."""


class _Inbox:
    """Updates on their way from the poller's thread to a trigger on its loop.

    Does what an ``asyncio.Queue`` does, with a third of its objects: thousands of triggers wait, and the event loop
    stands still while Python's garbage collection walks what they keep.

    :param loop: the trigger's event loop.
    """

    __slots__ = ("_arrived", "_loop", "_updates")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._updates: list[Update] = []
        self._arrived: asyncio.Future[None] | None = None

    def put(self, update: Update) -> None:
        """Send an update; may be called on any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put_here, update)

    async def get(self) -> Update:
        """The next update, as soon as there is one."""
        if not self._updates:
            self._arrived = self._loop.create_future()
            await self._arrived
        return self._updates.pop(0)

    def _put_here(self, update: Update) -> None:
        self._updates.append(update)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


def _opener(loop: asyncio.AbstractEventLoop, ssis_conn_id: str) -> Callable[[], Catalog]:
    """What opens a client of the catalog, on any thread but the loop's own.

    The Airflow connection is read on the loop each time, so that a changed password is found without a restart.
    """

    def open_catalog() -> Catalog:
        from airflow.providers.common.compat.connection import get_async_connection

        from airflow_provider_ssis.catalog.session import RetryPolicy
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        future = asyncio.run_coroutine_threadsafe(get_async_connection(ssis_conn_id), loop)
        hook = SsisCatalogHook.of(future.result(_CONNECTION_SECONDS), ssis_conn_id=ssis_conn_id)
        # No second attempts here: whoever waits decides how long to bear an outage.
        return hook.open_catalog(retry=RetryPolicy(attempts=1), query_timeout=QUERY_TIMEOUT)

    return open_catalog


_CONNECTION_SECONDS = 30.0
