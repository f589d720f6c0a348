"""Functions of metadata, session and server, and other functions."""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.datatypes import (
    INT,
    MAX,
    SQL_VARIANT,
    UNIQUEIDENTIFIER,
    SqlType,
    Variant,
)
from airflow_provider_ssis.emulator.tsql.metadata import type_catalog
from airflow_provider_ssis.emulator.tsql.metadata.names import is_global, qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.object_properties import (
    column_name,
    column_property,
    object_definition,
    object_property,
)
from airflow_provider_ssis.emulator.tsql.query.functions import session_values
from airflow_provider_ssis.emulator.tsql.query.functions.session_values import NAME
from airflow_provider_ssis.emulator.tsql.query.functions.table import Function, Plain, taken
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.code_page import encoded
from airflow_provider_ssis.emulator.tsql.values.conversion import try_convert
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import FIXED_WIDTH, STRINGS, UNICODE, family

if TYPE_CHECKING:
    from sqlglot import exp

    from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_HASHES: Final = {
    "md5": hashlib.md5,
    "sha": hashlib.sha1,
    "sha1": hashlib.sha1,
    "sha2_256": hashlib.sha256,
    "sha2_512": hashlib.sha512,
}
_SIZES: Final = {
    "bit": 1,
    "tinyint": 1,
    "smallint": 2,
    "int": 4,
    "bigint": 8,
    "real": 4,
    "float": 8,
    "smallmoney": 4,
    "money": 8,
    "uniqueidentifier": 16,
    "date": 3,
    "datetime": 8,
    "smalldatetime": 4,
}


def _hashbytes(algorithm: str, data: bytes) -> bytes | None:
    function = _HASHES.get(algorithm.lower())
    return function(data).digest() if function is not None else None


def size_of(value: Any, type: SqlType) -> int:  # noqa: A002 - the field's own word
    """``DATALENGTH`` of a value that is not NULL: its bytes in SQL Server."""
    if type.name == "sql_variant":
        return size_of(value.value, value.type)
    if type.name in STRINGS:
        length = type.length or 0 if type.name in FIXED_WIDTH else len(value)
        if type.name in UNICODE:
            return length * 2 if type.name in FIXED_WIDTH else len(value.encode("utf-16-le", "surrogatepass"))
        return length
    if family(type) == "binary":
        return len(value)
    return _SIZES.get(type.name) or type_catalog.facets(type)[0]


def _datalength(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    value = binder.value(nodes[0])
    result = SqlType("bigint") if value.type.length == -1 else INT
    return binder.call("datalength", lambda given: size_of(given, value.type), [value], result)


def _property(variant: Variant | None, name: str | None) -> Variant | None:
    """``SQL_VARIANT_PROPERTY``."""
    if variant is None or name is None:
        return None
    size, precision, scale = type_catalog.facets(variant.type)
    match name.lower():
        case "basetype":
            return Variant(NAME, variant.type.name)
        case "precision":
            return Variant(INT, precision)
        case "scale":
            return Variant(INT, scale)
        case "maxlength":
            return Variant(INT, size)
        case "totalbytes":
            return Variant(INT, size_of(variant.value, variant.type) + _overhead(variant.type))
        case "collation":
            return Variant(NAME, type_catalog.COLLATION) if variant.type.name in STRINGS else None
        case _:
            return None


def _overhead(type: SqlType) -> int:  # noqa: A002 - the field's own word
    if type.name in STRINGS:
        return 8
    return 4 if type.length is not None or type.precision is not None else 3 if type.scale is not None else 2


def _variant_property(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    value, name = binder.values(nodes)
    variant = coerced(binder, value, SQL_VARIANT)
    text = taken(binder, name, "text", "sql_variant_property", 2)
    return binder.call("sql_variant_property", _property, [variant, text], SQL_VARIANT, strict=False)


def _isnumeric(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    value = binder.value(nodes[0])
    given = value.type

    def test(item: Any) -> int:
        if item is None:
            return 0
        if family(given) == "number":
            return int(given.name != "bit")
        if given.name not in STRINGS or not item.strip():
            return 0
        if item.strip() in _ALONE:
            return 1
        targets = (SqlType("float"), SqlType("money"), SqlType("decimal", precision=38, scale=0))
        return int(any(try_convert(item, given, target) is not None for target in targets))

    return binder.call("isnumeric", test, [value], INT, strict=False)


_ALONE: Final = ("+", "-", ".", ",", "$")
"""Characters that ISNUMERIC accepts alone."""


def _newid(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    # A new one for each row in a query: DuckDB's own, unlike a value computed before the query runs.
    return Typed("uuid()", UNIQUEIDENTIFIER, nullable=False, evaluate=lambda values: uuid.uuid4())


def _checksum(*values: Any) -> int:
    """``CHECKSUM``: equal for values that compare as equal. Of whole numbers, it is what SQL Server computes."""
    return _signed(reduce(lambda sum_, value: _rotated(sum_) ^ _sum_of(value, folds=True), values, 0))


def _binary_checksum(*values: Any) -> int:
    """``BINARY_CHECKSUM``: differs for texts that differ in case."""
    return _signed(reduce(lambda sum_, value: _rotated(sum_) ^ _sum_of(value, folds=False), values, 0))


def _rotated(number: int) -> int:
    return ((number << 4) | (number >> 28)) & 0xFFFFFFFF


def _signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number


def _sum_of(value: Any, *, folds: bool) -> int:
    if value is None:
        return 0x7FFFFFFF
    if isinstance(value, int):
        return int(value) & 0xFFFFFFFF if -(2**31) <= value < 2**31 else zlib.crc32(str(value).encode())
    if folds:
        return zlib.crc32(str(value).rstrip(" ").lower().encode())
    data = value if isinstance(value, bytes) else encoded(str(value).rstrip(" "))
    return reduce(lambda sum_, byte: _rotated(sum_) ^ byte, data, 0)


def _of_metadata(
    name: str,
    kinds: Sequence[str],
    result: SqlType,
    compute: Callable[..., Any],
    *,
    least: int | None = None,
) -> Function:
    """A function of the metadata and the current database.

    :param compute: gets the metadata, the current database, and the arguments.
    """

    def rule(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
        metadata, database = binder.compilation.metadata, binder.compilation.database
        arguments = [
            taken(binder, binder.value(node), kind, name, position)
            for position, (node, kind) in enumerate(zip(nodes, kinds, strict=False), start=1)
        ]
        return binder.call(
            f"{name} in {database}{metadata.scope}",
            lambda *given: compute(metadata, database, *given),
            arguments,
            result,
        )

    return Function(len(kinds) if least is None else least, len(kinds), rule)


def _object_id(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    metadata, database = binder.compilation.metadata, binder.compilation.database
    local_names = sorted(binder.compilation.local_tables)

    def compute(name: str, kind: str | None = None) -> int | None:
        parts = split_name(name)
        if parts[-1].startswith("#") and not is_global(parts[-1]):
            # A temporary table has a negative number, as in tempdb.
            known = parts[-1].lower() in local_names
            return -1 - local_names.index(parts[-1].lower()) if known and kind in (None, "U", "u") else None
        return metadata.object_id(database, name, kind)

    arguments = [
        taken(binder, binder.value(node), "text", "object_id", position) for position, node in enumerate(nodes, start=1)
    ]
    key = f"object_id in {database}{metadata.scope} and {local_names}"
    found = binder.call(key, compute, arguments, INT)
    constants = [argument.constant for argument in arguments]
    if found.evaluate is None or None in constants:
        return found
    # DuckDB calls no function for it.
    return binder.computed(f"{key} of {constants}", found.evaluate, INT)


def _in_database(metadata: Metadata, database: str, number: int | None) -> str:
    return next((name for name, known in metadata.database_ids.items() if known == number), database)


def _db_name(metadata: Metadata, database: str, number: int | None = None) -> str | None:
    if number is None:
        return database
    return next((name for name, known in metadata.database_ids.items() if known == number), None)


def _col_length(metadata: Metadata, database: str, table: str, column: str) -> int | None:
    relation = metadata.relation(*qualified(split_name(table), database))
    columns = relation.columns if relation is not None else ()
    found = next((each for each in columns if each.name.lower() == column.lower()), None)
    return type_catalog.facets(found.type)[0] if found is not None else None


_METADATA: Final = {
    "col_length": _of_metadata("col_length", ("text", "text"), SqlType("smallint"), _col_length),
    "col_name": _of_metadata("col_name", ("int", "int"), NAME, column_name),
    "db_id": _of_metadata(
        "db_id",
        ("text",),
        SqlType("smallint"),
        lambda metadata, database, name=None: metadata.database_id(database if name is None else name),
        least=0,
    ),
    "db_name": _of_metadata("db_name", ("int",), NAME, _db_name, least=0),
    "object_id": Function(1, 2, _object_id),
    "object_name": _of_metadata(
        "object_name",
        ("int", "int"),
        NAME,
        lambda metadata, database, number, other=None: metadata.object_name(
            _in_database(metadata, database, other), number
        ),
        least=1,
    ),
    "object_schema_name": _of_metadata(
        "object_schema_name",
        ("int", "int"),
        NAME,
        lambda metadata, database, number, other=None: metadata.object_schema_name(
            _in_database(metadata, database, other), number
        ),
        least=1,
    ),
    "columnproperty": _of_metadata("columnproperty", ("int", "text", "text"), INT, column_property),
    "object_definition": _of_metadata(
        "object_definition", ("int",), SqlType("nvarchar", length=MAX), object_definition
    ),
    "objectproperty": _of_metadata("objectproperty", ("int", "text"), INT, object_property),
    "schema_id": _of_metadata(
        "schema_id",
        ("text",),
        INT,
        lambda metadata, database, name="dbo": metadata.schema_id(database, name),
        least=0,
    ),
    "schema_name": _of_metadata(
        "schema_name",
        ("int",),
        NAME,
        lambda metadata, database, number=1: metadata.schema_name(database, number),
        least=0,
    ),
    "type_id": _of_metadata("type_id", ("text",), INT, type_catalog.type_id),
    "type_name": _of_metadata("type_name", ("int",), NAME, type_catalog.type_name),
}


def _session_constant(name: str, result: SqlType) -> Function:
    return Function(0, 0, lambda binder, nodes: binder.session_value(name, result))


def _session_question(name: str, least: int, most: int) -> Function:
    def rule(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
        return session_values.asked(binder, name, [_plain_argument(binder, value) for value in binder.values(nodes)])

    return Function(least, most, rule)


def _plain_argument(binder: Binder, value: Typed) -> Typed:
    if value.type.name == "sql_variant":
        return binder.call("unwrapped", lambda variant: str(variant.value), [value], NAME)
    return value


def _formatmessage(*values: Any) -> str:
    form, *arguments = values
    try:
        return str(form) % tuple(arguments)
    except (TypeError, ValueError):
        raise SqlError(2787, "FORMATMESSAGE: the arguments do not match the placeholders of the message.") from None


FUNCTIONS: Final[dict[str, Function]] = {
    "datalength": Function(1, 1, _datalength),
    "isnumeric": Function(1, 1, _isnumeric),
    "newid": Function(0, 0, _newid),
    "newsequentialid": Function(0, 0, _newid),
    "sql_variant_property": Function(2, 2, _variant_property),
    **_METADATA,
    **{
        name.removesuffix("()"): _session_constant(name, type_) for name, type_ in session_values.CONSTANT_CALLS.items()
    },
    **{
        name.removesuffix("()"): _session_question(name, least, most)
        for name, (least, most, _) in session_values.ASKED.items()
    },
    **{
        name: plain.function(name)
        for name, plain in {
            "checksum": Plain(("any",), INT, _checksum, variadic=True, strict=False),
            "binary_checksum": Plain(("any",), INT, _binary_checksum, variadic=True, strict=False),
            "formatmessage": Plain(
                ("text", "any"), SqlType("nvarchar", length=2048), _formatmessage, least=1, variadic=True
            ),
            "hashbytes": Plain(("text", "bytes"), SqlType("varbinary", length=8000), _hashbytes),
        }.items()
    },
}
