"""OUTPUT, and the CHECK constraints of changed rows: queries of the stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Check
from airflow_provider_ssis.emulator.tsql.query.change import DELETED, INSERTED, STAGE, UPDATED, Output, Part
from airflow_provider_ssis.emulator.tsql.query.rules.changed_tables import target_table
from airflow_provider_ssis.emulator.tsql.query.rules.selects import select_list
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import (
    check_count,
    condition_of,
    named_columns,
    names_of,
)
from airflow_provider_ssis.emulator.tsql.query.scope import ROW_ID, Scope, Source
from airflow_provider_ssis.emulator.tsql.query.typed import Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder

_ACTION: Final = SqlType("nvarchar", length=10)
ROW: Final = "changed"
"""The DuckDB alias of the stage."""


def finished(binder: Binder, sql: str) -> Part:
    """DuckDB text with the arguments that it uses."""
    return Part(*binder.compilation.finished(sql))


def bind_outputs(
    binder: Binder, node: exp.Expr, table: WritableTable, kinds: str, others: Sequence[Source] = ()
) -> tuple[Output, ...]:
    """The OUTPUT clauses of a statement.

    :param kinds: what the statement may do: the letters of ``change.py``.
    :param others: the sources that ``s1`` … are from, see :func:`kept_columns`.
    """
    clauses = node.args.get("returning") or ()
    sources = []
    if INSERTED in kinds or UPDATED in kinds:
        sources.append(_image("inserted", "n", table, nullable=DELETED in kinds))
    if DELETED in kinds or UPDATED in kinds:
        sources.append(_image("deleted", "o", table, nullable=INSERTED in kinds))
    if isinstance(node, exp.Merge):
        words = ((INSERTED, "INSERT"), (UPDATED, "UPDATE"), (DELETED, "DELETE"))
        cases = " ".join(f"WHEN '{letter}' THEN '{word}'" for letter, word in words)
        action = Typed(f"CASE {ROW}.k {cases} END", _ACTION, nullable=False, name="$action")
        sources.append(Source((), (action,)))
    place = 0
    for other in others:
        columns = []
        for column in other.shown:
            place += 1
            columns.append(replace(column, sql=f"{ROW}.s{place}", nullable=True, evaluate=None, constant=None))
        sources.append(Source(other.names, tuple(columns)))
    found = tuple(_output(binder.within(Scope(sources=list(sources))), clause) for clause in clauses)
    if len(found) > 1 and (found[0].into is None or found[1].into is not None):
        raise SqlError(102, "Of two OUTPUT clauses the first needs INTO, and the second must not have it.", severity=15)
    return found


def kept_columns(others: Sequence[Source]) -> list[str]:
    """The DuckDB texts of the columns that become ``s1`` ….."""
    return [column.sql for other in others for column in other.shown]


def _image(name: str, letter: str, table: WritableTable, *, nullable: bool) -> Source:
    columns = tuple(
        Typed(f"{ROW}.{letter}{place}", column.type, nullable=nullable or column.nullable, name=column.name)
        for place, column in enumerate(table.columns, start=1)
    )
    return Source(((name,),), columns)


def new_image(table: WritableTable) -> Source:
    """The new values of the stage's rows as a source with the name of the table."""
    return _image(table.name.lower(), "n", table, nullable=False)


def _output(binder: Binder, clause: exp.Returning) -> Output:
    if any(item.find(exp.Query) is not None for item in clause.expressions):
        raise SqlError(10705, "Subqueries are not allowed in the OUTPUT clause.", severity=15)
    values = select_list(binder, exp.Select(expressions=clause.expressions))
    if any(value.name == ROW_ID for value in values):
        raise not_supported("This OUTPUT clause")
    numbered = ", ".join(f"{value.sql} AS {output_name(place)}" for place, value in enumerate(values, start=1))
    sql = " ".join(["SELECT", numbered, "FROM", f"{STAGE} AS {ROW} ORDER BY {ROW}.p"])
    columns = tuple(Column(value.name, value.type, value.nullable) for value in values)
    into = clause.args.get("into")
    if into is None:
        return Output(finished(binder, sql), columns)
    is_listed = isinstance(into, exp.Schema)
    table = target_table(binder, into.this if is_listed else into, "INSERT")
    targets = named_columns(table, [each.name for each in into.expressions] if is_listed else None)
    check_count(len(columns), targets, table, into, "VALUES")
    return Output(finished(binder, sql), columns, table, tuple(column.name for column in targets))


def bind_checks(binder: Binder, table: WritableTable) -> tuple[tuple[Check, Part], ...]:
    """The queries of stage rows that violate the CHECK constraints."""
    return tuple((check, _violations(binder, table, check)) for check in table.rules.checks if not check.disabled)


def _violations(binder: Binder, table: WritableTable, check: Check) -> Part:
    inside = binder.within(Scope(sources=[new_image(table)]))
    with names_of(binder, table):
        condition = inside.predicate(condition_of(check.condition).copy())
    where = f"{ROW}.k <> '{DELETED}' AND NOT ({condition.sql})"
    return finished(binder, " ".join(["SELECT", "1", "FROM", f"{STAGE} AS {ROW} WHERE {where} LIMIT 1"]))
