"""The statements about cursors, as data."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.emulator.tsql.language.statements import Statement
from airflow_provider_ssis.emulator.tsql.query.source import QueryText


@dataclass(frozen=True, slots=True)
class CursorQuery:
    """The query of a cursor, with its options.

    :param options: in upper case.
    """

    options: frozenset[str]
    query: QueryText


@dataclass(frozen=True, slots=True)
class CursorName:
    """How a statement names a cursor.

    :param name: in lower case; with ``@`` it is that of a cursor variable.
    :param only_global: GLOBAL precedes it.
    """

    name: str
    only_global: bool = False

    @property
    def is_variable(self) -> bool:
        """Whether it names a cursor variable."""
        return self.name.startswith("@")


@dataclass(frozen=True, slots=True)
class DeclareCursor(Statement):
    """``DECLARE name CURSOR options FOR query``."""

    name: CursorName
    cursor: CursorQuery


@dataclass(frozen=True, slots=True)
class SetCursor(Statement):
    """``SET @name = CURSOR options FOR query`` or ``SET @name = cursor``."""

    variable: str
    cursor: CursorQuery | CursorName


@dataclass(frozen=True, slots=True)
class OpenCursor(Statement):
    """``OPEN name``."""

    cursor: CursorName


@dataclass(frozen=True, slots=True)
class Fetch(Statement):
    """``FETCH direction FROM name INTO variables``.

    :param direction: NEXT, PRIOR, FIRST, LAST, ABSOLUTE or RELATIVE.
    :param offset: of ABSOLUTE and RELATIVE.
    :param variables: in lower case; None without INTO.
    """

    cursor: CursorName
    direction: str = "NEXT"
    offset: QueryText | None = None
    variables: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class CloseCursor(Statement):
    """``CLOSE name``."""

    cursor: CursorName


@dataclass(frozen=True, slots=True)
class DeallocateCursor(Statement):
    """``DEALLOCATE name``."""

    cursor: CursorName
