"""The server of the connection: its version, its catalog, and the login's permissions."""

from __future__ import annotations

from dataclasses import asdict

from airflow_provider_ssis.catalog.errors import WindowsAuthenticationRequired
from airflow_provider_ssis.catalog.errors.error_numbers import meaning_of
from airflow_provider_ssis.catalog.models import Rights, ServerInfo, ServerSession
from airflow_provider_ssis.catalog.sections.properties import Properties
from airflow_provider_ssis.catalog.sql.statements import Batch

_ROLES = ("sysadmin", "ssis_admin", "ssis_logreader")


class Server(Properties):
    """The part of the catalog client for the server as a whole."""

    def server_info(self) -> ServerInfo:
        """The server, its catalog, and the login of the connection."""
        session = self.server_session()
        properties = self.catalog_properties()
        return ServerInfo(
            **asdict(session),
            schema_version=properties.get("SCHEMA_VERSION"),
            schema_build=properties.get("SCHEMA_BUILD"),
            is_refused=self.refuses_login(),
        )

    def server_session(self) -> ServerSession:
        """The server and the login of the connection. Works in every database."""
        row = self._session.run(_SERVER, doing="Reading the server's properties")[-1].as_dicts()[0]
        return ServerSession(
            server_name=row["server_name"] or "",
            product_version=row["product_version"] or "",
            edition=row["edition"] or "",
            database=row["database_name"],
            login=row["login_name"],
            user=row["user_name"],
            auth_scheme=row["auth_scheme"],
            roles=tuple(role for role in _ROLES if row[role] == 1),
        )

    def refuses_login(self) -> bool:
        """Whether the catalog lets this login not deploy, start or stop anything, because it is a SQL login."""
        results = self._session.run(_REFUSED_CALL, doing="Checking whether the catalog accepts this login")
        error = meaning_of(results[-1].rows[0][0]).error
        return error is WindowsAuthenticationRequired

    def rights(self) -> Rights:
        """What the login may do, and on how many folders and projects.

        If the catalog refuses SQL logins (:attr:`ServerInfo.is_refused`), none of it can be used.
        """
        row = self._session.run(_RIGHTS, doing="Reading the login's permissions")[-1].as_dicts()[0]
        is_admin = row["is_admin"] == 1
        return Rights(
            folders=row["folders"],
            folders_to_deploy_to=row["folders"] if is_admin else row["deployable"],
            projects=row["projects"],
            projects_to_run=row["projects"] if is_admin else row["runnable"],
            reads_all_logs=is_admin or row["is_reader"] == 1,
        )


# SERVERPROPERTY and CONNECTIONPROPERTY return sql_variant, which not every driver reads.
_SERVER = Batch(
    "SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)) AS server_name, "
    "CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS product_version, "
    "CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition, "
    "DB_NAME() AS database_name, SUSER_SNAME() AS login_name, USER_NAME() AS user_name, "
    "CAST(CONNECTIONPROPERTY('auth_scheme') AS nvarchar(40)) AS auth_scheme, "
    "IS_SRVROLEMEMBER('sysadmin') AS sysadmin, IS_MEMBER('ssis_admin') AS ssis_admin, "
    "IS_MEMBER('ssis_logreader') AS ssis_logreader;"
)
# Object types 1 and 2 are folders and projects; permissions 3 and 100 are to execute, and to create objects. The
# procedures find only what the views show: a permission has no effect without READ on the folder.
_RIGHTS = Batch(
    "SELECT (SELECT COUNT(*) FROM catalog.folders) AS folders, (SELECT COUNT(*) FROM catalog.projects) AS projects, "
    "(SELECT COUNT(DISTINCT f.folder_id) FROM catalog.folders AS f "
    "JOIN catalog.effective_object_permissions AS p ON p.object_id = f.folder_id "
    "WHERE p.object_type = 1 AND p.permission_type = 100) AS deployable, "
    "(SELECT COUNT(DISTINCT v.project_id) FROM catalog.projects AS v "
    "JOIN catalog.folders AS f ON f.folder_id = v.folder_id "
    "JOIN catalog.effective_object_permissions AS p ON p.object_id = v.project_id "
    "WHERE p.object_type = 2 AND p.permission_type = 3) AS runnable, "
    "CASE WHEN IS_SRVROLEMEMBER('sysadmin') = 1 OR IS_MEMBER('ssis_admin') = 1 THEN 1 ELSE 0 END AS is_admin, "
    "IS_MEMBER('ssis_logreader') AS is_reader;"
)
# The catalog checks the login before the arguments, and the arguments of this call are always refused.
_REFUSED_CALL = Batch(
    "SET NOCOUNT ON;\nBEGIN TRY\nEXEC catalog.create_environment @folder_name = NULL, @environment_name = NULL;\n"
    "SELECT 0 AS refusal;\nEND TRY\nBEGIN CATCH\nSELECT ERROR_NUMBER() AS refusal;\nEND CATCH;"
)
