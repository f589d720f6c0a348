"""The queues between threads: bounded, and on disk where waiting would never end."""

from __future__ import annotations

import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

import pyarrow as pa

from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure

CANNOT_SPILL = 0xC0047048
"""DTS_E_CANTCREATESPOOLFILE."""


class Inbox:
    """The inputs of a component with a thread.

    A thread that puts a batch into a full queue waits, unless the component waits for a batch of another input: then
    the batch goes to a file. Without that, a join of two outputs of a Multicast could wait without end.

    :param schemas: the columns of each input.
    :param max_bytes: the bytes that wait in each input before the pushing thread waits.
    :param max_rows: as ``max_bytes``, in rows.
    :param folder: where files are made; None for the system's folder.
    """

    def __init__(self, schemas: dict[str, pa.Schema], max_bytes: int, max_rows: int, folder: str | None) -> None:
        self._changed = threading.Condition()
        self._queues = {key: _Queue(schema, folder) for key, schema in schemas.items()}
        self._max_bytes = max_bytes
        self._max_rows = max_rows
        self._wanted: str | None = None
        self._is_closed = False
        self._is_stopped = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The inputs."""
        return tuple(self._queues)

    def put(self, key: str, batch: pa.RecordBatch) -> None:
        """Append a batch to an input; waits while it is full.

        :raises Cancelled: the data flow was stopped.
        :raises TaskFailure: the file cannot be written.
        """
        queue = self._queues[key]
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_stopped or self._is_closed or not self._is_full(queue) or self._waits_elsewhere(key)
            )
            if self._is_stopped:
                raise Cancelled
            if self._is_closed:
                return
            queue.append(batch, to_file=queue.is_spilling or self._is_full(queue))
            self._changed.notify_all()

    def _is_full(self, queue: _Queue) -> bool:
        return bool(queue.batches) and (queue.bytes >= self._max_bytes or queue.rows >= self._max_rows)

    def _waits_elsewhere(self, key: str) -> bool:
        return self._wanted is not None and self._wanted != key

    def end(self, key: str) -> None:
        """Report that an input gets no more batches."""
        with self._changed:
            self._queues[key].has_ended = True
            self._changed.notify_all()

    def read(self, key: str) -> Iterator[pa.RecordBatch]:
        """Yield the batches of an input until its end; waits for the next one.

        :raises Cancelled: the data flow was stopped.
        """
        queue = self._queues[key]
        while True:
            with self._changed:
                if not queue.has_batch and not queue.has_ended:
                    self._wanted = key
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._is_stopped or queue.has_batch or queue.has_ended)
                    self._wanted = None
                if self._is_stopped:
                    raise Cancelled
                if not queue.has_batch:
                    return
                batch = queue.take()
                self._changed.notify_all()
            yield batch

    def stop(self) -> None:
        """Make all threads that wait here stop."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Discard what is in the inputs, and all batches that follow: the component has ended."""
        with self._changed:
            self._is_closed = True
            for queue in self._queues.values():
                queue.clear()
            self._changed.notify_all()


class _Queue:
    """The batches of one input: the first in memory, those behind them in a file."""

    def __init__(self, schema: pa.Schema, folder: str | None) -> None:
        self.batches: deque[pa.RecordBatch] = deque()
        self.bytes = 0
        self.rows = 0
        self.has_ended = False
        self._schema = schema
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._extents: deque[tuple[int, int]] = deque()

    @property
    def has_batch(self) -> bool:
        return bool(self.batches or self._extents)

    @property
    def is_spilling(self) -> bool:
        return bool(self._extents)

    def append(self, batch: pa.RecordBatch, *, to_file: bool) -> None:
        if to_file:
            self._write(batch)
            return
        self.batches.append(batch)
        self.bytes += batch.nbytes
        self.rows += batch.num_rows

    def take(self) -> pa.RecordBatch:
        if not self.batches:
            return self._read()
        batch = self.batches.popleft()
        self.bytes -= batch.nbytes
        self.rows -= batch.num_rows
        return batch

    def _write(self, batch: pa.RecordBatch) -> None:
        serialized = batch.serialize()
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 it is closed by clear
            start = self._file.seek(0, 2)
            self._file.write(serialized)
        except OSError as error:
            raise TaskFailure(
                "The data flow cannot write waiting rows to the folder for temporary files: "
                f"{error.strerror or error}. Free space there, or choose another folder.",
                CANNOT_SPILL,
            ) from error
        self._extents.append((start, len(serialized)))

    def _read(self) -> pa.RecordBatch:
        assert self._file is not None  # noqa: S101 there are extents
        start, size = self._extents.popleft()
        self._file.seek(start)
        batch = pa.ipc.read_record_batch(pa.py_buffer(self._file.read(size)), self._schema)
        if not self._extents:
            self._file.truncate(0)
        return batch

    def clear(self) -> None:
        self.batches.clear()
        self._extents.clear()
        self.bytes = self.rows = 0
        if self._file is not None:
            # A full disk is no longer a fault: the rows are not used.
            with suppress(OSError):
                self._file.close()
            self._file = None
