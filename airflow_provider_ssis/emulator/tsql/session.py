"""A client's conversation: its options, its transaction, its local tables, its prepared statements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ssis.emulator.session import (
    DatabaseChanged,
    Event,
    Login,
    Message,
    RpcRequest,
    StatementDone,
    TransactionAction,
    TransactionBegan,
    TransactionEnded,
    TransactionRequest,
)
from airflow_provider_ssis.emulator.tsql import parser
from airflow_provider_ssis.emulator.tsql.engine import Engine, Store
from airflow_provider_ssis.emulator.tsql.errors import SqlError
from airflow_provider_ssis.emulator.tsql.interpreter import Frame, Interpreter
from airflow_provider_ssis.emulator.tsql.metadata import LocalTable
from airflow_provider_ssis.emulator.tsql.principals import Principal
from airflow_provider_ssis.emulator.tsql.remote_calls import remote_call


@dataclass(slots=True)
class Options:
    """SET options that change what a session does; all others are accepted and change nothing.

    :param lock_timeout: milliseconds; -1 waits for ever.
    """

    nocount: bool = False
    xact_abort: bool = False
    implicit_transactions: bool = False
    format_only: bool = False
    lock_timeout: int = -1


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared statement: its text and the declarations of its parameters."""

    text: str
    declarations: str


@dataclass(slots=True)
class _Transaction:
    """A T-SQL transaction.

    :param store: the DuckDB transaction behind it, from its first write on.
    :param savepoints: how much was written when each was made.
    """

    descriptor: int
    store: Store | None = None
    doomed: bool = False
    writes: int = 0
    savepoints: dict[str, int] = field(default_factory=dict)


class TsqlSession:
    """One session.

    :param engine: the server's data and names.
    :param principal: who is logged in.
    :param database: the database to begin in.
    :param login: what the client said of itself.
    """

    def __init__(self, engine: Engine, principal: Principal, database: str, login: Login) -> None:
        self.engine: Engine = engine
        self.principal: Principal = principal
        self.login: Login = login
        self.database: str = database
        self.spid: int = engine.next_spid()
        self.connection = engine.connect()
        self.options: Options = Options()
        self.local_tables: dict[str, LocalTable] = {}
        self.prepared: dict[int, Prepared] = {}
        self.row_count: int = 0
        self.last_error: int = 0
        self.errors: list[SqlError] = []
        """The errors whose CATCH blocks run now, the innermost last."""
        self.transaction_count: int = 0
        self._login_database = database
        self._transaction: _Transaction | None = None
        self._last_descriptor = 0
        self._last_handle = 0
        self._interpreter = Interpreter(self)
        for name, value in engine.session_variables(principal).items():
            self.connection.execute(f"SET VARIABLE {name} = ?", [value])

    # --- requests

    async def batch(self, text: str) -> AsyncIterator[Event]:
        """Run a SQL batch."""
        try:
            batch = parser.parse(text)
        except SqlError as error:
            self.last_error = error.number
            yield error.message()
            yield StatementDone(is_error=True)
            return
        async for event in self._interpreter.run(batch, Frame()):
            yield event

    def call(self, request: RpcRequest) -> AsyncIterator[Event]:
        """Run a remote procedure call."""
        return remote_call(self, self._interpreter, request)

    async def transaction(self, request: TransactionRequest) -> AsyncIterator[Event]:
        """Carry out a transaction manager request."""
        try:
            match request.action:
                case TransactionAction.BEGIN:
                    events = self.begin_transaction()
                case TransactionAction.COMMIT:
                    events = await self.commit_transaction()
                case TransactionAction.ROLLBACK:
                    events = self.roll_back_transaction(request.name)
                case TransactionAction.SAVE:
                    events = self.save_transaction(request.name)
            if request.begin_next:
                events = [*events, *self.begin_transaction()]
        except SqlError as error:
            events = [error.message()]
        for event in events:
            yield event

    async def reset(self, *, keep_transaction: bool = False) -> None:
        """Return to the state after login."""
        if not keep_transaction:
            self._end_transaction(commit=False)
            self.transaction_count = 0
        self.drop_tables(list(self.local_tables.values()))
        self.engine.locks.release_all(self.spid)
        self.options = Options()
        self.prepared.clear()
        self.errors.clear()
        self.database = self._login_database

    async def close(self) -> None:
        """The client is gone: nothing that it held stays."""
        self._end_transaction(commit=False)
        self.engine.locks.release_all(self.spid)
        self.connection.close()

    # --- data

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query, in this session's view of the data."""
        return self.connection.execute(sql, parameters).fetchall()

    @asynccontextmanager
    async def write_scope(self) -> AsyncIterator[Store]:
        """The session's T-SQL transaction, or a transaction of its own where there is none."""
        transaction = self._transaction
        seconds = None if self.options.lock_timeout < 0 else self.options.lock_timeout / 1000
        if transaction is None:
            async with self.engine.transaction(self.connection, seconds=seconds) as store:
                yield store
            return
        if transaction.doomed:
            raise _doomed()
        if transaction.store is None:
            await self.engine.lock_writing(seconds)
            transaction.store = self.engine.begin(self.connection)
        transaction.writes += 1
        try:
            yield transaction.store
        except SqlError:
            raise
        except BaseException:
            self.doom()
            raise

    def drop_tables(self, tables: Sequence[LocalTable]) -> None:
        """Drop table variables and temporary tables of this session."""
        for table in tables:
            self.local_tables.pop(table.name.lower(), None)
            self.connection.execute(f"DROP TABLE IF EXISTS {table.storage_name}")

    def prepare(self, text: str, declarations: str) -> int:
        """Keep a statement; returns its handle."""
        self._last_handle += 1
        self.prepared[self._last_handle] = Prepared(text, declarations)
        return self._last_handle

    def use(self, name: str) -> list[Event]:
        """``USE name``.

        :raises SqlError: 911, no such database.
        """
        database = self.engine.metadata.database_name(name)
        if database is None:
            raise SqlError(911, f"Database '{name}' does not exist. Check the name.", ends_batch=True)
        old, self.database = self.database, database
        text = f"Changed database context to '{database}'."
        return [DatabaseChanged(database, old), Message(5701, 0, 1, text)]

    # --- transactions

    @property
    def in_transaction(self) -> bool:
        """Whether a T-SQL transaction is open."""
        return self._transaction is not None

    @property
    def transaction_state(self) -> int:
        """``XACT_STATE()``: 1 open, 0 none, -1 open and fit for a rollback only."""
        if self._transaction is None:
            return 0
        return -1 if self._transaction.doomed else 1

    @property
    def transaction_id(self) -> int:
        """The number of the open transaction, or 0."""
        return self._transaction.descriptor if self._transaction else 0

    def begin_transaction(self) -> list[Event]:
        """``BEGIN TRANSACTION``."""
        self.transaction_count += 1
        if self._transaction is not None:
            return []
        self._last_descriptor += 1
        self._transaction = _Transaction(self._last_descriptor)
        return [TransactionBegan(self._last_descriptor)]

    async def commit_transaction(self) -> list[Event]:
        """``COMMIT``.

        :raises SqlError: 3902 without a transaction, 3930 when only a rollback is left.
        """
        if self._transaction is None:
            raise SqlError(3902, "COMMIT without an open transaction.")
        if self._transaction.doomed:
            raise _doomed()
        self.transaction_count -= 1
        return [] if self.transaction_count else self._end_transaction(commit=True)

    def roll_back_transaction(self, name: str = "") -> list[Event]:
        """``ROLLBACK``, to the savepoint ``name`` if there is one of that name.

        :raises SqlError: 3903 without a transaction; 40000 for a savepoint before changes, which is not supported.
        """
        transaction = self._transaction
        if transaction is None:
            raise SqlError(3903, "ROLLBACK without an open transaction.")
        if name.lower() in transaction.savepoints:
            if transaction.writes != transaction.savepoints[name.lower()]:
                raise SqlError(
                    40000,
                    f"Changes were made since the savepoint {name}: the embedded SSISDB can only roll back all of the "
                    "transaction. Use ROLLBACK without a name.",
                )
            return []
        self.transaction_count = 0
        return self._end_transaction(commit=False)

    def save_transaction(self, name: str) -> list[Event]:
        """``SAVE TRANSACTION name``.

        :raises SqlError: 628 without a transaction.
        """
        if self._transaction is None:
            raise SqlError(628, "SAVE TRANSACTION needs an open transaction.")
        self._transaction.savepoints[name.lower()] = self._transaction.writes
        return []

    def doom(self) -> None:
        """What was written is lost; the transaction can only be rolled back."""
        transaction = self._transaction
        if transaction is None:
            return
        transaction.doomed = True
        if transaction.store is not None:
            transaction.store = None
            self.engine.roll_back(self.connection)
            self.engine.unlock_writing()

    def abort_transaction(self) -> list[Event]:
        """Roll back because of an error that ends the batch."""
        if self._transaction is None:
            return []
        self.transaction_count = 0
        return self._end_transaction(commit=False)

    def _end_transaction(self, *, commit: bool) -> list[Event]:
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return []
        store = transaction.store
        if store is not None:
            try:
                if commit:
                    self.engine.commit(self.connection)
                else:
                    self.engine.roll_back(self.connection)
            finally:
                self.engine.unlock_writing()
        self.engine.locks.release_all(self.spid, of_transaction=True)
        if store is not None and commit:
            store.run_after_commit()
        return [TransactionEnded(transaction.descriptor, commit)]


def _doomed() -> SqlError:
    return SqlError(3930, "The transaction failed and can only be rolled back.", ends_batch=True)
