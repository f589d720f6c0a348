"""The methods that add tasks for files, mail and bulk inserts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder import task_types
from airflow_provider_ssis.project.builder.executables import Options, TaskBuilder
from airflow_provider_ssis.project.builder.task_checks import TaskChecks, is_variable
from airflow_provider_ssis.project.builder.variables import Variable
from airflow_provider_ssis.project.package.choices import FTP_OPERATIONS
from airflow_provider_ssis.project.package.stored import (
    BULK_INSERT_TASK,
    FILE_SYSTEM_TASK,
    FTP_TASK,
    SEND_MAIL_TASK,
    write_stored,
)

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder

_OPERATIONS = (
    "CopyFile",
    "MoveFile",
    "RenameFile",
    "DeleteFile",
    "SetAttributes",
    "CreateDirectory",
    "CopyDirectory",
    "MoveDirectory",
    "DeleteDirectory",
    "DeleteDirectoryContent",
)
_WITH_DESTINATION = ("CopyFile", "MoveFile", "RenameFile", "CopyDirectory", "MoveDirectory")


class TransferTasks(TaskChecks):
    """The tasks for files, mail and bulk inserts."""

    def add_file_system(
        self,
        name: str,
        operation: str,
        source: ConnectionManagerBuilder | Variable,
        destination: ConnectionManagerBuilder | Variable | None = None,
        *,
        overwrite: bool = False,
        file_attributes: str = "",
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add a File System task.

        :param name: its name.
        :param operation: ``CopyFile``, ``MoveFile``, ``RenameFile``, ``DeleteFile``, ``SetAttributes``,
            ``CreateDirectory``, ``CopyDirectory``, ``MoveDirectory``, ``DeleteDirectory`` or
            ``DeleteDirectoryContent``.
        :param source: a FILE connection manager, or a variable or parameter with the path.
        :param destination: as ``source``. Default: None, for operations on one path.
        :param overwrite: replace what exists. Default: False.
        :param file_attributes: the attributes that SetAttributes sets: ``ReadOnly``, ``Hidden``. Default: none.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`, or the operation needs a destination or has none.
        """
        self._one_of(name, "operation", operation, _OPERATIONS)
        if (operation in _WITH_DESTINATION) is (destination is None):
            raise self._error(name, f"the operation {operation} with the destination {destination!r}", "")
        values = {
            "operation": operation,
            "source": self._path(name, source),
            "source_is_variable": is_variable(source),
            "overwrite": overwrite,
            "file_attributes": file_attributes,
        }
        if destination is not None:
            values["destination"] = self._path(name, destination)
            values["destination_is_variable"] = is_variable(destination)
        task_type = task_types.FILE_SYSTEM
        return self._add_task(name, task_type, task_type.data(values, FILE_SYSTEM_TASK), options)

    def add_send_mail(
        self,
        name: str,
        smtp_server: ConnectionManagerBuilder,
        *,
        sender: str,
        to: str,
        subject: str = "",
        message: str | Variable | ConnectionManagerBuilder = "",
        source_type: str = "DirectInput",
        cc: str = "",
        bcc: str = "",
        priority: str = "Normal",
        attachments: Sequence[str] = (),
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add a Send Mail task.

        :param name: its name.
        :param smtp_server: the SMTP connection manager.
        :param sender: the address of the sender.
        :param to: addresses, separated by semicolons.
        :param subject: the subject. Default: empty.
        :param message: the text; the variable that contains it, with the source type ``Variable``; or the FILE
            connection manager, with ``FileConnection``. Default: empty.
        :param source_type: ``DirectInput``, ``Variable`` or ``FileConnection``. Default: ``DirectInput``.
        :param cc: addresses. Default: none.
        :param bcc: addresses. Default: none.
        :param priority: ``Low``, ``Normal`` or ``High``. Default: ``Normal``.
        :param attachments: paths of files. Default: none.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`.
        """
        self._one_of(name, "priority", priority, ("Low", "Normal", "High"))
        values = {
            "smtp_server": self._connection(name, smtp_server, "SMTP"),
            "sender": sender,
            "to": to,
            "cc": cc,
            "bcc": bcc,
            "subject": subject,
            "priority": priority,
            "source_type": source_type,
            "source": self._source(name, source_type, message),
        }
        task_type = task_types.SEND_MAIL
        data = task_type.data(values, SEND_MAIL_TASK)
        if attachments:
            data.append(task_type.part("Attachments", {"FileName": "|".join(attachments)}))
        return self._add_task(name, task_type, data, options)

    def add_ftp(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        operation: str = "Send",
        *,
        local_path: ConnectionManagerBuilder | Variable | None = None,
        remote_path: str | Variable = "",
        remote_path_is_variable: bool = False,
        ascii_mode: bool = False,
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add an FTP task.

        :param name: its name.
        :param connection: the FTP connection manager.
        :param operation: ``Send``, ``Receive``, ``DeleteLocal``, ``DeleteRemote``, ``MakeDirLocal``, ``MakeDirRemote``,
            ``RemoveDirLocal`` or ``RemoveDirRemote``. Default: ``Send``.
        :param local_path: a FILE connection manager, or a variable with the path. Default: None.
        :param remote_path: the path on the server, which begins with ``/``, or the variable with it. Default: empty.
        :param remote_path_is_variable: ``remote_path`` is a variable. Default: False.
        :param ascii_mode: convert line ends. Default: False.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`.
        """
        self._one_of(name, "operation", operation, list(FTP_OPERATIONS.values()))
        if remote_path_is_variable or not isinstance(remote_path, str):
            remote, remote_path_is_variable = self.variable_name(remote_path), True
        elif remote_path and not remote_path.startswith("/"):
            raise self._error(name, f"the remote path {remote_path!r}", "It must begin with /")
        else:
            remote = remote_path
        values: dict[str, object] = {
            "connection": self._connection(name, connection, "FTP"),
            "operation": operation,
            "remote_path": remote,
            "remote_path_is_variable": remote_path_is_variable,
            "ascii": ascii_mode,
        }
        if local_path is not None:
            values["local_path"] = self._path(name, local_path)
            values["local_path_is_variable"] = is_variable(local_path)
        task_type = task_types.FTP
        return self._add_task(name, task_type, task_type.data(values, FTP_TASK), options)

    def add_bulk_insert(
        self,
        name: str,
        source_connection: ConnectionManagerBuilder,
        destination_connection: ConnectionManagerBuilder,
        destination_table: str,
        *,
        field_terminator: str = "Tab",
        row_terminator: str = "{CR}{LF}",
        properties: Mapping[str, str] | None = None,
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add a Bulk Insert task.

        :param name: its name.
        :param source_connection: the FILE or FLATFILE connection manager of the file, as the database server sees it.
        :param destination_connection: the OLEDB connection manager.
        :param destination_table: the table: ``[dbo].[Sales]``.
        :param field_terminator: as SSIS writes it: ``Tab``, ``Comma {,}``, ``Vertical Bar {|}``, ... Default: ``Tab``.
        :param row_terminator: as SSIS writes it. Default: ``{CR}{LF}``.
        :param properties: others by the name that SSIS uses: ``TableLock``, ``CheckConstraints``, ... Default: none.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`.
        """
        values = {
            "source_connection": self._connection(name, source_connection, "FILE", "FLATFILE"),
            "destination_connection": self._connection(name, destination_connection, "OLEDB"),
            "destination_table": destination_table,
            "field_terminator": field_terminator,
            "row_terminator": row_terminator,
        }
        task_type = task_types.BULK_INSERT
        stored = {**write_stored(values, BULK_INSERT_TASK), **(properties or {})}
        return self._add_task(name, task_type, task_type.part(task_type.element, stored), options)
