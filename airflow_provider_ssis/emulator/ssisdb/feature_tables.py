"""Tables of schema ``internal`` for validations, data taps, customized logging levels, Scale Out and the server.

Those for availability groups and encryption keys exist, and are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from airflow_provider_ssis.emulator.ssisdb.columns import parse_columns
from airflow_provider_ssis.emulator.ssisdb.names import DATABASE
from airflow_provider_ssis.emulator.tsql.metadata.objects import Table

_ENCRYPTED: Final = "CAST('encrypted' AS BLOB)"


def internal_table(name: str, columns: str, *, secrets: Mapping[str, str] = MappingProxyType({})) -> Table:
    """A table of schema ``internal``.

    :param columns: as :func:`parse_columns` reads them.
    :param secrets: the columns that clients see as NULL in rows whose column ``sensitive`` is true, each with the
        column in which a real catalog keeps the encrypted value, if any: it shows whether there is a value.
    """
    replaced = [f"CASE WHEN sensitive THEN NULL ELSE {plain} END AS {plain}" for plain in secrets]
    replaced += [
        f"CASE WHEN sensitive AND {plain} IS NOT NULL THEN {_ENCRYPTED} END AS {encrypted}"
        for plain, encrypted in secrets.items()
        if encrypted
    ]
    hidden = ", ".join(replaced)
    shown = f"(SELECT * REPLACE ({hidden}) FROM internal.{name})" if hidden else ""
    return Table(DATABASE, "internal", name, parse_columns(columns), shown)


_EVENT = (
    "event_message_id bigint NN; operation_id bigint NN; execution_path nvarchar(max); package_name nvarchar(260);"
    " package_location_type nvarchar(128); package_path_full nvarchar(4000); event_name nvarchar(1024);"
    " message_source_name nvarchar(4000); message_source_id nvarchar(38); subcomponent_name nvarchar(4000);"
    " package_path nvarchar(max); threadID int; message_code int; event_message_guid uniqueidentifier"
)

FEATURE_TABLES: Final = (
    internal_table(
        "validations",
        "validation_id bigint NN; environment_scope char(1) NN; validate_type char(1) NN; folder_name sysname NN;"
        " project_name sysname NN; project_lsn bigint; use32bitruntime bit; reference_id bigint",
    ),
    internal_table(
        "execution_data_taps",
        "data_tap_id bigint NN; execution_id bigint NN; package_path nvarchar(max); dataflow_path_id_string"
        " nvarchar(4000); dataflow_task_guid uniqueidentifier; max_rows int; filename nvarchar(4000)",
    ),
    internal_table(
        "execution_info",
        "execution_id bigint NN; info_id bigint; sequence_id int; package_name nvarchar(260); info_time dto7",
    ),
    internal_table(
        "operation_os_sys_info",
        "info_id bigint NN; operation_id bigint NN; total_physical_memory_kb bigint; available_physical_memory_kb"
        " bigint; total_page_file_kb bigint; available_page_file_kb bigint; cpu_count int NN",
    ),
    internal_table(
        "customized_logging_levels",
        "level_id bigint NN; name nvarchar(128) NN; description nvarchar(1024); profile_value bigint NN;"
        " events_value bigint NN; created_by_sid varbinary(85) NN; created_by_name nvarchar(128) NN;"
        " created_time dto7 NN",
    ),
    internal_table(
        "data_type_mapping", "mapping_id bigint NN; ssis_data_type nvarchar(128) NN; sql_data_type nvarchar(128) NN"
    ),
    internal_table(
        "catalog_encryption_keys",
        "key_id bigint NN; key_name nvarchar(255) NN; KEY varbinary(8000) NN; IV varbinary(8000) NN",
    ),
    internal_table("alwayson_support_state", "server_name nvarchar(256) NN; state smallint"),
    internal_table("master_properties", "property_name nvarchar(256) NN; property_value nvarchar(max)"),
    internal_table(
        "machine_properties",
        "worker_agent_id uniqueidentifier NN; property_name nvarchar(256) NN; property_value nvarchar(max)",
    ),
    internal_table(
        "worker_agents",
        "worker_agent_id uniqueidentifier NN; display_name nvarchar(256); description nvarchar(max); machine_name"
        " nvarchar(max) NN; tags nvarchar(max); user_account nvarchar(max) NN; last_online_time dto7 NN;"
        " is_enabled bit NN",
    ),
    internal_table(
        "jobs",
        "job_id uniqueidentifier NN; job_type smallint NN; status int; created_time dto7; job_priority int;"
        " operation_id bigint; is_open_to_any_worker bit",
    ),
    internal_table("job_worker_agents", "job_id uniqueidentifier NN; worker_agent_id uniqueidentifier NN"),
    internal_table(
        "tasks",
        "task_id uniqueidentifier NN; job_id uniqueidentifier NN; task_type int; task_priority int; status int NN;"
        " input_data nvarchar(max); output_data nvarchar(max); created_time dto7 NN; last_updated_time dto7;"
        " executed_count int; max_executed_count int; expired_time dto7; worker_agent_id uniqueidentifier",
    ),
    internal_table("event_messages_scaleout", _EVENT),
    internal_table(
        "event_message_context_scaleout",
        "context_id bigint NN; operation_id bigint NN; event_message_id bigint; context_depth int; package_path"
        " nvarchar(max); context_type smallint; context_source_name nvarchar(4000); context_source_id nvarchar(38);"
        " property_name nvarchar(4000); property_value sql_variant; event_message_guid uniqueidentifier",
    ),
    internal_table(
        "operation_messages_scaleout",
        "operation_message_id bigint NN; operation_id bigint NN; message_time dto7 NN; message_type smallint NN;"
        " message_source_type smallint; message nvarchar(max); extended_info_id bigint; event_message_guid"
        " uniqueidentifier",
    ),
)
