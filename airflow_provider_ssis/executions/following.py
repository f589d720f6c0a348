"""Bringing an execution's event messages into a task's log while it runs."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.executions.outcome import executable_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage
    from airflow_provider_ssis.executions.task_log import TaskLog

CHUNK = 1000
"""Messages read in one round trip: bounds what is held in memory."""


MOST_WITHOUT_ID = 10_000
"""Messages of Scale Out workers that are shown: they can only be read at once."""


class MessageLevel(Enum):
    """The least important messages that come into a task's log."""

    NONE = "none"
    """No messages."""
    ERROR = "error"
    """Errors, and tasks that failed."""
    WARNING = "warning"
    """Warnings too."""
    INFORMATION = "information"
    """What components tell of themselves too, such as row counts."""
    ALL = "all"
    """Everything that the logging level writes: beginnings and ends of tasks, validations, progress."""

    @property
    def replayed(self) -> MessageLevel:
        """What is told once more after a deferral, since a triggerer's log may be lost: what matters, at most."""
        return self if self in (MessageLevel.NONE, MessageLevel.ERROR) else MessageLevel.WARNING

    @property
    def types(self) -> Collection[MessageType] | None:
        """The message types that are included; None for all."""
        return None if self is MessageLevel.ALL else _TYPES[self]

    def includes(self, message_type: MessageType) -> bool:
        """Whether messages of a type are included."""
        return self is MessageLevel.ALL or message_type in _TYPES[self]


_ERRORS = frozenset({MessageType.ERROR, MessageType.TASK_FAILED})
_WARNINGS = _ERRORS | {MessageType.WARNING, MessageType.QUERY_CANCEL}
_TYPES = {
    MessageLevel.NONE: frozenset[MessageType](),
    MessageLevel.ERROR: _ERRORS,
    MessageLevel.WARNING: _WARNINGS,
    MessageLevel.INFORMATION: _WARNINGS | {MessageType.INFORMATION},
}


class MessageFollower:
    """Reads an execution's messages forward, each once, and logs them.

    Messages of Scale Out workers carry no id to go on from, so they come when the execution is over.

    :param execution_id: the execution.
    :param log: where the messages go: errors and warnings at their level, all others at INFO.
    :param level: the least important ones to log. Default: all.
    """

    def __init__(self, execution_id: int, log: TaskLog, *, level: MessageLevel = MessageLevel.ALL) -> None:
        self._execution_id = execution_id
        self._log = log
        self._level = level
        self._last_id = 0

    def follow(self, catalog: Catalog) -> int:
        """Log all messages that were written since the last call.

        :param catalog: where to read them.
        :return: how many there were.
        """
        count = 0
        while self._level is not MessageLevel.NONE:
            chunk = catalog.event_messages(
                self._execution_id, after=self._last_id, limit=CHUNK, message_types=self._level.types
            )
            for message in chunk:
                tell(self._log, message)
                if message.event_message_id is not None:
                    self._last_id = message.event_message_id
            count += len(chunk)
            if len(chunk) < CHUNK:
                break
        return count

    def finish(self, catalog: Catalog) -> None:
        """Log what is left when the execution is over.

        :param catalog: where to read it.
        """
        self.follow(catalog)
        self.tell_those_without_id(catalog)

    def tell_those_without_id(self, catalog: Catalog) -> None:
        """Log the messages of Scale Out workers, which have no id to follow them by; when the execution is over.

        :param catalog: where to read them.
        """
        if self._level is MessageLevel.NONE:
            return
        without_id = catalog.event_messages(
            self._execution_id, after=None, limit=MOST_WITHOUT_ID, message_types=self._level.types
        )
        for message in without_id:
            tell(self._log, message)
        if len(without_id) == MOST_WITHOUT_ID:
            self._log.warning("More than %d messages of Scale Out workers: the rest is not shown.", MOST_WITHOUT_ID)


def tell(log: TaskLog, message: EventMessage) -> None:
    """Log a message at its level."""
    by_type = {MessageType.ERROR: log.error, MessageType.WARNING: log.warning}
    by_type.get(message.message_type, log.info)("%s", log_line(message))


def log_line(message: EventMessage) -> str:
    """A message as a line of a log: the executable's path and the text."""
    where = executable_of(message)
    code = f" ({message.code_hex})" if message.code_hex and message.message_type is MessageType.ERROR else ""
    return f"[{where}] {message.message}{code}" if where else f"{message.message}{code}"
