"""The argument of the body of a catalog procedure: arguments, look-ups, permissions, the catalog."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType, PermissionType, SecuredObjectType
from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SQL_VARIANT, Column, SqlType, Variant
from airflow_provider_ssis.emulator.ssisdb.catalog import Ssisdb
from airflow_provider_ssis.emulator.ssisdb.error_texts import catalog_error
from airflow_provider_ssis.emulator.ssisdb.principals import LOGREADER_ROLE, ROLE
from airflow_provider_ssis.emulator.ssisdb.rows import insert, insert_rows, next_id, next_ids
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.metadata.principals import Principal
from airflow_provider_ssis.emulator.tsql.values.conversion import store
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import encode

Result = TypeVar("Result")

_DESCRIPTION = SqlType("nvarchar", length=1024)

_CREATOR: dict[SecuredObjectType, Sequence[PermissionType]] = {
    SecuredObjectType.PROJECT: (
        PermissionType.READ,
        PermissionType.MODIFY,
        PermissionType.EXECUTE,
        PermissionType.MANAGE_PERMISSIONS,
    ),
    SecuredObjectType.ENVIRONMENT: (PermissionType.READ, PermissionType.MODIFY, PermissionType.MANAGE_PERMISSIONS),
    SecuredObjectType.OPERATION: (PermissionType.READ, PermissionType.MODIFY, PermissionType.MANAGE_PERMISSIONS),
}
"""The permissions of an object's creator. The creator of a folder is an administrator and needs no grant."""


class CatalogCall:
    """One call of a catalog procedure.

    :param ssisdb: the catalog.
    :param call: the call in the T-SQL layer.
    :param procedure: the procedure's name, without its schema.
    """

    def __init__(self, ssisdb: Ssisdb, call: ProcedureCall, procedure: str) -> None:
        self.ssisdb = ssisdb
        self._call = call
        self._procedure = procedure

    def __getitem__(self, name: str) -> Any:
        """An argument by its name without ``@``."""
        return self._call.arguments[name]

    @property
    def principal(self) -> Principal:
        """The caller."""
        return self._call.session.principal

    @property
    def spid(self) -> int:
        """The number of the caller's session."""
        return self._call.session.spid

    @property
    def in_transaction(self) -> bool:
        """Whether the caller has a transaction open."""
        return self._call.session.in_transaction

    @property
    def is_admin(self) -> bool:
        """Whether the caller is a member of ssis_admin or sysadmin."""
        return self.ssisdb.is_admin(self.principal)

    @property
    def now(self) -> dt.datetime:
        """The time."""
        return self.ssisdb.engine.now()

    def set_output(self, name: str, value: Any) -> None:
        """Give an OUTPUT parameter its value."""
        self._call.set_output(name, value)

    def result_set(self, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> None:
        """Send a result set."""
        self._call.result_set(columns, rows)

    def info(self, number: int, text: str) -> None:
        """Send a message of severity 10."""
        self._call.info(text, number=number, severity=10)

    def read(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query, in the caller's view of the data."""
        return self._call.read(sql, parameters)

    def first(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        """The first row of a DuckDB query, or None."""
        rows = self.read(sql, *parameters)
        return rows[0] if rows else None

    def transaction(self) -> AbstractAsyncContextManager[Store]:
        """The write scope."""
        return self._call.transaction()

    async def write_now(self, change: Callable[[Store], Result]) -> Result:
        """Write at once, independently of the transactions of the caller and of other sessions."""
        return await self.ssisdb.background.write(change)

    def fail(self, number: int, *arguments: Any) -> SqlError:
        """An error of the catalog, to be raised."""
        return catalog_error(number, *arguments)

    def refuse(self, number: int, *arguments: Any) -> SqlError:
        """An error in the arguments, to be raised before any change: the caller's batch continues."""
        return catalog_error(number, *arguments, ends_batch=False)

    def raise_injected(self) -> None:
        """Raise the error that is injected into this call, if there is one.

        :raises SqlError: that error.
        """
        if (injected := self.ssisdb.draw_error(self._procedure)) is not None:
            raise SqlError(injected.number, injected.text, severity=injected.severity, procedure=self._procedure)

    # --- permissions

    def may(self, permission: PermissionType, kind: SecuredObjectType, object_id: int) -> bool:
        """Whether the caller has a permission on an object."""
        if self.is_admin:
            return True
        sql = "SELECT 1 FROM internal.my_permissions WHERE object_type = ? AND object_id = ? AND permission_type = ?"
        return self.first(sql, int(kind), object_id, int(permission)) is not None

    def may_change(self, operation_id: int) -> bool:
        """Whether the caller may change an operation."""
        return self.may(PermissionType.MODIFY, SecuredObjectType.OPERATION, operation_id)

    def grant_creator(self, store: Store, kind: SecuredObjectType, object_id: int) -> None:
        """Give the caller the permissions of an object's creator."""
        self.write_permissions(store, kind, object_id, _CREATOR[kind], self.principal.id, is_deny=False)

    def write_permissions(
        self,
        store: Store,
        kind: SecuredObjectType,
        object_id: int,
        permissions: Sequence[PermissionType],
        principal_id: int,
        *,
        is_deny: bool,
    ) -> None:
        """Write permissions of a database principal on an object; the caller is their grantor."""
        found = self.ssisdb.database_principal(principal_id)
        rows = [
            {
                "id": number,
                "object_type": int(kind),
                "object_id": object_id,
                "principal_id": principal_id,
                "sid": found.sid if found else None,
                "permission_type": int(permission),
                "is_role": found is not None and found.kind == ROLE,
                "is_deny": is_deny,
                "grantor_id": self.principal.id,
                "grantor_sid": self.principal.sid,
            }
            for number, permission in enumerate(permissions, next_ids(store, "permission_id", len(permissions)))
        ]
        insert_rows(store, "object_permissions", rows)

    # --- look-ups

    def folder(self, name: str, *, number: int = 27104) -> int:
        """The id of a folder that the caller can read.

        :raises SqlError: ``number``, with the name.
        """
        # An administrator sees all folders, and the table is several times faster than the view.
        schema = "internal" if self.is_admin else "catalog"
        row = self.first(f"SELECT folder_id FROM {schema}.folders WHERE lower(name) = lower(rtrim(?, ' '))", name)
        if row is None:
            raise self.fail(number, name)
        return int(row[0])

    def project(
        self, folder: str, name: str, permission: PermissionType = PermissionType.READ, *, number: int = 27109
    ) -> tuple[int, int]:
        """The id and the version of a project that the caller sees, and on which it has a permission.

        It sees a project with READ on its folder, and READ on the project or the role ssis_logreader.

        :param permission: Default: READ, which asks for nothing more.
        :raises SqlError: ``number``; 27109 names the project.
        """
        row = self.first(
            "SELECT p.project_id, p.object_version_lsn, folder_id FROM internal.projects p JOIN internal.folders f"
            " USING (folder_id)"
            " WHERE lower(f.name) = lower(rtrim(?, ' ')) AND lower(p.name) = lower(rtrim(?, ' '))",
            folder,
            name,
        )
        if row is None or not self._sees(SecuredObjectType.PROJECT, row[0], folder_id=row[2], permission=permission):
            raise self.fail(number, name)
        return int(row[0]), int(row[1])

    def environment(self, folder: str, name: str, permission: PermissionType) -> int:
        """The id of an environment that the caller sees, and on which it has a permission.

        It sees an environment with READ on its folder and on the environment.

        :raises SqlError: 27182.
        """
        row = self._environment(folder, name)
        if row is None or not self._sees(
            SecuredObjectType.ENVIRONMENT, row[0], folder_id=row[1], permission=permission
        ):
            raise self.fail(27182, name)
        return row[0]

    def referenced_environment(self, folder: str, name: str) -> int:
        """The id of an environment that a run or a validation uses: READ on it is enough.

        :raises SqlError: 27182.
        """
        row = self._environment(folder, name)
        if row is None or not self.may(PermissionType.READ, SecuredObjectType.ENVIRONMENT, row[0]):
            raise self.fail(27182, name)
        return row[0]

    def _environment(self, folder: str, name: str) -> tuple[int, int] | None:
        """The ids of an environment and of its folder."""
        row = self.first(
            "SELECT e.environment_id, folder_id FROM internal.environments e JOIN internal.folders f USING (folder_id)"
            " WHERE lower(f.name) = lower(rtrim(?, ' ')) AND lower(e.environment_name) = lower(rtrim(?, ' '))",
            folder,
            name,
        )
        return None if row is None else (int(row[0]), int(row[1]))

    def _sees(self, kind: SecuredObjectType, object_id: int, *, folder_id: int, permission: PermissionType) -> bool:
        """Whether the views show an object and its folder to the caller, and it has a permission on the object."""
        if self.is_admin:
            return True
        reads_logs = kind is SecuredObjectType.PROJECT and self.principal.has_database_role(LOGREADER_ROLE)
        return (
            self.may(PermissionType.READ, SecuredObjectType.FOLDER, folder_id)
            and (reads_logs or self.may(PermissionType.READ, kind, object_id))
            and (permission is PermissionType.READ or self.may(permission, kind, object_id))
        )

    def folder_of_environment(self, environment_id: int) -> int:
        """The id of the folder that contains an environment."""
        sql = "SELECT folder_id FROM internal.environments WHERE environment_id = ?"
        return int(self.read(sql, environment_id)[0][0])

    def execution(self, execution_id: int, *, started: int) -> None:
        """Check that the caller may change an execution, and that it was not started.

        A creation that failed has a row among the operations only: it counts as started.

        :param started: the number of the error if it was started.
        :raises SqlError: 27103 there is no such execution, or ``started``.
        """
        row = self.first(
            "SELECT status FROM internal.operations WHERE operation_id = ? AND operation_type = ?",
            execution_id,
            int(OperationType.EXECUTION),
        )
        if row is None or not self.may_change(execution_id):
            raise self.fail(27103, execution_id)
        if row[0] != OperationStatus.CREATED:
            raise self.fail(started, execution_id)

    def catalog_property(self, name: str) -> str:
        """The value of a catalog property, as the caller's transaction sees it.

        :raises SqlError: 27156, the catalog has no such property.
        """
        row = self.first("SELECT property_value FROM internal.catalog_properties WHERE property_name = ?", name)
        if row is None:
            raise self.fail(27156, name)
        return str(row[0])

    # --- operations

    def begin_operation(
        self,
        store: Store,
        kind: OperationType,
        status: OperationStatus,
        *,
        object_type: int | None = None,
        object_id: int | None = None,
        object_name: str | None = None,
        started: bool = False,
    ) -> int:
        """Write the row of a new operation and grant it to the caller; return its id."""
        operation_id = next_id(store, "operation_id")
        now = self.now
        machine = self.ssisdb.engine.product.server_name
        insert(
            store,
            "operations",
            {
                "operation_id": operation_id,
                "operation_type": int(kind),
                "created_time": now,
                "object_type": object_type,
                "object_id": object_id,
                "object_name": object_name,
                "status": int(status),
                "start_time": now if started else None,
                "caller_sid": self.principal.sid,
                "caller_name": self.principal.name,
                "server_name": machine,
                "machine_name": machine,
                "operation_guid": uuid.uuid4(),
            },
        )
        self.grant_creator(store, SecuredObjectType.OPERATION, operation_id)
        return operation_id

    def end_operation(self, store: Store, operation_id: int, status: OperationStatus) -> None:
        """Close the row of an operation."""
        store.execute(
            "UPDATE internal.operations SET status = ?, end_time = ? WHERE operation_id = ?",
            [int(status), self.now, operation_id],
        )

    @contextmanager
    def fails_with(self, store: Store, operation_id: int) -> Iterator[None]:
        """Close the row of an operation with status 4 if the block raises an error of the catalog.

        The error that is injected into a procedure which is an operation is raised here.
        """
        try:
            self.raise_injected()
            yield
        except SqlError:
            self.end_operation(store, operation_id, OperationStatus.FAILED)
            raise


def description(text: str | None, table: str) -> str | None:
    """A description for the column of a table, which is shorter than the argument of its procedure.

    :raises SqlError: 2628, it is too long.
    """
    kept: str | None = store(text, NVARCHAR_MAX, _DESCRIPTION, table=table, column="description")
    return kept


def stored(value: Variant | None) -> Any:
    """A sql_variant as a DuckDB parameter."""
    return encode(SQL_VARIANT, value)
