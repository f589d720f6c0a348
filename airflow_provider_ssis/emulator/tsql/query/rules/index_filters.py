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

_ALLOWED: Final = (
    *(exp.And, exp.Paren, exp.Is, exp.In, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.Column, exp.Identifier, exp.Literal, exp.National, exp.HexString, exp.Null, exp.Neg),
    *(exp.Cast, exp.Convert, exp.DataType),
)


def check_filter(condition: str) -> None:
    """Check that a condition has the form that an index accepts: comparisons with constants, IN and IS NULL, with AND.

    Source: "CREATE INDEX (Transact-SQL)", the argument ``filter_predicate``.

    :raises SqlError: 10735, it has another form.
    """
    for node in condition_of(condition).walk():
        is_negated_null = isinstance(node, exp.Not) and isinstance(node.this, exp.Is)
        if not (isinstance(node, _ALLOWED) or is_negated_null) or node.args.get("query") is not None:
            raise SqlError(10735, f"Incorrect WHERE clause of a filtered index: {condition}.", severity=15)


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
