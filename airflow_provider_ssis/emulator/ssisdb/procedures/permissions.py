"""Permissions on folders, projects, environments and operations."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.error_texts import text

_SIGNATURE = "@object_type smallint, @object_id bigint, @principal_id int, @permission_type smallint"
_REQUIRED = "object_type object_id principal_id permission_type"
_BASIC = (PermissionType.READ, PermissionType.MODIFY, PermissionType.MANAGE_PERMISSIONS)
_APPLICABLE = {
    SecuredObjectType.FOLDER: (*_BASIC, *(p for p in PermissionType if p >= PermissionType.CREATE_OBJECTS)),
    SecuredObjectType.PROJECT: (*_BASIC, PermissionType.EXECUTE),
    SecuredObjectType.ENVIRONMENT: _BASIC,
    SecuredObjectType.OPERATION: _BASIC,
}
_TABLES = {
    SecuredObjectType.FOLDER: ("folders", "folder_id", 27104),
    SecuredObjectType.PROJECT: ("projects", "project_id", 27109),
    SecuredObjectType.ENVIRONMENT: ("environments", "environment_id", 27182),
    SecuredObjectType.OPERATION: ("operations", "operation_id", 27105),
}


@catalog_procedure("grant_permission", _SIGNATURE, required=_REQUIRED)
async def grant_permission(call: CatalogCall) -> None:
    """27101 type or principal, 27191 not applicable, 27104 / 27109 / 27182 / 27105 no such object, 27192 no right.

    27161 with severity 10: it was granted before.
    """
    await _set(call, is_deny=False)


@catalog_procedure("deny_permission", _SIGNATURE, required=_REQUIRED)
async def deny_permission(call: CatalogCall) -> None:
    """As grant_permission."""
    await _set(call, is_deny=True)


@catalog_procedure("revoke_permission", _SIGNATURE, required=_REQUIRED)
async def revoke_permission(call: CatalogCall) -> None:
    """As grant_permission; takes both grants and denials back."""
    await _set(call, is_deny=None)


async def _set(call: CatalogCall, *, is_deny: bool | None) -> None:
    kind, permission = _check_arguments(call)
    key = [int(kind), call["object_id"], call["principal_id"], int(permission)]
    async with call.transaction() as store:
        _check_right(call, kind)
        known = store.fetch(f"SELECT is_deny FROM {_ROWS}", key)
        if is_deny is False and known and not known[0][0]:
            call.info(27161, text(27161))
            return
        store.execute(f"DELETE FROM {_ROWS}", key)
        if is_deny is not None:
            call.write_permissions(store, kind, call["object_id"], [permission], call["principal_id"], is_deny=is_deny)


_ROWS = (
    "internal.object_permissions WHERE object_type = ? AND object_id = ? AND principal_id = ? AND permission_type = ?"
)


def _check_arguments(call: CatalogCall) -> tuple[SecuredObjectType, PermissionType]:
    try:
        kind = SecuredObjectType(call["object_type"])
    except ValueError:
        raise call.refuse(27101, "object_type") from None
    try:
        permission = PermissionType(call["permission_type"])
    except ValueError:
        raise call.refuse(27101, "permission_type") from None
    if permission not in _APPLICABLE[kind]:
        raise call.refuse(27191, int(permission), int(kind))
    if call.ssisdb.database_principal(call["principal_id"]) is None:
        raise call.refuse(27101, "principal_id")
    return kind, permission


def _check_right(call: CatalogCall, kind: SecuredObjectType) -> None:
    table, column, missing = _TABLES[kind]
    exists = call.first(f"SELECT 1 FROM internal.{table} WHERE {column} = ?", call["object_id"])
    may_manage = call.may(PermissionType.MANAGE_PERMISSIONS, kind, call["object_id"])
    # An object that the caller may not read is as good as missing.
    if not exists or not (may_manage or call.may(PermissionType.READ, kind, call["object_id"])):
        raise call.fail(missing, call["object_id"])
    if not may_manage:
        raise call.fail(27192)
