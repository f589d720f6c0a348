"""Runs statements on a server, and reports errors as values: facts expect them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ssis.catalog.errors.driver_errors import statement_error
from airflow_provider_ssis.catalog.session import Connection


class NotApplicable(Exception):
    """A fact does not apply, or cannot be tried. The message is the reason."""


_NAME = re.compile(r"(?<!\w):([a-z]\w*)")


class ServerError(Exception):
    """The server answered with an error. The message has no text of the server, which may contain names of logins."""

    def __init__(self, number: int | None) -> None:
        super().__init__(f"error {number}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call.

    :param number: the number of the error that it raised; None if it succeeded.
    :param rows: the rows of its last result set.
    """

    number: int | None
    rows: tuple[tuple[Any, ...], ...] = ()

    @property
    def text(self) -> str:
        """The error as text."""
        return "no error" if self.number is None else f"error {self.number}"


class Server:
    """Runs statements whose ``:name`` markers are replaced by parameters.

    :param connection: an open connection of a DB-API driver with the paramstyle ``qmark``, in autocommit mode.
    :param driver_error: the driver's ``Error``.
    """

    def __init__(self, connection: Connection, driver_error: type[Exception]) -> None:
        self._connection = connection
        self._driver_error = driver_error

    def call(self, statement: str, values: Mapping[str, Any] | None = None) -> Answer:
        """Run a statement of the catalog.

        :param statement: T-SQL.
        :param values: the values of its markers.
        """
        names = _NAME.findall(statement)
        cursor = self._connection.cursor()
        try:
            try:
                cursor.execute(
                    "SET NOCOUNT ON;\n" + _NAME.sub("?", statement), tuple((values or {})[name] for name in names)
                )
                rows: Sequence[Any] = ()
                while True:
                    if cursor.description is not None:
                        rows = cursor.fetchall()
                    if not cursor.nextset():
                        return Answer(None, tuple(tuple(row) for row in rows))
            except self._driver_error as error:
                return Answer(statement_error(error).number or 0)
        finally:
            cursor.close()

    def rows(self, query: str, values: Mapping[str, Any] | None = None) -> tuple[tuple[Any, ...], ...]:
        """The rows of a statement that must succeed.

        :raises ServerError: the server answered with an error.
        """
        answer = self.call(query, values)
        if answer.number is not None:
            raise ServerError(answer.number)
        return answer.rows

    def value(self, query: str, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row; None if there is no row.

        :raises ServerError: the server answered with an error.
        """
        rows = self.rows(query, values)
        return rows[0][0] if rows else None
