"""Which table a statement changes, and which of its rows.

The changed table may be named by its name or by its alias in FROM, by a common table expression, or by a query in FROM
with an alias. The last two pass the row ids of their table on in a hidden column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, UserView, WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.system_views import SYSTEM_VIEWS
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.grouping import is_grouped
from airflow_provider_ssis.emulator.tsql.query.rules.named_sources import (
    guard_rights,
    invalid_synonym,
    is_temporary,
    local_table,
    name_parts,
)
from airflow_provider_ssis.emulator.tsql.query.rules.names import written_name
from airflow_provider_ssis.emulator.tsql.query.rules.sources import add_source, bind_from
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import column_named
from airflow_provider_ssis.emulator.tsql.query.scope import ROW_ID, Clause, Source
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


def target_table(binder: Binder, node: exp.Expr, *rights: str) -> WritableTable:
    """The table that a node names, to be changed: a table variable, a temporary table or a client's table.

    :param rights: INSERT, UPDATE, DELETE: what the login needs on a client's table.
    :raises SqlError: 229 for a table or view of the catalog, 208 for none.
    """
    if not isinstance(node, exp.Table):
        raise not_understood(node)
    local = local_table(binder, node)
    if local is not None and local.is_readonly:
        text = f'The table-valued parameter "{local.name}" is READONLY and cannot be modified.'
        raise SqlError(10700, text)
    if local is not None:
        return local
    parts = name_parts(node)
    wanted = qualified(parts, binder.compilation.database)
    database, schema, name = binder.compilation.metadata.resolved(wanted)
    if (schema.lower(), name.lower()) in SYSTEM_VIEWS:
        raise SqlError(259, f"System views such as {'.'.join(parts)!r} cannot be updated.")
    relation = binder.compilation.metadata.relation(database, schema, name)
    if isinstance(relation, UserTable):
        guard_change(binder, relation, *rights)
        return relation
    if isinstance(relation, UserView):
        raise not_supported(f"A change through the view {relation.name}")
    if relation is None and (database, schema, name) != wanted:
        raise invalid_synonym(parts)
    if relation is None:
        raise SqlError(208, f"Invalid object name {'.'.join(parts)!r}.")
    raise SqlError(
        229,
        f"Writing to {name!r} of schema {schema!r} in database {database!r} is denied: tables change only through "
        "stored procedures.",
        severity=14,
    )


def guard_change(binder: Binder, table: WritableTable, *rights: str) -> None:
    """Check at each run that the login may change a table."""
    if isinstance(table, UserTable):
        for right in rights:
            guard_rights(binder, table, right)


@dataclass(frozen=True, slots=True)
class Through:
    """A common table expression or derived table through which rows are changed.

    :param table: the node of the table in it.
    :param columns: the table's columns by the lower-case names that it gives them; None with a star, which adds all.
    """

    table: exp.Table
    columns: Mapping[str, str]
    has_star: bool

    def column(self, table: WritableTable, name: str) -> Column:
        """The table's column behind a name.

        :raises SqlError: 4406, it is computed; 207, there is none.
        """
        behind = self.columns.get(name.lower())
        if behind == "":
            text = f"The column {name!r} cannot be updated, because it is computed or not from the changed table."
            raise SqlError(4406, text)
        if behind is None and not self.has_star:
            raise SqlError(207, f"Invalid column name {name!r}.")
        return column_named(table, behind or name)


def with_row_ids(binder: Binder, node: exp.Expr) -> tuple[exp.Expr, Through | None]:
    """A statement whose common table expression or derived table passes the row ids on, if it changes one."""
    target = node.this
    if not isinstance(target, exp.Table) or target.args.get("db") or _definition(node, target.name) is None:
        return node, None
    changed = node.copy()
    select = _definition(changed, target.name)
    names = _given_names(changed, target.name)
    if not isinstance(select, exp.Select) or is_grouped(select) or select.args.get("distinct") is not None:
        raise not_supported("A change through a query with GROUP BY, DISTINCT or UNION")
    tables = _writable_tables(binder, select)
    if len(tables) > 1:
        raise SqlError(4405, f"{target.name!r} cannot be changed, because it reads several tables.")
    if not tables:
        clause = select.args.get("from_")
        if clause is None or not isinstance(clause.this, exp.Table):
            raise not_supported("A change through a query that does not read a table itself")
        return node, Through(clause.this, {}, has_star=True)
    has_star = any(item.is_star for item in select.expressions)
    is_joined = len(_sources(select)) > 1
    if is_joined and has_star:
        raise not_supported("A change through a query with * and joins")
    if names and (has_star or len(names) != len(select.expressions)):
        raise not_supported("A change through a query with * and a list of column names")
    columns: dict[str, str] = {}
    for place, item in enumerate(select.expressions):
        behind = item.this if isinstance(item, exp.Alias) else item
        name = names[place].name if names else item.alias_or_name
        is_own = not is_joined or behind.text("table").lower() == tables[0].alias_or_name.lower()
        columns[name.lower()] = behind.name if isinstance(behind, exp.Column) and is_own else ""
    hidden = exp.to_identifier(ROW_ID, quoted=True)
    select.append("expressions", exp.column(hidden))
    if names:
        names.append(hidden.copy())
    return changed, Through(tables[0], columns, has_star)


def _given_names(node: exp.Expr, name: str) -> list[exp.Expr]:
    """The list of column names behind the alias: itself, so that it can grow."""
    for each in node.find_all(exp.CTE, exp.Subquery):
        if each.alias.lower() == name.lower() and each.args["alias"].args.get("columns"):
            listed: list[exp.Expr] = each.args["alias"].args["columns"]
            return listed
    return []


def _definition(node: exp.Expr, name: str) -> exp.Expr | None:
    """The query of the common table expression or derived table of this name."""
    for cte in node.args["with_"].expressions if node.args.get("with_") is not None else ():
        if cte.alias.lower() == name.lower():
            query: exp.Expr = cte.this
            return query
    for source in _sources(node.args.get("source")):
        if isinstance(source, exp.Subquery) and source.alias.lower() == name.lower():
            derived: exp.Expr = source.this
            return derived
    return None


def _sources(select: exp.Expr | None) -> list[exp.Expr]:
    if select is None or select.args.get("from_") is None:
        return []
    return [select.args["from_"].this, *(join.this for join in select.args.get("joins") or ())]


def _writable_tables(binder: Binder, select: exp.Select) -> list[exp.Table]:
    return [source for source in _sources(select) if isinstance(source, exp.Table) and _is_writable(binder, source)]


def _is_writable(binder: Binder, source: exp.Table) -> bool:
    if isinstance(source.this, exp.Parameter) or is_temporary(source.this):
        return True
    metadata = binder.compilation.metadata
    name = metadata.resolved(qualified(name_parts(source), binder.compilation.database))
    return isinstance(metadata.relation(*name), UserTable)


@dataclass(frozen=True, slots=True)
class Changed:
    """The rows that an UPDATE or DELETE changes.

    :param source: of the changed table in the binder's scope.
    :param row_id: DuckDB text.
    :param text: the DuckDB FROM and WHERE clauses.
    :param single: there is no other source, and the source is the table itself.
    """

    table: WritableTable
    source: Source
    row_id: str
    text: str
    single: bool
    through: Through | None

    @property
    def alias(self) -> str:
        """The table's DuckDB alias, where it is the source itself."""
        return self.row_id.removesuffix(".rowid")

    def column(self, name: str) -> Column:
        """The table's column that a name means."""
        return self.through.column(self.table, name) if self.through else column_named(self.table, name)


def bind_changed(binder: Binder, node: exp.Expr, through: Through | None) -> Changed:
    """Bind FROM and WHERE of an UPDATE or DELETE; their sources are in the binder's scope from here on."""
    target, select = node.this, node.args["source"]
    only(select, "from_", "joins", "where", "options")
    if select.args.get("from_") is None:
        select = select.copy()
        select.set("from_", exp.From(this=target.copy()))
        if through is None:
            target_table(binder, target)
    table = target_table(binder, through.table) if through else None
    text = bind_from(binder, select)
    source, more = _find(binder, target)
    text += more
    row_id = source.hidden(ROW_ID)
    table = table or source.table or target_table(binder, target)
    guard_change(binder, table, "UPDATE" if isinstance(node, exp.Update) else "DELETE")
    if not row_id:
        raise not_supported("A change through this source")
    single = len(binder.scope.sources) == 1 and through is None
    if select.args.get("where") is not None:
        with binder.scope.inside(Clause.WHERE):
            text += f" WHERE {binder.predicate(select.args['where'].this).sql}"
    return Changed(table, source, row_id, text, single, through)


def _find(binder: Binder, target: exp.Table) -> tuple[Source, str]:
    """The source that the target names; one that FROM does not have is joined with all of its rows."""
    sources = binder.scope.sources
    called = tuple(written_name(part).lower() for part in target.parts)
    if isinstance(target.this, exp.Parameter):
        called = (f"@{target.this.name.lower()}",)
    found = [source for source in sources if called in source.names or called[-1:] in source.names]
    if not found:
        found = [source for source in sources if source.table is not None and source.table.name.lower() == called[-1]]
    if len(found) > 1:
        raise SqlError(8154, f"The table {called[-1]!r} is ambiguous: FROM has it more than once. Use an alias.")
    if found:
        return found[0], ""
    target_table(binder, target)
    text = add_source(binder, target)
    return binder.scope.sources[-1], f" CROSS JOIN {text}"
