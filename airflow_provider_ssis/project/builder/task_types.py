"""The names of the types of tasks in files of formats 6 and 8, and the elements that store their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.xml import plain_element
from airflow_provider_ssis.project.package.stored import Stored, write_stored

if TYPE_CHECKING:
    from lxml.etree import _Element

ASSEMBLY_VERSION = "Version=11.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91"
"""The end of the names of .NET types in format 6."""


@dataclass(frozen=True, slots=True)
class TaskType:
    """A type of task.

    :param name: the type in format 8, without the prefix ``Microsoft.``.
    :param title: the default description.
    :param old: the type in format 6: a ProgID, or the assembly of the .NET type.
    :param element: the name of the element with the data.
    :param namespace: the namespace of the element and its attributes; empty for none.
    :param has_thread_hint: whether Visual Studio writes the attribute ThreadHint.
    """

    name: str
    title: str
    old: str
    element: str
    namespace: str = ""
    has_thread_hint: bool = True

    def stored_name(self, format_version: int) -> str:
        """Return the type as a file of a format stores it.

        :param format_version: 6 or 8.
        """
        if format_version == 8:
            return f"Microsoft.{self.name}"
        if self.old.startswith("SSIS."):
            return self.old
        return (
            f"Microsoft.SqlServer.Dts.Tasks.{self.name}.{self.name}, Microsoft.SqlServer.{self.old}, {ASSEMBLY_VERSION}"
        )

    def data(self, values: Mapping[str, object], table: tuple[Stored, ...]) -> _Element:
        """Return the element with the data of a task.

        :param values: values by field.
        :param table: the properties of the task.
        """
        return self.part(self.element, dict(write_stored(values, table)))

    def part(self, name: str, attributes: Mapping[str, object]) -> _Element:
        """Return an element inside the data, with attributes of the same namespace.

        :param name: the name of the element.
        :param attributes: attributes by name.
        """
        space = f"{{{_URI}/{self.namespace.lower()}}}" if self.namespace else ""
        return plain_element(
            space + name,
            dict(attributes),
            prefix=space,
            nsmap={self.namespace: space[1:-1]} if space else None,
        )


_URI = "www.microsoft.com/sqlserver/dts/tasks"

EXECUTE_SQL = TaskType("ExecuteSQLTask", "Execute SQL Task", "SQLTask", "SqlTaskData", "SQLTask")
EXECUTE_PACKAGE = TaskType(
    "ExecutePackageTask", "Execute Package Task", "SSIS.ExecutePackageTask.3", "ExecutePackageTask"
)
EXECUTE_PROCESS = TaskType("ExecuteProcess", "Execute Process Task", "ExecProcTask", "ExecuteProcessData")
FILE_SYSTEM = TaskType("FileSystemTask", "File System Task", "FileSystemTask", "FileSystemData")
SEND_MAIL = TaskType("SendMailTask", "Send Mail Task", "SendMailTask", "SendMailTaskData", "SendMailTask")
SCRIPT = TaskType("ScriptTask", "Script Task", "ScriptTask", "ScriptProject")
FTP = TaskType("FtpTask", "FTP Task", "FtpTask", "FtpData")
EXPRESSION = TaskType("ExpressionTask", "Expression Task", "ExpressionTask", "ExpressionTask")
BULK_INSERT = TaskType("BulkInsertTask", "Bulk Insert Task", "BulkInsertTask", "BulkInsertTaskData", "BulkInsertTask")
PIPELINE = TaskType("Pipeline", "Data Flow Task", "SSIS.Pipeline.3", "pipeline", has_thread_hint=False)
