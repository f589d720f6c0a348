"""The values with which the user replaces those of a connection manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.provider_string import (
    compact,
    odbc_string,
    parse_odbc_string,
    parse_provider_string,
)

Replacement = str | Mapping[str, str]
"""A whole connection string, of the manager's provider or of ODBC; or some keys and properties by name."""

_PROPERTIES_OF_STRINGS = {"servername": "Data Source", "initialcatalog": "Initial Catalog", "username": "User ID"}
"""Properties of Microsoft's object model that are keys of a connection string of OLE DB and ADO.NET."""

_PROPERTIES_OF_ODBC = {"servername": "Server", "initialcatalog": "Database", "username": "UID"}
"""The same for connection strings of ODBC."""

_DATABASES = ("OLEDB", "ADO", "ADO.NET", "EXCEL")


def is_whole(replacement: Replacement) -> bool:
    """Return True if what replaces a connection manager is, or contains, a whole connection string."""
    return isinstance(replacement, str) or bool({"connectionstring", "driver", "dsn"} & set(map(compact, replacement)))


def replaced(connection: RunConnection, replacement: Replacement) -> RunConnection:
    """Return a connection manager with the values that the user gives.

    :param connection: the connection manager.
    :param replacement: a string replaces the whole connection string and the stored password. A mapping replaces single
        keys of the connection string, or properties: ``{"Data Source": "db1", "Password": "…"}``; with ``Driver`` or
        ``DSN`` it is a whole connection string of ODBC.
    :raises TaskFailure: 0xC0024108, the connection string in which keys should be replaced is malformed.
    """
    if isinstance(replacement, str):
        return _with_string(connection, replacement)
    given = {compact(key): (key, str(value)) for key, value in replacement.items()}
    whole = given.pop("connectionstring", None)
    if whole is not None:
        connection = _with_string(connection, whole[1])
    if {"driver", "dsn"} & set(given):
        driver = given.pop("driver", None)
        start = f"DRIVER={{{driver[1].strip('{}')}}};" if driver else ""
        return _with_string(connection, start + odbc_string(given.values()))
    properties = {name: value for name, value in connection.properties.items() if compact(name) not in given}
    stored = {compact(name): name for name in connection.properties}
    pairs: list[tuple[str, str]] = []
    is_odbc = connection.kind == "ODBC" or "System.Data.Odbc" in connection.creation_name
    names = _PROPERTIES_OF_ODBC if is_odbc else _PROPERTIES_OF_STRINGS
    for short, (key, value) in given.items():
        if (is_odbc or connection.kind in _DATABASES) and short not in ("password", "pwd", "retain"):
            pairs.append((names.get(short, key), value))
        else:
            properties[stored.get(short, key)] = value
    if connection.kind == "FTP":
        string = _ftp_server(connection.connection_string, {short: value for short, (_, value) in given.items()})
        return replace(connection, connection_string=string, properties=properties)
    if not pairs:
        return replace(connection, properties=properties)
    parse = parse_odbc_string if is_odbc else parse_provider_string
    old = parse(connection.connection_string, connection.name)
    new = {compact(key) for key, _ in pairs}
    kept = [pair for pair in old if not _names(compact(pair[0])) & {name for key in new for name in _names(key)}]
    changed = (*kept, *pairs)
    string = odbc_string(changed) if is_odbc else "".join(f"{key}={_quoted(value)};" for key, value in changed)
    return replace(connection, connection_string=string, properties=properties)


_SYNONYMS = (
    frozenset({"datasource", "server", "address", "addr", "networkaddress"}),
    frozenset({"initialcatalog", "database"}),
    frozenset({"userid", "uid", "user"}),
    frozenset({"integratedsecurity", "trustedconnection"}),
)


def _names(key: str) -> frozenset[str]:
    return next((names for names in _SYNONYMS if key in names), frozenset({key}))


def _ftp_server(string: str, given: Mapping[str, str]) -> str:
    """The connection string of FTP, ``host:port``, with another server or port."""
    host, _, port = string.strip().rpartition(":")
    if not port.isdecimal():
        host, port = string.strip(), ""
    host, port = given.get("servername", host), given.get("serverport", port)
    return f"{host}:{port}" if port and host else host


def _quoted(value: str) -> str:
    if set(value) & set(";'\"") or value != value.strip():
        return '"' + value.replace('"', '""') + '"'
    return value


def _with_string(connection: RunConnection, text: str) -> RunConnection:
    properties = {
        name: value
        for name, value in connection.properties.items()
        if compact(name) not in ("password", "pwd", "connectionstring")
    }
    return replace(connection, connection_string=text, properties=properties)
