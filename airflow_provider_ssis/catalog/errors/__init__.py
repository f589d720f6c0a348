"""The exceptions of the catalog client: one class per meaning.

Every exception keeps what SQL Server reported (number, severity, state, procedure, line) and says what to do next.
``driver_errors`` creates them from the exceptions of database drivers, by the numbers in ``error_numbers``.

::

    CatalogError
    ├── ConnectError
    │   ├── DriverMissing
    │   ├── ServerUnreachable
    │   ├── TlsRefused
    │   ├── LoginFailed
    │   │   └── KerberosFailed
    │   └── CatalogMissing
    ├── TransientError
    │   ├── ConnectionLost
    │   ├── StartInterrupted
    │   └── DeploymentBusy
    ├── StatementTimeout
    ├── NotFound
    │   ├── FolderNotFound
    │   ├── ProjectNotFound
    │   ├── VersionNotFound
    │   ├── PackageNotFound
    │   ├── EnvironmentNotFound
    │   │   └── EnvironmentReferenceNotFound
    │   ├── EnvironmentVariableNotFound
    │   ├── ParameterNotFound
    │   ├── ExecutionNotFound
    │   ├── OperationNotFound
    │   ├── LoggingLevelNotFound
    │   ├── DataTapNotFound
    │   ├── WorkerNotFound
    │   └── PrincipalNotFound
    ├── AmbiguousEnvironment
    ├── AlreadyExists
    ├── InvalidName
    ├── InvalidArgument
    ├── FolderNotEmpty
    ├── WrongParameterType
    ├── RequiredParameterMissing
    ├── PermissionDenied
    │   └── WindowsAuthenticationRequired
    ├── AlreadyStarted
    ├── OtherExecutionActive
    ├── AttemptSuperseded
    ├── NotStoppable
    │   └── AlreadyStopping
    ├── ProjectChanged
    ├── VersionInUse
    ├── OperationsActive
    ├── SingleUserRequired
    ├── ProcessNotFound
    ├── DeploymentFailed
    └── ProjectKeyMissing
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.catalog.models import OperationMessage


class CatalogError(Exception):
    """An error of the catalog, of the server or of the connection to it.

    :param message: what happened, in one sentence.
    :param number: SQL Server's error number; None if the error did not come from SQL Server.
    :param severity: SQL Server's severity, 11 to 25, if the driver reports it.
    :param state: SQL Server's state number, if the driver reports it.
    :param procedure: the procedure that raised the error, if known.
    :param line: the line in that procedure or batch, if known.
    :param operation_id: the operation or execution that the error is about, if there is one.
    :param messages: that operation's messages, oldest first, if they say why it failed.
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
        """Add a detail to the message, in parentheses."""
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


# --- connecting to the catalog --------------------------------------------------------------------------------------


class ConnectError(CatalogError):
    """Opening a session with the catalog failed."""


class DriverMissing(ConnectError):
    """No usable ODBC driver is installed on this machine."""


class ServerUnreachable(ConnectError):
    """The server does not answer at that host and port."""

    default_advice = (
        "Check host, port and firewall and, for a named instance, that the SQL Server Browser answers (UDP port 1434). "
        "'airflow-ssis doctor' on the same machine shows which of them fails."
    )


class TlsRefused(ConnectError):
    """The server's certificate is not trusted, or client and server share no encryption."""

    default_advice = (
        "Set trusted_certificates to a file with the certificate of the server or its authority, or install it on this "
        "machine. If the certificate has another name than the host, set host_name_in_certificate. In a trusted "
        "network only, accept any certificate with trust_server_certificate=true."
    )


class LoginFailed(ConnectError):
    """The login does not exist, or its password is wrong."""

    default_advice = "Check login and password of the connection."


class KerberosFailed(LoginFailed):
    """There is no Kerberos ticket for the server, or the server does not accept it."""

    default_advice = (
        "Check the tickets of Airflow's account with klist, and get one for the server with kvno. A keytab in the "
        "connection (kerberos_keytab) gets and renews tickets automatically."
    )


class CatalogMissing(ConnectError):
    """The server has no database SSISDB, or the login has no user in it."""

    default_advice = (
        "Create the catalog on that server (SSMS: Integration Services Catalogs, Create Catalog), or map the login to "
        "a user of SSISDB."
    )


# --- transient errors --------------------------------------------------------------------------------------


class TransientError(CatalogError):
    """A temporary state of the server, such as a deadlock, a failover or a lack of memory. A retry may succeed."""

    default_advice = "Try again later; the catalog was busy."


class ConnectionLost(TransientError):
    """The connection broke during the call, so whether the call took effect is unknown."""

    default_advice = "Check the state of the object before you repeat the call."


class StartInterrupted(TransientError):
    """The server interrupted the start of an execution, after a deadlock for instance, and the catalog failed it.

    The package never ran. The execution can no longer be started.
    """

    default_advice = "Create and start another execution, as a retry of a task does."


class StatementTimeout(CatalogError):
    """The statement took longer than the connection's query timeout."""

    default_advice = "Raise the query timeout of the connection (0 means no limit)."


# --- missing objects ----------------------------------------------------------------------------------


class NotFound(CatalogError):
    """The object does not exist, or the login may not see it. The catalog does not report which."""

    default_advice = (
        "Either it does not exist (check the spelling), or the login may not see it: it needs READ on the object, or "
        "READ_OBJECTS on its folder."
    )


class FolderNotFound(NotFound):
    """No such folder."""


class ProjectNotFound(NotFound):
    """No such project in that folder."""


class VersionNotFound(NotFound):
    """The project has no such version."""

    default_advice = "Check the version. It must be one of this project."


class PackageNotFound(NotFound):
    """No such package in that project."""

    default_advice = (
        "Either it does not exist (check the spelling of folder, project and package; a package's name ends in .dtsx), "
        "or the login may not see it: to run packages it needs READ, READ_OBJECTS and EXECUTE_OBJECTS on the folder "
        "('airflow-ssis doctor' prints the statements)."
    )


class EnvironmentNotFound(NotFound):
    """No such environment, or the project has no reference to it."""


class EnvironmentReferenceNotFound(EnvironmentNotFound):
    """No such environment reference, or it belongs to another project."""

    default_advice = "Check the reference id. A reference belongs to one project."


class EnvironmentVariableNotFound(NotFound):
    """The environment has no such variable."""


class ParameterNotFound(NotFound):
    """The project, package or execution has no such parameter. Names of parameters are case-sensitive."""

    default_advice = "Names of parameters are case-sensitive."


class ExecutionNotFound(NotFound):
    """No such execution."""

    default_advice = "Check the id, and that the login may read the execution (READ on it, or ssis_logreader)."


class OperationNotFound(NotFound):
    """No such operation."""

    default_advice = "Check the id, and that the login may read the operation (READ on it, or ssis_logreader)."


class LoggingLevelNotFound(NotFound):
    """No such customized logging level."""

    default_advice = "Check the spelling of the customized logging level."


class DataTapNotFound(NotFound):
    """No such data tap."""

    default_advice = "Check the id, and that the login may change the execution (MODIFY on it)."


class WorkerNotFound(NotFound):
    """No such worker of Scale Out."""

    default_advice = "Check the worker's id. The view catalog.worker_agents lists the workers."


class PrincipalNotFound(NotFound):
    """SSISDB has no such user or role."""

    default_advice = "Permissions belong to users and roles of SSISDB. Create a user there for the login first."


class AmbiguousEnvironment(CatalogError):
    """The project has references to several environments of that name, in different folders."""

    default_advice = "Add the folder: 'Folder/Environment', or './Environment' for the project's own folder."


# --- wrong arguments --------------------------------------------------------------------------------------


class AlreadyExists(CatalogError):
    """An object of that name exists already."""

    default_advice = "Use the existing one, or choose another name."


class InvalidName(CatalogError):
    """The name breaks the catalog's rules."""

    default_advice = (
        'A name has 1 to 128 characters, without control characters and without " < > |. It must not begin with @ or a '
        "blank, or end with a blank."
    )


class InvalidArgument(CatalogError):
    """An argument is missing, empty or invalid."""

    default_advice = "Check the argument in the message."


class FolderNotEmpty(CatalogError):
    """The folder still contains projects or environments."""

    default_advice = "Delete or move its projects and environments first."


class WrongParameterType(CatalogError):
    """The value does not fit the parameter's or variable's type."""

    default_advice = "Pass a value of this type."


class RequiredParameterMissing(CatalogError):
    """A required parameter has no value."""

    default_advice = "Pass a value for this execution, or set one on the project (SSMS: Configure)."


class PermissionDenied(CatalogError):
    """The login lacks a permission."""

    default_advice = (
        "Ask an ssis_admin for the permission on the object. 'airflow-ssis doctor' prints the statements that grant "
        "what a login needs to run and to deploy."
    )


class WindowsAuthenticationRequired(PermissionDenied):
    """The catalog accepts no SQL logins on this server (27123)."""

    default_advice = (
        "On SQL Server, SSISDB lets only Windows accounts deploy, start and stop. Connect with Windows authentication "
        "(Kerberos or NTLM), or start a SQL Server Agent job that runs the package. SSISDB in Azure accepts SQL logins."
    )


# --- the state of executions, operations and projects ----------------------------------------------------------------


class AlreadyStarted(CatalogError):
    """The execution was started before. An execution can be started once only."""

    default_advice = "Check its status, or create a new execution."


class OtherExecutionActive(CatalogError):
    """Another execution is active that must end first.

    :param others: the ids of the active executions, each with whether its key has the same prefix.
    """

    default_advice = "Wait until it has ended, or stop it."
    others: tuple[tuple[int, bool], ...] = ()


class AttemptSuperseded(CatalogError):
    """An execution of a later attempt of the caller exists. Nothing was created, started or stopped."""

    default_advice = "The later attempt continues; there is nothing to do."


class NotStoppable(CatalogError):
    """The operation cannot be stopped in its current status.

    :param status: the operation's status when the stop was refused; None if unknown.
    """

    default_advice = "Only executions and validations that are running can be stopped."
    status: OperationStatus | None = None


class AlreadyStopping(NotStoppable):
    """The operation is stopping already."""

    default_advice = "Wait until it has ended."


class ProjectChanged(CatalogError):
    """The project was deployed again after the execution was created."""

    default_advice = "Create a new execution."


class VersionInUse(CatalogError):
    """The project's version that was to be restored is the one in use."""

    default_advice = "The project has that version already, so there is nothing to restore."


class OperationsActive(CatalogError):
    """The catalog cannot be reconfigured while operations are active."""

    default_advice = "Wait until all operations have ended, or stop them."


class SingleUserRequired(CatalogError):
    """The call needs SSISDB in the mode SINGLE_USER."""

    default_advice = (
        "Set SSISDB to SINGLE_USER mode first, while nothing is running, and back to MULTI_USER afterwards."
    )


class ProcessNotFound(CatalogError):
    """No process runs the execution, so there is nothing to dump."""

    default_advice = "A dump can be created only of a running execution."


class DeploymentFailed(CatalogError):
    """The deployment failed; ``messages`` says why."""

    default_advice = "Fix the project, then deploy it again. A version that was deployed before is still in use."


class DeploymentBusy(TransientError):
    """Another deployment of the project is running, or the deployment could not start."""

    default_advice = "Wait until the other deployment of this project has ended, then deploy again."


class ProjectKeyMissing(CatalogError):
    """The stored project can be neither read nor written, because its key is missing in the database."""

    default_advice = "Open or restore the database master key of SSISDB, or delete the project and deploy it again."
