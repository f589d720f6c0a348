"""The state of a session: its options, transaction, local tables and prepared statements."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from airflow_provider_ssis.emulator.session import DatabaseChanged, Event, Login, Message
from airflow_provider_ssis.emulator.tsql.execution.cursors import Cursors
from airflow_provider_ssis.emulator.tsql.execution.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.local_tables import LocalTables
from airflow_provider_ssis.emulator.tsql.execution.store import Store
from airflow_provider_ssis.emulator.tsql.execution.transactions import Transactions
from airflow_provider_ssis.emulator.tsql.execution.worker import Worker
from airflow_provider_ssis.emulator.tsql.language.options import Options
from airflow_provider_ssis.emulator.tsql.metadata.principals import Principal
from airflow_provider_ssis.emulator.tsql.metadata.registry import LocalTable
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared statement: its text and the declarations of its parameters, or a procedure's name and None."""

    text: str
    declarations: str | None


class SessionState:
    """The state of one session, which queries, statements and procedures share.

    :param engine: the server's data and names.
    :param principal: the login.
    :param database: the initial database.
    :param login: the client's login request.
    """

    def __init__(self, engine: Engine, principal: Principal, database: str, login: Login) -> None:
        self.engine: Engine = engine
        self.principal: Principal = principal
        self.login: Login = login
        self.database: str = database
        self.spid: int = engine.next_spid()
        self.sees_all: bool = engine.sees_all(principal)
        self.connection = engine.connect()
        self.worker: Worker = Worker(engine.threads, self.connection)
        self.options: Options = Options()
        self.local_tables: LocalTables = LocalTables(self.connection)
        self.transactions: Transactions = Transactions(engine, self.connection, self.spid, self.local_tables)
        self.temporary_tables: dict[str, LocalTable] = self.local_tables.of_session
        self.cursors: Cursors = Cursors()
        self.last_identity: int | None = None
        """``@@IDENTITY``."""
        self.identity_insert: str = ""
        """The DuckDB name of the table for which SET IDENTITY_INSERT is ON; empty for none."""
        self.row_count: int = 0
        self.last_error: int = 0
        self.errors: list[SqlError] = []
        """The errors whose CATCH blocks run now, the innermost last."""
        self._prepared: dict[int, Prepared] = {}
        self._last_handle = 0
        self._login_database = database
        self._rights_version = engine.logins.version
        self._set_variables()

    @property
    def in_transaction(self) -> bool:
        """Whether a T-SQL transaction is open."""
        return self.transactions.is_open

    def refresh_principal(self) -> None:
        """Take note of the rights that the login has gained or lost. A login that was dropped keeps those it had."""
        logins = self.engine.logins
        if logins.version == self._rights_version:
            return
        self._rights_version = logins.version
        principal = logins.by_name(self.principal.name)
        if principal is not None and principal != self.principal:
            self.principal = principal
            self.sees_all = self.engine.sees_all(principal)
            self._set_variables()

    def _set_variables(self) -> None:
        for name, value in self.engine.session_variables(self.principal).items():
            self.connection.execute(f"SET VARIABLE {name} = ?", [value])

    def reset(self, *, keep_transaction: bool = False) -> None:
        """Return to the state after login."""
        if not keep_transaction:
            self.transactions.abort()
        for table in list(self.temporary_tables.values()):
            self.transactions.discard(table)
        self.temporary_tables.clear()
        self.transactions.begin_request()
        self.engine.locks.release_all(self.spid, of_transaction=False)
        self.options = Options()
        self._prepared.clear()
        self.errors.clear()
        self.cursors = Cursors()
        self.last_identity = None
        self.identity_insert = ""
        self.row_count = self.last_error = 0
        self.database = self._login_database

    def close(self) -> None:
        """Roll back, release all locks and close the DuckDB connection."""
        self.transactions.abort()
        self.engine.locks.release_all(self.spid)
        self.connection.close()

    # --- data

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query, in this session's view of the data."""
        return self.connection.execute(statement(self.connection, sql), parameters).fetchall()

    def write_scope(self) -> AbstractAsyncContextManager[Store]:
        """The session's T-SQL transaction, or a new one if none is open."""
        return self.transactions.scope(self.options)

    # --- statements

    def prepare(self, text: str, declarations: str | None) -> int:
        """Keep a statement, or with None the call of a procedure; returns its handle."""
        self._last_handle += 1
        self._prepared[self._last_handle] = Prepared(text, declarations)
        return self._last_handle

    def prepared(self, handle: Any) -> Prepared:
        """The statement of a handle.

        :raises SqlError: 8179, there is none.
        """
        statement = self._prepared.get(handle)
        if statement is None:
            raise SqlError(8179, f"There is no prepared statement with the handle {handle}.", state=2)
        return statement

    def forget(self, handle: Any) -> None:
        """Forget a prepared statement.

        :raises SqlError: 8179, there is none.
        """
        self.prepared(handle)
        del self._prepared[handle]

    def may_use(self, database: str) -> bool:
        """Whether the login may use a database: all but the one with users are open to all logins."""
        return database != self.engine.database or self.principal.has_user

    def no_user(self, database: str) -> SqlError:
        """The error for a database that the login may not use."""
        return SqlError(
            916, f"The login '{self.principal.name}' has no user in the database '{database}'.", severity=14
        )

    def use(self, name: str) -> list[Event]:
        """``USE name``.

        :raises SqlError: 911, no such database.
        """
        database = self.engine.metadata.database_name(name)
        if database is None:
            raise SqlError(911, f"Database '{name}' does not exist. Check the name.", ends_batch=True)
        if not self.may_use(database):
            raise self.no_user(database)
        old, self.database = self.database, database
        text = f"Changed database context to '{database}'."
        return [DatabaseChanged(database, old), Message(5701, 0, 2, text)]
