"""Values of an execution before its start: parameters and property overrides."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_ssis.catalog.codes import LoggingLevel, ObjectType
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, stored
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.execution_rows import (
    CUSTOMIZED_LOGGING_LEVEL,
    LOGGING_LEVEL,
    customized_parameter,
    write_parameters,
)
from airflow_provider_ssis.emulator.ssisdb.procedures.logging_levels import find_level
from airflow_provider_ssis.emulator.ssisdb.procedures.properties import check_encryption_level
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_SAME_PATH: Final = "execution_id = ? AND lower(rtrim(property_path, ' ')) = lower(rtrim(?, ' '))"
_OVERRIDABLE: Final = (ObjectType.PROJECT, ObjectType.PACKAGE, ObjectType.EXECUTION)


@catalog_procedure(
    "set_execution_parameter_value",
    "@execution_id bigint, @object_type smallint, @parameter_name nvarchar(128), @parameter_value sql_variant",
    required="execution_id object_type parameter_name parameter_value",
)
async def set_execution_parameter_value(call: CatalogCall) -> None:
    """27101, 27103 no such execution, 27224 started, 27176 no such parameter, 27159, 27147 wrong type, 27217, 27237."""
    name, value = call["parameter_name"], call["parameter_value"]
    if call["object_type"] not in _OVERRIDABLE:
        raise call.refuse(27101, "object type")
    async with call.transaction() as store:
        execution_id = _execution(call, started=27224)
        row = call.first(
            "SELECT execution_parameter_id, parameter_data_type, sensitive FROM internal.execution_parameter_values"
            " WHERE execution_id = ? AND object_type = ? AND parameter_name = rtrim(?, ' ')",
            execution_id,
            call["object_type"],
            name,
        )
        if row is None:
            raise call.fail(27176, name)
        parameter_id, data_type, sensitive = row
        if not ssis_types.is_known(data_type):
            raise call.fail(27159)
        if not ssis_types.accepts(data_type, value):
            raise call.fail(27147, data_type)
        kept = ssis_types.kept(data_type, value, sensitive=sensitive)
        if call["object_type"] == ObjectType.EXECUTION:
            _follow_system_rules(call, store, execution_id, name, kept.value if kept else None)
        check_encryption_level(call)
        store.execute(
            "UPDATE internal.execution_parameter_values SET parameter_value = ?, value_set = true,"
            " runtime_override = true WHERE execution_parameter_id = ?",
            [stored(kept), parameter_id],
        )


def _follow_system_rules(call: CatalogCall, store: Store, execution_id: int, name: str, value: Any) -> None:
    """LOGGING_LEVEL has a range; level 100 adds a parameter with the name of the customized level."""
    if name == CUSTOMIZED_LOGGING_LEVEL:
        if find_level(call, value) is None:
            raise call.fail(27237, value)
        return
    if name != LOGGING_LEVEL:
        return
    if value not in set(LoggingLevel):
        raise call.fail(27217, value)
    is_customized = value == LoggingLevel.CUSTOMIZED
    known = store.fetch(
        "SELECT 1 FROM internal.execution_parameter_values WHERE execution_id = ? AND parameter_name = ?",
        [execution_id, CUSTOMIZED_LOGGING_LEVEL],
    )
    if is_customized and not known:
        level = call.catalog_property("SERVER_CUSTOMIZED_LOGGING_LEVEL")
        write_parameters(store, execution_id, [customized_parameter(level)])
    elif not is_customized:
        store.execute(
            "DELETE FROM internal.execution_parameter_values WHERE execution_id = ? AND object_type = ?"
            " AND parameter_name = ?",
            [execution_id, int(ObjectType.EXECUTION), CUSTOMIZED_LOGGING_LEVEL],
        )


@catalog_procedure(
    "set_execution_property_override_value",
    "@execution_id bigint, @property_path nvarchar(4000), @property_value nvarchar(max), @sensitive bit",
    required="execution_id property_path property_value",
)
async def set_execution_property_override_value(call: CatalogCall) -> None:
    """27101, 27103 no such execution, 27225 started, 515 @sensitive NULL. A path that names nothing fails the run."""
    async with call.transaction() as store:
        execution_id = _execution(call, started=27225)
        check_encryption_level(call)
        if call["sensitive"] is None:
            raise SqlError(515, "The column 'sensitive' must not be NULL. Give @sensitive 0 or 1.", state=2)
        known = store.fetch(
            f"SELECT 1 FROM internal.execution_property_override_values WHERE {_SAME_PATH}",
            [execution_id, call["property_path"]],
        )
        if known:
            # A real catalog has no WHERE in this statement: it changes the overrides of all executions.
            condition = "true" if call.ssisdb.quirks else _SAME_PATH
            place = [] if call.ssisdb.quirks else [execution_id, call["property_path"]]
            store.execute(
                "UPDATE internal.execution_property_override_values SET property_value = ?, sensitive = ?"
                f" WHERE {condition}",
                [call["property_value"], call["sensitive"], *place],
            )
            return
        insert(
            store,
            "execution_property_override_values",
            {
                "property_id": next_id(store, "property_id"),
                "execution_id": execution_id,
                "property_path": call["property_path"],
                "property_value": call["property_value"],
                "sensitive": call["sensitive"],
            },
        )


def _execution(call: CatalogCall, *, started: int) -> int:
    execution_id: int = call["execution_id"]
    if execution_id <= 0:
        raise call.refuse(27101, "execution_id")
    call.execution(execution_id, started=started)
    return execution_id
