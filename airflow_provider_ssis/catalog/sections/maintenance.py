"""Maintenance of the catalog: clean-up, start-up, sizes of logs, availability groups."""

from __future__ import annotations

from airflow_provider_ssis.catalog.models import AlwaysOnReplica, SchemaVersion
from airflow_provider_ssis.catalog.refusals import ADMIN_ROLE
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sql.rows import decode
from airflow_provider_ssis.catalog.sql.statements import Batch, select


class Maintenance(CommandPart):
    """The part of the catalog client for maintenance, which needs the role ssis_admin."""

    def clean_up_operations(self) -> None:
        """Delete operations older than the catalog property RETENTION_WINDOW (days), with their messages.

        The server's job "SSIS Server Maintenance Job" does this every day, unless OPERATION_CLEANUP_ENABLED is FALSE.

        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        self._command("EXEC internal.cleanup_server_retention_window;", [], "Deleting old operations", role=ADMIN_ROLE)

    def clean_up_versions(self) -> None:
        """Delete versions of projects beyond the catalog property MAX_PROJECT_VERSIONS.

        The server's job "SSIS Server Maintenance Job" does this every day, unless VERSION_CLEANUP_ENABLED is FALSE.

        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        self._command("EXEC internal.cleanup_server_project_version;", [], "Deleting old versions", role=ADMIN_ROLE)

    def clean_up_log(self) -> None:
        """Delete all operations with their messages. SSISDB must be in the mode SINGLE_USER.

        :raises SingleUserRequired: it is not.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        self._command("EXEC internal.cleanup_server_log;", [], "Deleting all operations", role=ADMIN_ROLE)

    def clean_up_execution_keys(self, *, of_projects: bool = False) -> None:
        """Delete the keys and certificates of executions that have ended. SSISDB must be in the mode SINGLE_USER.

        :param of_projects: those that encrypt the values of a whole project's executions. Default: False, those of
            single executions.
        :raises SingleUserRequired: it is not in that mode.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        self._command(
            "EXEC internal.cleanup_server_execution_keys @cleanup_flag = ?;",
            [2 if of_projects else 1],
            "Deleting the keys of executions",
            role=ADMIN_ROLE,
        )

    def startup(self) -> None:
        """Mark operations that a crash of the server has interrupted as ended unexpectedly.

        The server does this itself when it starts.

        :raises PermissionDenied: the login is not a member of ssis_admin, sysadmin or ssis_failover_monitoring_agent.
        """
        self._command("EXEC catalog.startup;", [], "Ending interrupted operations", role=ADMIN_ROLE)

    def check_schema_version(self, *, use32bit: bool = False) -> SchemaVersion:
        """Check whether the catalog's schema fits the server's version of Integration Services.

        :param use32bit: check the 32-bit runtime. Default: False.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        statements = (
            "INSERT INTO @versions EXEC catalog.check_schema_version @use32bitruntime = ?;\n"
            f"{select(SchemaVersion, '@versions AS v').sql};"
        )
        values = [int(use32bit)]
        result = self._query(
            statements, values, "Checking the version of the schema", role=ADMIN_ROLE, declare=_VERSIONS
        )
        return decode(SchemaVersion, result)[0]

    def operation_log_size(self) -> int:
        """The number of rows in the catalog's log of operations."""
        return self._size("SELECT catalog.get_operation_log_size() AS size;")

    def version_log_size(self) -> int:
        """The number of versions of projects that the catalog keeps."""
        return self._size("SELECT catalog.get_version_log_size() AS size;")

    def always_on_replicas(self) -> list[AlwaysOnReplica]:
        """The replicas of the availability group that SSISDB belongs to, by name."""
        batch = select(AlwaysOnReplica, "catalog.alwayson_replicas AS v", order_by="v.server_name")
        return self._session.fetch(AlwaysOnReplica, batch, doing="Reading the replicas of SSISDB")

    def _size(self, sql: str) -> int:
        return int(self._session.run(Batch(sql), doing="Reading the size of the log")[-1].rows[0][0] or 0)


_VERSIONS = (
    "@versions TABLE (server_build nvarchar(256), schema_version int, schema_build nvarchar(256), "
    "assembly_build nvarchar(256), shared_component_version nvarchar(256), compatibility_status smallint)"
)
