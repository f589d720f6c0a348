"""The private DuckDB database of a component: limited memory, and a private folder to which it spills."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import NoReturn

import duckdb
import pyarrow as pa

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.memory.spilling import CANNOT_SPILL
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.temporary_folders import TemporaryFolder

_NO_MEMORY = 0xC0047012
"""DTS_E_BUFFERALLOCFAILED."""

_THREAD_MEMORY = 64 << 20
"""The memory of each thread of DuckDB to sort rows that exceed its limit."""
_FULL_DISK = ("no space left", "could not write", "failed to offload", "max_temp_directory_size")


class WorkDatabase:
    """A DuckDB database for one component and one thread.

    :param options: the memory that it may use, and where it writes what exceeds it.
    :param cancel: interrupts its queries.
    :param component: the component as messages name it.
    """

    def __init__(self, options: RunOptions, cancel: CancelToken, component: str) -> None:
        self._cancel = cancel
        self._component = component
        self._options = options
        self._cleanup = ExitStack()
        folder = TemporaryFolder(options.temp_folder)
        self.folder = folder.path
        self._cleanup.callback(folder.remove)

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection, which is opened at the first use."""
        memory = max(self._options.memory_limit, _THREAD_MEMORY)
        connection = duckdb.connect(
            str(self.folder / "work.duckdb"),
            config={
                "memory_limit": f"{memory}B",
                "threads": max(1, min(os.cpu_count() or 1, memory // _THREAD_MEMORY)),
                "temp_directory": str(self.folder / "spill"),
            },
        )
        self._cleanup.callback(connection.close)
        return connection

    def close(self) -> None:
        """Close the database and remove its folder. Can be called twice."""
        self._cleanup.close()

    def stream(self, sql: str, rows: int, inputs: Mapping[str, Feed] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query.

        :param sql: the query, or a statement without a result.
        :param rows: the most rows of a batch.
        :param inputs: the rows that the query uses as tables, by name; each is read once. Default: none.
        :raises Cancelled: the run was cancelled.
        :raises TaskFailure: the disk is full.
        """
        inputs = inputs or {}
        with ExitStack() as stack:
            stack.enter_context(self._cancel.interrupts(self.connection.interrupt))
            for name, feed in inputs.items():
                self.connection.register(name, feed)
                stack.callback(self.connection.unregister, name)
            try:
                relation = self.connection.sql(sql)
                if relation is not None:
                    yield from relation.to_arrow_reader(rows)
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                self._raise(error, inputs.values())

    def execute(self, sql: str, inputs: Mapping[str, Feed] | None = None) -> None:
        """Run a statement without a result.

        :param inputs: as for :meth:`stream`.
        """
        for _ in self.stream(sql, 1, inputs):
            pass

    @staticmethod
    def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        """Return the first columns of a batch with the names and types of a schema.

        :param batch: the batch; its types carry the same values.
        :param schema: the schema.
        """
        columns = [
            column if column.type == field.type else column.cast(field.type)
            for column, field in zip(batch.columns, schema, strict=False)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _raise(self, error: Exception, feeds: Iterable[Feed]) -> NoReturn:
        for feed in feeds:
            if feed.error is not None:
                raise feed.error from None
        self._cancel.check()
        text = str(error)
        if any(part in text.lower() for part in _FULL_DISK):
            raise TaskFailure(
                f"{self._component} cannot write its temporary rows to {self.folder.parent}: {text} "
                "Free space on this disk, or choose another temporary folder.",
                CANNOT_SPILL,
                subcomponent=self._component,
            ) from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise TaskFailure(
                f"{self._component} needs more memory than the memory limit of the run allows. Raise the limit.",
                _NO_MEMORY,
                subcomponent=self._component,
            ) from error
        raise error


class Feed:
    """Record batches for a query. Keeps the error that ended them, which DuckDB would turn into a text.

    :param batches: the batches.
    :param schema: their schema.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self._batches = batches
        self.schema = schema
        self.error: Exception | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the stream, by Arrow's protocol for other libraries."""
        return pa.RecordBatchReader.from_batches(self.schema, self._read()).__arrow_c_stream__(requested_schema)

    def _read(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except Exception as error:
            self.error = error
            raise
