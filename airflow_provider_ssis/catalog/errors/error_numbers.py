"""What SQL Server's error numbers mean to a client of the catalog, and what to do about them."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    AlreadyStarted,
    AlreadyStopping,
    CatalogError,
    CatalogMissing,
    DeploymentBusy,
    DeploymentFailed,
    EnvironmentNotFound,
    EnvironmentVariableNotFound,
    ExecutionNotFound,
    FolderNotEmpty,
    FolderNotFound,
    InvalidArgument,
    InvalidName,
    LoginFailed,
    NotFound,
    NotStoppable,
    OperationNotFound,
    PackageNotFound,
    ParameterNotFound,
    PermissionDenied,
    ProjectChanged,
    ProjectKeyMissing,
    ProjectNotFound,
    RequiredParameterMissing,
    TransientError,
    WindowsAuthenticationRequired,
    WrongParameterType,
)


class Meaning(NamedTuple):
    """What an error number means: the class to raise, and advice where the class's own is too general."""

    error: type[CatalogError]
    advice: str | None = None


_GOING_DOWN = "The server is being shut down, paused or resumed, or it ended the session: try again when it is up."
_SHUT = (
    "The database is not open to this login now: it is starting, being restored, moving to another server, or in the "
    "hands of an administrator. Try again later; if it stays so, look at the state of SSISDB (sys.databases)."
)
_SHORT_OF_MEMORY = "The server is short of memory: try again later, or see what else runs on it."
_NO_ROOM = "The server cannot write to SSISDB: look at the free space of its data and log files and their disks."
_DAMAGED = "The catalog contradicts itself, or another client changes the same object: try again, then check SSISDB."

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
        "Grant the login access to SSISDB (EXECUTE and SELECT come with its role public). To make, describe or delete "
        "folders it needs the role ssis_admin.",
    ),
    **dict.fromkeys(
        (208, 2812),
        Meaning(
            CatalogMissing,
            "The current database must be SSISDB (leave the connection's database empty), of a version that has it.",
        ),
    ),
    916: Meaning(CatalogMissing),
    4060: Meaning(CatalogMissing),
    18452: Meaning(LoginFailed, "The login belongs to an untrusted domain: get a Kerberos ticket of the right realm."),
    18456: Meaning(LoginFailed),
    18470: Meaning(LoginFailed, "The login is disabled."),
    18486: Meaning(LoginFailed, "The login is locked out; have it unlocked."),
    18487: Meaning(LoginFailed, "The login's password has expired; change it."),
    18488: Meaning(LoginFailed, "The login's password must be changed first."),
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
    # They pass when there is room again, which is soon on a server in use.
    **dict.fromkeys((1105, 9001, 9002), Meaning(TransientError, _NO_ROOM)),
    27195: Meaning(TransientError, "Many executions are being created at once; try again later."),
    27149: Meaning(TransientError, "The package is pending; try again later."),
    27118: Meaning(DeploymentBusy),
    27230: Meaning(DeploymentBusy),
    # Not there
    27103: Meaning(ExecutionNotFound),
    27104: Meaning(FolderNotFound),
    27105: Meaning(OperationNotFound),
    27106: Meaning(ParameterNotFound),
    27109: Meaning(ProjectNotFound),
    27111: Meaning(EnvironmentNotFound, "Check the reference id: references belong to one project."),
    27114: Meaning(EnvironmentNotFound, "Check the reference id."),
    27115: Meaning(FolderNotFound),
    27127: Meaning(CatalogMissing),
    27146: Meaning(PackageNotFound),
    27176: Meaning(ParameterNotFound),
    27179: Meaning(ProjectNotFound, "Check the version: it must be one of this project's."),
    27182: Meaning(
        EnvironmentNotFound,
        "References are by name: if the environment was renamed, moved or deleted, make a new reference. The login "
        "must be allowed to read the environment.",
    ),
    27183: Meaning(EnvironmentVariableNotFound),
    27185: Meaning(OperationNotFound),
    27186: Meaning(EnvironmentVariableNotFound, "Add the variables to the environment, or choose another environment."),
    27187: Meaning(ProjectNotFound),
    27194: Meaning(ProjectNotFound),
    27197: Meaning(NotFound),
    27198: Meaning(OperationNotFound),
    27200: Meaning(EnvironmentNotFound, "Create the environment reference on the project first."),
    27207: Meaning(EnvironmentVariableNotFound, "Add the variables to the environment, or choose another environment."),
    27208: Meaning(EnvironmentNotFound, "Check the reference id: references belong to one project."),
    27220: Meaning(CatalogMissing),
    27237: Meaning(NotFound, "Check the spelling of the customized logging level."),
    # There already
    **dict.fromkeys((27107, 27157, 27173, 27177, 27181, 27190, 27204, 27235), Meaning(AlreadyExists)),
    27129: Meaning(AlreadyExists),
    27196: Meaning(FolderNotEmpty),
    # Arguments
    **dict.fromkeys((27128, 27142, 27145, 27180, 27189, 27199, 27233, 27234), Meaning(InvalidName)),
    **dict.fromkeys((27100, 27101, 27102, 27138, 27216, 27240), Meaning(InvalidArgument)),
    27217: Meaning(InvalidArgument, "Logging levels are 0 to 4, or the name of a customized level."),
    27241: Meaning(InvalidArgument, "Name the customized logging level."),
    27202: Meaning(InvalidArgument, "Some parameters take their value from an environment: name the environment."),
    **dict.fromkeys((27147, 27159, 27171, 27205, 27210), Meaning(WrongParameterType)),
    27148: Meaning(
        WrongParameterType,
        "A parameter is bound to an environment variable of another type: change the variable or the binding.",
    ),
    27221: Meaning(
        WrongParameterType,
        "A sensitive environment variable is bound to a parameter that is not sensitive: mark the parameter sensitive.",
    ),
    27184: Meaning(RequiredParameterMissing),
    27201: Meaning(RequiredParameterMissing),
    # Rights
    27123: Meaning(WindowsAuthenticationRequired),
    **dict.fromkeys(
        (27110, 27120, 27140, 27143, 27153, 27192, 27206, 27209, 27219, 27223, 27232, 27236, 27238, 27239),
        Meaning(PermissionDenied),
    ),
    27178: Meaning(PermissionDenied, "Running a package needs the right EXECUTE on its project."),
    27188: Meaning(PermissionDenied, "Folders are made and deleted by members of ssis_admin or sysadmin only."),
    27260: Meaning(PermissionDenied, "This needs the server role sysadmin."),
    # State
    27121: Meaning(AlreadyStarted),
    27175: Meaning(AlreadyStarted, "The execution is over; create a new one."),
    **dict.fromkeys(
        (27212, 27224, 27225),
        Meaning(
            AlreadyStarted,
            "Set parameters, overrides and data taps before the execution starts; create a new one.",
        ),
    ),
    27124: Meaning(NotStoppable),
    27125: Meaning(
        NotStoppable,
        "The execution has no process yet; try again in a moment, or look at the server if it stays so.",
    ),
    27126: Meaning(AlreadyStopping),
    27150: Meaning(ProjectChanged),
    27203: Meaning(DeploymentFailed),
    27231: Meaning(DeploymentFailed),
    **dict.fromkeys((27117, 27119, 27172), Meaning(ProjectKeyMissing)),
    27130: Meaning(
        PermissionDenied,
        "The server could not act as the calling Windows account: check Kerberos delegation and the service account.",
    ),
    # The server and its processes
    **dict.fromkeys(
        (27131, 27132, 27133),
        Meaning(
            CatalogError,
            "The server could not run ISServerExec: look at memory, desktop heap and rights of its account.",
        ),
    ),
    27218: Meaning(CatalogError, "A dump can be made of an execution only while it runs."),
    27170: Meaning(CatalogError, "The stored project cannot be read: deploy it again."),
    **dict.fromkeys((27108, 27112, 27113, 27156, 27169, 27256), Meaning(CatalogError, _DAMAGED)),
    27116: Meaning(WrongParameterType, "The sensitive value does not convert to its type."),
    27154: Meaning(InvalidArgument, "Say whether the value is sensitive."),
    27158: Meaning(CatalogError, "The message holds the error that a procedure of the catalog met: look at that one."),
    # The catalog as a whole
    27135: Meaning(AlreadyExists, "The server has a catalog already: use it."),
    27139: Meaning(TransientError, "Wait until no operation is active any more, or stop them."),
    27141: Meaning(CatalogError, "Clean up the logs of executions first (catalog.cleanup_server_log)."),
    27155: Meaning(InvalidArgument, "The project has that version now: nothing is to be restored."),
    **dict.fromkeys(
        (27160, 27162),
        Meaning(CatalogError, "Set SSISDB to SINGLE_USER mode first, when nothing runs, and back to MULTI_USER after."),
    ),
    27163: Meaning(InvalidArgument, "Check the property's values in the documentation of catalog.configure_catalog."),
    **dict.fromkeys(
        (27167, 27168),
        Meaning(CatalogError, "The keys of SSISDB must be readable: open or restore its database master key."),
    ),
    27191: Meaning(InvalidArgument, "Check which permissions that kind of object has (catalog.grant_permission)."),
    27226: Meaning(CatalogError, "Take back the catalog permissions that refer to the user first."),
    # Data taps and Scale Out
    **dict.fromkeys((27213, 27214), Meaning(AlreadyExists, "The path has a data tap already: one is enough.")),
    27215: Meaning(NotFound),
    27227: Meaning(AlreadyExists),
    **dict.fromkeys((27228, 27242, 27243, 27246), Meaning(NotFound)),
    27229: Meaning(NotFound, "Create the SQL login first."),
    27251: Meaning(InvalidArgument, "The execution may run on any worker: leave the workers out."),
    27252: Meaning(CatalogError, "Enable the worker in the Scale Out Manager."),
    27255: Meaning(InvalidArgument, "Create the execution with run in Scale Out to choose workers."),
    27257: Meaning(TransientError, "No Scale Out worker is active: start the service of a worker, and enable it."),
    27259: Meaning(CatalogError, "The edition of SQL Server allows no more workers: disable another one."),
    27261: Meaning(CatalogError, "Install the Scale Out Master, or do not run in Scale Out."),
}
"""Error numbers with a meaning; every other number is a plain :class:`CatalogError`."""


def meaning_of(number: int | None) -> Meaning:
    """The class and the advice for an error number of SQL Server."""
    return MEANINGS.get(number, Meaning(CatalogError)) if number is not None else Meaning(CatalogError)
