"""T-SQL transactions of a session on top of DuckDB's, which have no savepoints and end at their first error.

All writes of a transaction are recorded. To undo a part of it, or after an error of DuckDB, the DuckDB transaction is
restarted and the recorded writes are repeated (``restarts.py``). The write lock is kept meanwhile, so other sessions
cannot have changed the data.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar, cast

import duckdb

from airflow_provider_ssis.emulator.session import Event, TransactionBegan, TransactionEnded
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import LocalTables
from airflow_provider_ssis.emulator.tsql.execution.transactions.restarts import Restarts
from airflow_provider_ssis.emulator.tsql.execution.transactions.transaction_state import (
    NotingStore,
    Transaction,
    check_database,
    doomed,
    other_data,
    two_databases,
)
from airflow_provider_ssis.emulator.tsql.execution.transactions.user_tables import UserTables
from airflow_provider_ssis.emulator.tsql.language.options import Options
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserTable, WritableTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

NO_TRANSACTION: Final = 0
COMMITTABLE: Final = 1
UNCOMMITTABLE: Final = -1

_LOCAL: Final = "temp."
"""The begin of the DuckDB names of local tables."""

Result = TypeVar("Result")


class Transactions:
    """The transactions of one session.

    :param engine: has the write lock.
    :param connection: the session's DuckDB connection.
    :param spid: the session's number, under which it holds application locks.
    """

    def __init__(
        self, engine: Engine, connection: duckdb.DuckDBPyConnection, spid: int, local_tables: LocalTables
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._spid = spid
        self._local_tables = local_tables
        self.user_tables = UserTables(connection, engine.metadata, engine.identities)
        self._restarts = Restarts(engine, connection, local_tables, self.user_tables)
        self._current: Transaction | None = None
        self._last_descriptor = 0
        self._idle_since: float | None = None
        self._given_up: list[Event] = []
        self.count = 0
        """``@@TRANCOUNT``."""

    @property
    def is_open(self) -> bool:
        """Whether there is a transaction."""
        return self._current is not None

    @property
    def state(self) -> int:
        """``XACT_STATE()``."""
        if self._current is None:
            return NO_TRANSACTION
        return UNCOMMITTABLE if self._current.doomed else COMMITTABLE

    @property
    def id(self) -> int:
        """``CURRENT_TRANSACTION_ID()``; 0 without a transaction."""
        return self._current.descriptor if self._current else 0

    @property
    def writes_permanently(self) -> bool:
        """Whether a transaction of DuckDB is open, because the transaction wrote to a permanent table."""
        return self._current is not None and self._current.store is not None

    @property
    def repeats(self) -> bool:
        """Whether writes may be repeated, because a transaction of several statements is open."""
        return self._current is not None and not self._current.alone

    def has_old_data_of(self, sources: Collection[str]) -> bool:
        """Whether other sessions may have committed what a query of these tables does not see here.

        A DuckDB transaction shows all data as it was when it began, and READ COMMITTED what is committed now. A query
        that reads a local table, or one that the transaction has changed, has to see the transaction's data.

        :param sources: the DuckDB names of the tables, in lower case.
        """
        transaction = self._current
        if transaction is None or not transaction.changed:
            return False
        return not any(name in transaction.changed or name.startswith(_LOCAL) for name in sources)

    def has_changed(self, sources: Collection[str]) -> bool:
        """Whether the transaction has changed one of these tables.

        :param sources: the DuckDB names of the tables, in lower case.
        """
        return self._current is not None and not self._current.changed.isdisjoint(sources)

    # --- statements

    def begin(self, name: str = "") -> list[Event]:
        """``BEGIN TRANSACTION``; inside another one it only counts."""
        self.count += 1
        if self._current is not None:
            return []
        self._last_descriptor += 1
        self._current = Transaction(self._last_descriptor, name)
        return [TransactionBegan(self._last_descriptor)]

    def commit(self) -> list[Event]:
        """``COMMIT``; of a transaction inside another one it only counts.

        :raises SqlError: 3902 without a transaction, 3930 when only a rollback is left.
        """
        if self._current is None:
            raise SqlError(3902, "COMMIT has no corresponding BEGIN TRANSACTION.")
        if self._current.doomed:
            raise doomed()
        self.count -= 1
        return [] if self.count else self._end(commit=True)

    def roll_back(self, name: str = "") -> list[Event]:
        """``ROLLBACK``: all of it, or back to a savepoint.

        :param name: of the outermost transaction or of a savepoint; empty for all of it.
        :raises SqlError: 3903 without a transaction, 6401 no such savepoint, 3931 nothing but all of it can be undone.
        """
        transaction = self._current
        if transaction is None:
            raise SqlError(3903, "ROLLBACK has no corresponding BEGIN TRANSACTION.")
        if name and name in transaction.savepoints:
            if transaction.doomed:
                raise SqlError(
                    3931,
                    "The current transaction cannot be rolled back to a savepoint. Roll back the entire transaction.",
                    ends_batch=True,
                )
            self._restarts.to_savepoint(transaction, name)
            return []
        if name and name != transaction.name:
            raise SqlError(6401, f"Cannot roll back {name}: no transaction or savepoint has that name.")
        return self.abort()

    def save(self, name: str) -> list[Event]:
        """``SAVE TRANSACTION``.

        :raises SqlError: 628 without a transaction, 3930 when only a rollback is left.
        """
        if self._current is None:
            raise SqlError(628, "SAVE TRANSACTION needs an open transaction.")
        if self._current.doomed:
            raise doomed()
        self._current.savepoints[name] = len(self._current.writes)
        return []

    def abort(self) -> list[Event]:
        """Roll all of it back, if there is a transaction."""
        self.count = 0
        return self._end(commit=False)

    def doom(self) -> None:
        """Leave nothing but a rollback."""
        if self._current is not None:
            self._current.doomed = True

    # --- idle transactions

    @property
    def idle_seconds(self) -> float | None:
        """The seconds since the session's last request ended; None while one runs."""
        return None if self._idle_since is None else time.monotonic() - self._idle_since

    def begin_request(self) -> list[Event]:
        """Note that a request of the session begins.

        :returns: the end of a transaction that was rolled back while the session was idle; empty for none.
        """
        self._idle_since = None
        ended, self._given_up = self._given_up, []
        return ended

    def end_request(self) -> None:
        """Note that a request of the session has ended."""
        self._idle_since = time.monotonic()

    def give_up(self) -> None:
        """Roll back the transaction of an idle session; :meth:`begin_request` reports it."""
        self._given_up = self.abort()

    # --- writes

    @asynccontextmanager
    async def scope(self, options: Options) -> AsyncIterator[Store]:
        """The write scope: the open transaction, or a new one if none is open."""
        transaction = self._current
        seconds = None if options.lock_timeout < 0 else options.lock_timeout / 1000
        if transaction is None:
            async with self._engine.transaction(self._connection, seconds=seconds) as store:
                yield store
            return
        if transaction.doomed:
            raise doomed()
        check_database(transaction, self._engine.database)
        if transaction.store is None:
            await self._engine.write_lock.acquire(seconds, self)
            self._open(transaction, self._engine.database)
        try:
            yield cast("Store", transaction.store)
        except SqlError:
            raise
        except BaseException:
            # The half of this write cannot be separated from earlier writes.
            self.doom()
            raise

    @asynccontextmanager
    async def writing(self, tables: Iterable[WritableTable], options: Options) -> AsyncIterator[None]:
        """Lock the clients' tables that a statement may change, for the writes inside the block.

        Without an open transaction, the block is one: it is committed at its end, and rolled back after an error.

        :raises SqlError: 1205, 1222: they cannot be locked; 40514, the transaction writes to another database.
        """
        found = [table for table in tables if isinstance(table, UserTable)]
        if not found:
            yield
            return
        transaction = self._current
        if transaction is None:
            transaction = self._current = Transaction(0, "", alone=True)
        try:
            if transaction.doomed:
                raise doomed()
            await self._lock(transaction, found, options)
            count = len(transaction.writes)
            try:
                yield
            except BaseException as error:
                # What a statement has done before its error, or before it is cancelled, is undone.
                changed = transaction.partial or len(transaction.writes) > count
                if not transaction.alone and (changed or not isinstance(error, SqlError)):
                    self._restarts.repeat(transaction, count)
                raise
        except BaseException:
            if transaction.alone:
                self._end(commit=False)
            raise
        if transaction.alone:
            self._end(commit=True)

    async def _lock(self, transaction: Transaction, tables: Sequence[UserTable], options: Options) -> None:
        database = tables[0].database
        for table in tables:
            if table.database.lower() != database.lower():
                raise two_databases(database, table.database)
        check_database(transaction, database)
        names = [table.storage_name.lower() for table in tables]
        seconds = None if options.lock_timeout < 0 else options.lock_timeout / 1000
        await self._engine.table_locks.acquire(names, self, seconds)
        transaction.changed.update(names)
        if transaction.store is None:
            self._open(transaction, database)
        elif any(self._engine.changed_at.get(name, 0) > transaction.began for name in names):
            self._restarts.repeat(transaction)
            if transaction.doomed:
                raise other_data()

    def _open(self, transaction: Transaction, database: str) -> None:
        """Begin the DuckDB transaction."""
        self._engine.begin(self._connection)
        transaction.seen = self._engine.commits_without_lock
        transaction.began = self._engine.user_commits
        transaction.database = database
        transaction.store = NotingStore(self._connection, self._engine.changes, transaction.writes)

    def write(
        self, tables: Iterable[WritableTable], action: Callable[[], Result], sources: Collection[str] = ()
    ) -> Result:
        """Change local tables, so that a rollback can undo it.

        :param tables: all that it may change.
        :param action: makes the change; it is called again when the transaction is restarted.
        :param sources: the DuckDB names of the tables that it reads, in lower case.
        :raises SqlError: 3930 when only a rollback is left.
        """
        transaction = self._current
        if transaction is None:
            return action()
        if transaction.doomed:
            raise doomed()
        for table in tables:
            if isinstance(table, LocalTable) and table.storage_name not in transaction.images:
                transaction.images[table.storage_name] = self._local_tables.image(table)
        result = action()
        if not transaction.alone:
            transaction.writes.append(action)
            self._note_sources(transaction, sources)
        return result

    def _note_sources(self, transaction: Transaction, sources: Collection[str]) -> None:
        for name in sources:
            if name.startswith(_LOCAL) or name in transaction.changed:
                continue
            commit = self._engine.changed_at.get(name, 0)
            is_known = transaction.store is None or commit <= transaction.began
            seen = commit if is_known else -1
            transaction.read[name] = seen if transaction.read.get(name, seen) == seen else -1

    def write_steps(self, tables: Sequence[WritableTable], action: Callable[[], Result]) -> Result:
        """As :meth:`write`, for an action of several steps: after an error, the tables are as they were before."""
        local = [table for table in tables if isinstance(table, LocalTable)]
        before = {table.storage_name: self._local_tables.image(table) for table in local}
        try:
            return self.write(tables, action)
        except BaseException:
            self.note_partial()
            self.recover()
            self._local_tables.restore(before)
            raise

    def note_partial(self) -> None:
        """Note that a write fails after it has changed something, which is to be undone."""
        if self._current is not None:
            self._current.partial = True

    def discard(self, table: LocalTable) -> None:
        """Drop a local table at the end of its frame, in any state of the transaction."""
        if self.state == COMMITTABLE:
            self.write([table], lambda: self._local_tables.drop(table))
        else:
            self._local_tables.drop(table)

    def refresh(self) -> None:
        """Before a request: make the commits of the server's own tasks visible, as READ COMMITTED does.

        DuckDB shows a transaction the data as it was when the transaction began.
        """
        transaction = self._current
        if transaction is None or transaction.store is None or transaction.doomed:
            return
        if transaction.database == self._engine.database and transaction.seen != self._engine.commits_without_lock:
            self._restarts.repeat(transaction)

    def recover(self) -> None:
        """After an error of DuckDB: restart its transaction if DuckDB aborted it."""
        if self._current is not None:
            self._restarts.after_error(self._current)

    def _end(self, *, commit: bool) -> list[Event]:
        transaction = self._current
        if transaction is None:
            return []
        store = transaction.store
        try:
            if commit:
                if store is not None:
                    self._engine.commit(self._connection)
                    self._note_changes(transaction)
                self._engine.identities.keep_resets(transaction.changed)
                self._local_tables.identities.keep_resets()
            else:
                self._restarts.undo(transaction)
        finally:
            self._current = None
            if store is not None and transaction.database == self._engine.database:
                self._engine.write_lock.release()
            self._engine.table_locks.release(self)
            self._engine.locks.release_all(self._spid, of_transaction=True)
        if store is not None and commit:
            store.run_after_commit()
        return [TransactionEnded(transaction.descriptor, commit)]

    def _note_changes(self, transaction: Transaction) -> None:
        """Show the changes of clients' tables to the other sessions."""
        if transaction.changed:
            self._engine.user_commits += 1
            self._engine.changed_at.update(dict.fromkeys(transaction.changed, self._engine.user_commits))
            self.user_tables.commit()
