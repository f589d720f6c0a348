"""Messages and statistics of operations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.catalog.failures.message_codes import ROWS_WRITTEN
from airflow_provider_ssis.catalog.models import (
    EventMessage,
    ExecutionSummary,
    MessageContext,
    OperationMessage,
    RowsWritten,
)
from airflow_provider_ssis.catalog.session import PAGE_SIZE, CatalogPart
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, one_of, padded, select

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import OperationType
    from airflow_provider_ssis.catalog.session import CatalogSession


_MOST_PAIRS = 1000


class Messages(CatalogPart):
    """The part of the catalog client for messages and statistics."""

    def event_messages(
        self,
        execution_id: int,
        *,
        after: int | None = 0,
        limit: int | None = 1000,
        message_types: Collection[MessageType] | None = None,
    ) -> list[EventMessage]:
        """Messages of an execution, in the order in which they were written.

        To follow a run, pass the ``event_message_id`` of the last message read as ``after``. Messages of Scale Out
        workers have no such id, so they cannot be followed this way: read them when the execution is over.

        :param execution_id: the execution.
        :param after: only messages with a higher id; None for those that have none. Default: 0, from the beginning.
        :param limit: the most messages to read. Default: 1000; None for no limit.
        :param message_types: only these types. Default: all.
        """
        where = ["v.operation_id = ?"]
        values: list[MarkerValue] = [execution_id]
        if after is None:
            where.append("v.event_message_id IS NULL")
        else:
            where.append("v.event_message_id > ?")
            values.append(after)
        if message_types is not None:
            if not message_types:
                return []
            where.append(one_of("v.message_type", message_types))
            values += [message_type.value for message_type in message_types]
        batch = select(
            EventMessage,
            "catalog.event_messages AS v",
            where=where,
            values=values,
            order_by="v.message_time" if after is None else "v.event_message_id",
            limit=limit,
        )
        return self._session.fetch(EventMessage, batch, doing=f"Reading the messages of execution {execution_id}")

    def all_event_messages(
        self, execution_id: int, *, message_types: Collection[MessageType] | None = None
    ) -> Iterator[EventMessage]:
        """All messages of an execution in the order in which they were written, read page by page.

        Those of Scale Out workers, which have no id, come last.

        :param execution_id: the execution.
        :param message_types: only these types. Default: all.
        """
        last, size = 0, PAGE_SIZE
        while True:
            page = self.event_messages(execution_id, after=last, limit=size, message_types=message_types)
            yield from page
            if len(page) < size:
                break
            last = page[-1].event_message_id or last
        yield from self.event_messages(execution_id, after=None, limit=None, message_types=message_types)

    def event_messages_of(self, positions: Mapping[int, int], *, limit: int = 1000) -> list[EventMessage]:
        """Messages of several executions, in the order in which they were written.

        One round trip for up to a thousand executions. To follow them, continue with the last id read of each. Messages
        of Scale Out workers have no id, so they are left out.

        :param positions: for each execution's id the id of its last message that is known, 0 for none.
        :param limit: the most messages to read from each thousand of executions. Default: 1000.
        """
        messages: list[EventMessage] = []
        pairs = list(positions.items())
        for begin in range(0, len(pairs), _MOST_PAIRS):
            chunk = pairs[begin : begin + _MOST_PAIRS]
            chunk = padded(chunk, _MOST_PAIRS)
            places = ", ".join("(?, ?)" for _ in chunk)
            batch = select(
                EventMessage,
                f"(SELECT DISTINCT p.operation_id, p.position FROM (VALUES {places}) "
                "AS p (operation_id, position)) AS w JOIN catalog.event_messages AS v "
                "ON v.operation_id = w.operation_id AND v.event_message_id > w.position",
                values=[value for pair in chunk for value in pair],
                order_by="v.event_message_id",
                limit=limit,
            )
            messages += self._session.fetch(EventMessage, batch, doing="Reading messages of executions")
        return messages

    def execution_summary(self, execution_id: int) -> ExecutionSummary:
        """Count an execution's errors and warnings, and the rows that its destinations report.

        :param execution_id: the execution.
        """
        batch = Batch(
            "SELECT v.message_type, COUNT(*) AS messages FROM catalog.event_messages AS v "
            "WHERE v.operation_id = ? AND v.message_type IN (?, ?) GROUP BY v.message_type;\n"
            "SELECT v.message FROM catalog.event_messages AS v WHERE v.operation_id = ? AND v.message_code = ? "
            "ORDER BY v.message_time",
            (execution_id, MessageType.ERROR.value, MessageType.WARNING.value, execution_id, ROWS_WRITTEN),
        )
        counts, written = self._session.run(batch, doing=f"Reading the summary of execution {execution_id}")
        messages = {int(message_type): int(count) for message_type, count in counts.rows}
        return ExecutionSummary(
            errors=messages.get(MessageType.ERROR, 0),
            warnings=messages.get(MessageType.WARNING, 0),
            rows_written=rows_written(str(message) for (message,) in written.rows),
        )

    def operation_messages(self, operation_id: int) -> Iterator[OperationMessage]:
        """All messages of an operation in the order in which they were written, read page by page."""
        return operation_messages(self._session, operation_id)

    def event_message_context(self, event_message_id: int) -> list[MessageContext]:
        """The properties that a message was written with, at logging levels that record the context of messages.

        :param event_message_id: the message.
        """
        batch = select(
            MessageContext,
            "catalog.event_message_context AS v",
            where=["v.event_message_id = ?"],
            values=[event_message_id],
            order_by="v.context_depth, v.context_id",
        )
        return self._session.fetch(
            MessageContext, batch, doing=f"Reading the context of the message {event_message_id}"
        )


def operation_messages(
    session: CatalogSession, operation_id: int, *, operation_type: OperationType | None = None
) -> Iterator[OperationMessage]:
    """All messages of an operation in the order in which they were written, read page by page.

    :param session: the session to read with.
    :param operation_id: the operation.
    :param operation_type: no messages unless the operation is of this type. Default: any type.
    """

    def page(last: OperationMessage | None, size: int) -> Batch:
        where: list[str] = ["v.operation_id = ?"]
        values: list[MarkerValue] = [operation_id]
        source = "catalog.operation_messages AS v"
        if operation_type is not None:
            source += " JOIN catalog.operations AS o ON o.operation_id = v.operation_id"
            where.append("o.operation_type = ?")
            values.append(operation_type.value)
        if last is not None:
            where.append("v.operation_message_id > ?")
            values.append(last.operation_message_id)
        return select(
            OperationMessage, source, where=where, values=values, order_by="v.operation_message_id", limit=size
        )

    return session.pages(OperationMessage, page, doing=f"Reading the messages of operation {operation_id}")


def rows_written(messages: Iterable[str]) -> tuple[RowsWritten, ...]:
    """The rows that destinations report, added up for each.

    :param messages: texts such as ``Load:Information: "Sales" wrote 12 rows.``, or ``component "Sales" (37) wrote 12
        rows.`` of SQL Server 2008. Texts in other languages have the name in quotes and the number last, too.
    """
    rows: dict[str, int] = {}
    for message in messages:
        if (found := _WROTE.search(message)) is not None:
            rows[found["destination"]] = rows.get(found["destination"], 0) + int(found["rows"])
    return tuple(RowsWritten(destination, count) for destination, count in rows.items())


_WROTE = re.compile(r'"(?P<destination>[^"]+)"(?:.*\D)?(?P<rows>\d+)\D*$', re.DOTALL)
