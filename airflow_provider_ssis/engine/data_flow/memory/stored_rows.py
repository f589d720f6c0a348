"""Rows that a component keeps until the end: in memory, or in a file that is mapped into memory if there are many."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.memory.spilling import spilling
from airflow_provider_ssis.engine.temporary_folders import TemporaryFolder

_WHAT = "rows that exceed the memory"


class StoredRows:
    """Keeps record batches.

    :param schema: their schema.
    :param options: the memory that they may take, and where the file is written when they take more.
    """

    def __init__(self, schema: pa.Schema, options: RunOptions) -> None:
        self.schema = schema
        self._options = options
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0
        self._folder: TemporaryFolder | None = None
        self._writer: pa.RecordBatchFileWriter | None = None
        self._file: pa.MemoryMappedFile | None = None
        self.rows = 0

    @property
    def size(self) -> int:
        """The bytes of all rows."""
        return self._bytes

    @property
    def memory(self) -> int:
        """The bytes of the rows in memory: none once they are in a file."""
        return 0 if self._folder is not None else self._bytes

    def append(self, batch: pa.RecordBatch) -> None:
        """Keep a batch.

        :raises TaskFailure: the disk is full.
        """
        self._bytes += batch.nbytes
        self.rows += batch.num_rows
        self._batches.append(batch)
        if self._writer is not None or self._bytes > self._options.memory_limit:
            with spilling(self._options.temp_folder, _WHAT):
                self._write()

    def _write(self) -> None:
        if self._writer is None:
            self._folder = TemporaryFolder(self._options.temp_folder)
            self._writer = pa.ipc.new_file(str(self._path), self.schema)
        for batch in self._batches:
            self._writer.write_batch(batch)
        self._batches = []

    def table(self) -> pa.Table:
        """Return all rows. Can be called once; no more rows can be appended then.

        :raises TaskFailure: the disk is full.
        """
        if self._writer is None:
            batches, self._batches = self._batches, []  # the table copies them
            return pa.Table.from_batches(batches, self.schema).combine_chunks()
        with spilling(self._options.temp_folder, _WHAT):
            self._writer.close()
        self._file = pa.memory_map(str(self._path))
        return pa.ipc.open_file(self._file).read_all()

    def close(self) -> None:
        """Release the memory and remove the file. Can be called twice."""
        self._batches = []
        writer, self._writer = self._writer, None
        try:
            if self._file is not None:
                self._file.close()
            elif writer is not None:
                # The rows are not used; a full disk is no longer a fault.
                with suppress(OSError):
                    writer.close()
        finally:
            if self._folder is not None:
                self._folder.remove()

    def __enter__(self) -> StoredRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _path(self) -> Path:
        assert self._folder is not None  # noqa: S101 is set before the file is written
        return self._folder.path / "rows.arrow"
