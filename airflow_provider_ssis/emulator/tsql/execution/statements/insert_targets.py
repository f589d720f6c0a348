"""The target of INSERT … EXEC."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import find_table, is_local
from airflow_provider_ssis.emulator.tsql.execution.tables import check_current, insert_rows, written_with
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.query.compiler import MOST_ROWS
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, out_of_memory


def _behind(session: SessionState, name: Sequence[str]) -> Sequence[str]:
    """The name of the table behind a synonym; other names stay as they are."""
    return name if is_local(name) else session.metadata.resolved(qualified(name, session.database))


class Target:
    """The target of INSERT … EXEC.

    :param name: the parts of the table's name.
    :param columns: those that get values; all of them where none is named.
    :raises StatementRefused: 208 there is no such table, 207 it has no such column.
    """

    def __init__(self, session: SessionState, name: Sequence[str], columns: Sequence[str], frame: Frame) -> None:
        table = find_table(session, _behind(session, name), frame)
        if table is None:
            raise StatementRefused(SqlError(208, f"Invalid object name '{'.'.join(name)}'."))
        known = [column.name.lower() for column in table.columns]
        for column in columns:
            if column.lower() not in known:
                raise StatementRefused(SqlError(207, f"Invalid column name '{column}'."))
        self._table = table
        self._frame = frame
        self._names = tuple(columns)
        self._count_expected = len(columns) or sum(table.rules.is_given(column.name) for column in table.columns)
        self._given: tuple[Column, ...] = ()
        self._taken: list[tuple[tuple[Column, ...], list[tuple[Any, ...]]]] = []
        self._count = 0

    def expect(self, columns: tuple[Column, ...]) -> None:
        """A result set with these columns follows.

        :raises SqlError: 213, they are not as many as the target's.
        """
        if len(columns) != self._count_expected:
            raise SqlError(213, "The number of columns does not match those of the table.", ends_batch=True)
        self._given = columns

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Keep rows until the procedure or the text has ended.

        :raises SqlError: 701, too many rows.
        """
        self._count += len(rows)
        if self._count > MOST_ROWS:
            raise out_of_memory()
        self._taken.append((self._given, list(rows)))

    async def insert(self, session: SessionState) -> int:
        """Add the rows.

        :returns: their number.
        """
        async with session.transactions.writing(written_with(session, self._table), session.options):
            check_current(session, self._table)
            await session.worker.run(partial(insert_rows, session, self._table, self._taken, self._frame, self._names))
        return self._count
