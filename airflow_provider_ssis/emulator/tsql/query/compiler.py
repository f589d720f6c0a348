"""The query compiler: one T-SQL query in, DuckDB text and T-SQL column types out.

A query goes through sqlglot (``dialect.py``) and the binder (``rules/``). A SELECT without FROM whose expressions
Python can compute alone needs no DuckDB at all: large values are not copied, and every type keeps all that it holds.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import duckdb
from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.query.binder import Binder, Compilation
from airflow_provider_ssis.emulator.tsql.query.bridge import Bridge, QueryRun
from airflow_provider_ssis.emulator.tsql.query.change import Part
from airflow_provider_ssis.emulator.tsql.query.grammar import GRAMMAR
from airflow_provider_ssis.emulator.tsql.query.results import (
    ArrowResult,
    CompiledQuery,
    Result,
    computed,
    encoded,
    sql_errors,
)
from airflow_provider_ssis.emulator.tsql.query.rules.assignments import cell_name, split_assignments
from airflow_provider_ssis.emulator.tsql.query.rules.changes import CHANGES
from airflow_provider_ssis.emulator.tsql.query.rules.for_clause import in_parts
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.query.unsupported import explained
from airflow_provider_ssis.emulator.tsql.values.date_styles import MDY
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, out_of_memory
from airflow_provider_ssis.emulator.tsql.values.recent import Recent

_REMEMBERED: Final = 512
_LONG_TEXT: Final = 4000
"""Characters of a query that is never run on the event loop."""


MOST_ROWS: Final = 1_000_000
"""Rows that a query may return where they are needed all at once: INTO a table, as an argument."""


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
        date_order: str = MDY,
    ) -> CompiledQuery:
        """Compile one query, or take it from those compiled recently.

        :param variables: types of the declared variables, by name in lower case with ``@``.
        :param database: the current database.
        :param connection: any connection to the DuckDB instance.
        :param local_tables: table variables and visible temporary tables, by name with ``@`` or ``#``.
        :param sees_all: whether the login may see all rows of the views.
        :param metadata: the names that an open transaction sees. Default: those that are committed.
        :param date_order: SET DATEFORMAT.
        :raises SqlError: 102, 156, 207, 208 and other errors, with the line in the batch.
        """
        tables = local_tables or {}
        # The other variables of the batch do not matter.
        types = tuple([variables.get(name) for name in text.variables])
        known = metadata or self._metadata
        key = (text.sql, database, types, tuple(tables.items()) if tables else (), sees_all, known.version, date_order)
        compiled = self._remembered.get(key)
        if compiled is not None:
            return compiled
        self.install(connection)
        compiled = self._compiled(text, variables, database, tables, known, sees_all=sees_all, date_order=date_order)
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
            return computed(self._bridge, query, query.evaluate, QueryRun(values, is_cancelled))
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
            arguments = [encoded(argument, values) for argument in part.arguments]
            return connection.execute(statement(connection, part.sql), arguments).fetchall()

        with sql_errors(self._bridge, QueryRun(values, is_cancelled)):
            query.check_rights(values)
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
        date_order: str,
    ) -> CompiledQuery:
        compilation = Compilation(
            grammar=GRAMMAR,
            metadata=metadata,
            bridge=self._bridge,
            database=database,
            sees_all=sees_all,
            date_order=date_order,
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
