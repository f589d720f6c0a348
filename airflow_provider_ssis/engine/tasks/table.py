"""The types of tasks that the engine runs."""

from __future__ import annotations

from collections.abc import MutableMapping
from importlib import import_module

from airflow_provider_ssis.engine.errors import require_extra
from airflow_provider_ssis.engine.tasks.task import Task

_HERE = "airflow_provider_ssis.engine.tasks"
_DATA_FLOW = "Pipeline"
TASKS: MutableMapping[str, str] = {
    "BulkInsertTask": f"{_HERE}.bulk_insert:BulkInsertTask",
    "ExecutePackageTask": f"{_HERE}.package:PackageTask",
    "ExecuteProcess": f"{_HERE}.process:ProcessTask",
    "ExecuteSQLTask": f"{_HERE}.sql.task:SqlTask",
    "ExpressionTask": f"{_HERE}.expression:ExpressionTask",
    "FileSystemTask": f"{_HERE}.file_system:FileSystem",
    "FtpTask": f"{_HERE}.ftp:FtpTask",
    _DATA_FLOW: f"{_HERE}.data_flow_task:DataFlowTask",
    "ScriptTask": f"{_HERE}.script:ScriptTask",
    "SendMailTask": f"{_HERE}.send_mail:SendMailTask",
    "XMLTask": f"{_HERE}.xml.task:XmlTask",
}
"""The module and class of each type: ``airflow_provider_ssis.engine.tasks.process:ProcessTask``.

The keys are the names that :func:`airflow_provider_ssis.project.type_names.task_type` returns. A module is imported
when a package has such a task."""


def task_class(type_name: str) -> type[Task] | None:
    """Return the class that runs a type of task; None if the engine does not run it.

    :param type_name: ``ExecuteSQLTask``, ``Pipeline``, ...
    :raises ExtraMissingError: the type needs the extra ``engine``.
    """
    found = TASKS.get(type_name)
    if found is None:
        return None
    if type_name == _DATA_FLOW:
        require_extra()
    module, _, name = found.partition(":")
    loaded: type[Task] = getattr(import_module(module), name)
    return loaded
