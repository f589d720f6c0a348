"""The procedures that drivers call by themselves: data types, columns of a batch, parameters of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import BIT, INT, MAX, SMALLINT, TINYINT, Column, SqlType
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import is_local
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserFunction, UserProcedure, UserView
from airflow_provider_ssis.emulator.tsql.metadata.odbc_types import ODBC_TYPES, RADIX_TWO
from airflow_provider_ssis.emulator.tsql.metadata.signatures import ProcedureParameter, parse_signature
from airflow_provider_ssis.emulator.tsql.metadata.system_views import COLLATION
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import TABLE_TYPE_ID, facets, type_id
from airflow_provider_ssis.emulator.tsql.system_procedures import describe
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

NAME: Final = SqlType("nvarchar", length=128)
_SHORT_TEXT: Final = SqlType("varchar", length=32)

_TYPE_COLUMNS: Final = (
    Column("TYPE_NAME", NAME, nullable=False),
    Column("DATA_TYPE", SMALLINT, nullable=False),
    Column("PRECISION", INT),
    Column("LITERAL_PREFIX", _SHORT_TEXT),
    Column("LITERAL_SUFFIX", _SHORT_TEXT),
    Column("CREATE_PARAMS", _SHORT_TEXT),
    Column("NULLABLE", SMALLINT, nullable=False),
    Column("CASE_SENSITIVE", SMALLINT, nullable=False),
    Column("SEARCHABLE", SMALLINT, nullable=False),
    Column("UNSIGNED_ATTRIBUTE", SMALLINT),
    Column("MONEY", SMALLINT, nullable=False),
    Column("AUTO_INCREMENT", SMALLINT),
    Column("LOCAL_TYPE_NAME", NAME),
    Column("MINIMUM_SCALE", SMALLINT),
    Column("MAXIMUM_SCALE", SMALLINT),
    Column("SQL_DATA_TYPE", SMALLINT, nullable=False),
    Column("SQL_DATETIME_SUB", SMALLINT),
    Column("NUM_PREC_RADIX", INT),
    Column("INTERVAL_PRECISION", SMALLINT),
    Column("USERTYPE", SMALLINT),
)


async def type_information(call: ProcedureCall) -> None:
    """``sp_datatype_info``: the types as ODBC sees them; all of them for 0."""
    wanted = call.arguments["data_type"]
    call.result_set(_TYPE_COLUMNS, [row for row in _type_rows() if wanted in (0, None, row[1])])


def _type_rows() -> Iterator[tuple[Any, ...]]:
    for name, odbc, precision, prefix, suffix, create, searchable, unsigned, scale, verbose, sub in ODBC_TYPES:
        radix = None if unsigned is None else 2 if name in RADIX_TWO else 10
        yield (
            *(name, odbc, precision, prefix, suffix, create, 1, 0, searchable, unsigned, int("money" in name)),
            *(None if unsigned is None else 0, name, None if scale is None else 0, scale, verbose, sub, radix, None, 0),
        )


# --- parameters and results of a batch

_XML: Final = (
    Column("xml_collection_id", INT),
    Column("xml_collection_database", NAME),
    Column("xml_collection_schema", NAME),
    Column("xml_collection_name", NAME),
)


def _type_columns(prefix: str) -> tuple[Column, ...]:
    named = (
        Column("system_type_id", INT, nullable=False),
        Column("system_type_name", SqlType("nvarchar", length=256)),
        Column("max_length", SMALLINT, nullable=False),
        Column("precision", TINYINT, nullable=False),
        Column("scale", TINYINT, nullable=False),
    )
    return tuple(Column(prefix + column.name, column.type, column.nullable) for column in named)


def _user_type_columns(prefix: str) -> tuple[Column, ...]:
    named = (
        Column("user_type_id", INT),
        Column("user_type_database", NAME),
        Column("user_type_schema", NAME),
        Column("user_type_name", NAME),
        Column("assembly_qualified_type_name", SqlType("nvarchar", length=4000)),
        *_XML,
        Column("is_xml_document", BIT, nullable=False),
        Column("is_case_sensitive", BIT, nullable=False),
        Column("is_fixed_length_clr_type", BIT, nullable=False),
    )
    return tuple(Column(prefix + column.name, column.type, column.nullable) for column in named)


_RESULT_COLUMNS: Final = (
    Column("is_hidden", BIT, nullable=False),
    Column("column_ordinal", INT, nullable=False),
    Column("name", NAME),
    Column("is_nullable", BIT, nullable=False),
    *_type_columns(""),
    Column("collation_name", NAME),
    *_user_type_columns(""),
    Column("source_server", NAME),
    Column("source_database", NAME),
    Column("source_schema", NAME),
    Column("source_table", NAME),
    Column("source_column", NAME),
    Column("is_identity_column", BIT),
    Column("is_part_of_unique_key", BIT),
    Column("is_updateable", BIT),
    Column("is_computed_column", BIT),
    Column("is_sparse_column_set", BIT),
    Column("ordinal_in_order_by_list", SMALLINT),
    Column("order_by_list_length", SMALLINT),
    Column("order_by_is_descending", SMALLINT),
    Column("tds_type_id", INT, nullable=False),
    Column("tds_length", INT, nullable=False),
    Column("tds_collation_id", INT),
    Column("tds_collation_sort_id", TINYINT),
)

_PARAMETER_COLUMNS: Final = (
    Column("parameter_ordinal", INT, nullable=False),
    Column("name", NAME, nullable=False),
    *_type_columns("suggested_"),
    *_user_type_columns("suggested_"),
    Column("suggested_is_input", BIT, nullable=False),
    Column("suggested_is_output", BIT, nullable=False),
    Column("formal_parameter_name", NAME),
    Column("suggested_tds_type_id", INT, nullable=False),
    Column("suggested_tds_length", INT, nullable=False),
)

_NO_USER_TYPE: Final = (None,) * 9 + (False, False, False)
_PROTOCOL_TYPES: Final = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), 38),
    **dict.fromkeys(("real", "float"), 109),
    **dict.fromkeys(("money", "smallmoney"), 110),
    **dict.fromkeys(("datetime", "smalldatetime"), 111),
}
"""The types that the protocol sends under another number than ``sys.types`` has."""

_LONGEST: Final = 65535
_CHARACTERS: Final = ("char", "varchar", "nchar", "nvarchar", "text", "ntext")


def _type_values(call: ProcedureCall, sql_type: SqlType) -> tuple[tuple[Any, ...], tuple[int, int]]:
    """What ``_type_columns`` names, and the number and length of the type in the protocol."""
    session = call.session
    name = sql_type.name if sql_type.schema is None else f"{sql_type.schema}.{sql_type.name}"
    number = type_id(session.metadata, session.database, name) or 0
    length, precision, scale = facets(sql_type)
    return (
        (number, str(sql_type), length, precision, scale),
        (_PROTOCOL_TYPES.get(sql_type.name, number), _LONGEST if length == MAX else length),
    )


async def first_result_set(call: ProcedureCall) -> None:
    """``sp_describe_first_result_set``."""
    columns = describe.first_result_set(call.session, _batch(call), _declared(call))
    rows = []
    for ordinal, column in enumerate(columns, start=1):
        kind, in_protocol = _type_values(call, column.type)
        collation = COLLATION if column.type.name in _CHARACTERS else None
        rows.append(
            (False, ordinal, column.name or None, column.nullable, *kind, collation, *_NO_USER_TYPE)
            + (None,) * 5
            + (False, False, False, False, False, None, None, None, *in_protocol, None, None)
        )
    call.result_set(_RESULT_COLUMNS, rows)


async def undeclared_parameters(call: ProcedureCall) -> None:
    """``sp_describe_undeclared_parameters``: the types that the places of the parameters ask for."""
    rows = []
    found = describe.undeclared_parameters(call.session, _batch(call), _declared(call))
    for ordinal, (name, sql_type) in enumerate(found.items(), start=1):
        kind, in_protocol = _type_values(call, sql_type)
        if sql_type.schema is None:
            user_type: tuple[Any, ...] = _NO_USER_TYPE
        else:
            # A table-valued parameter: a driver that sends its rows needs the name of the type.
            named = (kind[0], call.session.database, sql_type.schema, sql_type.name)
            user_type = (*named, *_NO_USER_TYPE[len(named) :])
            kind = (TABLE_TYPE_ID, None, -1, 0, 0)
            in_protocol = (TABLE_TYPE_ID, _LONGEST)
        rows.append((ordinal, name, *kind, *user_type, True, False, None, *in_protocol))
    call.result_set(_PARAMETER_COLUMNS, rows)


def _batch(call: ProcedureCall) -> str:
    text = call.arguments["tsql"]
    if text is None:
        raise SqlError(214, "Procedure expects parameter '@tsql' of type 'nvarchar(max)'.", state=2)
    return str(text)


def _declared(call: ProcedureCall) -> tuple[ProcedureParameter, ...]:
    try:
        return parse_signature(call.arguments["params"] or "")
    except ValueError as error:
        raise SqlError(102, f"Incorrect syntax in the declaration of parameters: {error}.", severity=15) from None


# --- prepared statements and connections


async def table_collations(call: ProcedureCall) -> None:
    """``sp_tablecollations_100``: the collation of each column, which a bulk load asks for."""
    session = call.session
    parts = split_name(str(call.arguments["object"] or ""))
    if is_local(parts):
        table = session.temporary_tables.get(parts[-1].lower())
        columns = () if table is None else table.columns
    else:
        relation = session.metadata.relation(*qualified(parts, session.database))
        columns = () if relation is None else relation.columns
    rows = [
        (
            *(place, column.name),
            *((WIRE_COLLATION, WIRE_COLLATION, COLLATION) if column.type.name in _CHARACTERS else (None, None, None)),
        )
        for place, column in enumerate(columns, start=1)
    ]
    call.result_set(_COLLATION_COLUMNS, rows)


async def help_text(call: ProcedureCall) -> None:
    """``sp_helptext``: the lines of the statement that created a view, procedure or function."""
    session, name = call.session, str(call.arguments["objname"] or "")
    item = session.metadata.item(*qualified(split_name(name), session.database))
    if item is None:
        raise SqlError(15009, f"The object '{name}' does not exist in database '{session.database}'.")
    if not isinstance(item, UserView | UserProcedure | UserFunction):
        raise SqlError(15197, f"There is no text for object '{name}'.")
    lines = [(line + "\r\n",) for line in item.definition.splitlines()]
    call.result_set((Column("Text", SqlType("nvarchar", length=4000)),), lines)


async def unprepare(call: ProcedureCall) -> None:
    """``sp_unprepare``."""
    call.session.forget(call.arguments["handle"])


async def reset_connection(call: ProcedureCall) -> None:
    """``sp_reset_connection``."""
    call.session.reset()


_COLLATION_COLUMNS: Final = (
    Column("colid", INT, nullable=False),
    Column("name", NAME, nullable=False),
    Column("tds_collation_28", SqlType("binary", length=5)),
    Column("tds_collation_90", SqlType("binary", length=5)),
    Column("collation", NAME),
)
WIRE_COLLATION: Final = bytes((0x09, 0x04, 0xD0, 0x00, 0x34))
"""The server's collation as the protocol has it."""

_BATCH: Final = "@tsql nvarchar(max), @params nvarchar(max) = NULL, @browse_information_mode tinyint = 0"

PROCEDURES: Final = (
    *(
        Procedure("master", "sys", name, parse_signature("@data_type int = 0, @ODBCVer tinyint = 2"), type_information)
        for name in ("sp_datatype_info", "sp_datatype_info_90", "sp_datatype_info_100")
    ),
    Procedure("master", "sys", "sp_describe_first_result_set", parse_signature(_BATCH), first_result_set),
    Procedure(
        "master",
        "sys",
        "sp_describe_undeclared_parameters",
        parse_signature("@tsql nvarchar(max), @params nvarchar(max) = NULL"),
        undeclared_parameters,
    ),
    *(
        Procedure("master", "sys", name, parse_signature("@object nvarchar(4000)"), table_collations)
        for name in ("sp_tablecollations", "sp_tablecollations_90", "sp_tablecollations_100")
    ),
    Procedure("master", "sys", "sp_helptext", parse_signature("@objname nvarchar(776)"), help_text),
    Procedure("master", "sys", "sp_unprepare", parse_signature("@handle int"), unprepare),
    Procedure("master", "sys", "sp_reset_connection", (), reset_connection),
)
