"""Values on their way into the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import MAX, Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, WritableTable
from airflow_provider_ssis.emulator.tsql.query.change import NEXT_IDENTITY
from airflow_provider_ssis.emulator.tsql.query.dialect import parse_query
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.query.rules.names import null_of
from airflow_provider_ssis.emulator.tsql.query.scope import Clause, Scope
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import family
from airflow_provider_ssis.emulator.tsql.values.storage import duckdb_type

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule

_REMEMBERED: Final = 512
_DECIMAL: Final = SqlType("decimal", precision=38, scale=0)


def stored(binder: Binder, value: Typed, column: Column, table: WritableTable) -> Typed:
    """A value converted for a column: a value that is too long is an error, and is not cut."""
    target, source = column.type, value.type
    if value.bare_null or source == target:
        return coerced(binder, value, target)
    conversion.check(source, target, explicit=False)
    fits = target.length in (None, MAX) or (
        source.length not in (None, MAX) and (source.length or 0) <= (target.length or 0)
    )
    if fits or family(source) != family(target):
        return coerced(binder, value, target)
    key = f"store {table.name}.{column.name}"
    return binder.call(
        key,
        lambda given: conversion.store(given, source, target, table=table.name, column=column.name),
        [value],
        target,
    )


def is_default(node: exp.Expr) -> bool:
    """Whether a value is the word DEFAULT."""
    return isinstance(node, exp.Var) and node.name == "DEFAULT"


class StoredExpression(exp.Expression):
    """An expression that a table keeps, in a statement that changes the table."""

    arg_types = {"this": True, "table": True}  # noqa: RUF012 - as sqlglot has it


def _stored_expression(binder: Binder, node: StoredExpression) -> Typed:
    with names_of(binder, node.args["table"]):
        return binder.value(node.this)


@contextmanager
def names_of(binder: Binder, table: WritableTable) -> Iterator[None]:
    """Names mean what they do in the database of a table: those who may change it may use what its rules name."""
    compilation = binder.compilation
    kept = compilation.database, compilation.chained
    if isinstance(table, UserTable):
        compilation.database, compilation.chained = table.database, table.database.lower()
    try:
        yield
    finally:
        compilation.database, compilation.chained = kept


def default_node(table: WritableTable, column: Column) -> exp.Expr:
    """The expression of a column's default; NULL for a column without one."""
    text = table.rules.default_of(column.name)
    return exp.Null() if text is None else StoredExpression(this=expression_of(text).copy(), table=table)


def default_value(binder: Binder, table: WritableTable, column: Column) -> Typed:
    """A column's default, converted for it."""
    if table.rules.default_of(column.name) is None:
        return null_of(column.type)
    outside = binder.within(Scope(clause=Clause.VALUES))
    return stored(binder, outside.value(default_node(table, column)), column, table)


@lru_cache(maxsize=_REMEMBERED)
def expression_of(text: str) -> exp.Expr:
    """The syntax tree of an expression."""
    tree: exp.Expr = parse_query(" ".join(["SELECT", f"({text})"])).expressions[0]
    return tree


@lru_cache(maxsize=_REMEMBERED)
def condition_of(text: str) -> exp.Expr:
    """The syntax tree of a condition."""
    tree: exp.Expr = parse_query(" ".join(["SELECT", f"1 WHERE ({text})"])).args["where"].this
    return tree


def column_named(table: WritableTable, name: str) -> Column:
    """The column of this name.

    :raises SqlError: 207, there is none.
    """
    found = next((column for column in table.columns if column.name.lower() == name.lower()), None)
    if found is None:
        raise SqlError(207, f"Invalid column name {name!r}.")
    return found


def identity_value(binder: Binder, table: WritableTable, column: Column, number: str) -> str:
    """The DuckDB text of a new IDENTITY value.

    :param number: of the row, from 1.
    """
    increment = table.rules.identity.increment if table.rules.identity else 1
    first = binder.session_value(NEXT_IDENTITY, _DECIMAL).sql
    return f"CAST({first} + ({number} - 1) * {increment} AS {duckdb_type(column.type)})"


def named_columns(table: WritableTable, names: Sequence[str] | None) -> list[Column]:
    """The columns that an INSERT gives values: without names all but computed ones and the one with IDENTITY.

    :raises SqlError: 207 no such column, 264 a column is named twice, 271 a column is computed.
    """
    if names is None:
        return [column for column in table.columns if table.rules.is_given(column.name)]
    columns = [column_named(table, name) for name in names]
    for column in columns:
        if table.rules.is_row_version(column.name):
            text = "Cannot insert an explicit value into a timestamp column. Leave it out of the list of columns."
            raise SqlError(273, text)
        check_not_computed(table, column)
    if len({column.name for column in columns}) != len(columns):
        raise SqlError(264, "A column is named more than once in the list of columns.", severity=16)
    return columns


def check_not_computed(table: WritableTable, column: Column) -> None:
    """Check that a column may be given a value.

    :raises SqlError: 271, 272.
    """
    if table.rules.is_row_version(column.name):
        raise SqlError(272, f"Cannot update the timestamp column {column.name!r}.")
    if table.rules.is_computed(column.name):
        raise SqlError(271, f"The column {column.name!r} cannot be modified, because it is a computed column.")


def check_count(count: int, columns: Sequence[Column], table: WritableTable, target: exp.Expr, word: str) -> None:
    """Check that there are as many values as columns.

    :param target: what follows INSERT INTO: with a list of columns or not.
    :param word: VALUES or SELECT, where the values come from.
    :raises SqlError: 8101; 213 without a list of columns; 109, 110, 120, 121 with one.
    """
    is_listed = isinstance(target, exp.Schema)
    if not is_listed and count == len(columns) + 1 == len(table.columns) and table.rules.identity is not None:
        text = (
            f"An explicit value for the identity column of table '{table.name}' needs a list of columns and "
            "SET IDENTITY_INSERT ON."
        )
        raise SqlError(8101, text)
    if count == len(columns):
        return
    if not is_listed:
        raise SqlError(213, "Column name or number of supplied values does not match table definition.", state=1)
    if count > len(columns):
        number = 110 if word == "VALUES" else 121
        raise SqlError(number, "There are more values than columns to insert into.", severity=15)
    number = 109 if word == "VALUES" else 120
    raise SqlError(number, "There are fewer values than columns to insert into.", severity=15)


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {StoredExpression: _stored_expression}
