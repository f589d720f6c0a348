"""The functions of schema ``catalog``."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.ssisdb.columns import parse_columns
from airflow_provider_ssis.emulator.ssisdb.declare import SCHEMA
from airflow_provider_ssis.emulator.ssisdb.names import DATABASE
from airflow_provider_ssis.emulator.ssisdb.views.filters import ADMIN, READABLE_OPERATION
from airflow_provider_ssis.emulator.tsql.metadata.objects import SqlFunction
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature

_COUNTERS: Final = (
    "BLOB bytes read",
    "BLOB bytes written",
    "BLOB files in use",
    "Buffer memory",
    "Buffers in use",
    "Buffers spooled",
    "Flat buffer memory",
    "Flat buffers in use",
    "Private buffer memory",
    "Private buffers in use",
    "Rows read",
    "Rows written",
)
_ROWS: Final = (
    "(SELECT CAST(coalesce(sum(rows_sent), 0) AS BIGINT) FROM internal.execution_data_statistics d"
    " WHERE d.execution_id = o.operation_id AND d.{end} NOT IN (SELECT {other} FROM"
    " internal.execution_data_statistics n WHERE n.execution_id = d.execution_id AND n.task_name = d.task_name))"
)
_READ: Final = _ROWS.format(end="source_component_name", other="destination_component_name")
_WRITTEN: Final = _ROWS.format(end="destination_component_name", other="source_component_name")
_NAMES: Final = ", ".join(f"('{name}')" for name in _COUNTERS)


FUNCTIONS: Final = (
    # A simulated run uses no buffers. Its rows are known when its data flows write statistics (level Verbose).
    SqlFunction(
        DATABASE,
        SCHEMA,
        "dm_execution_performance_counters",
        parse_signature("@execution_id bigint = NULL"),
        parse_columns("execution_id bigint; counter_name nvarchar(128); counter_value bigint"),
        "SELECT o.operation_id, c.name,"
        f" CASE c.name WHEN 'Rows read' THEN {_READ} WHEN 'Rows written' THEN {_WRITTEN} ELSE CAST(0 AS BIGINT) END"
        f" FROM internal.operations o CROSS JOIN (VALUES {_NAMES}) c(name)"
        " WHERE o.operation_type = 200 AND o.status IN (2, 8) AND"
        " (({{0}} IS NULL AND {admin}) OR (o.operation_id = {{0}} AND {readable}))".format(
            admin=ADMIN, readable=READABLE_OPERATION
        ),
    ),
    SqlFunction(
        DATABASE,
        SCHEMA,
        "get_operation_log_size",
        (),
        parse_columns("size bigint"),
        "SELECT count(*) FROM internal.operations",
        is_scalar=True,
    ),
    SqlFunction(
        DATABASE,
        SCHEMA,
        "get_version_log_size",
        (),
        parse_columns("size bigint"),
        "SELECT count(*) FROM internal.object_versions",
        is_scalar=True,
    ),
)
"""The performance counters of running executions, and the numbers of operations and of project versions."""
