"""Undoes a part of a transaction, or all of it: restarts the DuckDB transaction, and repeats the recorded writes."""

from __future__ import annotations

import logging

import duckdb

from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import LocalTables
from airflow_provider_ssis.emulator.tsql.execution.transactions.transaction_state import Transaction, other_data
from airflow_provider_ssis.emulator.tsql.execution.transactions.user_tables import UserTables
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

log = logging.getLogger(__name__)


class Restarts:
    """Restarts the transactions of a session.

    :param engine: begins and rolls back the transactions of DuckDB, and knows the commits of other sessions.
    :param connection: the session's DuckDB connection.
    :param local_tables: the session's local tables, which are restored from images.
    :param user_tables: the changes of clients' tables, which are forgotten.
    """

    def __init__(
        self,
        engine: Engine,
        connection: duckdb.DuckDBPyConnection,
        local_tables: LocalTables,
        user_tables: UserTables,
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._local_tables = local_tables
        self._user_tables = user_tables

    def after_error(self, transaction: Transaction) -> None:
        """After an error of DuckDB: restart its transaction if DuckDB aborted it."""
        if transaction.store is None:
            return
        try:
            self._connection.execute("SELECT 1")
        except duckdb.TransactionException:
            self.repeat(transaction)

    def to_savepoint(self, transaction: Transaction, name: str) -> None:
        """Undo all writes after a savepoint. Table variables keep their rows, as in T-SQL.

        :param name: of a savepoint of the transaction.
        :raises SqlError: 1205, other transactions have changed what the first writes read.
        """
        count = transaction.savepoints[name]
        transaction.savepoints = {name: at for name, at in transaction.savepoints.items() if at <= count}
        kept = self._local_tables.images(variables=True)
        self.repeat(transaction, count)
        self._local_tables.restore(kept)
        if transaction.doomed:
            raise other_data()

    def repeat(self, transaction: Transaction, count: int | None = None) -> None:
        """Restart a transaction and repeat its first writes. If that fails, only a rollback is left.

        :param count: the number of writes to repeat. Default: all.
        """
        if transaction.store is not None:
            self._engine.roll_back(self._connection)
            self._engine.begin(self._connection)
            transaction.seen = self._engine.commits_without_lock
            transaction.began = self._engine.user_commits
            transaction.store.forget_after_commit()
            self._user_tables.forget()
        self._undo_resets(transaction)
        self._local_tables.restore(transaction.images)
        if count is not None:
            del transaction.writes[count:]
        transaction.partial = False
        try:
            if transaction.writes and not self._reads_the_same(transaction):
                raise other_data()
            for write in transaction.writes:
                write()
        except (SqlError, duckdb.Error) as error:
            # What other sessions have committed meanwhile changes the outcome: the transaction cannot be restored.
            log.warning("a transaction cannot be repeated after an error, and is rolled back: %s", error)
            self._lose(transaction)

    def undo(self, transaction: Transaction) -> None:
        """Undo all writes. Table variables keep their rows."""
        self.after_error(transaction)
        kept = self._local_tables.images(variables=True)
        if transaction.store is not None:
            self._engine.roll_back(self._connection)
            self._user_tables.forget()
        self._local_tables.restore(
            {
                name: image
                for name, image in transaction.images.items()
                if name not in kept and (image is None or not image.table.is_variable)
            }
        )
        self._local_tables.restore(kept)
        self._undo_resets(transaction)

    def _reads_the_same(self, transaction: Transaction) -> bool:
        """Whether the tables that the writes read have not changed since."""
        return all(
            name in transaction.changed or self._engine.changed_at.get(name, 0) == commit
            for name, commit in transaction.read.items()
        )

    def _lose(self, transaction: Transaction) -> None:
        """Undo all writes; only a rollback is left."""
        transaction.doomed = True
        transaction.writes.clear()
        if transaction.store is not None:
            self._engine.roll_back(self._connection)
            self._engine.begin(self._connection)
            transaction.store.forget_after_commit()
            self._user_tables.forget()
        self._local_tables.restore(transaction.images)

    def _undo_resets(self, transaction: Transaction) -> None:
        self._engine.identities.undo_resets(transaction.changed)
        self._local_tables.identities.undo_resets()
