"""The views of schema ``sys`` and of ``INFORMATION_SCHEMA`` that tools ask, computed from the metadata.

Only columns that clients use are here; a column that is missing gets error 207, as any other unknown column.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.compatibility_views import compatibility_views
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.empty_views import EMPTY_VIEWS
from airflow_provider_ssis.emulator.tsql.metadata.information_schema import INFORMATION_VIEWS
from airflow_provider_ssis.emulator.tsql.metadata.objects import (
    AnyView,
    BaseTable,
    Routine,
    Synonym,
    Table,
    UserFunction,
    UserProcedure,
    UserTable,
    UserView,
    View,
    object_kind,
)
from airflow_provider_ssis.emulator.tsql.metadata.principal_views import PRINCIPAL_VIEWS
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.sequence_views import SEQUENCE_VIEWS
from airflow_provider_ssis.emulator.tsql.metadata.session_views import SESSION_VIEWS
from airflow_provider_ssis.emulator.tsql.metadata.system_objects import system_objects
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, TableRules
from airflow_provider_ssis.emulator.tsql.metadata.table_views import TABLE_VIEWS, constraint_objects, default_ids
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import COLLATION as COLLATION
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import (
    TABLE_TYPE_ID,
    TYPE_IDS,
    TYPES,
    facets,
    type_id,
)

KIND_TEXTS: Final = {
    "U ": "USER_TABLE",
    "V ": "VIEW",
    "P ": "SQL_STORED_PROCEDURE",
    "FN": "SQL_SCALAR_FUNCTION",
    "IF": "SQL_INLINE_TABLE_VALUED_FUNCTION",
    "TF": "SQL_TABLE_VALUED_FUNCTION",
    "SN": "SYNONYM",
    "SO": "SEQUENCE_OBJECT",
}
_USER_ACCESS: Final = {False: (0, "MULTI_USER"), True: (1, "SINGLE_USER")}


def _databases(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for name, number in metadata.database_ids.items():
        yield (
            name,
            number,
            None,
            b"\x01",
            metadata.created,
            150,
            COLLATION,
            *_USER_ACCESS[name in metadata.single_user],
            False,
            False,
            0,
            "ONLINE",
            False,
            3,
            "SIMPLE",
            False,
            True,
            False,
        )


def _schemas(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, name in metadata.schemas(database):
        yield name, number, 1


def _object(metadata: Metadata, database: str, number: int, item: Any) -> tuple[Any, ...]:
    kind = object_kind(item)
    schema_id = metadata.schema_id(database, item.schema)
    return item.name, number, None, schema_id, 0, kind, KIND_TEXTS[kind], metadata.created, metadata.created, False


def _objects_of(*kinds: type) -> Callable[[Metadata, str], Iterator[tuple[Any, ...]]]:
    def rows(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
        for number, item in metadata.objects(database):
            if isinstance(item, kinds):
                yield _object(metadata, database, number, item)

    return rows


def _all_objects(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, item in metadata.objects(database):
        yield _object(metadata, database, number, item)
    yield from constraint_objects(metadata, database)


def _with_system_objects(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    yield from _all_objects(metadata, database)
    yield from system_objects(metadata, database, SYSTEM_VIEWS)


def _all_views(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    yield from _objects_of(View, UserView)(metadata, database)
    yield from _system_views(metadata, database)


def _synonyms(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, item in metadata.objects(database):
        if isinstance(item, Synonym):
            yield *_object(metadata, database, number, item), item.base_text


_Owners = Iterator[tuple[int, TableRules, tuple[Column, ...]]]


def _column_owners(metadata: Metadata, database: str) -> _Owners:
    for number, item in metadata.objects(database):
        if isinstance(item, BaseTable | AnyView):
            yield number, item.rules if isinstance(item, UserTable) else NO_RULES, item.columns
    for number, table_type in metadata.table_types(database):
        yield -number, NO_RULES, table_type.columns


def _all_column_owners(metadata: Metadata, database: str) -> _Owners:
    yield from _column_owners(metadata, database)
    for number, view in enumerate(SYSTEM_VIEWS.values(), start=1):
        yield -number, NO_RULES, view.columns


def _columns_rows(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    return _columns_of(metadata, database, _column_owners(metadata, database))


def _all_columns_rows(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    return _columns_of(metadata, database, _all_column_owners(metadata, database))


def _columns_of(metadata: Metadata, database: str, owners: _Owners) -> Iterator[tuple[Any, ...]]:
    defaults = default_ids(metadata, database)
    for number, rules, columns in owners:
        for position, column in enumerate(columns, start=1):
            size, precision, scale = facets(column.type)
            is_row_version = rules.is_row_version(column.name)
            type_number = TYPE_IDS["timestamp" if is_row_version else column.type.name]
            collation = COLLATION if "char" in column.type.name or "text" in column.type.name else None
            yield (
                number,
                column.name,
                position,
                type_number,
                type_number,
                size,
                precision,
                scale,
                collation,
                column.nullable,
                rules.is_identity(column.name),
                rules.is_computed(column.name) and not is_row_version,
                defaults.get((number, column.name.lower()), 0),
            )


def _types(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for name, system_id, user_id, size, precision, scale in TYPES:
        collation = COLLATION if "char" in name or "text" in name or name == "sysname" else None
        yield (
            name,
            system_id,
            user_id,
            4,
            None,
            size,
            precision,
            scale,
            collation,
            name != "sysname",
            False,
            False,
            False,
        )
    for number, item in metadata.table_types(database):
        schema_id = metadata.schema_id(database, item.schema)
        yield item.name, TABLE_TYPE_ID, number, schema_id, None, -1, 0, 0, None, False, True, False, True


def _table_types(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, item in metadata.table_types(database):
        yield item.name, number, metadata.schema_id(database, item.schema), -number, True


def _parameters(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, item in metadata.objects(database):
        if isinstance(item, Routine):
            for position, parameter in enumerate(item.parameters, start=1):
                size, precision, scale = facets(parameter.type)
                type_number = type_id(metadata, database, str(parameter.type).split("(", maxsplit=1)[0]) or 0
                is_table = parameter.type.schema is not None
                system_type = TABLE_TYPE_ID if is_table else type_number
                yield (
                    *(number, parameter.name, position, system_type, type_number, size, precision, scale),
                    *(parameter.output, parameter.has_default, None, is_table),
                )


def _configurations(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, name, value in ((1562, "clr enabled", 1), (518, "show advanced options", 1), (16390, "xp_cmdshell", 0)):
        yield number, name, value, 0, 1, value, name, True, False


def _host(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    yield platform.system(), platform.system(), platform.release(), "", None, 0


def _modules(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, item in metadata.objects(database):
        if isinstance(item, UserView | UserProcedure | UserFunction):
            yield number, item.definition, True, True, False


def _system_views(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    return islice(system_objects(metadata, database, SYSTEM_VIEWS), len(SYSTEM_VIEWS))


_OBJECT: Final = columns_of(
    "name sysname; object_id int; principal_id int ?; schema_id int; parent_object_id int; type char(2); type_desc "
    "nvarchar(60) ?; create_date datetime; modify_date datetime; is_ms_shipped bit"
)
_VIEWS: Final = (
    ComputedView(
        "sys.databases",
        columns_of(
            "name sysname; database_id int; source_database_id int ?; owner_sid varbinary(85) ?; create_date "
            "datetime; compatibility_level tinyint; collation_name sysname ?; user_access tinyint ?; "
            "user_access_desc nvarchar(60) ?; is_read_only bit; is_auto_close_on bit; state tinyint ?; state_desc "
            "nvarchar(60) ?; is_in_standby bit; recovery_model tinyint ?; recovery_model_desc nvarchar(60) ?; "
            "is_trustworthy_on bit; is_read_committed_snapshot_on bit ?; is_broker_enabled bit"
        ),
        _databases,
    ),
    ComputedView("sys.schemas", columns_of("name sysname; schema_id int; principal_id int ?"), _schemas),
    ComputedView("sys.objects", _OBJECT, _all_objects),
    ComputedView("sys.all_objects", _OBJECT, _with_system_objects),
    ComputedView("sys.tables", _OBJECT, _objects_of(Table, UserTable)),
    ComputedView("sys.views", _OBJECT, _objects_of(View, UserView)),
    ComputedView("sys.all_views", _OBJECT, _all_views),
    ComputedView("sys.synonyms", (*_OBJECT, *columns_of("base_object_name nvarchar(1035) ?")), _synonyms),
    ComputedView("sys.procedures", _OBJECT, _objects_of(Routine)),
    *(
        ComputedView(
            name,
            columns_of(
                "object_id int; name sysname ?; column_id int; system_type_id tinyint; user_type_id int; max_length "
                "smallint; precision tinyint; scale tinyint; collation_name sysname ?; is_nullable bit ?; is_identity "
                "bit; is_computed bit; default_object_id int"
            ),
            rows,
        )
        for name, rows in (("sys.columns", _columns_rows), ("sys.all_columns", _all_columns_rows))
    ),
    ComputedView(
        "sys.types",
        columns_of(
            "name sysname; system_type_id tinyint; user_type_id int; schema_id int; principal_id int ?; max_length "
            "smallint; precision tinyint; scale tinyint; collation_name sysname ?; is_nullable bit ?; is_user_defined "
            "bit; is_assembly_type bit; is_table_type bit"
        ),
        _types,
    ),
    ComputedView(
        "sys.table_types",
        columns_of("name sysname; user_type_id int; schema_id int; type_table_object_id int; is_table_type bit"),
        _table_types,
    ),
    *(
        ComputedView(
            name,
            columns_of(
                "object_id int; name sysname ?; parameter_id int; system_type_id tinyint; user_type_id int; max_length "
                "smallint; precision tinyint; scale tinyint; is_output bit; has_default_value bit; default_value "
                "nvarchar(4000) ?; is_readonly bit"
            ),
            _parameters,
        )
        for name in ("sys.parameters", "sys.all_parameters")
    ),
    ComputedView(
        "sys.configurations",
        columns_of(
            "configuration_id int; name nvarchar(35); value int ?; minimum int ?; maximum int ?; value_in_use int "
            "?; description nvarchar(255); is_dynamic bit; is_advanced bit"
        ),
        _configurations,
    ),
    ComputedView(
        "sys.dm_os_host_info",
        columns_of(
            "host_platform nvarchar(256); host_distribution nvarchar(256); host_release nvarchar(256); "
            "host_service_pack_level nvarchar(256); host_sku int ?; os_language_version int"
        ),
        _host,
    ),
    ComputedView("sys.system_views", _OBJECT, _system_views),
    *(
        ComputedView(
            name,
            columns_of(
                "object_id int; definition nvarchar(max) ?; uses_ansi_nulls bit ?; uses_quoted_identifier bit ?; "
                "is_schema_bound bit ?"
            ),
            _modules,
        )
        for name in ("sys.sql_modules", "sys.all_sql_modules")
    ),
)

_ALL: Final = (
    *_VIEWS,
    *compatibility_views(_all_objects, _columns_rows),
    *TABLE_VIEWS,
    *PRINCIPAL_VIEWS,
    *SEQUENCE_VIEWS,
    *INFORMATION_VIEWS,
    *SESSION_VIEWS,
    *EMPTY_VIEWS,
)
SYSTEM_VIEWS: Final = {tuple(view.name.lower().split(".")): view for view in _ALL}
"""By schema and name in lower case."""
