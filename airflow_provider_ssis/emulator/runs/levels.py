"""The records of each logging level ("Enable Logging for Package Execution on the SSIS Server").

The bits of a customized level are those of ``catalog.create_customized_logging_level``: the lower half of
``events_value`` says which events are written, the upper half (shifted by 32) which are written with their context.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from airflow_provider_ssis.catalog.codes import LoggingLevel, MessageType


class Event(Enum):
    """An event that executables raise: its name, the type of its message, its bit in a customized level."""

    VARIABLE_VALUE_CHANGED = ("OnVariableValueChanged", MessageType.VARIABLE_VALUE_CHANGED, 0)
    STATUS_CHANGED = ("OnExecutionStatusChanged", MessageType.STATUS_CHANGE, 1)
    PRE_EXECUTE = ("OnPreExecute", MessageType.PRE_EXECUTE, 2)
    POST_EXECUTE = ("OnPostExecute", MessageType.POST_EXECUTE, 3)
    PRE_VALIDATE = ("OnPreValidate", MessageType.PRE_VALIDATE, 4)
    POST_VALIDATE = ("OnPostValidate", MessageType.POST_VALIDATE, 5)
    WARNING = ("OnWarning", MessageType.WARNING, 6)
    INFORMATION = ("OnInformation", MessageType.INFORMATION, 7)
    ERROR = ("OnError", MessageType.ERROR, 8)
    TASK_FAILED = ("OnTaskFailed", MessageType.TASK_FAILED, 9)
    PROGRESS = ("OnProgress", MessageType.PROGRESS, 10)
    QUERY_CANCEL = ("OnQueryCancel", MessageType.QUERY_CANCEL, 11)
    CUSTOM = ("OnCustomEvent", MessageType.CUSTOM, 13)
    DIAGNOSTIC = ("Diagnostic", MessageType.DIAGNOSTIC, 14)
    DIAGNOSTIC_EX = ("DiagnosticEx", MessageType.DIAGNOSTIC_EX, 15)
    NON_DIAGNOSTIC = ("NonDiagnostic", MessageType.NON_DIAGNOSTIC, 16)

    def __init__(self, event_name: str, message_type: MessageType, bit: int) -> None:
        self.event_name = event_name
        self.message_type = message_type
        self.bit = bit


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What a run writes.

    :param events: the events whose messages are written.
    :param contexts: the events that are written with the properties of the executables around.
    :param executables: the rows of ``executables``.
    :param statistics: the rows of ``executable_statistics``.
    :param phases: the rows of ``execution_component_phases``.
    :param data: the rows of ``execution_data_statistics``.
    """

    events: frozenset[Event] = frozenset()
    contexts: frozenset[Event] = frozenset()
    executables: bool = True
    statistics: bool = True
    phases: bool = False
    data: bool = False


_ALL: Final = frozenset(Event)
_SPECIAL: Final = frozenset({Event.CUSTOM, Event.DIAGNOSTIC, Event.DIAGNOSTIC_EX, Event.NON_DIAGNOSTIC})
_ERRORS: Final = frozenset({Event.ERROR})

_BUILT_IN: Final = {
    LoggingLevel.NONE: LogFilter(executables=False, statistics=False),
    LoggingLevel.BASIC: LogFilter(_ALL - _SPECIAL, _ERRORS),
    LoggingLevel.PERFORMANCE: LogFilter(frozenset({Event.ERROR, Event.WARNING}), _ERRORS, phases=True),
    LoggingLevel.VERBOSE: LogFilter(_ALL, _ERRORS, phases=True, data=True),
    # What lineage needs is not documented further than "the data required to track lineage in the data flow".
    LoggingLevel.RUNTIME_LINEAGE: LogFilter(_ALL - _SPECIAL, _ERRORS, data=True),
}
_CONTEXT_SHIFT: Final = 32
_PROFILE_EXECUTION: Final = 1
_PROFILE_VOLUME: Final = 2
_PROFILE_PERFORMANCE: Final = 4


def log_filter(level: LoggingLevel, *, customized_events: int = 0, customized_profile: int = 0) -> LogFilter:
    """What a run of this logging level writes.

    :param customized_events: ``events_value`` of the customized level; of meaning for that level alone. Default: 0.
    :param customized_profile: ``profile_value`` of the customized level. Default: 0.
    """
    if level is not LoggingLevel.CUSTOMIZED:
        return _BUILT_IN[level]
    return LogFilter(
        events=_events(customized_events),
        contexts=_events(customized_events >> _CONTEXT_SHIFT),
        statistics=bool(customized_profile & _PROFILE_EXECUTION),
        phases=bool(customized_profile & _PROFILE_PERFORMANCE),
        data=bool(customized_profile & _PROFILE_VOLUME),
    )


def _events(bits: int) -> frozenset[Event]:
    return frozenset(event for event in Event if bits >> event.bit & 1)
