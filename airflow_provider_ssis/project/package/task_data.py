"""Read the data of tasks, by the name of the element in which a task stores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.data_flow import read_pipeline
from airflow_provider_ssis.project.package.elements import DtsElement, attributes, local_name, number
from airflow_provider_ssis.project.package.stored import (
    BULK_INSERT_TASK,
    FILE_SYSTEM_TASK,
    FTP_TASK,
    PACKAGE_TASK,
    PROCESS_TASK,
    SCRIPT_TASK,
    SEND_MAIL_TASK,
    SQL_TASK,
    read_stored,
)
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteProcessTask,
    ExecuteSqlTask,
    ExpressionTask,
    FileSystemTask,
    FtpTask,
    OtherTask,
    ParameterAssignment,
    ParameterBinding,
    PropertyBag,
    ResultBinding,
    ScriptTask,
    SendMailTask,
    TaskData,
)

if TYPE_CHECKING:
    from lxml.etree import _Element


def read_task(element: _Element, part: str) -> TaskData:
    """Read the data of a task.

    :param element: ``DTS:Executable``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: a number in it is not a number.
    """
    data = element.find(f"{DTS}ObjectData/*")
    if data is None:
        # Expressions can set all properties; the element is left out then.
        read = _EMPTY.get(_type_name(element))
        return OtherTask(element, part, None) if read is None else read(element.makeelement("empty"), part)
    name, type_name = local_name(data), _type_name(element)
    if name == "SqlTaskData" and type_name.startswith("DbMaintenance") and type_name != _MAINTENANCE_SQL:
        # The other maintenance tasks share the element with the Execute SQL task, but none of its properties.
        return _other(data, part)
    return _READERS.get(name, _other)(data, part)


def _type_name(element: _Element) -> str:
    """Return the type of a task without prefix, version and assembly: ``SendMailTask``."""
    return element.get(f"{DTS}ExecutableType", "").partition(",")[0].rpartition(".")[2]


def _sql(data: _Element, part: str) -> ExecuteSqlTask:
    owner = DtsElement(data, part)
    return ExecuteSqlTask(
        data,
        part,
        **read_stored(attributes(data), SQL_TASK, owner),
        parameters=tuple(_parameter_binding(each, owner) for each in _children(data, "ParameterBinding")),
        results=tuple(
            ResultBinding(each.get("ResultName", ""), each.get("DtsVariableName", ""))
            for each in map(attributes, _children(data, "ResultBinding"))
        ),
    )


def _parameter_binding(element: _Element, owner: DtsElement) -> ParameterBinding:
    found = attributes(element)
    return ParameterBinding(
        name=found.get("ParameterName", ""),
        variable=found.get("DtsVariableName", ""),
        direction=found.get("ParameterDirection", "Input"),
        data_type=number(found.get("DataType"), 0, owner, "DataType"),
        size=number(found.get("ParameterSize"), -1, owner, "ParameterSize"),
    )


def _package(data: _Element, part: str) -> ExecutePackageTask:
    stored = read_stored(_texts(data), PACKAGE_TASK, DtsElement(data, part))
    return ExecutePackageTask(
        data,
        part,
        **{**stored, "package_name": stored["package_name"].strip()},
        assignments=tuple(
            ParameterAssignment(each.get("ParameterName", ""), each.get("BindedVariableOrParameterName", ""))
            for each in map(_texts, _children(data, "ParameterAssignment"))
        ),
    )


def _process(data: _Element, part: str) -> ExecuteProcessTask:
    return ExecuteProcessTask(data, part, **read_stored(attributes(data), PROCESS_TASK, DtsElement(data, part)))


def _file_system(data: _Element, part: str) -> FileSystemTask:
    return FileSystemTask(data, part, **read_stored(attributes(data), FILE_SYSTEM_TASK, DtsElement(data, part)))


def _send_mail(data: _Element, part: str) -> SendMailTask:
    found = attributes(data)
    attached = [found.get("Attachments", found.get("FileAttachments", ""))]
    attached += [attributes(child).get("FileName", "") for child in _children(data, "Attachments")]
    return SendMailTask(
        data,
        part,
        **read_stored(found, SEND_MAIL_TASK, DtsElement(data, part)),
        attachments=tuple(name.strip() for names in attached for name in names.split("|") if name.strip()),
    )


def _script(data: _Element, part: str) -> ScriptTask:
    found = attributes(data)
    return ScriptTask(
        data,
        part,
        **read_stored(found, SCRIPT_TASK, DtsElement(data, part)),
        read_only_variables=_names(found.get("ReadOnlyVariables", "")),
        read_write_variables=_names(found.get("ReadWriteVariables", "")),
        files={attributes(item).get("Name", ""): item.text or "" for item in _children(data, "ProjectItem")},
        has_binary=any(item.text for item in _children(data, "BinaryItem")),
    )


def _ftp(data: _Element, part: str) -> FtpTask:
    found = attributes(data)
    return FtpTask(data, part, **read_stored(found, FTP_TASK, DtsElement(data, part)), properties=found)


def _expression(data: _Element, part: str) -> ExpressionTask:
    return ExpressionTask(data, part, attributes(data).get("Expression", ""))


def _bulk_insert(data: _Element, part: str) -> BulkInsertTask:
    found = attributes(data)
    return BulkInsertTask(data, part, **read_stored(found, BULK_INSERT_TASK, DtsElement(data, part)), properties=found)


def _other(data: _Element, part: str) -> OtherTask:
    return OtherTask(data, part, _bag(data))


def _bag(element: _Element) -> PropertyBag:
    return PropertyBag(
        local_name(element), attributes(element), element.text or "", tuple(_bag(child) for child in element)
    )


def _children(data: _Element, name: str) -> list[_Element]:
    return [child for child in data if local_name(child) == name]


def _texts(data: _Element) -> dict[str, str]:
    """Return the child elements by name, with their texts; attributes count as such too."""
    return {**attributes(data), **{local_name(child): child.text or "" for child in data}}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


_MAINTENANCE_SQL = "DbMaintenanceTSQLExecuteTask"
_READERS: Mapping[str, Callable[[_Element, str], TaskData]] = {
    "SqlTaskData": _sql,
    "ExecutePackageTask": _package,
    "ExecuteProcessData": _process,
    "FileSystemData": _file_system,
    "SendMailTaskData": _send_mail,
    "ScriptProject": _script,
    "FtpData": _ftp,
    "ExpressionTask": _expression,
    "BulkInsertTaskData": _bulk_insert,
    "pipeline": read_pipeline,
}
_EMPTY: Mapping[str, Callable[[_Element, str], TaskData]] = {
    "ExecuteSQLTask": _sql,
    "ExecuteProcess": _process,
    "FileSystemTask": _file_system,
    "SendMailTask": _send_mail,
    "FtpTask": _ftp,
    "ExpressionTask": _expression,
    "BulkInsertTask": _bulk_insert,
}
