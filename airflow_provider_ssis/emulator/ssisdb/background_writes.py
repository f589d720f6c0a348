"""Writes of the server itself, which do not wait for the transactions of clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

import duckdb

from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store

_SECONDS_BETWEEN_ATTEMPTS: Final = 0.05

Result = TypeVar("Result")


class BackgroundWriter:
    """Writes through a separate connection, without the engine's write lock.

    A client that leaves its transaction open does not stop these writes. DuckDB itself keeps two transactions from
    changing one row: then the write waits for the end of the client's transaction, as on SQL Server.

    :param engine: the catalog's data.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection = engine.connect()

    async def write(self, change: Callable[[Store], Result]) -> Result:
        """Make a change in one transaction; retry while an open transaction of a client holds one of its rows."""
        while True:
            store = self._engine.begin(self._connection)
            try:
                result = change(store)
                self._engine.commit(self._connection)
            except duckdb.TransactionException:
                self._roll_back()
                self._engine.write_lock.roll_back_idle()
                await asyncio.sleep(_SECONDS_BETWEEN_ATTEMPTS)
            except BaseException:
                self._roll_back()
                raise
            else:
                self._engine.commits_without_lock += 1
                store.run_after_commit()
                return result

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _roll_back(self) -> None:
        # A failed COMMIT has ended the transaction already.
        with suppress(duckdb.TransactionException):
            self._engine.roll_back(self._connection)
