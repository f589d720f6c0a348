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
from airflow_provider_ssis.catalog.errors import CatalogError, ConnectError, StatementTimeout, TransientError
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.watching import Verdict
from airflow_provider_ssis.triggers.lookout import Lookout

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.catalog import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage, ExecutionState
    from airflow_provider_ssis.executions.watching import Watch

log = logging.getLogger(__name__)

SHORTEST_TICK = 1.0
"""Seconds between two looks, unless somebody asked for less."""

CHUNK = 1000
"""Messages read in one query: bounds what is held in memory."""

_CHUNKS_A_TICK = 10
_IDLE_SECONDS = 30.0
_BURST = 50
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Update:
    """What a subscriber is told.

    :param status: the execution's status, where it was seen and has changed.
    :param messages: its messages since the last update.
    :param outage: an error's text when an outage begins.
    :param recovered: seconds that the outage lasted, when it has ended.
    :param verdict: why the watch is over; it is the last update then.
    :param error: the error that ended it, where one did.
    """

    status: str | None = None
    messages: Sequence[EventMessage] = ()
    outage: str | None = None
    recovered: float | None = None
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
        lookout = Lookout(self._open_catalog)
        try:
            while (due := self._next_due()) is not None:
                self._look(lookout, due)
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

    def _look(self, lookout: Lookout, due: list[Subscription]) -> None:
        try:
            states, messages, read_all = self._ask(lookout, due)
        except Exception as error:
            if not isinstance(error, CatalogError):
                log.warning("Looking at the catalog failed in an unforeseen way.", exc_info=True)
            if len(due) > 1 and not _concerns_all(error):
                # A query that fails for one must not fail the others.
                half = len(due) // 2
                self._look(lookout, due[:half])
                self._look(lookout, due[half:])
                return
            lookout.close()
            self._bear(due, error)
            return
        for subscription in due:
            state = states.get(subscription.watch.execution_id)
            self._tell(subscription, state, messages.get(subscription.watch.execution_id, []), read_all=read_all)

    def _ask(
        self, lookout: Lookout, due: Sequence[Subscription]
    ) -> tuple[dict[int, ExecutionState], dict[int, list[EventMessage]], bool]:
        catalog = lookout.catalog
        ids = {subscription.watch.execution_id for subscription in due}
        states = {state.execution_id: state for state in catalog.execution_states(ids)}
        # After the states: whoever is over has written all its messages by now.
        messages, read_all = self._read_messages(catalog, due)
        return states, messages, read_all

    @staticmethod
    def _read_messages(catalog: Catalog, due: Sequence[Subscription]) -> tuple[dict[int, list[EventMessage]], bool]:
        positions: dict[int, int] = {}
        for subscription in due:
            if subscription.after is not None:
                execution_id = subscription.watch.execution_id
                positions[execution_id] = min(subscription.after, positions.get(execution_id, subscription.after))
        found: dict[int, list[EventMessage]] = {}
        if not positions:
            return found, True
        for _ in range(_CHUNKS_A_TICK):
            chunk = catalog.event_messages_of(positions, limit=CHUNK)
            for message in chunk:
                found.setdefault(message.operation_id, []).append(message)
                if message.event_message_id is not None:
                    positions[message.operation_id] = message.event_message_id
            if len(chunk) < CHUNK:
                return found, True
        return found, False

    def _tell(
        self,
        subscription: Subscription,
        state: ExecutionState | None,
        messages: Sequence[EventMessage],
        *,
        read_all: bool,
    ) -> None:
        if subscription.after is not None:
            messages = [each for each in messages if (each.event_message_id or 0) > subscription.after]
            if messages:
                subscription.after = messages[-1].event_message_id
        else:
            messages = ()
        verdict = subscription.watch.judge(state) if read_all else None
        update = Update(
            status=subscription.changed_status(state),
            messages=messages,
            recovered=subscription.outage.end(),
            verdict=verdict,
        )
        age = 0 if state is None else state.age or 0
        watch = subscription.watch
        shortest = min(SHORTEST_TICK, watch.poll_interval)
        subscription.due = time.monotonic() + (max(shortest, watch.delay(age)) if read_all else 0.0)
        if update != _NOTHING:
            self._deliver(subscription, update)

    def _bear(self, due: Sequence[Subscription], error: Exception) -> None:
        longest = 0.0
        for subscription in due:
            began = not subscription.outage.is_on
            try:
                longest = max(longest, subscription.outage.bear(error))
            except Exception as last:  # noqa: BLE001 the same error, now borne for too long
                self._deliver(subscription, Update(verdict=Verdict.OUT_OF_SIGHT, error=last))
                continue
            if subscription.watch.deadline.passed:
                self._deliver(subscription, Update(verdict=Verdict.TIMEOUT))
            elif began:
                self._deliver(subscription, Update(outage=str(error)))
        next_look = time.monotonic() + longest
        for subscription in due:
            subscription.due = next_look

    def _deliver(self, subscription: Subscription, update: Update) -> None:
        if update.verdict is not None:
            self.unsubscribe(subscription)
        subscription.tell(update)
        self._told += 1
        if self._told % _BURST == 0:
            # Thousands told at once would keep the event loop from everything else for as long as they take.
            time.sleep(_PAUSE)


_NOTHING = Update()


def _concerns_all(error: Exception) -> bool:
    """Whether the error is about the way to the catalog rather than about what was asked."""
    return isinstance(error, (TransientError, ConnectError, StatementTimeout)) or not isinstance(error, CatalogError)


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
