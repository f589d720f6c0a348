"""Error numbers of SQL Server and the catalog: the exception for each, and what to do."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    AlreadyStarted,
    AlreadyStopping,
    CatalogError,
    CatalogMissing,
    DataTapNotFound,
    DeploymentBusy,
    DeploymentFailed,
    EnvironmentNotFound,
    EnvironmentReferenceNotFound,
    EnvironmentVariableNotFound,
    ExecutionNotFound,
    FolderNotEmpty,
    FolderNotFound,
    InvalidArgument,
    InvalidName,
    LoggingLevelNotFound,
    LoginFailed,
    NotFound,
    NotStoppable,
    OperationNotFound,
    OperationsActive,
    PackageNotFound,
    ParameterNotFound,
    PermissionDenied,
    ProcessNotFound,
    ProjectChanged,
    ProjectKeyMissing,
    ProjectNotFound,
    RequiredParameterMissing,
    SingleUserRequired,
    TransientError,
    VersionInUse,
    VersionNotFound,
    WindowsAuthenticationRequired,
    WorkerNotFound,
    WrongParameterType,
)


class Meaning(NamedTuple):
    """The class to raise for an error number, and advice if the class's own is too general."""

    error: type[CatalogError]
    advice: str | None = None


_GOING_DOWN = "The server is shutting down, paused or resuming, or it ended the session. Retry when it is available."
_SHUT = (
    "The database is not available now: it is starting, being restored, failing over, or in single-user mode. Retry "
    "later. If the error persists, check the state of SSISDB (sys.databases)."
)
_SHORT_OF_MEMORY = "The server is short of memory. Retry later, or check its other workload."
_NO_ROOM = "The server cannot write to SSISDB. Check the free space of its data and log files and of their disks."
_DAMAGED = (
    "The catalog is inconsistent, or another session changed the same object. Retry; then check SSISDB (DBCC CHECKDB)."
)

_MASTER_KEY = (
    "The database master key of SSISDB cannot be opened, which is usual after SSISDB was restored on another server or "
    "failed over: on that server run OPEN MASTER KEY DECRYPTION BY PASSWORD = '...' and ALTER MASTER KEY ADD "
    "ENCRYPTION BY SERVICE MASTER KEY in SSISDB."
)
_CLR = (
    "SQL Server cannot run the catalog's CLR code, which is usual after SSISDB was restored or the CLR settings were "
    "changed: check that 'clr enabled' is 1 (sp_configure), that SSISDB is TRUSTWORTHY, and that the login "
    "##MS_SQLEnableSystemAssemblyLoadingUser## with its asymmetric key exists on that server."
)

MEANINGS: dict[int, Meaning] = {
    # The server, before the catalog is reached
    229: Meaning(
        PermissionDenied,
        "Create a user for the login in SSISDB (its role public has EXECUTE and SELECT). To create, describe or delete "
        "folders the login needs the role ssis_admin.",
    ),
    **dict.fromkeys(
        (208, 2812),
        Meaning(
            CatalogMissing,
            "The current database must be SSISDB: leave the connection's field schema empty. If it is, the catalog's "
            "version does not have this object.",
        ),
    ),
    916: Meaning(CatalogMissing),
    4060: Meaning(CatalogMissing),
    18452: Meaning(
        LoginFailed, "The server does not trust the login's domain. Get a Kerberos ticket of the right realm."
    ),
    18456: Meaning(LoginFailed),
    18470: Meaning(LoginFailed, "The login is disabled."),
    18486: Meaning(LoginFailed, "The login is locked. Unlock it."),
    18487: Meaning(LoginFailed, "The login's password has expired. Change it."),
    18488: Meaning(LoginFailed, "The login's password must be changed before the first use."),
    # SSISDB after a restore, a failover or a change of the CLR settings
    15581: Meaning(CatalogError, _MASTER_KEY),
    **dict.fromkeys((6263, 6522, 10314), Meaning(CatalogError, _CLR)),
    # Busy or failing over
    **dict.fromkeys(
        (845, 1204, 1205, 1222, 10928, 10929, 40197, 40501, 40613, 49918, 49919, 49920), Meaning(TransientError)
    ),
    **dict.fromkeys((596, 6005, 42108, 42109), Meaning(TransientError, _GOING_DOWN)),
    **dict.fromkeys((921, 922, 924, 927, 945, 952, 954, 976, 978, 979, 982, 983, 3906), Meaning(TransientError, _SHUT)),
    **dict.fromkeys((701, 802, 8645, 8651), Meaning(TransientError, _SHORT_OF_MEMORY)),
    # Transient, because an administrator usually frees space soon.
    **dict.fromkeys((1105, 9001, 9002), Meaning(TransientError, _NO_ROOM)),
    27195: Meaning(TransientError, "Many executions are being created at the same time. Retry later."),
    27149: Meaning(TransientError, "The package is pending. Retry later."),
    27118: Meaning(DeploymentBusy),
    27230: Meaning(DeploymentBusy),
    # Missing objects
    27103: Meaning(ExecutionNotFound),
    27104: Meaning(FolderNotFound),
    27105: Meaning(OperationNotFound),
    27106: Meaning(ParameterNotFound),
    27109: Meaning(ProjectNotFound),
    **dict.fromkeys((27111, 27114, 27208), Meaning(EnvironmentReferenceNotFound)),
    27115: Meaning(FolderNotFound),
    27127: Meaning(CatalogMissing),
    27146: Meaning(PackageNotFound),
    27176: Meaning(ParameterNotFound),
    27179: Meaning(VersionNotFound),
    27182: Meaning(
        EnvironmentNotFound,
        "References are by name: if the environment was renamed, moved or deleted, create a new reference. The login "
        "needs READ on the environment.",
    ),
    27183: Meaning(EnvironmentVariableNotFound),
    27185: Meaning(OperationNotFound),
    27186: Meaning(EnvironmentVariableNotFound, "Add the variables to the environment, or choose another environment."),
    27187: Meaning(ProjectNotFound),
    27194: Meaning(ProjectNotFound),
    27197: Meaning(NotFound),
    27198: Meaning(OperationNotFound),
    27200: Meaning(EnvironmentReferenceNotFound, "Create the environment reference on the project first."),
    27207: Meaning(EnvironmentVariableNotFound, "Add the variables to the environment, or choose another environment."),
    27220: Meaning(CatalogMissing),
    27237: Meaning(LoggingLevelNotFound),
    # Existing objects
    **dict.fromkeys((27107, 27157, 27173, 27177, 27181, 27190, 27204, 27235), Meaning(AlreadyExists)),
    27129: Meaning(AlreadyExists),
    27196: Meaning(FolderNotEmpty),
    # Arguments
    **dict.fromkeys((27128, 27142, 27145, 27180, 27189, 27199, 27233, 27234), Meaning(InvalidName)),
    **dict.fromkeys((27100, 27101, 27102, 27138, 27216, 27240), Meaning(InvalidArgument)),
    27217: Meaning(InvalidArgument, "Logging levels are 0 to 4, or the name of a customized level."),
    27241: Meaning(InvalidArgument, "Name the customized logging level."),
    27202: Meaning(InvalidArgument, "Some parameters take their value from an environment. Pass the environment."),
    **dict.fromkeys((27147, 27159, 27171, 27205, 27210), Meaning(WrongParameterType)),
    27148: Meaning(
        WrongParameterType,
        "A parameter is bound to an environment variable of another type. Change the variable or the binding.",
    ),
    27221: Meaning(
        WrongParameterType,
        "A sensitive environment variable is bound to a parameter that is not sensitive. Make the parameter sensitive.",
    ),
    27184: Meaning(RequiredParameterMissing),
    27201: Meaning(RequiredParameterMissing),
    # Permissions
    27123: Meaning(WindowsAuthenticationRequired),
    **dict.fromkeys(
        (27110, 27120, 27140, 27143, 27153, 27192, 27206, 27209, 27219, 27223, 27232, 27236, 27238, 27239),
        Meaning(PermissionDenied),
    ),
    27178: Meaning(
        PermissionDenied, "To run a package, the login needs EXECUTE on its project, or EXECUTE_OBJECTS on the folder."
    ),
    27188: Meaning(PermissionDenied, "Only members of ssis_admin or sysadmin can create and delete folders."),
    27260: Meaning(PermissionDenied, "This needs the server role sysadmin."),
    # State
    27121: Meaning(AlreadyStarted),
    27175: Meaning(AlreadyStarted, "The execution has ended. Create a new one."),
    **dict.fromkeys(
        (27212, 27224, 27225),
        Meaning(
            AlreadyStarted,
            "Parameters, overrides and data taps must be set before the execution starts. Create a new one.",
        ),
    ),
    27124: Meaning(NotStoppable),
    27125: Meaning(
        NotStoppable,
        "The execution has no process yet. Retry in a moment. If it stays pending, check the server.",
    ),
    27126: Meaning(AlreadyStopping),
    27150: Meaning(ProjectChanged),
    27203: Meaning(DeploymentFailed),
    27231: Meaning(DeploymentFailed),
    **dict.fromkeys((27117, 27119, 27172), Meaning(ProjectKeyMissing)),
    27130: Meaning(
        PermissionDenied,
        "The server could not impersonate the Windows account. Check Kerberos delegation and the service account.",
    ),
    # The server and its processes
    **dict.fromkeys(
        (27131, 27132, 27133),
        Meaning(
            CatalogError,
            "The server could not start ISServerExec. Check memory, desktop heap and the permissions of its account.",
        ),
    ),
    27218: Meaning(ProcessNotFound),
    27170: Meaning(CatalogError, "The stored project cannot be read. Deploy it again."),
    **dict.fromkeys((27108, 27112, 27113, 27156, 27169, 27256), Meaning(CatalogError, _DAMAGED)),
    27116: Meaning(WrongParameterType, "The sensitive value cannot be converted to its type."),
    27154: Meaning(InvalidArgument, "Pass whether the value is sensitive."),
    27158: Meaning(CatalogError, "The message contains the error of another procedure. Follow that one."),
    # The catalog as a whole
    27135: Meaning(AlreadyExists, "The server has a catalog already. Use it."),
    27139: Meaning(OperationsActive),
    27141: Meaning(CatalogError, "Clean up the logs of executions first (internal.cleanup_server_log)."),
    27155: Meaning(VersionInUse),
    **dict.fromkeys((27160, 27162), Meaning(SingleUserRequired)),
    27163: Meaning(InvalidArgument, "Check the property's values in the documentation of catalog.configure_catalog."),
    **dict.fromkeys(
        (27167, 27168),
        Meaning(CatalogError, "The keys of SSISDB cannot be read. Open or restore its database master key."),
    ),
    27191: Meaning(
        InvalidArgument, "Check which permissions this kind of object has (documentation of catalog.grant_permission)."
    ),
    27226: Meaning(CatalogError, "Revoke the user's permissions in the catalog first."),
    # Data taps and Scale Out
    **dict.fromkeys((27213, 27214), Meaning(AlreadyExists, "The path has a data tap already.")),
    27215: Meaning(DataTapNotFound),
    27227: Meaning(AlreadyExists),
    27243: Meaning(WorkerNotFound),
    **dict.fromkeys((27228, 27242, 27246), Meaning(NotFound)),
    27229: Meaning(NotFound, "Create the SQL login first."),
    27251: Meaning(InvalidArgument, "The execution may run on any worker. Do not choose workers."),
    27252: Meaning(CatalogError, "Enable the worker in the Scale Out Manager."),
    27255: Meaning(InvalidArgument, "To choose workers, create the execution with Scale Out."),
    27257: Meaning(TransientError, "No Scale Out worker is active. Start a worker's service and enable the worker."),
    27259: Meaning(CatalogError, "The edition of SQL Server allows no more workers. Disable another one."),
    27261: Meaning(CatalogError, "Install the Scale Out Master, or do not use Scale Out."),
}
"""Error numbers with a class or advice. Every other number is a plain :class:`CatalogError`."""


def meaning_of(number: int | None) -> Meaning:
    """The class and the advice for an error number of SQL Server."""
    return MEANINGS.get(number, Meaning(CatalogError)) if number is not None else Meaning(CatalogError)
