"""Taps: the rows of a path, also sent to a file or to the caller of the run."""

from __future__ import annotations

import csv
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pyarrow as pa

from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import Cancelled
from airflow_provider_ssis.expressions.arrow import as_values
from airflow_provider_ssis.expressions.values import to_python, to_text

if TYPE_CHECKING:
    import pyarrow.parquet as pq


def named_schema(schema: RowSchema) -> pa.Schema:
    """Return the Arrow schema of rows with the names of their columns instead of lineage ids.

    A name that occurs twice has a number after it.
    """
    names: list[str] = []
    for column in schema.columns:
        name, number = column.name, 1
        while name in names:
            number += 1
            name = f"{column.name}_{number}"
        names.append(name)
    return pa.schema([field.with_name(name) for field, name in zip(schema.arrow, names, strict=True)])


class Sink:
    """A receiver of the rows of a path besides its component."""

    def start(self, schema: RowSchema) -> None:
        """Prepare for rows with these columns."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows."""

    def end(self, *, failed: bool) -> None:
        """There are no more rows."""

    def stop(self) -> None:
        """The data flow stops: do not wait in :meth:`write`. Is called from another thread."""


class CsvSink(Sink):
    """Writes the rows to a CSV file: UTF-8, with a row of names; NULL is empty.

    :param path: the file, which is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._schema: RowSchema | None = None

    def start(self, schema: RowSchema) -> None:
        """Open the file and write the names."""
        self._schema = schema
        self._file = self._path.open("w", encoding="utf-8", newline="")
        csv.writer(self._file).writerow(named_schema(schema).names)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        assert self._schema is not None  # noqa: S101 it is set by start
        assert self._file is not None  # noqa: S101 it is set by start
        columns = []
        for column, values in zip(self._schema.columns, batch.columns, strict=True):
            type_ = column.type
            columns.append(["" if value is None else to_text(value, type_) for value in as_values(values, type_)])
        csv.writer(self._file).writerows(zip(*columns, strict=True))

    def end(self, *, failed: bool) -> None:
        """Close the file; after a failure it contains the rows that were sent."""
        if self._file is not None:
            self._file.close()


class ParquetSink(Sink):
    """Writes the rows to a Parquet file.

    :param path: the file, which is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._arrow: pa.Schema | None = None

    def start(self, schema: RowSchema) -> None:
        """Open the file."""
        import pyarrow.parquet as pq  # most runs have no such tap

        self._arrow = named_schema(schema)
        self._writer = pq.ParquetWriter(self._path, self._arrow)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write rows."""
        assert self._writer is not None  # noqa: S101 it is set by start
        self._writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=self._arrow))

    def end(self, *, failed: bool) -> None:
        """Close the file; after a failure it contains the rows that were sent."""
        if self._writer is not None:
            self._writer.close()


def file_sink(path: Path) -> CsvSink | ParquetSink:
    """Return the sink for a file: Parquet for the ending ``.parquet``, else CSV."""
    return ParquetSink(path) if path.suffix.lower() == ".parquet" else CsvSink(path)


class StreamSink(Sink):
    """Passes the rows to another thread, which reads them; the data flow waits while it does not.

    :param batches: how many batches wait at most. Default: 4.
    :param schema_known: is called with the Arrow schema before the first row. Default: nothing is called.
    """

    def __init__(self, batches: int = 4, schema_known: Callable[[pa.Schema], None] | None = None) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[pa.RecordBatch] = deque()
        self._most = batches
        self._schema_known = schema_known
        self._arrow: pa.Schema | None = None
        self._has_ended = False
        self._is_stopped = False

    def start(self, schema: RowSchema) -> None:
        """Report the columns."""
        self._arrow = named_schema(schema)
        if self._schema_known is not None:
            self._schema_known(self._arrow)

    def write(self, batch: pa.RecordBatch) -> None:
        """Pass rows on; waits while the reader has enough.

        :raises Cancelled: the data flow was stopped, or the reader has closed the stream.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or len(self._waiting) < self._most)
            if self._is_stopped:
                raise Cancelled
            self._waiting.append(pa.RecordBatch.from_arrays(batch.columns, schema=self._arrow))
            self._changed.notify_all()

    def end(self, *, failed: bool) -> None:
        """Report the end."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Make a data flow that waits for the reader stop."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def read(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows until the end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._has_ended)
                if not self._waiting:
                    return
                batch = self._waiting.popleft()
                self._changed.notify_all()
            yield batch

    def close(self) -> None:
        """Want no more rows: the data flow is cancelled when it has another one."""
        self.stop()


class RowsSink(Sink):
    """Keeps the rows in memory, as Python values, for tests and small results."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.rows: list[tuple[object, ...]] = []
        self._schema: RowSchema | None = None

    def start(self, schema: RowSchema) -> None:
        """Keep the names."""
        self._schema = schema
        self.names = tuple(named_schema(schema).names)

    def write(self, batch: pa.RecordBatch) -> None:
        """Keep rows."""
        assert self._schema is not None  # noqa: S101 it is set by start
        columns = [
            [to_python(value, column.type) for value in as_values(values, column.type)]
            for column, values in zip(self._schema.columns, batch.columns, strict=True)
        ]
        self.rows.extend(zip(*columns, strict=True) if columns else [()] * batch.num_rows)

    def end(self, *, failed: bool) -> None:
        """Nothing is open."""
