"""The rows of Cache connection managers, which a Cache Transform writes and lookups read."""

from __future__ import annotations

import threading

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.data_flow.lookup_references import CachedRows
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.errors import TaskFailure

_SEVERAL_WRITERS, _NOT_FILLED = 0xC0010200, 0xC0010205


class Cache:
    """The rows of a Cache connection manager during a run. All methods can be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writer = ""
        self._rows: CachedRows | None = None

    def claim(self, writer: str, subcomponent: str) -> None:
        """Become the writer; the same component may write again, such as in the next iteration of a loop.

        :param writer: the path of the component.
        :raises TaskFailure: another component is the writer; 0xC0010200.
        """
        with self._lock:
            if self._writer not in ("", writer):
                raise TaskFailure(
                    f"{subcomponent} cannot write to the cache: {self._writer} writes to it. Use one Cache connection "
                    "manager for each Cache Transform.",
                    _SEVERAL_WRITERS,
                    subcomponent=subcomponent,
                )
            self._writer = writer

    def fill(self, rows: CachedRows) -> None:
        """Replace the rows."""
        with self._lock:
            old, self._rows = self._rows, rows
        if old is not None:
            old.close()

    def filled(self, subcomponent: str) -> CachedRows:
        """Return the rows.

        :param subcomponent: the reader.
        :raises TaskFailure: no component has written them; 0xC0010205.
        """
        with self._lock:
            if self._rows is None:
                raise TaskFailure(
                    f"{subcomponent} reads a cache that is not filled. Fill it with a Cache Transform in a Data Flow "
                    "task that runs before.",
                    _NOT_FILLED,
                    subcomponent=subcomponent,
                )
            return self._rows

    def close(self) -> None:
        """Release the rows."""
        with self._lock:
            old, self._rows = self._rows, None
        if old is not None:
            old.close()


def cache_columns(manager: RunConnection) -> list[RowColumn]:
    """Return the columns of a Cache connection manager; their lineage ids are their names."""
    return [
        RowColumn(
            column.name,
            column.name,
            ColumnType(DataTypeCode(column.data_type), column.length, column.precision, column.scale, column.code_page),
        )
        for column in manager.cache_columns
    ]


def index_columns(manager: RunConnection) -> list[str]:
    """Return the names of the columns of the index of a Cache connection manager, in their order."""
    columns = [column for column in manager.cache_columns if column.index_position > 0]
    return [column.name for column in sorted(columns, key=lambda column: column.index_position)]
