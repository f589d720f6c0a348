"""The reference rows of a Lookup: all in memory, or queried from the database for each key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.data_flow.databases.database import open_database
from airflow_provider_ssis.engine.data_flow.databases.inserting import driver_values
from airflow_provider_ssis.engine.data_flow.databases.key_query import Key, KeyQuery, Row
from airflow_provider_ssis.engine.data_flow.databases.reading import batch_of_first_rows
from airflow_provider_ssis.engine.data_flow.indexes.index_memory import IndexMemory
from airflow_provider_ssis.engine.data_flow.indexes.row_index import RowIndex
from airflow_provider_ssis.engine.data_flow.memory.stored_rows import StoredRows
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import Component

_NO_INDEX_MEMORY = 0xC0208247
"""DTS_E_TXLOOKUP_HASHTABLE_MALLOCERR."""
_ENTRY_BYTES = 1000
"""The approximate size of a row of a partial cache in addition to its values."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The rows of a reference for the keys of a batch.

    :param found: which keys have a match.
    :param rows: the row of each match in ``table``; arbitrary without a match.
    :param table: reference rows.
    """

    found: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    table: pa.Table

    def column(self, name: str) -> pa.Array:
        """Return a reference column for the rows of the batch; NULL without a match."""
        column = self.table.column(name)
        if self.found.all():
            return _one(column.take(pa.array(self.rows)))
        return _one(column.take(pa.array(self.rows, mask=~self.found)))


class Reference(ABC):
    """The reference rows of a Lookup."""

    @abstractmethod
    def find(self, keys: Sequence[pa.Array]) -> Matches:
        """Find the first reference row for each row of a batch.

        :param keys: the columns of the batch that are joined, in the order of the joins.
        """

    def close(self) -> None:  # noqa: B027 not all hold something
        """Release what the reference holds."""


class CachedRows(Reference):
    """Reference rows in memory. Keys are equal if they have the same values; NULL equals NULL.

    :param rows: the rows; this object closes them.
    :param keys: the names of the key columns.
    :param context: the running task; cancelling it ends the building of the index.
    :raises Cancelled: the run was cancelled.
    :raises TaskFailure: neither memory nor disk has enough space for the index.
    """

    def __init__(self, rows: StoredRows, keys: Sequence[str], context: TaskContext) -> None:
        self._rows = rows
        self._memory = IndexMemory(context.options, rows.memory)
        try:
            self.table = rows.table()
            self._index = RowIndex([self.table.column(name) for name in keys], self._memory, context.cancel.check)
        except MemoryError as error:
            self.close()
            raise TaskFailure(
                f"There is no memory for the index of {rows.rows:,} reference rows. Free memory, or read fewer rows.",
                _NO_INDEX_MEMORY,
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """The bytes of the rows and their index."""
        return self._rows.size + self._memory.size

    @property
    def duplicates(self) -> int:
        """The number of rows whose key an earlier row has."""
        return self._index.duplicates

    def find(self, keys: Sequence[pa.Array]) -> Matches:
        """Find the first reference row for each row of a batch."""
        rows = self._index.find(keys)
        return Matches(rows >= 0, rows, self.table)

    def close(self) -> None:
        """Release the memory, and remove the files."""
        self._rows.close()
        self._memory.close()


def stored_rows(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], options: RunOptions, progress: Callable[[int], None]
) -> StoredRows:
    """Keep the rows of a query.

    :param options: the memory that they may take before they are written to a file.
    :param progress: is called with the number of rows after each batch.
    """
    rows = StoredRows(schema, options)
    try:
        for batch in batches:
            rows.append(batch)
            progress(rows.rows)
    except BaseException:
        rows.close()
        raise
    return rows


class QueriedRows(Reference):
    """Reference rows that the database is asked for, key by key: it compares the keys, and NULL equals nothing.

    :param context: the running task.
    :param component: the component, with its connection manager.
    :param sql: the query with a parameter for each value of a key.
    :param schema: the reference columns.
    :param parameters: for each parameter the index of the joined column, and its type.
    :param cache: answers to keep between batches; None for none.
    """

    def __init__(
        self,
        context: TaskContext,
        component: Component,
        sql: str,
        schema: RowSchema,
        parameters: Sequence[tuple[int, ColumnType]],
        cache: PartialCache | None,
    ) -> None:
        self._schema, self._parameters, self._cache = schema, parameters, cache
        self._resources = ExitStack()
        database = self._resources.enter_context(open_database(context, component))
        self._query = KeyQuery(database, sql, [type_ for _, type_ in parameters], schema)
        self._resources.callback(self._query.close)

    def find(self, keys: Sequence[pa.Array]) -> Matches:
        """Find the first reference row for each row of a batch. Equal keys of a batch are asked for once."""
        wanted = list(zip(*(driver_values(keys[index], type_) for index, type_ in self._parameters), strict=True))
        answers: dict[Key, Row | None] = {}
        missing: list[Key] = []
        for key in dict.fromkeys(wanted):
            known, row = self._cache.get(key) if self._cache is not None else (False, None)
            if known:
                answers[key] = row
            else:
                missing.append(key)
        for key, row in zip(missing, self._query.rows(missing), strict=True):
            answers[key] = row
            if self._cache is not None:
                self._cache.put(key, row)
        rows = {key: row for key, row in answers.items() if row is not None}
        positions = dict(zip(rows, range(len(rows)), strict=True))
        found = np.array([positions.get(key, -1) for key in wanted], np.int64)
        batch = batch_of_first_rows(list(rows.values()), self._schema)
        return Matches(found >= 0, found, pa.Table.from_batches([batch]))

    def close(self) -> None:
        """Disconnect."""
        self._resources.close()


class PartialCache:
    """Answers of the database; the least recently used ones are removed first.

    :param limit: the bytes that it may take, roughly.
    :param miss_percentage: the share of the entries that keys without a match may have; 0 for none.
    """

    def __init__(self, limit: int, miss_percentage: int) -> None:
        self._limit = limit
        self._miss_percentage = miss_percentage
        self._rows: OrderedDict[Key, Row | None] = OrderedDict()
        self._bytes = 0
        self._misses = 0

    def get(self, key: Key) -> tuple[bool, Row | None]:
        """Return whether the cache knows a key, and its row; None for no match."""
        if key not in self._rows:
            return False, None
        self._rows.move_to_end(key)
        return True, self._rows[key]

    def put(self, key: Key, row: Row | None) -> None:
        """Keep the row of a key; None for no match."""
        if row is None:
            if (self._misses + 1) * 100 > self._miss_percentage * (len(self._rows) + 1):
                return
            self._misses += 1
        self._rows[key] = row
        self._bytes += _size(key, row)
        while self._bytes > self._limit and self._rows:
            old, removed = self._rows.popitem(last=False)
            self._bytes -= _size(old, removed)
            self._misses -= removed is None


def _size(key: Key, row: Row | None) -> int:
    values = key if row is None else key + row
    return _ENTRY_BYTES + sum(len(value) if isinstance(value, str | bytes) else 16 for value in values)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
