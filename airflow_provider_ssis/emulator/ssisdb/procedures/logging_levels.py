"""Customized logging levels."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, description
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.names import is_valid_name
from airflow_provider_ssis.emulator.ssisdb.principals import ADMIN_ROLE
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id

_TABLE: Final = "customized_logging_levels"
_COLUMNS: Final = {"PROFILE": "profile_value", "EVENTS": "events_value"}
"""The column of each property that ``set_customized_logging_level_value`` changes."""


def find_level(call: CatalogCall, name: str) -> int | None:
    """The id of a customized logging level, or None."""
    row = call.first(
        "SELECT level_id FROM internal.customized_logging_levels WHERE lower(name) = lower(rtrim(?, ' '))", name
    )
    return None if row is None else int(row[0])


@catalog_procedure(
    "create_customized_logging_level",
    "@level_name nvarchar(128), @level_description nvarchar(max) = NULL, @profile_value bigint = 0,"
    " @events_value bigint = 0, @level_id bigint = NULL OUTPUT",
    granted_to=ADMIN_ROLE,
    windows_only=False,
)
async def create_customized_logging_level(call: CatalogCall) -> None:
    """27232 not an administrator, 27233 no name, 27234 bad name, 27240 negative value, 27235 name taken; 2628."""
    name = call["level_name"]
    if not call.is_admin:
        raise call.refuse(27232, name)
    _check_name(call, name)
    if not is_valid_name(name):
        raise call.refuse(27234, name)
    values = {column: call[column] or 0 for column in _COLUMNS.values()}
    if min(values.values()) < 0:
        raise call.refuse(27240)
    async with call.transaction() as store:
        if find_level(call, name) is not None:
            raise call.fail(27235, name)
        level_id = next_id(store, "level_id")
        insert(
            store,
            "customized_logging_levels",
            {
                "level_id": level_id,
                "name": name,
                "description": description(call["level_description"], _TABLE),
                **values,
                "created_by_sid": call.principal.sid,
                "created_by_name": call.principal.name,
                "created_time": call.now,
            },
        )
    call.set_output("level_id", level_id)


@catalog_procedure(
    "rename_customized_logging_level",
    "@old_name nvarchar(128), @new_name nvarchar(128)",
    granted_to=ADMIN_ROLE,
    windows_only=False,
)
async def rename_customized_logging_level(call: CatalogCall) -> None:
    """27238 not an administrator, 27233 no name, 27234 bad name, 27237 no such level, 27235 name taken.

    A level's own name is accepted, even of a level that does not exist. The server's level keeps its old name.
    """
    old, new = call["old_name"], call["new_name"]
    if not call.is_admin:
        raise call.refuse(27238, old, new)
    _check_name(call, old)
    _check_name(call, new)
    if not is_valid_name(new):
        raise call.refuse(27234, new)
    if old == new:
        return
    async with call.transaction() as store:
        level_id = _level(call, old)
        if find_level(call, new) not in (None, level_id):
            raise call.fail(27235, new)
        store.execute("UPDATE internal.customized_logging_levels SET name = ? WHERE level_id = ?", [new, level_id])


@catalog_procedure(
    "delete_customized_logging_level", "@level_name nvarchar(128)", granted_to=ADMIN_ROLE, windows_only=False
)
async def delete_customized_logging_level(call: CatalogCall) -> None:
    """27236 not an administrator, 27233 no name, 27237 no such level."""
    name = call["level_name"]
    if not call.is_admin:
        raise call.refuse(27236, name)
    _check_name(call, name)
    async with call.transaction() as store:
        level_id = _level(call, name)
        store.execute("DELETE FROM internal.customized_logging_levels WHERE level_id = ?", [level_id])


@catalog_procedure(
    "set_customized_logging_level_description",
    "@level_name nvarchar(128), @level_description nvarchar(max)",
    granted_to=ADMIN_ROLE,
    windows_only=False,
)
async def set_customized_logging_level_description(call: CatalogCall) -> None:
    """27239 not an administrator, 27233 no name, 27237 no such level, 2628 description too long."""
    name = call["level_name"]
    if not call.is_admin:
        raise call.refuse(27239, name)
    _check_name(call, name)
    async with call.transaction() as store:
        level_id = _level(call, name)
        store.execute(
            "UPDATE internal.customized_logging_levels SET description = ? WHERE level_id = ?",
            [description(call["level_description"], _TABLE), level_id],
        )


@catalog_procedure(
    "set_customized_logging_level_value",
    "@level_name nvarchar(128), @property_name nvarchar(128), @property_value bigint",
    granted_to=ADMIN_ROLE,
    windows_only=False,
)
async def set_customized_logging_level_value(call: CatalogCall) -> None:
    """27239 not an administrator, 27233 no name, 27240 negative value, 27237 no such level, 27101 no such property."""
    name, value = call["level_name"], call["property_value"]
    if not call.is_admin:
        raise call.refuse(27239, name)
    _check_name(call, name)
    if value is None or value < 0:
        raise call.refuse(27240)
    async with call.transaction() as store:
        level_id = _level(call, name)
        column = _COLUMNS.get(str(call["property_name"]).upper())
        if column is None:
            raise call.fail(27101, "property_name")
        store.execute(
            f"UPDATE internal.customized_logging_levels SET {column} = ? WHERE level_id = ?", [value, level_id]
        )


def _check_name(call: CatalogCall, name: str | None) -> None:
    if not name:
        raise call.refuse(27233)


def _level(call: CatalogCall, name: str) -> int:
    level_id = find_level(call, name)
    if level_id is None:
        raise call.fail(27237, name)
    return level_id
