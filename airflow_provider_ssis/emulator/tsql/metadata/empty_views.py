"""Views that are always empty here: clients see no keys, indexes, defaults, definitions and comments of the catalog."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of

_CONSTRAINT: Final = (
    "name sysname; object_id int; schema_id int; parent_object_id int; type char(2); type_desc nvarchar(60) ?; "
    "is_ms_shipped bit"
)
_MODULES: Final = (
    "object_id int; definition nvarchar(max) ?; uses_ansi_nulls bit ?; uses_quoted_identifier bit ?; is_schema_bound "
    "bit ?"
)
_COLUMNS: Final = {
    "sys.all_sql_modules": _MODULES,
    "sys.assemblies": "name sysname; principal_id int ?; assembly_id int; clr_name nvarchar(4000) ?; is_visible bit",
    "sys.check_constraints": f"{_CONSTRAINT}; parent_column_id int; definition nvarchar(max) ?; is_disabled bit",
    "sys.computed_columns": (
        "object_id int; name sysname ?; column_id int; definition nvarchar(max) ?; is_persisted bit"
    ),
    "sys.default_constraints": f"{_CONSTRAINT}; parent_column_id int; definition nvarchar(max) ?",
    "sys.extended_properties": (
        "class tinyint; class_desc nvarchar(60) ?; major_id int; minor_id int; name sysname; value sql_variant ?"
    ),
    "sys.foreign_key_columns": (
        "constraint_object_id int; constraint_column_id int; parent_object_id int; parent_column_id int; "
        "referenced_object_id int; referenced_column_id int"
    ),
    "sys.foreign_keys": f"{_CONSTRAINT}; referenced_object_id int ?; key_index_id int ?; is_disabled bit",
    "sys.identity_columns": (
        "object_id int; name sysname ?; column_id int; seed_value sql_variant ?; increment_value sql_variant ?; "
        "is_identity bit ?"
    ),
    "sys.index_columns": (
        "object_id int; index_id int; index_column_id int; column_id int; key_ordinal tinyint; is_descending_key "
        "bit ?; is_included_column bit ?"
    ),
    "sys.indexes": (
        "object_id int; name sysname ?; index_id int; type tinyint; type_desc nvarchar(60) ?; is_unique bit ?; "
        "is_primary_key bit ?; is_unique_constraint bit ?; is_disabled bit ?; has_filter bit ?; filter_definition "
        "nvarchar(max) ?"
    ),
    "sys.key_constraints": f"{_CONSTRAINT}; unique_index_id int ?; is_system_named bit",
    "sys.partitions": "partition_id bigint; object_id int; index_id int; partition_number int; rows bigint ?",
    "sys.sequences": f"{_CONSTRAINT}; current_value sql_variant",
    "sys.sql_modules": _MODULES,
    "sys.synonyms": f"{_CONSTRAINT}; base_object_name nvarchar(1035) ?",
    "sys.triggers": f"{_CONSTRAINT}; parent_class tinyint; is_disabled bit",
    "INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE": (
        "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA nvarchar(128) ?; TABLE_NAME sysname; COLUMN_NAME sysname ?; "
        "CONSTRAINT_CATALOG nvarchar(128) ?; CONSTRAINT_SCHEMA nvarchar(128) ?; CONSTRAINT_NAME sysname"
    ),
    "INFORMATION_SCHEMA.KEY_COLUMN_USAGE": (
        "CONSTRAINT_CATALOG nvarchar(128) ?; CONSTRAINT_SCHEMA nvarchar(128) ?; CONSTRAINT_NAME sysname; "
        "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA nvarchar(128) ?; TABLE_NAME sysname ?; COLUMN_NAME sysname "
        "?; ORDINAL_POSITION int"
    ),
    "INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS": (
        "CONSTRAINT_CATALOG nvarchar(128) ?; CONSTRAINT_SCHEMA nvarchar(128) ?; CONSTRAINT_NAME sysname; "
        "UNIQUE_CONSTRAINT_CATALOG nvarchar(128) ?; UNIQUE_CONSTRAINT_SCHEMA nvarchar(128) ?; "
        "UNIQUE_CONSTRAINT_NAME sysname ?; MATCH_OPTION varchar(7) ?; UPDATE_RULE varchar(11) ?; DELETE_RULE "
        "varchar(11) ?"
    ),
    "INFORMATION_SCHEMA.SEQUENCES": (
        "SEQUENCE_CATALOG nvarchar(128); SEQUENCE_SCHEMA nvarchar(128) ?; SEQUENCE_NAME sysname; DATA_TYPE "
        "nvarchar(128); START_VALUE sql_variant; INCREMENT sql_variant"
    ),
    "INFORMATION_SCHEMA.TABLE_CONSTRAINTS": (
        "CONSTRAINT_CATALOG nvarchar(128) ?; CONSTRAINT_SCHEMA nvarchar(128) ?; CONSTRAINT_NAME sysname; "
        "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA nvarchar(128) ?; TABLE_NAME sysname ?; CONSTRAINT_TYPE "
        "varchar(11) ?"
    ),
}

EMPTY_VIEWS: Final = tuple(ComputedView(name, columns_of(text)) for name, text in _COLUMNS.items())
