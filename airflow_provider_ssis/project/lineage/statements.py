"""Read from SQL which tables and columns it reads and writes. Needs sqlglot, which the extra ``lineage`` brings."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.lineage.batches import split_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

_log = logging.getLogger(__name__)
_CALL = re.compile(r"^\s*\{?\s*(?:\?\s*=\s*)?call\b", re.IGNORECASE)
_CALLS = "it calls a procedure, whose tables are not known"
_UNREADABLE = "it contains SQL that cannot be read"
_FUNCTION = "it reads the result of a function, whose tables are not known"
_OTHER_SERVER = "it uses a table of a linked server, which is not known"
_REMOTE = ("openquery", "openrowset", "opendatasource")

Name = tuple[str, ...]
"""The parts of a table's name: database, schema and table, of which only the last is always there."""
Origin = tuple[Name, str]
"""A column of a table."""


@dataclass(slots=True)
class StatementLineage:
    """What SQL reads and writes. Temporary tables, table variables and common table expressions are left out.

    :param reads: the columns that are read, by table; no column is known of a table that is read with ``*``.
    :param writes: the columns that are written, by table.
    :param columns: the origins of each written column.
    :param results: the origins of each column of the last query that returns rows, by the name of the column; ``*``
        for all columns of a table.
    :param notes: what could not be read.
    """

    reads: dict[Name, set[str]] = field(default_factory=dict)
    writes: dict[Name, set[str]] = field(default_factory=dict)
    columns: dict[Origin, set[Origin]] = field(default_factory=dict)
    results: dict[str, set[Origin]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def statement_lineage(sql: str) -> StatementLineage:
    """Return what SQL reads and writes.

    :param sql: one or several statements of T-SQL, also in batches that ``GO`` separates.
    """
    found = StatementLineage()
    if _CALL.match(sql):
        found.notes.append(_CALLS)
        return found
    if find_spec("sqlglot") is None:
        _log.debug("sqlglot is not installed (extra lineage): the lineage of SQL is left out.")
        return found
    import sqlglot
    from sqlglot.errors import SqlglotError

    reader = _Reader(found)
    try:
        statements = list(split_statements(sql))
    except SqlglotError:
        reader.note(_UNREADABLE)
        return found
    for statement in statements:
        if statement.head in ("EXEC", "EXECUTE"):
            reader.note(_CALLS)
            continue
        try:
            parsed = sqlglot.parse(statement.text, read="tsql")
        except (SqlglotError, RecursionError):
            reader.note(_UNREADABLE)
            continue
        for one in parsed:
            if one is not None:
                reader.read(one)
    return found


class _Reader:
    def __init__(self, found: StatementLineage) -> None:
        self._found = found
        self._database = ""

    def note(self, text: str) -> None:
        """Record once what could not be read."""
        if text not in self._found.notes:
            self._found.notes.append(text)

    def read(self, statement: exp.Expr) -> None:
        from sqlglot import exp

        if isinstance(statement, exp.Use):
            self._database = statement.this.name if statement.this is not None else ""
            return
        called = {id(node.this) for node in statement.find_all(exp.Execute)}
        if called:
            self.note(_CALLS)
        elif any(True for _ in statement.find_all(exp.Command)):
            self.note(_UNREADABLE)
        common = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
        self._note_others(statement)
        self._in_database(statement, common)
        # The name of a procedure is a table to sqlglot.
        targets: set[int] = set(called)
        for node in statement.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Create):
            targets |= {id(table) for table in self._write(node, common)}
        for into in statement.find_all(exp.Into):
            select = into.parent
            table = into.this
            if isinstance(table, exp.Table):
                targets.add(id(table))
                if (name := _name(table)) and isinstance(select, exp.Select):
                    self._columns(name, [], select)
        for clause in statement.find_all(exp.Returning):
            self._output(clause.args.get("into"))
        for table in statement.find_all(exp.Table):
            name = _name(table)
            if id(table) in targets or not name or (len(name) == 1 and name[0].lower() in common):
                continue
            self._found.reads.setdefault(name, set())
        for scope in _scopes(statement):
            for column in scope.columns:
                for table_name, column_name in _origins(column, scope):
                    if table_name in self._found.reads and column_name != "*":
                        self._found.reads[table_name].add(column_name)
        if isinstance(statement, exp.Query) and statement.find(exp.Into) is None:
            self._found.results = dict(_projections(statement))

    def _note_others(self, statement: exp.Expr) -> None:
        """Note functions and linked servers, whose tables are not in the statement."""
        from sqlglot import exp

        for table in statement.find_all(exp.Table):
            if isinstance(table.this, exp.Dot):
                self.note(_OTHER_SERVER)
            elif isinstance(table.this, exp.Func) and (table.db or table.this.name.lower() in _REMOTE):
                self.note(_FUNCTION)

    def _in_database(self, statement: exp.Expr, common: set[str]) -> None:
        """Name the database of a USE statement before in tables that name none."""
        from sqlglot import exp

        for table in statement.find_all(exp.Table) if self._database else ():
            is_stored = table.db or table.name.lower() not in common
            if is_stored and not table.catalog and _name(table):
                table.set("catalog", exp.to_identifier(self._database, quoted=True))

    def _write(self, node: exp.Expr, common: set[str]) -> list[exp.Table]:
        """Record what a statement writes; return the tables of it that are targets and not sources."""
        from sqlglot import exp

        if isinstance(node, exp.TruncateTable):
            tables = [one for one in node.expressions if isinstance(one, exp.Table)]
            for one in tables:
                self._written(one)
            return tables
        if isinstance(node, exp.Create) and node.args.get("kind") != "TABLE":
            return []
        target = node.this
        if isinstance(node, exp.Delete) and not target:
            (target, *_) = node.args.get("tables") or (None,)  # DELETE dbo.T without FROM
        columns: list[str] = []
        if isinstance(target, exp.Schema):
            columns = [one.name for one in target.expressions]
            target = target.this
        if not isinstance(target, exp.Table):
            return []
        named = [target, *(one for one in node.args.get("tables") or () if isinstance(one, exp.Table))]
        aliases = {
            one.alias.lower(): one
            for one in node.find_all(exp.Table)
            if one.alias and one.find_ancestor(type(node)) is node
        }
        # UPDATE t … FROM dbo.T AS t, and DELETE t FROM dbo.T AS t.
        real = aliases.get(target.name.lower(), target) if not target.args.get("db") else target
        if not real.args.get("db") and real.name.lower() in common:
            real = _table_behind(real.name, node) or real
            named.append(real)
            if real.name.lower() in common:
                self.note(_UNREADABLE)
                return named
        name = _name(real)
        if name is None:
            return [real, *named]
        if isinstance(node, exp.Update):
            columns = [one.this.name for one in node.expressions if isinstance(one, exp.EQ)]
        elif isinstance(node, exp.Merge):
            columns = [
                one.this.name
                for when in node.find_all(exp.When)
                for update in when.find_all(exp.Update)
                for one in update.expressions
                if isinstance(one, exp.EQ)
            ]
            inserts = (when.args.get("then") for when in node.find_all(exp.When))
            columns += [
                column.name
                for insert in inserts
                if isinstance(insert, exp.Insert) and isinstance(insert.this, exp.Tuple)
                for column in insert.this.expressions
            ]
        self._found.writes.setdefault(name, set()).update(columns)
        query = node.args.get("expression")
        if isinstance(node, exp.Insert | exp.Create) and isinstance(query, exp.Query):
            # The columns of an INSERT without a list are those of the table, in an order that is not known.
            self._columns(name, columns, _with_common_tables(query, node), named=isinstance(node, exp.Create))
        return [real, *named]

    def _output(self, into: exp.Expr | None) -> None:
        """Record the table of ``OUTPUT … INTO``, which sqlglot reads as a name or, with columns, as a function."""
        from sqlglot import exp

        name = into.name if isinstance(into, exp.Identifier | exp.Anonymous) else ""
        if name and into is not None and not into.args.get("temporary"):
            catalog = exp.to_identifier(self._database, quoted=True) if self._database else None
            self._written(exp.Table(this=exp.to_identifier(name, quoted=True), catalog=catalog))
        elif isinstance(into, exp.Func):
            self.note(_UNREADABLE)  # a name that is also that of a function

    def _written(self, table: exp.Table) -> None:
        if name := _name(table):
            self._found.writes.setdefault(name, set())

    def _columns(self, target: Name, columns: list[str], query: exp.Expr, *, named: bool = True) -> None:
        written = self._found.writes.setdefault(target, set())
        for position, (name, origins) in enumerate(_projections(query)):
            column = columns[position] if position < len(columns) else name if named and not columns else ""
            if column and name != "*":
                written.add(column)
                if origins:
                    self._found.columns.setdefault((target, column), set()).update(origins)


def _name(table: exp.Table) -> Name | None:
    """Return the parts of the name of a stored table; None for a temporary table, variable or function."""
    from sqlglot import exp

    if not isinstance(table.this, exp.Identifier) or table.this.args.get("temporary") or table.name.startswith("#"):
        return None
    # DW..Sales has a database and no schema.
    parts = (table.catalog, table.db, table.name)
    return parts[next(index for index, part in enumerate(parts) if part) :] if table.name else None


def _table_behind(name: str, statement: exp.Expr) -> exp.Table | None:
    """Return the table of a common table expression over one table, which is what DELETE and UPDATE change."""
    from sqlglot import exp

    for cte in statement.find_all(exp.CTE):
        if cte.alias_or_name.lower() == name.lower():
            tables = list(cte.this.find_all(exp.Table))
            return tables[0] if len(tables) == 1 else None
    return None


def _scopes(statement: exp.Expr) -> Iterator[Scope]:
    """Yield the scopes of the queries in a statement."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import traverse_scope

    for query in statement.find_all(exp.Select, exp.SetOperation):
        if query.find_ancestor(exp.Select, exp.SetOperation) is not None:
            continue
        try:
            yield from traverse_scope(query)
        except SqlglotError:
            continue


def _projections(query: exp.Expr) -> Iterator[tuple[str, set[Origin]]]:
    """Yield the name and the origins of each column that a query returns, except those of ``*``."""
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import build_scope

    try:
        root = build_scope(query)
    except SqlglotError:
        return
    if root is not None:
        yield from _outputs(root)


def _with_common_tables(query: exp.Query, statement: exp.Expr) -> exp.Query:
    """Return the query of an INSERT with the common table expressions that stand before the INSERT."""
    key = next((key for key in ("with_", "with") if statement.args.get(key)), None)
    if key is None or query.args.get(key):
        return query
    query = query.copy()
    query.set(key, statement.args[key].copy())
    return query


def _outputs(scope: Scope) -> Iterator[tuple[str, set[Origin]]]:
    from sqlglot import exp

    if scope.set_operation_scopes:
        sides = [list(_outputs(side)) for side in scope.set_operation_scopes]
        for position, (name, _) in enumerate(sides[0]):
            yield name, set().union(*(side[position][1] for side in sides if position < len(side)))
        return
    expression = scope.expression
    for one in expression.selects if isinstance(expression, exp.Query) else ():
        if one.is_star:
            yield "*", _origins(exp.column("*", one.args.get("table")), scope)
            continue
        origins: set[Origin] = set()
        for column in one.find_all(exp.Column):
            origins |= _origins(column, scope)
        yield one.alias_or_name, origins


def _origins(column: exp.Column, scope: Scope) -> set[Origin]:
    """Return the stored columns that a column of a query is; none if its table is not known."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    sources = {name.lower(): one for name, one in scope.sources.items() if name in scope.selected_sources}
    if column.table:
        source = sources.get(column.table.lower())
    else:
        source = next(iter(sources.values())) if len(sources) == 1 else None
    if isinstance(source, exp.Table):
        name = _name(source)
        return {(name, column.name)} if name else set()
    if isinstance(source, Scope):
        outputs = [(name.lower(), origins) for name, origins in _outputs(source)]
        found = [origins for name, origins in outputs if name == column.name.lower()]
        if not found:
            found = [{(table, column.name) for table, _ in origins} for name, origins in outputs if name == "*"]
        return set().union(*found)
    return set()
