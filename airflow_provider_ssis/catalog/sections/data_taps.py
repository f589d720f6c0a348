"""Data taps, and memory dumps of executions."""

from __future__ import annotations

from uuid import UUID

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import InvalidArgument
from airflow_provider_ssis.catalog.models import DataTap
from airflow_provider_ssis.catalog.refusals import ADMIN_ROLE, OperationTarget
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.statements import MarkerValue, select


class DataTaps(CommandPart):
    """The part of the catalog client for data taps and dumps."""

    def add_data_tap(
        self,
        execution_id: int,
        path_id: str,
        file: str,
        *,
        task_path: str | None = None,
        task_guid: UUID | str | None = None,
        max_rows: int | None = None,
    ) -> int:
        """Let an execution write the rows that pass a path of a data flow to a file.

        The execution must not have started. The file is in the folder ``DataDumps`` of the server's installation of
        Integration Services (``C:\\Program Files\\Microsoft SQL Server\\150\\DTS\\DataDumps`` for SQL Server 2019).

        :param execution_id: the execution.
        :param path_id: the path's ``IdentificationString``:
            ``Paths[OLE DB Source.OLE DB Source Output]``, as Visual Studio shows it in the properties of the path.
        :param file: the file's name, without a folder.
        :param task_path: the data flow task, by its path in the package: ``\\Package\\Load``.
        :param task_guid: the data flow task, by its id, instead of ``task_path``.
        :param max_rows: the most rows to write. Default: all.
        :return: the data tap's id.
        :raises AlreadyExists: the path has a data tap in this execution.
        :raises AlreadyStarted: the execution has started.
        :raises ExecutionNotFound: there is no such execution.
        :raises PermissionDenied: the login may not change the execution.
        :raises InvalidArgument: the task is named in no way or in both, or ``max_rows`` is negative.
        """
        check_arguments(data_flow_path=path_id, data_tap_file=file)
        doing = f"Adding a data tap to the execution {execution_id}"
        if (task_path is None) is (task_guid is None):
            raise InvalidArgument(f"{doing} failed: exactly one data flow task must be named", advice=_ONE_TASK)
        if max_rows is not None and max_rows < 0:
            raise InvalidArgument(f"{doing} failed: max_rows is {max_rows}", advice="Give at least 0, or None for all.")
        values: list[MarkerValue] = [execution_id]
        if task_path is not None:
            call = "EXEC catalog.add_data_tap @execution_id = ?, @task_package_path = ?"
            values.append(task_path)
        else:
            call = "EXEC catalog.add_data_tap_by_guid @execution_id = ?, @dataflow_task_guid = @task"
            values.insert(0, _guid(task_guid, doing))
        call += ", @dataflow_path_id_string = ?, @data_filename = ?"
        values += [path_id, file]
        if max_rows is not None:
            call += ", @max_rows = ?"
            values.append(max_rows)
        assign = "" if task_guid is None else "SET @task = CAST(? AS uniqueidentifier);\n"
        result = self._query(
            f"{assign}{call}, @data_tap_id = @data_tap_id OUTPUT;\nSELECT @data_tap_id AS data_tap_id;",
            values,
            doing,
            OperationTarget(execution_id, PermissionType.MODIFY),
            declare="@data_tap_id bigint, @task uniqueidentifier",
        )
        return int(result.rows[0][0])

    def remove_data_tap(self, data_tap_id: int) -> None:
        """Remove a data tap from an execution that has not started.

        :param data_tap_id: the data tap.
        :raises DataTapNotFound: there is no such data tap, or the login may not change the execution.
        :raises AlreadyStarted: the execution has started.
        """
        self._command(
            "EXEC catalog.remove_data_tap @data_tap_id = ?;", [data_tap_id], f"Removing the data tap {data_tap_id}"
        )

    def data_taps(self, execution_id: int) -> list[DataTap]:
        """The data taps of an execution, in the order in which they were added.

        :param execution_id: the execution.
        """
        batch = select(
            DataTap,
            "catalog.execution_data_taps AS v",
            where=["v.execution_id = ?"],
            values=[execution_id],
            order_by="v.data_tap_id",
        )
        return self._session.fetch(DataTap, batch, doing=f"Reading the data taps of execution {execution_id}")

    def create_execution_dump(self, execution_id: int) -> None:
        """Write a memory dump of the process that runs an execution, while it continues to run.

        The files are in the folder ``ErrorDumps`` of the server's installation of SQL Server's shared components.

        :param execution_id: the execution.
        :raises ProcessNotFound: no process runs it.
        :raises ExecutionNotFound: there is no such execution.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        self._command(
            "EXEC catalog.create_execution_dump @execution_id = ?;",
            [execution_id],
            f"Creating a dump of the execution {execution_id}",
            role=ADMIN_ROLE,
        )


def _guid(value: UUID | str | None, doing: str) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(str(value)))
    except ValueError:
        raise InvalidArgument(
            f"{doing} failed: {value!r} is not the id of a task",
            advice="Give a GUID as {8A77A3B2-0000-0000-0000-000000000000} or without braces.",
        ) from None


_ONE_TASK = "Give either task_path or task_guid."
