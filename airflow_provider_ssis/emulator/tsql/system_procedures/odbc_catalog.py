"""The catalog procedures behind ODBC's and JDBC's questions about tables, columns and procedures (``SQLTables`` ...).

Names are patterns as LIKE has them, unless the caller says otherwise. The tables of the server itself show no keys and
indexes, and no table shows privileges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import INT, Column, SqlType
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import columns_of
from airflow_provider_ssis.emulator.tsql.metadata.objects import AnyView, BaseTable, Routine, UserTable
from airflow_provider_ssis.emulator.tsql.metadata.odbc_types import measures, octets, odbc_type
from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter, parse_signature
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES
from airflow_provider_ssis.emulator.tsql.system_procedures import odbc_keys
from airflow_provider_ssis.emulator.tsql.values.patterns import like

_ANY: Final = "%"
_INPUT, _BOTH, _RETURN_VALUE = 1, 2, 5
_RETURNED: Final = ProcedureParameter("@RETURN_VALUE", INT)

_TABLE: Final = "TABLE_QUALIFIER sysname ?; TABLE_OWNER sysname ?; TABLE_NAME sysname ?"
_PROCEDURE: Final = "PROCEDURE_QUALIFIER sysname ?; PROCEDURE_OWNER sysname ?; PROCEDURE_NAME nvarchar(134)"
_MEASURES: Final = (
    "DATA_TYPE smallint; TYPE_NAME sysname ?; PRECISION int ?; LENGTH int ?; SCALE smallint ?; RADIX smallint ?"
)
_DETAILS: Final = (
    "NULLABLE smallint; REMARKS varchar(254) ?; COLUMN_DEF nvarchar(4000) ?; SQL_DATA_TYPE smallint; "
    "SQL_DATETIME_SUB smallint ?; CHAR_OCTET_LENGTH int ?; ORDINAL_POSITION int; IS_NULLABLE varchar(254) ?"
)
_USER_TYPE: Final = (
    "SS_UDT_CATALOG_NAME sysname ?; SS_UDT_SCHEMA_NAME sysname ?; SS_UDT_ASSEMBLY_TYPE_NAME nvarchar(4000) ?; "
    "SS_XML_SCHEMACOLLECTION_CATALOG_NAME sysname ?; SS_XML_SCHEMACOLLECTION_SCHEMA_NAME sysname ?; "
    "SS_XML_SCHEMACOLLECTION_NAME sysname ?"
)
_SINCE_2008: Final = (
    "SS_IS_SPARSE smallint ?; SS_IS_COLUMN_SET smallint ?; SS_IS_COMPUTED smallint ?; SS_IS_IDENTITY smallint ?; "
    + _USER_TYPE
)
_TABLES: Final = columns_of(f"{_TABLE}; TABLE_TYPE varchar(32) ?; REMARKS varchar(254) ?")
_COLUMNS: Final = columns_of(f"{_TABLE}; COLUMN_NAME sysname ?; {_MEASURES}; {_DETAILS}; SS_DATA_TYPE tinyint ?")
_COLUMNS_2008: Final = columns_of(
    f"{_TABLE}; COLUMN_NAME sysname ?; {_MEASURES}; {_DETAILS}; {_SINCE_2008}; SS_DATA_TYPE tinyint ?"
)
_PROCEDURES: Final = columns_of(
    f"{_PROCEDURE}; NUM_INPUT_PARAMS int; NUM_OUTPUT_PARAMS int; NUM_RESULT_SETS int; REMARKS varchar(254) ?; "
    "PROCEDURE_TYPE smallint"
)
_PARAMETERS: Final = columns_of(
    f"{_PROCEDURE}; COLUMN_NAME sysname; COLUMN_TYPE smallint; {_MEASURES}; {_DETAILS}; SS_DATA_TYPE tinyint ?"
)
_PARAMETERS_2008: Final = columns_of(
    f"{_PROCEDURE}; COLUMN_NAME sysname; COLUMN_TYPE smallint; {_MEASURES}; {_DETAILS}; {_USER_TYPE}; "
    "SS_TYPE_CATALOG_NAME sysname ?; SS_TYPE_SCHEMA_NAME sysname ?; SS_DATA_TYPE tinyint ?"
)
_DATABASES: Final = columns_of("DATABASE_NAME sysname; DATABASE_SIZE int ?; REMARKS varchar(254) ?")

_OLD_TYPES: Final = {
    **dict.fromkeys(("varchar", "nvarchar", "sql_variant"), 39),
    **dict.fromkeys(("char", "nchar"), 47),
    **dict.fromkeys(("tinyint", "smallint", "int"), 38),
    **dict.fromkeys(("real", "float"), 109),
    **dict.fromkeys(("money", "smallmoney"), 110),
    **dict.fromkeys(("datetime", "smalldatetime"), 111),
    **dict.fromkeys(("bigint", "numeric"), 108),
    **dict.fromkeys(("uniqueidentifier", "varbinary"), 37),
    "bit": 50,
    "decimal": 106,
    "binary": 45,
}
"""The types as programs that extend the server numbered them; newer ones have no such number."""


async def tables(call: ProcedureCall) -> None:
    """``sp_tables``: tables and views; or the databases, owners or types alone, where only that one is asked for."""
    name, owner, qualifier, kinds = (
        call.arguments[key] for key in ("table_name", "table_owner", "table_qualifier", "table_type")
    )
    metadata = call.session.metadata
    rows: list[tuple[str | None, ...]]
    if qualifier == _ANY and (name, owner) == ("", ""):
        rows = [(database, None, None, None, None) for database in sorted(metadata.database_names)]
    elif owner == _ANY and (name, qualifier) == ("", ""):
        rows = [(None, schema, None, None, None) for _, schema in metadata.schemas(call.session.database)]
    elif kinds in (_ANY, "'%'") and not (name or owner or qualifier):
        rows = [(None, None, None, kind, None) for kind in ("SYSTEM TABLE", "TABLE", "VIEW")]
    else:
        wanted = None if kinds is None else {kind.strip().strip("'").upper() for kind in kinds.split(",")}
        rows = [
            (database, item.schema, item.name, kind, None)
            for database, item in _items(call, qualifier, owner, name)
            if (kind := "TABLE" if isinstance(item, BaseTable) else "VIEW") and (wanted is None or kind in wanted)
        ]
    call.result_set(_TABLES, sorted(rows, key=lambda row: tuple(value or "" for value in (row[3], *row[:3]))))


async def columns(call: ProcedureCall) -> None:
    """``sp_columns``, as it was before SQL Server 2008."""
    call.result_set(_COLUMNS, [(*before, after) for before, after in _column_rows(call)])


async def columns_2008(call: ProcedureCall) -> None:
    """``sp_columns_100``."""
    rows = [
        (*before, 0, 0, 0, int(str(before[5]).endswith("identity")), *[None] * 6, after)
        for before, after in _column_rows(call)
    ]
    call.result_set(_COLUMNS_2008, rows)


async def procedures(call: ProcedureCall) -> None:
    """``sp_stored_procedures``."""
    rows = [
        (database, item.schema, f"{item.name};1", -1, -1, -1, None, 2) for database, item in _routines(call, "sp_name")
    ]
    call.result_set(_PROCEDURES, rows)


async def parameters(call: ProcedureCall) -> None:
    """``sp_sproc_columns``, as it was before SQL Server 2008."""
    call.result_set(_PARAMETERS, [(*before, after) for before, after in _parameter_rows(call)])


async def parameters_2008(call: ProcedureCall) -> None:
    """``sp_sproc_columns_100``."""
    call.result_set(_PARAMETERS_2008, [(*before, *[None] * 8, after) for before, after in _parameter_rows(call)])


async def databases(call: ProcedureCall) -> None:
    """``sp_databases``."""
    names = sorted(call.session.metadata.database_names)
    call.result_set(_DATABASES, [(name, None, None) for name in names])


def _column_rows(call: ProcedureCall) -> Iterator[tuple[tuple[Any, ...], int]]:
    wanted = _matcher(call, call.arguments["column_name"])
    owner, name = call.arguments["table_owner"], call.arguments["table_name"]
    for database, item in _items(call, call.arguments["table_qualifier"], owner, name):
        for position, column in enumerate(item.columns, start=1):
            if wanted(column.name):
                rules = item.rules if isinstance(item, UserTable) else NO_RULES
                default = rules.default_of(column.name)
                text = None if default is None else f"({default})"
                details = _details(column.type, position, nullable=column.nullable, default=text)
                number, name_, *sizes = measures(column.type)
                name_ = "timestamp" if rules.is_row_version(column.name) else name_
                shown = f"{name_} identity" if rules.is_identity(column.name) else name_
                yield (database, item.schema, item.name, column.name, number, shown, *sizes, *details), _old(column)


def _parameter_rows(call: ProcedureCall) -> Iterator[tuple[tuple[Any, ...], int]]:
    wanted = _matcher(call, call.arguments["column_name"])
    for database, item in _routines(call, "procedure_name"):
        for position, parameter in enumerate((_RETURNED, *item.parameters)):
            if not wanted(parameter.name):
                continue
            kind = _RETURN_VALUE if parameter is _RETURNED else _BOTH if parameter.output else _INPUT
            details = _details(parameter.type, position, nullable=parameter is not _RETURNED)
            yield (
                (database, item.schema, f"{item.name};1", parameter.name, kind, *measures(parameter.type), *details),
                _OLD_TYPES.get(parameter.type.name, 0),
            )


def _details(sql_type: SqlType, position: int, *, nullable: bool, default: str | None = None) -> tuple[Any, ...]:
    odbc = odbc_type(sql_type)
    return (
        *(int(nullable), None, default, odbc.verbose_type, odbc.sub_type, octets(sql_type), position),
        "YES" if nullable else "NO",
    )


def _old(column: Column) -> int:
    return _OLD_TYPES.get(column.type.name, 0)


def _items(
    call: ProcedureCall, qualifier: str | None, owner: str | None, name: str | None
) -> Iterator[tuple[str, BaseTable | AnyView]]:
    """The tables and views of these names, each with its database."""
    metadata = call.session.metadata
    is_owner, is_name = _matcher(call, owner), _matcher(call, name)
    database = metadata.database_name(qualifier or call.session.database)
    for _, item in metadata.objects(database) if database is not None else ():
        if isinstance(item, BaseTable | AnyView) and is_owner(item.schema) and is_name(item.name):
            yield database or "", item


def _routines(call: ProcedureCall, argument: str) -> Iterator[tuple[str, Routine]]:
    """The procedures that the arguments name, by owner and name."""
    prefix = argument.removesuffix("_name")
    metadata = call.session.metadata
    name: str | None = call.arguments[argument]
    # Clients may ask with the number that the names carry in results.
    is_name = _matcher(call, None if name is None else name.removesuffix(";1"))
    is_owner = _matcher(call, call.arguments[f"{prefix}_owner"])
    database = metadata.database_name(call.arguments[f"{prefix}_qualifier"] or call.session.database)
    found = [] if database is None else [item for _, item in metadata.objects(database) if isinstance(item, Routine)]
    for item in sorted(found, key=lambda routine: (routine.schema, routine.name)):
        if is_owner(item.schema) and is_name(item.name):
            yield database or "", item


def _matcher(call: ProcedureCall, pattern: str | None) -> Any:
    """A test for names: by a pattern, or by equality if the caller says that it is not a pattern."""
    if pattern is None or pattern == _ANY:
        return lambda _: True
    if call.arguments.get("fusepattern") is False:
        return lambda name: name.casefold() == pattern.casefold()
    return lambda name: like(name, pattern)


def _nothing(result: str) -> Any:
    """The body of a procedure that finds nothing."""

    async def body(call: ProcedureCall) -> None:
        call.result_set(columns_of(result), [])

    return body


_NAMES: Final = "@{0}_owner nvarchar(384) = NULL, @{0}_qualifier nvarchar(128) = NULL"
_PATTERN: Final = "@fUsePattern bit = 1"
_TABLE_NAME: Final = f"@table_name nvarchar(384), {_NAMES.format('table')}"
_OF_TABLE: Final = f"{_TABLE_NAME}, @column_name nvarchar(384) = NULL"
_OF_PROCEDURE: Final = (
    f"@procedure_name nvarchar(390) = '%', {_NAMES.format('procedure')}, @column_name nvarchar(384) = NULL, "
    f"@ODBCVer int = 2, {_PATTERN}"
)
_KEYS: Final = (
    f"@pktable_name nvarchar(384) = NULL, {_NAMES.format('pktable')}, @fktable_name nvarchar(384) = NULL, "
    f"{_NAMES.format('fktable')}"
)
_PRIVILEGE: Final = "GRANTOR sysname ?; GRANTEE sysname; PRIVILEGE varchar(32); IS_GRANTABLE varchar(3) ?"
_STATISTICS: Final = (
    f"{_TABLE_NAME}, @index_name nvarchar(128) = '%', @is_unique char(1) = 'N', @accuracy char(1) = 'Q'"
)
_SPECIAL: Final = (
    f"{_TABLE_NAME}, @col_type char(1) = 'R', @scope char(1) = 'T', @nullable char(1) = 'U', @ODBCVer int = 2"
)

_SIGNATURES: Final[tuple[tuple[str, str, Any], ...]] = (
    (
        "sp_tables",
        f"@table_name nvarchar(384) = NULL, {_NAMES.format('table')}, @table_type varchar(100) = NULL, {_PATTERN}",
        tables,
    ),
    ("sp_columns", f"{_OF_TABLE}, @ODBCVer int = 2", columns),
    ("sp_columns_90", f"{_OF_TABLE}, @ODBCVer int = 2, {_PATTERN}", columns),
    ("sp_columns_100", f"{_OF_TABLE}, @NameScope int = 0, @ODBCVer int = 2, {_PATTERN}", columns_2008),
    ("sp_stored_procedures", f"@sp_name nvarchar(390) = NULL, {_NAMES.format('sp')}, {_PATTERN}", procedures),
    ("sp_sproc_columns", _OF_PROCEDURE, parameters),
    ("sp_sproc_columns_90", _OF_PROCEDURE, parameters),
    ("sp_sproc_columns_100", _OF_PROCEDURE, parameters_2008),
    ("sp_databases", "", databases),
    ("sp_pkeys", _TABLE_NAME, odbc_keys.primary_keys),
    ("sp_fkeys", _KEYS, odbc_keys.foreign_keys),
    *((name, _STATISTICS, odbc_keys.statistics) for name in ("sp_statistics", "sp_statistics_100")),
    *(
        (name, _SPECIAL, odbc_keys.special_columns)
        for name in ("sp_special_columns", "sp_special_columns_90", "sp_special_columns_100")
    ),
    ("sp_table_privileges", f"{_TABLE_NAME}, {_PATTERN}", _nothing(f"{_TABLE}; {_PRIVILEGE}")),
    ("sp_column_privileges", _OF_TABLE, _nothing(f"{_TABLE}; COLUMN_NAME sysname; {_PRIVILEGE}")),
)

PROCEDURES: Final = tuple(
    Procedure("master", "sys", name, parse_signature(signature), body) for name, signature, body in _SIGNATURES
)
