"""Reading the new messages of many executions at once, so that none of them keeps those of the others back."""

from __future__ import annotations

import itertools
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.errors import CatalogError, ConnectError, ConnectionLost, StatementTimeout
from airflow_provider_ssis.triggers.lookout import halves

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage
    from airflow_provider_ssis.triggers.lookout import Lookout

log = logging.getLogger(__name__)

CHUNK = 1000
"""Messages read in one query: bounds what is held in memory."""

_CHUNKS = 10
_LONGEST = 10.0
"""Seconds after which a look reads no more messages once a query has failed: everybody's status waits meanwhile."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of some executions.

    :param execution_ids: the executions.
    :param messages: for each that has any its new messages, oldest first.
    :param behind: those of which there may be more.
    :param error: why nothing could be read.
    """

    execution_ids: Collection[int]
    messages: Mapping[int, Sequence[EventMessage]] = field(default_factory=dict)
    behind: Collection[int] = frozenset()
    error: Exception | None = None


class MessageReader:
    """Reads with one query; where that fails, with one for each half, and so on, until those stand alone that fail.

    Who has failed is asked for apart from the others, and after them, until it does not fail any more. So a look loses
    time to a query that the server does not answer once, and what remains to be found out is left to the next looks.
    """

    def __init__(self) -> None:
        # For each execution whose messages could not be read the number of its group: the higher, the later asked for.
        self._apart: dict[int, int] = {}
        self._numbers = itertools.count(1)

    def read(
        self, lookout: Lookout, positions: Mapping[int, int], *, waiting: Callable[[], Collection[int]]
    ) -> Iterator[Reading]:
        """Read what is new; each execution is in one of the readings. Those come as soon as they are known.

        :param lookout: where to read from; closed where a query failed in a way that may have spoilt the connection.
        :param positions: for each execution the id of its last message that is known, 0 for none.
        :param waiting: gives all executions that somebody waits for.
        """
        began = time.monotonic()
        groups = deque(self._groups(positions))
        given_up: Exception | None = None
        while groups:
            group = groups.popleft()
            if given_up is not None:
                yield Reading(group, error=given_up)
                continue
            try:
                reading = _read(lookout.catalog, {each: positions[each] for each in group})
            except Exception as error:  # noqa: BLE001 told to whom it concerns
                if _is_over(error, lookout) or time.monotonic() - began > _LONGEST:
                    given_up = error
                parts = halves(group) if len(group) > 1 else [group]
                for part in parts:
                    self._apart.update(dict.fromkeys(part, next(self._numbers)))
                if len(group) > 1:
                    groups.extend(parts)
                else:
                    yield Reading(group, error=error)
                continue
            for each in group:
                self._apart.pop(each, None)
            yield reading
        if self._apart:
            self._apart = {each: self._apart[each] for each in self._apart.keys() & set(waiting())}

    def _groups(self, positions: Mapping[int, int]) -> list[list[int]]:
        """Who is asked for together, those first who have not failed."""
        groups: dict[int, list[int]] = {}
        for execution_id in positions:
            groups.setdefault(self._apart.get(execution_id, 0), []).append(execution_id)
        return [groups[number] for number in sorted(groups)]


def _is_over(error: Exception, lookout: Lookout) -> bool:
    """Whether a look had better read no more messages after an error; closes a connection that it may have spoilt."""
    if not isinstance(error, CatalogError):
        log.warning("Reading messages failed in an unforeseen way.", exc_info=error)
    if isinstance(error, CatalogError) and not isinstance(error, (ConnectionLost, ConnectError, StatementTimeout)):
        return False
    is_open = lookout.is_open
    lookout.close()
    return isinstance(error, (ConnectionLost, ConnectError)) or not is_open


def _read(catalog: Catalog, positions: Mapping[int, int]) -> Reading:
    """Read in chunks; those who fill one stand back, so that those with little to say are read to the end."""
    wanted = dict(positions)
    standing_back: dict[int, int] = {}
    messages: dict[int, list[EventMessage]] = {}
    for _ in range(_CHUNKS):
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
                # Somebody always has as many as the average, or more.
                if count >= average:
                    standing_back[execution_id] = wanted.pop(execution_id)
        if not wanted:
            wanted, standing_back = standing_back, {}
        if not wanted:
            break
    return Reading(list(positions), messages, frozenset(wanted) | frozenset(standing_back))
