"""Views that are always empty here: clients see no definitions and comments."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of

_COLUMNS: Final = {
    "sys.assemblies": "name sysname; principal_id int ?; assembly_id int; clr_name nvarchar(4000) ?; is_visible bit",
    "sys.extended_properties": (
        "class tinyint; class_desc nvarchar(60) ?; major_id int; minor_id int; name sysname; value sql_variant ?"
    ),
    "sys.triggers": (
        "name sysname; object_id int; parent_class tinyint; parent_class_desc nvarchar(60) ?; parent_id int; "
        "type char(2); type_desc nvarchar(60) ?; create_date datetime; modify_date datetime; is_ms_shipped bit; "
        "is_disabled bit; is_not_for_replication bit; is_instead_of_trigger bit"
    ),
}

EMPTY_VIEWS: Final = tuple(ComputedView(name, columns_of(text)) for name, text in _COLUMNS.items())
