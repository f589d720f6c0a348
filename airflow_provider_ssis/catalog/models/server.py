"""Rows about the server, its settings, logging levels, permissions and workers."""

from dataclasses import dataclass
from datetime import datetime

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSession:
    """The server of the connection, and the login that it sees.

    :param server_name: the server's own name, ``HOST\\INSTANCE`` for a named instance.
    :param product_version: SQL Server's version, ``15.0.2000.5`` for instance.
    :param edition: SQL Server's edition in words.
    :param database: the current database, which must be SSISDB.
    :param login: the login that the server sees.
    :param user: the login's user in the current database.
    :param auth_scheme: how the login was authenticated: ``SQL``, ``NTLM``, ``KERBEROS``; None if unknown.
    :param roles: those of ``sysadmin``, ``ssis_admin`` and ``ssis_logreader`` that the login is a member of.
    """

    server_name: str
    product_version: str
    edition: str
    database: str
    login: str
    user: str
    auth_scheme: str | None
    roles: tuple[str, ...]

    @property
    def is_admin(self) -> bool:
        """Whether the login may do everything in the catalog, unless the catalog refuses logins of its kind."""
        return bool({"sysadmin", "ssis_admin"} & set(self.roles))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo(ServerSession):
    """The server of the connection, and its catalog.

    :param schema_version: the catalog's property SCHEMA_VERSION, None if unknown.
    :param schema_build: the catalog's property SCHEMA_BUILD, None if unknown.
    :param is_refused: the catalog refuses to let this login deploy, start or stop anything, because it is a SQL login.
    """

    schema_version: str | None
    schema_build: str | None
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """What the login may do in the catalog.

    :param folders: the number of folders that it can see.
    :param folders_to_deploy_to: the number of these to which it may deploy projects.
    :param projects: the number of projects that it can see.
    :param projects_to_run: the number of these whose packages it may run.
    :param reads_all_logs: it may read the messages of all executions, not only of those that it started.
    """

    folders: int
    folders_to_deploy_to: int
    projects: int
    projects_to_run: int
    reads_all_logs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaVersion:
    """The result of ``catalog.check_schema_version``: whether server and catalog fit each other.

    :param compatibility_status: the server's own number; 0 means that they fit.
    """

    server_build: str | None
    schema_version: int | None
    schema_build: str | None
    assembly_build: str | None
    shared_component_version: str | None
    compatibility_status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomizedLoggingLevel:
    """A row of ``catalog.customized_logging_levels``.

    ``profile_value`` is a sum of :class:`~airflow_provider_ssis.catalog.codes.LoggedStatistics`, ``events_value`` one
    of :class:`~airflow_provider_ssis.catalog.codes.LoggedEvents`.
    """

    level_id: int
    name: str
    description: str | None
    profile_value: int
    events_value: int
    created_by_name: str
    created_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A row of ``catalog.explicit_object_permissions``; the names come from ``sys.database_principals``.

    :param principal_name: who has the permission, or is denied it; None if the login may not see the principal.
    """

    object_type: SecuredObjectType
    object_id: int
    principal_id: int
    principal_name: str | None
    permission_type: PermissionType
    is_deny: bool
    grantor_id: int | None
    grantor_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerAgent:
    """A row of ``catalog.worker_agents``: a worker of Scale Out."""

    worker_agent_id: str
    is_enabled: bool
    display_name: str | None
    description: str | None
    machine_name: str | None
    tags: str | None
    user_account: str | None
    last_online_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCounter:
    """A row of ``catalog.worker_agent_perfcounter``: a performance counter of a worker of Scale Out."""

    worker_agent_id: str
    counter_name: str
    counter_value: float
    time_stamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysOnReplica:
    """A row of ``catalog.alwayson_replicas``: a replica of the availability group that SSISDB belongs to."""

    server_name: str
    state: int
