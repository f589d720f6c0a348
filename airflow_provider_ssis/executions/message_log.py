"""Writing an execution's event messages to the task log while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.catalog.message_levels import MessageLevel, format_message

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage

CHUNK = 1000
"""Messages read in one round trip; limits the memory that they take."""

MAX_WITHOUT_ID = 10_000
"""The most messages of Scale Out workers that are shown. They have no id, so they cannot be read in chunks."""


class TaskLog(Protocol):
    """A task's log: a logger of Python's logging in Airflow 2, one of structlog in Airflow 3."""

    def info(self, event: Any, /, *args: Any) -> Any:
        """Log a format and its arguments."""

    def warning(self, event: Any, /, *args: Any) -> Any:
        """Log a format and its arguments as a warning."""

    def error(self, event: Any, /, *args: Any) -> Any:
        """Log a format and its arguments as an error."""


class MessageForwarder:
    """Reads an execution's messages in order, each once, and writes them to the task log.

    Messages of Scale Out workers have no id to continue from, so they are written when the execution has ended.

    :param execution_id: the execution.
    :param log: the task log. Errors and warnings are logged at their own level, all others at INFO.
    :param level: the least important messages to write. Default: all.
    :param after: id of the last message that has been written before. Default: none has.
    """

    def __init__(
        self, execution_id: int, log: TaskLog, *, level: MessageLevel = MessageLevel.ALL, after: int = 0
    ) -> None:
        self._execution_id = execution_id
        self._log = log
        self._level = level
        self.last_id = after
        """Id of the last message that has been written; 0 if none has."""

    def forward(self, catalog: Catalog) -> int:
        """Write all messages since the last call.

        :param catalog: where to read them.
        :return: how many there were.
        """
        count = 0
        while self._level is not MessageLevel.NONE:
            chunk = catalog.event_messages(
                self._execution_id, after=self.last_id, limit=CHUNK, message_types=self._level.types
            )
            for message in chunk:
                log_message(self._log, message, self._level)
                if message.event_message_id is not None:
                    self.last_id = message.event_message_id
            count += len(chunk)
            if len(chunk) < CHUNK:
                break
        return count

    def forward_rest(self, catalog: Catalog) -> None:
        """Write what is left when the execution has ended.

        :param catalog: where to read it.
        """
        self.forward(catalog)
        self.forward_without_id(catalog)

    def forward_without_id(self, catalog: Catalog) -> None:
        """Write the messages of Scale Out workers when the execution has ended.

        :param catalog: where to read them.
        """
        if self._level is MessageLevel.NONE:
            return
        without_id = catalog.event_messages(
            self._execution_id, after=None, limit=MAX_WITHOUT_ID, message_types=self._level.types
        )
        for message in without_id:
            log_message(self._log, message, self._level)
        if len(without_id) == MAX_WITHOUT_ID:
            self._log.warning("More than %d messages of Scale Out workers: the rest is not shown.", MAX_WITHOUT_ID)


def log_message(log: TaskLog, message: EventMessage, level: MessageLevel) -> None:
    """Log a message at its own level, if the level includes it."""
    if level.includes(message):
        by_type = {MessageType.ERROR: log.error, MessageType.WARNING: log.warning}
        by_type.get(message.message_type, log.info)("%s", format_message(message))
