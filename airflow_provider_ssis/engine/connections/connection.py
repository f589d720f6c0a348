"""A connection manager with the values that it has in a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_ssis.project.package.connections import CacheColumn, FlatFileColumn
from airflow_provider_ssis.project.package.elements import is_true

if TYPE_CHECKING:
    import pyodbc


@dataclass(frozen=True, slots=True)
class RunConnection:
    """A connection manager with the values that it has at this moment of a run.

    Property expressions, configurations, parameters and the user's replacements are applied.

    :param name: the name of the connection manager.
    :param id: its GUID, in braces.
    :param kind: ``OLEDB``, ``ADO.NET``, ``ODBC``, ``FLATFILE``, ``FILE``, ``EXCEL``, ``SMTP``, ``FTP``, ``CACHE``, ...
    :param creation_name: its type as stored: ``ADO.NET:System.Data.SqlClient.SqlConnection, …``.
    :param connection_string: in the form of its provider, without the password in ``properties``. Not in the ``repr``.
    :param properties: its properties by the names of the package format; not part of the ``repr``.
    :param columns: the columns of a flat file.
    :param cache_columns: the columns of a cache.
    """

    name: str
    id: str
    kind: str
    creation_name: str
    connection_string: str = field(repr=False)
    properties: Mapping[str, str] = field(repr=False)
    columns: tuple[FlatFileColumn, ...] = ()
    cache_columns: tuple[CacheColumn, ...] = ()

    @property
    def retains(self) -> bool:
        """Whether all users of the manager share one connection (RetainSameConnection)."""
        return is_true(self.properties.get("Retain"))


class Closable(Protocol):
    """An object that is closed at the end of a run."""

    def close(self) -> None:
        """Release everything. Can be called twice."""


Shared = TypeVar("Shared", bound=Closable)


class Connections(Protocol):
    """The connection managers of a run, as its tasks and components see them."""

    def get(self, reference: str) -> RunConnection:
        """Return a connection manager.

        :param reference: its GUID, refId or name, in any form of the package format.
        :raises TaskFailure: 0xC001000E, there is no such connection manager.
        """

    def odbc(self, reference: str) -> AbstractContextManager[pyodbc.Connection]:
        """Open, or share, a connection to the database of a connection manager.

        OLE DB and ADO.NET strings are mapped to ODBC. The connection is in autocommit mode unless a transaction of the
        package is open; the context closes it unless the manager retains it. One thread uses it at a time.

        :param reference: as for :meth:`get`.
        :raises TaskFailure: it cannot be connected, with the driver's reason and without secrets.
        """

    def odbc_string(self, reference: str) -> str:
        """Return the ODBC connection string of a connection manager, for libraries that open their own connection.

        Contains the password: never show it.

        :param reference: as for :meth:`get`.
        :raises TaskFailure: the provider has no counterpart in ODBC.
        """

    def shared(self, reference: str, make: Callable[[], Shared]) -> Shared:
        """Return the object that the tasks of the run share under a connection manager, such as the rows of a cache.

        :param reference: as for :meth:`get`.
        :param make: makes it at the first call. The end of the run closes it.
        :raises TaskFailure: there is no such connection manager.
        """

    def maps(self, text: str) -> bool:
        """Return True if a rule of the user maps a path.

        :param text: the path as the package has it.
        """

    def path(self, text: str) -> Path:
        r"""Map a path of Windows to one of this machine, by the user's rules (``C:\data=/data``).

        A path without a rule is taken as it is if it is a path of this machine.

        :param text: the path as the package has it.
        :raises TaskFailure: no rule maps a path of Windows; names the path and the option.
        """
