"""Aggregate functions, and ORDER BY inside OVER and WITHIN GROUP."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, FLOAT, INT, SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.functions.table import taken, widest
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import equal_sql, order_sql
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.arithmetic import fitting, operate, overflow
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import APPROXIMATE, DECIMALS, INTEGERS, MONEY, family
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule


_Aggregate = Callable[["Binder", Typed, bool, str], Typed]
"""How an aggregate is written in DuckDB: from the bound argument, whether it is DISTINCT, and the text after the
parentheses (FILTER or OVER)."""


def _distinct(binder: Binder, value: Typed, *, distinct: bool) -> str:
    return f"DISTINCT {equal_sql(binder, value)}" if distinct else value.sql


def _count(result: SqlType) -> _Aggregate:
    def bind(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
        inner = _distinct(binder, value, distinct=distinct)
        return Typed(f"CAST(count({inner}){behind} AS {duckdb_type(result)})", result, nullable=False)

    return bind


def check_numeric(value: Typed, function: str) -> None:
    """Check that a function that takes numbers gets one.

    :raises SqlError: 8117, it does not.
    """
    if family(value.type) != "number" or value.type.name == "bit":
        raise SqlError(8117, f"{function} takes numbers, not {value.type.name}.")


def _sum(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
    check_numeric(value, "SUM")
    result = _total_type(value.type)
    inner = f"{'DISTINCT ' if distinct else ''}{value.sql}"
    total = Typed(f"CAST(sum({inner}){behind} AS {duckdb_type(result)})", result)
    if result.name in MONEY:
        return Typed(binder.call("fitting", lambda value: fitting(value, result), [total], result).sql, result)
    return _finite(binder, total) if result == FLOAT else total


def _finite(binder: Binder, total: Typed) -> Typed:
    """An approximate number, which in DuckDB may be infinite.

    :raises SqlError: at run time 8115, it is.
    """

    def check(value: float) -> float:
        if math.isinf(value):
            raise overflow(FLOAT)
        return value

    return Typed(binder.call("finite", check, [total], FLOAT).sql, FLOAT)


def _total_type(type: SqlType) -> SqlType:  # noqa: A002 - the field's own word
    if type.name in INTEGERS:
        return BIGINT if type.name == "bigint" else INT
    if type.name in DECIMALS:
        return SqlType(type.name, precision=38, scale=type.scale)
    return SqlType("money") if type.name in MONEY else FLOAT


def _avg(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
    check_numeric(value, "AVG")
    result = _total_type(value.type)
    if value.type.name in DECIMALS:
        result = SqlType(value.type.name, precision=38, scale=max(value.type.scale or 0, 6))
    inner = f"{'DISTINCT ' if distinct else ''}{value.sql}"
    if value.type.name in APPROXIMATE:
        return _finite(binder, Typed(f"avg({inner}){behind}", result))
    total = Typed(f"CAST(sum({inner}){behind} AS DECIMAL(38,{_scale(value.type)}))", _decimal(_scale(value.type)))
    count = Typed(f"count({inner}){behind}", BIGINT)
    quotient = binder.call(
        "average", lambda one, many: None if not many else _quotient(one, many, result), [total, count], result
    )
    return Typed(quotient.sql, result)


def _scale(type: SqlType) -> int:  # noqa: A002 - the field's own word
    return 4 if type.name in MONEY else type.scale or 0


def _decimal(scale: int) -> SqlType:
    return SqlType("decimal", precision=38, scale=scale)


def _quotient(total: object, count: int, result: SqlType) -> object:
    if result.name in INTEGERS:
        return operate("/", BIGINT, int(str(total).split(".")[0]), count)
    return operate("/", result, total, count)


def _extreme(function: str) -> _Aggregate:
    def bind(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
        if value.type.name == "bit":
            raise SqlError(8117, f"{function.upper()} takes no bit.")
        if order_sql(binder, value) == value.sql:
            return Typed(f"{function}({value.sql}){behind}", value.type)
        return Typed(f"arg_{function}({value.sql}, {order_sql(binder, value)}){behind}", value.type)

    return bind


def _spread(function: str) -> _Aggregate:
    def bind(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
        check_numeric(value, function.upper())
        number = coerced(binder, value, FLOAT)
        return Typed(f"{function}({'DISTINCT ' if distinct else ''}{number.sql}){behind}", FLOAT)

    return bind


_PERCENTILES: Final = ("percentile_cont", "percentile_disc")


def _checksum(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
    if value.type.name not in ("tinyint", "smallint", "int"):
        raise SqlError(8117, f"CHECKSUM_AGG takes values of type int, not {value.type.name}.")
    inner = f"{'DISTINCT ' if distinct else ''}CAST({value.sql} AS INTEGER)"
    return Typed(f"bit_xor({inner}){behind}", INT)


def _count_distinct(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
    """``APPROX_COUNT_DISTINCT``: the exact number is a good approximation."""
    if behind:
        raise SqlError(4113, "APPROX_COUNT_DISTINCT cannot be used with OVER.", severity=15)
    return _count(BIGINT)(binder, value, True, behind)


AGGREGATES: Final[dict[str, _Aggregate]] = {
    "approx_count_distinct": _count_distinct,
    "avg": _avg,
    "checksum_agg": _checksum,
    "count": _count(INT),
    "count_big": _count(BIGINT),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "stdev": _spread("stddev_samp"),
    "stdevp": _spread("stddev_pop"),
    "sum": _sum,
    "var": _spread("var_samp"),
    "varp": _spread("var_pop"),
}
"""The aggregates that take one argument, by name."""

NAMES: Final = frozenset(AGGREGATES) | {"string_agg", "grouping", "grouping_id"}
"""The names of the aggregate functions."""


def aggregate_over(binder: Binder, node: exp.Anonymous, argument: Typed, *, where: str) -> Typed:
    """An aggregate of a bound argument over the rows for which a condition is true."""
    aggregate = AGGREGATES.get(str(node.this).lower())
    if aggregate is None:
        raise not_understood(node)
    return aggregate(binder, argument, False, f" FILTER (WHERE {where})")


def aggregated(binder: Binder, node: exp.Anonymous, behind: str = "") -> Typed:
    """A call of an aggregate function.

    :param behind: DuckDB's OVER clause, or nothing.
    """
    value = _aggregated(binder, node, behind)
    return value if behind else binder.scope.aggregate(value)


def _aggregated(binder: Binder, node: exp.Anonymous, behind: str) -> Typed:
    name = str(node.this).lower()
    if name == "string_agg":
        return _string_agg(binder, node, None, behind)
    if name in ("grouping", "grouping_id"):
        return _grouping(binder, node)
    # The argument of a window aggregate belongs to the grouped query; that of a plain aggregate to the rows under it.
    inside = binder if behind else binder.ungrouped()
    if not behind:
        binder.scope.check_aggregate(name)
    if len(node.expressions) != 1:
        raise SqlError(174, f"{name.upper()} takes one argument.", severity=15)
    argument = node.expressions[0]
    if isinstance(argument, exp.Star):
        if name not in ("count", "count_big"):
            raise SqlError(102, "Incorrect syntax near '*'.", severity=15)
        result = INT if name == "count" else BIGINT
        return Typed(f"CAST(count(*){behind} AS {duckdb_type(result)})", result, nullable=False)
    if not behind and argument.find(exp.Query) is not None:
        text = "Cannot perform an aggregate function on an expression containing an aggregate or a subquery."
        raise SqlError(130, text)
    distinct = isinstance(argument, exp.Distinct)
    if distinct:
        if behind:
            raise SqlError(102, "Incorrect syntax near 'DISTINCT': it cannot be used with OVER.", severity=15)
        only(argument, "expressions")
        argument = argument.expressions[0]
    value = inside.value(argument)
    return AGGREGATES[name](binder, value, distinct, behind)


def _string_agg(binder: Binder, node: exp.Anonymous, order: exp.Order | None, behind: str = "") -> Typed:
    if len(node.expressions) != 2:
        raise SqlError(174, "STRING_AGG takes two arguments.", severity=15)
    if behind:
        raise SqlError(4113, "STRING_AGG cannot be used with OVER.", severity=15)
    binder.scope.check_aggregate("STRING_AGG")
    inside = binder.ungrouped()
    value = taken(binder, inside.value(node.expressions[0]), "text", "string_agg", 1)
    separator = taken(binder, inside.value(node.expressions[1]), "text", "string_agg", 2)
    if separator.evaluate is None:
        raise SqlError(8733, "The separator of STRING_AGG must be a string literal or a variable.")
    keys = order_items(inside, order) if order is not None else ", ".join(inside.scope.places)
    ordering = f" ORDER BY {keys}" if keys else ""
    return Typed(f"string_agg({value.sql}, {separator.sql}{ordering})", widest(value.type))


def _within_group(binder: Binder, node: exp.WithinGroup) -> Typed:
    only(node, "this", "expression")
    name = str(node.this.this).lower() if isinstance(node.this, exp.Anonymous) else ""
    if name in _PERCENTILES:
        raise SqlError(10753, f"The function {name.upper()} needs an OVER clause.", severity=15)
    if name != "string_agg":
        raise not_understood(node)
    return binder.scope.aggregate(_string_agg(binder, node.this, node.expression))


def _grouping(binder: Binder, node: exp.Anonymous) -> Typed:
    binder.scope.check_aggregate(str(node.this))
    values = binder.ungrouped().values(node.expressions)
    if not values or any(value.sql not in (binder.scope.grouped or {}) for value in values):
        raise SqlError(8161, f"An argument of {str(node.this).upper()} is not in the GROUP BY clause.")
    keys = [equal_sql(binder, value) for value in values]
    return Typed(f"CAST(grouping({', '.join(keys)}) AS INTEGER)", INT, nullable=False)


def order_items(binder: Binder, order: exp.Order) -> str:
    """The items of an ORDER BY inside OVER or WITHIN GROUP; empty for a random order."""
    only(order, "expressions")
    return ", ".join(text for item in order.expressions if (text := _order_item(binder, item)))


def _order_item(binder: Binder, item: exp.Ordered) -> str:
    only(item, "this", "desc", "nulls_first")
    if isinstance(item.this, exp.Literal) and not item.this.is_string:
        raise SqlError(5308, "ORDER BY inside OVER does not accept column positions.")
    value = binder.value(item.this)
    if value.constant is not None:
        raise SqlError(5309, "ORDER BY inside OVER does not accept constants.")
    # NEWID() sorts at random, so any order is right; DuckDB refuses it.
    return "" if is_by_chance(value) else order_sql(binder, value) + direction(item)


def is_by_chance(value: Typed) -> bool:
    """Whether a value is another one each time that it is computed."""
    return "uuid()" in value.sql


def direction(item: exp.Ordered) -> str:
    """How an ORDER BY item sorts: NULL is the lowest value."""
    return " DESC NULLS LAST" if item.args.get("desc") else " ASC NULLS FIRST"


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {exp.WithinGroup: _within_group}
