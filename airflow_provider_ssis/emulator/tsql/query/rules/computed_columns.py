"""Computed columns: their values are computed in the stage, from the new values of the other columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_ssis.emulator.tsql.metadata.names import TEMPORARY_DATABASE
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Computed
from airflow_provider_ssis.emulator.tsql.query.change import DELETED
from airflow_provider_ssis.emulator.tsql.query.rules.outputs import ROW, new_image
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import column_named, expression_of, names_of, stored
from airflow_provider_ssis.emulator.tsql.query.scope import Clause, Scope

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


def with_computed(binder: Binder, table: WritableTable, stage: str) -> str:
    """The query of a stage with the values of the computed columns.

    :param stage: the query without them.
    """
    computed = table.rules.computed
    if not computed:
        return stage
    inside = binder.within(Scope(sources=[new_image(table)], clause=Clause.SET))
    names = [column.name.lower() for column in table.columns]
    values = []
    for each in computed:
        column = column_named(table, each.column)
        with names_of(binder, table):
            value = stored(binder, inside.value(expression_of(computed_text(table, each)).copy()), column, table)
        place = names.index(each.column.lower()) + 1
        values.append(f"CASE WHEN {ROW}.k <> '{DELETED}' THEN {value.sql} END AS n{place}")
    return " ".join(["SELECT", f"* REPLACE ({', '.join(values)})", "FROM", f"({stage}) AS {ROW}"])


def computed_text(table: WritableTable, computed: Computed) -> str:
    """The T-SQL text of the value of a computed column."""
    if computed.expression:
        return computed.expression
    database = TEMPORARY_DATABASE if isinstance(table, LocalTable) else table.database
    return "next_row_version('" + database.replace("'", "''") + "')"


def with_computed_names(table: WritableTable, updated: Iterable[str]) -> tuple[str, ...]:
    """The columns that an UPDATE changes: those that it sets, and all computed ones."""
    return (*updated, *(column_named(table, each.column).name for each in table.rules.computed))
