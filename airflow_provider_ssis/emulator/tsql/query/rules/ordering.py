"""ORDER BY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.rules.aggregates import direction
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import order_sql
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One item: the DuckDB text that sorts, and how."""

    key: str
    direction: str


def bind_order(
    binder: Binder, order: exp.Order | None, outputs: Sequence[Typed], *, inside: bool
) -> tuple[OrderItem, ...]:
    """The items of a query's ORDER BY.

    An item is a position, the name of an output, or an expression.

    :param inside: expressions may read the query's sources; otherwise (DISTINCT, UNION) its outputs alone.
    :raises SqlError: 108, 145, 207.
    """
    if order is None:
        return ()
    only(order, "expressions")
    targets = [(_target(binder, item.this, outputs, inside=inside), direction(item)) for item in order.expressions]
    # A selected constant may be named here, though it sorts nothing; DuckDB would refuse it.
    return tuple(OrderItem(order_sql(binder, target), way) for target, way in targets if target.constant is None)


def check_inner_order(node: exp.Expr) -> None:
    """Check that the query of a view, function or subquery has no ORDER BY without a limit, which would mean nothing.

    :raises SqlError: 1033.
    """
    if node.args.get("order") is not None and all(node.args.get(part) is None for part in ("limit", "offset", "for_")):
        text = (
            "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table "
            "expressions, unless TOP, OFFSET or FOR XML is also specified."
        )
        raise SqlError(1033, text, severity=15)


INNER: Final = (exp.Subquery, exp.CTE, exp.In, exp.Exists, exp.Any, exp.All)
"""The parents of a query inside another one."""


def _target(binder: Binder, node: exp.Expr, outputs: Sequence[Typed], *, inside: bool) -> Typed:
    if isinstance(node, exp.Literal) and not node.is_string:
        position = int(node.name) if node.name.isdigit() else 0
        if not 1 <= position <= len(outputs):
            raise SqlError(108, f"ORDER BY position {node.name} is out of range: there are {len(outputs)} columns.")
        return outputs[position - 1]
    if isinstance(node, exp.Column) and len(node.parts) == 1:
        named = [output for output in outputs if output.name.lower() == node.name.lower()]
        if len({output.sql for output in named}) == 1:
            return named[0]
        if named:
            raise SqlError(209, f"Ambiguous column name {node.name!r} in ORDER BY.")
    if inside:
        value = binder.value(node)
        if value.constant is not None:
            raise SqlError(408, "ORDER BY does not accept constants.")
        return value
    if isinstance(node, exp.Column):
        named = [output for output in outputs if output.name.lower() == node.name.lower()]
        if len(named) == 1:
            return named[0]
    raise SqlError(
        145,
        "ORDER BY items of a query with DISTINCT, UNION, EXCEPT or INTERSECT must be in its select list.",
    )


def order_clause(items: Sequence[OrderItem]) -> str:
    """The DuckDB ORDER BY clause; nothing for no items."""
    return f" ORDER BY {', '.join(item.key + item.direction for item in items)}" if items else ""
