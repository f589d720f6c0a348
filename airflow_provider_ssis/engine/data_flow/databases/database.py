"""The connection of a component to a database.

Cursors are closed with ``contextlib.closing``: as a context manager, a cursor of pyodbc commits the transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import pyodbc

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import INVALID, Component

if TYPE_CHECKING:
    import mssql_python

ERROR_OF_PROVIDER = 0xC0202009
"""DTS_E_OLEDBERROR."""

_SQL_SERVER = "Microsoft SQL Server"
_MICROSOFT_DRIVERS = ("msodbcsql", "sqlncli")
_KEYWORDS = frozenset(
    "server address addr uid pwd authentication trusted_connection database encrypt trustservercertificate"
    " hostnameincertificate servercertificate serverspn multisubnetfailover applicationintent connectretrycount"
    " connectretryinterval keepalive keepaliveinterval ipaddresspreference packetsize".split()
)
"""The keywords that mssql-python accepts; it uses its own copy of the driver."""
_WITHOUT_EFFECT = frozenset(("driver", "app", "wsid", "autotranslate", "language", "mars_connection"))
"""Keywords that change nothing in reading and writing rows as Unicode."""


@dataclass(frozen=True, slots=True)
class Database:
    """The connection of a component to a database.

    :param connection: the connection; in a transaction of the package it is not in autocommit mode.
    :param odbc_string: its ODBC connection string, with the password; empty in a transaction of the package.
    :param is_retained: whether all users of the connection manager share the connection.
    :param in_package_transaction: whether a transaction of the package is open on the connection.
    :param cancel: cancelling the run.
    """

    connection: pyodbc.Connection = field(repr=False)
    odbc_string: str = field(repr=False)
    is_retained: bool
    in_package_transaction: bool
    cancel: CancelToken
    use: AbstractContextManager[Any] = field(default_factory=threading.RLock, repr=False)
    """Is held while statements run, so that components in several threads can share the connection."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open: of the package, or begun by a statement on a retained connection."""
        if self.in_package_transaction or not (self.is_retained and self.is_sql_server):
            return self.in_package_transaction
        with closing(self.connection.cursor()) as cursor:
            return bool(cursor.execute("SELECT @@TRANCOUNT").fetchval())

    @property
    def is_shared(self) -> bool:
        """Whether all statements have to use this connection."""
        return self.is_retained or self.in_package_transaction

    @property
    def is_sql_server(self) -> bool:
        """Whether the database is SQL Server."""
        return str(self.connection.getinfo(pyodbc.SQL_DBMS_NAME)) == _SQL_SERVER

    @property
    def uses_microsoft_driver(self) -> bool:
        """Whether Microsoft's driver for SQL Server is used."""
        driver = str(self.connection.getinfo(pyodbc.SQL_DRIVER_NAME)).lower()
        return self.is_sql_server and any(name in driver for name in _MICROSOFT_DRIVERS)

    @property
    def microsoft_string(self) -> str | None:
        """The connection string for mssql-python; None if it cannot connect to the database."""
        if not self.odbc_string or not self.uses_microsoft_driver:
            return None
        pairs = connection_pairs(self.odbc_string)
        if any(key not in _KEYWORDS | _WITHOUT_EFFECT for key in pairs):
            return None
        return ";".join(f"{key}={{{pairs[key].replace('}', '}}')}}}" for key in pairs if key in _KEYWORDS)

    def connect_arrow(self) -> mssql_python.Connection | None:
        """Connect again with mssql-python, for Arrow batches; None if it cannot log in as this connection has.

        Statements that have to use the connection of the package cannot use this one: see :attr:`is_shared`.
        """
        text = self.microsoft_string
        if text is None:
            return None
        import mssql_python  # other databases need not load it

        try:
            return mssql_python.connect(text, autocommit=True)
        except (mssql_python.Error, RuntimeError):
            return None


def connection_pairs(text: str) -> dict[str, str]:
    """Return the keywords of an ODBC connection string, in lower case, with their values; the first of several counts.

    :param text: the connection string.
    """
    pairs: dict[str, str] = {}
    position = 0
    while position < len(text):
        equals = text.find("=", position)
        if equals < 0:
            break
        key = text[position:equals].strip(" ;").lower()
        start = equals + 1
        if text[start : start + 1] == "{":
            value, position = _braced(text, start + 1)
        else:
            end = text.find(";", start)
            end = len(text) if end < 0 else end
            value, position = text[start:end].strip(), end + 1
        pairs.setdefault(key, value)
    return pairs


def _braced(text: str, start: int) -> tuple[str, int]:
    value = ""
    while True:
        end = text.find("}", start)
        if end < 0:
            return value + text[start:], len(text)
        value += text[start:end]
        if text[end + 1 : end + 2] != "}":
            after = text.find(";", end)
            return value, len(text) if after < 0 else after + 1
        value += "}"
        start = end + 2


_LOCK = threading.Lock()
_USES: WeakValueDictionary[int, Any] = WeakValueDictionary()
"""The lock of each open connection, by the id of the connection, as long as a component uses it."""


@contextmanager
def open_database(context: TaskContext, component: Component) -> Iterator[Database]:
    """Open, or share, the connection of a component.

    :param context: the running task.
    :param component: the component, with one connection manager.
    :raises TaskFailure: it has none, or it cannot be connected.
    """
    reference = connection_reference(component)
    manager = context.connections.get(reference)
    with context.connections.odbc(reference) as connection:
        # A connection with a transaction is the only one of its connection manager.
        text = context.connections.odbc_string(reference) if connection.autocommit else ""
        with _LOCK:
            use = _USES.setdefault(id(connection), threading.RLock())
        yield Database(connection, text, manager.retains, not connection.autocommit, context.cancel, use)


def other_users(component: Component) -> list[Any]:
    """Return the elements of the other components of the data flow that use the connection manager of a component.

    :param component: the component.
    """
    parent = component.element.getparent()
    own = _managers(component.element)
    siblings = [] if parent is None else parent.iterfind("component")
    return [each for each in siblings if each is not component.element and own & _managers(each)]


def _managers(component: Any) -> set[str]:
    names = ("connectionManagerRefId", "connectionManagerID")
    found = {connection.get(name, "") for connection in component.iterfind("connections/connection") for name in names}
    return found - {""}


def connection_reference(component: Component) -> str:
    """Return the reference to the first connection manager of a component.

    :raises TaskFailure: 0xC004800B, it has none.
    """
    for connection in component.connections:
        reference = connection.manager_ref_id or connection.manager_id
        if reference and not reference.endswith(INVALID):
            return reference
    raise TaskFailure(f"{component.name} has no connection manager. Choose one in the package.", 0xC004800B)


def provider_failure(error: Exception, what: str) -> TaskFailure:
    """Return the failure for an error of a driver.

    :param error: the error.
    :param what: the failed action: ``The query of Orders``.
    """
    reason = driver_text(error)
    return TaskFailure(f"{what} failed: {reason}", ERROR_OF_PROVIDER)


def driver_text(error: Exception) -> str:
    """Return the text of a driver's error, without the names of its layers.

    :param error: of pyodbc or mssql-python.
    """
    text = str(error.args[1]) if isinstance(error, pyodbc.Error) and len(error.args) > 1 else str(error)
    while text.startswith("["):
        text = text.partition("]")[2].lstrip()
    return text
