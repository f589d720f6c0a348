"""The properties of the catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from airflow_provider_ssis.catalog.codes import LoggingLevel, OperationStatus, OperationType
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.principals import ADMIN_ROLE
from airflow_provider_ssis.emulator.ssisdb.procedures.logging_levels import find_level
from airflow_provider_ssis.emulator.ssisdb.tables import ACTIVE

ENCRYPTION_LEVEL: Final = "SERVER_OPERATION_ENCRYPTION_LEVEL"
_LEVEL: Final = "SERVER_LOGGING_LEVEL"
_CUSTOMIZED: Final = "SERVER_CUSTOMIZED_LOGGING_LEVEL"
_ALGORITHM: Final = "ENCRYPTION_ALGORITHM"
_ENCRYPTION_LEVELS: Final = ("1", "2")


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _from(least: int, most: int) -> Callable[[str], bool]:
    return lambda value: value.isascii() and value.isdigit() and least <= int(value) <= most


_RULES: Final = {
    _ALGORITHM: _one_of("TRIPLE_DES_3KEY", "AES_128", "AES_192", "AES_256"),
    "RETENTION_WINDOW": _from(1, 3650),
    "MAX_PROJECT_VERSIONS": _from(1, 9999),
    "OPERATION_CLEANUP_ENABLED": _one_of("TRUE", "FALSE"),
    "VERSION_CLEANUP_ENABLED": _one_of("TRUE", "FALSE"),
    ENCRYPTION_LEVEL: _one_of(*_ENCRYPTION_LEVELS),
    "DEFAULT_EXECUTION_MODE": _one_of("0", "1"),
}
"""The values that a property accepts, in upper case."""


def check_encryption_level(call: CatalogCall) -> None:
    """Check that the catalog knows how to keep sensitive values.

    :raises SqlError: 27163.
    """
    if call.catalog_property(ENCRYPTION_LEVEL) not in _ENCRYPTION_LEVELS:
        raise call.fail(27163, ENCRYPTION_LEVEL)


@catalog_procedure(
    "configure_catalog",
    "@property_name nvarchar(255), @property_value nvarchar(255)",
    granted_to=ADMIN_ROLE,
    is_operation=True,
)
async def configure_catalog(call: CatalogCall) -> None:
    """27140 not an administrator, 27138, 27101 name or value, 27217, 27241, 27237 levels; 27162, 27139, 27141.

    Each call with the name of a property is an operation, which fails if the value is refused.
    """
    if not call.is_admin:
        raise call.refuse(27140, ADMIN_ROLE, "sysadmin")
    if call["property_name"] is None or call["property_value"] is None:
        raise call.refuse(27138)
    name, value = call["property_name"].upper(), call["property_value"]
    if name not in _RULES and name not in (_LEVEL, _CUSTOMIZED):
        raise call.refuse(27101, "property_name")
    async with call.transaction() as store:
        operation_id = call.begin_operation(
            store, OperationType.CONFIGURE_CATALOG, OperationStatus.RUNNING, started=True
        )
        with call.fails_with(store, operation_id):
            for changed, new in _changes(call, name, value, operation_id).items():
                known = store.execute(
                    "UPDATE internal.catalog_properties SET property_value = ? WHERE property_name = ?", [new, changed]
                )
                if not known:
                    raise call.fail(27112, "catalog_properties")
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)


def _changes(call: CatalogCall, name: str, value: str, operation_id: int) -> dict[str, str]:
    """The new values of the properties that a call changes."""
    if name == _LEVEL:
        return {name: str(_logging_level(call, value))}
    if name == _CUSTOMIZED:
        if find_level(call, value) is None:
            raise call.fail(27237, value)
        return {name: value, _LEVEL: str(int(LoggingLevel.CUSTOMIZED))}
    new = value.strip().upper()
    if not _RULES[name](new):
        raise call.fail(27101, "property_value")
    if name in (_ALGORITHM, ENCRYPTION_LEVEL) and not call.ssisdb.is_single_user:
        raise call.fail(27162, name)
    if name == ENCRYPTION_LEVEL:
        _check_no_logs(call, operation_id)
    return {name: str(int(new)) if new.isdigit() else new}


def _logging_level(call: CatalogCall, value: str) -> int:
    levels = {str(int(level)): level for level in LoggingLevel}
    level = levels.get(value.strip())
    if level is None:
        raise call.fail(27217, value)
    if level is LoggingLevel.CUSTOMIZED and not call.catalog_property(_CUSTOMIZED):
        raise call.fail(27241, value, value)
    return int(level)


def _check_no_logs(call: CatalogCall, operation_id: int) -> None:
    """The way in which sensitive values are kept changes only while no execution has any."""
    if call.first(
        f"SELECT 1 FROM internal.operations WHERE status IN ({ACTIVE}) AND operation_id <> ?",
        operation_id,
    ):
        raise call.fail(27139)
    check_encryption_level(call)
    if call.first("SELECT 1 FROM internal.executions"):
        raise call.fail(27141)
