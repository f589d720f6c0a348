"""OVER: aggregates of a window, ranking and offset functions, percentiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, FLOAT
from airflow_provider_ssis.emulator.tsql.query.binder import near, not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.aggregates import (
    AGGREGATES,
    NAMES,
    aggregated,
    check_numeric,
    direction,
    is_by_chance,
    order_items,
)
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import equal_sql, order_sql
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.scope import Clause
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule


PERCENTILES: Final = frozenset({"percentile_cont", "percentile_disc"})
"""The names of the functions with WITHIN GROUP and OVER."""

_RANKINGS: Final = {
    "row_number": BIGINT,
    "rank": BIGINT,
    "dense_rank": BIGINT,
    "cume_dist": FLOAT,
    "percent_rank": FLOAT,
}
_BY_ROW: Final = frozenset({"row_number", "ntile", "lag", "lead"})
"""The functions that differ between rows with equal keys. The rows of a function in FROM keep their order."""
_ARGUMENTS: Final = {"lag": (1, 3), "lead": (1, 3)}
_OFFSETS: Final = frozenset({"lag", "lead", "first_value", "last_value"})
WINDOW_NAMES: Final = frozenset(_RANKINGS) | _OFFSETS | {"ntile"}
"""The names of the functions that need OVER."""


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
        check_numeric(value, name.upper())
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
    return f"PARTITION BY {', '.join(equal_sql(binder, value) for value in values)}"


def _is_percentile(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).lower() in PERCENTILES


def _window(binder: Binder, node: exp.Window) -> Typed:
    only(node, "this", "alias", "partition_by", "order", "spec", "over")
    node = _completed(node, _named_windows(node))
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


_PARTS: Final = ("partition_by", "order", "spec")
"""The parts of a window, in the order in which they are written."""


def _named_windows(node: exp.Window) -> dict[str, exp.Window]:
    """The windows that the WINDOW clause of the SELECT around a function names."""
    select = node.find_ancestor(exp.Select)
    named: dict[str, exp.Window] = {}
    for each in (select.args.get("windows") or ()) if select is not None else ():
        if named.setdefault(each.name.lower(), each) is not each:
            raise SqlError(102, f"The window {each.name!r} is defined twice.", severity=15)
    return named


def _completed(node: exp.Window, named: Mapping[str, exp.Window]) -> exp.Window:
    """A window with the parts of the named window that it refers to.

    :param named: the windows that it may refer to.
    """
    if not node.args.get("alias"):
        return node
    name = node.args["alias"].name
    if name.lower() not in named:
        raise SqlError(102, f"The window {name!r} is not defined, or refers to itself.", severity=15)
    base = _completed(named[name.lower()], {key: each for key, each in named.items() if key != name.lower()})
    added = [part for part in _PARTS if node.args.get(part)]
    if any(base.args.get(part) for part in _PARTS[_PARTS.index(added[0]) :]) if added else False:
        text = f"The window {name!r} has a part already that its reference, or a part before it, repeats."
        raise SqlError(102, text, severity=15)
    completed = node.copy()
    completed.parent = node.parent
    for part in _PARTS:
        if base.args.get(part):
            completed.set(part, base.args[part])
    return completed


def _over(binder: Binder, node: exp.Window, function: exp.Anonymous, name: str) -> Typed:
    partition = _partition(binder, node)
    parts = [partition] if partition else []
    if node.args.get("order") is not None:
        items = [order_items(binder, node.args["order"])]
        if name in _BY_ROW and binder.scope.grouped is None:
            items += binder.scope.places
        if keys := ", ".join(filter(None, items)):
            parts.append(f"ORDER BY {keys}")
    if node.args.get("spec") is not None:
        if node.args.get("order") is None:
            raise SqlError(10756, "A window frame (ROWS, RANGE) needs ORDER BY in its OVER clause.", severity=15)
        parts.append(_frame(node.args["spec"]))
    over = f" OVER ({' '.join(parts)})"
    if name in AGGREGATES:
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


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {exp.Window: _window}
