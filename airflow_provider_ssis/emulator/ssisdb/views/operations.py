"""Operations, executions, and their messages and statistics."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.ssisdb.declare import catalog_view
from airflow_provider_ssis.emulator.ssisdb.views.filters import READABLE_EXECUTION, READABLE_OPERATION

_SOURCE_NAME: Final = (
    "CASE m.message_source_type WHEN 10 THEN 'ISServerExec' WHEN 20 THEN 'Transact-SQL stored procedure'"
    " ELSE e.message_source_name END"
)

_OPERATION_OF_EXECUTION: Final = "JOIN internal.operations o ON o.operation_id = e.execution_id"

_PHASE: Final = "phase_stats_id, execution_id, package_name, task_name, subcomponent_name, phase"

catalog_view(
    "operations",
    "operation_id bigint NN; operation_type smallint NN; created_time dto7; object_type smallint; object_id bigint;"
    " object_name nvarchar(260); status int NN; start_time dto7; end_time dto7; caller_sid varbinary(85) NN;"
    " caller_name sysname NN; process_id int; stopped_by_sid varbinary(85); stopped_by_name nvarchar(128);"
    " server_name nvarchar(128); machine_name nvarchar(128); operation_guid uniqueidentifier",
    "SELECT * FROM internal.operations",
    READABLE_OPERATION,
)
catalog_view(
    "operation_messages",
    "operation_message_id bigint NN; operation_id bigint NN; message_time dto7 NN; message_type smallint NN;"
    " message_source_type smallint; message nvarchar(max); extended_info_id bigint",
    "SELECT * FROM internal.operation_messages",
    READABLE_OPERATION,
)
catalog_view(
    "extended_operation_info",
    "info_id bigint NN; operation_id bigint NN; object_name nvarchar(260) NN; object_type smallint;"
    " reference_id bigint; status int NN; start_time dto7 NN; end_time dto7",
    "SELECT * FROM internal.extended_operation_info",
    READABLE_OPERATION,
)
catalog_view(
    "executions",
    "execution_id bigint NN; folder_name sysname NN; project_name sysname NN; package_name nvarchar(260) NN;"
    " reference_id bigint; reference_type char(1); environment_folder_name nvarchar(128); environment_name"
    " nvarchar(128);"
    " project_lsn bigint; executed_as_sid varbinary(85) NN; executed_as_name nvarchar(128) NN; use32bitruntime bit NN;"
    " operation_type smallint NN; created_time dto7; object_type smallint; object_id bigint; status int NN;"
    " start_time dto7; end_time dto7; caller_sid varbinary(85) NN; caller_name sysname NN; process_id int;"
    " stopped_by_sid varbinary(85); stopped_by_name nvarchar(128); dump_id uniqueidentifier; server_name nvarchar(128);"
    " machine_name nvarchar(128); worker_agent_id uniqueidentifier; total_physical_memory_kb bigint;"
    " available_physical_memory_kb bigint; total_page_file_kb bigint; available_page_file_kb bigint; cpu_count int;"
    " executed_count int",
    "SELECT e.execution_id, e.folder_name, e.project_name, e.package_name, e.reference_id, e.reference_type,"
    " e.environment_folder_name, e.environment_name, e.project_lsn, e.executed_as_sid, e.executed_as_name,"
    " e.use32bitruntime, o.operation_type, o.created_time, o.object_type, o.object_id, o.status, o.start_time,"
    " o.end_time,"
    " o.caller_sid, o.caller_name, o.process_id, o.stopped_by_sid, o.stopped_by_name, o.operation_guid,"
    " o.server_name, o.machine_name, e.worker_agent_id,"
    " CASE WHEN o.start_time IS NOT NULL THEN CAST(getvariable('memory_kb') AS BIGINT) END,"
    " CASE WHEN o.start_time IS NOT NULL THEN CAST(getvariable('memory_kb') AS BIGINT) END,"
    " CASE WHEN o.start_time IS NOT NULL THEN CAST(getvariable('memory_kb') AS BIGINT) END,"
    " CASE WHEN o.start_time IS NOT NULL THEN CAST(getvariable('memory_kb') AS BIGINT) END,"
    " CASE WHEN o.start_time IS NOT NULL THEN CAST(getvariable('cpu_count') AS INTEGER) END,"
    " e.executed_count"
    f" FROM internal.executions e {_OPERATION_OF_EXECUTION}",
    READABLE_EXECUTION,
    spare_join=_OPERATION_OF_EXECUTION,
)
catalog_view(
    "execution_parameter_values",
    "execution_parameter_id bigint NN; execution_id bigint NN; object_type smallint NN;"
    " parameter_data_type nvarchar(128) NN; parameter_name sysname NN; parameter_value sql_variant; sensitive bit NN;"
    " required bit NN; value_set bit NN; runtime_override bit NN",
    "SELECT execution_parameter_id, execution_id, object_type, parameter_data_type, parameter_name,"
    " CASE WHEN NOT sensitive THEN parameter_value END, sensitive, required, value_set, runtime_override"
    " FROM internal.execution_parameter_values",
    READABLE_EXECUTION,
)
catalog_view(
    "execution_property_override_values",
    "property_id bigint NN; execution_id bigint NN; property_path nvarchar(4000) NN; property_value nvarchar(max);"
    " sensitive bit NN",
    "SELECT property_id, execution_id, property_path, CASE WHEN NOT sensitive THEN property_value END, sensitive"
    " FROM internal.execution_property_override_values",
    READABLE_EXECUTION,
)
catalog_view(
    "execution_data_taps",
    "data_tap_id bigint NN; execution_id bigint NN; package_path nvarchar(max); dataflow_path_id_string nvarchar(4000);"
    " dataflow_task_guid uniqueidentifier; max_rows int; filename nvarchar(4000)",
    "SELECT data_tap_id, execution_id, package_path, dataflow_path_id_string, dataflow_task_guid, max_rows, filename"
    " FROM internal.execution_data_taps",
    READABLE_EXECUTION,
)
catalog_view(
    "validations",
    "validation_id bigint NN; environment_scope char(1) NN; validate_type char(1) NN; folder_name sysname NN;"
    " project_name sysname NN; project_lsn bigint; use32bitruntime bit; reference_id bigint;"
    " operation_type smallint NN; object_name nvarchar(260); object_type smallint; object_id bigint; start_time dto7;"
    " end_time dto7; status int NN;"
    " caller_sid varbinary(85) NN; caller_name sysname NN; process_id int; stopped_by_sid varbinary(85);"
    " stopped_by_name nvarchar(128); dump_id uniqueidentifier; server_name nvarchar(128); machine_name nvarchar(128)",
    "SELECT v.validation_id, v.environment_scope, v.validate_type, v.folder_name, v.project_name, v.project_lsn,"
    " v.use32bitruntime, v.reference_id, o.operation_type, o.object_name, o.object_type, o.object_id, o.start_time,"
    " o.end_time, o.status, o.caller_sid, o.caller_name, o.process_id, o.stopped_by_sid, o.stopped_by_name,"
    " o.operation_guid, o.server_name, o.machine_name"
    " FROM internal.validations v JOIN internal.operations o ON o.operation_id = v.validation_id",
    READABLE_OPERATION,
)
catalog_view(
    "executables",
    "executable_id bigint NN; execution_id bigint NN; executable_name nvarchar(4000); executable_guid nvarchar(38);"
    " package_name nvarchar(260) NN; package_path nvarchar(max)",
    "SELECT executable_id, execution_id, executable_name, executable_guid, package_name, package_path"
    " FROM internal.executables",
    READABLE_EXECUTION,
)
catalog_view(
    "executable_statistics",
    "statistics_id bigint NN; execution_id bigint NN; executable_id bigint NN; execution_path nvarchar(max);"
    " start_time dto7; end_time dto7; execution_duration int; execution_result smallint; execution_value sql_variant",
    "SELECT statistics_id, execution_id, executable_id, execution_path, start_time, end_time, execution_duration,"
    " execution_result, execution_value FROM internal.executable_statistics",
    READABLE_EXECUTION,
)
catalog_view(
    "execution_component_phases",
    "phase_stats_id bigint NN; execution_id bigint NN; package_name nvarchar(260) NN; task_name nvarchar(4000) NN;"
    " subcomponent_name nvarchar(4000); phase sysname NN; start_time dto7; end_time dto7; execution_path nvarchar(max)",
    f"SELECT {_PHASE}, start_time, end_time, execution_path FROM internal.execution_component_phases",
    READABLE_EXECUTION,
    # The view of a real catalog lacks a pair of brackets: members of ssis_logreader get each phase twice, once
    # reversed.
    quirk=(
        f"SELECT {_PHASE}, end_time, start_time, execution_path FROM internal.execution_component_phases"
        " WHERE end_time IS NOT NULL AND getvariable('is_ssis_logreader')"
    ),
)
catalog_view(
    "execution_data_statistics",
    "data_stats_id bigint NN; execution_id bigint NN; package_name nvarchar(260) NN; task_name nvarchar(4000);"
    " dataflow_path_id_string nvarchar(4000); dataflow_path_name nvarchar(4000); source_component_name nvarchar(4000);"
    " destination_component_name nvarchar(4000); rows_sent bigint; created_time dto7; execution_path nvarchar(max)",
    "SELECT data_stats_id, execution_id, package_name, task_name, dataflow_path_id_string, dataflow_path_name,"
    " source_component_name, destination_component_name, rows_sent, created_time, execution_path"
    " FROM internal.execution_data_statistics",
    READABLE_EXECUTION,
)
catalog_view(
    "event_messages",
    "event_message_id bigint; operation_id bigint NN; message_time dto7 NN; message_type smallint NN;"
    " message_source_type smallint; message nvarchar(max); extended_info_id bigint; package_name nvarchar(260);"
    " event_name nvarchar(1024); message_source_name nvarchar(4000); message_source_id nvarchar(38);"
    " subcomponent_name nvarchar(4000); package_path nvarchar(max); execution_path nvarchar(max); threadID int;"
    " message_code int; event_message_guid uniqueidentifier",
    "SELECT * FROM ("
    "SELECT m.operation_message_id, m.operation_id, m.message_time, m.message_type, m.message_source_type, m.message,"
    f" m.extended_info_id, e.package_name, e.event_name, {_SOURCE_NAME}, e.message_source_id,"
    " e.subcomponent_name, e.package_path, e.execution_path, e.threadID, e.message_code, e.event_message_guid"
    " FROM internal.operation_messages m LEFT JOIN internal.event_messages e"
    " ON e.event_message_id = m.operation_message_id AND e.operation_id = m.operation_id"
    " UNION ALL"
    # Messages of the workers of Scale Out have no number here, as on a real catalog: their GUID identifies them.
    " SELECT NULL, m.operation_id, m.message_time, m.message_type, m.message_source_type, m.message,"
    f" m.extended_info_id, e.package_name, e.event_name, {_SOURCE_NAME}, e.message_source_id,"
    " e.subcomponent_name, e.package_path, e.execution_path, e.threadID, e.message_code, m.event_message_guid"
    " FROM internal.operation_messages_scaleout m LEFT JOIN internal.event_messages_scaleout e"
    " ON e.event_message_guid = m.event_message_guid AND e.operation_id = m.operation_id)",
    READABLE_OPERATION,
)
catalog_view(
    "event_message_context",
    "context_id bigint NN; event_message_id bigint; context_depth int; package_path nvarchar(max); context_type"
    " smallint;"
    " context_source_name nvarchar(4000); context_source_id nvarchar(38); property_name nvarchar(4000);"
    " property_value sql_variant; event_message_guid uniqueidentifier",
    "SELECT context_id, event_message_id, context_depth, package_path, context_type, context_source_name,"
    " context_source_id, property_name, property_value, event_message_guid FROM ("
    "SELECT * FROM internal.event_message_context UNION ALL BY NAME"
    " SELECT * REPLACE (NULL AS event_message_id) FROM internal.event_message_context_scaleout)",
    READABLE_OPERATION,
)
