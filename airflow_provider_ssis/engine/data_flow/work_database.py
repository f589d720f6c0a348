"""The private DuckDB database of a component: limited memory, and a private folder to which it spills."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.errors import TaskFailure

BUFFER_ERROR = 0xC0047048
"""DTS_E_CANTCREATEBUFFERSPOOL... the data flow cannot write its temporary files."""

_FULL_DISK = ("no space left", "could not write", "failed to offload", "out of memory")


class WorkDatabase:
    """A DuckDB database for one component and one thread.

    :param options: the memory that it may use, and where it writes what exceeds it.
    :param cancel: interrupts its queries.
    :param component: the component as messages name it.
    """

    def __init__(self, options: RunOptions, cancel: CancelToken, component: str) -> None:
        self._cancel = cancel
        self._component = component
        self._cleanup = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="ssis-", dir=options.temp_folder))
        self._cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.connection = duckdb.connect(
            str(self.folder / "work.duckdb"),
            config={
                "memory_limit": f"{max(options.memory_limit, 1 << 24)}B",
                "temp_directory": str(self.folder / "spill"),
                "preserve_insertion_order": True,
            },
        )
        self._cleanup.callback(self.connection.close)

    def close(self) -> None:
        """Close the database and remove its folder. Can be called twice."""
        self._cleanup.close()

    def execute(self, sql: str, inputs: Mapping[str, Iterable[pa.RecordBatch]] | None = None) -> None:
        """Run a statement.

        :param sql: the statement.
        :param inputs: as for :meth:`stream`.
        """
        for _ in self._run(sql, inputs or {}, 1):
            pass

    def stream(
        self, sql: str, schema: pa.Schema, rows: int, inputs: Mapping[str, pa.RecordBatchReader]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query.

        :param sql: the query; its first columns are those of ``schema`` in this order.
        :param schema: the schema of the batches.
        :param rows: the most rows of a batch.
        :param inputs: the readers that the query uses as tables, by name; each is read once.
        :raises Cancelled: the run was cancelled.
        :raises TaskFailure: the disk is full.
        """
        for batch in self._run(sql, inputs, rows):
            yield conform(batch, schema)

    def _run(self, sql: str, inputs: Mapping[str, Any], rows: int) -> Iterator[pa.RecordBatch]:
        with ExitStack() as stack:
            stack.enter_context(self._cancel.interrupts(self.connection.interrupt))
            for name, reader in inputs.items():
                self.connection.register(name, reader)
                stack.callback(self.connection.unregister, name)
            try:
                relation = self.connection.sql(sql)
                if relation is None:
                    return
                yield from relation.to_arrow_reader(rows)
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                self._raise(error, inputs)

    def _raise(self, error: Exception, inputs: Mapping[str, Any]) -> None:
        for reader in inputs.values():
            cause = getattr(reader, "error", None)
            if cause is not None:
                raise cause from None
        self._cancel.check()
        text = str(error)
        if isinstance(error, duckdb.OutOfMemoryException) or any(part in text.lower() for part in _FULL_DISK):
            raise TaskFailure(
                f"{self._component} cannot write its temporary rows to {self.folder.parent}: {text} "
                "Free space on this disk, choose another temporary folder, or allow more memory.",
                BUFFER_ERROR,
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
        self.error: BaseException | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the stream, by Arrow's protocol for other libraries."""
        return pa.RecordBatchReader.from_batches(self.schema, self._read()).__arrow_c_stream__(requested_schema)

    def _read(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._batches
        except BaseException as error:
            self.error = error
            raise


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the first columns of a batch with the types of a schema.

    :param batch: the batch.
    :param schema: the schema; the types of the batch carry the same values.
    """
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=False)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
