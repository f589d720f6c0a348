"""An installed catalog: its logins, its runs, and the functions that its procedures share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType, ObjectType
from airflow_provider_ssis.emulator.datatypes import SQL_VARIANT
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.emulator.runs.runner import Runtime
from airflow_provider_ssis.emulator.ssisdb.edition import Edition
from airflow_provider_ssis.emulator.ssisdb.principals import ADMIN_ROLE, LOGREADER_ROLE
from airflow_provider_ssis.emulator.ssisdb.project_files import ProjectFiles
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id
from airflow_provider_ssis.emulator.ssisdb.run_log import CatalogRunLog
from airflow_provider_ssis.emulator.ssisdb.tables import DEFAULT_PROPERTIES, TABLES
from airflow_provider_ssis.emulator.tsql.execution.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.store import Store
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind, Principal
from airflow_provider_ssis.emulator.tsql.metadata.registry import DatabasePrincipal
from airflow_provider_ssis.emulator.tsql.values.storage import decode


class Ssisdb:
    """An installed catalog.

    :param engine: the server that it is installed on.
    :param edition: whether SQL logins are refused.
    """

    def __init__(self, engine: Engine, edition: Edition) -> None:
        self.engine = engine
        self.edition = edition
        self.files = ProjectFiles(None if engine.data_dir is None else engine.data_dir / "projects")
        self._run_log = CatalogRunLog(engine)
        self.runtime = Runtime(self._run_log, engine.now)
        self._deploying: set[tuple[int, str]] = set()

    # --- logins

    def add_login(
        self,
        name: str,
        password: str | None = None,
        *,
        kind: LoginKind = LoginKind.SQL,
        server_roles: Sequence[str] = (),
        database_roles: Sequence[str] = (),
    ) -> Principal:
        """Create a login with a user in SSISDB, or change the login of this name.

        :param password: of a SQL login; None for other identities.
        :param kind: what proves the identity.
        :param server_roles: such as ``sysadmin``.
        :param database_roles: such as ``ssis_admin`` or ``ssis_logreader``.
        """
        return self.engine.logins.add(
            name, password, kind=kind, server_roles=frozenset(server_roles), database_roles=frozenset(database_roles)
        )

    def refuses(self, principal: Principal) -> bool:
        """Whether this login is refused operations that need a Windows identity (27123)."""
        return self.edition is Edition.BOX and principal.is_sql_login

    def is_admin(self, principal: Principal) -> bool:
        """Whether a login has all permissions in the catalog."""
        return principal.is_sysadmin or principal.has_database_role(ADMIN_ROLE)

    def session_variables(self, principal: Principal) -> dict[str, Any]:
        """The variables of a session that the views read."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
        return {
            "principal_id": principal.id,
            "is_ssis_admin": self.is_admin(principal),
            "is_ssis_logreader": principal.has_database_role(LOGREADER_ROLE),
            "memory_kb": memory,
            "cpu_count": os.cpu_count() or 1,
        }

    def database_principal(self, principal_id: int) -> DatabasePrincipal | None:
        """The user or role of SSISDB with an id, or None."""
        found = self.engine.metadata.database_principals(self.engine.database)
        return next((each for each in found if each.id == principal_id), None)

    # --- shared by procedures

    def property(self, name: str) -> str:
        """The value of a catalog property."""
        rows = self.engine.read(
            "SELECT property_value FROM internal.catalog_properties WHERE property_name = ?", [name]
        )
        return str(rows[0][0])

    @contextmanager
    def deploying(self, folder_id: int, project: str) -> Iterator[bool]:
        """Mark a project as being deployed during the block; False if it is marked already."""
        key = (folder_id, project.lower())
        if key in self._deploying:
            yield False
            return
        self._deploying.add(key)
        try:
            yield True
        finally:
            self._deploying.discard(key)

    def write_message(
        self, store: Store, operation_id: int, kind: MessageType, source: MessageSourceType, message: str
    ) -> None:
        """Write a message of an operation."""
        insert(
            store,
            "operation_messages",
            {
                "operation_message_id": next_id(store, "message_id"),
                "operation_id": operation_id,
                "message_time": self.engine.now(),
                "message_type": int(kind),
                "message_source_type": int(source),
                "message": message,
            },
        )

    def forget_old_versions(self, store: Store, project_id: int) -> None:
        """Delete the oldest versions of a project, beyond the number that the catalog keeps."""
        keep = int(self.property("MAX_PROJECT_VERSIONS"))
        old = store.fetch(
            "SELECT object_version_lsn FROM internal.object_versions WHERE object_id = ?"
            " ORDER BY object_version_lsn DESC OFFSET ?",
            [project_id, keep],
        )
        for (version,) in old:
            store.execute("DELETE FROM internal.object_versions WHERE object_version_lsn = ?", [version])
            store.execute("DELETE FROM internal.packages WHERE project_version_lsn = ?", [version])
            store.execute("DELETE FROM internal.object_parameters WHERE project_version_lsn = ?", [version])
            store.after_commit(partial(self.files.delete, version))

    def run_request(self, store: Store, execution_id: int) -> RunRequest:
        """The request for the run of an execution."""
        folder, project, package, version = store.fetch(
            "SELECT folder_name, project_name, package_name, project_lsn FROM internal.executions WHERE"
            " execution_id = ?",
            [execution_id],
        )[0]
        parameters = {
            (object_type, name): decode(SQL_VARIANT, value)
            for object_type, name, value in store.fetch(
                "SELECT object_type, parameter_name, CASE WHEN NOT sensitive THEN parameter_value END"
                " FROM internal.execution_parameter_values WHERE execution_id = ?",
                [execution_id],
            )
        }
        overrides = store.fetch(
            "SELECT property_path, property_value FROM internal.execution_property_override_values"
            " WHERE execution_id = ?",
            [execution_id],
        )
        return RunRequest(
            execution_id=execution_id,
            folder_name=folder,
            project_name=project,
            project=self.files.project(version),
            package_name=package,
            parameters={key: value.value for key, value in parameters.items() if value is not None},
            property_overrides=dict(overrides),
            logging_level=parameters[ObjectType.EXECUTION, "LOGGING_LEVEL"].value,
        )

    # --- reset and close

    async def reset(self) -> None:
        """End all runs, and delete all rows, files and scripts. Ids continue to rise."""
        self.runtime.scripts.clear()
        await self.runtime.close()
        async with self.engine.transaction() as store:
            for table in TABLES:
                if table.name != "catalog_properties":
                    store.execute(f"DELETE FROM internal.{table.name}")
            for name, value in DEFAULT_PROPERTIES.items():
                store.execute(
                    "UPDATE internal.catalog_properties SET property_value = ? WHERE property_name = ?", [value, name]
                )
        self.files.clear()

    async def close(self) -> None:
        """End all runs. Executions that are running get status 6 when the same data folder is opened again."""
        await self.runtime.close()
        self._run_log.close()
        await asyncio.to_thread(self.files.close)
