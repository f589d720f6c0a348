"""Name tables and files by the naming rules of the OpenLineage specification (``spec/Naming.md``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath

from airflow_provider_ssis.project.connection_strings import connection_pairs

_NAME_PART = re.compile(r'\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|([^.\[\]"]+)')
_FILES = frozenset({"FLATFILE", "FILE"})
_SERVER = ("data source", "server", "address", "addr", "network address")
_DATABASE = ("initial catalog", "database")
_SPREADSHEETS = ("microsoft.ace.", "microsoft.jet.")
_SQL_SERVER = re.compile(r"sqlncli|msoledbsql|sqloledb|sqlclient|sql server|freetds|tdsodbc", re.IGNORECASE)
_LOCAL = frozenset({".", "(local)", "localhost", "127.0.0.1", "::1", "[::1]", ""})
_PROTOCOL = re.compile(r"^(?:tcp|np|lpc|admin):", re.IGNORECASE)
_SQL_SERVER_PORT = 1433
_DEFAULT_SCHEMA = "dbo"


@dataclass(frozen=True, slots=True, order=True)
class Dataset:
    """A table or file, by the names of OpenLineage.

    :param namespace: where it is: ``mssql://dw01:1433``, ``file``, ``file://share-server``.
    :param name: its name there: ``DW.dbo.Sales``, ``C:/data/orders.csv``.
    """

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a connection manager leads.

    :param namespace: the namespace of its tables; of the file itself if it is a file.
    :param database: the database of a server; empty if the connection string names none.
    :param path: the path of the file; empty for a server.
    """

    namespace: str
    database: str = ""
    path: str = ""

    @property
    def file(self) -> Dataset | None:
        """The file; None for a server."""
        return Dataset(self.namespace, self.path) if self.path else None


class UnknownAddress(ValueError):
    """A connection whose place cannot be named."""


def address_of(
    kind: str, creation_name: str, connection_string: str, overrides: Mapping[str, str], *, machine: str = ""
) -> Address:
    """Return where a connection manager leads.

    :param kind: its type without details: ``OLEDB``, ``ADO.NET``, ``ODBC``, ``FLATFILE``, ``EXCEL``, ...
    :param creation_name: its type as stored.
    :param connection_string: the connection string.
    :param overrides: its properties ``ServerName`` and ``InitialCatalog``, where they have values besides the string.
    :param machine: the machine that runs the package, for servers named ``.`` or ``localhost``. Default: unknown, then
        the name stays ``localhost``.
    :raises UnknownAddress: the place cannot be named.
    """
    kind = kind.upper()
    if kind in _FILES:
        return _file(connection_string)
    pairs = connection_pairs(connection_string)
    if kind == "EXCEL" or pairs.get("provider", "").lower().startswith(_SPREADSHEETS):
        # The property ServerName of an Excel connection manager is the path, too.
        return _file(overrides.get("ExcelFilePath") or overrides.get("ServerName") or pairs.get("data source", ""))
    product = " ".join((creation_name, pairs.get("provider", ""), pairs.get("driver", "")))
    # ADO.NET without the name of a provider, or with the short one of format 8, is the client of SQL Server.
    is_client = kind == "ADO.NET" and creation_name.upper() in ("ADO.NET", "ADO.NET:SQL")
    if not is_client and _SQL_SERVER.search(product) is None:
        raise UnknownAddress("it is neither SQL Server nor a file")
    server = overrides.get("ServerName") or next((pairs[name] for name in _SERVER if name in pairs), "")
    database = overrides.get("InitialCatalog") or next((pairs[name] for name in _DATABASE if name in pairs), "")
    # FreeTDS has a key for the port.
    if (port := pairs.get("port", "")) and "ServerName" not in overrides and "," not in server:
        server = f"{server},{port}"
    return Address(_sql_server(server, machine), database=database)


def _sql_server(server: str, machine: str) -> str:
    if server.strip().lower().startswith(("np:", "\\\\")):
        raise UnknownAddress(f"the server {server!r} is a named pipe")
    place, _, port = _PROTOCOL.sub("", server.strip()).partition(",")
    host, _, instance = place.strip().partition("\\")
    host = host.strip()
    if host.startswith("("):
        # (localdb)\\Name is a process of the user, on no port.
        if host.lower() != "(local)":
            raise UnknownAddress(f"the server {server!r} has no host name")
        host = ""
    if not server.strip():
        raise UnknownAddress("it names no server")
    host = (machine or "localhost") if host.lower() in _LOCAL else host
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host  # IPv6
    if port.strip() and not port.strip().isdecimal():
        raise UnknownAddress(f"the port of the server {server!r} is not a number")
    if port.strip():
        return f"mssql://{host.lower()}:{port.strip()}"
    # The port of a named instance is known only to the server's browser service.
    return f"mssql://{host.lower()}/{instance.lower()}" if instance else f"mssql://{host.lower()}:{_SQL_SERVER_PORT}"


def _file(path: str) -> Address:
    path = path.strip().strip('"')
    if not path:
        raise UnknownAddress("it names no file")
    if path.startswith(("\\\\", "//")) and not path.startswith(("\\\\?\\", "\\\\.\\")):
        server, _, rest = path[2:].replace("\\", "/").partition("/")
        return Address(f"file://{server.lower()}", path=f"/{rest}")
    windows = PureWindowsPath(path)
    return Address("file", path=windows.as_posix() if windows.drive or "\\" in path else path)


def name_parts(text: str) -> tuple[str, ...]:
    """Return the parts of a table's name: ``[DW].[dbo].[Sales]``, ``"dbo"."Sales"``, ``DW..Sales``.

    :param text: the name.
    """
    parts: list[str] = []
    position = 0
    text = text.strip()
    while position <= len(text):
        match = _NAME_PART.match(text, position)
        if match is None:
            parts.append("")
        else:
            bracketed, quoted, plain = match.groups()
            part = bracketed.replace("]]", "]") if bracketed is not None else ""
            part = quoted.replace('""', '"') if quoted is not None else part
            parts.append(plain.strip() if plain is not None else part)
            position = match.end()
        if position >= len(text) or text[position] != ".":
            break
        position += 1
    return tuple(parts)


def table_of(address: Address, parts: tuple[str, ...]) -> Dataset:
    """Return a table of a server.

    :param address: the server.
    :param parts: the parts of the table's name; the schema is ``dbo`` and the database that of the connection unless
        the name has them.
    :raises UnknownAddress: the connection leads to a file, the name has no database, or is on a linked server.
    """
    if address.path:
        raise UnknownAddress("it leads to a file, not to a server")
    if not parts or not parts[-1]:
        raise UnknownAddress("the table has no name")
    if len(parts) > 3:
        raise UnknownAddress(f"{'.'.join(parts)} is on a linked server")
    database, schema, table = ("",) * (3 - len(parts)) + parts
    database = database or address.database
    if not database:
        raise UnknownAddress(f"the database of the table {'.'.join(parts)} is not known")
    return Dataset(address.namespace, f"{database}.{schema or _DEFAULT_SCHEMA}.{table}")
