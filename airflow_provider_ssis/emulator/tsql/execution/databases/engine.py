"""The databases of the emulated server in one embedded DuckDB, and their names.

Each session has its own DuckDB connection, and so its own transaction. One write lock for all sessions keeps two of
them from changing the same tables, and readers never wait.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution.databases.database_file import attach, file_name
from airflow_provider_ssis.emulator.tsql.execution.databases.identities import Identities
from airflow_provider_ssis.emulator.tsql.execution.databases.login_file import LoginFile
from airflow_provider_ssis.emulator.tsql.execution.databases.memory_release import MemoryRelease
from airflow_provider_ssis.emulator.tsql.execution.databases.product import Product
from airflow_provider_ssis.emulator.tsql.execution.databases.remembered_rows import RememberedRows
from airflow_provider_ssis.emulator.tsql.execution.databases.sequences import Sequences
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.execution.databases.table_changes import TableChanges
from airflow_provider_ssis.emulator.tsql.execution.databases.user_databases import UserDatabases
from airflow_provider_ssis.emulator.tsql.execution.locks.application_locks import ApplicationLocks
from airflow_provider_ssis.emulator.tsql.execution.locks.table_locks import TableLocks
from airflow_provider_ssis.emulator.tsql.execution.locks.write_lock import WriteLock
from airflow_provider_ssis.emulator.tsql.metadata.objects import ALL_ROWS, Table, TableType, UserTable, View
from airflow_provider_ssis.emulator.tsql.metadata.principals import Logins, Principal
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.query.compiler import QueryCompiler
from airflow_provider_ssis.emulator.tsql.query.engine_errors import translated
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import create_table, quoted

Read = Callable[[str, list[Any]], list[tuple[Any, ...]]]
"""Reads rows with the data that a session sees: SQL of DuckDB, and the values of its parameters."""

_MOST_THREADS: Final = 256
_IDLE_SECONDS: Final = 5.0
_MANY_ROWS: Final = 10_000
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    # One thread for each query: it is the one that calls, which Python functions rely on.
    "threads": 1,
    "memory_limit": "1GB",
    # Without a folder for it, a query that needs more memory fails instead of filling the disk.
    "temp_directory": "",
    "autoinstall_known_extensions": False,
}


def _local_time() -> dt.datetime:
    return dt.datetime.now().astimezone()


class OpenSession(Protocol):
    """The server's record of a session."""

    database: str

    def leave_databases(self) -> None:
        """Roll back, and stop using clients' databases."""


class Engine:
    """The data and the names of an emulated SQL Server.

    :param data_dir: folder of the database file; None keeps it in memory.
    :param product: the server that this one emulates: its name, version and edition.
    :param database: the database of the server itself, in addition to the system databases and those of clients.
    :param idle_seconds: the time after which an idle transaction is rolled back when another session waits for it.
    :param clock: gives the time with an offset. Default: the time of this machine, in its time zone.
    :raises OSError: ``data_dir`` or the file in it cannot be used.
    """

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        product: Product,
        database: str,
        idle_seconds: float = _IDLE_SECONDS,
        clock: Callable[[], dt.datetime] = _local_time,
    ) -> None:
        self._clock = clock
        self.product = product
        self.database = database
        self.data_dir = data_dir
        self.logins = Logins()
        self.login_file = LoginFile(self.logins, data_dir)
        self.locks = ApplicationLocks()
        self.metadata: Metadata = Metadata()
        self.metadata.add_database(database)
        self.session_variables: Callable[[Principal], Mapping[str, Any]] = lambda principal: {}
        self.commits_without_lock = 0
        """Transactions that the server itself committed without the write lock."""
        self.sees_all: Callable[[Principal], bool] = lambda principal: False
        """Whether a login may see all rows of the views."""
        self.check_drop: Callable[[Read, int], None] = lambda read, principal_id: None
        """Raises an error if a user or role of the database, given by its id, may not be dropped."""
        self._duckdb = duckdb.connect(":memory:", config=_SETTINGS)
        attach(self._duckdb, database, None if data_dir is None else data_dir / file_name(database))
        self.login_file.load()
        self._duckdb.execute(f"USE {quoted(database)}")
        zone = dt.timezone(self.now().utcoffset() or dt.timedelta(0))
        self.compiler = QueryCompiler(self.metadata, zone=zone)
        self.write_lock = WriteLock(idle_seconds)
        self._reader = self.connect()
        self._writer = self.connect()
        self.table_locks = TableLocks()
        self.identities = Identities()
        """The next IDENTITY values of the tables in clients' databases."""
        self.sequences = Sequences(self.connect())
        """The last values of sequences."""
        self.databases = UserDatabases(self._duckdb, self.metadata, data_dir, self.identities, self.sequences)
        self.metadata.dropped = self.databases.forget_permissions
        self.metadata.renamed = self.databases.rename_permissions
        self.metadata.permissions = self.databases.permissions
        self.user_commits = 0
        """The number of committed transactions in clients' databases."""
        self.changes = TableChanges()
        """Of the server's own tables."""
        self.global_tables: dict[str, tuple[int, UserTable]] = {}
        """The global temporary tables by DuckDB name in lower case, each with the spid of the session that drops it."""
        self.changed_at: dict[str, int] = {}
        """The number of the last of them that changed a table, by the name of the DuckDB table."""
        self._schemas: set[str] = set()
        self._tables = self._stored_tables()
        self.remembered = RememberedRows(self._tables, self.changes)
        self._large: dict[str, tuple[int | None, bool]] = {}
        self._last_spid = 50
        self.sessions: set[OpenSession] = set()
        """The open sessions."""
        self.threads = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="tsql")
        """The threads in which queries run."""
        self.memory = MemoryRelease(self._duckdb, self.threads)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A new DuckDB connection."""
        connection = self._duckdb.cursor()
        connection.execute(f"USE {quoted(self.database)}")
        return connection

    def close(self) -> None:
        """Close the database."""
        self.threads.shutdown()
        self.databases.close()
        self.sequences.close()
        self.compiler.close()
        for connection in (self._reader, self._writer, self._duckdb):
            connection.close()

    def may_use(self, principal: Principal, database: str) -> bool:
        """Whether a login may use a database: system databases are open to all logins."""
        created = self.databases.get(database)
        if created is not None:
            return created.may(principal, "CONNECT") is not None
        return database != self.database or principal.has_user

    def is_large(self, table: str, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether a table has many rows; counted again after each committed change.

        :param table: its DuckDB name, in lower case.
        :param connection: sees the table.
        """
        changed = self.changed_at.get(table)
        known = self._large.get(table)
        if known is None or known[0] != changed or changed is None:
            try:
                rows = connection.execute(statement(connection, f"SELECT count(*) FROM {table}")).fetchall()
            except duckdb.Error as error:
                raise translated(error) from None
            known = self._large[table] = (changed, rows[0][0] > _MANY_ROWS)
        return known[1]

    def drop_databases(self) -> None:
        """Drop the databases of clients, also those that are in use."""
        for session in self.sessions:
            session.leave_databases()
        for database in self.databases.all():
            self.databases.drop(database.name)

    def next_spid(self) -> int:
        """The number of a new session."""
        self._last_spid += 1
        return self._last_spid

    def now(self) -> dt.datetime:
        """The time, with the offset of its time zone."""
        return self._clock()

    # --- names

    def define_table(self, table: Table) -> None:
        """Make a table known, and make it where the database file does not hold it yet."""
        self.metadata.add(table)
        self._make_schema(table.schema)
        if not self.has_table(table.schema, table.name):
            self._duckdb.execute(create_table(table.storage_name(sees_all=True), table.columns))
            self._tables.add((table.schema, table.name))

    def has_table(self, schema: str, name: str) -> bool:
        """Whether the database file holds a table."""
        return (schema, name) in self._tables

    def _stored_tables(self) -> set[tuple[str, str]]:
        """The schemas and names of the tables in the database file."""
        found = self._duckdb.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?", [self.database]
        )
        return {(schema, name) for schema, name in found.fetchall()}

    def define_view(self, view: View) -> None:
        """Register a view. It is created at each start, so that a newer version can change it."""
        self.metadata.add(view)
        self._make_schema(view.schema)
        self._make_schema(ALL_ROWS)
        columns = ", ".join(quoted(column.name) for column in view.columns)
        # A query contains the text of a view that can be taken apart; only procedures read such a view by its name.
        unfiltered = None if view.unfiltered is None or view.is_inlined(sees_all=True) else view.unfiltered
        for sees_all, select in ((False, view.select), (True, unfiltered)):
            if select is not None:
                name = view.storage_name(sees_all=sees_all)
                self._duckdb.execute(f"CREATE OR REPLACE VIEW {name} ({columns}) AS {select}")

    def define_table_type(self, schema: str, name: str, columns: Sequence[Column]) -> None:
        """Make a user-defined table type known."""
        self.metadata.add(TableType(self.database, schema, name, tuple(columns)))

    def run_script(self, sql: str) -> None:
        """Run a DuckDB statement that sets the database up."""
        self._duckdb.execute(sql)

    def setup_store(self) -> Store:
        """Writes before any client connects, each committed at once."""
        return Store(self._duckdb, self.changes)

    def _make_schema(self, schema: str) -> None:
        if schema not in self._schemas:
            self._duckdb.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
            self._schemas.add(schema)

    # --- data

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query on committed data."""
        return self._reader.execute(statement(self._reader, sql), parameters).fetchall()

    @asynccontextmanager
    async def transaction(
        self, connection: duckdb.DuckDBPyConnection | None = None, *, seconds: float | None = None
    ) -> AsyncIterator[Store]:
        """A write scope: the write lock and a DuckDB transaction.

        Committed at the end of the block, also when a ``SqlError`` leaves it; rolled back on any other exception.

        :param connection: whose transaction it is; one for the server's own tasks by default.
        :param seconds: time to wait for the write lock; None waits.
        :raises SqlError: 1222 when that time is over.
        """
        writer = connection or self._writer
        await self.write_lock.acquire(seconds)
        try:
            store = self.begin(writer)
            try:
                yield store
            except SqlError:
                self.commit(writer)
                store.run_after_commit()
                raise
            except BaseException:
                self.roll_back(writer)
                raise
            self.commit(writer)
            store.run_after_commit()
        finally:
            self.write_lock.release()

    def begin(self, connection: duckdb.DuckDBPyConnection) -> Store:
        """Begin a DuckDB transaction. The caller holds the write lock."""
        self.compiler.install(connection)
        connection.execute(statement(connection, "BEGIN TRANSACTION"))
        return Store(connection, self.changes)

    def commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Commit a DuckDB transaction."""
        connection.execute(statement(connection, "COMMIT"))

    def roll_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Roll a DuckDB transaction back."""
        connection.execute(statement(connection, "ROLLBACK"))
