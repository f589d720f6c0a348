"""The conditions of filtered indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Key
from airflow_provider_ssis.emulator.tsql.query.change import KeyFilter
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import condition_of, names_of
from airflow_provider_ssis.emulator.tsql.query.scope import Scope, Source
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_OTHER_PARTS: Final = (
    *(exp.And, exp.Paren, exp.Column, exp.Identifier, exp.Literal, exp.National, exp.HexString, exp.Null, exp.Neg),
    *(exp.Cast, exp.Convert, exp.DataType),
)


def check_filter(table: WritableTable, condition: str) -> None:
    """Check that a condition has the form that an index accepts: comparisons with constants, IN and IS NULL, with AND.

    Source: "CREATE INDEX (Transact-SQL)", the argument ``filter_predicate``.

    :raises SqlError: 10735, it has another form; 10609, it uses a computed column; 10618, it compares with NULL.
    """
    for node in condition_of(condition).walk():
        if not _has_form(node):
            raise SqlError(10735, f"Incorrect WHERE clause of a filtered index: {condition}.", severity=15)
        if isinstance(node, exp.Null) and not isinstance(node.parent, exp.Is):
            raise SqlError(
                10618, f"The filter of an index compares with NULL: {condition}. Use IS NULL or IS NOT NULL."
            )
        if isinstance(node, exp.Column) and table.rules.is_computed(node.name):
            raise SqlError(10609, f"The filter of an index cannot use the computed column '{node.name}': {condition}.")


def _has_form(node: exp.Expr) -> bool:
    match node:
        case exp.Not():
            return isinstance(node.this, exp.Is)
        case exp.Is():
            return _is_column(node.this)
        case exp.In():
            return _is_column(node.this) and not (node.args.get("query") or any(map(_has_column, node.expressions)))
        case _ if isinstance(node, _COMPARISONS):
            sides = [each for each in (node.this, node.expression) if _has_column(each)]
            return len(sides) == 1 and _is_column(sides[0])
        case _:
            return isinstance(node, _OTHER_PARTS)


def _is_column(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.Column)


def _has_column(node: exp.Expr) -> bool:
    return node.find(exp.Column) is not None


def bind_filters(binder: Binder, table: WritableTable) -> dict[str, KeyFilter]:
    """The conditions of a table's filtered keys, by the names of the keys."""
    return {key.name: _key_filter(binder, table, key) for key in table.rules.keys if key.filter}


def _key_filter(binder: Binder, table: WritableTable, key: Key) -> KeyFilter:
    new = [f"s.n{place}" for place in range(1, len(table.columns) + 1)]
    old = [f"b.{quoted(column.name)}" for column in table.columns]
    return KeyFilter(_condition(binder, table, key, new), _condition(binder, table, key, old))


def _condition(binder: Binder, table: WritableTable, key: Key, texts: list[str]) -> str:
    columns = tuple(
        Typed(text, column.type, nullable=column.nullable, name=column.name)
        for text, column in zip(texts, table.columns, strict=True)
    )
    inside = binder.within(Scope(sources=[Source(((table.name.lower(),),), columns)]))
    with names_of(binder, table):
        return inside.predicate(condition_of(key.filter).copy()).sql
