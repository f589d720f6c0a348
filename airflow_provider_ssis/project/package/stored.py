"""The simple properties of tasks: field, stored name and default in one table, which reader and writer share.

Source of the defaults: packages of formats 6 and 8, which omit a property with its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ssis.project.package.choices import (
    FILE_OPERATIONS,
    FTP_OPERATIONS,
    MAIL_SOURCES,
    PRIORITIES,
    RESULT_TYPES,
    SQL_SOURCES,
    Choices,
)
from airflow_provider_ssis.project.package.elements import DtsElement, is_true, number


@dataclass(frozen=True, slots=True)
class Stored:
    """A property of a task.

    :param field: its name in the task's class.
    :param name: its name in the file.
    :param default: the value of an absent property. Its type is the type of the property.
    :param prefix: the start of each stored value. Default: none.
    :param choices: the values of an enumeration. Default: None, any value.
    """

    field: str
    name: str
    default: str | int | bool = ""
    prefix: str = ""
    choices: Choices | None = None


SQL_TASK = (
    Stored("connection", "Connection"),
    Stored("timeout", "TimeOut", 0),
    Stored("is_stored_procedure", "IsStoredProc", False),
    Stored("bypass_prepare", "BypassPrepare", True),
    Stored("source_type", "SqlStmtSourceType", "DirectInput", choices=SQL_SOURCES),
    Stored("source", "SqlStatementSource"),
    Stored("code_page", "CodePage", 0),
    Stored("result_type", "ResultType", "None", "ResultSetType_", RESULT_TYPES),
)
PACKAGE_TASK = (
    Stored("use_project_reference", "UseProjectReference", False),
    Stored("package_name", "PackageName"),
    Stored("connection", "Connection"),
    Stored("package_id", "PackageID"),
    Stored("version_id", "VersionID"),
    Stored("execute_out_of_process", "ExecuteOutOfProcess", False),
)
PROCESS_TASK = (
    Stored("executable", "Executable"),
    Stored("arguments", "Arguments"),
    Stored("working_directory", "WorkingDirectory"),
    Stored("require_full_file_name", "RequireFullFileName", True),
    Stored("fail_on_other_return_code", "FailTaskIfReturnCodeIsNotSuccessValue", True),
    Stored("success_value", "SuccessValue", 0),
    Stored("timeout", "TimeOut", 0),
    Stored("terminate_after_timeout", "TerminateAfterTimeout", True),
    Stored("standard_input_variable", "StandardInputVariable"),
    Stored("standard_output_variable", "StandardOutputVariable"),
    Stored("standard_error_variable", "StandardErrorVariable"),
    Stored("window_style", "WindowStyle", "Normal"),
)
FILE_SYSTEM_TASK = (
    Stored("operation", "TaskOperationType", "CopyFile", choices=FILE_OPERATIONS),
    Stored("source", "TaskSourcePath"),
    Stored("source_is_variable", "TaskIsSourceVariable", False),
    Stored("destination", "TaskDestinationPath"),
    Stored("destination_is_variable", "TaskIsDestinationVariable", False),
    Stored("overwrite", "TaskOverwriteDestFile", False),
    Stored("file_attributes", "TaskFileAttributes"),
)
SEND_MAIL_TASK = (
    Stored("smtp_server", "SMTPServer"),
    Stored("sender", "From"),
    Stored("to", "To"),
    Stored("cc", "CC"),
    Stored("bcc", "BCC"),
    Stored("subject", "Subject"),
    Stored("priority", "Priority", "Normal", choices=PRIORITIES),
    Stored("source_type", "MessageSourceType", "DirectInput", choices=MAIL_SOURCES),
    Stored("source", "MessageSource"),
)
SCRIPT_TASK = (
    Stored("name", "Name"),
    Stored("language", "Language"),
    Stored("entry_point", "EntryPoint", "Main"),
)
FTP_TASK = (
    Stored("connection", "ConnectionName"),
    Stored("operation", "TaskOperationType", "Send", choices=FTP_OPERATIONS),
    Stored("local_path", "TaskLocalPath"),
    Stored("local_path_is_variable", "TaskIsLocalPathVar", False),
    Stored("remote_path", "TaskRemotePath"),
    Stored("remote_path_is_variable", "TaskIsRemotePathVar", False),
    Stored("ascii", "TaskTransferAscii", False),
)
BULK_INSERT_TASK = (
    Stored("source_connection", "SourceConnectionName"),
    Stored("destination_connection", "DestinationConnectionName"),
    Stored("destination_table", "DestinationTableName"),
    Stored("field_terminator", "FieldTerminator", "Tab"),
    Stored("row_terminator", "RowTerminator", "{CR}{LF}"),
)


def read_stored(found: Mapping[str, str], table: tuple[Stored, ...], owner: DtsElement) -> dict[str, Any]:
    """Return the values of a task's fields.

    :param found: the stored texts by name.
    :param table: the properties.
    :param owner: the task, for errors.
    :raises InvalidPartError: a number is not a number.
    """
    return {each.field: _value(found.get(each.name), each, owner) for each in table}


def write_stored(values: Mapping[str, object], table: tuple[Stored, ...]) -> dict[str, str]:
    """Return the texts to store by name, without those of absent values and defaults.

    :param values: values by field.
    :param table: the properties.
    """
    return {
        each.name: each.prefix + str(values[each.field])
        for each in table
        if each.field in values and values[each.field] != each.default
    }


def _value(text: str | None, stored: Stored, owner: DtsElement) -> str | int | bool:
    if isinstance(stored.default, bool):
        return is_true(text, stored.default)
    if isinstance(stored.default, int):
        return number(text, stored.default, owner, stored.name)
    return stored.default if text is None else text.removeprefix(stored.prefix)
