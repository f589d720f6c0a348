"""Reading the messages of many, with a catalog that does not answer for some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import CatalogError, ConnectionLost, StatementTimeout
from airflow_provider_ssis.catalog.models import EventMessage
from airflow_provider_ssis.triggers.message_reader import MessageReader
from airflow_provider_ssis.triggers.poller_connection import PollerConnection

ALL = range(1, 65)


@dataclass
class Server:
    """Fails where it is asked for certain executions: times out, unless another error is given."""

    slow: set[int]
    error: Exception = field(default_factory=lambda: StatementTimeout("too slow"))
    asked: list[set[int]] = field(default_factory=list)
    closed: int = 0

    def close(self) -> None:
        self.closed += 1

    def event_messages_of(self, positions: Mapping[int, int], limit: int) -> list[EventMessage]:
        self.asked.append(set(positions))
        if self.slow & set(positions):
            raise self.error
        return []

    @property
    def connection(self) -> PollerConnection:
        return PollerConnection(lambda: cast("Catalog", self))


def unread(reader: MessageReader, server: Server) -> set[int]:
    """The executions whose messages a poll cannot read; every execution must be reported."""
    readings = list(reader.read(server.connection, dict.fromkeys(ALL, 0), subscribed=lambda: ALL))
    assert sorted(each for reading in readings for each in reading.execution_ids) == list(ALL)
    return {each for reading in readings if reading.error for each in reading.execution_ids}


def test_a_poll_loses_time_to_one_unanswered_query_and_later_polls_find_its_execution() -> None:
    reader, server = MessageReader(max_seconds_after_failure=0.0), Server({13})
    left = [len(unread(reader, server)) for _ in range(8)]
    assert len([group for group in server.asked if 13 in group]) == len(left)
    assert left == sorted(left, reverse=True)
    assert left[0] == len(ALL)
    assert unread(reader, server) == {13}
    # The others together, and it last.
    assert server.asked[-2:] == [set(ALL) - {13}, {13}]


def test_two_without_an_answer_do_not_keep_each_other_from_being_asked() -> None:
    reader, server = MessageReader(max_seconds_after_failure=0.0), Server({13, 50})
    for _ in range(20):
        unread(reader, server)
    server.slow = {13}
    unread(reader, server)
    unread(reader, server)
    assert unread(reader, server) == {13}


def test_who_answers_again_is_asked_together_with_the_others() -> None:
    reader, server = MessageReader(), Server({13})
    assert unread(reader, server) == {13}
    server.slow = set()
    assert unread(reader, server) == set()
    assert unread(reader, server) == set()
    assert server.asked[-1] == set(ALL)


@pytest.mark.parametrize(
    ("error", "unread_executions", "closed"),
    [
        (ConnectionLost("The connection broke."), set(ALL), 1),
        # After each of seven queries: for all executions, for half of them, and so on.
        (StatementTimeout("too slow"), {13}, 7),
        (ValueError("no type 99"), {13}, 7),
        (CatalogError("One message cannot be read."), {13}, 0),
    ],
    ids=repr,
)
def test_a_lost_connection_ends_the_poll_and_other_failures_are_narrowed_down(
    error: Exception, unread_executions: set[int], closed: int
) -> None:
    server = Server({13}, error)
    assert unread(MessageReader(), server) == unread_executions
    assert server.closed == closed
