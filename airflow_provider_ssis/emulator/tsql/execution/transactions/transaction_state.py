"""The state of a session's open transaction, and the errors of transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.execution.databases.table_changes import TableChanges
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import Image
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


@dataclass(slots=True)
class Transaction:
    """An open transaction.

    :param store: the DuckDB transaction behind it, from the first write to a permanent table.
    :param database: the database that it writes to.
    :param began: the engine's commits in clients' databases that it sees.
    :param changed: the DuckDB names of the clients' tables that it may have changed.
    :param read: the clients' tables that the writes read, by DuckDB name, each with the number of the commit that they
        saw; -1 where it is not known.
    :param writes: the writes, to be repeated.
    :param alone: it is that of one statement, of which nothing is repeated.
    :param partial: a write has failed after it had changed something.
    :param images: the local tables that it changed, as they were before.
    :param savepoints: the number of writes at each.
    :param seen: the engine's commits without a lock that it sees.
    """

    descriptor: int
    name: str
    store: Store | None = None
    database: str = ""
    began: int = 0
    changed: set[str] = field(default_factory=set)
    read: dict[str, int] = field(default_factory=dict)
    alone: bool = False
    partial: bool = False
    doomed: bool = False
    writes: list[Callable[[], object]] = field(default_factory=list)
    images: dict[str, Image | None] = field(default_factory=dict)
    savepoints: dict[str, int] = field(default_factory=dict)
    seen: int = 0


class NotingStore(Store):
    """A store that records its writes."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, changes: TableChanges, writes: list[Callable[[], object]]
    ) -> None:
        super().__init__(connection, changes)
        self._writes = writes

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        count = super().execute(sql, parameters)
        self._writes.append(lambda: Store.execute(self, sql, parameters))
        return count

    def after_commit(self, action: Callable[[], object]) -> None:
        super().after_commit(action)
        self._writes.append(lambda: Store.after_commit(self, action))


def given_up() -> SqlError:
    """The error for the request after a transaction was rolled back while it was idle."""
    text = "The transaction was idle while another session waited for it, and was rolled back. Run it again."
    return SqlError(1205, text, severity=13, state=51, ends_batch=True)


def other_data() -> SqlError:
    text = "Other transactions have changed tables that this one has read, so it cannot be restored. Run it again."
    return SqlError(1205, text, severity=13, state=51)


def check_database(transaction: Transaction, database: str) -> None:
    """Check that a transaction writes to one database."""
    if transaction.store is not None and transaction.database.lower() != database.lower():
        raise two_databases(transaction.database, database)


def two_databases(first: str, second: str) -> SqlError:
    return not_supported(f"A transaction that writes to the databases {first} and {second}: commit between them. It")


def doomed() -> SqlError:
    return SqlError(
        3930, "The current transaction cannot be committed. Roll it back before you write anything.", ends_batch=True
    )
