"""Which messages of an execution are shown, and as which text."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import MessageType
from airflow_provider_ssis.catalog.failures.message_codes import PHASES

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_ssis.catalog.models import EventMessage


class MessageLevel(Enum):
    """The least important messages that are shown."""

    NONE = "none"
    """No messages."""
    ERROR = "error"
    """Errors, and tasks that failed."""
    WARNING = "warning"
    """Also warnings."""
    INFORMATION = "information"
    """Also the start and end of tasks, and what components report, such as row counts."""
    ALL = "all"
    """Everything that the logging level keeps: also validation, progress and the phases of data flows."""

    @property
    def types(self) -> Collection[MessageType] | None:
        """The message types that are included; None for all."""
        return None if self is MessageLevel.ALL else _TYPES[self]

    def includes(self, message: EventMessage) -> bool:
        """Whether a message is included."""
        if self is MessageLevel.ALL:
            return True
        return message.message_type in _TYPES[self] and (message.message_code or 0) & 0xFFFFFFFF not in PHASES


_ERRORS = frozenset({MessageType.ERROR, MessageType.TASK_FAILED})
_WARNINGS = _ERRORS | {MessageType.WARNING, MessageType.QUERY_CANCEL}
_TYPES = {
    MessageLevel.NONE: frozenset[MessageType](),
    MessageLevel.ERROR: _ERRORS,
    MessageLevel.WARNING: _WARNINGS,
    MessageLevel.INFORMATION: _WARNINGS | {MessageType.INFORMATION, MessageType.PRE_EXECUTE, MessageType.POST_EXECUTE},
}


def format_message(message: EventMessage) -> str:
    """A message as a line of the log: its time on the server, the text, the code of an error, the executable's path.

    >>> format_message(message)
    "12:00:03+02:00 Load:Error: The disk is full. (0xC0202009) [\\\\Package\\\\Load]"
    """
    where = executable_of(message)
    parts = [
        message.message_time.isoformat(timespec="seconds").partition("T")[2],
        message.message.strip(),
        f"({message.code_hex})" if message.code_hex and message.message_type is MessageType.ERROR else "",
        f"[{where}]" if where else "",
    ]
    return " ".join(part for part in parts if part)


def executable_of(message: EventMessage) -> str | None:
    """The executable that a message is about: its path in this run, which contains the iteration of a loop."""
    return message.execution_path or message.package_path or message.message_source_name
