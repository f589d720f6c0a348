"""The names of properties in files, by their names in Microsoft's object model, which property paths use."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ssis.project.package import stored
from airflow_provider_ssis.project.package.stored import Stored

EXECUTABLE = {
    "Disable": "Disabled",
    "MaximumErrorCount": "MaxErrorCount",
    "IsolationLevel": "ISOLevel",
    "EnableConfigurations": "EnableConfig",
    "EncryptCheckpoints": "EncryptCheckpoints",
}
"""Properties of packages, containers, tasks and event handlers whose stored name differs."""

FLAGS = (
    "Disabled",
    "DelayValidation",
    "DisableEventHandlers",
    "EnableConfig",
    "EvaluateAsExpression",
    "FailPackageOnFailure",
    "FailParentOnFailure",
    "LogicalAnd",
    "RaiseChangedEvent",
    "ReadOnly",
    "Required",
    "SaveCheckpoints",
    "SuppressConfigurationWarnings",
)
"""Stored properties of the type Boolean."""

NUMBERS = (
    "CheckpointUsage",
    "ConfigurationType",
    "EvalOp",
    "ForceExecutionResult",
    "ISOLevel",
    "LocaleID",
    "MaxConcurrentExecutables",
    "MaxErrorCount",
    "PackagePriorityClass",
    "TransactionOption",
    "Value",
    "VersionBuild",
    "VersionMajor",
    "VersionMinor",
)
"""Stored properties that are whole numbers."""

KNOWN = {
    **dict.fromkeys((*FLAGS, *NUMBERS)),
    **dict.fromkeys(("Description", "Expression", "CheckpointFileName", "VersionComments")),
    **dict.fromkeys(("AssignExpression", "EvalExpression", "InitExpression")),
    **dict.fromkeys(("ConfigString", "ConfigurationString", "ConfigurationVariable")),
}
"""Stored properties that can be added to an object that does not store them yet."""

FIXED = ("CreationName", "DTSID", "ExecutableType", "ID", "Name", "ObjectName", "refId", "ProtectionLevel")
"""Properties on which other places of the package depend."""

TASKS: Mapping[str, tuple[Mapping[str, str], tuple[Stored, ...]]] = {
    "SqlTaskData": (
        {
            "SqlStatementSourceType": "SqlStmtSourceType",
            "IsStoredProcedure": "IsStoredProc",
            "ResultSetType": "ResultType",
        },
        stored.SQL_TASK,
    ),
    "ExecutePackageTask": ({}, stored.PACKAGE_TASK),
    "ExecuteProcessData": ({"TerminateProcessAfterTimeOut": "TerminateAfterTimeout"}, stored.PROCESS_TASK),
    "FileSystemData": (
        {
            "Source": "TaskSourcePath",
            "Destination": "TaskDestinationPath",
            "Operation": "TaskOperationType",
            "OverwriteDestinationFile": "TaskOverwriteDestFile",
            "IsSourcePathVariable": "TaskIsSourceVariable",
            "IsDestinationPathVariable": "TaskIsDestinationVariable",
            "Attributes": "TaskFileAttributes",
        },
        stored.FILE_SYSTEM_TASK,
    ),
    "SendMailTaskData": (
        {
            "ToLine": "To",
            "FromLine": "From",
            "CCLine": "CC",
            "BCCLine": "BCC",
            "SmtpConnection": "SMTPServer",
            "FileAttachments": "Attachments",
        },
        stored.SEND_MAIL_TASK,
    ),
    "ScriptProject": ({"ScriptLanguage": "Language"}, stored.SCRIPT_TASK),
    "FtpData": (
        {
            "Connection": "ConnectionName",
            "Operation": "TaskOperationType",
            "LocalPath": "TaskLocalPath",
            "RemotePath": "TaskRemotePath",
            "IsLocalPathVariable": "TaskIsLocalPathVar",
            "IsRemotePathVariable": "TaskIsRemotePathVar",
            "IsTransferAscii": "TaskTransferAscii",
        },
        stored.FTP_TASK,
    ),
    "ExpressionTask": ({}, (Stored("expression", "Expression"),)),
    "BulkInsertTaskData": (
        {"SourceConnection": "SourceConnectionName", "DestinationConnection": "DestinationConnectionName"},
        stored.BULK_INSERT_TASK,
    ),
}
"""By the element of a task's data: the stored names that differ from those of the object model, and all properties."""

PIPELINE = (
    Stored("auto_adjust_buffer_size", "autoAdjustBufferSize", False),
    Stored("buffer_max_rows", "defaultBufferMaxRows", 10_000),
    Stored("buffer_size", "defaultBufferSize", 10_485_760),
    Stored("engine_threads", "engineThreads", 10),
    Stored("run_in_optimized_mode", "runInOptimizedMode", True),
    Stored("buffer_folder", "bufferTempStoragePath"),
    Stored("blob_folder", "BLOBTempStoragePath"),
)
"""The properties of a Data Flow task."""

ENUMERATORS = {"Directory": "Folder", "FileNameRetrieval": "FileNameRetrievalType"}
"""Properties of Foreach enumerators whose stored name differs."""

CONNECTIONS = {"RetainSameConnection": "Retain", "ExcelFilePath": "ConnectionString"}
"""Properties of connection managers whose stored name differs."""

CONNECTION_KEYS = {
    "ServerName": ("Data Source", "Server"),
    "InitialCatalog": ("Initial Catalog", "Database"),
    "UserName": ("User ID", "UID", "User"),
}
"""Properties of connection managers that are pairs of the connection string: the names of the pair."""
SECRETS = ("password", "serverpassword", "pwd", "packagepassword")
