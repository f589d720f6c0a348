"""Read from SQL which tables and columns it reads and writes. Needs sqlglot, which the extra ``lineage`` brings."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.lineage.batches import split_statements
from airflow_provider_ssis.project.lineage.query_columns import Name, Origin, QueryColumns, stored_name

if TYPE_CHECKING:
    from sqlglot import exp

_log = logging.getLogger(__name__)
_CALL = re.compile(r"^\s*\{?\s*(?:\?\s*=\s*)?call\b", re.IGNORECASE)
_CALLS = "it calls a procedure, whose tables are not known"
_UNREADABLE = "it contains SQL that cannot be read"
_FUNCTION = "it reads the result of a function, whose tables are not known"
_OTHER_SERVER = "it uses a table of a linked server, which is not known"
_REMOTE = ("openquery", "openrowset", "opendatasource", "containstable", "freetexttable")


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
            with _without_logs():
                for one in sqlglot.parse(statement.text, read="tsql"):
                    if one is not None:
                        reader.read(one)
        except Exception:  # noqa: BLE001 sqlglot raises errors of many types for SQL that it does not know
            reader.note(_UNREADABLE)
    return found


@contextmanager
def _without_logs() -> Iterator[None]:
    """Drop the warnings of sqlglot in this thread: they contain SQL, which can contain secrets."""
    thread = threading.get_ident()

    def is_other(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger("sqlglot")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


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
        if isinstance(statement, exp.Column | exp.Identifier):
            self.note(_CALLS)  # the first statement of a batch calls a procedure without EXEC
            return
        if isinstance(statement, exp.Copy):
            self.note(_UNREADABLE)
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
                while isinstance(select, exp.Query) and isinstance(select.parent, exp.SetOperation):
                    select = select.parent
                if (name := stored_name(table)) and isinstance(select, exp.Query):
                    self._columns(name, [], select)
        for table in statement.find_all(exp.Table):
            name = stored_name(table)
            if id(table) in targets or not name or (len(name) == 1 and name[0].lower() in common):
                continue
            self._found.reads.setdefault(name, set())
        for table_name, column_name in QueryColumns().used(statement):
            if table_name in self._found.reads and column_name != "*":
                self._found.reads[table_name].add(column_name)
        if isinstance(statement, exp.Query) and statement.find(exp.Into) is None:
            self._found.results = dict(QueryColumns().outputs(statement))

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
            if is_stored and not table.catalog and stored_name(table):
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
        if isinstance(node, exp.Delete) and node.args.get("tables"):
            (target, *_) = node.args["tables"]  # DELETE dbo.T, and DELETE t FROM dbo.T AS t
        columns: list[str] = []
        if isinstance(target, exp.Schema):
            columns = [one.name for one in target.expressions]
            target = target.this
        if not isinstance(target, exp.Table):
            return []
        if isinstance(target.this, exp.Func | exp.Anonymous) or (not target.db and target.name.lower() in _REMOTE):
            self.note(_OTHER_SERVER)  # INSERT OPENQUERY(…)
            return [target]
        named = [target]
        if isinstance(node.this, exp.Table) and stored_name(node.this) == stored_name(target):
            named.append(node.this)
        aliases = {
            one.alias.lower(): one
            for one in node.find_all(exp.Table)
            if one.alias and one.find_ancestor(type(node)) is node
        }
        # UPDATE t … FROM dbo.T AS t, and DELETE t FROM dbo.T AS t.
        real = aliases.get(target.name.lower(), target) if not target.args.get("db") else target
        derived = {one.alias.lower() for one in node.find_all(exp.Subquery) if one.alias}
        if not real.args.get("db") and real.name.lower() in common | derived:
            real = _table_behind(real.name, node) or real
            named.append(real)
            if real.name.lower() in common:
                self.note(_UNREADABLE)
                return named
        name = stored_name(real)
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

    def _written(self, table: exp.Table) -> None:
        if name := stored_name(table):
            self._found.writes.setdefault(name, set())

    def _columns(self, target: Name, columns: list[str], query: exp.Expr, *, named: bool = True) -> None:
        written = self._found.writes.setdefault(target, set())
        for position, (name, origins) in enumerate(QueryColumns().outputs(query)):
            column = columns[position] if position < len(columns) else name if named and not columns else ""
            if column and name != "*":
                written.add(column)
                if origins:
                    self._found.columns.setdefault((target, column), set()).update(origins)


def _table_behind(name: str, statement: exp.Expr) -> exp.Table | None:
    """Return the table of a named query over one table, which is what DELETE and UPDATE of the query change."""
    from sqlglot import exp

    for cte in statement.find_all(exp.CTE, exp.Subquery):
        if cte.alias_or_name.lower() == name.lower():
            tables = list(cte.this.find_all(exp.Table))
            return tables[0] if len(tables) == 1 else None
    return None


def _with_common_tables(query: exp.Query, statement: exp.Expr) -> exp.Query:
    """Return the query of an INSERT with the common table expressions before the INSERT."""
    key = next((key for key in ("with_", "with") if statement.args.get(key)), None)
    if key is None or query.args.get(key):
        return query
    query = query.copy()
    query.set(key, statement.args[key].copy())
    return query
