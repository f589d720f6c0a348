"""Rows of the catalog's views, as frozen dataclasses.

Fields have the names of the views' columns, so the documentation of a view also documents its class. Fields from a
joined view are documented. Columns that no client needs, such as security identifiers, are left out.
"""

from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_ssis.catalog.codes import (
    ExecutionResult,
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
    OperationType,
)
from airflow_provider_ssis.catalog.sql.variants import VariantValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSession:
    """The server of the connection, and the login that it sees.

    :param server_name: the server's own name, ``HOST\\INSTANCE`` for a named instance.
    :param product_version: SQL Server's version, ``15.0.2000.5`` for instance.
    :param edition: SQL Server's edition in words.
    :param database: the current database, which must be SSISDB.
    :param login: the login that the server sees.
    :param user: the login's user in the current database.
    :param auth_scheme: how the login was authenticated: ``SQL``, ``NTLM``, ``KERBEROS``; None if unknown.
    :param roles: those of ``sysadmin``, ``ssis_admin`` and ``ssis_logreader`` that the login is a member of.
    """

    server_name: str
    product_version: str
    edition: str
    database: str
    login: str
    user: str
    auth_scheme: str | None
    roles: tuple[str, ...]

    @property
    def is_admin(self) -> bool:
        """Whether the login may do everything in the catalog, unless the catalog refuses logins of its kind."""
        return bool({"sysadmin", "ssis_admin"} & set(self.roles))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo(ServerSession):
    """The server of the connection, and its catalog.

    :param schema_version: the catalog's property SCHEMA_VERSION, None if unknown.
    :param schema_build: the catalog's property SCHEMA_BUILD, None if unknown.
    :param is_refused: the catalog refuses to let this login deploy, start or stop anything, because it is a SQL login.
    """

    schema_version: str | None
    schema_build: str | None
    is_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A row of ``catalog.folders``."""

    folder_id: int
    name: str
    description: str | None
    created_by_name: str
    created_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A row of ``catalog.projects``; ``folder_name`` comes from ``catalog.folders``.

    ``object_version_lsn`` is the version now in use: it changes with every deployment.
    """

    project_id: int
    folder_id: int
    folder_name: str
    name: str
    description: str | None
    project_format_version: int | None
    deployed_by_name: str
    last_deployed_time: datetime
    created_time: datetime
    object_version_lsn: int
    validation_status: str
    last_validation_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A finished deployment of a project."""

    folder: str
    project: str
    project_id: int
    object_version_lsn: int
    operation_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A row of ``catalog.packages``; the name ends in ``.dtsx``."""

    package_id: int
    project_id: int
    name: str
    package_guid: str
    description: str | None
    package_format_version: int
    version_major: int
    version_minor: int
    version_build: int
    version_comments: str | None
    version_guid: str
    entry_point: bool
    validation_status: str
    last_validation_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectParameter:
    """A row of ``catalog.object_parameters``: a parameter of a project or of a package.

    ``object_type`` is PROJECT or PACKAGE and ``object_name`` the name of that project or package. A ``value_type`` of
    ``V`` means that ``default_value`` is the value, ``R`` that the environment variable
    ``referenced_variable_name`` gives it. Values marked sensitive are None.
    """

    parameter_id: int
    project_id: int
    object_type: ObjectType
    object_name: str
    parameter_name: str
    data_type: str
    required: bool
    sensitive: bool
    description: str | None
    design_default_value: VariantValue = field(repr=False)
    default_value: VariantValue = field(repr=False)
    value_type: str
    value_set: bool
    referenced_variable_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A row of ``catalog.environments``; ``folder_name`` comes from ``catalog.folders``."""

    environment_id: int
    folder_id: int
    folder_name: str
    name: str
    description: str | None
    created_by_name: str
    created_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentVariable:
    """A row of ``catalog.environment_variables``. The value of a sensitive variable is None."""

    variable_id: int
    environment_id: int
    name: str
    description: str | None
    type: str
    sensitive: bool
    value: VariantValue = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentReference:
    """A row of ``catalog.environment_references``.

    A reference of type ``R`` (relative) means the environment in the project's own folder and has no
    ``environment_folder_name``; type ``A`` (absolute) names the folder.
    """

    reference_id: int
    project_id: int
    reference_type: str
    environment_folder_name: str | None
    environment_name: str
    validation_status: str
    last_validation_time: datetime | None

    def __str__(self) -> str:
        folder = "." if self.environment_folder_name is None else self.environment_folder_name
        return f"{folder}/{self.environment_name}"


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
class Execution:
    """A row of ``catalog.executions``. ``object_id`` is the id of the project."""

    execution_id: int
    folder_name: str
    project_name: str
    package_name: str
    reference_id: int | None
    reference_type: str | None
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


@dataclass(frozen=True, slots=True)
class Rights:
    """What the login may do in the catalog.

    :param folders: the number of folders that it can see.
    :param folders_to_deploy_to: the number of these to which it may deploy projects.
    :param projects: the number of projects that it can see.
    :param projects_to_run: the number of these whose packages it may run.
    :param reads_all_logs: it may read the messages of all executions, not only of those that it started.
    """

    folders: int
    folders_to_deploy_to: int
    projects: int
    projects_to_run: int
    reads_all_logs: bool


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
    """How many rows a destination wrote, in all its turns.

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
    """

    execution_id: int
    status: OperationStatus
    created: bool


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
class OperationMessage:
    """A row of ``catalog.operation_messages``."""

    operation_message_id: int
    operation_id: int
    message_time: datetime
    message_type: MessageType
    message_source_type: MessageSourceType | None
    message: str


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
    """A row of ``catalog.executable_statistics``: one turn of one executable. The duration is in milliseconds."""

    statistics_id: int
    execution_id: int
    executable_id: int
    execution_path: str | None
    start_time: datetime | None
    end_time: datetime | None
    execution_duration: int | None
    execution_result: ExecutionResult | None
    execution_value: VariantValue = field(repr=False)
