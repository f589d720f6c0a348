"""The data of tasks: what each type of task stores, with the task's defaults for absent properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.elements import DtsElement


@dataclass(frozen=True, slots=True)
class ParameterBinding:
    """A parameter of a SQL statement.

    :param name: its name or number in the statement.
    :param direction: ``Input``, ``Output`` or ``ReturnValue``.
    :param data_type: a type code whose meaning depends on the type of connection: OLE DB, ADO.NET or ODBC.
    :param size: the size of a text; -1 for that of the value.
    """

    name: str
    variable: str
    direction: str
    data_type: int
    size: int


@dataclass(frozen=True, slots=True)
class ResultBinding:
    """The variable that gets a column of a row, or a whole result set.

    :param name: the name or number of the column; ``0`` for a whole result set.
    """

    name: str
    variable: str


@dataclass(frozen=True, slots=True)
class ExecuteSqlTask(DtsElement):
    """An Execute SQL task.

    :param connection: the id of the connection manager.
    :param source_type: ``DirectInput``, ``Variable`` or ``FileConnection``.
    :param source: the statement, the name of the variable, or the connection manager of the file.
    :param result_type: ``None``, ``SingleRow``, ``Rowset`` or ``XML``.
    :param timeout: in seconds; 0 for no limit.
    """

    connection: str
    source_type: str
    source: str
    result_type: str
    timeout: int
    code_page: int
    bypass_prepare: bool
    is_stored_procedure: bool
    parameters: tuple[ParameterBinding, ...]
    results: tuple[ResultBinding, ...]


@dataclass(frozen=True, slots=True)
class ParameterAssignment:
    """A parameter of a child package, and the variable or parameter that gives its value."""

    parameter: str
    source: str


@dataclass(frozen=True, slots=True)
class ExecutePackageTask(DtsElement):
    """An Execute Package task.

    :param use_project_reference: the package is in the same project.
    :param package_name: its file name or, in msdb, its path; empty for a file.
    :param connection: the id of the connection manager of the file or server.
    """

    use_project_reference: bool
    package_name: str
    connection: str
    package_id: str
    version_id: str
    execute_out_of_process: bool
    assignments: tuple[ParameterAssignment, ...]


@dataclass(frozen=True, slots=True)
class ExecuteProcessTask(DtsElement):
    """An Execute Process task.

    :param arguments: the command line; not part of the ``repr``, because it can contain a password.
    :param timeout: in seconds; 0 for no limit.
    """

    executable: str
    arguments: str = field(repr=False)
    working_directory: str
    require_full_file_name: bool
    fail_on_other_return_code: bool
    success_value: int
    timeout: int
    terminate_after_timeout: bool
    standard_input_variable: str
    standard_output_variable: str
    standard_error_variable: str
    window_style: str


@dataclass(frozen=True, slots=True)
class FileSystemTask(DtsElement):
    """A File System task.

    :param operation: ``CopyFile``, ``MoveFile``, ``DeleteFile``, ...
    :param source: the id of a connection manager, or the name of a variable or parameter.
    :param destination: as ``source``.
    """

    operation: str
    source: str
    source_is_variable: bool
    destination: str
    destination_is_variable: bool
    overwrite: bool
    file_attributes: str

    @property
    def uses_destination(self) -> bool:
        """False for an operation on one path, whose stored destination has no effect."""
        return self.operation in ("CopyFile", "MoveFile", "RenameFile", "CopyDirectory", "MoveDirectory")


@dataclass(frozen=True, slots=True)
class SendMailTask(DtsElement):
    """A Send Mail task.

    :param smtp_server: the id of the connection manager.
    :param source_type: ``DirectInput``, ``Variable`` or ``FileConnection``.
    :param source: the text, the name of the variable, or the connection manager of the file.
    """

    smtp_server: str
    sender: str
    to: str
    cc: str
    bcc: str
    subject: str
    priority: str
    source_type: str
    source: str
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScriptTask(DtsElement):
    """A Script task.

    :param files: the source files by name.
    :param has_binary: whether the compiled script is stored.
    """

    name: str
    language: str
    entry_point: str
    read_only_variables: tuple[str, ...]
    read_write_variables: tuple[str, ...]
    files: Mapping[str, str] = field(repr=False)
    has_binary: bool


@dataclass(frozen=True, slots=True)
class FtpTask(DtsElement):
    """An FTP task.

    :param operation: ``Send``, ``Receive``, ...
    :param local_path: the id of a connection manager, or the name of a variable.
    :param remote_path: the path on the server, or the name of a variable.
    """

    connection: str
    operation: str
    local_path: str
    local_path_is_variable: bool
    remote_path: str
    remote_path_is_variable: bool
    ascii: bool
    properties: Mapping[str, str]

    @property
    def uses_local_path(self) -> bool:
        """False for an operation on the server alone, whose stored local path has no effect."""
        return "Remote" not in self.operation

    @property
    def uses_remote_path(self) -> bool:
        """False for an operation on this machine alone, whose stored remote path has no effect."""
        return "Local" not in self.operation


@dataclass(frozen=True, slots=True)
class ExpressionTask(DtsElement):
    """An Expression task: an assignment to a variable."""

    expression: str


@dataclass(frozen=True, slots=True)
class BulkInsertTask(DtsElement):
    """A Bulk Insert task.

    :param source_connection: the id of the connection manager of the file.
    :param destination_connection: the id of the connection manager of the database.
    :param field_terminator: as stored: ``Comma {,}``, ``Tab``, ...
    :param properties: all properties, with the names that SSIS uses.
    """

    source_connection: str
    destination_connection: str
    destination_table: str
    field_terminator: str
    row_terminator: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PropertyBag:
    """The properties of an element of a task.

    :param name: the name of the element.
    :param attributes: its attributes by name without namespace; not part of the ``repr``, as they can contain secrets.
    :param text: its text.
    :param children: the elements inside.
    """

    name: str
    attributes: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    children: tuple[PropertyBag, ...]


@dataclass(frozen=True, slots=True)
class OtherTask(DtsElement):
    """A task without a model class of its kind.

    :param data: what the task stores; None if it stores nothing.
    """

    data: PropertyBag | None


TaskData = (
    ExecuteSqlTask
    | ExecutePackageTask
    | ExecuteProcessTask
    | FileSystemTask
    | SendMailTask
    | ScriptTask
    | FtpTask
    | ExpressionTask
    | BulkInsertTask
    | Pipeline
    | OtherTask
)
