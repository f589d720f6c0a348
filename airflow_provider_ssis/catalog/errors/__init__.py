"""What can go wrong between a client and the SSISDB catalog: one exception class per meaning.

Every class keeps what SQL Server said (number, severity, state, procedure, line) and says what to do next.
``driver_errors`` makes them from what a database driver raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.catalog.models import OperationMessage


class CatalogError(Exception):
    """The catalog, the server before it or the way there refused.

    :param message: what happened, in one sentence.
    :param number: SQL Server's error number, None where the error did not come from SQL Server.
    :param severity: SQL Server's severity, 11 to 25, if the driver reports it.
    :param state: SQL Server's state number, if the driver reports it.
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
        self.reason = message
        """The message alone, without the name of the call that failed."""
        self.server: str | None = None
        """The server of the session, as ``host,port``, where known."""
        self.number = number
        self.severity = severity
        self.state = state
        self.procedure = procedure
        self.line = line
        self.operation_id = operation_id
        self.messages = messages
        self.advice = self.default_advice if advice is None else advice

    def add(self, detail: str) -> None:
        """Add a detail to the message, in brackets."""
        self.message = f"{self.message.rstrip().rstrip('.')} ({detail})"

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
        "Name a file with the server's certificate, or its authority's, in trusted_certificates, or install it on this "
        "machine; name the host as the certificate does (host_name_in_certificate); or, where the network is trusted, "
        "accept any certificate with trust_server_certificate=true."
    )


class LoginFailed(ConnectError):
    """The server knows no such login or the password is wrong."""

    default_advice = "Check login and password of the connection."


class KerberosFailed(LoginFailed):
    """There is no Kerberos ticket for the server, or the server rejects it."""

    default_advice = (
        "Look with klist at the tickets of the account that Airflow runs as, and with kvno whether one for the server "
        "can be had; a keytab in the connection gets and renews them."
    )


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
    """The object does not exist, or the login may not see it: the catalog does not say which."""

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

    default_advice = "Check the id, and that the login may read the execution (or is a member of ssis_admin)."


class OperationNotFound(NotFound):
    """No such operation."""

    default_advice = "Check the id, and that the login may read the operation (or is a member of ssis_admin)."


class AmbiguousEnvironment(CatalogError):
    """The project refers to several environments of that name, in different folders."""

    default_advice = "Name the folder too: 'Folder/Environment', or './Environment' for the project's own folder."


# --- what is asked for is wrong --------------------------------------------------------------------------------------


class AlreadyExists(CatalogError):
    """An object of that name is there already, or the login may not create one."""

    default_advice = "Use the one that is there, or choose another name."


class InvalidName(CatalogError):
    """The name breaks the catalog's rules."""

    default_advice = (
        'Names have 1 to 128 characters without control characters and without " < > |, neither begin nor end with a '
        "blank, and do not begin with @."
    )


class InvalidArgument(CatalogError):
    """An argument is missing, empty or outside its domain."""

    default_advice = "Check the argument that is named."


class FolderNotEmpty(CatalogError):
    """The folder still holds projects or environments."""

    default_advice = "Delete or move its projects and environments first."


class WrongParameterType(CatalogError):
    """The value does not fit the parameter's or variable's type."""

    default_advice = "Look up the type in the catalog, and give a value of it."


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


class OtherExecutionActive(CatalogError):
    """Another execution is active, and this one must not run at the same time.

    :param others: the ids of those that are active, each with whether it belongs to the same family of claims.
    """

    default_advice = "Wait until it is over, or stop it."
    others: tuple[tuple[int, bool], ...] = ()


class AttemptSuperseded(CatalogError):
    """An execution of a later attempt of the caller exists. Nothing was created, started or stopped."""

    default_advice = "The later attempt continues; there is nothing to do."


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
    """The project was deployed again after the execution had been created."""

    default_advice = "Create a new execution."


class DeploymentFailed(CatalogError):
    """The deployment failed; ``messages`` says why."""

    default_advice = "Fix the project, then deploy it again. The catalog still has the version before."


class DeploymentBusy(TransientError):
    """Another deployment of the project is under way, or the deployment could not begin."""

    default_advice = "Wait until the other deployment of this project has ended, then deploy again."


class ProjectKeyMissing(CatalogError):
    """The stored project can be neither read nor written: its key is missing from the database."""

    default_advice = "Open or restore the database master key of SSISDB, or delete the project and deploy it again."
