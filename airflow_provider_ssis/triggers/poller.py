"""One look at the catalog for all who wait: a thread, a connection and a query per tick for each Airflow connection.

A triggerer runs thousands of triggers on one event loop, which no call to a driver may hold up. So triggers only
subscribe here, and are told on their loop when something happened.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.watching import Verdict
from airflow_provider_ssis.triggers.lookout import Lookout, MeetsAll
from airflow_provider_ssis.triggers.message_reading import MessageReader, Reading

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage, ExecutionState
    from airflow_provider_ssis.executions.watching import Watch

log = logging.getLogger(__name__)

SHORTEST_TICK = 1.0
"""Seconds between two looks, unless somebody asked for less."""

_MESSAGES_GRACE = 15.0
"""Seconds for which the end of an execution is held back when its messages cannot be read."""

_IDLE_SECONDS = 30.0
_BURST = 50
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Update:
    """What a subscriber is told.

    :param status: the execution's status, where it was seen and has changed.
    :param messages: its messages since the last update.
    :param outage: an error's text when an outage begins.
    :param unread: an error's text when the messages are given up, because they cannot be read; none come any more.
    :param recovered: seconds that the outage lasted, when it has ended.
    :param verdict: why the watch is over; it is the last update then.
    :param error: the error that ended it, where one did.
    """

    status: str | None = None
    messages: Sequence[EventMessage] = ()
    outage: str | None = None
    recovered: float | None = None
    unread: str | None = None
    verdict: Verdict | None = None
    error: Exception | None = None


@dataclass(eq=False, slots=True)
class Subscription:
    """Somebody who waits.

    :param watch: for what.
    :param outage: how long it bears that the catalog cannot be read.
    :param tell: takes updates; called on the poller's thread.
    :param after: id of the last message that it has; None if it follows no messages.
    """

    watch: Watch
    outage: Outage
    tell: Callable[[Update], None]
    after: int | None = None
    due: float = 0.0
    _status: str | None = field(default=None, init=False)

    def changed_status(self, state: ExecutionState | None) -> str | None:
        """The status if it is another one than at the last look."""
        status = None if state is None else state.status.name
        if status == self._status:
            return None
        self._status = status
        return status

    def new_among(self, messages: Sequence[EventMessage]) -> Sequence[EventMessage]:
        """Those of the execution's messages that it has not had yet; it has them then."""
        if self.after is None:
            return ()
        new = [each for each in messages if (each.event_message_id or 0) > (self.after or 0)]
        if new:
            self.after = new[-1].event_message_id
        return new or ()


_NO_READING = Reading(())


class Poller:
    """Looks at the catalog for its subscribers, as long as there are any.

    :param open_catalog: opens a client; called on the poller's thread.
    :param name: the thread's name.
    :param gc_freeze_at: number of subscribers at which the process's objects are kept out of garbage collection;
        0 for never.
    """

    def __init__(self, open_catalog: Callable[[], Catalog], *, name: str, gc_freeze_at: int = 0) -> None:
        self._open_catalog = open_catalog
        self._name = name
        self._gc_freeze_at = gc_freeze_at
        self._changed = threading.Condition()
        self._subscriptions: set[Subscription] = set()
        self._thread: threading.Thread | None = None
        self._told = 0

    def subscribe(self, subscription: Subscription) -> None:
        """Look for a subscriber until :meth:`unsubscribe`. Never waits for the server.

        :raises RuntimeError: the process can start no thread now. Nothing is looked for then.
        """
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                # Kept only once it runs: one that could not start would be taken for one that looks for all to come.
                thread.start()
                self._thread = thread
            self._subscriptions.add(subscription)
            if len(self._subscriptions) == self._gc_freeze_at:
                _freeze_once()
            self._changed.notify()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Look for it no longer. Does nothing for one who has had a verdict."""
        with self._changed:
            self._subscriptions.discard(subscription)

    # --- on the thread

    def _work(self) -> None:
        # The thread's own: a subscriber who comes while it ends starts another one, which must not look through a
        # connection that is being closed.
        lookout, reader = Lookout(self._open_catalog), MessageReader()
        try:
            while (due := self._next_due()) is not None:
                self._look(lookout, reader, due)
        finally:
            lookout.close()

    def _next_due(self) -> list[Subscription] | None:
        """Wait until somebody is due; None when nobody has waited for a while."""
        with self._changed:
            while True:
                if not self._subscriptions:
                    self._changed.wait(_IDLE_SECONDS)
                    if not self._subscriptions:
                        self._thread = None
                        return None
                now = time.monotonic()
                first = min(subscription.due for subscription in self._subscriptions)
                if first <= now:
                    # Those who are due soon come along, so that one query serves all.
                    slack = now + SHORTEST_TICK / 2
                    return [each for each in self._subscriptions if each.due <= slack]
                self._changed.wait(first - now)

    def _look(self, lookout: Lookout, reader: MessageReader, due: list[Subscription]) -> None:
        try:
            states = lookout.states({each.watch.execution_id for each in due}, waiting=self._waiting)
        except MeetsAll as met:
            lookout.close()
            self._bear(due, met.error, meets_all=True)
            return
        except Exception as error:
            if not isinstance(error, CatalogError):
                log.warning("Looking at the catalog failed in an unforeseen way.", exc_info=True)
            lookout.close()
            self._bear(due, error)
            return
        following: dict[int, list[Subscription]] = {}
        for subscription in due:
            execution_id = subscription.watch.execution_id
            if execution_id in states.failed:
                self._bear([subscription], states.failed[execution_id])
            elif subscription.after is None:
                self._tell(subscription, states.found.get(execution_id))
            else:
                following.setdefault(execution_id, []).append(subscription)
        # After the states: whoever is over has written all its messages by now.
        positions = {each: min(one.after or 0 for one in following[each]) for each in following}
        for reading in reader.read(lookout, positions, waiting=self._waiting):
            for execution_id in reading.execution_ids:
                for subscription in following[execution_id]:
                    self._tell(subscription, states.found.get(execution_id), reading)

    def _waiting(self) -> list[int]:
        """All executions that somebody waits for."""
        with self._changed:
            return list({each.watch.execution_id for each in self._subscriptions})

    def _tell(self, subscription: Subscription, state: ExecutionState | None, reading: Reading = _NO_READING) -> None:
        watch, outage = subscription.watch, subscription.outage
        verdict = watch.judge(state)
        age = 0 if state is None else state.age or 0
        delay = watch.delay(age)
        messages = subscription.new_among(reading.messages.get(watch.execution_id, ()))
        reads_on = held_back = watch.execution_id in reading.behind
        began = recovered = unread = None
        if reading.error is None:
            recovered = outage.end()
        else:
            began = None if outage.is_on else str(reading.error)
            try:
                delay = watch.deadline.limit(outage.bear(reading.error))
                held_back = outage.seconds < _MESSAGES_GRACE
            except Exception as error:  # noqa: BLE001 the same error, now borne for too long
                # The execution is in sight, so the wait goes on without its messages.
                began, unread = None, str(error)
                subscription.after = None
                outage.end()
        if verdict is Verdict.OVER and held_back and not watch.deadline.passed:
            verdict = None
        shortest = min(SHORTEST_TICK, watch.poll_interval)
        subscription.due = time.monotonic() + (0.0 if reads_on else max(shortest, delay))
        update = Update(
            status=subscription.changed_status(state),
            messages=messages,
            outage=began,
            recovered=recovered,
            unread=unread,
            verdict=verdict,
        )
        if update != _NOTHING:
            self._deliver(subscription, update)

    def _bear(self, due: Sequence[Subscription], error: Exception, *, meets_all: bool = False) -> None:
        longest = 0.0
        for subscription in due:
            began = not subscription.outage.is_on
            try:
                longest = max(longest, subscription.outage.bear(error, meets_all=meets_all))
            except Exception as last:  # noqa: BLE001 the same error, now borne for too long
                self._deliver(subscription, Update(verdict=Verdict.OUT_OF_SIGHT, error=last))
                continue
            if subscription.watch.deadline.passed:
                self._deliver(subscription, Update(verdict=Verdict.TIMEOUT))
            elif began:
                self._deliver(subscription, Update(outage=str(error)))
        now = time.monotonic()
        for subscription in due:
            subscription.due = now + subscription.watch.deadline.limit(longest)

    def _deliver(self, subscription: Subscription, update: Update) -> None:
        if update.verdict is not None:
            self.unsubscribe(subscription)
        subscription.tell(update)
        self._told += 1
        if self._told % _BURST == 0:
            # Thousands told at once would keep the event loop from everything else for as long as they take.
            time.sleep(_PAUSE)


_NOTHING = Update()


@functools.cache
def _freeze_once() -> None:
    """Keep what is there now out of garbage collections, once in the life of a process.

    A full collection walks all objects of the process while the event loop stands still. Nearly all of those that a
    triggerer has were made by imports and live as long as it does, so walking them finds nothing.
    """
    gc.freeze()
    log.info("Garbage collection leaves out what the triggerer has loaded so far: many executions are waited for.")


_pollers: dict[str, tuple[asyncio.AbstractEventLoop, Poller]] = {}


def poller_of(
    loop: asyncio.AbstractEventLoop,
    ssis_conn_id: str,
    opener: Callable[[asyncio.AbstractEventLoop, str], Callable[[], Catalog]],
) -> Poller:
    """The poller that all triggers of an event loop share which wait on one connection.

    :param loop: the triggers' event loop, which is the caller's.
    :param ssis_conn_id: the Airflow connection.
    :param opener: makes what opens a client of that connection, given both.
    """
    of_loop, poller = _pollers.get(ssis_conn_id, (None, None))
    if poller is None or of_loop is not loop:
        # A triggerer has one loop; another one comes only where triggers run one by one, as in dag.test().
        poller = Poller(
            opener(loop, ssis_conn_id), name=f"ssis-poller-{ssis_conn_id}", gc_freeze_at=config.gc_freeze_at()
        )
        _pollers[ssis_conn_id] = (loop, poller)
    return poller
