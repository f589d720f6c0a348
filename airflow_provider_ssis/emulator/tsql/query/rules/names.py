"""Literals, variables, columns: the leaves of expressions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType, utf16_length
from airflow_provider_ssis.emulator.tsql.metadata.names import GLOBAL_MARK
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.functions.session_values import GLOBALS, WORDS
from airflow_provider_ssis.emulator.tsql.query.typed import NULL_TYPE, Evaluate, Typed
from airflow_provider_ssis.emulator.tsql.values.conversion import convert
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.number_text import decimal_type
from airflow_provider_ssis.emulator.tsql.values.precedence import sized
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type
from airflow_provider_ssis.emulator.tsql.values.string_conversion import fit_string

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule

_INT_LIMIT: Final = 2**31
_VARCHAR_TYPE: Final = SqlType("varchar", length=8000)
_MONEY: Final = SqlType("money")
_DATETIME: Final = SqlType("datetime")
_LONGEST_INLINE: Final = 4000


def constantly(value: Any) -> Evaluate:
    """The evaluation of something that is always the same."""

    def evaluate(values: Mapping[str, Any]) -> Any:
        return value

    return evaluate


def _literal(binder: Binder, node: exp.Literal) -> Typed:
    if node.is_string:
        return _string(
            binder,
            fit_string(node.name, _VARCHAR_TYPE if len(node.name) <= 8000 else SqlType("varchar", length=MAX)),
            "varchar",
        )
    text = node.name
    if text.isdigit():
        return _integer(int(text))
    if not _NUMBER.fullmatch(text):
        # sqlglot reads 1.2.3 as one number.
        raise SqlError(102, f"Incorrect syntax near {text!r}.", severity=15)
    if "e" in text.lower():
        # Without digits, the exponent is 0.
        number = float(text if text[-1].isdigit() else f"{text}0")
        if math.isinf(number):
            raise SqlError(168, f"The number {text} is out of the range of float.", severity=15)
        return Typed(
            f"CAST({number!r} AS DOUBLE)",
            SqlType("float"),
            nullable=False,
            evaluate=constantly(number),
            constant=number,
        )
    return _decimal(Decimal(text))


def _integer(number: int) -> Typed:
    if number < _INT_LIMIT:
        return Typed(
            f"CAST({number} AS INTEGER)", SqlType("int"), nullable=False, evaluate=constantly(number), constant=number
        )
    return _decimal(Decimal(number))


def _decimal(number: Decimal) -> Typed:
    type_ = decimal_type(number)
    if len(number.as_tuple().digits) > 38:
        raise SqlError(1007, "A number has more than the 38 digits that decimal and numeric hold.", severity=15)
    return Typed(
        f"CAST('{number:f}' AS {duckdb_type(type_)})",
        type_,
        nullable=False,
        evaluate=constantly(number),
        constant=number,
    )


def _string(binder: Binder, text: str, name: str) -> Typed:
    type_ = sized(name, utf16_length(text) if name == "nvarchar" else len(text))
    if len(text) <= _LONGEST_INLINE and text.isprintable():
        sql = "'" + text.replace("'", "''") + "'"
    else:
        sql = binder.compilation.argument(f"text {text}", constantly(text), type_)
    return Typed(sql, type_, nullable=False, evaluate=constantly(text), constant=text)


def text_literal(binder: Binder, text: str) -> Typed:
    """A string that no literal of the query is, as nvarchar."""
    return _string(binder, text, "nvarchar")


def _national(binder: Binder, node: exp.National) -> Typed:
    return _string(binder, node.name, "nvarchar")


def _hexadecimal(binder: Binder, node: exp.HexString) -> Typed:
    digits = node.name
    data = bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2))
    type_ = sized("varbinary", len(data))
    sql = binder.compilation.argument(f"bytes {digits}", constantly(data), type_)
    return Typed(sql, type_, nullable=False, evaluate=constantly(data), constant=data)


def _null(binder: Binder, node: exp.Null) -> Typed:
    return null_of(NULL_TYPE, bare=True)


def null_of(type: SqlType, *, bare: bool = False) -> Typed:  # noqa: A002 - the field's own word
    """NULL as a value of a type."""
    return Typed(f"CAST(NULL AS {duckdb_type(type, zoned=True)})", type, evaluate=constantly(None), bare_null=bare)


def _parameter(binder: Binder, node: exp.Parameter) -> Typed:
    if isinstance(node.this, exp.Parameter):
        name = f"@@{node.this.name.lower()}"
        if name not in GLOBALS:
            raise SqlError(137, f"Unknown function {name.upper()}.", severity=15)
        return binder.session_value(name, GLOBALS[name])
    only(node, "this")
    name = f"@{node.name.lower()}"
    if name in binder.parameters:
        return binder.parameters[name]
    declared = binder.compilation.variables.get(name)
    if declared is None:
        raise SqlError(137, f'Must declare the scalar variable "@{node.name}".', severity=15)
    return binder.session_value(name, declared)


def _column(binder: Binder, node: exp.Column) -> Typed:
    only(node, "this", "table", "db", "catalog")
    if isinstance(node.this, exp.Star):
        raise SqlError(102, "Incorrect syntax near '*'.", severity=15)
    if isinstance(node.this, exp.Literal):
        return _money(node)
    parts = [written_name(part) for part in node.parts]
    word = WORDS.get(node.name.lower())
    if word is not None and len(parts) == 1 and not node.this.args.get("quoted"):
        return word(binder)
    column, scope = binder.scope.resolve(parts)
    if scope.grouped is not None and column.sql not in scope.grouped:
        raise SqlError(
            8120,
            f"Column {'.'.join(parts)!r} is neither in an aggregate function nor in the GROUP BY clause.",
        )
    if scope.grouped is not None and scope is not binder.scope:
        return replace(column, sql=scope.grouped[column.sql], nullable=column.nullable or scope.subtotals)
    return column


def written_name(part: exp.Expr) -> str:
    """A part of a name as it is written: a temporary table's with its ``#`` or ``##``."""
    if part.args.get("global_"):
        return f"{GLOBAL_MARK}{part.name}"
    return f"#{part.name}" if part.args.get("temporary") else part.name


def _money(node: exp.Column) -> Typed:
    """``$1.50``, which sqlglot takes for column 50 of table $1."""
    text = f"{node.table}.{node.this.name}"
    if not text.startswith("$") or not text[1:].replace(".", "", 1).isdigit():
        raise SqlError(102, f"Incorrect syntax near {node.this.name!r}.", severity=15)
    number = Decimal(text[1:]).quantize(Decimal("1.0000"))
    sql = f"CAST('{number:f}' AS {duckdb_type(_MONEY)})"
    return Typed(sql, _MONEY, nullable=False, evaluate=constantly(number), constant=number)


def _escaped_moment(binder: Binder, node: exp.Expr) -> Typed:
    """ODBC's ``{ts '...'}``, ``{d '...'}`` and ``{t '...'}``: datetime literals."""
    only(node, "this")
    if not isinstance(node.this, exp.Literal) or not node.this.is_string:
        raise not_understood(node)
    text = node.this.name
    moment = convert(text, _VARCHAR_TYPE, _DATETIME)
    sql = binder.compilation.argument(f"moment {text}", constantly(moment), _DATETIME)
    return Typed(sql, _DATETIME, nullable=False, evaluate=constantly(moment))


def _paren(binder: Binder, node: exp.Paren) -> Typed:
    only(node, "this")
    return binder.value(node.this).named("")


def _scalar_subquery(binder: Binder, node: exp.Subquery) -> Typed:
    only(node, "this")
    query = binder.query(node.this)
    if len(query.columns) != 1:
        raise SqlError(116, "A subquery that is used as a value must have one column.")
    column = query.columns[0]
    return Typed(f"({query.sql})", column.type)


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {
    exp.Literal: _literal,
    exp.National: _national,
    exp.HexString: _hexadecimal,
    exp.Null: _null,
    exp.Parameter: _parameter,
    exp.Column: _column,
    exp.Paren: _paren,
    exp.Timestamp: _escaped_moment,
    exp.Date: _escaped_moment,
    exp.Time: _escaped_moment,
    exp.Subquery: _scalar_subquery,
}


_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d*)?")
