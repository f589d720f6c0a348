"""The properties that executables, variables, parameters and log providers have in Microsoft's object model.

Property paths contain these names; they are compared without case. The properties of the tasks of other vendors are not
known.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.project.models import ExecutableKind


def _names(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


VARIABLE: Final = _names(
    "CreationName DataType Description EvaluateAsExpression Expression ID IncludeInDebugDump Name Namespace"
    " QualifiedName RaiseChangedEvent ReadOnly Value"
)
PARAMETER: Final = _names("CreationName DataType Description ID IncludeInDebugDump Name Required Sensitive Value")
LOG_PROVIDER: Final = _names("ConfigString CreationName DelayValidation Description ID Name")

_CONTAINER: Final = _names(
    "CreationName DebugMode DelayValidation Description Disable DisableEventHandlers ExecValueVariable"
    " ExecutionDuration ExecutionResult ExecutionStatus FailPackageOnFailure FailParentOnFailure ForceExecutionResult"
    " ForceExecutionValue ForcedExecutionValue ID IsDefaultLocaleID IsolationLevel LocaleID LoggingMode"
    " MaximumErrorCount Name StartTime StopTime SuspendRequired TransactionOption"
)
_PACKAGE: Final = _names(
    "CertificateContext CheckpointFileName CheckpointUsage CheckSignatureOnLoad CreationDate CreatorComputerName"
    " CreatorName DumpDescriptor DumpOnAnyError DumpOnCodes EnableConfigurations EnableDump EncryptCheckpoints"
    " IgnoreConfigurationsOnLoad InteractiveMode MaxConcurrentExecutables OfflineMode PackagePassword"
    " PackagePriorityClass PackageType ProtectionLevel SafeRecursiveProjectPackageExecution SaveCheckpoints"
    " SuppressConfigurationWarnings UpdateObjects VersionBuild VersionComments VersionGUID VersionMajor VersionMinor"
)
_KINDS: Final = {
    ExecutableKind.PACKAGE: _PACKAGE,
    ExecutableKind.SEQUENCE: frozenset[str](),
    ExecutableKind.FOR_LOOP: _names("AssignExpression EvalExpression InitExpression MaxConcurrentExecutables"),
    ExecutableKind.FOREACH_LOOP: _names("CollectionEnumerator MaxConcurrentExecutables"),
}
_TASKS: Final = {
    "executesqltask": _names(
        "BypassPrepare CodePage Connection IsStoredProcedure ResultSetType SqlStatementSource SqlStatementSourceType"
        " TimeOut TypeConversionMode"
    ),
    "executepackagetask": _names(
        "Connection ExecuteOutOfProcess PackageID PackageName PackageNameFromProjectReference PackagePassword"
        " UseProjectReference VersionID"
    ),
    "executeprocess": _names(
        "Arguments Executable FailTaskIfReturnCodeIsNotSuccessValue RequireFullFileName StandardErrorVariable"
        " StandardInputVariable StandardOutputVariable SuccessValue TerminateProcessAfterTimeOut TimeOut WindowStyle"
        " WorkingDirectory"
    ),
    "filesystemtask": _names(
        "Attributes Destination DestinationPath IsDestinationPathVariable IsSourcePathVariable Operation OperationName"
        " OverwriteDestinationFile Source UseDirectoryIfExists"
    ),
    "ftptask": _names(
        "Connection IsLocalPathVariable IsRemotePathVariable IsTransferAscii IsTransferTypeAscii LocalPath Operation"
        " OperationName OverwriteDestination OverwriteFileAtDest OverwriteFileAtDestination RemotePath"
        " StopOnOperationFailure"
    ),
    "sendmailtask": _names(
        "BCC BCCLine CC CCLine FileAttachments FromLine MessageSource MessageSourceType Priority SmtpConnection"
        " Subject ToLine"
    ),
    "scripttask": _names(
        "EntryPoint ReadOnlyVariables ReadWriteVariables ScriptLanguage ScriptLoaded ScriptProjectName"
    ),
    "expressiontask": _names("Expression"),
    "bulkinserttask": _names(
        "BatchSize CheckConstraints CodePage DataFileType DestinationConnection DestinationConnectionID"
        " DestinationTableName FieldTerminator FireTriggers FirstRow FormatFile KeepIdentity KeepNulls LastRow"
        " MaximumErrors RowTerminator SortedData SourceConnection SourceConnectionID TableLock UseFormatFile"
    ),
    "pipeline": _names(
        "AutoAdjustBufferSize AutoGenerateIDForNewObjects BLOBTempStoragePath BufferTempStoragePath"
        " DefaultBufferMaxRows DefaultBufferSize EnableCacheUpdate EnableDisconnectedColumns EngineThreads"
        " RunInOptimizedMode"
    ),
}
"""Properties of the tasks of SQL Server, by the last part of their type."""


def properties_of(kind: ExecutableKind, type_: str, *, is_data_flow: bool) -> frozenset[str] | None:
    """Return the names of an executable's properties in lower case; None for a task whose properties are not known.

    :param kind: its kind.
    :param type_: its type as stored: ``Microsoft.ExecuteSQLTask``.
    :param is_data_flow: whether it is a Data Flow task.
    """
    if kind is not ExecutableKind.TASK:
        return _CONTAINER | _KINDS[kind]
    if is_data_flow:
        return _CONTAINER | _TASKS["pipeline"]
    # Packages of SQL Server 2005 to 2008 name the class of a task with its assembly.
    own = _TASKS.get(type_.partition(",")[0].rpartition(".")[2].lower())
    return None if own is None else _CONTAINER | own


EVENT_HANDLER: Final = _CONTAINER
"""The properties of an event handler."""
