"""CAST, CONVERT, TRY_CAST, TRY_CONVERT, COLLATE, and implicit conversions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.rules.names import null_of
from airflow_provider_ssis.emulator.tsql.query.typed import BINARY, CASE_SENSITIVE, WINDOWS, Typed
from airflow_provider_ssis.emulator.tsql.query.unsupported import UNSUPPORTED_TYPES
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.facets import check_facets
from airflow_provider_ssis.emulator.tsql.values.precedence import (
    DECIMALS,
    FIXED_WIDTH,
    INTEGERS,
    STRINGS,
    UNICODE,
    combined,
    family,
    string_length,
)
from airflow_provider_ssis.emulator.tsql.values.storage import VARIANT, duckdb_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule

_DEFAULT_CAST_LENGTH: Final = 30
_INTEGER_RANK: Final = {"bit": 0, "tinyint": 1, "smallint": 2, "int": 3, "bigint": 4}
_DIGITS: Final = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}


def coerced(binder: Binder, value: Typed, target: SqlType, *, explicit: bool = False) -> Typed:
    """A value as a value of another type.

    :param explicit: CAST allows more conversions than the implicit ones.
    :raises SqlError: 206, 257, 529: the types do not convert.
    """
    if value.bare_null:
        return null_of(target)
    if value.type == target:
        return value
    conversion.check(value.type, target, explicit=explicit)
    return _converted(binder, value, target, None, safe=False)


def unified(binder: Binder, values: Sequence[Typed]) -> list[Typed]:
    """Values of one result (CASE, COALESCE, VALUES, UNION), converted to their common type; NULLs alone have none."""
    if all(value.bare_null for value in values):
        return list(values)
    return [coerced(binder, value, shared_type(values)) for value in values]


def shared_type(values: Sequence[Typed]) -> SqlType:
    """The type that values share; bare NULLs have no say."""
    types = [value.type for value in values if not value.bare_null] or [value.type for value in values]
    shared = types[0]
    for each in types[1:]:
        shared = combined(shared, each)
    return shared


def parse_type(node: exp.DataType) -> SqlType:
    """The T-SQL type that a node names, as CAST and CONVERT take it: nvarchar alone is nvarchar(30).

    :raises SqlError: 243, there is no such type.
    """
    text = node.args["kind"] if node.this == exp.DType.USERDEFINED else node.sql(dialect="tsql")
    name = str(text)
    for schema in ("sys.", "[sys].", "dbo."):
        name = name.removeprefix(schema)
    name = _SPELLED.get(name.lower().split("(")[0], name.split("(")[0]) + name[len(name.split("(", maxsplit=1)[0]) :]
    try:
        parsed = SqlType.parse(name)
    except ValueError:
        if name.lower().split("(")[0] in UNSUPPORTED_TYPES:
            raise not_supported(f"The data type {name}") from None
        raise SqlError(243, f"Type {name} is not a defined system type.") from None
    check_facets(parsed, name)
    if parsed.length == 1 and "(" not in name and parsed.name != "rowversion":
        return SqlType(parsed.name, length=_DEFAULT_CAST_LENGTH)
    return parsed


_COLLATION: Final = re.compile(r"\w+_(?:C[IS]|BIN)(?:_?A[IS])?\w*|\w+_BIN2\w*")
"""The names of collations."""

# What sqlglot writes for a type that T-SQL calls otherwise.
_MOMENT_DIGITS: Final = {"date": 0, "smalldatetime": 0, "datetime": 3, "datetime2": 7}
"""The digits of the seconds of types with a date."""

_SPELLED: Final = {"rowversion": "rowversion", "integer": "int", "double": "float", "numeric": "numeric"}


def _cast(binder: Binder, node: exp.Cast) -> Typed:
    only(node, "this", "to", "safe")
    return _explicit(
        binder, binder.value(node.this), parse_type(node.args["to"]), None, safe=isinstance(node, exp.TryCast)
    )


def _convert(binder: Binder, node: exp.Convert) -> Typed:
    only(node, "this", "expression", "style", "safe")
    target = parse_type(node.this)
    style_node = node.args.get("style")
    style = binder.value(style_node) if style_node is not None else None
    return _explicit(binder, binder.value(node.expression), target, style, safe=bool(node.args.get("safe")))


def _explicit(binder: Binder, value: Typed, target: SqlType, style: Typed | None, *, safe: bool) -> Typed:
    if value.bare_null:
        return null_of(target)
    conversion.check(value.type, target, explicit=True)
    if style is not None:
        return _with_style(binder, value, target, coerced(binder, style, SqlType("int")), safe=safe)
    converted = _converted(binder, value, target, None, safe=safe)
    # With a decimal, an integer literal counts its own digits; one that is cast, those of its type.
    return replace(converted, constant=None) if target.name in INTEGERS else converted


def _with_style(binder: Binder, value: Typed, target: SqlType, style: Typed, *, safe: bool) -> Typed:
    if style.constant is not None:
        return _converted(binder, value, target, int(style.constant), safe=safe)
    source = value.type
    function = conversion.try_convert if safe else conversion.convert
    order = _date_order(binder, target)

    def styled(given: Any, chosen: int) -> Any:
        return function(given, source, target, chosen, order)

    return binder.call(f"styled {safe} {order}", styled, [value, style], target)


def _date_order(binder: Binder, target: SqlType) -> str:
    """SET DATEFORMAT, where it matters to a conversion."""
    return binder.compilation.date_order if family(target) in ("datetime", "moment") else ""


def _converted(binder: Binder, value: Typed, target: SqlType, style: int | None, *, safe: bool) -> Typed:
    source = value.type
    function = conversion.try_convert if safe else conversion.convert
    order = _date_order(binder, target)

    def convert(given: Any) -> Any:
        return function(given, source, target, style, order)

    inner = value.evaluate
    evaluate = None
    if inner is not None:

        def evaluate(values: Mapping[str, Any]) -> Any:
            return convert(inner(values))

    sql = _native(value, target) if style is None or source.name in STRINGS | INTEGERS else None
    if sql is None:
        is_text = source.name in STRINGS and target.name in STRINGS
        sql = binder.call(f"convert {style} {safe} {order}", convert, [value], target, adds_length=not is_text).sql
    is_same = (source.name in INTEGERS and target.name in INTEGERS) or (source.name in STRINGS and sql == value.sql)
    constant = value.constant if is_same else None
    return Typed(sql, target, nullable=value.nullable or safe, evaluate=evaluate, constant=constant)


def _native(value: Typed, target: SqlType) -> str | None:
    """The conversion as DuckDB does it, where it cannot fail and gives the same; None otherwise."""
    source, sql = value.type, value.sql
    if source == target:
        return sql
    if target.name == "xml":
        return None
    if source.name in STRINGS and target.name in STRINGS:
        if target.name in FIXED_WIDTH or (target.name not in UNICODE and source.name in UNICODE):
            return None
        fits = target.length in (None, MAX) or (
            source.length not in (None, MAX) and source.length <= (target.length or 0)
        )
        if not fits and target.name in UNICODE:
            return None  # DuckDB counts a character beyond U+FFFF once, nvarchar twice.
        return sql if fits else f"left({sql}, {target.length})"
    if source.name in _INTEGER_RANK:
        return _native_from_integer(sql, source, target)
    if source.name in _MOMENT_DIGITS and target.name in ("datetime", "datetime2"):
        return _native_from_moment(sql, source, target)
    if source.name == "real" and target.name == "float":
        return f"CAST({sql} AS DOUBLE)"
    if target.name == "sql_variant" and source.name in STRINGS:
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE CAST({{'type': '{source}', 'text': {sql}}} AS {VARIANT}) END"
    return None


def _native_from_moment(sql: str, source: SqlType, target: SqlType) -> str | None:
    digits = source.scale if source.name == "datetime2" and source.scale is not None else _MOMENT_DIGITS[source.name]
    if target.name == "datetime":
        return sql if source.name == "smalldatetime" else None  # other types reach beyond its years
    if digits > (_MOMENT_DIGITS["datetime2"] if target.scale is None else target.scale):
        return None  # the fraction is rounded
    if source.name == "datetime":
        return None  # its three-hundredths of a second become exact
    return f"CAST({sql} AS TIMESTAMP)" if source.name == "date" else sql


def _native_from_integer(sql: str, source: SqlType, target: SqlType) -> str | None:
    if target.name in _INTEGER_RANK and _INTEGER_RANK[target.name] >= _INTEGER_RANK[source.name]:
        return f"CAST({sql} AS {duckdb_type(target)})"
    if target.name == "bit":
        return f"CAST({sql} AS BOOLEAN)"
    whole = (target.precision or 0) - (target.scale or 0)
    if target.name in DECIMALS and whole >= _DIGITS[source.name]:
        number = f"CAST({sql} AS TINYINT)" if source.name == "bit" else sql
        return f"CAST({number} AS {duckdb_type(target)})"
    if target.name == "float":
        return f"CAST({sql} AS DOUBLE)"
    wide = target.length == MAX or (target.length or 0) >= (string_length(source) or 0)
    if target.name in ("varchar", "nvarchar") and wide:
        number = f"CAST({sql} AS TINYINT)" if source.name == "bit" else sql
        return f"CAST({number} AS VARCHAR)"
    return None


def _collate(binder: Binder, node: exp.Collate) -> Typed:
    only(node, "this", "expression")
    collation = node.expression.name.upper()
    value = binder.value(node.this)
    if value.type.name not in STRINGS:
        raise SqlError(447, f"COLLATE applies to strings, not to {value.type.name}.")
    if collation in ("DATABASE_DEFAULT", "CATALOG_DEFAULT") or collation.startswith(_SERVER_COLLATION):
        return value
    if collation.startswith(_WINDOWS_COLLATIONS):
        return replace(value, collation=WINDOWS)
    if not _COLLATION.fullmatch(collation):
        raise SqlError(448, f"Invalid collation '{node.expression.name}'.")
    kind = BINARY if _BINARY.search(collation) else CASE_SENSITIVE if "_CS_AS" in collation else ""
    if not kind or not collation.startswith(_LATIN):
        raise not_supported(f"The collation {node.expression.name}")
    _check_place(node, kind)
    return replace(value, collation=kind, constant=None)


def _check_place(node: exp.Collate, kind: str) -> None:
    """Check that COLLATE is where this server compares as it says: other places would pass the value on without it.

    :raises SqlError: 40514.
    """
    each: exp.Expr = node
    while isinstance(each.parent, exp.Paren | exp.Alias):
        each = each.parent
    parent = each.parent
    if isinstance(parent, _COMPARISONS) or (isinstance(parent, exp.In) and parent.args.get("query") is None):
        return
    if isinstance(parent, exp.Group | exp.Distinct):
        return
    if isinstance(parent, exp.Ordered) and kind == BINARY:
        return
    if isinstance(parent, exp.Select) and parent.parent is None:
        return
    raise not_supported(f"COLLATE {node.expression.name} in this place (compare, group, or sort by a binary one)")


_SERVER_COLLATION: Final = "SQL_LATIN1_GENERAL_CP1_CI_AS"
_WINDOWS_COLLATIONS: Final = ("LATIN1_GENERAL_CI_AS", "LATIN1_GENERAL_100_CI_AS")
_LATIN: Final = ("SQL_LATIN1_GENERAL_CP1_", "LATIN1_GENERAL_")
_BINARY: Final = re.compile(r"_BIN2?(_UTF8)?$")
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Convert: _convert,
    exp.Collate: _collate,
}
