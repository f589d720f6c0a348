"""Computed columns: their values are computed in the stage, from the new values of the other columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.datatypes import BIGINT, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.names import TEMPORARY_DATABASE
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, WritableTable
from airflow_provider_ssis.emulator.tsql.query.change import DELETED
from airflow_provider_ssis.emulator.tsql.query.rules.outputs import ROW, new_image
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import column_named, expression_of, names_of, stored
from airflow_provider_ssis.emulator.tsql.query.scope import Clause, Scope
from airflow_provider_ssis.emulator.tsql.query.typed import Typed

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
            found = inside.value(expression_of(each.expression).copy()) if each.expression else None
            value = stored(binder, found or _next_row_version(inside, table), column, table)
        place = names.index(each.column.lower()) + 1
        values.append(f"CASE WHEN {ROW}.k <> '{DELETED}' THEN {value.sql} END AS n{place}")
    return " ".join(["SELECT", f"* REPLACE ({', '.join(values)})", "FROM", f"({stage}) AS {ROW}"])


def _next_row_version(binder: Binder, table: WritableTable) -> Typed:
    """The value of a rowversion column in a new or changed row of a table."""
    database = row_version_database(table)
    binder.compilation.needed[NEXT_ROW_VERSION] = None
    bridge = binder.compilation.bridge
    return binder.call(
        f"next row version of {database}",
        lambda row: bridge.session[NEXT_ROW_VERSION](database, row),
        [Typed("row_number() OVER ()", BIGINT, nullable=False)],
        SqlType("binary", length=8),
        strict=False,
    )


def row_version_database(table: WritableTable) -> str:
    """The database that counts the rowversions of a table."""
    return TEMPORARY_DATABASE if isinstance(table, LocalTable) else table.database


NEXT_ROW_VERSION: Final = "next_row_version()"
"""The session's function of a database and the number of a row."""


def with_computed_names(table: WritableTable, updated: Iterable[str]) -> tuple[str, ...]:
    """The columns that an UPDATE changes: those that it sets, and all computed ones."""
    return (*updated, *(column_named(table, each.column).name for each in table.rules.computed))
