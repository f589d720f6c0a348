"""The statements that make, fill and drop local tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from airflow_provider_ssis.emulator.datatypes import Column, SqlType, TableValue
from airflow_provider_ssis.emulator.tsql.execution.arguments import UNTYPED_TABLE
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.registry import LocalTable
from airflow_provider_ssis.emulator.tsql.query.compiler import MOST_ROWS
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, out_of_memory


def declare_table(session: SessionState, declaration: s.TableDeclaration, frame: Frame) -> None:
    """``DECLARE @name TABLE (…)``, or with a table type.

    :raises StatementRefused: 2715, there is no such table type.
    """
    name = declaration.name.lower()
    columns, table_type = declaration.columns, UNTYPED_TABLE
    if declaration.type:
        found = session.engine.metadata.table_type(*qualified(declaration.type, session.database))
        if found is None:
            text = f"Cannot find the data type {'.'.join(declaration.type)}."
            raise StatementRefused(SqlError(2715, text, state=6, line=declaration.line, ends_batch=True))
        columns, table_type = found.columns, SqlType(found.name, schema=found.schema)
    _create_variable(session, frame, LocalTable(name, columns, frame.level), table_type, declaration.keys)


def declare_table_value(session: SessionState, name: str, sql_type: SqlType, value: TableValue, frame: Frame) -> None:
    """A table-valued parameter of dynamic SQL."""
    table = LocalTable(name, value.columns, frame.level)
    _create_variable(session, frame, table, sql_type, ())
    insert_rows(session, table, value.columns, value.rows)


def _create_variable(
    session: SessionState, frame: Frame, table: LocalTable, table_type: SqlType, keys: tuple[tuple[str, ...], ...]
) -> None:
    session.transactions.write([table], lambda: session.local_tables.create(table, keys))
    frame.table_variables[table.name] = table
    frame.table_types[table.name] = table_type


def create_table(session: SessionState, declaration: s.TableDeclaration, frame: Frame) -> LocalTable:
    """``CREATE TABLE #name (…)``.

    :raises SqlError: 2714, this batch or dynamic SQL has one of that name.
    """
    name = declaration.name.lower()
    if name in frame.temporary_tables.maps[0]:
        raise SqlError(2714, f"There is already a table named '{declaration.name}'.", state=6, ends_batch=True)
    table = LocalTable(name, declaration.columns, frame.level)
    session.transactions.write([table], lambda: session.local_tables.create(table, declaration.keys))
    frame.temporary_tables[name] = table
    return table


def drop_tables(session: SessionState, statement: s.DropTable, frame: Frame) -> None:
    """``DROP TABLE #name``.

    :raises SqlError: 3701, there is no such table.
    """
    for name in statement.names:
        scope = next((tables for tables in frame.temporary_tables.maps if name in tables), None)
        if scope is not None:
            _drop(session, scope.pop(name))
        elif not statement.if_exists:
            text = f"Cannot drop the table '{name}': it does not exist, or you do not have permission."
            raise SqlError(3701, text, severity=11, state=5)


def _drop(session: SessionState, table: LocalTable) -> None:
    session.transactions.write([table], lambda: session.local_tables.drop(table))


def insert_rows(
    session: SessionState,
    table: LocalTable,
    columns: Sequence[Column],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Add rows to a local table."""
    session.transactions.write([table], lambda: session.local_tables.insert(table, columns, rows))


async def table_value(session: SessionState, name: str, frame: Frame) -> TableValue:
    """The rows of a table variable, as the value of an argument."""
    table = frame.table_variables[name]
    query = session.engine.compiler.compile(
        QueryText.parse(f"SELECT * FROM {name}"),
        variables={},
        database=session.database,
        connection=session.connection,
        sees_all=session.sees_all,
        local_tables=frame.tables,
    )
    is_cancelled = session.worker.is_cancelled
    run = partial(session.engine.compiler.run, query, session.connection, {}, is_cancelled=is_cancelled)
    return TableValue(table.columns, tuple(await session.worker.run(run)))


class Target:
    """Where the rows of INSERT … EXEC go.

    :param name: of the local table.
    :param columns: those that get values; all of them where none is named.
    :raises StatementRefused: 208 there is no such table, 207 it has no such column.
    """

    def __init__(self, name: str, columns: Sequence[str], frame: Frame) -> None:
        table = frame.tables.get(name)
        if table is None:
            raise StatementRefused(SqlError(208, f"Invalid object name '{name}'."))
        known = [column.name.lower() for column in table.columns]
        for column in columns:
            if column.lower() not in known:
                raise StatementRefused(SqlError(207, f"Invalid column name '{column}'."))
        self._table = table
        self._places = [known.index(column.lower()) for column in columns] or list(range(len(known)))
        self._given: tuple[Column, ...] = ()
        self._taken: list[tuple[tuple[Column, ...], list[tuple[Any, ...]]]] = []
        self._count = 0

    def expect(self, columns: tuple[Column, ...]) -> None:
        """A result set with these columns follows.

        :raises SqlError: 213, they are not as many as the target's.
        """
        if len(columns) != len(self._places):
            raise SqlError(213, "The number of columns does not match those of the table.", ends_batch=True)
        given = list(self._table.columns)
        for place, column in zip(self._places, columns, strict=True):
            given[place] = column
        self._given = tuple(given)

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Keep rows until the procedure or the text has ended; columns without a value get NULL.

        :raises SqlError: 701, too many rows.
        """
        self._count += len(rows)
        if self._count > MOST_ROWS:
            raise out_of_memory()
        filled = []
        for row in rows:
            values: list[Any] = [None] * len(self._given)
            for place, value in zip(self._places, row, strict=True):
                values[place] = value
            filled.append(tuple(values))
        self._taken.append((self._given, filled))

    async def insert(self, session: SessionState) -> int:
        """Add the rows.

        :returns: their number.
        """
        for given, rows in self._taken:
            await session.worker.run(partial(insert_rows, session, self._table, given, rows))
        return self._count


def drop_frame(session: SessionState, frame: Frame) -> None:
    """Drop the tables of a frame: its table variables, and inside a procedure or dynamic SQL its temporary tables."""
    for table in frame.table_variables.values():
        session.transactions.discard(table)
    # A cursor of the session may still refer to them.
    frame.table_variables.clear()
    if frame.in_procedure:
        for table in frame.temporary_tables.maps[0].values():
            session.transactions.discard(table)
