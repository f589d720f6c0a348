"""INSERT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable
from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.change import INSERTED, BoundChange, Change
from airflow_provider_ssis.emulator.tsql.query.rules.changed_tables import target_table
from airflow_provider_ssis.emulator.tsql.query.rules.common_tables import bind_with
from airflow_provider_ssis.emulator.tsql.query.rules.computed_columns import with_computed
from airflow_provider_ssis.emulator.tsql.query.rules.foreign_keys import bind_foreign_keys
from airflow_provider_ssis.emulator.tsql.query.rules.index_filters import bind_filters
from airflow_provider_ssis.emulator.tsql.query.rules.limits import bind_limit
from airflow_provider_ssis.emulator.tsql.query.rules.outputs import bind_checks, bind_outputs, finished
from airflow_provider_ssis.emulator.tsql.query.rules.sequences import ROW
from airflow_provider_ssis.emulator.tsql.query.rules.sources import bind_rows, derived_columns, rows_sql
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import (
    check_count,
    default_node,
    default_value,
    identity_value,
    is_default,
    named_columns,
    stored,
)
from airflow_provider_ssis.emulator.tsql.query.scope import Clause
from airflow_provider_ssis.emulator.tsql.query.typed import Typed, output_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


def bind_insert(binder: Binder, node: exp.Insert) -> BoundChange:
    """INSERT with VALUES, a query or DEFAULT VALUES."""
    only(node, "this", "expression", "default", "with_", "limit", "returning")
    binder, prefix = bind_with(binder, node)
    target = node.this
    names: list[str] | None = None
    if isinstance(target, exp.Schema):
        names = [column.name for column in target.expressions]
        target = target.this
    table = target_table(binder, target, "INSERT")
    columns = [] if node.args.get("default") else named_columns(table, names)
    alias = binder.compilation.alias()
    rows = _rows(binder, node, table, columns, alias)
    values = _values(binder, table, columns, alias)
    if not table.rules.inspect_rows and not node.args.get("returning"):
        return BoundChange(table, direct=_direct(prefix, rows, table, columns, values))
    outputs = bind_outputs(binder, node, table, INSERTED)
    numbered = ", ".join(f"{value} AS n{place}" for place, value in enumerate(values, start=1))
    head = f"'{INSERTED}' AS k, CAST(row_number() OVER () AS BIGINT) AS p, CAST(NULL AS BIGINT) AS r"
    stage = with_computed(binder, table, " ".join([f"{prefix}SELECT", f"{head}, {numbered}", "FROM", rows]))
    return BoundChange(
        table,
        change=Change(
            table,
            finished(binder, stage),
            frozenset(INSERTED),
            checks=bind_checks(binder, table),
            filters=bind_filters(binder, table),
            foreign=bind_foreign_keys(binder, table, INSERTED),
            outputs=outputs,
            gives_identity=any(table.rules.is_identity(column.name) for column in columns),
        ),
    )


def _direct(prefix: str, rows: str, table: WritableTable, columns: Sequence[Column], values: Sequence[str]) -> str:
    """One INSERT of DuckDB, of the columns that get a value."""
    given = {column.name for column in columns} | {each.column for each in table.rules.defaults}
    lowered = {name.lower() for name in given}
    pairs = [
        (column, value)
        for column, value in zip(table.columns, values, strict=True)
        if column.name.lower() in lowered or not columns
    ]
    names = ", ".join(quoted(column.name) for column, _ in pairs)
    select = " ".join(["SELECT", ", ".join(value for _, value in pairs), "FROM", rows])
    return f"{prefix}INSERT INTO {table.storage_name} ({names}) {select}"


def _values(binder: Binder, table: WritableTable, columns: Sequence[Column], alias: str) -> list[str]:
    """The DuckDB text of the value of each column of the table."""
    places = {column.name: place for place, column in enumerate(columns, start=1)}
    values = []
    for column in table.columns:
        if column.name in places:
            values.append(f"{alias}.{output_name(places[column.name])}")
        elif table.rules.is_identity(column.name):
            values.append(identity_value(binder, table, column, "row_number() OVER ()"))
        else:
            values.append(default_value(binder, table, column).sql)
    return values


def _rows(binder: Binder, node: exp.Insert, table: WritableTable, columns: Sequence[Column], alias: str) -> str:
    """The given rows as a DuckDB source; its columns are those that are named, converted for the table."""
    if not columns:
        return f"(VALUES (1)) AS {alias}"
    source = node.expression
    limit = bind_limit(binder, node, ())
    names = ", ".join(output_name(place) for place in range(1, len(columns) + 1))
    if isinstance(source, exp.Values):
        text = f"VALUES {_listed(binder, source, table, columns, node.this)}"
    else:
        text = _queried(binder, source, table, columns, node.this)
    if limit.qualify or limit.clause:
        text = " ".join(["SELECT", "*", "FROM", f"({text}) AS limited{limit.qualify}{limit.clause}"])
    return f"({text}) AS {alias}({names})"


def _listed(
    binder: Binder, source: exp.Values, table: WritableTable, columns: Sequence[Column], target: exp.Expr
) -> str:
    with binder.scope.inside(Clause.VALUES):
        rows = bind_rows(binder, _with_row_numbers(_with_defaults(source, table, columns)))
    check_count(len(rows[0]), columns, table, target, "VALUES")
    return rows_sql(
        [[stored(binder, value, column, table) for value, column in zip(row, columns, strict=True)] for row in rows]
    )


def _with_row_numbers(source: exp.Values) -> exp.Values:
    """A list of rows in which each NEXT VALUE FOR has the number of its row."""
    for place, row in enumerate(source.expressions, start=1):
        for node in row.find_all(exp.NextValueFor):
            node.set(ROW, place)
    return source


def _with_defaults(source: exp.Values, table: WritableTable, columns: Sequence[Column]) -> exp.Values:
    """A list of rows with the expression of the default for each word DEFAULT."""
    if not any(is_default(value) for row in source.expressions for value in row.expressions):
        return source
    rows = []
    for row in source.expressions:
        values = []
        for place, value in enumerate(row.expressions):
            if not is_default(value) or place >= len(columns):
                values.append(value.copy())
                continue
            if table.rules.is_identity(columns[place].name):
                raise SqlError(339, "DEFAULT or NULL are not allowed as explicit identity values.")
            values.append(default_node(table, columns[place]))
        rows.append(exp.Tuple(expressions=values))
    return exp.Values(expressions=rows)


def _queried(
    binder: Binder, source: exp.Expr, table: WritableTable, columns: Sequence[Column], target: exp.Expr
) -> str:
    query = binder.query(source.this if isinstance(source, exp.Subquery) else source)
    check_count(len(query.columns), columns, table, target, "SELECT")
    alias = binder.compilation.alias()
    given = [
        Typed(column.sql, column.type, nullable=column.nullable, bare_null=output.bare_null)
        for column, output in zip(derived_columns(alias, query.columns), query.columns, strict=True)
    ]
    values = [stored(binder, value, column, table).sql for value, column in zip(given, columns, strict=True)]
    return " ".join(["SELECT", ", ".join(values), "FROM", f"({query.sql}) AS {alias}"])
