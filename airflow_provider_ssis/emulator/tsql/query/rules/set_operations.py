"""UNION, EXCEPT, INTERSECT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.rules.common_tables import bind_with
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import equal_sql
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced, shared_type
from airflow_provider_ssis.emulator.tsql.query.rules.for_clause import formatted
from airflow_provider_ssis.emulator.tsql.query.rules.ordering import INNER, check_inner_order
from airflow_provider_ssis.emulator.tsql.query.rules.selects import ordered_over
from airflow_provider_ssis.emulator.tsql.query.rules.sources import derived_columns
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.datatypes import SqlType
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, QueryRule


def _set_operation(binder: Binder, node: exp.SetOperation) -> BoundQuery:
    only(node, "this", "expression", "distinct", "with_", "order", "limit", "offset", "options", "for_")
    if isinstance(node.parent, INNER):
        check_inner_order(node)
    if not isinstance(node, exp.Union) and not node.args.get("distinct"):
        word = type(node).__name__.upper()
        raise SqlError(324, f"The ALL version of {word} is not supported by T-SQL.", severity=15)
    binder, prefix = bind_with(binder, node)
    first, second = binder.query(node.this), binder.query(node.expression)
    if len(first.columns) != len(second.columns):
        raise SqlError(
            205, "All queries combined with UNION, INTERSECT or EXCEPT must have the same number of columns."
        )
    columns = tuple(
        Typed("", shared_type([one, other]), nullable=one.nullable or other.nullable, name=one.name)
        for one, other in zip(first.columns, second.columns, strict=True)
    )
    types = [column.type for column in columns]
    one, other = _as_types(binder, first, types), _as_types(binder, second, types)
    if isinstance(node, exp.Union):
        sql = f"({one}) UNION ALL ({other})"
        if node.args.get("distinct"):
            sql = _without_doubles(binder, sql, columns)
    else:
        sql = _matched(binder, one, other, columns, negated=isinstance(node, exp.Except))
    return formatted(binder, node, BoundQuery(prefix + ordered_over(binder, node, sql, columns), columns))


def _as_types(binder: Binder, query: BoundQuery, types: list[SqlType]) -> str:
    """The query's text with its columns converted."""
    alias = binder.compilation.alias()
    columns = derived_columns(alias, query.columns)
    if [column.type for column in columns] == types:
        return query.sql
    converted = [
        coerced(binder, Typed(column.sql, column.type, bare_null=given.bare_null), type_).sql
        for column, given, type_ in zip(columns, query.columns, types, strict=True)
    ]
    return f"{_projection(converted)} FROM ({query.sql}) AS {alias}"


def _projection(expressions: list[str], head: str = "SELECT") -> str:
    numbered = [f"{sql} AS {output_name(position)}" for position, sql in enumerate(expressions, start=1)]
    return f"{head} {', '.join(numbered)}"


def _without_doubles(binder: Binder, sql: str, columns: tuple[Typed, ...]) -> str:
    alias = binder.compilation.alias()
    named = derived_columns(alias, columns)
    keys = ", ".join(equal_sql(binder, column) for column in named)
    rows = _projection([column.sql for column in named], f"SELECT DISTINCT ON ({keys})")
    return f"{rows} FROM ({sql}) AS {alias}"


def _matched(binder: Binder, one: str, other: str, columns: tuple[Typed, ...], *, negated: bool) -> str:
    """The rows of the first query that the second has too, or has not; NULLs count as equal."""
    left, right = binder.compilation.alias(), binder.compilation.alias()
    pairs = zip(derived_columns(left, columns), derived_columns(right, columns), strict=True)
    same = " AND ".join(
        f"{equal_sql(binder, mine)} IS NOT DISTINCT FROM {equal_sql(binder, theirs)}" for mine, theirs in pairs
    )
    named = derived_columns(left, columns)
    keys = ", ".join(equal_sql(binder, column) for column in named)
    rows = _projection([column.sql for column in named], f"SELECT DISTINCT ON ({keys})")
    exists = f"{'NOT ' if negated else ''}EXISTS ({_projection(['1'])} FROM ({other}) AS {right} WHERE {same})"
    return f"{rows} FROM ({one}) AS {left} WHERE {exists}"


QUERIES: Final[dict[type[exp.Expr], QueryRule]] = {
    exp.Union: _set_operation,
    exp.Except: _set_operation,
    exp.Intersect: _set_operation,
}
