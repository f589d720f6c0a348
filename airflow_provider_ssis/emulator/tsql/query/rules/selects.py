"""SELECT with all of its clauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.tsql.query.binder import located, not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.common_tables import bind_with
from airflow_provider_ssis.emulator.tsql.query.rules.comparisons import equal_sql
from airflow_provider_ssis.emulator.tsql.query.rules.for_clause import formatted
from airflow_provider_ssis.emulator.tsql.query.rules.grouping import bind_group, is_grouped
from airflow_provider_ssis.emulator.tsql.query.rules.limits import bind_limit
from airflow_provider_ssis.emulator.tsql.query.rules.names import written_name
from airflow_provider_ssis.emulator.tsql.query.rules.ordering import (
    INNER,
    OrderItem,
    bind_order,
    check_inner_order,
    order_clause,
)
from airflow_provider_ssis.emulator.tsql.query.rules.sources import bind_from, derived_columns
from airflow_provider_ssis.emulator.tsql.query.rules.xml_methods import check_not_node
from airflow_provider_ssis.emulator.tsql.query.scope import Clause
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Predicate, Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, QueryRule

_UNDERSTOOD: Final = (
    *("expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "options"),
    *("windows", "with_", "kind", "hint", "for_"),
)


@dataclass(frozen=True, slots=True)
class _Block:
    """The bound parts of one SELECT.

    :param tail: everything from FROM to HAVING.
    :param places: the order of the rows without ORDER BY.
    """

    outputs: tuple[Typed, ...]
    tail: str
    order: tuple[OrderItem, ...]
    places: tuple[OrderItem, ...]


def _select(binder: Binder, node: exp.Select) -> BoundQuery:
    only(node, *_UNDERSTOOD)
    if isinstance(node.parent, INNER):
        check_inner_order(node)
    if not node.expressions:
        raise SqlError(
            156, "Incorrect syntax near the keyword 'FROM': a SELECT needs something to select.", severity=15
        )
    binder, prefix = bind_with(binder, node)
    from_text = bind_from(binder, node)
    condition = None
    if node.args.get("where") is not None:
        with binder.scope.inside(Clause.WHERE):
            condition = binder.predicate(node.args["where"].this)
    where = f" WHERE {condition.sql}" if condition is not None else ""
    group_text = ""
    if is_grouped(node):
        with binder.scope.inside(Clause.GROUP_BY):
            group_text = bind_group(binder, node)
        if _has_subquery(node):
            binder.scope.group_first(binder.compilation.alias())
    outputs = tuple(select_list(binder, node))
    having = node.args.get("having")
    having_text = ""
    if having is not None:
        with binder.scope.inside(Clause.HAVING):
            having_text = binder.predicate(having.this).sql
    distinct = node.args.get("distinct")
    if distinct is not None:
        only(distinct)
    order = bind_order(binder, node.args.get("order"), outputs, inside=distinct is None)
    places = () if order or is_grouped(node) else tuple(OrderItem(key, "") for key in binder.scope.places)
    tail = f"{from_text}{where}{group_text}"
    if binder.scope.groups is not None:
        tail = binder.scope.groups.source(tail) + (f" WHERE {having_text}" if having_text else "")
    elif having_text:
        tail += f" HAVING {having_text}"
    block = _Block(outputs, tail, order, places)
    sql = _distinct(binder, node, block) if distinct is not None else _plain(binder, node, block)
    evaluate = None
    if not from_text and not group_text and not prefix and node.args.get("limit") is None:
        evaluate = _in_python(outputs, condition)
    return formatted(binder, node, BoundQuery(prefix + sql, outputs, evaluate))


def _has_subquery(node: exp.Select) -> bool:
    """Whether a grouped query has a subquery outside FROM and WHERE, which may read the groups."""
    parts = (*node.expressions, node.args.get("having"), node.args.get("order"))
    return any(part.find(exp.Query) is not None for part in parts if part is not None)


def _numbered(outputs: Sequence[Typed]) -> str:
    return ", ".join(f"{output.sql} AS {output_name(position)}" for position, output in enumerate(outputs, start=1))


def _plain(binder: Binder, node: exp.Select, block: _Block) -> str:
    if (
        any(" OVER (" in item.key or "uuid()" in item.key for item in block.order)
        and node.args.get("limit") is not None
    ):
        return _over_keys(binder, node, block)
    limit = bind_limit(binder, node, block.order)
    return (
        " ".join(["SELECT", _numbered(block.outputs)])
        + block.tail
        + limit.qualify
        + order_clause(block.order or block.places)
        + limit.clause
    )


def _over_keys(binder: Binder, node: exp.Select, block: _Block) -> str:
    """A limit whose order has window functions or NEWID, which the windows of WITH TIES and PERCENT cannot have."""
    alias = binder.compilation.alias()
    keys = [f"{item.key} AS k{place}" for place, item in enumerate(block.order, start=1)]
    inner = " ".join(["SELECT", ", ".join([_numbered(block.outputs), *keys])]) + block.tail
    order = tuple(OrderItem(f"{alias}.k{place}", item.direction) for place, item in enumerate(block.order, start=1))
    limit = bind_limit(binder, node, order)
    outputs = ", ".join(f"{alias}.{output_name(place)}" for place in range(1, len(block.outputs) + 1))
    rows = " ".join(["SELECT", outputs, "FROM", f"({inner}) AS {alias}"])
    return f"{rows}{limit.qualify}{order_clause(order)}{limit.clause}"


def _distinct(binder: Binder, node: exp.Select, block: _Block) -> str:
    """DISTINCT with T-SQL's equality; the order and the limit apply to the remaining rows."""
    # A constant takes no part: DuckDB would read a number as a position.
    keys = (
        ", ".join(equal_sql(binder, output) for output in block.outputs if output.constant is None) or "NULL::INTEGER"
    )
    inner = " ".join([f"SELECT DISTINCT ON ({keys})", _numbered(block.outputs)]) + block.tail
    return ordered_over(binder, node, inner, block.outputs)


def ordered_over(binder: Binder, node: exp.Query, inner: str, outputs: Sequence[Typed]) -> str:
    """A query's ORDER BY and limit around the text of its rows: both see the outputs alone."""
    if all(node.args.get(part) is None for part in ("order", "limit", "offset")):
        return inner
    alias = binder.compilation.alias()
    columns = derived_columns(alias, outputs)
    order = bind_order(binder, node.args.get("order"), columns, inside=False)
    limit = bind_limit(binder, node, order)
    rows = " ".join(["SELECT", f"{alias}.*", "FROM", f"({inner}) AS {alias}"])
    return f"{rows}{limit.qualify}{order_clause(order)}{limit.clause}"


def select_list(binder: Binder, node: exp.Select) -> list[Typed]:
    """The outputs of a SELECT: stars spelled out, aliases as names."""
    outputs: list[Typed] = []
    for item in node.expressions:
        outputs += _outputs(binder, item)
    for output in outputs:
        check_not_node(output)
    return outputs


def _outputs(binder: Binder, item: exp.Expr) -> list[Typed]:
    match item:
        case exp.Star():
            only(item)
            if not binder.scope.sources:
                raise SqlError(263, "Must specify a table to select from.")
            return [_starred(binder, column) for source in binder.scope.sources for column in source.shown]
        case exp.Column() if isinstance(item.this, exp.Star):
            qualifier = tuple(written_name(part).lower() for part in item.parts[:-1])
            sources = [source for source in binder.scope.sources if source.called(qualifier)]
            if not sources:
                raise located(SqlError(107, f"No source in FROM is called {'.'.join(qualifier)!r}."), item)
            return [_starred(binder, column) for column in sources[0].shown]
        case exp.Alias():
            only(item, "this", "alias")
            return [binder.value(item.this).named(item.alias)]
        case exp.EQ() if isinstance(item.this, exp.Literal) and item.this.is_string:
            # 'name' = value: the old way of writing an alias, which T-SQL still takes.
            return [binder.value(item.expression).named(item.this.name)]
        case exp.Aliases():
            raise not_understood(item)
        case _:
            return [binder.value(item)]


def _starred(binder: Binder, column: Typed) -> Typed:
    grouped = binder.scope.grouped
    if grouped is None:
        return column
    if column.sql not in grouped:
        raise SqlError(8120, f"Column {column.name!r} is neither in an aggregate function nor in the GROUP BY clause.")
    return replace(column, sql=grouped[column.sql], nullable=column.nullable or binder.scope.subtotals)


def _in_python(
    outputs: Sequence[Typed], condition: Predicate | None
) -> Callable[[Mapping[str, Any]], list[tuple[Any, ...]]] | None:
    """The one row of a SELECT without FROM, where Python can compute all of it."""
    evaluators = [output.evaluate for output in outputs if output.evaluate is not None]
    if len(evaluators) < len(outputs) or (condition is not None and condition.evaluate is None):
        return None
    test = condition.evaluate if condition is not None else None

    def rows(values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if test is not None and not test(values):
            return []
        return [tuple([evaluate(values) for evaluate in evaluators])]

    return rows


def _subquery(binder: Binder, node: exp.Subquery) -> BoundQuery:
    """Parentheses around a whole query."""
    only(node, "this", "order", "limit", "offset", "options")
    query = binder.query_here(node.this)
    return BoundQuery(ordered_over(binder, node, query.sql, query.columns), query.columns, query.evaluate)


QUERIES: Final[dict[type[exp.Expr], QueryRule]] = {exp.Select: _select, exp.Subquery: _subquery}
