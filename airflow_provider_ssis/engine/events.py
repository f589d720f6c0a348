"""The events of a run: one stream, from which the display, the log, the catalog's views and lineage are made.

All times have a time zone. Texts contain no secrets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class EventName(Enum):
    """The events of Integration Services that have a message."""

    PRE_VALIDATE = "OnPreValidate"
    POST_VALIDATE = "OnPostValidate"
    PRE_EXECUTE = "OnPreExecute"
    POST_EXECUTE = "OnPostExecute"
    PROGRESS = "OnProgress"
    INFORMATION = "OnInformation"
    WARNING = "OnWarning"
    ERROR = "OnError"
    TASK_FAILED = "OnTaskFailed"
    QUERY_CANCEL = "OnQueryCancel"
    VARIABLE_VALUE_CHANGED = "OnVariableValueChanged"
    DIAGNOSTIC = "Diagnostic"
    DIAGNOSTIC_EX = "DiagnosticEx"


class Result(Enum):
    """The result of an executable, with the codes of Integration Services."""

    SUCCESS = 0
    FAILURE = 1
    COMPLETION = 2
    CANCELED = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run an event arises.

    :param package: the file name of the package.
    :param path: of the executable: ``\\Package\\Loop\\Load``.
    :param execution_path: with the iterations of loops: ``\\Package\\Loop[2]\\Load``.
    :param name: the name of the executable.
    :param id: its GUID, in braces.
    """

    package: str
    path: str
    execution_path: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message of an executable.

    :param code: unsigned, as ``0xC0209029``; 0 for an event without a code.
    :param subcomponent: the component of a data flow; None for the task itself.
    """

    time: datetime
    name: EventName
    place: Place
    text: str
    code: int = 0
    subcomponent: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutableEnded:
    """An executable ended, in one iteration.

    :param execution_value: its execution value as text; None for none.
    """

    place: Place
    start: datetime
    end: datetime
    result: Result
    execution_value: str | None = None


@dataclass(frozen=True, slots=True)
class RowsSent:
    """Rows went over a path of a data flow. Is published at most a few times a second, and at the end.

    :param path_id: ``Paths[Lookup.Lookup Match Output]``.
    :param rows: the rows since the last event of this path.
    """

    time: datetime
    place: Place
    path_id: str
    path_name: str
    source: str
    destination: str
    rows: int


@dataclass(frozen=True, slots=True)
class ComponentPhase:
    """A phase of a component of a data flow: ``Validate``, ``PreExecute``, ``PrimeOutput``, ``ProcessInput``, ..."""

    place: Place
    component: str
    phase: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class RowsWritten:
    """A destination has written its rows.

    :param rows: accepted rows.
    """

    time: datetime
    place: Place
    component: str
    rows: int


Event = Message | ExecutableEnded | RowsSent | ComponentPhase | RowsWritten
