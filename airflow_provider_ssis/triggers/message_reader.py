"""Reading the new messages of many executions at once, so that one execution does not delay the others."""

from __future__ import annotations

import itertools
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.errors import CatalogError, ConnectError, ConnectionLost, StatementTimeout
from airflow_provider_ssis.executions.deadline import SYSTEM_CLOCK
from airflow_provider_ssis.triggers.poller_connection import halves

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage
    from airflow_provider_ssis.executions.deadline import Clock
    from airflow_provider_ssis.triggers.poller_connection import PollerConnection

log = logging.getLogger(__name__)

CHUNK = 1000
"""Messages read in one query; limits the memory that they take."""

MAX_SECONDS_AFTER_FAILURE = 10.0
"""Seconds after which a poll reads no more messages once a query has failed. All status queries wait meanwhile."""

_MAX_CHUNKS = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """The messages of some executions.

    :param execution_ids: the executions.
    :param messages: the new messages of each that has any, oldest first.
    :param unfinished: those that may have more messages.
    :param error: why the messages could not be read.
    """

    execution_ids: Collection[int]
    messages: Mapping[int, Sequence[EventMessage]] = field(default_factory=dict)
    unfinished: Collection[int] = frozenset()
    error: Exception | None = None


class MessageReader:
    """Reads messages with one query. If it fails, with one for each half, and so on, until only failing ones are left.

    Executions whose query failed are read separately from the others, and after them, until their query succeeds. So a
    poll loses time to one query without an answer only, and the following polls find the rest.

    :param max_seconds_after_failure: see :data:`MAX_SECONDS_AFTER_FAILURE`.
    :param clock: the time. Default: the system's.
    """

    def __init__(
        self, *, max_seconds_after_failure: float = MAX_SECONDS_AFTER_FAILURE, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._max_seconds = max_seconds_after_failure
        self._clock = clock
        # The group of each execution whose messages could not be read. Higher numbers are read later.
        self._failed_groups: dict[int, int] = {}
        self._numbers = itertools.count(1)

    def read(
        self,
        connection: PollerConnection,
        positions: Mapping[int, int],
        *,
        subscribed: Callable[[], Collection[int]],
    ) -> Iterator[Reading]:
        """Read new messages. Each execution is in one of the readings, which are returned as soon as they are there.

        :param connection: where to read. It is closed if a query failed in a way that may have damaged it.
        :param positions: for each execution the id of the last known message, 0 for none.
        :param subscribed: returns all executions that have subscribers.
        """
        began = self._clock.monotonic()
        groups = deque(self._groups(positions))
        last_error: Exception | None = None
        while groups:
            group = groups.popleft()
            if last_error is not None:
                yield Reading(group, error=last_error)
                continue
            try:
                reading = _read(connection.catalog, {each: positions[each] for each in group})
            except Exception as error:  # noqa: BLE001 passed on to the subscribers
                if _ends_poll(error, connection) or self._clock.monotonic() - began > self._max_seconds:
                    last_error = error
                parts = halves(group) if len(group) > 1 else [group]
                for part in parts:
                    self._failed_groups.update(dict.fromkeys(part, next(self._numbers)))
                if len(group) > 1:
                    groups.extend(parts)
                else:
                    yield Reading(group, error=error)
                continue
            for each in group:
                self._failed_groups.pop(each, None)
            yield reading
        if self._failed_groups:
            kept = self._failed_groups.keys() & set(subscribed())
            self._failed_groups = {each: self._failed_groups[each] for each in kept}

    def _groups(self, positions: Mapping[int, int]) -> list[list[int]]:
        """Which executions are read together; first those whose last query succeeded."""
        groups: dict[int, list[int]] = {}
        for execution_id in positions:
            groups.setdefault(self._failed_groups.get(execution_id, 0), []).append(execution_id)
        return [groups[number] for number in sorted(groups)]


def _ends_poll(error: Exception, connection: PollerConnection) -> bool:
    """Whether this poll should read no more messages. Closes a connection that the error may have damaged."""
    if not isinstance(error, CatalogError):
        log.warning("Reading messages failed unexpectedly.", exc_info=error)
    if isinstance(error, CatalogError) and not isinstance(error, (ConnectionLost, ConnectError, StatementTimeout)):
        return False
    was_open = connection.is_open
    connection.close()
    return isinstance(error, (ConnectionLost, ConnectError)) or not was_open


def _read(catalog: Catalog, positions: Mapping[int, int]) -> Reading:
    """Read in chunks. Executions that fill a chunk wait, so that those with few messages are read to their end."""
    wanted = dict(positions)
    postponed: dict[int, int] = {}
    messages: dict[int, list[EventMessage]] = {}
    for _ in range(_MAX_CHUNKS):
        chunk = catalog.event_messages_of(wanted, limit=CHUNK)
        for message in chunk:
            messages.setdefault(message.operation_id, []).append(message)
            if message.event_message_id is not None:
                wanted[message.operation_id] = message.event_message_id
        if len(chunk) < CHUNK:
            wanted = {}
        else:
            average = len(chunk) / len(wanted)
            for execution_id, count in Counter(message.operation_id for message in chunk).items():
                # At least one execution has the average number or more, so the loop makes progress.
                if count >= average:
                    postponed[execution_id] = wanted.pop(execution_id)
        if not wanted:
            wanted, postponed = postponed, {}
        if not wanted:
            break
    return Reading(list(positions), messages, frozenset(wanted) | frozenset(postponed))
