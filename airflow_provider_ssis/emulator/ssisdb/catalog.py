"""An installed catalog: its logins, its runs, and the functions that its procedures share."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType
from airflow_provider_ssis.emulator.runs.runner import Runtime
from airflow_provider_ssis.emulator.session import Message
from airflow_provider_ssis.emulator.ssisdb import scale_out_workers
from airflow_provider_ssis.emulator.ssisdb.background_writes import BackgroundWriter
from airflow_provider_ssis.emulator.ssisdb.dump_files import DumpFiles
from airflow_provider_ssis.emulator.ssisdb.edition import Edition
from airflow_provider_ssis.emulator.ssisdb.event_rows import write_message
from airflow_provider_ssis.emulator.ssisdb.principals import ADMIN_ROLE, CLUSTER_EXECUTOR_ROLE, LOGREADER_ROLE, role_ids
from airflow_provider_ssis.emulator.ssisdb.project_files import ProjectFiles
from airflow_provider_ssis.emulator.ssisdb.rows import write_default_properties
from airflow_provider_ssis.emulator.ssisdb.run_log import CatalogRunLog
from airflow_provider_ssis.emulator.ssisdb.tables import PROPERTIES
from airflow_provider_ssis.emulator.ssisdb.validations import Validations
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.metadata.objects import DatabasePrincipal
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind, Principal


def memory_kb() -> int:
    """The memory of this machine, in kilobytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024


class Ssisdb:
    """An installed catalog.

    :param engine: the server that it is installed on.
    :param edition: whether SQL logins are refused.
    :param quirks: where a real catalog has a known fault, behave as it does. Default: do what a user expects.
    """

    def __init__(self, engine: Engine, edition: Edition, *, quirks: bool = False) -> None:
        self.engine = engine
        self.edition = edition
        self.quirks = quirks
        self.files = ProjectFiles(None if engine.data_dir is None else engine.data_dir / "projects")
        self.background = BackgroundWriter(engine)
        self.dumps = DumpFiles(engine.data_dir)
        run_log = CatalogRunLog(engine, self.background, self.dumps)
        self.runtime = Runtime(run_log, engine.now)
        self.runtime.taps_folder = self.dumps.data
        self.validations = Validations(engine, self.background, run_log, self.files)
        self._deploying: set[tuple[int, str]] = set()
        self.draw_error: Callable[[str], Message | None] = lambda procedure: None
        """The injected error that the call of a procedure raises, by the procedure's name. Default: none."""

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
        principal = self.engine.logins.add(
            name, password, kind=kind, server_roles=frozenset(server_roles), database_roles=frozenset(database_roles)
        )
        self.engine.login_file.save()
        return principal

    def refuses(self, principal: Principal) -> bool:
        """Whether this login is refused operations that need a Windows identity (27123)."""
        return self.edition is Edition.BOX and principal.is_sql_login

    def is_admin(self, principal: Principal) -> bool:
        """Whether a login has all permissions in the catalog."""
        return principal.is_sysadmin or principal.has_database_role(ADMIN_ROLE)

    def session_variables(self, principal: Principal) -> dict[str, Any]:
        """The variables of a session that the views read."""
        return {
            "principal_ids": [principal.id, *role_ids(self.engine.logins, principal)],
            "is_ssis_admin": self.is_admin(principal),
            "is_ssis_logreader": principal.has_database_role(LOGREADER_ROLE),
            "is_ssis_cluster_executor": principal.has_database_role(CLUSTER_EXECUTOR_ROLE),
            "memory_kb": memory_kb(),
            "cpu_count": os.cpu_count() or 1,
        }

    def database_principal(self, principal_id: int) -> DatabasePrincipal | None:
        """The user or role of SSISDB with an id, or None."""
        found = self.engine.metadata.database_principals(self.engine.database)
        return next((each for each in found if each.id == principal_id), None)

    # --- shared by procedures

    @property
    def is_single_user(self) -> bool:
        """Whether the catalog's database is in single-user mode."""
        return self.engine.database in self.engine.metadata.single_user

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
        write_message(store, operation_id, self.engine.now(), kind, source, message)

    def forget_old_versions(self, store: Store, project_id: int) -> None:
        """Delete the oldest versions of a project, beyond the number that the catalog keeps; never the current one."""
        properties = dict(store.fetch("SELECT property_name, property_value FROM internal.catalog_properties"))
        if properties["VERSION_CLEANUP_ENABLED"] != "TRUE":
            return
        old = store.fetch(
            "SELECT v.object_version_lsn FROM internal.object_versions v"
            " JOIN internal.projects p ON p.project_id = v.object_id WHERE v.object_id = ?"
            " ORDER BY v.object_version_lsn = p.object_version_lsn DESC, v.object_version_lsn DESC OFFSET ?",
            [project_id, int(properties["MAX_PROJECT_VERSIONS"])],
        )
        for (version,) in old:
            store.execute("DELETE FROM internal.object_versions WHERE object_version_lsn = ?", [version])
            store.execute("DELETE FROM internal.packages WHERE project_version_lsn = ?", [version])
            store.execute("DELETE FROM internal.object_parameters WHERE project_version_lsn = ?", [version])
            store.after_commit(partial(self.files.delete, version))

    def is_running(self, operation_id: int) -> bool:
        """Whether an execution or a validation is pending or runs."""
        return self.runtime.has(operation_id) or self.validations.has(operation_id)

    def stop(self, operation_id: int) -> None:
        """Stop an execution or a validation that is running."""
        self.runtime.stop(operation_id)
        self.validations.stop(operation_id)

    # --- Scale Out

    def add_worker(self, store: Store, machine_name: str, *, enabled: bool = True) -> uuid.UUID:
        """Register a simulated worker of Scale Out, and turn Scale Out on; returns its id."""
        store.execute(
            "UPDATE internal.catalog_properties SET property_value = 'TRUE' WHERE property_name = 'IS_SCALEOUT_ENABLED'"
        )
        store.after_commit(self.refresh_workers)
        return scale_out_workers.register_worker(store, machine_name, enabled=enabled, now=self.engine.now())

    def refresh_workers(self) -> None:
        """Let the workers run packages that are enabled now."""
        scale_out_workers.refresh(self.runtime.workers, self.engine)

    # --- reset and close

    async def reset(self) -> None:
        """End all runs, and delete all rows, files and scripts. Ids continue to rise."""
        self.runtime.scripts.clear()
        await self.runtime.close()
        await self.validations.close()
        async with self.engine.transaction() as store:
            # Most tables are unchanged since the last reset, and each statement takes time.
            changed = self.engine.changes.since_reset.copy()
            for table in sorted(changed):
                store.execute(f"DELETE FROM {table}")
            if f"internal.{PROPERTIES}" in changed:
                write_default_properties(store)
            store.after_commit(self.engine.changes.since_reset.clear)
        self.engine.metadata.set_single_user(self.engine.database, on=False)
        self.refresh_workers()
        self.files.clear()
        self.dumps.clear()

    async def close(self) -> None:
        """End all runs. Executions that are running get status 6 when the same data folder is opened again."""
        await self.runtime.close()
        await self.validations.close()
        self.background.close()
        await asyncio.to_thread(self.files.close)
        await asyncio.to_thread(self.dumps.close)
