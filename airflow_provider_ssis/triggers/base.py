"""The base of the triggers: waiting on the poller, holding their events back, and opening the catalog."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ssis.executions.deadline import seconds_until_resume
from airflow_provider_ssis.executions.outage import OutageTolerance, recovery_text
from airflow_provider_ssis.hooks.connection_fields import masked_copy
from airflow_provider_ssis.triggers.events import ExecutionEvent

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.executions.polling import ExecutionWait, PackageWait
    from airflow_provider_ssis.hooks.connection_fields import PlainFields
    from airflow_provider_ssis.triggers.poller import Update

QUERY_TIMEOUT = 60
"""Seconds to wait for an answer if the connection sets no limit. Without one, a server that does not answer would block
all triggers of the connection, and their deadlines too."""

_CONNECTION_SECONDS = 30.0


class SsisTrigger(BaseTrigger):
    """Base of the triggers, which share one connection and one status query for each Airflow connection.

    Subclasses set the attributes and say what they wait for.
    """

    ssis_conn_id: str
    outage_timeout: float
    deferred_at: float | None
    resume_after: float

    intervals: ClassVar[tuple[str, ...]] = ("poll_interval", "outage_timeout")
    """The arguments that must be more than 0 seconds."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class and its arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", self._arguments()

    def check(self) -> None:
        """Check that the arguments can be sent to the triggerer, before an execution is created.

        :raises TypeError: an argument is not a plain JSON value.
        :raises ValueError: a number is out of range.
        """
        json.dumps(self._arguments(), allow_nan=False)
        for name in self.intervals:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)} seconds. It must be more than 0.")

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and meanwhile log the updates of the poller."""
        try:
            event = await self._receive()
        except Exception:
            # The task resumes after a failure of its trigger too.
            await self._hold_back()
            raise
        await self._hold_back()
        yield TriggerEvent(event.payload)  # type: ignore[no-untyped-call]  # Airflow's own is untyped

    async def _receive(self) -> ExecutionEvent:
        # Imported in the triggerer only: a DAG file that is parsed needs no poller.
        from airflow_provider_ssis.triggers.poller import Subscription, shared_poller

        loop = asyncio.get_running_loop()
        updates = UpdateQueue(loop)
        subscription = Subscription(
            wait=self._wait(),
            tolerance=OutageTolerance(self.outage_timeout),
            send=updates.put,
            last_message_id=self._first_message_id,
        )
        poller = shared_poller(loop, self.ssis_conn_id, catalog_opener)
        try:
            poller.subscribe(subscription)
            while True:
                update = await updates.get()
                self._log_update(update)
                if update.result is not None:
                    return ExecutionEvent(
                        self._execution_of(update),
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

    def _log_update(self, update: Update) -> None:
        if update.outage is not None:
            self.log.warning("%s", update.outage)
        if update.recovered is not None:
            self.log.info("%s", recovery_text(update.recovered))

    @property
    def _first_message_id(self) -> int | None:
        """The id of the last message that the task has logged; None if the trigger reads no messages."""
        return None

    @abstractmethod
    def _arguments(self) -> dict[str, Any]:
        """The arguments from which a triggerer makes the same trigger."""

    @abstractmethod
    def _wait(self) -> ExecutionWait | PackageWait:
        """What the trigger waits for."""

    @abstractmethod
    def _execution_of(self, update: Update) -> int:
        """The execution that the event names, given the last update."""


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

    The Airflow connection is read on the loop each time, so that a changed password works without a restart. The
    function raises a temporary error if Airflow does not return it: the connection was deleted, or Airflow's database
    or secrets backend restarts.
    """

    def open_catalog() -> Catalog:
        from airflow_provider_ssis.catalog.errors import TransientError
        from airflow_provider_ssis.catalog.retries import NO_RETRY
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        future = asyncio.run_coroutine_threadsafe(_load_connection(ssis_conn_id), loop)
        try:
            fields = future.result(_CONNECTION_SECONDS)
        except Exception as error:
            # Airflow's versions raise different ones. That of a timeout has no text.
            future.cancel()
            reason = str(error) or type(error).__name__
            raise TransientError(
                f"The connection {ssis_conn_id!r} cannot be read from Airflow: {reason}",
                advice="Check it with 'airflow connections get'.",
            ) from error
        hook = SsisCatalogHook.of(fields, ssis_conn_id=ssis_conn_id)
        # No retries here: each subscriber's OutageTolerance decides how long to retry.
        return hook.open_catalog(retry=NO_RETRY, query_timeout=QUERY_TIMEOUT)

    return open_catalog


async def _load_connection(ssis_conn_id: str) -> PlainFields:
    """Load an Airflow connection on the event loop, in a form that other threads may use.

    Reading the extra fields of Airflow's own object sends a message to the supervisor of the triggerer. In Airflow 3.0
    and 3.1 that must not come from a thread that the loop does not know: it ends the triggerer with "Response read out
    of order" (``TriggerCommsDecoder``).
    """
    from airflow.providers.common.compat.connection import get_async_connection
    from asgiref.sync import sync_to_async

    connection = await get_async_connection(ssis_conn_id)
    return await sync_to_async(masked_copy)(connection)
