"""Environment variables. Their names and types are compared without case."""

from __future__ import annotations

from dataclasses import dataclass, replace

from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.emulator.datatypes import SQL_VARIANT, Variant
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, description, stored
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.names import is_valid_name
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import decode

_OF_A_VARIABLE = "@folder_name nvarchar(128), @environment_name nvarchar(128), @variable_name nvarchar(128)"
_NAMES = "folder_name environment_name variable_name"


@dataclass(frozen=True, slots=True)
class _Variable:
    """A variable that a call names."""

    id: int
    environment_id: int
    name: str
    description: str | None
    data_type: str
    sensitive: bool
    value: Variant | None


@catalog_procedure(
    "create_environment_variable",
    "@folder_name sysname, @environment_name nvarchar(128), @variable_name nvarchar(128), @data_type nvarchar(128),"
    " @sensitive bit, @value sql_variant, @description nvarchar(1024) = NULL",
    required=f"{_NAMES} data_type sensitive value",
)
async def create_environment_variable(call: CatalogCall) -> None:
    """27180 bad name, 27159 unknown type, 27147 value of another type, 27182 no such environment, 27173 name taken."""
    name, data_type, value = call["variable_name"], call["data_type"], call["value"]
    if not is_valid_name(name):
        raise call.refuse(27180, name)
    if not ssis_types.is_known(data_type) or not ssis_types.is_mapped(value):
        raise call.refuse(27159)
    if not ssis_types.accepts(data_type, value):
        raise call.refuse(27147, data_type)
    async with call.transaction() as store:
        environment_id = call.environment(call["folder_name"], call["environment_name"], PermissionType.MODIFY)
        _check_free(call, environment_id, name)
        kept = ssis_types.kept(data_type, value, sensitive=call["sensitive"])
        insert(
            store,
            "environment_variables",
            {
                "variable_id": next_id(store, "variable_id"),
                "environment_id": environment_id,
                "name": name,
                "description": call["description"],
                "type": data_type,
                "sensitive": call["sensitive"],
                "base_data_type": kept.type.name if kept is not None else None,
                "value": stored(kept),
            },
        )


@catalog_procedure("delete_environment_variable", _OF_A_VARIABLE, required=_NAMES)
async def delete_environment_variable(call: CatalogCall) -> None:
    """27182 no such environment, 27183 no such variable."""
    async with call.transaction() as store:
        variable = _variable(call)
        store.execute("DELETE FROM internal.environment_variables WHERE variable_id = ?", [variable.id])


@catalog_procedure(
    "set_environment_variable_value", f"{_OF_A_VARIABLE}, @value sql_variant", required=f"{_NAMES} value"
)
async def set_environment_variable_value(call: CatalogCall) -> None:
    """27159 no SSIS type has such values, 27182 no such environment, 27183 no such variable, 27147 another type."""
    if not ssis_types.is_mapped(call["value"]):
        raise call.refuse(27159)
    async with call.transaction() as store:
        variable = _variable(call)
        if not ssis_types.accepts(variable.data_type, call["value"]):
            raise call.fail(27147, variable.data_type)
        kept = ssis_types.kept(variable.data_type, call["value"], sensitive=variable.sensitive)
        _write(store, replace(variable, value=kept))


@catalog_procedure(
    "set_environment_variable_property",
    f"{_OF_A_VARIABLE}, @property_name nvarchar(128), @property_value nvarchar(4000)",
    required=f"{_NAMES} property_name",
)
async def set_environment_variable_property(call: CatalogCall) -> None:
    """27182 no such environment, 27183 no such variable; NAME: 27180, 27173; TYPE: 27159, 27210; 27101 otherwise.

    A new type converts the value. A description may be NULL.
    """
    async with call.transaction() as store:
        variable = _variable(call)
        _write(store, _with_property(call, variable, call["property_name"].upper(), call["property_value"]))


def _with_property(call: CatalogCall, variable: _Variable, name: str, new: str | None) -> _Variable:
    match name:
        case "DESCRIPTION":
            return replace(variable, description=description(new, "environment_variables"))
        case "NAME":
            if new is None or not is_valid_name(new):
                raise call.fail(27180, new)
            _check_free(call, variable.environment_id, new)
            return replace(variable, name=new)
        case "TYPE":
            if new is None or not ssis_types.is_known(new):
                raise call.fail(27159)
            try:
                value = ssis_types.converted(new, variable.value)
            except SqlError:
                raise call.fail(27210, variable.name, new) from None
            return replace(variable, data_type=new, value=value)
        case _:
            raise call.fail(27101, "property_name")


@catalog_procedure(
    "set_environment_variable_protection", f"{_OF_A_VARIABLE}, @sensitive bit", required=f"{_NAMES} sensitive"
)
async def set_environment_variable_protection(call: CatalogCall) -> None:
    """27182 no such environment, 27183 no such variable, 27116 the value is too large to be encrypted."""
    async with call.transaction() as store:
        variable = _variable(call)
        try:
            value = ssis_types.kept(variable.data_type, variable.value, sensitive=call["sensitive"])
        except SqlError:
            raise call.fail(27116) from None
        _write(store, replace(variable, sensitive=call["sensitive"], value=value))


def _check_free(call: CatalogCall, environment_id: int, name: str) -> None:
    sql = "SELECT 1 FROM internal.environment_variables WHERE environment_id = ? AND lower(name) = lower(rtrim(?, ' '))"
    if call.first(sql, environment_id, name):
        raise call.fail(27173, name)


def _variable(call: CatalogCall) -> _Variable:
    """The variable that a call names."""
    environment_id = call.environment(call["folder_name"], call["environment_name"], PermissionType.MODIFY)
    row = call.first(
        "SELECT variable_id, name, description, type, sensitive, value FROM internal.environment_variables"
        " WHERE environment_id = ? AND lower(name) = lower(rtrim(?, ' '))",
        environment_id,
        call["variable_name"],
    )
    if row is None:
        raise call.fail(27183, call["variable_name"])
    variable_id, name, description, data_type, sensitive, value = row
    return _Variable(variable_id, environment_id, name, description, data_type, sensitive, decode(SQL_VARIANT, value))


def _write(store: Store, variable: _Variable) -> None:
    store.execute(
        "UPDATE internal.environment_variables SET name = ?, description = ?, type = ?, sensitive = ?, value = ?,"
        " base_data_type = ? WHERE variable_id = ?",
        [
            variable.name,
            variable.description,
            variable.data_type,
            variable.sensitive,
            stored(variable.value),
            variable.value.type.name if variable.value is not None else None,
            variable.id,
        ],
    )
