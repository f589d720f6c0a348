"""One session with the catalog over any DB-API connection: run a batch, drain its results, name its errors."""

from __future__ import annotations

import logging
import random
import struct
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, Protocol

from airflow_provider_ssis.catalog.errors import CatalogError, ConnectionLost, ServerUnreachable, TransientError
from airflow_provider_ssis.catalog.errors.driver_errors import DriverReport, server_error, statement_error
from airflow_provider_ssis.catalog.sql.rows import ResultSet, RowClass, decode
from airflow_provider_ssis.catalog.sql.statements import ERROR_NUMBER, Batch

log = logging.getLogger(__name__)


class Cursor(Protocol):
    """What is needed of a DB-API cursor."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """The columns of the current result set, None where the statement gave none."""

    def execute(self, operation: str, parameters: Any, /) -> Any:
        """Run a statement."""

    def fetchall(self) -> Iterable[Sequence[Any]]:
        """The rows of the current result set."""

    def nextset(self) -> Any:
        """Go to the next result set; false where there is none."""


class Connection(Protocol):
    """What is needed of a DB-API connection."""

    def cursor(self) -> Any:
        """A new cursor, which is a :class:`Cursor`."""

    def close(self) -> Any:
        """End the session."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast a call is repeated that is safe to repeat and failed with a transient error.

    :param attempts: calls in all, 1 for no repetition.
    :param first_delay: seconds before the second call, at most; the delay doubles with each further one, and each is
        shortened by a random part so that clients do not meet again.
    :param longest_delay: the most that a delay grows to, in seconds.
    """

    attempts: int = 5
    first_delay: float = 0.5
    longest_delay: float = 10.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after a call, the first being number 1."""
        longest = min(self.longest_delay, self.first_delay * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 spreads clients over time, guards nothing


NO_RETRY = RetryPolicy(attempts=1)
"""One attempt only, for callers that retry themselves."""


class Repeat(Enum):
    """When a call may be made again after a transient error."""

    ALWAYS = "always"
    """Doing it twice does no harm: reads, and calls that leave nothing behind that matters."""
    IF_REFUSED = "if refused"
    """Only when the server answered that it did not do it, not when the answer was lost."""
    NEVER = "never"
    """Not without looking at the state first."""


Explain = Callable[[CatalogError, Mapping[str, Any]], CatalogError]
"""Makes a better exception out of one and the error row's columns, which are empty if the driver raised the error."""


class CatalogSession:
    """Runs batches on one connection, which it puts into autocommit mode.

    :param connection: an open DB-API connection whose current database is SSISDB.
    :param reconnect: opens another such connection after the first broke. Without it a broken connection stays broken.
    :param retry: how transient errors are met. Default: five attempts within about ten seconds.
    :param server: the server's name for errors, as ``host,port``. Default: unknown.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        reconnect: Callable[[], Connection] | None = None,
        retry: RetryPolicy | None = None,
        server: str | None = None,
    ) -> None:
        self.retry = retry or RetryPolicy()
        self.server = server
        self._reconnect = reconnect
        self._connection: Connection | None = connection
        # One for all batches: a driver gives a prepared statement back with the next one, not by a call of its own.
        self._cursor: Cursor | None = None
        prepare(connection)

    @property
    def can_reconnect(self) -> bool:
        """True if the session mends itself after its connection broke."""
        return self._reconnect is not None

    def run(
        self, batch: Batch, *, doing: str, repeat: Repeat = Repeat.ALWAYS, explain: Explain | None = None
    ) -> list[ResultSet]:
        """Run a batch to its end and return all its result sets.

        :param batch: what to run.
        :param doing: what the batch does, as the beginning of an error message: ``Deleting the folder 'X'``.
        :param repeat: when the batch may be run again after a transient error.
        :param explain: makes a better exception out of an error of the batch.
        :raises CatalogError: the class says what went wrong.
        """
        attempt = 1
        while True:
            try:
                return self._run_once(batch, doing, explain)
            except (TransientError, ServerUnreachable) as error:
                if not self._may_repeat(error, repeat) or attempt >= self.retry.attempts:
                    raise
                delay = self.retry.delay(attempt)
                log.warning("%s Trying again in %.1f s (attempt %d of %d).", error, delay, attempt, self.retry.attempts)
            time.sleep(delay)
            attempt += 1

    def fetch(self, row_class: type[RowClass], batch: Batch, *, doing: str) -> list[RowClass]:
        """Run a query and return its rows as objects of a dataclass of ``models``.

        :raises CatalogError: the class says what went wrong.
        """
        return decode(row_class, self.run(batch, doing=doing)[-1])

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            connection, self._connection, self._cursor = self._connection, None, None
            connection.close()

    def _may_repeat(self, error: TransientError | ServerUnreachable, repeat: Repeat) -> bool:
        if isinstance(error, ServerUnreachable):
            # It comes from an attempt to connect anew, so nothing was sent.
            return True
        if isinstance(error, ConnectionLost):
            return repeat is Repeat.ALWAYS and self.can_reconnect
        return repeat is not Repeat.NEVER

    def _run_once(self, batch: Batch, doing: str, explain: Explain | None) -> list[ResultSet]:
        connection = self._open_connection()
        row: Mapping[str, Any] = {}
        try:
            if self._cursor is None:
                self._cursor = connection.cursor()
            results = _execute(self._cursor, _driver_module(connection), batch)
        except (_driver_module(connection).Error, OSError) as cause:
            self._cursor = None
            error = statement_error(cause)
            if isinstance(error, ConnectionLost):
                self._discard(connection)
        else:
            failed = [result for result in results if result.columns[:1] == (ERROR_NUMBER,)]
            if not failed:
                return results
            row = failed[0].as_dicts()[0]
            error = _error_of(row)
        error.reason, error.server = error.message, self.server
        error.message = f"{doing} failed: {error.message}"
        # Outside the except clause: the driver's exception would add nothing but another rendering of the same text.
        raise explain(error, row) if explain is not None else error

    def _open_connection(self) -> Connection:
        if self._connection is None:
            if self._reconnect is None:
                raise ConnectionLost("The connection to the catalog is closed.", advice="Open a new one.")
            connection = self._reconnect()
            prepare(connection)
            self._connection = connection
        return self._connection

    def _discard(self, connection: Connection) -> None:
        self._connection = self._cursor = None
        try:
            connection.close()
        except (_driver_module(connection).Error, OSError) as error:
            log.debug("Closing the broken connection failed: %s", error)


class CatalogPart:
    """A family of calls on one session."""

    def __init__(self, session: CatalogSession) -> None:
        self._session = session


def prepare(connection: Connection) -> None:
    """Put a connection into the state that the catalog's procedures need.

    Autocommit, because the catalog starts a process that reads the same rows on a connection of its own; and for pyodbc
    a decoder for datetimeoffset, for which it has none.

    :raises CatalogError: the connection is broken.
    """
    try:
        autocommit = getattr(connection, "autocommit", None)
        if callable(autocommit):
            autocommit(True)
        else:
            connection.autocommit = True  # type: ignore[attr-defined]  # an optional extension of the DB-API
    except (_driver_module(connection).Error, OSError) as cause:
        raise statement_error(cause) from None
    add_output_converter = getattr(connection, "add_output_converter", None)
    if add_output_converter is not None:
        add_output_converter(_SQL_SS_TIMESTAMPOFFSET, decode_datetimeoffset)


def decode_datetimeoffset(data: bytes | None) -> datetime | None:
    """The time in ODBC's structure ``SQL_SS_TIMESTAMPOFFSET_STRUCT``, to the microsecond."""
    if data is None:
        return None
    year, month, day, hour, minute, second, nanoseconds, zone_hours, zone_minutes = struct.unpack("<6hI2h", data)
    zone = timezone(timedelta(hours=zone_hours, minutes=zone_minutes))
    return datetime(year, month, day, hour, minute, second, nanoseconds // 1000, tzinfo=zone)


def _execute(cursor: Cursor, driver: Any, batch: Batch) -> list[ResultSet]:
    sql, values = batch.sql, tuple(batch.values)
    if driver.paramstyle in ("format", "pyformat"):
        sql = sql.replace("%", "%%").replace("?", "%s")
        # pymssql and python-tds send plain bytes as text. The others send bytes as they are, without copying them.
        values = tuple(driver.Binary(value) if isinstance(value, bytes) else value for value in values)
    cursor.execute(sql, values)
    results = []
    # An error may stand behind the last result set: only a drained batch has succeeded.
    while True:
        if cursor.description is not None:
            columns = tuple(column[0] for column in cursor.description)
            results.append(ResultSet(columns, tuple(tuple(row) for row in cursor.fetchall())))
        if not cursor.nextset():
            return results


def _driver_module(connection: Connection) -> Any:
    """The DB-API module of a connection, which holds its ``Error`` and its ``paramstyle``."""
    name = type(connection).__module__
    while "." in name and not hasattr(sys.modules[name], "paramstyle"):
        name = name.rpartition(".")[0]
    return sys.modules[name]


def _error_of(row: Mapping[str, Any]) -> CatalogError:
    return server_error(
        DriverReport(
            text=str(row["error_message"]),
            number=row[ERROR_NUMBER],
            severity=row["error_severity"],
            state=row["error_state"],
            procedure=row["error_procedure"],
            line=row["error_line"],
        )
    )


_SQL_SS_TIMESTAMPOFFSET = -155
