"""The query compiler: one T-SQL query in, DuckDB text and T-SQL column types out.

A query goes through sqlglot (``dialect.py``) and the binder (``rules/``). A SELECT without FROM whose expressions
Python can compute alone needs no DuckDB at all: large values are not copied, and every type keeps all that it holds.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import duckdb
from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.query.binder import Argument, Binder, Compilation, Guard
from airflow_provider_ssis.emulator.tsql.query.bridge import Bridge, QueryRun
from airflow_provider_ssis.emulator.tsql.query.change import Change, Part
from airflow_provider_ssis.emulator.tsql.query.engine_errors import of_python, translated
from airflow_provider_ssis.emulator.tsql.query.grammar import GRAMMAR
from airflow_provider_ssis.emulator.tsql.query.rules.assignments import cell_name, split_assignments
from airflow_provider_ssis.emulator.tsql.query.rules.changes import CHANGES
from airflow_provider_ssis.emulator.tsql.query.rules.for_clause import in_parts
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.query.unsupported import explained
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, cancelled, out_of_memory
from airflow_provider_ssis.emulator.tsql.values.recent import Recent
from airflow_provider_ssis.emulator.tsql.values.storage import decode, encode

_REMEMBERED: Final = 512
_ARROW_ROWS_AT_ONCE: Final = 20_000
_IN_ARROW: Final = frozenset(
    """bit tinyint smallint int bigint real float decimal numeric money smallmoney char varchar nchar nvarchar text
    ntext binary varbinary image uniqueidentifier date time datetime smalldatetime datetime2 datetimeoffset
    xml""".split()
)
_LONG_TEXT: Final = 4000
"""Characters of a query that is never run on the event loop."""
_LONG_VALUE: Final = 8000
"""Characters or bytes of a value with which no query is run on the event loop."""

ROWS_AT_ONCE: Final = 1000
"""Rows that are fetched, and sent to the client, together."""

MOST_ROWS: Final = 1_000_000
"""Rows that a query may return where they are needed all at once: INTO a table, as an argument."""


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
            self._rows = _computed(self._bridge, query, query.evaluate, QueryRun(values, self._is_cancelled))
            return
        with self._running():
            for guard in query.guards:
                guard(values)
            arguments = [_encoded(argument, values) for argument in query.arguments]
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
        return _running(self._bridge, QueryRun(self._values, self._is_cancelled))


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
        with _running(bridge, self._run):
            for guard in query.guards:
                guard(values)
            # This ends a query of which not all rows were fetched; DuckDB would refuse the next line.
            connection.execute(statement(connection, "SELECT 1")).fetchall()
            self._reader = connection.sql(query.sql).to_arrow_reader(_ARROW_ROWS_AT_ONCE)

    def fetch(self) -> tuple[tuple[Any, ...], int] | None:
        """The next rows: the arrays and their number; None at the end.

        :raises SqlError: see :meth:`QueryCompiler.run`.
        """
        with _running(self._bridge, self._run):
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
def _running(bridge: Bridge, run: QueryRun) -> Iterator[None]:
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


def _computed(
    bridge: Bridge,
    query: CompiledQuery,
    evaluate: Callable[[Mapping[str, Any]], list[tuple[Any, ...]]],
    run: QueryRun,
) -> list[tuple[Any, ...]]:
    """All rows of a query that Python computes: without a context manager, because small expressions run here."""
    bridge.enter(run)
    try:
        for guard in query.guards:
            guard(run.session)
        return evaluate(run.session)
    except Exception as error:  # noqa: BLE001 - it becomes an error of SQL Server
        raise of_python(error) from None
    finally:
        bridge.leave()


class QueryCompiler:
    """Compiles and runs queries against one DuckDB instance.

    :param metadata: the known names.
    :param zone: the server's offset, in which a datetimeoffset of a table is shown; default that of this machine now.
    """

    def __init__(self, metadata: Metadata, *, zone: dt.timezone | None = None) -> None:
        self._metadata = metadata
        self._zone = zone or dt.timezone(dt.datetime.now().astimezone().utcoffset() or dt.timedelta(0))
        self._bridge = Bridge()
        self._remembered: Recent[Any, CompiledQuery] = Recent(_REMEMBERED)
        self._lock = threading.Lock()

    def compile(
        self,
        text: QueryText,
        *,
        variables: Mapping[str, SqlType],
        database: str,
        connection: duckdb.DuckDBPyConnection,
        local_tables: Mapping[str, LocalTable] | None = None,
        sees_all: bool = False,
        metadata: Metadata | None = None,
    ) -> CompiledQuery:
        """Compile one query, or take it from those compiled lately.

        :param variables: types of the declared variables, by name in lower case with ``@``.
        :param database: the current database.
        :param connection: any connection to the DuckDB instance.
        :param local_tables: table variables and visible temporary tables, by name with ``@`` or ``#``.
        :param sees_all: whether the login may see all rows of the views.
        :param metadata: the names that an open transaction sees. Default: those that are committed.
        :raises SqlError: 102, 156, 207, 208 and other errors, with the line in the batch.
        """
        tables = local_tables or {}
        # The other variables of the batch do not matter.
        types = tuple([variables.get(name) for name in text.variables])
        known = metadata or self._metadata
        key = (text.sql, database, types, tuple(tables.items()) if tables else (), sees_all, known.version)
        compiled = self._remembered.get(key)
        if compiled is not None:
            return compiled
        self.install(connection)
        compiled = self._compiled(text, variables, database, tables, known, sees_all=sees_all)
        self._remembered.put(key, compiled)
        return compiled

    def install(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the functions of T-SQL known to DuckDB; a transaction that began before does not see them."""
        with self._lock:
            self._bridge.install(connection)

    def forget(self) -> None:
        """Forget the compiled queries."""
        self._remembered.clear()

    def run(
        self,
        query: CompiledQuery,
        connection: duckdb.DuckDBPyConnection,
        values: Mapping[str, Any],
        *,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> list[tuple[Any, ...]]:
        """The rows of a compiled query.

        :param connection: the session's own connection.
        :param values: the values that ``query.parameters`` names.
        :param is_cancelled: whether the query is to stop; asked now and then, in the thread that runs it.
        :raises SqlError: 8134, 245, 8115 and others; 229 without permission; 701 for too many rows. None has a line.
        """
        if query.evaluate is not None:
            return _computed(self._bridge, query, query.evaluate, QueryRun(values, is_cancelled))
        result = Result(self._bridge, query, connection, values, is_cancelled)
        result.execute()
        rows = result.fetch()
        while not result.is_at_end:
            rows += result.fetch()
            if len(rows) > MOST_ROWS:
                raise out_of_memory()
        return rows

    def open(
        self,
        query: CompiledQuery,
        connection: duckdb.DuckDBPyConnection,
        values: Mapping[str, Any],
        *,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Begin to run a query whose rows are fetched in parts; the parameters are those of :meth:`run`."""
        result = Result(self._bridge, query, connection, values, is_cancelled)
        result.execute()
        return result

    def open_arrow(
        self,
        query: CompiledQuery,
        connection: duckdb.DuckDBPyConnection,
        values: Mapping[str, Any],
        *,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> ArrowResult:
        """Begin to run a query whose rows come as Arrow arrays; the parameters are those of :meth:`run`."""
        return ArrowResult(self._bridge, query, connection, values, is_cancelled)

    @contextmanager
    def running(
        self, query: CompiledQuery, values: Mapping[str, Any], is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Callable[[Part, duckdb.DuckDBPyConnection], list[tuple[Any, ...]]]]:
        """Run the parts of a change, with one function that executes each of them.

        :raises SqlError: see :meth:`run`.
        """

        def execute(part: Part, connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
            arguments = [_encoded(argument, values) for argument in part.arguments]
            return connection.execute(statement(connection, part.sql), arguments).fetchall()

        with _running(self._bridge, QueryRun(values, is_cancelled)):
            for guard in query.guards:
                guard(values)
            yield execute

    def close(self) -> None:
        """Release the DuckDB instance before it is closed."""
        self._bridge.close()

    def _compiled(
        self,
        text: QueryText,
        variables: Mapping[str, SqlType],
        database: str,
        local_tables: Mapping[str, LocalTable],
        metadata: Metadata,
        *,
        sees_all: bool,
    ) -> CompiledQuery:
        compilation = Compilation(
            grammar=GRAMMAR,
            metadata=metadata,
            bridge=self._bridge,
            database=database,
            sees_all=sees_all,
            variables=variables,
            local_tables={name.lower(): table for name, table in local_tables.items()},
            zone_minutes=self._zone.utcoffset(None) // dt.timedelta(minutes=1),
            has_large_values=len(text.sql) > _LONG_TEXT,
        )
        try:
            return _bound(Binder(compilation), text.tree)
        except SqlError as failure:
            error = explained(failure, text.sql)
            error.line = text.line + max(error.line, 1) - 1
            raise error from None
        except RecursionError:
            raise SqlError(191, "Some part of the query nests too deeply.", severity=15, line=text.line) from None


_DECODED: Final = frozenset({"datetimeoffset", "sql_variant"})


def _bound(binder: Binder, tree: exp.Expr) -> CompiledQuery:
    change = CHANGES.get(type(tree))
    if change is not None:
        bound = change(binder, tree)
        sql, arguments = binder.compilation.finished(bound.direct)
        guards = tuple(binder.compilation.guards.values())
        parameters = tuple(binder.compilation.needed)
        return CompiledQuery(
            sql,
            parameters,
            (),
            writes=True,
            tables=bound.tables,
            sources=frozenset(binder.compilation.sources),
            change=bound.change,
            arguments=arguments,
            guards=guards,
        )
    found = split_assignments(tree)
    compiled = _selected(binder, found.rows)
    if not found.steps:
        return replace(compiled, assignments=found.variables)
    cells = {cell_name(place): column.type for place, column in enumerate(compiled.columns, start=1)}
    steps = tuple(_selected(Binder(binder.compilation.with_variables(cells)), step) for step in found.steps)
    return replace(compiled, assignments=found.variables, steps=steps, one_row=found.one_row)


def _selected(binder: Binder, tree: exp.Expr) -> CompiledQuery:
    query = in_parts(binder.query_here(tree), tree)
    parameters = tuple(binder.compilation.needed)
    columns = tuple(Column(column.name, column.type, column.nullable) for column in query.columns)
    guards = tuple(binder.compilation.guards.values())
    if query.evaluate is not None:
        is_computed = not binder.compilation.has_large_values
        large = tuple(binder.compilation.large_variables)
        evaluate = query.evaluate
        return CompiledQuery(
            "", parameters, columns, is_computed=is_computed, large_variables=large, evaluate=evaluate, guards=guards
        )
    sql, arguments = binder.compilation.finished(query.sql)
    sources = frozenset(binder.compilation.sources)
    return CompiledQuery(sql, parameters, columns, sources=sources, arguments=arguments, guards=guards)


def _encoded(argument: Argument, values: Mapping[str, Any]) -> Any:
    value = argument.evaluate(values)
    if isinstance(value, str) and not value.isascii():
        value.encode()  # Half of a surrogate pair raises here; DuckDB cannot hold it.
    if argument.is_list:
        return [encode(argument.type, item, zoned=True) for item in value]
    return encode(argument.type, value, zoned=True)
