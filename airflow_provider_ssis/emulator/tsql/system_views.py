"""The views of schema ``sys`` and of ``INFORMATION_SCHEMA`` that tools ask, computed from the metadata.

Only columns that clients use are here; a column that is missing gets error 207, as any other unknown column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata import Metadata, Routine, Table, View, object_kind
from airflow_provider_ssis.emulator.tsql.type_catalog import TABLE_TYPE_ID, TYPE_IDS, TYPES, facets, type_id

COLLATION: Final = "SQL_Latin1_General_CP1_CI_AS"
"""The collation that the server claims."""

_KIND_TEXT: Final = {"U ": "USER_TABLE", "V ": "VIEW", "P ": "SQL_STORED_PROCEDURE"}


@dataclass(frozen=True, slots=True)
class SystemView:
    """One system view.

    :param rows: its rows for a database, in the order of the columns.
    :param fresh: the rows do not follow from the metadata alone and are asked for anew each time.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[Metadata, str], Iterator[tuple[Any, ...]]]
    fresh: bool = False

    def reader(self, metadata: Metadata, database: str, position: int) -> Callable[[Mapping[str, Any]], list[Any]]:
        """What gives the values of one column, from 1, when a query runs."""

        def read(values: Mapping[str, Any]) -> list[Any]:
            rows = (
                list(self.rows(metadata, database))
                if self.fresh
                else metadata.remembered(self.name, database, self.rows)
            )
            return [row[position - 1] for row in rows]

        return read


def _columns(text: str) -> tuple[Column, ...]:
    """Columns as ``name type`` with a ``?`` behind the nullable ones, separated by semicolons."""
    columns = []
    for part in text.split(";"):
        name, type_text = part.split(maxsplit=1)
        columns.append(Column(name, SqlType.parse(type_text.rstrip("? \n")), nullable=type_text.rstrip().endswith("?")))
    return tuple(columns)


def _databases(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, name in enumerate(metadata.database_names, start=1):
        yield (
            name,
            number,
            None,
            b"\x01",
            metadata.created,
            150,
            COLLATION,
            0,
            "MULTI_USER",
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
    return item.name, number, None, schema_id, 0, kind, _KIND_TEXT[kind], metadata.created, metadata.created, False


def _objects_of(*kinds: type) -> Callable[[Metadata, str], Iterator[tuple[Any, ...]]]:
    def rows(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
        for number, item in metadata.objects(database):
            if isinstance(item, kinds):
                yield _object(metadata, database, number, item)

    return rows


def _column_owners(metadata: Metadata, database: str) -> Iterator[tuple[int, str, str, tuple[Column, ...]]]:
    for number, item in metadata.objects(database):
        if isinstance(item, Table | View):
            yield number, item.schema, item.name, item.columns
    for number, table_type in metadata.table_types(database):
        yield -number, table_type.schema, table_type.name, table_type.columns


def _columns_rows(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, _, _, columns in _column_owners(metadata, database):
        for position, column in enumerate(columns, start=1):
            size, precision, scale = facets(column.type)
            type_number = TYPE_IDS[column.type.name]
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
                False,
                False,
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
                yield (
                    *(number, parameter.name, position, type_number, type_number, size, precision, scale),
                    *(parameter.output, parameter.has_default, None, False),
                )


def _server_principals(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    texts = {"S": "SQL_LOGIN", "R": "SERVER_ROLE", "U": "WINDOWS_LOGIN", "G": "WINDOWS_GROUP"}
    for item in metadata.server_principals():
        yield (
            item.name,
            item.id,
            item.sid,
            item.kind,
            texts.get(item.kind, ""),
            item.disabled,
            metadata.created,
            metadata.created,
            "master",
            item.kind == "R",
        )


def _database_principals(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    texts = {"S": "SQL_USER", "R": "DATABASE_ROLE", "U": "WINDOWS_USER", "G": "WINDOWS_GROUP"}
    for item in metadata.database_principals(database):
        yield (
            item.name,
            item.id,
            item.kind,
            texts.get(item.kind, ""),
            "dbo",
            metadata.created,
            metadata.created,
            item.sid,
            item.fixed_role,
        )


def _configurations(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, name, value in ((1562, "clr enabled", 1), (518, "show advanced options", 1), (16390, "xp_cmdshell", 0)):
        yield number, name, value, 0, 1, value, name, True, False


def _information_tables(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, Table | View):
            yield database, item.schema, item.name, "BASE TABLE" if isinstance(item, Table) else "VIEW"


def _information_views(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, View):
            yield database, item.schema, item.name, None, "NONE", "NO"


def _information_type(type: SqlType) -> tuple[Any, ...]:  # noqa: A002 - the field's own word
    """The columns from DATA_TYPE to DATETIME_PRECISION."""
    size, precision, scale = facets(type)
    if type.length is not None:
        return type.name, type.length, size, None, None, None, None
    if type.name in ("date", "time", "datetime", "datetime2", "datetimeoffset", "smalldatetime"):
        return type.name, None, None, None, None, None, scale
    if (
        type.name in ("bit", "uniqueidentifier", "sql_variant", "xml", "text", "ntext", "image")
        or type.schema is not None
    ):
        return type.name, None, None, None, None, None, None
    radix = 2 if type.name in ("float", "real") else 10
    return type.name, None, None, precision, radix, None if radix == 2 else scale, None


def _information_columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for number, schema, name, columns in _column_owners(metadata, database):
        if number > 0:
            for position, column in enumerate(columns, start=1):
                collation = COLLATION if "char" in column.type.name else None
                nullable = "YES" if column.nullable else "NO"
                yield (
                    database,
                    schema,
                    name,
                    column.name,
                    position,
                    None,
                    nullable,
                    *_information_type(column.type),
                    collation,
                )


def _information_routines(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, Routine):
            yield (
                database,
                item.schema,
                item.name,
                database,
                item.schema,
                item.name,
                "PROCEDURE",
                None,
                metadata.created,
            )


def _information_parameters(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, Routine):
            for position, parameter in enumerate(item.parameters, start=1):
                mode = "INOUT" if parameter.output else "IN"
                yield (
                    database,
                    item.schema,
                    item.name,
                    position,
                    mode,
                    "NO",
                    parameter.name,
                    *_information_type(parameter.type),
                )


def _information_schemata(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, name in metadata.schemas(database):
        yield database, name, "dbo"


def _nothing(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    return iter(())


_OBJECT = _columns(
    "name sysname; object_id int; principal_id int ?; schema_id int; parent_object_id int; type char(2); type_desc "
    "nvarchar(60) ?; create_date datetime; modify_date datetime; is_ms_shipped bit"
)
_INFORMATION_TYPE: Final = (
    "DATA_TYPE nvarchar(128) ?; CHARACTER_MAXIMUM_LENGTH int ?; CHARACTER_OCTET_LENGTH int ?; NUMERIC_PRECISION "
    "tinyint ?; NUMERIC_PRECISION_RADIX smallint ?; NUMERIC_SCALE int ?; DATETIME_PRECISION smallint ?"
)


def _view(name: str, columns: str | tuple[Column, ...], rows: Any, *, fresh: bool = False) -> SystemView:
    return SystemView(name, columns if isinstance(columns, tuple) else _columns(columns), rows, fresh)


_VIEWS: Final = (
    _view(
        "sys.databases",
        "name sysname; database_id int; source_database_id int ?; owner_sid varbinary(85) ?; create_date datetime; "
        "compatibility_level tinyint; collation_name sysname ?; user_access tinyint ?; user_access_desc nvarchar(60) "
        "?; is_read_only bit; is_auto_close_on bit; state tinyint ?; state_desc nvarchar(60) ?; is_in_standby bit; "
        "recovery_model tinyint ?; recovery_model_desc nvarchar(60) ?; is_trustworthy_on bit; "
        "is_read_committed_snapshot_on bit ?; is_broker_enabled bit",
        _databases,
    ),
    _view("sys.schemas", "name sysname; schema_id int; principal_id int ?", _schemas),
    _view("sys.objects", _OBJECT, _objects_of(Table, View, Routine)),
    _view("sys.all_objects", _OBJECT, _objects_of(Table, View, Routine)),
    _view("sys.tables", _OBJECT, _objects_of(Table)),
    _view("sys.views", _OBJECT, _objects_of(View)),
    _view("sys.all_views", _OBJECT, _objects_of(View)),
    _view("sys.procedures", _OBJECT, _objects_of(Routine)),
    *(
        _view(
            name,
            "object_id int; name sysname ?; column_id int; system_type_id tinyint; user_type_id int; max_length "
            "smallint; precision tinyint; scale tinyint; collation_name sysname ?; is_nullable bit ?; is_identity "
            "bit; is_computed bit",
            _columns_rows,
        )
        for name in ("sys.columns", "sys.all_columns")
    ),
    _view(
        "sys.types",
        "name sysname; system_type_id tinyint; user_type_id int; schema_id int; principal_id int ?; max_length "
        "smallint; precision tinyint; scale tinyint; collation_name sysname ?; is_nullable bit ?; is_user_defined "
        "bit; is_assembly_type bit; is_table_type bit",
        _types,
    ),
    _view(
        "sys.table_types",
        "name sysname; user_type_id int; schema_id int; type_table_object_id int; is_table_type bit",
        _table_types,
    ),
    *(
        _view(
            name,
            "object_id int; name sysname ?; parameter_id int; system_type_id tinyint; user_type_id int; max_length "
            "smallint; precision tinyint; scale tinyint; is_output bit; has_default_value bit; default_value "
            "nvarchar(4000) ?; is_readonly bit",
            _parameters,
        )
        for name in ("sys.parameters", "sys.all_parameters")
    ),
    _view(
        "sys.server_principals",
        "name sysname; principal_id int; sid varbinary(85) ?; type char(1); type_desc nvarchar(60) ?; is_disabled bit "
        "?; create_date datetime; modify_date datetime; default_database_name sysname ?; is_fixed_role bit",
        _server_principals,
        fresh=True,
    ),
    _view(
        "sys.database_principals",
        "name sysname; principal_id int; type char(1); type_desc nvarchar(60) ?; default_schema_name sysname ?; "
        "create_date datetime; modify_date datetime; sid varbinary(85) ?; is_fixed_role bit",
        _database_principals,
        fresh=True,
    ),
    _view(
        "sys.configurations",
        "configuration_id int; name nvarchar(35); value int ?; minimum int ?; maximum int ?; value_in_use int ?; "
        "description nvarchar(255); is_dynamic bit; is_advanced bit",
        _configurations,
    ),
    _view("sys.synonyms", _OBJECT, _nothing),
    _view("sys.triggers", _OBJECT, _nothing),
    _view(
        "sys.indexes",
        "object_id int; name sysname ?; index_id int; type tinyint; type_desc nvarchar(60) ?; is_unique bit ?; "
        "is_primary_key bit ?",
        _nothing,
    ),
    _view(
        "INFORMATION_SCHEMA.TABLES",
        "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA sysname ?; TABLE_NAME sysname; TABLE_TYPE varchar(10) ?",
        _information_tables,
    ),
    _view(
        "INFORMATION_SCHEMA.VIEWS",
        "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA sysname ?; TABLE_NAME sysname; VIEW_DEFINITION nvarchar(4000) ?; "
        "CHECK_OPTION varchar(7) ?; IS_UPDATABLE varchar(2)",
        _information_views,
    ),
    _view(
        "INFORMATION_SCHEMA.COLUMNS",
        "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA sysname ?; TABLE_NAME sysname; COLUMN_NAME sysname ?; "
        f"ORDINAL_POSITION int ?; COLUMN_DEFAULT nvarchar(4000) ?; IS_NULLABLE varchar(3) ?; {_INFORMATION_TYPE}; "
        "COLLATION_NAME sysname ?",
        _information_columns,
    ),
    _view(
        "INFORMATION_SCHEMA.ROUTINES",
        "SPECIFIC_CATALOG nvarchar(128) ?; SPECIFIC_SCHEMA sysname ?; SPECIFIC_NAME sysname; ROUTINE_CATALOG "
        "nvarchar(128) ?; ROUTINE_SCHEMA sysname ?; ROUTINE_NAME sysname; ROUTINE_TYPE nvarchar(20) ?; DATA_TYPE "
        "sysname ?; CREATED datetime",
        _information_routines,
    ),
    _view(
        "INFORMATION_SCHEMA.PARAMETERS",
        "SPECIFIC_CATALOG nvarchar(128) ?; SPECIFIC_SCHEMA sysname ?; SPECIFIC_NAME sysname; ORDINAL_POSITION int; "
        f"PARAMETER_MODE nvarchar(10) ?; IS_RESULT nvarchar(10) ?; PARAMETER_NAME sysname ?; {_INFORMATION_TYPE}",
        _information_parameters,
    ),
    _view(
        "INFORMATION_SCHEMA.SCHEMATA",
        "CATALOG_NAME sysname ?; SCHEMA_NAME sysname; SCHEMA_OWNER sysname ?",
        _information_schemata,
    ),
)

SYSTEM_VIEWS: Final = {tuple(view.name.lower().split(".")): view for view in _VIEWS}
"""By schema and name in lower case."""
