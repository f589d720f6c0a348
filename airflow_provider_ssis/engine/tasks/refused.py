"""Why the engine does not run some types of tasks."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.type_names import task_type

_ANALYSIS = "it needs SQL Server Analysis Services"
_SMO = "it needs SQL Server Management Objects, which exist on Windows only"
_AGENT = "it is a maintenance task, which needs SQL Server Management Objects"
_AZURE = "it is part of the Azure Feature Pack"
_HADOOP = "it needs the Hadoop tasks of Windows"
_DISABLE = "Disable the task, or replace it with an Execute SQL task or a Script task with a Python function."
_REASONS: Mapping[str, str] = {
    "CDCControlTask": "it needs the CDC component by Attunity, which exists on Windows only",
    "ASExecuteDDLTask": _ANALYSIS,
    "ASProcessingTask": _ANALYSIS,
    "DTSProcessingTask": _ANALYSIS,
    "DMQueryTask": _ANALYSIS,
    "TransferDatabaseTask": _SMO,
    "TransferErrorMessagesTask": _SMO,
    "TransferJobsTask": _SMO,
    "TransferLoginsTask": _SMO,
    "TransferStoredProceduresTask": _SMO,
    "TransferSqlServerObjectsTask": _SMO,
    "DataProfilingTask": "its analyses are not implemented",
    "WebServiceTask": "calls of SOAP services are not implemented",
    "MessageQueueTask": "it needs Microsoft Message Queuing, which exists on Windows only",
    "WmiDataReaderTask": "it needs Windows Management Instrumentation",
    "WmiEventWatcherTask": "it needs Windows Management Instrumentation",
    "ActiveXScriptTask": "ActiveX scripts run on Windows only",
    "Exec80PackageTask": "it runs packages of SQL Server 2000",
    "DbMaintenanceBackupTask": _AGENT,
    "DbMaintenanceCheckIntegrityTask": _AGENT,
    "DbMaintenanceExecuteAgentJobTask": _AGENT,
    "DbMaintenanceFileCleanupTask": _AGENT,
    "DbMaintenanceHistoryCleanupTask": _AGENT,
    "DbMaintenanceNotifyOperatorTask": _AGENT,
    "DbMaintenanceReindexTask": _AGENT,
    "DbMaintenanceDefragmentIndexTask": _AGENT,
    "DbMaintenanceShrinkTask": _AGENT,
    "DbMaintenanceUpdateStatisticsTask": _AGENT,
    "DbMaintenanceTSQLExecuteTask": "it is a maintenance task with its own form of connection",
    "HadoopFileSystemTask": _HADOOP,
    "HadoopHiveTask": _HADOOP,
    "HadoopPigTask": _HADOOP,
    "AzureBlobUploadTask": _AZURE,
    "AzureBlobDownloadTask": _AZURE,
    "AzureDataLakeStoreFileSystemTask": _AZURE,
    "AzureHDInsightCreateClusterTask": _AZURE,
    "AzureHDInsightDeleteClusterTask": _AZURE,
    "AzureHDInsightHiveTask": _AZURE,
    "AzureHDInsightPigTask": _AZURE,
    "AzureSqlDWUploadTask": _AZURE,
    "FlexibleFileTask": _AZURE,
}
"""The reasons by the names that :func:`airflow_provider_ssis.project.type_names.task_type` returns."""


def refused_task(container: DtsContainer) -> Refusal:
    """Return why the engine does not run a task without a class in :mod:`~airflow_provider_ssis.engine.tasks.table`.

    :param container: the task.
    """
    name = task_type(container.type)
    why = _REASONS.get(name, "the engine does not run tasks of this type")
    return Refusal(container.path, f"task of the type {name if name in _REASONS else container.type}", why, _DISABLE)
