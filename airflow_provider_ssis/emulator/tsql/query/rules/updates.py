"""UPDATE and DELETE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, WritableTable
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.change import DELETED, UPDATED, BoundChange, Change
from airflow_provider_ssis.emulator.tsql.query.rules.changed_tables import Changed, bind_changed, with_row_ids
from airflow_provider_ssis.emulator.tsql.query.rules.common_tables import bind_with
from airflow_provider_ssis.emulator.tsql.query.rules.computed_columns import with_computed, with_computed_names
from airflow_provider_ssis.emulator.tsql.query.rules.foreign_keys import (
    bind_cascades,
    bind_foreign_keys,
    has_foreign_keys,
)
from airflow_provider_ssis.emulator.tsql.query.rules.index_filters import bind_filters
from airflow_provider_ssis.emulator.tsql.query.rules.limits import Limit, bind_limit
from airflow_provider_ssis.emulator.tsql.query.rules.named_sources import reads_nothing
from airflow_provider_ssis.emulator.tsql.query.rules.outputs import bind_checks, bind_outputs, finished, kept_columns
from airflow_provider_ssis.emulator.tsql.query.rules.sequences import NEXT_VALUE
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import (
    check_not_computed,
    default_value,
    is_default,
    stored,
)
from airflow_provider_ssis.emulator.tsql.query.scope import Clause, Scope, Source
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


@dataclass(slots=True)
class _Settings:
    """The bound items of SET.

    :param columns: the DuckDB text of the new value of each column that is set.
    :param variables: the values for variables, in order.
    """

    columns: dict[str, str] = field(default_factory=dict)
    variables: list[tuple[str, Typed]] = field(default_factory=list)


def bind_update(binder: Binder, node: exp.Update) -> BoundChange:
    """UPDATE."""
    only(node, "this", "expressions", "with_", "limit", "returning", "source")
    changed_node, through = with_row_ids(binder, node)
    binder, prefix = bind_with(binder, changed_node)
    binder = binder.within(Scope(parent=binder.scope.parent))
    changed = bind_changed(binder, changed_node, through)
    settings = _settings(binder, node, changed)
    limit = bind_limit(binder, node, ())
    table = changed.table
    _note_blind(binder, node, table)
    has_sequence = NEXT_VALUE in binder.compilation.needed
    if not _needs_stage(binder, node, table) and not settings.variables and not has_sequence:
        return BoundChange(table, direct=_direct_update(prefix, changed, settings, limit))
    others = _others(binder, changed, node)
    extra = [(f"s{place}", sql) for place, sql in enumerate(kept_columns(others), start=1)]
    extra += [(f"x{place}", value.sql) for place, (_, value) in enumerate(settings.variables, start=1)]
    new = {name: f"q.v{place}" for place, name in enumerate(settings.columns, start=1)}
    inner = _changed_rows(prefix, changed, settings, limit, extra)
    stage = with_computed(binder, table, _stage(UPDATED, inner, table, new, [name for name, _ in extra]))
    updated = with_computed_names(table, settings.columns)
    return BoundChange(
        table,
        change=Change(
            table,
            finished(binder, stage),
            frozenset(UPDATED),
            updated=updated,
            checks=bind_checks(binder, table),
            filters=bind_filters(binder, table),
            foreign=bind_foreign_keys(binder, table, UPDATED, updated),
            cascades=bind_cascades(binder, table, UPDATED, updated),
            outputs=bind_outputs(binder, node, table, UPDATED, others),
            variables=tuple((name, value.type) for name, value in settings.variables),
        ),
    )


def _note_blind(binder: Binder, node: exp.Update | exp.Delete, table: WritableTable) -> None:
    """Note a statement that reads nothing of its table: it has no WHERE and other clauses, and sets constants."""
    source = node.args.get("source")
    has_clauses = any(node.args.get(part) for part in ("with_", "returning")) or (
        source is not None and any(source.args.get(part) for part in ("where", "from_", "joins"))
    )
    values = [each.expression for each in node.expressions] if isinstance(node, exp.Update) else []
    reads = has_clauses or any(each.find(exp.Column, exp.Query) for each in values)
    if isinstance(table, UserTable) and not reads:
        reads_nothing(binder, table)


def bind_delete(binder: Binder, node: exp.Delete) -> BoundChange:
    """DELETE."""
    only(node, "this", "with_", "limit", "returning", "source")
    changed_node, through = with_row_ids(binder, node)
    binder, prefix = bind_with(binder, changed_node)
    binder = binder.within(Scope(parent=binder.scope.parent))
    changed = bind_changed(binder, changed_node, through)
    limit = bind_limit(binder, node, ())
    table = changed.table
    _note_blind(binder, node, table)
    others = _others(binder, changed, node)
    extra = [(f"s{place}", sql) for place, sql in enumerate(kept_columns(others), start=1)]
    inner = _changed_rows(prefix, changed, _Settings(), limit, extra)
    if not node.args.get("returning") and not has_foreign_keys(binder, table):
        ids = " ".join(["SELECT", "r", "FROM", f"({inner})"])
        return BoundChange(table, direct=" ".join(["DELETE FROM", f"{table.storage_name} WHERE rowid IN ({ids})"]))
    stage = _stage(DELETED, inner, table, {}, [name for name, _ in extra])
    return BoundChange(
        table,
        change=Change(
            table,
            finished(binder, stage),
            frozenset(DELETED),
            foreign=bind_foreign_keys(binder, table, DELETED),
            cascades=bind_cascades(binder, table, DELETED),
            outputs=bind_outputs(binder, node, table, DELETED, others),
        ),
    )


def _needs_stage(binder: Binder, node: exp.Expr, table: WritableTable) -> bool:
    rules = table.rules
    inspected = node.args.get("returning") or rules.checks or rules.keys or rules.computed
    return bool(inspected) or has_foreign_keys(binder, table)


def _others(binder: Binder, changed: Changed, node: exp.Expr) -> list[Source]:
    if not node.args.get("returning"):
        return []
    return [source for source in binder.scope.sources if source is not changed.source]


def _settings(binder: Binder, node: exp.Update, changed: Changed) -> _Settings:
    found = _Settings()
    assigned = {f"@{each.this.name.lower()}" for each in _assignments(node)}
    for item in node.expressions:
        value = item
        names = []
        while isinstance(value, exp.EQ) and isinstance(value.this, exp.Parameter):
            names.append(f"@{value.this.name.lower()}")
            value = value.expression
        column: Column | None = None
        if value is item or (names and isinstance(value, exp.EQ) and isinstance(value.this, exp.Column)):
            if not isinstance(value, exp.EQ) or not isinstance(value.this, exp.Column):
                raise not_understood(item)
            column = changed.column(value.this.name)
            value = value.expression
        if any(f"@{each.name.lower()}" in assigned for each in value.find_all(exp.Parameter)):
            raise not_supported("An UPDATE whose values read the variables that it assigns")
        with binder.scope.inside(Clause.SET):
            _set(binder, found, changed.table, column, value, names)
    return found


def _set(
    binder: Binder, found: _Settings, table: WritableTable, column: Column | None, value: exp.Expr, names: Sequence[str]
) -> None:
    bound = binder.value(value) if column is None else set_column(binder, table, column, value, found.columns)
    found.variables += [(name, bound) for name in names]


def set_column(binder: Binder, table: WritableTable, column: Column, value: exp.Expr, columns: dict[str, str]) -> Typed:
    """A value of SET, which is noted for its column.

    :param columns: the DuckDB text of the new value of each column so far.
    :raises SqlError: 264, the column has one; 8102, it has IDENTITY; 271, it is computed.
    """
    if column.name in columns:
        raise SqlError(264, f"The column {column.name!r} is set more than once.")
    if table.rules.is_identity(column.name):
        raise SqlError(8102, f"Cannot update identity column {column.name!r}.")
    check_not_computed(table, column)
    bound = new_value(binder, table, column, value)
    columns[column.name] = bound.sql
    return bound


def new_value(binder: Binder, table: WritableTable, column: Column, value: exp.Expr) -> Typed:
    """A value of SET, converted for its column."""
    if is_default(value):
        return default_value(binder, table, column)
    return stored(binder, binder.value(value), column, table)


def _assignments(node: exp.Update) -> list[exp.EQ]:
    found = []
    for item in node.expressions:
        each = item
        while isinstance(each, exp.EQ) and isinstance(each.this, exp.Parameter):
            found.append(each)
            each = each.expression
    return found


def _changed_rows(
    prefix: str,
    changed: Changed,
    settings: _Settings,
    limit: Limit,
    extra: Sequence[tuple[str, str]] = (),
) -> str:
    """The row ids with the new values: each row once, although a join may have it many times."""
    values = [f"{sql} AS v{place}" for place, sql in enumerate(settings.columns.values(), start=1)]
    columns = ", ".join([f"{changed.row_id} AS r", *values, *(f"{sql} AS {name}" for name, sql in extra)])
    once = "" if changed.single else f"DISTINCT ON ({changed.row_id}) "
    text = " ".join([f"{prefix}SELECT {once}{columns}", changed.text.strip()])
    inner = " ".join(["SELECT", "*", "FROM", f"({text}) AS rows_to_change WHERE r IS NOT NULL"])
    return f"{inner}{limit.qualify}{limit.clause}"


def _direct_update(prefix: str, changed: Changed, settings: _Settings, limit: Limit) -> str:
    """One UPDATE of DuckDB."""
    table = changed.table.storage_name
    if changed.single and not prefix and not limit.clause and not limit.qualify:
        listed = ", ".join(f"{quoted(name)} = {sql}" for name, sql in settings.columns.items())
        where = changed.text.partition(f"AS {changed.alias}")[2]
        return f"UPDATE {table} AS {changed.alias} SET {listed}{where}"
    listed = ", ".join(f"{quoted(name)} = q.v{place}" for place, name in enumerate(settings.columns, start=1))
    inner = _changed_rows(prefix, changed, settings, limit)
    return f"UPDATE {table} AS b SET {listed} FROM ({inner}) AS q WHERE b.rowid = q.r"


def _stage(kind: str, inner: str, table: WritableTable, new: Mapping[str, str], extra: Sequence[str]) -> str:
    """The query of the stage, with the old values from the table."""
    parts = [f"'{kind}' AS k", "CAST(row_number() OVER () AS BIGINT) AS p", "q.r AS r"]
    for place, column in enumerate(table.columns, start=1):
        old = f"b.{quoted(column.name)}"
        parts.append(f"{new.get(column.name, old)} AS n{place}")
        parts.append(f"{old} AS o{place}")
    parts += [f"q.{name} AS {name}" for name in extra]
    source = f"({inner}) AS q JOIN {table.storage_name} AS b ON b.rowid = q.r"
    return " ".join(["SELECT", ", ".join(parts), "FROM", source])
