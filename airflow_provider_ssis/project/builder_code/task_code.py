"""Code for tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree

from airflow_provider_ssis.project.builder.executables import Options
from airflow_provider_ssis.project.builder.sql_parameters import SqlParameter
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.builder_code.equality import differences
from airflow_provider_ssis.project.builder_code.flow_code import flow_code
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    ExpressionTask,
    FileSystemTask,
    FtpTask,
    SendMailTask,
)

if TYPE_CHECKING:
    from airflow_provider_ssis.project.package.containers import DtsContainer


@dataclass(frozen=True)
class TaskCode:
    """The code for a task.

    :param owner: the container to which it is added.
    :param managers: the connection managers by id, reference and name.
    :param variables: the qualified names of variables by id in upper case.
    :param options: the options of the task; None for the defaults.
    :param full_options: the same with the description of its type, which the methods of the types write themselves.
    """

    code: Code
    owner: Ref
    managers: Mapping[str, Ref]
    variables: Mapping[str, str]
    found: DtsContainer
    options: Options | None
    full_options: Options | None

    def write(self) -> Ref:
        """Write the call that makes the task.

        The method of its type is used if it makes an equal task, else its data is given as XML.

        :returns: the task.
        """
        data = self.found.data()
        write = _WRITERS.get(type(data))
        original = self.found.element.find(f"{DTS}ObjectData/*")
        start = self.code.mark()
        if write is not None and original is not None:
            try:
                made = write(self, data)
            except (BuildError, LookupError, ValueError, TypeError):
                made = None
            if made is not None:
                task = made.task if isinstance(data, Pipeline) else made
                built = task.value.element().find(f"{DTS}ObjectData/*")
                if built is not None and not differences(original, built, self.found.part):
                    return task
            self.owner.value.discard(self.found.name)
            self.code.undo(start)
        xml = "" if original is None else etree.tostring(original, encoding="unicode", with_tail=False)
        options = {} if self.full_options is None else {"options": self.full_options}
        return self.code.call(
            self.owner, "add_stored_task", self.found.name, self.found.type, xml, into=self.found.name, **options
        )

    def call(self, method: str, *args: object, **kwargs: object) -> Ref:
        """Write the call of a method that adds the task."""
        given = {name: value for name, value in kwargs.items() if value is not None}
        if self.options is not None:
            given["options"] = self.options
        return self.code.call(self.owner, method, self.found.name, *args, into=self.found.name, **given)

    def manager(self, id_: str) -> Ref:
        """Return the connection manager with an id or name."""
        return self.managers[id_.casefold()]

    def path(self, text: str, is_variable: bool) -> object:
        """Return a variable, or the connection manager of a file."""
        return text if is_variable else self.manager(text)

    def statement(self, source_type: str, source: str) -> object:
        """Return a text, a variable or the connection manager of a file."""
        return self.manager(source) if source_type == "FileConnection" else source


def _sql(task: TaskCode, data: ExecuteSqlTask) -> Ref:
    parameters = [
        SqlParameter(each.variable, each.direction, each.name, each.data_type, each.size) for each in data.parameters
    ]
    return task.call(
        "add_execute_sql",
        task.manager(data.connection),
        task.statement(data.source_type, data.source),
        source_type=_unless(data.source_type, "DirectInput"),
        parameters=parameters or None,
        results={each.name: each.variable for each in data.results} or None,
        result_type=_unless(data.result_type, "None"),
        timeout=data.timeout or None,
        code_page=data.code_page or None,
        bypass_prepare=_unless(data.bypass_prepare, True),
        is_stored_procedure=data.is_stored_procedure or None,
    )


def _package(task: TaskCode, data: ExecutePackageTask) -> Ref:
    return task.call(
        "add_execute_package",
        data.package_name,
        connection=task.manager(data.connection) if data.connection else None,
        assignments={each.parameter: each.source for each in data.assignments} or None,
        execute_out_of_process=data.execute_out_of_process or None,
    )


def _process(task: TaskCode, data: ExecuteProcessTask) -> Ref:
    return task.call(
        "add_execute_process",
        data.executable,
        data.arguments,
        working_directory=data.working_directory or None,
        require_full_file_name=_unless(data.require_full_file_name, True),
        fail_on_other_return_code=_unless(data.fail_on_other_return_code, True),
        success_value=data.success_value or None,
        timeout=data.timeout or None,
        terminate_after_timeout=_unless(data.terminate_after_timeout, True),
        standard_input_variable=data.standard_input_variable or None,
        standard_output_variable=data.standard_output_variable or None,
        standard_error_variable=data.standard_error_variable or None,
        window_style=_unless(data.window_style, "Normal"),
    )


def _file_system(task: TaskCode, data: FileSystemTask) -> Ref:
    return task.call(
        "add_file_system",
        data.operation,
        task.path(data.source, data.source_is_variable),
        task.path(data.destination, data.destination_is_variable) if data.destination else None,
        overwrite=data.overwrite or None,
        file_attributes=data.file_attributes or None,
    )


def _mail(task: TaskCode, data: SendMailTask) -> Ref:
    return task.call(
        "add_send_mail",
        task.manager(data.smtp_server),
        sender=data.sender,
        to=data.to,
        subject=data.subject or None,
        message=task.statement(data.source_type, data.source) or None,
        source_type=_unless(data.source_type, "DirectInput"),
        cc=data.cc or None,
        bcc=data.bcc or None,
        priority=_unless(data.priority, "Normal"),
        attachments=list(data.attachments) or None,
    )


def _ftp(task: TaskCode, data: FtpTask) -> Ref:
    local = task.path(data.local_path, data.local_path_is_variable) if data.local_path else None
    return task.call(
        "add_ftp",
        task.manager(data.connection),
        data.operation,
        local_path=local,
        remote_path=data.remote_path or None,
        remote_path_is_variable=data.remote_path_is_variable or None,
        ascii_mode=data.ascii or None,
    )


def _expression(task: TaskCode, data: ExpressionTask) -> Ref:
    return task.call("add_expression", data.expression)


def _bulk_insert(task: TaskCode, data: BulkInsertTask) -> Ref:
    own = ("SourceConnectionName", "DestinationConnectionName", "DestinationTableName", "FieldTerminator")
    others = {name: text for name, text in data.properties.items() if name not in (*own, "RowTerminator")}
    return task.call(
        "add_bulk_insert",
        task.manager(data.source_connection),
        task.manager(data.destination_connection),
        data.destination_table,
        field_terminator=_unless(data.field_terminator, "Tab"),
        row_terminator=_unless(data.row_terminator, "{CR}{LF}"),
        properties=others or None,
    )


def _data_flow(task: TaskCode, data: Pipeline) -> Ref:
    flow = task.call("add_data_flow")
    flow_code(task.code, flow, data, task.managers, task.variables)
    return flow


def _unless(value: object, default: object) -> object:
    """Return a value, or None for the default, which needs no argument."""
    return None if value == default else value


_WRITERS: Mapping[type, Callable[[TaskCode, Any], Ref]] = {
    ExecuteSqlTask: _sql,
    ExecutePackageTask: _package,
    ExecuteProcessTask: _process,
    FileSystemTask: _file_system,
    SendMailTask: _mail,
    FtpTask: _ftp,
    ExpressionTask: _expression,
    BulkInsertTask: _bulk_insert,
    Pipeline: _data_flow,
}
