"""One poller for all triggers of a connection: one thread, one database connection, one status query per tick.

A triggerer runs thousands of triggers on one event loop, which a blocking call to a driver would stop. So triggers only
subscribe here, and get updates on their loop.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.executions.deadline import SYSTEM_CLOCK
from airflow_provider_ssis.executions.outage import outage_text
from airflow_provider_ssis.executions.polling import ExecutionWait, PackageWait, WaitResult
from airflow_provider_ssis.triggers.message_reader import MessageReader, Reading
from airflow_provider_ssis.triggers.poller_connection import AllQueriesFail, Answers, Key, PollerConnection, Value

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage, ExecutionState
    from airflow_provider_ssis.catalog.requests import PackageWatch
    from airflow_provider_ssis.executions.deadline import Clock
    from airflow_provider_ssis.executions.outage import OutageTolerance

log = logging.getLogger(__name__)

MIN_TICK = 1.0
"""Seconds between two polls, unless a subscriber wants a shorter interval."""

MESSAGES_GRACE = 15.0
"""Seconds for which the end of an execution is held back if its messages cannot be read."""

_IDLE_SECONDS = 30.0
_BURST = 50
_BURST_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Update:
    """What a subscriber gets.

    :param status: the execution's status, if it has changed.
    :param messages: its messages since the last update.
    :param outage: the line for the log, when an outage begins.
    :param recovered: how long the outage lasted in seconds, when it ends.
    :param unreadable: the error's text, when the messages can permanently not be read. No more messages follow.
    :param not_started: nothing has started the execution, a while after its creation.
    :param result: why the wait ended. No more updates follow.
    :param error: the error that ended it, if one did.
    :param execution_id: the package's successful execution, if the wait was for a package.
    """

    status: str | None = None
    messages: Sequence[EventMessage] = ()
    outage: str | None = None
    recovered: float | None = None
    unreadable: str | None = None
    not_started: bool = False
    result: WaitResult | None = None
    error: Exception | None = None
    execution_id: int | None = None


@dataclass(eq=False, slots=True)
class Subscription:
    """One subscriber.

    :param wait: the execution or package, the schedule and the limits.
    :param tolerance: how long an outage may last.
    :param send: receives updates; called in the poller's thread.
    :param last_message_id: the id of the last message that the subscriber has; None if it wants no messages.
    :param due: when to poll next, in seconds of the poller's monotonic clock.
    """

    wait: ExecutionWait | PackageWait
    tolerance: OutageTolerance
    send: Callable[[Update], None]
    last_message_id: int | None = None
    due: float = 0.0
    _status: str | None = field(default=None, init=False)

    def changed_status(self, state: ExecutionState | None) -> str | None:
        """The status, if it is not the one of the last poll."""
        status = None if state is None else state.status.name
        if status == self._status:
            return None
        self._status = status
        return status

    def take_new(self, messages: Sequence[EventMessage]) -> Sequence[EventMessage]:
        """Those messages that the subscriber does not have yet. They count as sent."""
        last = self.last_message_id
        if last is None:
            return ()
        new = [each for each in messages if (each.event_message_id or 0) > last]
        if new:
            self.last_message_id = new[-1].event_message_id
        return new or ()


_NO_READING = Reading(())
_EMPTY = Update()


class Poller:
    """Polls the catalog for its subscribers, as long as there are any.

    :param open_catalog: opens a client; called in the poller's thread.
    :param name: the thread's name.
    :param gc_freeze_at: number of subscribers at which the process's objects are excluded from garbage collection;
        0 for never.
    :param messages_grace: see :data:`MESSAGES_GRACE`.
    :param idle_seconds: how long the thread stays without subscribers. Default: 30.
    :param clock: the time. Default: the system's.
    """

    def __init__(
        self,
        open_catalog: Callable[[], Catalog],
        *,
        name: str,
        gc_freeze_at: int = 0,
        messages_grace: float = MESSAGES_GRACE,
        idle_seconds: float = _IDLE_SECONDS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._open_catalog = open_catalog
        self._name = name
        self._gc_freeze_at = gc_freeze_at
        self._messages_grace = messages_grace
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._subscriptions: set[Subscription] = set()
        self._thread: threading.Thread | None = None
        self._sent = 0

    def subscribe(self, subscription: Subscription) -> None:
        """Poll for a subscriber until :meth:`unsubscribe`. Never waits for the server.

        :raises RuntimeError: the process cannot start a thread now. Then nothing is polled.
        """
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                # Kept only after it has started: a thread that could not start must not count as running.
                thread.start()
                self._thread = thread
            self._subscriptions.add(subscription)
            if len(self._subscriptions) == self._gc_freeze_at:
                _freeze_once()
            self._changed.notify()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop polling for a subscriber. Does nothing if its wait has ended."""
        with self._changed:
            self._subscriptions.discard(subscription)

    # --- in the thread

    def _run(self) -> None:
        # Not attributes: a subscriber that arrives while this thread ends starts another thread, which must not use the
        # connection that this one closes.
        connection, reader = PollerConnection(self._open_catalog), MessageReader(clock=self._clock)
        try:
            while (due := self._next_due()) is not None:
                self._poll(connection, reader, due)
        finally:
            connection.close()

    def _next_due(self) -> list[Subscription] | None:
        """Wait until a subscriber is due; None if there have been no subscribers for a while."""
        with self._changed:
            while True:
                if not self._subscriptions:
                    self._changed.wait(self._idle_seconds)
                    if not self._subscriptions:
                        self._thread = None
                        return None
                now = self._clock.monotonic()
                first = min(subscription.due for subscription in self._subscriptions)
                if first <= now:
                    # Including those that are due soon, so that one query serves all.
                    soon = now + MIN_TICK / 2
                    return [each for each in self._subscriptions if each.due <= soon]
                self._changed.wait(first - now)

    def _poll(self, connection: PollerConnection, reader: MessageReader, due: list[Subscription]) -> None:
        packages = [(each, each.wait) for each in due if isinstance(each.wait, PackageWait)]
        executions = [(each, each.wait) for each in due if isinstance(each.wait, ExecutionWait)]
        if packages:
            self._poll_packages(connection, packages)
        if executions:
            self._poll_executions(connection, reader, executions)

    def _poll_packages(self, connection: PollerConnection, waits: list[tuple[Subscription, PackageWait]]) -> None:
        answers = self._answers(
            connection,
            [subscription for subscription, _ in waits],
            lambda: connection.successes({wait.watch for _, wait in waits}, subscribed=self._subscribed_watches),
        )
        if answers is None:
            return
        for subscription, wait in waits:
            if wait.watch in answers.failed:
                self._record_failure([subscription], answers.failed[wait.watch])
                continue
            execution_id = answers.found.get(wait.watch)
            recovered = subscription.tolerance.record_success()
            subscription.due = self._clock.monotonic() + max(min(MIN_TICK, wait.schedule.interval), wait.delay())
            update = Update(recovered=recovered, result=wait.check(execution_id), execution_id=execution_id)
            if update != _EMPTY:
                self._send(subscription, update)

    def _poll_executions(
        self, connection: PollerConnection, reader: MessageReader, waits: list[tuple[Subscription, ExecutionWait]]
    ) -> None:
        states = self._answers(
            connection,
            [subscription for subscription, _ in waits],
            lambda: connection.states({wait.execution_id for _, wait in waits}, subscribed=self._subscribed_ids),
        )
        if states is None:
            return
        with_messages: dict[int, list[tuple[Subscription, ExecutionWait]]] = {}
        for subscription, wait in waits:
            execution_id = wait.execution_id
            if execution_id in states.failed:
                self._record_failure([subscription], states.failed[execution_id])
            elif subscription.last_message_id is None:
                self._process(subscription, wait, states.found.get(execution_id))
            else:
                with_messages.setdefault(execution_id, []).append((subscription, wait))
        # After the states: an execution that has ended has written all its messages by now.
        positions = {each: min(one.last_message_id or 0 for one, _ in with_messages[each]) for each in with_messages}
        for reading in reader.read(connection, positions, subscribed=self._subscribed_ids):
            for execution_id in reading.execution_ids:
                for subscription, wait in with_messages[execution_id]:
                    self._process(subscription, wait, states.found.get(execution_id), reading)

    def _answers(
        self, connection: PollerConnection, due: list[Subscription], ask: Callable[[], Answers[Key, Value]]
    ) -> Answers[Key, Value] | None:
        """The answers to a query of all these subscribers.

        None: the query failed, which is recorded for each. The next one is made on another connection.
        """
        try:
            return ask()
        except AllQueriesFail as failure:
            connection.close()
            self._record_failure(due, failure.error, affects_all=True)
        except Exception as error:
            if not isinstance(error, CatalogError):
                log.warning("Polling the catalog failed unexpectedly.", exc_info=error)
            connection.close()
            self._record_failure(due, error)
        return None

    def _subscribed_ids(self) -> list[int]:
        """All executions that have subscribers."""
        return list({wait.execution_id for wait in self._waits() if isinstance(wait, ExecutionWait)})

    def _subscribed_watches(self) -> list[PackageWatch]:
        """All packages that have subscribers."""
        return list({wait.watch for wait in self._waits() if isinstance(wait, PackageWait)})

    def _waits(self) -> list[ExecutionWait | PackageWait]:
        with self._changed:
            return [each.wait for each in self._subscriptions]

    def _process(
        self,
        subscription: Subscription,
        wait: ExecutionWait,
        state: ExecutionState | None,
        reading: Reading = _NO_READING,
    ) -> None:
        tolerance = subscription.tolerance
        result = wait.check(state)
        delay = wait.delay(state)
        messages = subscription.take_new(reading.messages.get(wait.execution_id, ()))
        has_more = hold_back = wait.execution_id in reading.unfinished
        outage = recovered = unreadable = None
        if reading.error is None:
            recovered = tolerance.record_success()
        else:
            outage = None if tolerance.is_active else self._outage_text(subscription, reading.error)
            try:
                delay = wait.deadline.limit(tolerance.record_failure(reading.error))
                hold_back = tolerance.seconds < self._messages_grace
            except Exception as error:  # noqa: BLE001 the same error, for too long
                # The status can be read, so the wait continues without messages.
                outage, unreadable = None, str(error)
                subscription.last_message_id = None
                tolerance.record_success()
        if result is WaitResult.TERMINAL and hold_back and not wait.deadline.passed:
            result = None
        min_delay = min(MIN_TICK, wait.schedule.interval)
        subscription.due = self._clock.monotonic() + (0.0 if has_more else max(min_delay, delay))
        update = Update(
            status=subscription.changed_status(state),
            messages=messages,
            outage=outage,
            recovered=recovered,
            unreadable=unreadable,
            not_started=wait.needs_warning(state),
            result=result,
        )
        if update != _EMPTY:
            self._send(subscription, update)

    def _record_failure(self, due: Sequence[Subscription], error: Exception, *, affects_all: bool = False) -> None:
        longest = 0.0
        for subscription in due:
            is_first = not subscription.tolerance.is_active
            try:
                longest = max(longest, subscription.tolerance.record_failure(error, affects_all=affects_all))
            except Exception as last:  # noqa: BLE001 the same error, for too long
                self._send(subscription, Update(result=WaitResult.UNREACHABLE, error=last))
                continue
            if subscription.wait.deadline.passed:
                self._send(subscription, Update(result=WaitResult.TIMED_OUT))
            elif is_first:
                self._send(subscription, Update(outage=self._outage_text(subscription, error)))
        now = self._clock.monotonic()
        for subscription in due:
            subscription.due = now + subscription.wait.deadline.limit(longest)

    @staticmethod
    def _outage_text(subscription: Subscription, error: Exception) -> str:
        wait = subscription.wait
        execution_id = wait.execution_id if isinstance(wait, ExecutionWait) else None
        return outage_text(error, subscription.tolerance.limit, execution_id)

    def _send(self, subscription: Subscription, update: Update) -> None:
        if update.result is not None:
            self.unsubscribe(subscription)
        subscription.send(update)
        self._sent += 1
        if self._sent % _BURST == 0:
            # Thousands of updates at once would block the event loop.
            self._clock.sleep(_BURST_PAUSE)


@functools.cache
def _freeze_once() -> None:
    """Exclude all present objects from garbage collection, once in the life of a process.

    A full collection walks all objects while the event loop stands still. Nearly all objects of a triggerer were made
    by imports and live as long as the process, so walking them finds nothing.
    """
    gc.freeze()
    log.info(
        "Many tasks wait on this connection, so the triggerer's loaded objects are excluded from garbage collection. "
        "[ssis] gc_freeze_at = 0 switches this off."
    )


_pollers: dict[str, tuple[asyncio.AbstractEventLoop, Poller]] = {}


def shared_poller(
    loop: asyncio.AbstractEventLoop,
    ssis_conn_id: str,
    opener: Callable[[asyncio.AbstractEventLoop, str], Callable[[], Catalog]],
) -> Poller:
    """The poller that all triggers of a connection share on an event loop.

    :param loop: the event loop of the triggers and of the caller.
    :param ssis_conn_id: the Airflow connection.
    :param opener: given both, returns a function that opens a client.
    """
    poller_loop, poller = _pollers.get(ssis_conn_id, (None, None))
    if poller is None or poller_loop is not loop:
        # A triggerer has one loop. There are others only where triggers run one by one, as in dag.test().
        poller = Poller(
            opener(loop, ssis_conn_id), name=f"ssis-poller-{ssis_conn_id}", gc_freeze_at=config.gc_freeze_at()
        )
        _pollers[ssis_conn_id] = (loop, poller)
    return poller
