"""The rows of an execution: its system parameters, and parameters in general."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from airflow_provider_ssis.catalog.codes import LoggingLevel, ObjectType
from airflow_provider_ssis.emulator.datatypes import BIT, INT, SqlType, Variant
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.binding import BoundParameter
from airflow_provider_ssis.emulator.ssisdb.calls import stored
from airflow_provider_ssis.emulator.ssisdb.catalog import memory_kb
from airflow_provider_ssis.emulator.ssisdb.rows import insert_rows, next_ids
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store

LOGGING_LEVEL: Final = "LOGGING_LEVEL"
CUSTOMIZED_LOGGING_LEVEL: Final = "CUSTOMIZED_LOGGING_LEVEL"
SYNCHRONIZED: Final = "SYNCHRONIZED"
_NO: Final = Variant(BIT, False)


def system_parameters(level: int, customized_level: str) -> list[BoundParameter]:
    """The system parameters of a new execution.

    :param level: the logging level of the server.
    :param customized_level: the name of the server's customized level; empty for none.
    """
    found = [
        _system("DUMP_ON_ERROR", "Boolean", _NO),
        _system("DUMP_ON_EVENT", "Boolean", _NO),
        _system("DUMP_EVENT_CODE", "String", Variant(SqlType("varchar", length=1), "0")),
        _system(LOGGING_LEVEL, "Int32", Variant(INT, level)),
        _system("CALLER_INFO", "String", None),
        _system(SYNCHRONIZED, "Boolean", _NO),
    ]
    return [*found, customized_parameter(customized_level)] if level == LoggingLevel.CUSTOMIZED else found


def customized_parameter(level: str) -> BoundParameter:
    """The parameter with the name of the customized level, which an execution with the level 100 has.

    :param level: the name; empty for none yet.
    """
    value = Variant(SqlType("nvarchar", length=len(level)), level) if level else None
    return _system(CUSTOMIZED_LOGGING_LEVEL, "String", value)


def _system(name: str, data_type: str, value: Variant | None) -> BoundParameter:
    return BoundParameter(ObjectType.EXECUTION, data_type, name, value, sensitive=False, required=False, value_set=True)


def write_parameters(store: Store, execution_id: int, parameters: Sequence[BoundParameter]) -> None:
    """Write parameters of an execution, in this order."""
    if not parameters:
        return
    first = next_ids(store, "execution_parameter_id", len(parameters))
    insert_rows(
        store,
        "execution_parameter_values",
        [
            {
                "execution_parameter_id": number,
                "execution_id": execution_id,
                "object_type": int(parameter.object_type),
                "parameter_data_type": parameter.data_type,
                "parameter_name": parameter.name,
                "parameter_value": stored(parameter.value),
                "base_data_type": ssis_types.base_type(parameter.data_type),
                "sensitive": parameter.sensitive,
                "required": parameter.required,
                "value_set": parameter.value_set,
                "runtime_override": False,
            }
            for number, parameter in enumerate(parameters, first)
        ],
    )


def system_information(store: Store, operation_id: int) -> dict[str, int]:
    """The row about the machine on which an operation starts. Memory in kilobytes."""
    memory = memory_kb()
    return {
        "info_id": next_ids(store, "info_id", 1),
        "operation_id": operation_id,
        "total_physical_memory_kb": memory,
        "available_physical_memory_kb": memory,
        "total_page_file_kb": memory,
        "available_page_file_kb": memory,
        "cpu_count": os.cpu_count() or 1,
    }
