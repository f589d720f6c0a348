"""A transaction of a package: all its work on one connection of one connection manager.

Integration Services uses MSDTC, which coordinates several connections and does not exist here. One connection carries a
local transaction, so a second connection manager in the same transaction is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import Connections, RunConnection, Shared
from airflow_provider_ssis.engine.connections.driver_errors import driver_message
from airflow_provider_ssis.engine.connections.open_connections import OpenConnections, SharedConnection
from airflow_provider_ssis.engine.errors import TaskFailure

if TYPE_CHECKING:
    import pyodbc

_ISOLATION: dict[int, int] = {
    256: 1,  # read uncommitted
    4096: 2,  # read committed
    65536: 4,  # repeatable read
    1048576: 8,  # serializable
}
"""The constants SQL_TXN_… of ODBC by the number of .NET's isolation level."""
_ISOLATION_ATTRIBUTE = 108
"""SQL_ATTR_TXN_ISOLATION."""
BEGIN_FAILED = 0xC001401A
_INCOMPATIBLE = 0xC001A004


class TransactionConnections:
    """The connection managers as the tasks inside a transaction see them.

    :param connections: the connections of the run.
    :param isolation_level: the number that .NET uses; 1048576 is serializable.
    :param cancel: ends waiting for another task of the transaction. Default: nothing does.
    """

    def __init__(
        self, connections: OpenConnections, isolation_level: int = 1048576, cancel: CancelToken | None = None
    ) -> None:
        self._connections = connections
        self._isolation_level = isolation_level
        self._cancel = cancel or CancelToken()
        self._shared = SharedConnection()
        self._manager: RunConnection | None = None
        self.refusal: TaskFailure | None = None
        """Why a task could not take part, so that the work of the others must not be committed. Default: None."""

    def _refused(self, failure: TaskFailure) -> TaskFailure:
        self.refusal = self.refusal or failure
        return failure

    def refuse_file(self, name: str) -> None:
        """Refuse to change a file, which is not rolled back with the transaction.

        :param name: the name of the connection manager.
        :raises TaskFailure: always.
        """
        raise self._refused(
            TaskFailure(
                f'The file of the connection manager "{name}" cannot take part in a transaction, because it is not '
                "rolled back. Set TransactionOption of the task to NotSupported.",
                _INCOMPATIBLE,
            )
        )

    def get(self, reference: str) -> RunConnection:
        """Return a connection manager."""
        return self._connections.get(reference)

    def shared(self, reference: str, make: Callable[[], Shared]) -> Shared:
        """Return the object that the tasks of the run share under a connection manager."""
        return self._connections.shared(reference, make)

    def maps(self, text: str) -> bool:
        """Return True if a rule maps a path."""
        return self._connections.maps(text)

    def path(self, text: str) -> Path:
        """Map a path of Windows to one of this machine."""
        return self._connections.path(text)

    def odbc_string(self, reference: str) -> str:
        """Refuse: a library that opens its own connection would work outside the transaction.

        :raises TaskFailure: always.
        """
        manager = self.get(reference)
        raise TaskFailure(
            f'The connection manager "{manager.name}" cannot open a second connection inside a transaction. '
            "Set TransactionOption of the container to Supported or NotSupported.",
            _INCOMPATIBLE,
        )

    @contextmanager
    def odbc(self, reference: str) -> Iterator[pyodbc.Connection]:
        """Return the connection of the transaction; opens it and begins the transaction at the first use.

        :raises TaskFailure: another connection manager carries the transaction already, the manager shares one
            connection with tasks outside of the transaction, or the isolation level is not supported.
        """
        manager = self.get(reference)
        with self._shared.held(self._cancel):
            if self._manager is not None and self._manager.id != manager.id:
                raise self._refused(
                    TaskFailure(
                        f'The transaction uses the connection manager "{self._manager.name}" and cannot include '
                        f'"{manager.name}": without MSDTC, a transaction has one connection. Use one connection '
                        "manager in the container, or set TransactionOption of one of the tasks to NotSupported.",
                        BEGIN_FAILED,
                    )
                )
            if self._shared.connection is None:
                self._shared.connection = self._begin(manager)
                self._manager = manager
            yield self._shared.connection

    def _begin(self, manager: RunConnection) -> pyodbc.Connection:
        import pyodbc

        if manager.retains:
            raise TaskFailure(
                f'The connection manager "{manager.name}" has RetainSameConnection set and cannot join a transaction.',
                0xC001A003,
            )
        level = _ISOLATION.get(self._isolation_level)
        if level is None:
            raise TaskFailure(
                f"The isolation level {self._isolation_level} is not supported in a transaction of a package. Use "
                "ReadUncommitted, ReadCommitted, RepeatableRead or Serializable.",
                BEGIN_FAILED,
            )
        connection = self._connections.connect(manager)
        try:
            # In this order: Microsoft's driver begins a transaction at once, and its level is fixed then.
            connection.set_attr(_ISOLATION_ATTRIBUTE, level)
            connection.autocommit = False
        except pyodbc.Error as error:
            connection.close()
            failure = TaskFailure(
                f'The driver of the connection manager "{manager.name}" does not support the isolation level of the '
                f"transaction: {driver_message(error)}",
                BEGIN_FAILED,
            )
        else:
            return connection
        raise failure

    def commit(self) -> None:
        """Commit, and close the connection. Call it when the container that began the transaction succeeded.

        :raises TaskFailure: the server did not commit.
        """
        import pyodbc

        connection = self._shared.connection
        if connection is None:
            return
        try:
            connection.commit()
        except pyodbc.Error as error:
            failure = TaskFailure(f"The transaction could not be committed: {driver_message(error)}", BEGIN_FAILED)
        else:
            self._shared.close()
            return
        self._shared.close()
        raise failure

    def rollback(self) -> None:
        """Roll back, and close the connection. Call it when the container failed or was cancelled."""
        import pyodbc

        if self._shared.connection is not None:
            # A connection that broke is rolled back by the server.
            with suppress(pyodbc.Error):
                self._shared.connection.rollback()
        self._shared.close()


def refuse_file_in_transaction(connections: Connections, name: str) -> None:
    """Refuse to change a file inside a transaction.

    :param connections: the connection managers as the task sees them.
    :param name: the name of the connection manager of the file.
    :raises TaskFailure: the task takes part in a transaction.
    """
    if isinstance(connections, TransactionConnections):
        connections.refuse_file(name)
