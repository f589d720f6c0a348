"""Aggregate functions, with and without OVER, and the ranking and offset functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, FLOAT, INT, SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import near, not_understood, only
from airflow_provider_ssis.emulator.tsql.query.functions.table import taken, widest
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import order_sql
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.scope import Clause
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.arithmetic import operate, overflow
from airflow_provider_ssis.emulator.tsql.values.conversion import family
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.precedence import APPROXIMATE, DECIMALS, INTEGERS, MONEY
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule


_Aggregate = Callable[["Binder", Typed, bool, str], Typed]
"""How an aggregate is written in DuckDB: from the bound argument, whether it is DISTINCT, and the text after the
parentheses (FILTER or OVER)."""


def _distinct(binder: Binder, value: Typed, *, distinct: bool) -> str:
    return f"DISTINCT {order_sql(binder, value)}" if distinct else value.sql


def _count(result: SqlType) -> _Aggregate:
    def bind(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
        inner = _distinct(binder, value, distinct=distinct)
        return Typed(f"CAST(count({inner}){behind} AS {duckdb_type(result)})", result, nullable=False)

    return bind


def _numeric(value: Typed, function: str) -> None:
    if family(value.type) != "number" or value.type.name == "bit":
        raise SqlError(8117, f"{function} takes numbers, not {value.type.name}.")


def _sum(binder: Binder, value: Typed, distinct: bool, behind: str) -> Typed:
    _numeric(value, "SUM")
    result = _total_type(value.type)
    inner = f"{'DISTINCT ' if distinct else ''}{value.sql}"
    total = Typed(f"CAST(sum({inner}){behind} AS {duckdb_type(result)})", result)
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
    _numeric(value, "AVG")
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
        _numeric(value, function.upper())
        number = coerced(binder, value, FLOAT)
        return Typed(f"{function}({'DISTINCT ' if distinct else ''}{number.sql}){behind}", FLOAT)

    return bind


_AGGREGATES: Final[dict[str, _Aggregate]] = {
    "avg": _avg,
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
NAMES: Final = frozenset(_AGGREGATES) | {"string_agg", "grouping", "grouping_id"}
"""The names of the aggregate functions."""

PERCENTILES: Final = frozenset({"percentile_cont", "percentile_disc"})
"""The names of the functions with WITHIN GROUP and OVER."""

_RANKINGS: Final = {
    "row_number": BIGINT,
    "rank": BIGINT,
    "dense_rank": BIGINT,
    "cume_dist": FLOAT,
    "percent_rank": FLOAT,
}
_ARGUMENTS: Final = {"lag": (1, 3), "lead": (1, 3)}
_OFFSETS: Final = frozenset({"lag", "lead", "first_value", "last_value"})
WINDOW_NAMES: Final = frozenset(_RANKINGS) | _OFFSETS | {"ntile"}
"""The names of the functions that need OVER."""


def aggregate_over(binder: Binder, node: exp.Anonymous, argument: Typed, *, where: str) -> Typed:
    """An aggregate of a bound argument over the rows for which a condition is true."""
    aggregate = _AGGREGATES.get(str(node.this).lower())
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
    distinct = isinstance(argument, exp.Distinct)
    if distinct:
        if behind:
            raise SqlError(102, "Incorrect syntax near 'DISTINCT': it cannot be used with OVER.", severity=15)
        only(argument, "expressions")
        argument = argument.expressions[0]
    value = inside.value(argument)
    return _AGGREGATES[name](binder, value, distinct, behind)


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
    ordering = f" ORDER BY {order_items(inside, order)}" if order is not None else ""
    return Typed(f"string_agg({value.sql}, {separator.sql}{ordering})", widest(value.type))


def _within_group(binder: Binder, node: exp.WithinGroup) -> Typed:
    only(node, "this", "expression")
    name = str(node.this.this).lower() if isinstance(node.this, exp.Anonymous) else ""
    if name in PERCENTILES:
        raise SqlError(10753, f"The function {name.upper()} needs an OVER clause.", severity=15)
    if name != "string_agg":
        raise not_understood(node)
    return binder.scope.aggregate(_string_agg(binder, node.this, node.expression))


def _percentile(binder: Binder, node: exp.Window, ordered: exp.WithinGroup) -> Typed:
    """``PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY value) OVER (PARTITION BY …)``, and PERCENTILE_DISC."""
    function, order = ordered.this, ordered.expression
    name = str(function.this).lower()
    if node.args.get("order") is not None or node.args.get("spec") is not None:
        raise SqlError(10758, f"OVER of {name.upper()} takes PARTITION BY alone.", severity=15)
    if len(function.expressions) != 1 or len(order.expressions) != 1:
        raise SqlError(10751, f"ORDER BY in WITHIN GROUP of {name.upper()} must have one item.", severity=15)
    fraction = binder.value(function.expressions[0]).constant
    if fraction is None or not 0 <= fraction <= 1:
        raise SqlError(10759, f"The argument of {name.upper()} must be a number from 0 to 1.", severity=15)
    item = order.expressions[0]
    only(item, "this", "desc", "nulls_first")
    value = binder.value(item.this)
    over = f" OVER ({_partition(binder, node)})"
    if name == "percentile_cont":
        _numeric(value, name.upper())
        number = coerced(binder, value, FLOAT)
        share = 1 - float(fraction) if item.args.get("desc") else float(fraction)
        return Typed(f"quantile_cont({number.sql}, {share!r}){over}", FLOAT)
    way = direction(item).split(" NULLS")[0]
    ranked = f"list({value.sql} ORDER BY {order_sql(binder, value)}{way}) FILTER (WHERE {value.sql} IS NOT NULL){over}"
    place = f"greatest(CAST(ceil(len({ranked}) * {float(fraction)!r}) AS BIGINT), 1)"
    return Typed(f"list_extract({ranked}, {place})", value.type)


def _partition(binder: Binder, node: exp.Window) -> str:
    if not node.args.get("partition_by"):
        return ""
    values = binder.values(node.args["partition_by"])
    if any(map(is_by_chance, values)):
        raise not_supported("NEWID in PARTITION BY")
    return f"PARTITION BY {', '.join(order_sql(binder, value) for value in values)}"


def _grouping(binder: Binder, node: exp.Anonymous) -> Typed:
    binder.scope.check_aggregate(str(node.this))
    values = binder.ungrouped().values(node.expressions)
    if not values or any(value.sql not in (binder.scope.grouped or {}) for value in values):
        raise SqlError(8161, f"An argument of {str(node.this).upper()} is not in the GROUP BY clause.")
    keys = [order_sql(binder, value) for value in values]
    return Typed(f"CAST(grouping({', '.join(keys)}) AS INTEGER)", INT, nullable=False)


def order_items(binder: Binder, order: exp.Order) -> str:
    """The items of an ORDER BY inside OVER or WITHIN GROUP; empty for an order by chance alone."""
    only(order, "expressions")
    return ", ".join(text for item in order.expressions if (text := _order_item(binder, item)))


def _order_item(binder: Binder, item: exp.Ordered) -> str:
    only(item, "this", "desc", "nulls_first")
    if isinstance(item.this, exp.Literal) and not item.this.is_string:
        raise SqlError(5308, "ORDER BY inside OVER does not accept column positions.")
    value = binder.value(item.this)
    if value.constant is not None:
        raise SqlError(5309, "ORDER BY inside OVER does not accept constants.")
    # NEWID() sorts by chance: any order serves, and DuckDB refuses it.
    return "" if is_by_chance(value) else order_sql(binder, value) + direction(item)


def is_by_chance(value: Typed) -> bool:
    """Whether a value is another one each time that it is computed."""
    return "uuid()" in value.sql


def direction(item: exp.Ordered) -> str:
    """How an ORDER BY item sorts: NULL is the lowest value."""
    return " DESC NULLS LAST" if item.args.get("desc") else " ASC NULLS FIRST"


def _is_percentile(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).lower() in PERCENTILES


def _window(binder: Binder, node: exp.Window) -> Typed:
    only(node, "this", "partition_by", "order", "spec", "over")
    function = node.this
    if isinstance(function, exp.WithinGroup) and _is_percentile(function.this):
        binder.scope.check_window(str(function.this.this))
        with binder.scope.inside(Clause.OVER):
            return _percentile(binder, node, function)
    ignores = isinstance(function, exp.IgnoreNulls)
    if isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
        function = function.this
    if not isinstance(function, exp.Anonymous):
        raise not_understood(node)
    name = str(function.this).lower()
    if function is not node.this and name not in _OFFSETS:
        raise SqlError(10769, f"IGNORE NULLS and RESPECT NULLS are not allowed with {name.upper()}.", severity=15)
    binder.scope.check_window(name)
    with binder.scope.inside(Clause.OVER):
        if ignores:
            value = _over(binder, node, function, name)
            return replace(value, sql=value.sql.replace(") OVER (", " IGNORE NULLS) OVER (", 1))
        return _over(binder, node, function, name)


def _over(binder: Binder, node: exp.Window, function: exp.Anonymous, name: str) -> Typed:
    partition = _partition(binder, node)
    parts = [partition] if partition else []
    if node.args.get("order") is not None and (items := order_items(binder, node.args["order"])):
        parts.append(f"ORDER BY {items}")
    if node.args.get("spec") is not None:
        if node.args.get("order") is None:
            raise SqlError(10756, "A window frame (ROWS, RANGE) needs ORDER BY in its OVER clause.", severity=15)
        parts.append(_frame(node.args["spec"]))
    over = f" OVER ({' '.join(parts)})"
    if name in _AGGREGATES:
        return aggregated(binder, function, over)
    if name in WINDOW_NAMES:
        if node.args.get("order") is None:
            raise SqlError(4112, f"{name.upper()} needs ORDER BY in its OVER clause.", severity=15)
        return _ranked(binder, name, function, over)
    if name in NAMES:
        raise not_understood(node)
    raise SqlError(10753, f"{near(function)!r} cannot be used with OVER.", severity=15)


def _ranked(binder: Binder, name: str, node: exp.Anonymous, over: str) -> Typed:
    if name in _RANKINGS:
        if node.expressions:
            raise SqlError(174, f"{name.upper()} takes no arguments.", severity=15)
        return Typed(f"{name}(){over}", _RANKINGS[name], nullable=False)
    least, most = _ARGUMENTS.get(name, (1, 1))
    if not least <= len(node.expressions) <= most:
        raise SqlError(174, f"The {name} function requires {least} to {most} argument(s).", severity=15)
    values = binder.values(node.expressions)
    if name == "ntile":
        tiles = binder.call("tiles", _positive, [coerced(binder, values[0], BIGINT)], BIGINT, strict=False)
        return Typed(f"ntile({tiles.sql}){over}", BIGINT, nullable=False)
    if name in ("lag", "lead"):
        distance = "1"
        if len(values) > 1:
            distance = binder.call("distance", _not_negative, [coerced(binder, values[1], BIGINT)], BIGINT).sql
        default = coerced(binder, values[2], values[0].type).sql if len(values) > 2 else "NULL"
        return Typed(f"{name}({values[0].sql}, {distance}, {default}){over}", values[0].type)
    return Typed(f"{name}({values[0].sql}){over}", values[0].type)


def _positive(tiles: int | None) -> int:
    if tiles is None or tiles < 1:
        raise SqlError(8115, "The argument of NTILE must be 1 or higher.")
    return tiles


def _not_negative(distance: int) -> int:
    if distance < 0:
        raise SqlError(8730, "The offset of LAG and LEAD must not be negative.")
    return distance


def _frame(spec: exp.WindowSpec) -> str:
    only(spec, "kind", "start", "start_side", "end", "end_side")
    start = _bound(spec.args.get("start"), spec.args.get("start_side"))
    if spec.args.get("end") is None:
        return f"{spec.args['kind']} {start}"
    return f"{spec.args['kind']} BETWEEN {start} AND {_bound(spec.args['end'], spec.args.get('end_side'))}"


def _bound(value: str | exp.Expr | None, side: str | None) -> str:
    if isinstance(value, exp.Literal) and not value.is_string:
        text = value.name
    elif isinstance(value, str):
        text = value
    else:
        raise SqlError(102, "Incorrect syntax in a window frame: an integer is expected.", severity=15)
    return f"{text} {side}" if side else text


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {exp.Window: _window, exp.WithinGroup: _within_group}
