"""The records that a run writes to the catalog: one dataclass for each log view, with its columns.

The run log assigns the ids. A statistic belongs to the executable with the same package and package path; the
contexts of an event message travel inside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from airflow_provider_ssis.catalog.codes import ContextType, ExecutionResult, MessageSourceType, MessageType
from airflow_provider_ssis.emulator.datatypes import Variant
from airflow_provider_ssis.emulator.runs.request import DataTap


@dataclass(frozen=True, slots=True)
class ContextRecord:
    """A row of ``catalog.event_message_context``.

    :param context_depth: 1 for the executable that raised the event, 2 for the container around it, and so on; 0 for an
        event before the package begins to execute.
    """

    context_depth: int
    package_path: str
    context_type: ContextType
    context_source_name: str
    context_source_id: str
    property_name: str
    property_value: Variant | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A row of ``catalog.event_messages``.

    :param package_name: None, as all that follow, for a message of the process that runs the package: such a message is
        a row of ``catalog.operation_messages`` alone.
    :param message_code: signed, as the view has it; None for events without a code.
    :param contexts: its rows of ``catalog.event_message_context``.
    """

    message_time: datetime
    message_type: MessageType
    message_source_type: MessageSourceType
    message: str
    package_name: str | None = None
    event_name: str | None = None
    message_source_name: str | None = None
    message_source_id: str | None = None
    subcomponent_name: str | None = None
    package_path: str | None = None
    execution_path: str | None = None
    thread_id: int = 0
    message_code: int | None = None
    contexts: tuple[ContextRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecutableRecord:
    """A row of ``catalog.executables``: written before any statistic of that executable."""

    executable_name: str
    executable_guid: str
    package_name: str
    package_path: str


@dataclass(frozen=True, slots=True)
class StatisticsRecord:
    """A row of ``catalog.executable_statistics``: one iteration of one executable.

    :param package_name: with ``package_path`` the :class:`ExecutableRecord` that it belongs to.
    :param execution_duration: in milliseconds.
    """

    package_name: str
    package_path: str
    execution_path: str
    start_time: datetime
    end_time: datetime
    execution_duration: int
    execution_result: ExecutionResult
    execution_value: Variant | None = None


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """A row of ``catalog.execution_component_phases``: one phase of a data flow component."""

    package_name: str
    task_name: str
    subcomponent_name: str
    phase: str
    start_time: datetime
    end_time: datetime
    execution_path: str


@dataclass(frozen=True, slots=True)
class DataStatisticsRecord:
    """A row of ``catalog.execution_data_statistics``: rows sent over one path of a data flow."""

    package_name: str
    task_name: str
    dataflow_path_id_string: str
    dataflow_path_name: str
    source_component_name: str
    destination_component_name: str
    rows_sent: int
    created_time: datetime
    execution_path: str


@dataclass(frozen=True, slots=True)
class TappedRowsRecord:
    """The rows that a data tap saw in one run of its data flow: a file.

    :param rows: how many passed, up to the most that the tap writes.
    :param iteration: the iteration of the loop around the data flow, from 1; 0 without a loop.
    """

    tap: DataTap
    rows: int
    iteration: int
    written_time: datetime


@dataclass(frozen=True, slots=True)
class DumpRecord:
    """A dump of the process that runs the package: a file.

    :param reason: the message after which it is written.
    """

    reason: str
    package_name: str
    written_time: datetime


Record = (
    DumpRecord
    | TappedRowsRecord
    | EventRecord
    | ExecutableRecord
    | StatisticsRecord
    | PhaseRecord
    | DataStatisticsRecord
)
