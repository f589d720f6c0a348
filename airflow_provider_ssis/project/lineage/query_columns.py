"""Trace the columns of SQL queries to the stored columns from which they are computed. Needs sqlglot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Name = tuple[str, ...]
"""The parts of a table's name: database, schema and table, of which only the last is always there."""
Origin = tuple[Name, str]
"""A column of a table."""
Outputs = list[tuple[str, set[Origin]]]
"""The name and the origins of each column that a query returns; ``*`` for all columns of a table."""


class QueryColumns:
    """The columns of the queries of one statement. Each query is traced once, however many queries use it."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Scope, Outputs]] = {}
        self._by_query: dict[int, Scope] = {}
        self._common: set[str] = set()
        """The names of common table expressions: a recursive one is a table to sqlglot in its own query."""

    def outputs(self, query: exp.Expr) -> Outputs:
        """Return the columns that a query returns; none if sqlglot cannot separate its parts.

        :param query: the query, with the common table expressions that it uses.
        """
        from sqlglot.errors import SqlglotError
        from sqlglot.optimizer.scope import build_scope

        try:
            root = build_scope(query)
        except SqlglotError:
            return []
        if root is None:
            return []
        self._register(query, root.traverse())
        return self._outputs(root)

    def used(self, statement: exp.Expr) -> Iterator[Origin]:
        """Yield the stored columns that the queries of a statement use, in any place.

        :param statement: the statement.
        """
        from sqlglot import exp
        from sqlglot.errors import SqlglotError
        from sqlglot.optimizer.scope import traverse_scope

        for query in statement.find_all(exp.Select, exp.SetOperation):
            if query.find_ancestor(exp.Select, exp.SetOperation) is not None:
                continue
            try:
                scopes = traverse_scope(query)
            except SqlglotError:
                continue
            self._register(statement, scopes)
            for scope in scopes:
                for column in scope.columns:
                    yield from self._origins(column, scope)

    def _register(self, query: exp.Expr, scopes: Iterable[Scope]) -> None:
        from sqlglot import exp

        self._by_query |= {id(scope.expression): scope for scope in scopes}
        self._common |= {one.alias_or_name.lower() for one in query.find_all(exp.CTE)}

    def _outputs(self, scope: Scope) -> Outputs:
        known = self._found.get(id(scope))
        if known is None:
            # A recursive query gets no columns from itself.
            self._found[id(scope)] = (scope, [])
            found = self._read(scope)
            names = scope.outer_columns
            # Names in a list after the alias replace those in the query.
            renamed = [
                (names[number] if number < len(names) else name, one) for number, (name, one) in enumerate(found)
            ]
            known = self._found[id(scope)] = (scope, renamed)
        return known[1]

    def _read(self, scope: Scope) -> Outputs:
        from sqlglot import exp

        if scope.set_operation_scopes:
            sides = [self._outputs(side) for side in scope.set_operation_scopes]
            return [
                (name, set().union(*(side[position][1] for side in sides if position < len(side))))
                for position, (name, _) in enumerate(sides[0])
            ]
        found: Outputs = []
        expression = scope.expression
        for one in expression.selects if isinstance(expression, exp.Query) else ():
            if one.is_star:
                found.append(("*", self._origins(exp.column("*", one.args.get("table")), scope)))
                continue
            found.append((one.alias_or_name, self._computed_from(one, scope)))
        return found

    def _computed_from(self, expression: exp.Expr, scope: Scope) -> set[Origin]:
        """Return the origins of an expression; those of a query in it are what the query returns."""
        from sqlglot import exp

        origins: set[Origin] = set()
        for node in expression.walk(prune=lambda one: isinstance(one, exp.Query)):
            if isinstance(node, exp.Query):
                inner = self._by_query.get(id(node.unnest()))
                for _, found in self._outputs(inner) if inner is not None else ():
                    origins |= found
            elif isinstance(node, exp.Column):
                origins |= self._origins(node, scope)
        return origins

    def _origins(self, column: exp.Column, scope: Scope) -> set[Origin]:
        """Return the stored columns that a column of a query is; none if its table is not known."""
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope

        sources = {name.lower(): one for name, one in scope.sources.items() if name in scope.selected_sources}
        if column.table:
            source = sources.get(column.table.lower())
            if source is None and scope.is_subquery and scope.parent is not None:
                return self._origins(column, scope.parent)
        else:
            source = next(iter(sources.values())) if len(sources) == 1 else None
        if isinstance(source, exp.Table):
            # PIVOT and UNPIVOT make other columns from those of the table.
            name = None if source.args.get("pivots") else stored_name(source)
            is_common = name is not None and len(name) == 1 and name[0].lower() in self._common
            return {(name, column.name)} if name and not is_common else set()
        if isinstance(source, Scope):
            outputs = [(name.lower(), origins) for name, origins in self._outputs(source)]
            found = [origins for name, origins in outputs if name == column.name.lower()]
            if not found:
                found = [{(table, column.name) for table, _ in origins} for name, origins in outputs if name == "*"]
            return set().union(*found)
        return set()


def stored_name(table: exp.Table) -> Name | None:
    """Return the parts of the name of a stored table; None for a temporary table, variable or function.

    :param table: the table.
    """
    from sqlglot import exp

    identifier = table.this
    if not isinstance(identifier, exp.Identifier) or not table.name or table.name.startswith("#"):
        return None
    if identifier.args.get("temporary") or identifier.args.get("global_"):
        return None
    # DW..Sales has a database and no schema.
    parts = (table.catalog, table.db, table.name)
    return parts[next(index for index, part in enumerate(parts) if part) :]
