"""The tables of schema ``internal``, which contain the catalog."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.catalog.codes import ACTIVE_STATUSES, SecuredObjectType, ValidationStatus
from airflow_provider_ssis.emulator.ssisdb.columns import parse_columns
from airflow_provider_ssis.emulator.ssisdb.feature_tables import FEATURE_TABLES, internal_table
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type

ACTIVE: Final = ", ".join(str(int(status)) for status in sorted(ACTIVE_STATUSES))
"""The statuses of operations that are pending, running or being stopped, as a list in SQL."""
NOT_VALIDATED: Final = ValidationStatus.NOT_VALIDATED.value
"""The validation status of an object that was not validated since it was changed."""


TABLE_TYPES: Final = (
    ("catalog", "Package_Table_Type", parse_columns("name nvarchar(260) NN; package_data varbinary(max)")),
)
"""Schema, name and columns of each table type, for table-valued parameters."""

PROPERTIES: Final = "catalog_properties"
"""The table of the catalog's properties."""

TABLES: Final = (
    internal_table(
        "folders",
        "folder_id bigint NN; name sysname NN; description nvarchar(1024); created_by_sid varbinary(85) NN;"
        " created_by_name nvarchar(128) NN; created_time dto7 NN",
    ),
    internal_table(
        "projects",
        "project_id bigint NN; folder_id bigint NN; name sysname NN; description nvarchar(1024);"
        " project_format_version int; deployed_by_sid varbinary(85) NN; deployed_by_name nvarchar(128) NN;"
        " last_deployed_time dto7 NN; created_time dto7 NN; object_version_lsn bigint NN; validation_status char(1) NN;"
        " last_validation_time dto7",
    ),
    internal_table(
        "object_versions",
        "object_version_lsn bigint NN; object_id bigint NN; object_type smallint NN; object_name sysname NN;"
        " description nvarchar(1024); created_by nvarchar(128) NN; created_time dto7 NN; restored_by nvarchar(128);"
        " last_restored_time dto7; object_data varbinary(max); object_status char(1)",
    ),
    internal_table(
        "packages",
        "package_id bigint NN; project_id bigint NN; project_version_lsn bigint NN; name nvarchar(260) NN;"
        " package_guid uniqueidentifier NN; description nvarchar(1024); package_format_version int NN;"
        " version_major int NN; version_minor int NN; version_build int NN; version_comments nvarchar(1024);"
        " version_guid uniqueidentifier NN; entry_point bit NN; validation_status char(1) NN;"
        " last_validation_time dto7; package_data varbinary(max)",
    ),
    internal_table(
        "object_parameters",
        "parameter_id bigint NN; project_id bigint NN; project_version_lsn bigint NN; object_type smallint NN;"
        " object_name nvarchar(260) NN; parameter_name sysname NN; parameter_data_type nvarchar(128) NN;"
        " required bit NN;"
        " sensitive bit NN; description nvarchar(1024); design_default_value sql_variant; default_value sql_variant;"
        " sensitive_default_value varbinary(max); base_data_type nvarchar(128);"
        " value_type char(1) NN; value_set bit NN; referenced_variable_name nvarchar(128); validation_status"
        " char(1) NN;"
        " last_validation_time dto7",
        secrets={"default_value": "sensitive_default_value", "design_default_value": ""},
    ),
    internal_table(
        "environments",
        "environment_id bigint NN; environment_name sysname NN; folder_id bigint NN; description nvarchar(1024);"
        " created_by_sid varbinary(85) NN; created_by_name nvarchar(128) NN; created_time dto7 NN",
    ),
    internal_table(
        "environment_variables",
        "variable_id bigint NN; environment_id bigint NN; name sysname NN; description nvarchar(1024);"
        " type nvarchar(128) NN; sensitive bit NN; value sql_variant; sensitive_value varbinary(max);"
        " base_data_type nvarchar(128)",
        secrets={"value": "sensitive_value"},
    ),
    internal_table(
        "environment_references",
        "reference_id bigint NN; project_id bigint NN; reference_type char(1) NN; environment_folder_name"
        " nvarchar(128);"
        " environment_name sysname NN; validation_status char(1) NN; last_validation_time dto7",
    ),
    internal_table(
        "operations",
        "operation_id bigint NN; operation_type smallint NN; created_time dto7; object_type smallint; object_id bigint;"
        " object_name nvarchar(260); status int NN; start_time dto7; end_time dto7; caller_sid varbinary(85) NN;"
        " caller_name sysname NN; process_id int; stopped_by_sid varbinary(85); stopped_by_name nvarchar(128);"
        " server_name nvarchar(128); machine_name nvarchar(128); operation_guid uniqueidentifier",
    ),
    internal_table(
        "operation_messages",
        "operation_message_id bigint NN; operation_id bigint NN; message_time dto7 NN; message_type smallint NN;"
        " message_source_type smallint; message nvarchar(max); extended_info_id bigint",
    ),
    internal_table(
        "extended_operation_info",
        "info_id bigint NN; operation_id bigint NN; object_name nvarchar(260) NN; object_type smallint;"
        " reference_id bigint; status int NN; start_time dto7 NN; end_time dto7",
    ),
    internal_table(
        "executions",
        "execution_id bigint NN; project_id bigint; folder_name sysname NN; project_name sysname NN;"
        " package_name nvarchar(260) NN; reference_id bigint; reference_type char(1);"
        " environment_folder_name nvarchar(128); environment_name nvarchar(128); project_lsn bigint;"
        " executed_as_sid varbinary(85) NN; executed_as_name nvarchar(128) NN; use32bitruntime bit NN;"
        " job_id uniqueidentifier; executed_count int; worker_agent_id uniqueidentifier",
    ),
    internal_table(
        "execution_parameter_values",
        "execution_parameter_id bigint NN; execution_id bigint NN; object_type smallint NN;"
        " parameter_data_type nvarchar(128) NN; parameter_name sysname NN; parameter_value sql_variant;"
        " sensitive bit NN;"
        " required bit NN; value_set bit NN; runtime_override bit NN; sensitive_parameter_value varbinary(max);"
        " base_data_type nvarchar(128)",
        secrets={"parameter_value": "sensitive_parameter_value"},
    ),
    internal_table(
        "execution_property_override_values",
        "property_id bigint NN; execution_id bigint NN; property_path nvarchar(4000) NN; property_value nvarchar(max);"
        " sensitive bit NN; sensitive_property_value varbinary(max)",
        secrets={"property_value": "sensitive_property_value"},
    ),
    internal_table(
        "executables",
        "executable_id bigint NN; execution_id bigint NN; executable_name nvarchar(4000); executable_guid nvarchar(38);"
        " package_name nvarchar(260) NN; package_path nvarchar(max); project_id bigint; project_version_lsn bigint",
    ),
    internal_table(
        "executable_statistics",
        "statistics_id bigint NN; execution_id bigint NN; executable_id bigint NN; execution_path nvarchar(max);"
        " start_time dto7; end_time dto7; execution_duration int; execution_result smallint; execution_value"
        " sql_variant; execution_hierarchy varbinary(892)",
    ),
    internal_table(
        "event_messages",
        "event_message_id bigint NN; operation_id bigint NN; package_name nvarchar(260); event_name nvarchar(1024);"
        " message_source_name nvarchar(4000); message_source_id nvarchar(38); subcomponent_name nvarchar(4000);"
        " package_path nvarchar(max); execution_path nvarchar(max); threadID int NN; message_code int;"
        " package_location_type nvarchar(128); package_path_full nvarchar(4000); event_message_guid uniqueidentifier",
    ),
    internal_table(
        "event_message_context",
        "context_id bigint NN; operation_id bigint NN; event_message_id bigint NN; context_depth int;"
        " package_path nvarchar(max); context_type smallint; context_source_name nvarchar(4000);"
        " context_source_id nvarchar(38); property_name nvarchar(4000); property_value sql_variant;"
        " event_message_guid uniqueidentifier",
    ),
    internal_table(
        "execution_component_phases",
        "phase_stats_id bigint NN; execution_id bigint NN; package_name nvarchar(260) NN; task_name nvarchar(4000) NN;"
        " subcomponent_name nvarchar(4000); phase sysname NN; start_time dto7; end_time dto7; execution_path"
        " nvarchar(max); package_location_type nvarchar(128); package_path_full nvarchar(4000); is_start bit;"
        " phase_time dto7; sequence_id int",
    ),
    internal_table(
        "execution_data_statistics",
        "data_stats_id bigint NN; execution_id bigint NN; package_name nvarchar(260) NN; task_name nvarchar(4000);"
        " dataflow_path_id_string nvarchar(4000); dataflow_path_name nvarchar(4000);"
        " source_component_name nvarchar(4000); destination_component_name nvarchar(4000); rows_sent bigint;"
        " created_time dto7; execution_path nvarchar(max); package_location_type nvarchar(128);"
        " package_path_full nvarchar(4000)",
    ),
    internal_table(
        "object_permissions",
        "object_type smallint NN; object_id bigint NN; principal_id int NN; permission_type smallint NN; is_deny"
        " bit NN; grantor_id int NN; id bigint; sid varbinary(85); is_role bit; grantor_sid varbinary(85)",
    ),
    internal_table(PROPERTIES, "property_name nvarchar(256) NN; property_value nvarchar(max) NN"),
    *FEATURE_TABLES,
)

TYPES: Final = {table.name: {column.name: duckdb_type(column.type) for column in table.columns} for table in TABLES}
"""The DuckDB type of each column, by table and column."""

PERMISSION_TABLES: Final = tuple(
    (
        internal_table(
            name,
            "id bigint; sid varbinary(85); object_id bigint NN; permission_type smallint NN; is_role bit;"
            " is_deny bit NN; grantor_sid varbinary(85)",
        ),
        (
            "SELECT id, sid, object_id, permission_type, is_role, is_deny, grantor_sid FROM internal.object_permissions"
            f" WHERE object_type = {int(kind)}"
        ),
    )
    for name, kind in (
        ("folder_permissions", SecuredObjectType.FOLDER),
        ("project_permissions", SecuredObjectType.PROJECT),
        ("environment_permissions", SecuredObjectType.ENVIRONMENT),
        ("operation_permissions", SecuredObjectType.OPERATION),
    )
)
"""Permissions as four tables, as SQL Server keeps them, each with its DuckDB query."""

RENAMED: Final = {
    ("object_parameters", "parameter_data_type"): "data_type",
    ("environments", "environment_name"): "name",
}
"""Columns that have another name in older data folders."""

SEQUENCES: Final = (
    "folder_id",
    "project_id",
    "object_version_lsn",
    "package_id",
    "parameter_id",
    "environment_id",
    "variable_id",
    "reference_id",
    "operation_id",
    "message_id",
    "info_id",
    "execution_parameter_id",
    "property_id",
    "executable_id",
    "statistics_id",
    "context_id",
    "phase_stats_id",
    "data_stats_id",
    "permission_id",
    "data_tap_id",
    "level_id",
)
"""The sources of ids. Operations, executions and validations share ``operation_id``."""

INDEXES: Final = (
    ("operations", "operation_id"),
    ("executions", "execution_id"),
    ("operation_messages", "operation_id"),
    ("event_messages", "operation_id"),
    ("event_messages", "event_message_id"),
    ("executables", "execution_id"),
    ("executable_statistics", "execution_id"),
    ("execution_parameter_values", "execution_id"),
)

DEFAULT_PROPERTIES: Final = {
    "ENCRYPTION_ALGORITHM": "AES_256",
    "SCHEMA_VERSION": "5",
    "SCHEMA_BUILD": "16.0.4003.1",
    "OPERATION_CLEANUP_ENABLED": "TRUE",
    "RETENTION_WINDOW": "365",
    "MAX_PROJECT_VERSIONS": "10",
    "SERVER_LOGGING_LEVEL": "1",
    "SERVER_OPERATION_ENCRYPTION_LEVEL": "1",
    "SERVER_CUSTOMIZED_LOGGING_LEVEL": "",
    "VALIDATION_TIMEOUT": "300",
    "VERSION_CLEANUP_ENABLED": "TRUE",
    "IS_SCALEOUT_ENABLED": "FALSE",
    "DEFAULT_EXECUTION_MODE": "0",
}

PERMISSIONS_VIEWS: Final = (
    """
CREATE OR REPLACE VIEW internal.my_explicit_permissions AS
SELECT object_type, object_id, permission_type, is_deny FROM internal.object_permissions
WHERE list_contains(getvariable('principal_ids'), principal_id)
""",
    """
CREATE OR REPLACE VIEW internal.my_granted_permissions AS
SELECT object_type, object_id, permission_type FROM internal.my_explicit_permissions WHERE NOT is_deny
EXCEPT
SELECT object_type, object_id, permission_type FROM internal.my_explicit_permissions WHERE is_deny
""",
    """
CREATE OR REPLACE VIEW internal.my_inherited_permissions AS
SELECT CAST(2 AS SMALLINT) AS object_type, projects.project_id AS object_id,
  CAST(granted.permission_type - 100 AS SMALLINT) AS permission_type
FROM internal.my_granted_permissions granted JOIN internal.projects ON projects.folder_id = granted.object_id
WHERE granted.object_type = 1 AND granted.permission_type > 100
UNION
SELECT CAST(3 AS SMALLINT), environments.environment_id, CAST(granted.permission_type - 100 AS SMALLINT)
FROM internal.my_granted_permissions granted JOIN internal.environments ON environments.folder_id = granted.object_id
WHERE granted.object_type = 1 AND granted.permission_type > 100 AND granted.permission_type <> 103
""",
    """
CREATE OR REPLACE VIEW internal.my_permissions AS
SELECT object_type, object_id, permission_type FROM internal.my_granted_permissions
UNION
(SELECT object_type, object_id, permission_type FROM internal.my_inherited_permissions
EXCEPT
SELECT object_type, object_id, permission_type FROM internal.my_explicit_permissions WHERE is_deny)
""",
)
"""The permissions of the session's user and of its roles, public among them.

Those of a folder apply to its content. A denial takes precedence over any grant of the same permission on the same
object; a denied permission of a folder is not inherited.

Views, not common table expressions: DuckDB 2.0 does not free some 500 bytes for each query with such an expression.
"""
