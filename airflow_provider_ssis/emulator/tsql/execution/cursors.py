"""Cursors of a session: their names and positions.

OPEN reads all rows of a cursor's query, as SQL Server does for STATIC. Changes that a loop makes to the table under its
cursor are not seen by later fetches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.language import cursor_syntax
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

FETCHED: Final = 0
NO_ROW: Final = -1

_COUNTED: Final = frozenset({"STATIC", "KEYSET", "SCROLL"})
"""The options with which ``@@CURSOR_ROWS`` is the number of rows; it is -1 for other cursors."""


@dataclass(slots=True)
class Cursor:
    """A cursor.

    :param query: with its options.
    :param frame: the variables as they were when it was declared, and the tables that it may read.
    :param rows: None while it is closed.
    :param position: of the current row, from 1; 0 is before the first.
    """

    query: cursor_syntax.CursorQuery
    frame: Frame
    columns: tuple[Column, ...] = ()
    rows: Sequence[tuple[Any, ...]] | None = None
    position: int = 0

    @property
    def scrolls(self) -> bool:
        """Whether directions other than NEXT are allowed."""
        options = self.query.options
        return "SCROLL" in options or (not options & {"FORWARD_ONLY", "FAST_FORWARD"} and bool(options & _NOT_FORWARD))

    @property
    def shown_rows(self) -> int:
        """``@@CURSOR_ROWS`` after OPEN."""
        return len(self.rows or ()) if self.query.options & _COUNTED else -1

    def open(self, columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        """Take the rows; the position is before the first."""
        self.columns, self.rows, self.position = columns, rows, 0

    def close(self) -> None:
        """Forget the rows.

        :raises SqlError: 16917, it is not open.
        """
        if self.rows is None:
            raise not_open()
        self.rows = None

    def move(self, direction: str, offset: int) -> tuple[Any, ...] | None:
        """Go to another row.

        :param direction: as in :class:`~airflow_provider_ssis.emulator.tsql.language.statements.Fetch`.
        :param offset: for ABSOLUTE and RELATIVE.
        :returns: the row; None before the first and after the last.
        :raises SqlError: 16911, it only goes forward; 16917, it is not open.
        """
        rows = self.rows
        if rows is None:
            raise not_open()
        if direction != "NEXT" and not self.scrolls and not (direction == "RELATIVE" and offset > 0):
            text = f"The fetch type {direction.lower()} cannot be used with forward only cursors. Declare it SCROLL."
            raise SqlError(16911, text)
        match direction:
            case "NEXT":
                place = self.position + 1
            case "PRIOR":
                place = self.position - 1
            case "FIRST":
                place = 1
            case "LAST":
                place = len(rows)
            case "RELATIVE":
                place = self.position + offset
            case _:
                place = offset if offset >= 0 else len(rows) + 1 + offset
        self.position = max(0, min(place, len(rows) + 1))
        return rows[self.position - 1] if 1 <= self.position <= len(rows) else None


_NOT_FORWARD: Final = frozenset({"STATIC", "KEYSET", "DYNAMIC"})


@dataclass(slots=True)
class Cursors:
    """The cursors of a session.

    :param named: the GLOBAL cursors, by name in lower case.
    :param fetch_status: ``@@FETCH_STATUS``.
    :param row_count: ``@@CURSOR_ROWS``.
    """

    named: dict[str, Cursor] = field(default_factory=dict)
    fetch_status: int = FETCHED
    row_count: int = 0

    def find(self, name: cursor_syntax.CursorName, frame: Frame) -> Cursor:
        """The cursor that a statement names.

        :raises SqlError: 16916, there is none; 16950, the variable holds none.
        """
        if name.is_variable:
            held: Cursor | None = frame.cursors.get(name.name)
            if held is None:
                raise SqlError(16950, f"The variable '{name.name}' does not have a cursor allocated to it.", state=2)
            return held
        found: Cursor | None = None if name.only_global else frame.cursors.get(name.name)
        found = found or self.named.get(name.name)
        if found is None:
            raise SqlError(16916, f"A cursor with the name '{name.name}' does not exist.")
        return found

    def declare(self, name: cursor_syntax.CursorName, cursor: Cursor, frame: Frame) -> None:
        """Add a cursor: to the session, or with LOCAL to the batch or dynamic SQL.

        :raises SqlError: 16915, there is one of that name.
        """
        known = frame.cursors if "LOCAL" in cursor.query.options else self.named
        if name.name in known:
            raise SqlError(16915, f"A cursor with the name '{name.name}' already exists.")
        known[name.name] = cursor

    def deallocate(self, name: cursor_syntax.CursorName, frame: Frame) -> None:
        """Remove a cursor's name, or what a variable holds.

        :raises SqlError: see :meth:`find`.
        """
        self.find(name, frame)
        if not name.only_global and frame.cursors.get(name.name) is not None:
            if name.is_variable:
                frame.cursors[name.name] = None
            else:
                del frame.cursors[name.name]
        else:
            del self.named[name.name]

    def status(self, kind: str, name: str, frame: Frame) -> int | None:
        """``CURSOR_STATUS``: 1 has rows, 0 is empty, -1 is closed, -2 the variable holds none, -3 there is none.

        :param kind: local, global or variable.
        """
        key = name.lower()
        match kind.lower():
            case "variable" if not key.startswith("@"):
                return -3
            case "variable" | "local":
                if key not in frame.cursors:
                    return -3
                cursor = frame.cursors[key]
            case "global":
                if key not in self.named:
                    return -3
                cursor = self.named[key]
            case _:
                return None
        if cursor is None:
            return -2
        if cursor.rows is None:
            return -1
        return 1 if cursor.rows or cursor.shown_rows < 0 else 0


def not_open() -> SqlError:
    """Error 16917."""
    return SqlError(16917, "The cursor is not open.", state=1)
