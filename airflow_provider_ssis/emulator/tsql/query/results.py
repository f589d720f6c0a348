"""A compiled query, and its rows while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable
from airflow_provider_ssis.emulator.tsql.query.binder import Argument, Guard
from airflow_provider_ssis.emulator.tsql.query.bridge import Bridge, QueryRun
from airflow_provider_ssis.emulator.tsql.query.change import Change
from airflow_provider_ssis.emulator.tsql.query.engine_errors import of_python, translated
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement
from airflow_provider_ssis.emulator.tsql.values.errors import cancelled
from airflow_provider_ssis.emulator.tsql.values.storage import decode, encode

_ARROW_ROWS_AT_ONCE: Final = 20_000
_IN_ARROW: Final = frozenset(
    """bit tinyint smallint int bigint real float decimal numeric money smallmoney char varchar nchar nvarchar text
    ntext binary varbinary image uniqueidentifier date time datetime smalldatetime datetime2 datetimeoffset
    xml""".split()
)
_LONG_VALUE: Final = 8000
"""Characters or bytes of a value with which no query is run on the event loop."""
ROWS_AT_ONCE: Final = 1000
"""Rows that are fetched, and sent to the client, together."""
_DECODED: Final = frozenset({"datetimeoffset", "sql_variant"})


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query that is ready to run.

    :param sql: DuckDB text with ``$1`` ... ``$n``; empty where Python computes the rows.
    :param parameters: the values that the session supplies when the query runs: ``@name`` variables and the names of
        ``session_values.py``.
    :param columns: T-SQL types of the result; empty for a query that returns no rows.
    :param assignments: for ``SELECT @a = ..., @b = ...``, the variables in the order of the columns; or in that of the
        steps, where there are any.
    :param steps: for assignments that follow from one another, the query of each value: one row of one column. It reads
        a row of this query as the variables that ``cell_name`` names.
    :param one_row: the steps hold only while this query gives no second row (``rules/assignments.py``).
    :param is_computed: Python computes the one row in an instant if no variable holds a large value: the query is
        short, and makes none.
    :param large_variables: the variables that may hold one.
    :param writes: INSERT, UPDATE or DELETE on a table variable or temporary table; its one row is the row count.
    :param tables: all tables whose rows must not change while a statement that writes runs.
    :param sources: the DuckDB names of the tables that a query reads, in lower case; views of the server are not among
        them.
    :param change: the same where the rows go through a stage; then there is no text.
    """

    sql: str
    parameters: tuple[str, ...]
    columns: tuple[Column, ...]
    assignments: tuple[str, ...] = ()
    steps: tuple[CompiledQuery, ...] = ()
    one_row: bool = False
    writes: bool = False
    tables: tuple[WritableTable, ...] = ()
    sources: frozenset[str] = frozenset()
    change: Change | None = field(default=None, repr=False)
    is_computed: bool = False
    large_variables: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = field(default=(), repr=False)
    evaluate: Callable[[Mapping[str, Any]], list[tuple[Any, ...]]] | None = field(default=None, repr=False)
    guards: tuple[Guard, ...] = field(default=(), repr=False)

    def is_quick(self, values: Mapping[str, Any]) -> bool:
        """Whether Python computes the rows in an instant.

        :param values: the values that ``parameters`` names.
        """
        return self.is_computed and not any(_is_long(values[name]) for name in self.large_variables)

    def check_rights(self, values: Mapping[str, Any]) -> None:
        """Check that the session may read what the query reads.

        :param values: those that ``parameters`` names.
        :raises SqlError: 229, 916.
        """
        for guard in self.guards:
            guard(values)

    @property
    def is_arrow(self) -> bool:
        """Whether the rows can come as Arrow arrays: DuckDB takes no arguments for it."""
        return bool(self.sources) and not self.arguments and all(each.type.name in _IN_ARROW for each in self.columns)


def _is_long(value: Any) -> bool:
    return isinstance(value, str | bytes) and len(value) > _LONG_VALUE


class Result:
    """The rows of a running query. Another query on the same connection ends it."""

    def __init__(
        self,
        bridge: Bridge,
        query: CompiledQuery,
        connection: duckdb.DuckDBPyConnection,
        values: Mapping[str, Any],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._bridge = bridge
        self._query = query
        self._connection = connection
        self._values = values
        self._is_cancelled = is_cancelled
        self._rows: list[tuple[Any, ...]] | None = None
        self.is_at_end = False
        """Whether all rows have been fetched."""
        self._decoded = any(column.type.name in _DECODED for column in query.columns) and not query.writes

    def execute(self) -> None:
        """Execute the query.

        :raises SqlError: see :meth:`QueryCompiler.run`.
        """
        query, values = self._query, self._values
        if query.evaluate is not None:
            self._rows = computed(self._bridge, query, query.evaluate, QueryRun(values, self._is_cancelled))
            return
        with self._running():
            query.check_rights(values)
            arguments = [encoded(argument, values) for argument in query.arguments]
            self._connection.execute(statement(self._connection, query.sql), arguments)

    def fetch(self, count: int = ROWS_AT_ONCE) -> list[tuple[Any, ...]]:
        """The next rows."""
        if self._rows is not None:
            self.is_at_end = True
            return self._rows
        with self._running():
            rows = self._connection.fetchmany(count)
        self.is_at_end = len(rows) < count
        if not self._decoded:
            return rows
        types = [column.type for column in self._query.columns]
        return [tuple(map(decode, types, row)) for row in rows]

    def _running(self) -> AbstractContextManager[None]:
        return sql_errors(self._bridge, QueryRun(self._values, self._is_cancelled))


class ArrowResult:
    """The rows of a running query as Arrow arrays. It must be closed before another query on the same connection."""

    def __init__(
        self,
        bridge: Bridge,
        query: CompiledQuery,
        connection: duckdb.DuckDBPyConnection,
        values: Mapping[str, Any],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._bridge = bridge
        self._run = QueryRun(values, is_cancelled)
        with sql_errors(bridge, self._run):
            query.check_rights(values)
            # This ends a query of which not all rows were fetched; DuckDB would refuse the next line.
            connection.execute(statement(connection, "SELECT 1")).fetchall()
            self._reader = connection.sql(query.sql).to_arrow_reader(_ARROW_ROWS_AT_ONCE)

    def fetch(self) -> tuple[tuple[Any, ...], int] | None:
        """The next rows: the arrays and their number; None at the end.

        :raises SqlError: see :meth:`QueryCompiler.run`.
        """
        with sql_errors(self._bridge, self._run):
            try:
                batch = self._reader.read_next_batch()
            except StopIteration:
                return None
            except OSError as error:
                raise _of_arrow(error) from None
        return tuple(batch.columns), batch.num_rows

    def close(self) -> None:
        """End the query."""
        self._reader.close()


def _of_arrow(error: OSError) -> Exception:
    """The error of DuckDB that the Arrow reader passes on as text."""
    text = str(error)
    return cancelled() if "INTERRUPT" in text.upper() else translated(duckdb.Error(text))


@contextmanager
def sql_errors(bridge: Bridge, run: QueryRun) -> Iterator[None]:
    """A part of a run of a query in this thread, of which each exception becomes an error of SQL Server."""
    bridge.enter(run)
    try:
        yield
    except duckdb.Error as error:
        raise run.error or translated(error) from None
    except Exception as error:  # noqa: BLE001 - it becomes an error of SQL Server
        raise of_python(error) from None
    finally:
        bridge.leave()


def computed(
    bridge: Bridge,
    query: CompiledQuery,
    evaluate: Callable[[Mapping[str, Any]], list[tuple[Any, ...]]],
    run: QueryRun,
) -> list[tuple[Any, ...]]:
    """All rows of a query that Python computes: without a context manager, because small expressions run here."""
    bridge.enter(run)
    try:
        query.check_rights(run.session)
        return evaluate(run.session)
    except Exception as error:  # noqa: BLE001 - it becomes an error of SQL Server
        raise of_python(error) from None
    finally:
        bridge.leave()


def encoded(argument: Argument, values: Mapping[str, Any]) -> Any:
    """The value of ``$n`` as DuckDB takes it."""
    value = argument.evaluate(values)
    if isinstance(value, str) and not value.isascii():
        value.encode()  # Half of a surrogate pair raises here; DuckDB cannot hold it.
    if argument.is_list:
        return [encode(argument.type, item, zoned=True) for item in value]
    return encode(argument.type, value, zoned=True)
