"""Rows about operations: executions, validations, deployments, and what they report."""

from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_ssis.catalog.codes import (
    ContextType,
    ExecutionResult,
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
    OperationType,
    ReferenceType,
    ValidationType,
)
from airflow_provider_ssis.catalog.requests import EnvironmentScope
from airflow_provider_ssis.catalog.sql.variants import VariantValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of ``catalog.operations``."""

    operation_id: int
    operation_type: OperationType
    created_time: datetime | None
    object_type: ObjectType | None
    object_id: int | None
    object_name: str | None
    status: OperationStatus
    start_time: datetime | None
    end_time: datetime | None
    caller_name: str
    stopped_by_name: str | None
    server_name: str | None
    machine_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationMessage:
    """A row of ``catalog.operation_messages``."""

    operation_message_id: int
    operation_id: int
    message_time: datetime
    message_type: MessageType
    message_source_type: MessageSourceType | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A row of ``catalog.executions``. ``object_id`` is the id of the project."""

    execution_id: int
    folder_name: str
    project_name: str
    package_name: str
    reference_id: int | None
    reference_type: ReferenceType | None
    environment_folder_name: str | None
    environment_name: str | None
    project_lsn: int | None
    executed_as_name: str
    use32bitruntime: bool
    created_time: datetime | None
    object_id: int | None
    status: OperationStatus
    start_time: datetime | None
    end_time: datetime | None
    caller_name: str
    process_id: int | None
    stopped_by_name: str | None
    server_name: str | None
    machine_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedPackage:
    """What an execution runs: the columns of ``catalog.executions`` that its start does not change."""

    execution_id: int
    folder_name: str
    project_name: str
    package_name: str
    environment_folder_name: str | None
    environment_name: str | None
    project_lsn: int | None
    use32bitruntime: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionState:
    """The status of an execution: few columns, so that thousands can be read at once.

    :param age: seconds since it was started, or created where it was not, by the server's clock.
    """

    execution_id: int
    status: OperationStatus
    age: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionProgress:
    """The progress of an execution, as far as its logging level records it.

    :param done: executables that have run at least once.
    :param total: executables of the packages that run.
    :param errors: error messages so far.
    :param executable: path of the executable that wrote the last message; None before there is one.
    """

    execution_id: int
    done: int
    total: int
    errors: int
    executable: str | None


@dataclass(frozen=True, slots=True)
class RowsWritten:
    """How many rows a destination wrote, in all its iterations.

    :param destination: the component's name.
    """

    destination: str
    rows: int


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """What an execution's messages say in sum. At the logging level None there are no messages.

    :param errors: messages of type ERROR.
    :param warnings: messages of type WARNING.
    :param rows_written: the destinations that reported their rows, in that order.
    """

    errors: int
    warnings: int
    rows_written: tuple[RowsWritten, ...]


@dataclass(frozen=True, slots=True)
class CorrelatedExecution:
    """Result of :meth:`~airflow_provider_ssis.catalog.client.Catalog.get_or_create_execution`.

    :param created: True if the call created the execution, False if it found it.
    :param is_first: True if the call created the execution and found no other execution of the caller, so that its
        start considers only executions that were created later.
    """

    execution_id: int
    status: OperationStatus
    created: bool
    is_first: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionParameterValue:
    """A row of ``catalog.execution_parameter_values``.

    ``object_type`` is PROJECT, PACKAGE or, for the server options such as LOGGING_LEVEL, EXECUTION. Values marked
    sensitive are None.
    """

    execution_parameter_id: int
    execution_id: int
    object_type: ObjectType
    parameter_data_type: str
    parameter_name: str
    parameter_value: VariantValue = field(repr=False)
    sensitive: bool
    required: bool
    value_set: bool
    runtime_override: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedExecution:
    """Result of :meth:`~airflow_provider_ssis.catalog.client.Catalog.start_correlated_execution`.

    :param execution: what it runs.
    :param values: its server options, and its parameters whose value is set.
    :param status: PENDING if the call started it, unless it is synchronized. Otherwise the status after the call.
    """

    execution: ExecutedPackage
    values: tuple[ExecutionParameterValue, ...]
    status: OperationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMessage:
    """A row of ``catalog.event_messages``.

    ``event_message_id`` is None for messages of a Scale Out worker. ``message_code`` is the Integration Services code
    as a signed 32-bit number; None or 0 where the message has none.
    """

    event_message_id: int | None
    operation_id: int
    message_time: datetime
    message_type: MessageType
    message_source_type: MessageSourceType | None
    message: str
    package_name: str | None
    event_name: str | None
    message_source_name: str | None
    subcomponent_name: str | None
    package_path: str | None
    execution_path: str | None
    message_code: int | None

    @property
    def code_hex(self) -> str | None:
        """The message code as dtexec and SSMS show it, ``0xC0202009`` for instance; None where there is none."""
        return f"0x{self.message_code & 0xFFFFFFFF:08X}" if self.message_code else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """A row of ``catalog.executables``: a package, container or task of an execution."""

    executable_id: int
    execution_id: int
    executable_name: str | None
    executable_guid: str | None
    package_name: str
    package_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutableStatistics:
    """A row of ``catalog.executable_statistics``: one iteration of one executable. The duration is in milliseconds."""

    statistics_id: int
    execution_id: int
    executable_id: int
    execution_path: str | None
    start_time: datetime | None
    end_time: datetime | None
    execution_duration: int | None
    execution_result: ExecutionResult | None
    execution_value: VariantValue = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """A row of ``catalog.validations``. ``object_name`` is the project's or the package's name.

    :param environment_scope: which environment references it uses; SINGLE for the one of ``reference_id``.
    """

    validation_id: int
    environment_scope: EnvironmentScope
    validate_type: ValidationType
    folder_name: str
    project_name: str
    project_lsn: int | None
    use32bitruntime: bool | None
    reference_id: int | None
    operation_type: OperationType
    object_name: str | None
    object_type: ObjectType | None
    object_id: int | None
    start_time: datetime | None
    end_time: datetime | None
    status: OperationStatus
    caller_name: str
    process_id: int | None
    stopped_by_name: str | None
    server_name: str | None
    machine_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedOperationInfo:
    """A row of ``catalog.extended_operation_info``: an object that an operation is about, and how it went."""

    info_id: int
    operation_id: int
    object_name: str
    object_type: ObjectType | None
    reference_id: int | None
    status: OperationStatus
    start_time: datetime
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContext:
    """A row of ``catalog.event_message_context``: a property at the time of a message."""

    context_id: int
    event_message_id: int | None
    context_depth: int | None
    package_path: str | None
    context_type: ContextType | None
    context_source_name: str | None
    context_source_id: str | None
    property_name: str | None
    property_value: VariantValue = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentPhase:
    """A row of ``catalog.execution_component_phases``: a phase of a component of a data flow.

    The logging levels Performance and Verbose record phases.
    """

    phase_stats_id: int
    execution_id: int
    package_name: str
    task_name: str
    subcomponent_name: str | None
    phase: str
    start_time: datetime | None
    end_time: datetime | None
    execution_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStatistics:
    """A row of ``catalog.execution_data_statistics``: rows that one component of a data flow sent to another.

    The logging level Verbose records them, one row for each buffer.
    """

    data_stats_id: int
    execution_id: int
    package_name: str
    task_name: str | None
    dataflow_path_id_string: str | None
    dataflow_path_name: str | None
    source_component_name: str | None
    destination_component_name: str | None
    rows_sent: int | None
    created_time: datetime | None
    execution_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceCounter:
    """A row of ``catalog.dm_execution_performance_counters``: a counter of a running execution."""

    execution_id: int
    counter_name: str
    counter_value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyOverride:
    """A row of ``catalog.execution_property_override_values``. The value is None if it is sensitive."""

    property_id: int
    execution_id: int
    property_path: str
    property_value: str | None = field(repr=False)
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTap:
    """A row of ``catalog.execution_data_taps``.

    :param package_path: the path of the data flow task; None if ``dataflow_task_guid`` names the task.
    :param max_rows: the most rows that are written; -1 for all.
    :param filename: the file in the folder ``DataDumps`` of the server's installation of Integration Services.
    """

    data_tap_id: int
    execution_id: int
    package_path: str | None
    dataflow_path_id_string: str | None
    dataflow_task_guid: str | None
    max_rows: int | None
    filename: str | None
