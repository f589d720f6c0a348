"""FROM: joins, APPLY, derived tables, VALUES and functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import shared_type, unified
from airflow_provider_ssis.emulator.tsql.query.rules.grouping import is_grouped
from airflow_provider_ssis.emulator.tsql.query.rules.named_sources import expose, guard_rights, name_parts, named_source
from airflow_provider_ssis.emulator.tsql.query.rules.open_json import open_json
from airflow_provider_ssis.emulator.tsql.query.rules.pivots import pivoted
from airflow_provider_ssis.emulator.tsql.query.rules.schema_functions import (
    bound_function,
    find_function,
    find_user_function,
)
from airflow_provider_ssis.emulator.tsql.query.rules.table_functions import TABLE_FUNCTIONS
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import bound_table
from airflow_provider_ssis.emulator.tsql.query.rules.xml_methods import xml_nodes
from airflow_provider_ssis.emulator.tsql.query.scope import PLACE, ROW_ID, Clause, Scope, Source
from airflow_provider_ssis.emulator.tsql.query.typed import BoundQuery, Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_OPEN_JSON: Final = exp.TableAlias(this=exp.to_identifier("openjson"))
_ALIAS: Final = re.compile(r"(\w+)\.")
"""A source's DuckDB alias in the text of one of its columns."""
_JOINS: Final = {
    ("", ""): "JOIN",
    ("", "INNER"): "JOIN",
    ("LEFT", ""): "LEFT JOIN",
    ("LEFT", "OUTER"): "LEFT JOIN",
    ("RIGHT", ""): "RIGHT JOIN",
    ("RIGHT", "OUTER"): "RIGHT JOIN",
    ("FULL", ""): "FULL JOIN",
    ("FULL", "OUTER"): "FULL JOIN",
}


def bind_from(binder: Binder, select: exp.Select) -> str:
    """The DuckDB FROM clause of a query, whose sources are put into the binder's scope; empty without FROM."""
    clause = select.args.get("from_")
    if clause is None:
        return ""
    text = add_source(binder, clause.this)
    count = len(binder.scope.sources)
    joins = select.args.get("joins") or ()
    joined = "".join([_join(binder, join) for join in joins])
    if count == 1 and binder.scope.places and any(isinstance(join.this, exp.Lateral) for join in joins):
        text = _with_places(binder.scope, text)
    return f" FROM {text}{joined}"


def _with_places(scope: Scope, text: str) -> str:
    """The text of the first source, whose rows get numbers if they have none: those of APPLY come in their order."""
    source = scope.sources[0]
    if source.hidden(PLACE) or source.hidden(ROW_ID):
        return text
    alias = _ALIAS.findall(source.columns[0].sql)[0]
    scope.sources[0] = _placed(source, alias)
    return f"(SELECT {alias}.*, row_number() OVER () AS place FROM {text}) AS {alias}"


def _placed(source: Source, alias: str) -> Source:
    place = Typed(f"{alias}.place", BIGINT, nullable=False, name=PLACE)
    return replace(source, columns=(*source.columns, place))


def _join(binder: Binder, join: exp.Join) -> str:
    only(join, "this", "side", "kind", "on", "hint")
    if isinstance(join.this, exp.Lateral):
        return _apply(binder, join.this)
    side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
    condition = join.args.get("on")
    if kind == "CROSS" or (not side and not kind and condition is None):
        return f" CROSS JOIN {add_source(binder, join.this)}"
    word = _JOINS.get((side, kind))
    if word is None or condition is None:
        raise not_understood(join)
    known = len(binder.scope.sources)
    text = add_source(binder, join.this)
    with binder.scope.inside(Clause.ON):
        predicate = binder.predicate(condition)
    _loosen(binder, side, known)
    return f" {word} {text} ON {predicate.sql}"


def _loosen(binder: Binder, side: str, known: int) -> None:
    """Columns of the side of an outer join that may have no row become nullable."""
    for index, source in enumerate(binder.scope.sources):
        if side == "FULL" or (side == "LEFT" and index >= known) or (side == "RIGHT" and index < known):
            binder.scope.sources[index] = _nullable(source)


def _nullable(source: Source) -> Source:
    return replace(source, columns=tuple(replace(column, nullable=True) for column in source.columns))


def _apply(binder: Binder, lateral: exp.Lateral) -> str:
    only(lateral, "this", "alias", "cross_apply", "ordinality")
    known = len(binder.scope.sources)
    if isinstance(lateral.this, exp.Subquery) and isinstance(lateral.this.this, exp.Values):
        text = _values(binder, lateral.this.this, lateral.args.get("alias"), sees_siblings=True)
    elif isinstance(lateral.this, exp.Subquery):
        query = _passing_places(lateral.this.this)
        text = _derived(binder, query, lateral.args.get("alias"), sees_siblings=True)
    elif isinstance(lateral.this, exp.OpenJSON):
        text = _query_source(binder, open_json(binder, lateral.this), lateral.args.get("alias") or _OPEN_JSON)
    elif isinstance(lateral.this, exp.Anonymous):
        text = _function(binder, lateral.this, lateral.args.get("alias"))
    elif isinstance(lateral.this, exp.Dot) and isinstance(lateral.this.expression, exp.Anonymous):
        schema = [part.name for part in lateral.this.flatten()][:-1]
        text = _nodes(binder, lateral.this.this, lateral.this.expression, lateral.args.get("alias")) or _function(
            binder, lateral.this.expression, lateral.args.get("alias"), schema
        )
    else:
        raise not_understood(lateral)
    if lateral.args.get("cross_apply"):
        return f" CROSS JOIN LATERAL {text}"
    _loosen(binder, "LEFT", known)
    return f" LEFT JOIN LATERAL {text} ON TRUE"


def _passing_places(query: exp.Expr) -> exp.Expr:
    """A query in APPLY that also returns the places of the elements of OPENJSON, if it reads them."""
    clause = query.args.get("from_")
    if not isinstance(query, exp.Select) or clause is None or not isinstance(clause.this.this, exp.OpenJSON):
        return query
    if any(query.args.get(part) for part in ("joins", "distinct", "for_")) or is_grouped(query):
        return query
    passing = query.copy()
    passing.append("expressions", exp.column(exp.to_identifier(PLACE, quoted=True)))
    return passing


def add_source(binder: Binder, node: exp.Expr) -> str:
    match node:
        case exp.Table():
            return _table(binder, node)
        case exp.Subquery():
            only(node, "this", "alias", "pivots")
            if isinstance(node.this, exp.Table) or (isinstance(node.this, exp.Subquery) and not node.args.get("alias")):
                return _joined(binder, node)
            if node.args.get("pivots"):
                return _pivot(binder, node)
            return _derived(binder, node.this, node.args.get("alias"))
        case exp.Values() if node.args.get("pivots"):
            return _pivot(binder, node)
        case exp.Values():
            return _values(binder, node, node.args.get("alias"))
        case exp.Paren():
            return add_source(binder, node.this)
        case _:
            raise not_understood(node)


def _joined(binder: Binder, node: exp.Subquery) -> str:
    """``(a JOIN b ON ...)``: parentheses around joins, which have no separate scope."""
    inner = node.this
    text = add_source(binder, inner)
    for join in inner.args.get("joins") or ():
        text += _join(binder, join)
    return f"({text})"


def _pivot(binder: Binder, node: exp.Expr) -> str:
    """``source PIVOT (...)``: the source has its own scope, which the rest of FROM cannot use."""
    pivots = node.args["pivots"]
    if len(pivots) > 1:
        raise not_understood(pivots[1])
    inner = binder.within(Scope(parent=binder.scope.parent))
    bare = node.copy()
    bare.set("pivots", None)
    text = add_source(inner, bare)
    if pivots[0].args.get("unpivot") and len(inner.scope.sources) == 1:
        text = _with_places(inner.scope, text)
    query = pivoted(inner, pivots[0], text, inner.scope.sources[-1])
    return _query_source(binder, query, pivots[0].args["alias"])


def _table(binder: Binder, node: exp.Table) -> str:
    only(node, "this", "db", "catalog", "alias", "hints", "pivots", "joins")
    if node.args.get("pivots"):
        return _pivot(binder, node)
    alias = node.args.get("alias")
    if isinstance(node.this, exp.OpenJSON):
        return _query_source(binder, open_json(binder, node.this), alias or _OPEN_JSON)
    if isinstance(node.this, exp.Anonymous):
        nodes = _nodes(binder, _owner(node), node.this, alias)
        return nodes or _function(binder, node.this, alias, name_parts(node)[:-1])
    return named_source(binder, node, alias)


def _derived(
    binder: Binder, query_node: exp.Expr, alias_node: exp.TableAlias | None, *, sees_siblings: bool = False
) -> str:
    if alias_node is None or not alias_node.name:
        raise SqlError(102, "Incorrect syntax near ')': a query in FROM needs an alias.", severity=15)
    outside = binder if sees_siblings else binder.within(Scope(parent=binder.scope.parent))
    query = outside.query(query_node)
    return _query_source(binder, query, alias_node)


def _query_source(binder: Binder, query: BoundQuery, alias_node: exp.TableAlias) -> str:
    alias = binder.compilation.alias()
    columns = derived_columns(alias, query.columns)
    if not alias_node.args.get("columns"):
        check_names(columns, alias_node.name)
    expose(binder, alias_node, (), columns)
    if query.has_place:
        binder.scope.sources[-1] = _placed(binder.scope.sources[-1], alias)
    return f"({query.sql}) AS {alias}"


def derived_columns(alias: str, columns: Sequence[Typed]) -> tuple[Typed, ...]:
    """The outputs of a bound query as columns of a source."""
    return tuple(
        Typed(f"{alias}.{output_name(position)}", column.type, nullable=column.nullable, name=column.name)
        for position, column in enumerate(columns, start=1)
    )


def check_names(columns: Sequence[Typed], source: str) -> None:
    """Check that the columns of a derived table have names, each its own.

    :raises SqlError: 8155, 8156.
    """
    seen: set[str] = set()
    for position, column in enumerate(columns, start=1):
        if not column.name:
            raise SqlError(8155, f"Column {position} of {source!r} has no name. Give it an alias.")
        if column.name.lower() in seen:
            raise SqlError(8156, f"The column {column.name!r} was specified multiple times for {source!r}.")
        seen.add(column.name.lower())


def _values(binder: Binder, node: exp.Values, alias_node: exp.TableAlias | None, *, sees_siblings: bool = False) -> str:
    only(node, "expressions", "alias")
    if alias_node is None:
        raise SqlError(102, "Incorrect syntax near 'VALUES': it needs an alias with column names.", severity=15)
    outside = binder if sees_siblings else binder.within(Scope(parent=binder.scope.parent))
    rows = bind_rows(outside, node)
    alias = binder.compilation.alias()
    columns = [
        Typed(f"{alias}.{output_name(position)}", shared_type(column), nullable=any(each.nullable for each in column))
        for position, column in enumerate(zip(*rows, strict=True), start=1)
    ]
    expose(binder, alias_node, (), tuple(columns))
    names = [output_name(position) for position in range(1, len(columns) + 1)]
    if sees_siblings:
        # The place of each row: APPLY is a join, which in DuckDB does not keep the order.
        binder.scope.sources[-1] = _placed(binder.scope.sources[-1], alias)
        rows = [[*row, Typed(str(place), BIGINT)] for place, row in enumerate(rows, start=1)]
        names.append("place")
    return f"(VALUES {rows_sql(rows)}) AS {alias}({', '.join(names)})"


def bind_rows(binder: Binder, node: exp.Values) -> list[list[Typed]]:
    """The rows of a VALUES list, each column of one type."""
    rows = [binder.values(row.expressions if isinstance(row, exp.Tuple) else [row]) for row in node.expressions]
    if any(not row for row in rows):
        raise SqlError(102, "Incorrect syntax near ')': a row of VALUES needs at least one value.", severity=15)
    if len({len(row) for row in rows}) != 1:
        raise SqlError(10709, "All rows of VALUES must have the same number of columns.")
    columns = [unified(binder, column) for column in zip(*rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def rows_sql(rows: Sequence[Sequence[Typed]]) -> str:
    """Rows in DuckDB's syntax after VALUES."""
    return ", ".join(f"({', '.join(value.sql for value in row)})" for row in rows)


def _owner(node: exp.Table) -> exp.Expr | None:
    """The parts of a name before that of the function."""
    owner, table = node.args.get("db"), node.args.get("catalog")
    if isinstance(owner, exp.Identifier):
        return exp.Column(this=owner.copy(), table=None if table is None else table.copy())
    return owner if isinstance(owner, exp.Expr) else None


def _nodes(binder: Binder, owner: exp.Expr | None, method: exp.Anonymous, alias: exp.TableAlias | None) -> str:
    """``value.nodes('path') AS name(column)``; empty for other functions.

    :raises SqlError: 9506, it has no alias with a column.
    """
    if owner is None or str(method.this).lower() != "nodes":
        return ""
    if alias is None or len(alias.args.get("columns") or ()) != 1:
        raise SqlError(9506, "The XMLDT method 'nodes' needs an alias with a column: nodes('path') AS name(column).")
    return _query_source(binder, xml_nodes(binder, owner, method), alias)


def _function(
    binder: Binder, node: exp.Anonymous, alias_node: exp.TableAlias | None, schema: Sequence[str] = ()
) -> str:
    name = node.this.name if isinstance(node.this, exp.Identifier) else str(node.this)
    created = find_user_function(binder, (*schema, name))
    if created is not None and created.returns is None:
        guard_rights(binder, created, "SELECT")
        query: BoundQuery | None = bound_table(binder, created, node.expressions)
    elif schema:
        of_schema = find_function(binder, (*schema, name), is_scalar=False)
        query = None if of_schema is None else bound_function(binder, of_schema, node.expressions)
    else:
        function = TABLE_FUNCTIONS.get(name.lower())
        query = None if function is None else function(binder, node.expressions)
    if query is None:
        raise SqlError(208, f"Invalid object name {'.'.join((*schema, name))!r}.")
    if alias_node is None:
        alias_node = exp.TableAlias(this=exp.to_identifier(node.name))
    return _query_source(binder, query, alias_node)
