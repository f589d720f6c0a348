"""The state of a session: its options, transaction, local tables and prepared statements."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import duckdb

from airflow_provider_ssis.emulator.datatypes import Column, Variant
from airflow_provider_ssis.emulator.session import DatabaseChanged, Event, Login, Message
from airflow_provider_ssis.emulator.tsql.execution.cursors import Cursors
from airflow_provider_ssis.emulator.tsql.execution.databases.database_rights import CHAINED
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.identities import Identities
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.execution.databases.user_databases import UserDatabase
from airflow_provider_ssis.emulator.tsql.execution.impersonation import Impersonation
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import LocalTables
from airflow_provider_ssis.emulator.tsql.execution.transactions.transactions import Transactions
from airflow_provider_ssis.emulator.tsql.execution.worker import Worker
from airflow_provider_ssis.emulator.tsql.language.options import Options
from airflow_provider_ssis.emulator.tsql.metadata.names import TEMPORARY_DATABASE
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.principals import GUEST_ID, Principal
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

log = logging.getLogger(__name__)

_DEFAULT_DATABASE: Final = "master"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared statement: its text and the declarations of its parameters, or a procedure's name and None."""

    text: str
    declarations: str | None


@dataclass(frozen=True, slots=True)
class ContextValue:
    """A value of ``sp_set_session_context``.

    :param read_only: no later call may replace it.
    """

    value: Variant | None
    read_only: bool


@dataclass(frozen=True, slots=True)
class BulkTarget:
    """Where the rows of a bulk load go.

    :param columns: those of the table that get values, with the types that the client has announced.
    :param options: their names in upper case.
    """

    table: WritableTable
    columns: tuple[Column, ...]
    options: frozenset[str]


class FunctionCalls(Protocol):
    """Runs clients' functions that have statements."""

    def statement(self) -> Callable[[tuple[str, str, str], Sequence[Any]], Any]:
        """The calls of one statement: a function of the name and the arguments."""

    def close(self) -> None:
        """Release what the calls used."""


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
        engine.sessions.add(self)
        self.sees_all: bool = engine.sees_all(principal)
        self.impersonation: Impersonation = Impersonation(self._become)
        self.connection = engine.connect()
        self.worker: Worker = Worker(engine.threads, self.connection)
        self._outside: duckdb.DuckDBPyConnection | None = None
        self.options: Options = Options()
        self.local_tables: LocalTables = LocalTables(self.connection)
        self.transactions: Transactions = Transactions(engine, self.connection, self.spid, self.local_tables)
        self.temporary_tables: dict[str, LocalTable] = self.local_tables.of_session
        self.cursors: Cursors = Cursors()
        self.last_identity: int | None = None
        """``@@IDENTITY``."""
        self.identity_insert: str = ""
        """The DuckDB name of the table for which SET IDENTITY_INSERT is ON; empty for none."""
        self.identity_insert_name: str = ""
        self.row_count: int = 0
        self.last_error: int = 0
        self.errors: list[SqlError] = []
        """The errors whose CATCH blocks run now, the innermost last."""
        self.bulk_target: BulkTarget | None = None
        """Where the rows of the bulk load go that the client has announced."""
        self.context: dict[str, ContextValue] = {}
        """What ``SESSION_CONTEXT`` returns, by key in lower case."""
        self.functions: FunctionCalls
        self.chained: str = ""
        """The database of the module that runs now, in lower case; empty outside of modules, and in dynamic SQL."""
        self._prepared: dict[int, Prepared] = {}
        self._last_handle = 0
        self._login_database = database
        self._login_is_created = engine.databases.get(database) is not None
        """Whether a client has created the database of the login, so that it can be dropped."""
        self._rights_version = engine.logins.version
        self._set_variables()

    @property
    def metadata(self) -> Metadata:
        """The names that the session sees: those that are committed, and those of its transaction."""
        return self.transactions.user_tables.metadata

    def is_current(self, table: WritableTable) -> bool:
        """Whether a table is still as it was when it was found."""
        if isinstance(table, LocalTable):
            return True
        return self.metadata.relation(table.database, table.schema, table.name) == table

    def identities_of(self, table: WritableTable) -> Identities:
        """Where the next IDENTITY value of a table is kept."""
        return self.local_tables.identities if isinstance(table, LocalTable) else self.engine.identities

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
        self.impersonation.refresh(self.engine)
        self._become(self.impersonation.current(self.engine, self.principal))

    def _become(self, principal: Principal) -> None:
        """Act as a principal from now on."""
        if principal != self.principal:
            self.principal = principal
            self.sees_all = self.engine.sees_all(principal)
            self._set_variables()

    def _set_variables(self) -> None:
        for connection in (self.connection, self._outside):
            if connection is not None:
                for name, value in self.engine.session_variables(self.principal).items():
                    connection.execute(f"SET VARIABLE {name} = ?", [value])

    def reads_large(self, sources: Collection[str]) -> bool:
        """Whether a table among these has many rows.

        :param sources: the DuckDB names of tables, in lower case.
        """
        connection = self.connection_for(sources)
        return any(self.engine.is_large(name, connection) for name in sources)

    def has_changed(self, sources: Collection[str]) -> bool:
        """Whether the transaction has changed one of these tables.

        :param sources: the DuckDB names of the tables, in lower case.
        """
        return self.transactions.has_changed(sources)

    def connection_for(self, sources: Collection[str]) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection for a query: one outside of the transaction, where that would show old data.

        :param sources: the DuckDB names of the tables that it reads, in lower case.
        """
        if not self.transactions.has_old_data_of(sources):
            return self.connection
        if self._outside is None:
            self._outside = self.engine.connect()
            self.worker.add(self._outside)
            self._set_variables()
        return self._outside

    def reset(self, *, keep_transaction: bool = False) -> None:
        """Return to the state after login."""
        if not keep_transaction:
            self.transactions.abort()
        for table in list(self.temporary_tables.values()):
            self.transactions.discard(table)
        self.temporary_tables.clear()
        self._drop_global_tables()
        self.transactions.begin_request()
        self.engine.locks.release_all(self.spid, of_transaction=False)
        self.impersonation.clear()
        self.context.clear()
        self.options = Options()
        self._prepared.clear()
        self.errors.clear()
        self.cursors = Cursors()
        self.last_identity = None
        self.identity_insert = ""
        self.row_count = self.last_error = 0
        exists = not self._login_is_created or self.engine.databases.get(self._login_database) is not None
        self.database = self._login_database if exists else _DEFAULT_DATABASE

    def leave_databases(self) -> None:
        """Roll back, and stop using clients' databases."""
        self.transactions.abort()
        if self.engine.databases.get(self.database) is not None:
            self.database = _DEFAULT_DATABASE

    def close(self) -> None:
        """Roll back, release all locks and close the DuckDB connection."""
        self.transactions.abort()
        self.engine.locks.release_all(self.spid)
        self.engine.sessions.discard(self)
        self._drop_global_tables()
        self.connection.close()
        if self._outside is not None:
            self._outside.close()

    def _drop_global_tables(self) -> None:
        if self.in_transaction:
            return
        own = [table for spid, table in self.engine.global_tables.values() if spid == self.spid]
        for table in own:
            del self.engine.global_tables[table.storage_name.lower()]
            try:
                self.connection.execute(f"DROP TABLE IF EXISTS {table.storage_name}")
            except duckdb.Error as error:
                log.warning("the table %s is kept, because another session is using it: %s", table.name, error)
            else:
                self.engine.metadata.remove(table.database, table.schema, table.name)

    # --- data

    def count_rows(self, table: str) -> int:
        """The number of rows of a table.

        :param table: its DuckDB name.
        """
        connection = self.connection_for((table.lower(),))
        row = connection.execute(statement(connection, f"SELECT count(*) FROM {table}")).fetchone()
        return 0 if row is None else int(row[0])

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query, in this session's view of the data."""
        return self.connection.execute(statement(self.connection, sql), parameters).fetchall()

    def write_scope(self) -> AbstractAsyncContextManager[Store]:
        """The session's T-SQL transaction, or a new one if none is open."""
        return self.transactions.scope(self.options)

    # --- statements

    def prepare(self, text: str, declarations: str | None, *, replaces: Any = None) -> int:
        """Keep a statement, or with None the call of a procedure; returns its handle.

        :param replaces: the handle of a statement to forget. A driver gives the one that it has used so far. Default:
            none.
        """
        self._prepared.pop(replaces, None)
        self._last_handle += 1
        # Clients that never unprepare a statement often prepare the same one again.
        self._prepared[self._last_handle] = Prepared(sys.intern(text), declarations and sys.intern(declarations))
        return self._last_handle

    @property
    def prepared_statements(self) -> int:
        """The number of prepared statements that are kept."""
        return len(self._prepared)

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
        """Whether the login may use a database: system databases are open to all logins."""
        return self.impersonation.allows(database) and self.engine.may_use(self.principal, database)

    @property
    def user(self) -> str:
        """The user that the login is in the current database."""
        created = self.engine.databases.get(self.database)
        return self.principal.user if created is None else created.user(self.principal)

    @property
    def user_id(self) -> int:
        """The id of :attr:`user`."""
        if self.engine.databases.get(self.database) is None:
            return self.principal.id
        known = self.metadata.database_principals(self.database)
        return next((each.id for each in known if each.name.lower() == self.user.lower()), GUEST_ID)

    def owns(self, database: UserDatabase) -> bool:
        """Whether the login is dbo of a client's database."""
        return self.impersonation.allows(database.name) and database.is_owner(self.principal)

    def may(self, right: str, database: str, schema: str = "", name: str = "") -> bool | None:
        """Whether the login has a right in a client's database; None where it may not use the database.

        In tempdb, each login may do everything. A module uses the objects of its database for all who may run it.

        :param schema: empty for a right in the whole database.
        :param name: of the object; empty for a right in the whole schema.
        """
        key = database.lower()
        if key == TEMPORARY_DATABASE or (key == self.chained and right in CHAINED):
            return True
        found = self.engine.databases.get(database) if self.impersonation.allows(database) else None
        return None if found is None else found.may(self.principal, right, schema, name)

    def no_user(self, database: str) -> SqlError:
        """The error for a database that the login may not use."""
        return SqlError(
            916, f"The login '{self.principal.name}' has no user in the database '{database}'.", severity=14
        )

    def use(self, name: str) -> list[Event]:
        """``USE name``.

        :raises SqlError: 911, no such database.
        """
        database = self.metadata.database_name(name)
        if database is None:
            raise SqlError(911, f"Database '{name}' does not exist. Check the name.", ends_batch=True)
        if not self.may_use(database):
            raise self.no_user(database)
        old, self.database = self.database, database
        text = f"Changed database context to '{database}'."
        return [DatabaseChanged(database, old), Message(5701, 0, 2, text)]
