"""Fast load into SQL Server: the bulk load of mssql-python, from Arrow batches.

``Cursor.bulkcopy_arrow`` of mssql-python connects for each call; a load with hundreds of commits would spend most of
its time on that. So the loader keeps the connection of ``mssql_py_core``, the library below it, and begins and ends
transactions on it. It has no method that cancels: after cancelling, the loader leaves the call to its thread, which
closes the connection. No row of it stays, because the thread commits the transaction with a separate call, and only
if the run was not cancelled before.
"""

from __future__ import annotations

import atexit
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import mssql_py_core
import mssql_python
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.database import Database
from airflow_provider_ssis.engine.data_flow.databases.driver_dates import TICKS_BEFORE_UNIX
from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus
from airflow_provider_ssis.engine.data_flow.databases.table_names import Quoting
from airflow_provider_ssis.engine.data_flow.databases.table_writer import (
    TableColumn,
    TableWriter,
    WriteError,
    WriteOptions,
)

_T = DataTypeCode
_UNSUPPORTED = frozenset((_T.DT_DBTIMESTAMPOFFSET, _T.DT_FILETIME))
_SERVER_ERROR = re.compile(r"Sql Error: (\d+): Class \d+: State \d+: (.*?)(?: on \S+ in .*)?$", re.DOTALL)
_NULL = "Cannot insert NULL"
_OTHER_TYPES = ("Cannot map", "exceeds target scale")
_LAST_NANOSECONDS = (2**63 - 1) // 100
_SECONDS_AT_EXIT = 2.0
_left: WeakSet[threading.Thread] = WeakSet()
"""Threads of cancelled loads that are still in a call of the library."""

_STATUS_OF_NUMBER = {515: ValueStatus.NULL, 229: ValueStatus.PERMISSION, 2628: ValueStatus.TRUNCATED}


def can_bulk_load(options: WriteOptions) -> bool:
    """Whether the library has all types of a load, and the table exists for other connections.

    :param options: how the table is written.
    """
    is_temporary = options.table.rpartition(".")[2].lstrip('["').startswith("#")
    return not is_temporary and not any(column.target.code in _UNSUPPORTED for column in options.columns)


class BulkWriter(TableWriter):
    """Writes rows with the bulk load of SQL Server.

    :param database: the connection of the component.
    :param text: the connection string for mssql-python.
    :param options: how the table is written.
    :param table: the columns of the table.
    :param single_transaction: whether everything is committed at the end.
    :param otherwise: returns the writer that takes over if the library does not convert to a type of the table.
    """

    def __init__(
        self,
        database: Database,
        text: str,
        options: WriteOptions,
        table: Sequence[TableColumn],
        *,
        single_transaction: bool,
        otherwise: Callable[[], TableWriter],
    ) -> None:
        self._database = database
        self._options = options
        self._table = Quoting(database.connection).table(options.table)
        self._single = single_transaction
        self._otherwise = otherwise
        self._inserts: TableWriter | None = None
        self._has_written = False
        numbered = {column.name.lower() for column in table if column.is_identity and not options.keep_identity}
        self._columns = [
            (index, column) for index, column in enumerate(options.columns) if column.name.lower() not in numbered
        ]
        """The columns with their positions in a batch; the database ignores values for identities."""
        self._defaults = {column.name.lower() for column in table if column.has_default}
        self._context = _connection_context(text)
        self._lock = threading.Lock()
        self._is_busy = False
        self._is_closed = False
        self._connect()

    def _connect(self) -> None:
        self._connection = mssql_py_core.PyCoreConnection(dict(self._context))
        self._cursor = self._connection.cursor()
        self._has_begun = False

    def write(self, rows: pa.RecordBatch) -> None:
        """Write rows, all or none of them."""
        if self._inserts is not None:
            self._inserts.write(rows)
            return
        columns = [_loadable(rows.column(index), column.target) for index, column in self._columns]
        if not columns or any(column is None for column in columns):
            self._insert_instead(rows)
            return
        loaded = pa.RecordBatch.from_arrays(columns, names=[column.name for _index, column in self._columns])
        try:
            self._call(lambda: self._store(loaded))
        except ValueError as error:
            self._reset()
            text = str(error)
            if any(part in text for part in _OTHER_TYPES) or (_NULL in text and self._takes_defaults(rows)):
                self._insert_instead(rows)
                return
            status = ValueStatus.NULL if _NULL in text else ValueStatus.UNKNOWN
            raise WriteError(status, text) from error
        except RuntimeError as error:
            self._reset()
            match = _SERVER_ERROR.search(str(error))
            status = _STATUS_OF_NUMBER.get(int(match[1]), ValueStatus.UNKNOWN) if match else ValueStatus.UNKNOWN
            raise WriteError(status, f"{match[2]} ({match[1]})" if match else str(error)) from error
        self._has_written = True

    def _store(self, rows: pa.RecordBatch) -> None:
        """Load rows and commit them, unless everything is committed at the end."""
        self._load(rows)
        if not self._single and not self._database.cancel.is_cancelled:
            # The transaction of the next rows begins in the same request.
            self._cursor.execute("COMMIT TRANSACTION; BEGIN TRANSACTION")

    def _load(self, rows: pa.RecordBatch) -> None:
        options = self._options
        if not self._has_begun:
            self._cursor.execute("BEGIN TRANSACTION")
            self._has_begun = True
        self._cursor.bulkcopy_arrow(
            self._table,
            rows,
            batch_size=0,
            timeout=options.timeout,
            column_mappings=list(enumerate(rows.schema.names)),
            keep_identity=options.keep_identity,
            check_constraints=options.check_constraints,
            table_lock=options.table_lock,
            keep_nulls=options.keep_nulls,
            fire_triggers=options.fire_triggers,
            use_internal_transaction=False,
        )

    def _commit(self) -> None:
        self._call(lambda: self._cursor.execute("COMMIT TRANSACTION"))
        self._has_begun = False

    def _call(self, action: Callable[[], None]) -> None:
        """Run a call in a thread, so that cancelling does not wait for it."""
        problem: list[BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                action()
            except BaseException as error:  # noqa: BLE001 is raised in the thread that waits
                problem.append(error)
            with self._lock:
                self._is_busy = False
                if self._is_closed:
                    self._disconnect()
            done.set()

        with self._database.cancel.interrupts(done.set):
            self._is_busy = True
            thread = threading.Thread(target=work, name="ssis-bulk-load", daemon=True)
            thread.start()
            done.wait()
        if self._database.cancel.is_cancelled:
            _left.add(thread)
        if problem:
            raise problem[0]

    def _takes_defaults(self, rows: pa.RecordBatch) -> bool:
        """Whether defaults replace the NULLs, which the library does not know for columns without NULL."""
        return not self._options.keep_nulls and all(
            not rows.column(index).null_count or column.name.lower() in self._defaults
            for index, column in self._columns
        )

    def _insert_instead(self, rows: pa.RecordBatch) -> None:
        if self._single and self._has_written:
            raise WriteError(ValueStatus.UNKNOWN, "The bulk load does not convert a value that arrived late.")
        self._inserts = self._otherwise()
        self._inserts.write(rows)

    def _reset(self) -> None:
        """Connect again: an error can leave the connection within a load."""
        self._disconnect()
        self._connect()

    def _disconnect(self) -> None:
        with suppress(Exception):
            self._connection.close()

    def finish(self) -> None:
        """Commit."""
        if self._inserts is not None:
            self._inserts.finish()
        elif self._single and self._has_begun:
            try:
                self._commit()
            except RuntimeError as error:
                raise WriteError(ValueStatus.UNKNOWN, str(error)) from error

    def close(self, *, failed: bool) -> None:
        """Close the connection, which rolls back what is not committed."""
        if self._inserts is not None:
            self._inserts.close(failed=failed)
        with self._lock:
            self._is_closed = True
            if not self._is_busy:
                self._disconnect()


@atexit.register
def _wait_for_cancelled_loads() -> None:
    """Let calls end before the interpreter does: the library would print a stack trace when it asks for rows."""
    for thread in list(_left):
        thread.join(_SECONDS_AT_EXIT)


def _connection_context(text: str) -> dict[str, Any]:
    """The arguments of ``mssql_py_core`` to connect, as mssql-python makes it from a connection string."""
    connection = mssql_python.connect(text, autocommit=True)
    try:
        found: dict[str, Any] = connection.cursor()._build_pycore_context()
    finally:
        connection.close()
    return found


def _loadable(array: pa.Array, type_: ColumnType) -> pa.Array | None:
    """A column in a type that the library loads; None if a value does not fit."""
    if type_.code is _T.DT_UI8:
        return array.cast(pa.decimal128(20, 0))
    if type_.code is _T.DT_DBTIMESTAMP2 and pa.types.is_int64(array.type):
        ticks = pc.subtract(array, TICKS_BEFORE_UNIX)
        largest = pc.max(pc.abs(ticks)).as_py() or 0
        return None if largest > _LAST_NANOSECONDS else pc.multiply(ticks, 100).cast(pa.timestamp("ns"))
    return array
