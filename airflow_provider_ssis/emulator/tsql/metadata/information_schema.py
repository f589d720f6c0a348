"""The views of INFORMATION_SCHEMA that tools ask, computed from the metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import ComputedView, columns_of
from airflow_provider_ssis.emulator.tsql.metadata.objects import AnyView, BaseTable, Routine, UserTable, UserView
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import COLLATION, facets


def _tables(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, BaseTable | AnyView):
            yield database, item.schema, item.name, "BASE TABLE" if isinstance(item, BaseTable) else "VIEW"


def _views(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, AnyView):
            definition = item.definition if isinstance(item, UserView) else None
            yield database, item.schema, item.name, definition, "NONE", "NO"


def _type(type: SqlType) -> tuple[Any, ...]:  # noqa: A002 - the field's own word
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


_ROW_VERSION: Final = ("timestamp", None, None, None, None, None, None)


def _is_row_version(item: object, column: str) -> bool:
    return isinstance(item, UserTable) and item.rules.is_row_version(column)


def _columns(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, item in metadata.objects(database):
        if isinstance(item, BaseTable | AnyView):
            for position, column in enumerate(item.columns, start=1):
                collation = COLLATION if "char" in column.type.name else None
                nullable = "YES" if column.nullable else "NO"
                default = item.rules.default_of(column.name) if isinstance(item, UserTable) else None
                yield (
                    database,
                    item.schema,
                    item.name,
                    column.name,
                    position,
                    None if default is None else f"({default})",
                    nullable,
                    *(_ROW_VERSION if _is_row_version(item, column.name) else _type(column.type)),
                    collation,
                )


def _routines(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
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


def _parameters(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
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
                    *_type(parameter.type),
                )


def _schemata(metadata: Metadata, database: str) -> Iterator[tuple[Any, ...]]:
    for _, name in metadata.schemas(database):
        yield database, name, "dbo"


_INFORMATION_TYPE: Final = (
    "DATA_TYPE nvarchar(128) ?; CHARACTER_MAXIMUM_LENGTH int ?; CHARACTER_OCTET_LENGTH int ?; NUMERIC_PRECISION "
    "tinyint ?; NUMERIC_PRECISION_RADIX smallint ?; NUMERIC_SCALE int ?; DATETIME_PRECISION smallint ?"
)

INFORMATION_VIEWS: Final = (
    ComputedView(
        "INFORMATION_SCHEMA.TABLES",
        columns_of(
            "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA sysname ?; TABLE_NAME sysname; TABLE_TYPE varchar(10) ?"
        ),
        _tables,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.VIEWS",
        columns_of(
            "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA sysname ?; TABLE_NAME sysname; VIEW_DEFINITION "
            "nvarchar(4000) ?; CHECK_OPTION varchar(7) ?; IS_UPDATABLE varchar(2)"
        ),
        _views,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.COLUMNS",
        columns_of(
            "TABLE_CATALOG nvarchar(128) ?; TABLE_SCHEMA sysname ?; TABLE_NAME sysname; COLUMN_NAME sysname ?; "
            "ORDINAL_POSITION int ?; COLUMN_DEFAULT nvarchar(4000) ?; IS_NULLABLE varchar(3) ?; "
            f"{_INFORMATION_TYPE}; COLLATION_NAME sysname ?"
        ),
        _columns,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.ROUTINES",
        columns_of(
            "SPECIFIC_CATALOG nvarchar(128) ?; SPECIFIC_SCHEMA sysname ?; SPECIFIC_NAME sysname; ROUTINE_CATALOG "
            "nvarchar(128) ?; ROUTINE_SCHEMA sysname ?; ROUTINE_NAME sysname; ROUTINE_TYPE nvarchar(20) ?; DATA_TYPE "
            "sysname ?; CREATED datetime"
        ),
        _routines,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.PARAMETERS",
        columns_of(
            "SPECIFIC_CATALOG nvarchar(128) ?; SPECIFIC_SCHEMA sysname ?; SPECIFIC_NAME sysname; ORDINAL_POSITION "
            "int; PARAMETER_MODE nvarchar(10) ?; IS_RESULT nvarchar(10) ?; PARAMETER_NAME sysname ?; "
            f"{_INFORMATION_TYPE}"
        ),
        _parameters,
    ),
    ComputedView(
        "INFORMATION_SCHEMA.SCHEMATA",
        columns_of("CATALOG_NAME sysname ?; SCHEMA_NAME sysname; SCHEMA_OWNER sysname ?"),
        _schemata,
    ),
)
