"""MERGE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.change import DELETED, INSERTED, UPDATED, BoundChange, Change
from airflow_provider_ssis.emulator.tsql.query.rules.changed_tables import target_table
from airflow_provider_ssis.emulator.tsql.query.rules.common_tables import bind_with
from airflow_provider_ssis.emulator.tsql.query.rules.computed_columns import with_computed, with_computed_names
from airflow_provider_ssis.emulator.tsql.query.rules.foreign_keys import bind_cascades, bind_foreign_keys
from airflow_provider_ssis.emulator.tsql.query.rules.index_filters import bind_filters
from airflow_provider_ssis.emulator.tsql.query.rules.limits import bind_limit
from airflow_provider_ssis.emulator.tsql.query.rules.names import null_of
from airflow_provider_ssis.emulator.tsql.query.rules.outputs import bind_checks, bind_outputs, finished
from airflow_provider_ssis.emulator.tsql.query.rules.sources import add_source
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import (
    check_count,
    column_named,
    default_value,
    identity_value,
    named_columns,
)
from airflow_provider_ssis.emulator.tsql.query.rules.updates import new_value, set_column
from airflow_provider_ssis.emulator.tsql.query.scope import ROW_ID, Clause, Scope, Source
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


@dataclass(frozen=True, slots=True)
class _Clause:
    """A WHEN clause.

    :param number: from 1.
    :param kind: a letter of ``change.py``.
    :param values: the DuckDB text of the new value of each column that gets one.
    """

    number: int
    kind: str
    values: dict[str, str]


def bind_merge(binder: Binder, node: exp.Merge) -> BoundChange:
    """MERGE: a full join of target and source, of which each row takes the first clause that fits."""
    only(node, "this", "using", "on", "whens", "with_", "limit", "returning", "options")
    binder, prefix = bind_with(binder, node)
    binder = binder.within(Scope(parent=binder.scope.parent))
    table = target_table(binder, node.this, *_rights(node))
    joined, target, source = _joined(binder, node)
    chosen = _chosen(binder, node.args["whens"])
    row_id = target.hidden(ROW_ID)
    kept = [
        *(f"{column.sql} AS t{place}" for place, column in enumerate(target.shown, start=1)),
        *(f"{column.sql} AS s{place}" for place, column in enumerate(source.shown, start=1)),
    ]
    inner = " ".join([f"{prefix}SELECT {row_id} AS r, {chosen} AS w, {', '.join(kept)}", "FROM", joined])
    clauses = _clauses(binder, node.args["whens"], table, _renamed(target, "t"), _renamed(source, "s"))
    limit = bind_limit(binder, node, ())
    fitting = " ".join(["SELECT", "*", "FROM", f"({inner}) AS j WHERE w IS NOT NULL{limit.qualify}{limit.clause}"])
    stage = with_computed(binder, table, _stage(binder, fitting, table, clauses, len(source.shown)))
    kinds = "".join(sorted({clause.kind for clause in clauses}))
    set_columns = {name: None for clause in clauses if clause.kind == UPDATED for name in clause.values}
    updated = with_computed_names(table, set_columns)
    return BoundChange(
        table,
        change=Change(
            table,
            finished(binder, stage),
            frozenset(kinds),
            updated=updated,
            checks=bind_checks(binder, table),
            filters=bind_filters(binder, table),
            foreign=bind_foreign_keys(binder, table, kinds, updated),
            cascades=bind_cascades(binder, table, kinds, updated),
            outputs=bind_outputs(binder, node, table, kinds, [source]),
            gives_identity=_gives_identity(table, clauses),
            once=True,
        ),
    )


def _rights(node: exp.Merge) -> list[str]:
    """What the login needs on the target."""
    actions = {exp.Insert: "INSERT", exp.Update: "UPDATE", exp.Delete: "DELETE"}
    return sorted({actions[type(when.args["then"])] for when in node.args["whens"]})


def _gives_identity(table: WritableTable, clauses: Sequence[_Clause]) -> bool:
    return any(table.rules.is_identity(name) for clause in clauses if clause.kind == INSERTED for name in clause.values)


def _joined(binder: Binder, node: exp.Merge) -> tuple[str, Source, Source]:
    """The join as DuckDB text; its sources are in the binder's scope. A column of the source says that it has a row."""
    left = add_source(binder, node.this)
    target = binder.scope.sources[-1]
    outside = binder.within(Scope(parent=binder.scope.parent))
    text = add_source(outside, node.args["using"])
    given = outside.scope.sources[-1]
    alias = binder.compilation.alias()
    listed = ", ".join(f"{column.sql} AS c{place}" for place, column in enumerate(given.shown, start=1))
    right = " ".join(["SELECT", f"TRUE AS present, {listed}", "FROM", text])
    columns = tuple(
        replace(column, sql=f"{alias}.c{place}", evaluate=None, constant=None)
        for place, column in enumerate(given.shown, start=1)
    )
    source = Source(given.names, columns)
    binder.scope.add(source)
    with binder.scope.inside(Clause.ON):
        condition = binder.predicate(node.args["on"])
    return f"{left} FULL JOIN ({right}) AS {alias} ON {condition.sql}", target, source


def _chosen(binder: Binder, whens: Sequence[exp.When]) -> str:
    """The number of the clause that a row of the join takes; NULL for none."""
    target, source = binder.scope.sources
    row_id = target.hidden(ROW_ID)
    present = source.columns[0].sql.partition(".")[0] + ".present"
    cases = []
    for number, when in enumerate(whens, start=1):
        if when.args["matched"]:
            test = f"{row_id} IS NOT NULL AND {present}"
        else:
            test = f"{present} IS NULL" if when.args.get("source") else f"{row_id} IS NULL"
        if when.args.get("condition") is not None:
            with binder.scope.inside(Clause.ON):
                test += f" AND ({binder.predicate(when.args['condition']).sql})"
        cases.append(f"WHEN {test} THEN {number}")
    return f"CASE {' '.join(cases)} END"


def _renamed(source: Source, letter: str) -> Source:
    """A source whose columns are read from the chosen rows."""
    columns = tuple(
        replace(column, sql=f"q.{letter}{place}", nullable=True, evaluate=None, constant=None)
        for place, column in enumerate(source.shown, start=1)
    )
    return Source(source.names, columns)


def _clauses(
    binder: Binder, whens: Sequence[exp.When], table: WritableTable, target: Source, source: Source
) -> list[_Clause]:
    found = []
    _check_order(whens)
    for number, when in enumerate(whens, start=1):
        then, matched = when.args["then"], when.args["matched"]
        by_source = bool(when.args.get("source"))
        sources = [target] if by_source else [target, source] if matched else [source]
        inside = binder.within(Scope(sources=sources, clause=Clause.SET))
        if isinstance(then, exp.Insert) is (matched or by_source):
            word = "INSERT" if matched or by_source else type(then).__name__.upper()
            raise SqlError(10711, f"{word} is not allowed in this WHEN clause of MERGE.", severity=15)
        if isinstance(then, exp.Delete):
            found.append(_Clause(number, DELETED, {}))
        elif isinstance(then, exp.Update):
            found.append(_Clause(number, UPDATED, _updated(inside, then, table)))
        elif isinstance(then, exp.Insert):
            found.append(_Clause(number, INSERTED, _inserted(inside, then, table)))
        else:
            raise not_understood(when)
    return found


def _check_order(whens: Sequence[exp.When]) -> None:
    """Check that each WHEN clause can apply.

    :raises SqlError: 5324, it follows one of its kind without AND; 10714, another one of its kind has the same action.
    """
    known: dict[tuple[bool, bool], list[exp.When]] = {}
    for when in whens:
        before = known.setdefault((when.args["matched"], bool(when.args.get("source"))), [])
        if any(each.args.get("condition") is None for each in before):
            text = "In MERGE, a WHEN clause without AND must be the last one of its kind."
            raise SqlError(5324, text, severity=15)
        if any(type(each.args["then"]) is type(when.args["then"]) for each in before):
            word = type(when.args["then"]).__name__.upper()
            text = f"In MERGE, the action {word} cannot appear twice in WHEN clauses of the same kind."
            raise SqlError(10714, text, severity=15)
        before.append(when)


def _updated(binder: Binder, then: exp.Update, table: WritableTable) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in then.expressions:
        if not isinstance(item, exp.EQ) or not isinstance(item.this, exp.Column):
            raise not_understood(item)
        set_column(binder, table, column_named(table, item.this.name), item.expression, values)
    return values


def _inserted(binder: Binder, then: exp.Insert, table: WritableTable) -> dict[str, str]:
    values = {
        column.name: default_value(binder, table, column).sql
        for column in table.columns
        if table.rules.default_of(column.name) is not None
    }
    if then.args.get("default"):
        return values
    names = [column.name for column in then.this.expressions] if isinstance(then.this, exp.Schema) else None
    columns: Sequence[Column] = named_columns(table, names)
    given = then.expression.expressions
    check_count(len(given), columns, table, then.this, "VALUES")
    for column, value in zip(columns, given, strict=True):
        values[column.name] = new_value(binder, table, column, value).sql
    return values


def _stage(binder: Binder, fitting: str, table: WritableTable, clauses: Sequence[_Clause], kept: int) -> str:
    kind = " ".join(f"WHEN {clause.number} THEN '{clause.kind}'" for clause in clauses)
    parts = [f"CASE q.w {kind} END AS k"]
    number = f"row_number() OVER (PARTITION BY CASE q.w {kind} END)"
    parts.append(f"CAST({number} AS BIGINT) AS p")
    parts.append("q.r AS r")
    for place, column in enumerate(table.columns, start=1):
        cases = []
        for clause in clauses:
            if clause.kind == DELETED:
                value = "NULL"
            elif clause.kind == UPDATED:
                value = clause.values.get(column.name, f"q.t{place}")
            elif column.name not in clause.values and table.rules.is_identity(column.name):
                value = identity_value(binder, table, column, number)
            else:
                value = clause.values.get(column.name, null_of(column.type).sql)
            cases.append(f"WHEN {clause.number} THEN {value}")
        parts.append(f"CASE q.w {' '.join(cases)} ELSE {null_of(column.type).sql} END AS n{place}")
        parts.append(f"q.t{place} AS o{place}")
    parts += [f"q.s{place} AS s{place}" for place in range(1, kept + 1)]
    return " ".join(["SELECT", ", ".join(parts), "FROM", f"({fitting}) AS q"])
