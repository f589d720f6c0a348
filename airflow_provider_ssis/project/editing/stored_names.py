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

_EXECUTABLE = (
    "DelayValidation",
    "Description",
    "DisableEventHandlers",
    "Disabled",
    "FailPackageOnFailure",
    "FailParentOnFailure",
    "ForceExecutionResult",
    "ISOLevel",
    "LocaleID",
    "MaxErrorCount",
    "TransactionOption",
)
ADDED: Mapping[str, tuple[str, ...]] = {
    "": _EXECUTABLE,
    "Package": (
        *_EXECUTABLE,
        "CheckpointFileName",
        "CheckpointUsage",
        "EnableConfig",
        "MaxConcurrentExecutables",
        "PackagePriorityClass",
        "SaveCheckpoints",
        "SuppressConfigurationWarnings",
        "VersionBuild",
        "VersionComments",
        "VersionMajor",
        "VersionMinor",
    ),
    "TASK": _EXECUTABLE,
    "SEQUENCE": _EXECUTABLE,
    "FOREACH_LOOP": _EXECUTABLE,
    "FOR_LOOP": (*_EXECUTABLE, "AssignExpression", "EvalExpression", "InitExpression"),
    "Variables": ("Description", "EvaluateAsExpression", "Expression", "RaiseChangedEvent", "ReadOnly"),
    "Parameters": ("Description", "Required"),
    "Connections": ("DelayValidation", "Description"),
    "LogProviders": ("ConfigString", "DelayValidation", "Description"),
    "Configurations": ("ConfigurationString", "ConfigurationType", "ConfigurationVariable", "Description"),
    "PrecedenceConstraints": ("Description", "EvalOp", "Expression", "LogicalAnd", "Value"),
}
"""Stored properties that can be added to an object that does not store them yet, by the kind of object.

The kind is a collection of property paths, ``Package``, the kind of another executable, or empty for event handlers."""

FIXED = (
    "CreationName",
    "DTSID",
    "DataType",
    "EventID",
    "EventName",
    "ExecutableType",
    "ID",
    "Name",
    "Namespace",
    "ObjectName",
    "ProtectionLevel",
    "Sensitive",
    "refId",
)
"""Properties on which other places of the package depend."""
ENDS = ("From", "To")
"""The same of precedence constraints."""

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

CONNECTIONS = {"RetainSameConnection": "Retain"}
"""Properties of connection managers whose stored name differs."""

CONNECTION_KEYS = {
    "ServerName": ("Data Source", "Server"),
    "InitialCatalog": ("Initial Catalog", "Database"),
    "UserName": ("User ID", "UID", "User"),
    "ExcelFilePath": ("Data Source",),
    "SmtpServer": ("SmtpServer",),
    "EnableSsl": ("EnableSsl",),
    "UseWindowsAuthentication": ("UseWindowsAuthentication",),
}
"""Properties of connection managers that are pairs of the connection string: the names of the pair."""
ONE_KIND = {"ExcelFilePath": "EXCEL", "SmtpServer": "SMTP", "EnableSsl": "SMTP", "UseWindowsAuthentication": "SMTP"}
"""The type of connection managers that have a pair, if only one has it."""
WITHOUT_PAIRS = ("CACHE", "FILE", "FLATFILE", "FTP", "HTTP", "MULTIFILE", "MULTIFLATFILE")
"""The types of connection managers whose connection string is a path or an address."""
SECRETS = ("password", "serverpassword", "pwd", "packagepassword")
