"""Conditions for the rows that a caller can read, over the DuckDB variables of the session."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType

ADMIN: Final = "getvariable('is_ssis_admin')"
ADMIN_OR_LOGREADER: Final = "(getvariable('is_ssis_admin') OR getvariable('is_ssis_logreader'))"


def readable(kind: SecuredObjectType, id_column: str, *, logreader: bool = False) -> str:
    """The rows of objects that the caller can read, or all rows for an administrator.

    :param id_column: the column with the object's id.
    :param logreader: members of ssis_logreader read all rows too.
    """
    return (
        f"({ADMIN_OR_LOGREADER if logreader else ADMIN} OR {id_column} IN (SELECT object_id FROM"
        f" internal.my_permissions"
        f" WHERE object_type = {int(kind)} AND permission_type = {int(PermissionType.READ)}))"
    )


READABLE_OPERATION: Final = readable(SecuredObjectType.OPERATION, "operation_id", logreader=True)
READABLE_EXECUTION: Final = readable(SecuredObjectType.OPERATION, "execution_id", logreader=True)
