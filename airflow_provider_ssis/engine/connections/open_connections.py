"""The connection managers of a run, with the connections that are open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.address import OdbcAddress
from airflow_provider_ssis.engine.connections.connection import Closable, RunConnection, Shared
from airflow_provider_ssis.engine.connections.driver_errors import driver_message
from airflow_provider_ssis.engine.connections.driver_values import read_all_types
from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.connections.providers import InstalledDrivers, odbc_address
from airflow_provider_ssis.engine.connections.replacements import Replacement, replaced
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.odbc.driver_environment import driver_environment

if TYPE_CHECKING:
    import pyodbc

_OLE_DB_ERROR = 0xC0202009
_CANNOT_CONNECT = 0xC020801C
_WAIT = 0.1
"""Seconds between two looks at the cancel token while another task uses a shared connection."""


class SharedConnection:
    """A connection that several tasks use, one after the other."""

    def __init__(self) -> None:
        self.connection: pyodbc.Connection | None = None
        self._lock = threading.RLock()

    @contextmanager
    def held(self, cancel: CancelToken) -> Iterator[None]:
        """Wait until no other thread uses the connection.

        :param cancel: ends the wait.
        :raises Cancelled: the run was cancelled.
        """
        while not self._lock.acquire(timeout=_WAIT):
            cancel.check()
        try:
            yield
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection, if it is open."""
        connection, self.connection = self.connection, None
        if connection is not None:
            _close(connection)


class OpenConnections:
    """The connection managers of a run. All methods can be called from any thread.

    :param resolve: returns a connection manager by its GUID, refId or name, with the values of this moment; raises
        :class:`~airflow_provider_ssis.engine.errors.TaskFailure` 0xC001000E if there is none.
    :param paths: how paths of Windows are mapped. Default: no rule.
    :param replacements: the values with which the user replaces connection managers, by name or GUID. Default: nothing.
    :param drivers: the ODBC drivers of this machine. Default: they are looked up at the first use.
    :param cancel: cancels waiting for a server. Default: nothing does.
    """

    def __init__(
        self,
        resolve: Callable[[str], RunConnection],
        *,
        paths: PathMap | None = None,
        replacements: Mapping[str, Replacement] | None = None,
        drivers: InstalledDrivers | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self._resolve = resolve
        self._paths = paths or PathMap()
        self._replacements = {name.lower(): given for name, given in (replacements or {}).items()}
        self._drivers = drivers
        self._cancel = cancel or CancelToken()
        self._lock = threading.Lock()
        self._shared: dict[str, SharedConnection] = {}
        self._objects: dict[str, Closable] = {}
        self._reasons: dict[str, str] | None = None

    def fail_at_once(self) -> None:
        """Report a connection that has failed again without another attempt, for a run that ends after its validation.

        Without this, each component waits for the login timeout of the same server.
        """
        self._reasons = {}

    def get(self, reference: str) -> RunConnection:
        """Return a connection manager, with the replacements of the user applied."""
        found = self._resolve(reference)
        given = self._replacements.get(found.name.lower())
        if given is None:
            given = self._replacements.get(found.id.lower())
        return found if given is None else replaced(found, given)

    def address(self, reference: str) -> OdbcAddress:
        """Return how the driver connects to the database of a connection manager.

        :param reference: its GUID, refId or name.
        :raises TaskFailure: the provider has no counterpart in ODBC.
        """
        with self._lock:
            self._drivers = self._drivers or InstalledDrivers.of_this_machine()
        return odbc_address(self.get(reference), self._drivers)

    def odbc_string(self, reference: str) -> str:
        """Return the ODBC connection string of a connection manager. Contains the password."""
        return self.address(reference).string

    def path(self, text: str) -> Path:
        """Map a path of Windows to one of this machine."""
        return self._paths.path(text)

    def maps(self, text: str) -> bool:
        """Return True if a rule maps a path."""
        return self._paths.maps(text)

    def shared(self, reference: str, make: Callable[[], Shared]) -> Shared:
        """Return the object that the tasks of the run share under a connection manager."""
        manager = self.get(reference)
        with self._lock:
            return cast("Shared", self._objects.setdefault(manager.id or manager.name, make()))

    @contextmanager
    def odbc(self, reference: str) -> Iterator[pyodbc.Connection]:
        """Open, or share, a connection to the database of a connection manager."""
        manager = self.get(reference)
        if not manager.retains:
            connection = self.connect(manager)
            try:
                yield connection
            finally:
                _close(connection)
            return
        with self._lock:
            shared = self._shared.setdefault(manager.id or manager.name, SharedConnection())
        with shared.held(self._cancel):
            if shared.connection is None:
                shared.connection = self.connect(manager)
            yield shared.connection

    def connect(self, manager: RunConnection) -> pyodbc.Connection:
        """Open a separate connection in autocommit mode, which the caller closes.

        :param manager: the connection manager.
        :raises TaskFailure: it cannot be connected, with the driver's reason.
        :raises Cancelled: the run was cancelled.
        """
        import pyodbc

        address = self.address(manager.id or manager.name)
        if self._reasons is not None and address.string in self._reasons:
            raise _no_connection(manager, address, self._reasons[address.string])

        def open_one() -> pyodbc.Connection:
            with driver_environment(address.environment):
                return pyodbc.connect(
                    address.string,
                    autocommit=True,
                    timeout=address.login_timeout,
                    attrs_before=dict(address.attributes),
                )

        try:
            connection = _interruptible(open_one, self._cancel)
        except pyodbc.Error as error:
            reason = address.without_secrets(driver_message(error))
        else:
            if address.query_timeout:  # some drivers reject the attribute
                connection.timeout = address.query_timeout
            read_all_types(connection)
            return connection
        if self._reasons is not None:
            self._reasons[address.string] = reason
        # Outside the except clause: the traceback of the driver's exception would show its arguments.
        raise _no_connection(manager, address, reason)

    def close(self) -> None:
        """Close all that is kept open. Call it at the end of the run, also of one that failed."""
        with self._lock:
            kept: list[Closable] = [*self._shared.values(), *self._objects.values()]
            self._shared, self._objects = {}, {}
        for each in kept:
            each.close()


def _close(connection: pyodbc.Connection) -> None:
    import pyodbc

    # A connection that broke cannot be closed in order.
    with suppress(pyodbc.Error):
        connection.close()


def _no_connection(manager: RunConnection, address: OdbcAddress, reason: str) -> TaskFailure:
    code = _OLE_DB_ERROR if manager.kind == "OLEDB" else _CANNOT_CONNECT
    text = f'The connection manager "{manager.name}" could not connect to {address.label}: {reason}'
    return TaskFailure(text, code)


def _interruptible(open_one: Callable[[], pyodbc.Connection], cancel: CancelToken) -> pyodbc.Connection:
    """Connect in another thread, because a driver that waits for a server cannot be interrupted.

    After cancelling, that thread closes the connection as soon as it is open.
    """
    done = threading.Event()
    lock = threading.Lock()
    result: list[pyodbc.Connection] = []
    problem: list[BaseException] = []
    abandoned = False

    def work() -> None:
        try:
            connection = open_one()
        except BaseException as error:  # noqa: BLE001 is raised in the thread that waits
            problem.append(error)
        else:
            with lock:
                result.append(connection)
                if abandoned:
                    _close(connection)
        done.set()

    cancel.check()
    threading.Thread(target=work, name="ssis-connect", daemon=True).start()
    try:
        with cancel.interrupts(done.set):
            done.wait()
    except Cancelled:
        with lock:
            abandoned = True
            for connection in result:
                _close(connection)
        raise
    if problem:
        raise problem[0]
    return result[0]
