"""INSERT, UPDATE and DELETE on table variables and temporary tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import MAX, Column
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.registry import LocalTable
from airflow_provider_ssis.emulator.tsql.query.binder import not_understood, only
from airflow_provider_ssis.emulator.tsql.query.rules.common_tables import bind_with
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.rules.names import null_of
from airflow_provider_ssis.emulator.tsql.query.rules.sources import (
    bind_from,
    bind_rows,
    column_of,
    derived_columns,
    local_table,
    name_parts,
    rows_sql,
)
from airflow_provider_ssis.emulator.tsql.query.scope import Clause, Scope, Source
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


def _insert(binder: Binder, node: exp.Insert) -> str:
    only(node, "this", "expression", "default", "with_", "is_function", "by_name", "source")
    binder, prefix = bind_with(binder, node)
    target = node.this
    names: list[str] | None = None
    if isinstance(target, exp.Schema):
        names = [column.name for column in target.expressions]
        target = target.this
    table = _target_table(binder, target)
    columns = _named_columns(table, names)
    head = f"{prefix}INSERT INTO {table.storage_name} ({', '.join(quoted(column.name) for column in columns)})"
    if node.args.get("default"):
        values = [null_of(column.type).sql for column in table.columns]
        return f"{head} VALUES ({', '.join(values)})"
    return f"{head} {_inserted(binder, node.expression, table, columns)}"


def _named_columns(table: LocalTable, names: Sequence[str] | None) -> list[Column]:
    if names is None:
        return list(table.columns)
    return [_column(table, name) for name in names]


def _column(table: LocalTable, name: str) -> Column:
    found = next((column for column in table.columns if column.name.lower() == name.lower()), None)
    if found is None:
        raise SqlError(207, f"Invalid column name {name!r}.")
    return found


def _inserted(binder: Binder, source: exp.Expr, table: LocalTable, columns: Sequence[Column]) -> str:
    if isinstance(source, exp.Values):
        with binder.scope.inside(Clause.VALUES):
            rows = bind_rows(binder, source)
        _check_count(len(rows[0]), columns)
        stored = [
            [_stored(binder, value, column, table) for value, column in zip(row, columns, strict=True)] for row in rows
        ]
        return f"VALUES {rows_sql(stored)}"
    query = binder.query(source.this if isinstance(source, exp.Subquery) else source)
    _check_count(len(query.columns), columns)
    alias = binder.compilation.alias()
    given = [
        Typed(column.sql, column.type, nullable=column.nullable, bare_null=output.bare_null)
        for column, output in zip(derived_columns(alias, query.columns), query.columns, strict=True)
    ]
    stored_columns = [_stored(binder, value, column, table).sql for value, column in zip(given, columns, strict=True)]
    return " ".join(["SELECT", ", ".join(stored_columns), "FROM", f"({query.sql}) AS {alias}"])


def _check_count(given: int, columns: Sequence[Column]) -> None:
    if given > len(columns):
        raise SqlError(110, "There are more values than columns to insert into.", severity=15)
    if given < len(columns):
        raise SqlError(109, "There are fewer values than columns to insert into.", severity=15)


def _stored(binder: Binder, value: Typed, column: Column, table: LocalTable) -> Typed:
    """A value converted for a column: a value that is too long is an error, and is not cut."""
    target, source = column.type, value.type
    if value.bare_null or source == target:
        return coerced(binder, value, target)
    conversion.check(source, target, explicit=False)
    fits = target.length in (None, MAX) or (
        source.length not in (None, MAX) and (source.length or 0) <= (target.length or 0)
    )
    if fits or conversion.family(source) != conversion.family(target):
        return coerced(binder, value, target)
    key = f"store {table.name}.{column.name}"
    return binder.call(
        key,
        lambda given: conversion.store(given, source, target, table=table.name, column=column.name),
        [value],
        target,
    )


def _target_table(binder: Binder, node: exp.Expr) -> LocalTable:
    """The table variable or temporary table that is written to.

    :raises SqlError: 229 for a table or view of the catalog, 208 for none.
    """
    if not isinstance(node, exp.Table):
        raise not_understood(node)
    local = local_table(binder, node)
    if local is not None:
        return local
    parts = name_parts(node)
    database, schema, name = qualified(parts, binder.compilation.database)
    if binder.compilation.metadata.relation(database, schema, name) is None:
        raise SqlError(208, f"Invalid object name {'.'.join(parts)!r}.")
    raise SqlError(
        229,
        f"Writing to {name!r} of schema {schema!r} in database {database!r} is denied: tables change only through "
        "stored procedures.",
        severity=14,
    )


def _main(node: exp.Update | exp.Delete) -> exp.Table:
    """The table that an UPDATE or DELETE changes, as the source that it is.

    ``UPDATE t SET ... FROM @rows AS t JOIN ...`` and ``DELETE t FROM @rows AS t`` call it by the alias it has in FROM.

    :raises SqlError: 102, it is not the first source there.
    """
    called = node.args["tables"][0] if node.args.get("tables") else node.this
    clause = node.args.get("from_")
    main = clause.this if clause is not None else node.this or called
    if not isinstance(called, exp.Table) or not isinstance(main, exp.Table):
        raise not_understood(node)
    if called.name.lower() not in (main.alias.lower(), main.name.lower()) or called.args.get("alias") not in (
        None,
        main.args.get("alias"),
    ):
        raise SqlError(
            102, f"Incorrect syntax near {called.name!r}: the changed table must be the first in FROM.", severity=15
        )
    return main


def _changed(binder: Binder, main: exp.Table) -> tuple[LocalTable, str]:
    """The table that changes and its DuckDB alias; its columns are in the binder's scope from here on."""
    table = _target_table(binder, main)
    alias = binder.compilation.alias()
    name = main.alias.lower() or table.name
    columns = tuple(column_of(f"{alias}.{quoted(column.name)}", column, None) for column in table.columns)
    binder.scope.add(Source(((name,),), columns))
    return table, alias


def _others(binder: Binder, main: exp.Table) -> str:
    """The sources that the changed table is joined with, as a DuckDB FROM clause; empty when there are none."""
    joins = main.args.get("joins") or ()
    if not joins:
        return ""
    first, *others = joins
    if first.args.get("side") or first.args.get("kind", "").upper() not in ("", "INNER", "CROSS"):
        raise SqlError(102, "Incorrect syntax near 'JOIN': UPDATE and DELETE support only inner joins.", severity=15)
    select = exp.Select(expressions=[exp.Star()])
    select.set("from_", exp.From(this=first.this.copy()))
    select.set("joins", [join.copy() for join in others])
    return bind_from(binder, select)


def _conditions(binder: Binder, node: exp.Update | exp.Delete, main: exp.Table) -> str:
    joins = main.args.get("joins") or ()
    tests = []
    if joins and joins[0].args.get("on") is not None:
        with binder.scope.inside(Clause.ON):
            tests.append(binder.predicate(joins[0].args["on"]).sql)
    if node.args.get("where") is not None:
        with binder.scope.inside(Clause.WHERE):
            tests.append(binder.predicate(node.args["where"].this).sql)
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def _update(binder: Binder, node: exp.Update) -> str:
    only(node, "this", "expressions", "from_", "where", "with_", "options")
    binder, prefix = bind_with(binder, node)
    binder = binder.within(Scope(parent=binder.scope.parent))
    main = _main(node)
    table, alias = _changed(binder, main)
    others = _others(binder, main)
    settings = []
    for item in node.expressions:
        if not isinstance(item, exp.EQ) or not isinstance(item.this, exp.Column):
            raise not_understood(item)
        column = _column(table, item.this.name)
        with binder.scope.inside(Clause.SET):
            value = _stored(binder, binder.value(item.expression), column, table)
        settings.append(f"{quoted(column.name)} = {value.sql}")
    changes = f"{table.storage_name} AS {alias} SET {', '.join(settings)}{others}{_conditions(binder, node, main)}"
    return f"{prefix}UPDATE {changes}"


def _delete(binder: Binder, node: exp.Delete) -> str:
    only(node, "this", "tables", "from_", "where", "with_", "using", "cluster", "options")
    binder, prefix = bind_with(binder, node)
    binder = binder.within(Scope(parent=binder.scope.parent))
    main = _main(node)
    table, alias = _changed(binder, main)
    others = _others(binder, main).replace(" FROM ", " USING ", 1)
    return " ".join(
        [f"{prefix}DELETE FROM", f"{table.storage_name} AS {alias}{others}{_conditions(binder, node, main)}"]
    )


CHANGES: Final[dict[type[exp.Expr], Callable[[Binder, exp.Expr], str]]] = {
    exp.Insert: _insert,  # type: ignore[dict-item] # each rule takes the node kind of its key
    exp.Update: _update,  # type: ignore[dict-item]
    exp.Delete: _delete,  # type: ignore[dict-item]
}
"""By the kind of the statement's root."""
