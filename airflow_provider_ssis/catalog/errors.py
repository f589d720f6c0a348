"""What can go wrong between a client and the SSISDB catalog: one exception class per meaning.

Every class keeps what SQL Server said (number, severity, state, procedure, line) and says what to do next.
``driver_errors`` makes them from what a database driver raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.catalog.models import OperationMessage


class CatalogError(Exception):
    """The catalog, the server before it or the way there refused.

    :param message: what happened, in one sentence.
    :param number: SQL Server's error number, None where the error did not come from SQL Server.
    :param severity: SQL Server's severity, 11 to 25, where the driver tells.
    :param state: SQL Server's state number, where the driver tells.
    :param procedure: the procedure that raised the error, where known.
    :param line: the line in that procedure or batch, where known.
    :param operation_id: the operation or execution that the error is about, where there is one.
    :param messages: that operation's messages, oldest first, where they say why.
    :param advice: what to do next; the class's own advice unless given.
    """

    default_advice: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        number: int | None = None,
        severity: int | None = None,
        state: int | None = None,
        procedure: str | None = None,
        line: int | None = None,
        operation_id: int | None = None,
        messages: tuple[OperationMessage, ...] = (),
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.number = number
        self.severity = severity
        self.state = state
        self.procedure = procedure
        self.line = line
        self.operation_id = operation_id
        self.messages = messages
        self.advice = self.default_advice if advice is None else advice

    def __str__(self) -> str:
        text = self.message.rstrip()
        where = [] if self.number is None else [f"SQL Server error {self.number}"]
        if self.procedure:
            where.append(f"procedure {self.procedure}")
        if self.line:
            where.append(f"line {self.line}")
        if where:
            text += f" ({', '.join(where)})"
        if self.messages:
            text += "".join(f"\n  - {message.message}" for message in self.messages) + "\n"
            return text + self.advice if self.advice else text.rstrip()
        return f"{text.rstrip('.')}. {self.advice}" if self.advice else text


# --- on the way to the catalog --------------------------------------------------------------------------------------


class ConnectError(CatalogError):
    """No session with the catalog could be opened."""


class DriverMissing(ConnectError):
    """No usable ODBC driver on this machine."""


class ServerUnreachable(ConnectError):
    """Nothing answers at that host and port."""

    default_advice = (
        "Check host, port and firewall, and for a named instance that the SQL Server Browser answers (UDP port 1434)."
    )


class TlsRefused(ConnectError):
    """The server's certificate is not trusted, or client and server agree on no encryption."""

    default_advice = (
        "Install the certificate authority of the server's certificate on this machine, or name the host as the "
        "certificate does (host_name_in_certificate), or accept any certificate with trust_server_certificate=true "
        "where the network is trusted."
    )


class LoginFailed(ConnectError):
    """The server knows no such login or the password is wrong."""

    default_advice = "Check login and password of the connection."


class CatalogMissing(ConnectError):
    """The server has no database SSISDB, or the login may not enter it."""

    default_advice = (
        "Create the catalog on that server (SSMS: Integration Services Catalogs, Create Catalog), or map the login to "
        "a user of SSISDB."
    )


# --- that may go away by itself --------------------------------------------------------------------------------------


class TransientError(CatalogError):
    """A deadlock, a lock wait that ran out or a server that is failing over: the same call may succeed later."""

    default_advice = "Try again later; the catalog was busy."


class ConnectionLost(TransientError):
    """The connection broke during the call, so whether the call took effect is unknown."""

    default_advice = "Look at the state of the object before you repeat the call."


class StatementTimeout(CatalogError):
    """The statement took longer than the connection's query timeout."""

    default_advice = "Raise the query timeout of the connection (0 means no limit)."


# --- what is asked for is not there ----------------------------------------------------------------------------------


class NotFound(CatalogError):
    """The object does not exist, or the login may not see it: the catalog does not tell which."""

    default_advice = "Check the spelling, and that the login may read the object (or is a member of ssis_admin)."


class FolderNotFound(NotFound):
    """No such folder."""


class ProjectNotFound(NotFound):
    """No such project in that folder."""


class PackageNotFound(NotFound):
    """No such package in that project."""

    default_advice = (
        "Check the spelling of folder, project and package (the package's name ends in .dtsx), and that the login may "
        "read the project."
    )


class EnvironmentNotFound(NotFound):
    """No such environment, or the project has no reference to it."""


class EnvironmentVariableNotFound(NotFound):
    """The environment has no such variable."""


class ParameterNotFound(NotFound):
    """The project, package or execution has no such parameter. Names of parameters are case-sensitive."""

    default_advice = "Names of parameters are case-sensitive."


class ExecutionNotFound(NotFound):
    """No such execution."""


class OperationNotFound(NotFound):
    """No such operation."""


class AmbiguousEnvironment(CatalogError):
    """The project refers to several environments of that name, in different folders."""

    default_advice = "Name the folder too: 'Folder/Environment', or './Environment' for the project's own folder."


# --- what is asked for is wrong --------------------------------------------------------------------------------------


class AlreadyExists(CatalogError):
    """An object of that name is there already, or the login may not create one."""


class InvalidName(CatalogError):
    """The name breaks the catalog's rules."""

    default_advice = (
        'Names have 1 to 128 characters without control characters and without " < > |, neither begin nor end with a '
        "blank, and do not begin with @."
    )


class InvalidArgument(CatalogError):
    """An argument is missing, empty or outside its domain."""


class FolderNotEmpty(CatalogError):
    """The folder still holds projects or environments."""

    default_advice = "Delete or move its projects and environments first."


class WrongParameterType(CatalogError):
    """The value does not fit the parameter's or variable's type."""


class RequiredParameterMissing(CatalogError):
    """A required parameter has no value."""

    default_advice = "Give it a value for this run, or set one on the project (SSMS: Configure)."


class PermissionDenied(CatalogError):
    """The login lacks a right."""

    default_advice = "Ask an ssis_admin for the right on the object, or for membership in ssis_admin."


class WindowsAuthenticationRequired(PermissionDenied):
    """The catalog refuses SQL logins here (27123)."""

    default_advice = (
        "SSISDB on SQL Server lets only Windows identities deploy, start and stop. Connect with Windows authentication "
        "through Kerberos, or start a SQL Server Agent job that runs the package. Azure-hosted SSISDB takes SQL logins."
    )


# --- the state of executions, operations and projects ----------------------------------------------------------------


class AlreadyStarted(CatalogError):
    """The execution was started before; an execution starts once only."""

    default_advice = "Look at its status, or create a new execution."


class NotStoppable(CatalogError):
    """The operation cannot be stopped in its present state.

    :param status: the operation's status when the stop was refused, None where unknown.
    """

    default_advice = "Only executions and validations that are running can be stopped."
    status: OperationStatus | None = None


class AlreadyStopping(NotStoppable):
    """A stop of the operation is under way."""

    default_advice = "Wait until it has ended."


class ProjectChanged(CatalogError):
    """The project was deployed anew after the execution had been created."""

    default_advice = "Create a new execution."


class DeploymentFailed(CatalogError):
    """The deployment failed; ``messages`` says why."""


class DeploymentBusy(TransientError):
    """Another deployment of the project is under way, or the deployment could not begin."""

    default_advice = "Wait until the other deployment of this project has ended, then deploy again."


class ProjectKeyMissing(CatalogError):
    """The stored project can be neither read nor written: its key is gone from the database."""

    default_advice = "Open or restore the database master key of SSISDB, or delete the project and deploy it anew."


# --- SQL Server's numbers --------------------------------------------------------------------------------------------


class Meaning(NamedTuple):
    """What an error number means: the class to raise, and advice where the class's own is too general."""

    error: type[CatalogError]
    advice: str | None = None


MEANINGS: dict[int, Meaning] = {
    # The server, before the catalog is reached
    229: Meaning(PermissionDenied, "Grant the login access to SSISDB (EXECUTE and SELECT come with its role public)."),
    **dict.fromkeys(
        (208, 2812),
        Meaning(CatalogMissing, "The current database must be SSISDB: leave the database empty or name it."),
    ),
    916: Meaning(CatalogMissing),
    4060: Meaning(CatalogMissing),
    18452: Meaning(LoginFailed, "The login belongs to an untrusted domain: get a Kerberos ticket of the right realm."),
    18456: Meaning(LoginFailed),
    18470: Meaning(LoginFailed, "The login is disabled."),
    18486: Meaning(LoginFailed, "The login is locked out; have it unlocked."),
    18487: Meaning(LoginFailed, "The login's password has expired; change it."),
    18488: Meaning(LoginFailed, "The login's password must be changed first."),
    # Busy or failing over
    **dict.fromkeys(
        (1204, 1205, 1222, 10928, 10929, 40197, 40501, 40613, 49918, 49919, 49920), Meaning(TransientError)
    ),
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
    27131: Meaning(
        CatalogError, "The server could not start ISServerExec: look at memory, desktop heap and rights of its account."
    ),
}
"""Error numbers that mean something of their own; every other number is a plain :class:`CatalogError`."""


def meaning_of(number: int | None) -> Meaning:
    """The class and the advice for an error number of SQL Server."""
    return MEANINGS.get(number, Meaning(CatalogError)) if number is not None else Meaning(CatalogError)
