"""The tables of schema ``internal`` that scripts of administrators read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART

COLUMNS = {
    "alwayson_support_state": "server_name state",
    "catalog_encryption_keys": "key_id key_name [KEY] IV",
    "catalog_properties": "property_name property_value",
    "customized_logging_levels": "level_id name description profile_value events_value created_by_sid created_by_name",
    "data_type_mapping": "mapping_id ssis_data_type sql_data_type",
    "environment_permissions": "id sid object_id permission_type is_role is_deny grantor_sid",
    "environment_references": "reference_id project_id reference_type environment_folder_name environment_name",
    "environment_variables": "variable_id environment_id name description type sensitive value sensitive_value"
    " base_data_type",
    "environments": "environment_id environment_name folder_id description created_by_sid created_by_name created_time",
    "event_message_context": "context_id operation_id event_message_id context_depth package_path context_type",
    "event_message_context_scaleout": "context_id operation_id event_message_id",
    "event_messages": "event_message_id operation_id execution_path package_name package_location_type"
    " package_path_full event_name message_source_name message_source_id subcomponent_name package_path threadID"
    " message_code",
    "event_messages_scaleout": "event_message_id operation_id",
    "executable_statistics": "statistics_id execution_id executable_id execution_path start_time end_time"
    " execution_hierarchy execution_duration execution_result execution_value",
    "executables": "executable_id project_id project_version_lsn package_name executable_name executable_guid"
    " package_path",
    "execution_component_phases": "phase_stats_id execution_id package_name package_location_type package_path_full"
    " task_name subcomponent_name phase is_start phase_time execution_path sequence_id",
    "execution_data_statistics": "data_stats_id execution_id package_name package_location_type package_path_full"
    " task_name dataflow_path_id_string rows_sent created_time execution_path",
    "execution_data_taps": "data_tap_id execution_id package_path dataflow_path_id_string dataflow_task_guid max_rows"
    " filename",
    "execution_parameter_values": "execution_parameter_id execution_id object_type parameter_data_type parameter_name"
    " parameter_value sensitive_parameter_value base_data_type sensitive required value_set runtime_override",
    "execution_property_override_values": "property_id execution_id property_path property_value"
    " sensitive_property_value sensitive",
    "executions": "execution_id folder_name project_name package_name reference_id reference_type project_lsn job_id",
    "extended_operation_info": "info_id operation_id object_name object_type reference_id status start_time end_time",
    "folder_permissions": "id sid object_id permission_type is_role is_deny grantor_sid",
    "folders": "folder_id name description created_by_sid created_by_name created_time",
    "job_worker_agents": "job_id worker_agent_id",
    "jobs": "job_id",
    "machine_properties": "worker_agent_id property_name property_value",
    "master_properties": "property_name property_value",
    "object_parameters": "parameter_id project_id project_version_lsn object_type object_name parameter_name"
    " parameter_data_type required sensitive description design_default_value default_value sensitive_default_value"
    " base_data_type value_type value_set referenced_variable_name validation_status last_validation_time",
    "object_versions": "object_version_lsn object_id object_type description created_by created_time restored_by"
    " last_restored_time object_data object_status",
    "operation_messages": "operation_message_id operation_id message_time message_type message_source_type message"
    " extended_info_id",
    "operation_messages_scaleout": "operation_message_id operation_id",
    "operation_os_sys_info": "info_id operation_id total_physical_memory_kb cpu_count",
    "operation_permissions": "id sid object_id permission_type is_role is_deny grantor_sid",
    "operations": "operation_id operation_type created_time object_type object_id object_name status start_time"
    " end_time caller_sid caller_name process_id stopped_by_sid stopped_by_name operation_guid server_name"
    " machine_name",
    "packages": "project_version_lsn package_id project_id name package_guid description package_format_version"
    " version_major version_minor version_build version_comments version_guid entry_point validation_status"
    " last_validation_time package_data",
    "project_permissions": "id sid object_id permission_type is_role is_deny grantor_sid",
    "projects": "project_id folder_id name description project_format_version deployed_by_sid deployed_by_name"
    " last_deployed_time created_time object_version_lsn validation_status last_validation_time",
    "tasks": "task_id job_id status",
    "validations": "validation_id environment_scope validate_type folder_name project_name project_lsn use32bitruntime"
    " reference_id",
    "worker_agents": "worker_agent_id display_name description machine_name user_account last_online_time is_enabled",
}


@pytest.fixture
def connection(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        connection.execute("EXEC catalog.create_folder N'Sales'")
        connection.execute("EXEC catalog.create_environment N'Sales', N'Prod'")
        connection.execute("EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Region', N'Int32', 0, 7")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        yield connection


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_its_columns(connection: pyodbc.Connection, table: str) -> None:
    columns = ", ".join(COLUMNS[table].split())
    # Only the names: not every driver reads sql_variant.
    assert connection.execute(f"SELECT COUNT(*) FROM (SELECT {columns} FROM internal.{table}) AS t").fetchval() >= 0


def test_parameters_and_variables_have_a_base_type(connection: pyodbc.Connection) -> None:
    query = (
        "SELECT parameter_data_type, base_data_type FROM internal.object_parameters WHERE parameter_name = 'MaxRows'"
    )
    assert tuple(connection.execute(query).fetchone()) == ("Int64", "bigint")
    assert connection.execute("SELECT base_data_type FROM internal.environment_variables").fetchval() == "int"


def test_permissions_are_shown_with_the_sids_of_principals(
    connection: pyodbc.Connection, ssisdb_emulator: SsisdbEmulator
) -> None:
    ssisdb_emulator.add_login("reader", "Pa55-word!")
    connection.execute(
        "DECLARE @principal int = (SELECT principal_id FROM sys.database_principals WHERE name = 'reader'),"
        " @folder bigint = (SELECT folder_id FROM catalog.folders);"
        " EXEC catalog.grant_permission 1, @folder, @principal, 1"
    )
    rows = connection.execute(
        "SELECT p.name, f.permission_type, f.is_role, f.is_deny FROM internal.folder_permissions f"
        " JOIN sys.database_principals p ON p.sid = f.sid"
    ).fetchall()
    assert [tuple(row) for row in rows] == [("reader", 1, False, False)]


def test_a_login_without_rights_reads_no_internal_table(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.add_login("reader", "Pa55-word!")
    endpoint = ssisdb_emulator.odbc_connection_string.replace("UID=sa", "UID=reader").replace(
        ssisdb_emulator.password, "Pa55-word!"
    )
    with closing(pyodbc.connect(endpoint, autocommit=True)) as connection:
        for table in ("object_parameters", "validations", "folder_permissions"):
            with pytest.raises(pyodbc.Error, match="229"):
                connection.execute(f"SELECT * FROM internal.{table}")


def test_sensitive_values_are_not_shown(connection: pyodbc.Connection) -> None:
    connection.execute(
        "DECLARE @secret sql_variant = N'top-s3cret', @id bigint;"
        "EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Key', N'String', 1, @secret;"
        "EXEC catalog.set_object_parameter_value 20, N'Sales', N'Mart', N'ApiKey', @secret;"
        "EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT;"
        "EXEC catalog.set_execution_property_override_value @id, N'\\Package.Path', N'top-s3cret', 1"
    ).nextset()
    for table, column in (
        ("environment_variables", "value"),
        ("object_parameters", "default_value"),
        ("execution_parameter_values", "parameter_value"),
        ("execution_property_override_values", "property_value"),
    ):
        query = f"SELECT COUNT({column}), COUNT(sensitive_{column}) FROM internal.{table} WHERE sensitive = 1"
        assert (table, *connection.execute(query).fetchone()) == (table, 0, 1)
