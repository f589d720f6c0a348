"""GROUP BY, ROLLUP, CUBE and GROUPING SETS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.aggregates import NAMES
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import equal_sql
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

_SETS: Final = {exp.Rollup: "ROLLUP", exp.Cube: "CUBE"}


def is_grouped(node: exp.Select) -> bool:
    """Whether a SELECT gives groups: it has GROUP BY, HAVING, or an aggregate without OVER."""
    if node.args.get("group") is not None or node.args.get("having") is not None:
        return True
    return any(_has_aggregate(item) for item in (*node.expressions, node.args.get("order")) if item is not None)


def _has_aggregate(node: exp.Expr) -> bool:
    if isinstance(node, exp.Query):
        return False
    if isinstance(node, exp.Anonymous) and str(node.this).lower() in NAMES:
        return not isinstance(node.parent, exp.Window)
    return any(_has_aggregate(child) for child in node.iter_expressions())


def bind_group(binder: Binder, node: exp.Select) -> str:
    """The DuckDB GROUP BY clause; from here on the binder's scope is grouped."""
    group = node.args.get("group")
    readings: dict[str, str] = {}
    text = ""
    if group is not None:
        only(group, "expressions", "rollup", "cube")
        subtotals = bool(group.args.get("rollup") or group.args.get("cube")) or any(
            not _is_plain(item) for item in group.expressions
        )
        items = [_item(binder, item, readings, subtotals=subtotals) for item in group.expressions]
        listed = ", ".join(items)
        for part, word in (("rollup", "ROLLUP"), ("cube", "CUBE")):
            if group.args.get(part):
                listed = f"{word} ({listed})"
        binder.scope.subtotals = subtotals
        text = f" GROUP BY {listed}" if listed else " GROUP BY ()"
    binder.scope.grouped = readings
    return text


def _is_plain(item: exp.Expr) -> bool:
    return not isinstance(item, exp.Rollup | exp.Cube | exp.GroupingSets)


def _item(binder: Binder, item: exp.Expr, readings: dict[str, str], *, subtotals: bool) -> str:
    match item:
        case exp.Rollup() | exp.Cube():
            only(item, "expressions")
            return f"{_SETS[type(item)]} ({', '.join(_members(binder, item.expressions, readings))})"
        case exp.GroupingSets():
            only(item, "expressions")
            return f"GROUPING SETS ({', '.join(_set(binder, each, readings) for each in item.expressions)})"
        case exp.Literal():
            raise SqlError(164, "Each GROUP BY expression must contain at least one column.")
        case exp.Paren() | exp.Column() | exp.Expr():
            return _key(binder, binder.value(item), readings, subtotals=subtotals)
    raise not_understood(item)


def _set(binder: Binder, node: exp.Expr, readings: dict[str, str]) -> str:
    members = node.expressions if isinstance(node, exp.Tuple) else [node.this if isinstance(node, exp.Paren) else node]
    return f"({', '.join(_members(binder, members, readings))})"


def _members(binder: Binder, nodes: Sequence[exp.Expr], readings: dict[str, str]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, exp.Tuple):
            raise not_understood(node)
        yield _key(binder, binder.value(node), readings, subtotals=True)


def _key(binder: Binder, value: Typed, readings: dict[str, str], *, subtotals: bool) -> str:
    """The DuckDB key of a grouping expression; its form in the rest of the query is added to ``readings``."""
    key = equal_sql(binder, value)
    if key == value.sql:
        readings[value.sql] = value.sql
    elif subtotals:
        readings[value.sql] = f"CASE WHEN grouping({key}) = 1 THEN NULL ELSE any_value({value.sql}) END"
    else:
        readings[value.sql] = f"any_value({value.sql})"
    return key
