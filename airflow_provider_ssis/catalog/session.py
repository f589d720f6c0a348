"""A session with the catalog over a DB-API connection: runs batches, reads all their results, converts errors."""

from __future__ import annotations

import logging
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol

from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    ConnectionLost,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ServerUnreachable,
    TransientError,
)
from airflow_provider_ssis.catalog.errors.driver_errors import DriverReport, server_error, statement_error
from airflow_provider_ssis.catalog.retries import Clock, RetryPolicy
from airflow_provider_ssis.catalog.sql.rows import ResultSet, RowClass, decode
from airflow_provider_ssis.catalog.sql.statements import ERROR_NUMBER, Batch

log = logging.getLogger(__name__)

PAGE_SIZE = 1000
"""Rows that an iterator of the client reads in one round trip."""


class Cursor(Protocol):
    """The used part of a DB-API cursor."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """The columns of the current result set. None: there is none."""

    def execute(self, operation: str, parameters: Any, /) -> Any:
        """Run a statement."""

    def fetchall(self) -> Iterable[Sequence[Any]]:
        """The rows of the current result set."""

    def nextset(self) -> Any:
        """Go to the next result set; false if there is none."""

    def close(self) -> Any:
        """Free the statement."""


class Connection(Protocol):
    """The used part of a DB-API connection."""

    def cursor(self) -> Any:
        """A new cursor, which is a :class:`Cursor`."""

    def close(self) -> Any:
        """End the session."""


class Repeat(Enum):
    """When a call may be repeated after a transient error."""

    ALWAYS = "always"
    """Repeating does no harm: reads, and calls without lasting effect."""
    IF_REFUSED = "if refused"
    """Only if the server reported that it did nothing, not if its answer was lost."""
    NEVER = "never"
    """Not before the caller has read the state."""


Explain = Callable[[CatalogError, Mapping[str, Any]], CatalogError]
"""Makes a better exception of an error and the columns of its row, which are empty if the driver raised the error."""


class CatalogSession:
    """Runs batches on one connection, which it puts into autocommit mode.

    :param connection: an open DB-API connection whose current database is SSISDB.
    :param reconnect: opens another such connection after the first broke. Default: none, a broken connection is final.
    :param retry: how to repeat calls after transient errors. Default: for 60 seconds.
    :param clock: the clock for that. Default: the system's.
    :param server: the server's name for errors, as ``host,port``. Default: unknown.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        reconnect: Callable[[], Connection] | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock = time,
        server: str | None = None,
    ) -> None:
        self.retry = retry or RetryPolicy()
        self.clock = clock
        self.server = server
        self._reconnect = reconnect
        self._connection: Connection | None = connection
        # One for all batches: the driver frees a prepared statement with the next request instead of a separate one.
        self._cursor: Cursor | None = None
        self._login: str | None = None
        prepare(connection)

    @property
    def can_reconnect(self) -> bool:
        """True if the session opens another connection after its connection broke."""
        return self._reconnect is not None

    def run(
        self,
        batch: Batch,
        *,
        doing: str,
        repeat: Repeat = Repeat.ALWAYS,
        explain: Explain | None = None,
        again: Callable[[], Batch] | None = None,
    ) -> list[ResultSet]:
        """Run a batch to its end and return all its result sets.

        :param batch: the batch.
        :param doing: what the batch does, as the beginning of an error message: ``Deleting the folder 'X'``.
        :param repeat: when the batch may be repeated after a transient error.
        :param explain: makes a better exception of an error of the batch.
        :param again: makes the batch for a repetition. Default: the same batch.
        :raises CatalogError: the class says what failed.
        """
        retries = self.retry.start(self.clock)
        while True:
            try:
                return self._run_once(batch, doing, explain)
            except (TransientError, ServerUnreachable) as error:
                if not self._may_repeat(error, repeat):
                    raise
                if not retries.may_continue():
                    retries.add_to(error)
                    raise
                log.warning("%s Retrying in %.1f s.", error, retries.next_delay)
            retries.wait()
            if again is not None:
                batch = again()

    def fetch(self, row_class: type[RowClass], batch: Batch, *, doing: str) -> list[RowClass]:
        """Run a query and return its rows as objects of a dataclass of ``models``.

        :raises CatalogError: the class says what failed.
        """
        return decode(row_class, self.run(batch, doing=doing)[-1])

    def pages(
        self,
        row_class: type[RowClass],
        page: Callable[[RowClass | None, int], Batch],
        *,
        doing: str,
        limit: int | None = None,
    ) -> Iterator[RowClass]:
        """The rows of a query, read page by page while the caller iterates.

        :param row_class: a dataclass of ``models``.
        :param page: makes the query for the rows after a row (None: from the beginning), and for so many rows.
        :param doing: what the query does, as the beginning of an error message.
        :param limit: the most rows. Default: all.
        :raises CatalogError: the class says what failed.
        """
        last, remaining = None, limit
        while remaining is None or remaining > 0:
            size = PAGE_SIZE if remaining is None else min(PAGE_SIZE, remaining)
            rows = self.fetch(row_class, page(last, size), doing=doing)
            yield from rows
            if len(rows) < size:
                return
            last, remaining = rows[-1], None if remaining is None else remaining - size

    def login(self) -> str:
        """The login of this session, quoted, for error messages about permissions."""
        if self._login is None:
            try:
                self._login = repr(str(self._run_once(_LOGIN, "Reading the login", None)[-1].rows[0][0]))
            except CatalogError:
                return "of this connection"
        return self._login

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # The connection first: the server forgets the prepared statement with it, without a separate request.
            try:
                connection.close()
            finally:
                self._cursor = None

    def _may_repeat(self, error: TransientError | ServerUnreachable, repeat: Repeat) -> bool:
        if isinstance(error, ServerUnreachable):
            # It happened while connecting again, so nothing was sent.
            return True
        if isinstance(error, ConnectionLost):
            return repeat is Repeat.ALWAYS and self.can_reconnect
        return repeat is not Repeat.NEVER

    def _run_once(self, batch: Batch, doing: str, explain: Explain | None) -> list[ResultSet]:
        _reject_unsendable(batch, doing)
        connection = self._open_connection()
        row: Mapping[str, Any] = {}
        try:
            if self._cursor is None:
                self._cursor = connection.cursor()
            results = _execute(self._cursor, _driver_module(connection), batch)
        except (_driver_module(connection).Error, OSError) as cause:
            error = statement_error(cause)
            self._free_cursor(connection, is_broken=isinstance(error, ConnectionLost))
        else:
            failed = [result for result in results if result.columns[:1] == (ERROR_NUMBER,)]
            if not failed:
                return results
            row = failed[0].as_dicts()[0]
            error = _error_of(row)
        error.reason, error.server = error.message, self.server
        error.message = f"{doing} failed: {error.message}"
        explained = error if explain is None else explain(error, row)
        if isinstance(explained, NotFound | PermissionDenied) and explained.number is not None:
            login = f"login {self.login()}"
            if login not in explained.message:
                explained.add(login)
        # Outside the except clause: the driver's exception as context would only repeat the text.
        raise explained

    def _free_cursor(self, connection: Connection, *, is_broken: bool) -> None:
        """Free the cursor after an error, and the connection if that fails: it would stay busy with the old results."""
        cursor, self._cursor = self._cursor, None
        driver = _driver_module(connection)
        if cursor is not None and not is_broken:
            try:
                cursor.close()
                if self.can_reconnect:
                    _execute(connection.cursor(), driver, _PROBE)
            except (driver.Error, OSError) as error:
                log.debug("Freeing the cursor failed: %s", type(error).__name__)
                is_broken = self.can_reconnect
        if is_broken:
            self._discard(connection)

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
            log.debug("Closing the broken connection failed: %s", type(error).__name__)


class CatalogPart:
    """Base of the parts of the client, which share one session."""

    def __init__(self, session: CatalogSession) -> None:
        self._session = session


def prepare(connection: Connection) -> None:
    """Put a connection into the state that the catalog's procedures need.

    That is autocommit, because the catalog starts a process that reads the same rows on another connection. pyodbc also
    gets a decoder for datetimeoffset, which it lacks.

    :param connection: the connection.

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
    """The time in ODBC's structure ``SQL_SS_TIMESTAMPOFFSET_STRUCT``, with microseconds."""
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
    # An error may follow the last result set: only a batch that was read to its end has succeeded.
    while True:
        if cursor.description is not None:
            columns = tuple(column[0] for column in cursor.description)
            results.append(ResultSet(columns, tuple(tuple(row) for row in cursor.fetchall())))
        if not cursor.nextset():
            return results


def _reject_unsendable(batch: Batch, doing: str) -> None:
    """Drivers raise UnicodeEncodeError or OverflowError for them, some after a part of the batch was sent, and the
    server would cut the fraction of an id.
    """
    for value in batch.values:
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode("utf-16-le")
            except UnicodeEncodeError as error:
                raise InvalidArgument(
                    f"{doing} failed: a text contains half a surrogate pair at position {error.start + 1}, which is "
                    "not a character",
                    advice="Remove it.",
                ) from None
        elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            raise InvalidArgument(f"{doing} failed: the number {value} is larger than a bigint")
        elif isinstance(value, float | Decimal):
            raise InvalidArgument(f"{doing} failed: {value} is not a whole number", advice="Pass an int.")


def _driver_module(connection: Connection) -> Any:
    """The DB-API module of a connection, which has its ``Error`` and its ``paramstyle``."""
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
_LOGIN = Batch("SELECT SUSER_SNAME() AS login_name;")
_PROBE = Batch("SELECT 1 AS done;")
