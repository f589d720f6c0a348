"""Folders, projects, packages, environments, and their parts."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_view
from airflow_provider_ssis.emulator.ssisdb.views.filters import ADMIN, readable

_READABLE_PROJECT = readable(SecuredObjectType.PROJECT, "project_id")

catalog_view(
    "catalog_properties",
    "property_name nvarchar(256) NN; property_value nvarchar(max) NN",
    "SELECT property_name, property_value FROM internal.catalog_properties",
)
catalog_view(
    "folders",
    "folder_id bigint NN; name sysname NN; description nvarchar(1024); created_by_sid varbinary(85) NN;"
    " created_by_name nvarchar(128) NN; created_time dto7 NN",
    "SELECT * FROM internal.folders",
    readable(SecuredObjectType.FOLDER, "folder_id"),
)
catalog_view(
    "projects",
    "project_id bigint NN; folder_id bigint NN; name sysname NN; description nvarchar(1024);"
    " project_format_version int;"
    " deployed_by_sid varbinary(85) NN; deployed_by_name nvarchar(128) NN; last_deployed_time dto7 NN;"
    " created_time dto7 NN; object_version_lsn bigint NN; validation_status char(1) NN; last_validation_time dto7",
    "SELECT * FROM internal.projects",
    readable(SecuredObjectType.PROJECT, "project_id", logreader=True),
)
catalog_view(
    "packages",
    "package_id bigint NN; name nvarchar(260) NN; package_guid uniqueidentifier NN; description nvarchar(1024);"
    " package_format_version int NN; version_major int NN; version_minor int NN; version_build int NN;"
    " version_comments nvarchar(1024); version_guid uniqueidentifier NN; project_id bigint NN; entry_point bit NN;"
    " validation_status char(1) NN; last_validation_time dto7",
    "SELECT p.package_id, p.name, p.package_guid, p.description, p.package_format_version, p.version_major,"
    " p.version_minor, p.version_build, p.version_comments, p.version_guid, p.project_id, p.entry_point,"
    " p.validation_status, p.last_validation_time FROM internal.packages p JOIN internal.projects r"
    " ON r.project_id = p.project_id AND r.object_version_lsn = p.project_version_lsn",
    readable(SecuredObjectType.PROJECT, "p.project_id", logreader=True),
)
catalog_view(
    "object_parameters",
    "parameter_id bigint NN; project_id bigint NN; object_type smallint NN; object_name nvarchar(260) NN;"
    " parameter_name sysname NN; data_type nvarchar(128) NN; required bit NN; sensitive bit NN; description"
    " nvarchar(1024);"
    " design_default_value sql_variant; default_value sql_variant; value_type char(1) NN; value_set bit NN;"
    " referenced_variable_name nvarchar(128); validation_status char(1) NN; last_validation_time dto7",
    "SELECT p.parameter_id, p.project_id, p.object_type, p.object_name, p.parameter_name, p.parameter_data_type,"
    " p.required, p.sensitive, p.description, CASE WHEN NOT p.sensitive THEN p.design_default_value END,"
    " CASE WHEN NOT p.sensitive THEN p.default_value END, p.value_type, p.value_set, p.referenced_variable_name,"
    " p.validation_status, p.last_validation_time FROM internal.object_parameters p JOIN internal.projects r"
    " ON r.project_id = p.project_id AND r.object_version_lsn = p.project_version_lsn",
    readable(SecuredObjectType.PROJECT, "p.project_id"),
)
catalog_view(
    "object_versions",
    "object_version_lsn bigint NN; object_id bigint NN; object_type smallint NN; object_name sysname NN;"
    " description nvarchar(1024); created_by nvarchar(128) NN; created_time dto7 NN; restored_by nvarchar(128);"
    " last_restored_time dto7",
    "SELECT object_version_lsn, object_id, object_type, object_name, description, created_by, created_time,"
    " restored_by, last_restored_time FROM internal.object_versions",
    readable(SecuredObjectType.PROJECT, "object_id"),
)
catalog_view(
    "environments",
    "environment_id bigint NN; name sysname NN; folder_id bigint NN; description nvarchar(1024);"
    " created_by_sid varbinary(85) NN; created_by_name nvarchar(128) NN; created_time dto7 NN",
    "SELECT * FROM internal.environments",
    readable(SecuredObjectType.ENVIRONMENT, "environment_id"),
)
catalog_view(
    "environment_variables",
    "variable_id bigint NN; environment_id bigint NN; name sysname NN; description nvarchar(1024);"
    " type nvarchar(128) NN; sensitive bit NN; value sql_variant",
    "SELECT variable_id, environment_id, name, description, type, sensitive, CASE WHEN NOT sensitive THEN value END"
    " FROM internal.environment_variables",
    readable(SecuredObjectType.ENVIRONMENT, "environment_id"),
)
catalog_view(
    "environment_references",
    "reference_id bigint NN; project_id bigint NN; reference_type char(1) NN; environment_folder_name nvarchar(128);"
    " environment_name sysname NN; validation_status char(1) NN; last_validation_time dto7",
    "SELECT * FROM internal.environment_references",
    _READABLE_PROJECT,
)
catalog_view(
    "explicit_object_permissions",
    "object_type smallint; object_id bigint; principal_id int; permission_type smallint; is_deny bit; grantor_id int",
    "SELECT object_type, object_id, principal_id, permission_type, is_deny, grantor_id"
    f" FROM internal.object_permissions p WHERE {ADMIN} OR EXISTS (SELECT 1 FROM internal.my_permissions m"
    " WHERE m.object_type = p.object_type AND m.object_id = p.object_id AND m.permission_type = 1)",
)
catalog_view(
    "effective_object_permissions",
    "object_type smallint; object_id bigint; permission_type smallint",
    "SELECT object_type, object_id, permission_type FROM internal.my_permissions",
)
