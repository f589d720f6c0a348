"""Bringing an execution's event messages into a task's log while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.executions.outcome import executable_of

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.catalog import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage
    from airflow_provider_ssis.executions.task_log import TaskLog

CHUNK = 1000
"""Messages read in one round trip: bounds what is held in memory."""


class MessageFollower:
    """Reads an execution's messages forward, each once, and logs them.

    Messages of Scale Out workers carry no id to go on from, so they are not followed.

    :param execution_id: the execution.
    :param log: where the messages go: errors and warnings at their level, all others at INFO.
    """

    def __init__(self, execution_id: int, log: TaskLog) -> None:
        self._execution_id = execution_id
        self._tell = {MessageType.ERROR: log.error, MessageType.WARNING: log.warning}
        self._tell_other = log.info
        self._last_id = 0

    def follow(self, catalog: Catalog) -> int:
        """Log all messages that were written since the last call.

        :param catalog: where to read them.
        :return: how many there were.
        """
        count = 0
        while True:
            chunk = catalog.event_messages(self._execution_id, after=self._last_id, limit=CHUNK)
            for message in chunk:
                self._tell.get(message.message_type, self._tell_other)("%s", log_line(message))
                if message.event_message_id is not None:
                    self._last_id = message.event_message_id
            count += len(chunk)
            if len(chunk) < CHUNK:
                return count


def log_line(message: EventMessage) -> str:
    """A message as a line of a log: the executable's path and the text."""
    where = executable_of(message)
    code = f" ({message.code_hex})" if message.code_hex and message.message_type is MessageType.ERROR else ""
    return f"[{where}] {message.message}{code}" if where else f"{message.message}{code}"
