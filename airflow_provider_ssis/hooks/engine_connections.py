"""Airflow connections as connection strings for packages that run on a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.exceptions import InvalidTaskArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.providers.common.compat.sdk import Connection


def connection_string(conn_id: str) -> str:
    """Return the connection string of an Airflow connection, with its password.

    :param conn_id: a connection of the type ``odbc``, ``mssql``, ``postgres``, ``fs`` or ``ftp``.
    :raises InvalidTaskArgument: it has another type, or no host.
    :raises AirflowNotFoundException: there is no such connection.
    """
    from airflow.providers.common.compat.sdk import BaseHook

    connection = BaseHook.get_connection(conn_id)
    make = _BY_TYPE.get(connection.conn_type or "")
    if make is None:
        known = ", ".join(_BY_TYPE)
        raise InvalidTaskArgument(
            f"The connection {conn_id!r} has the type {connection.conn_type!r}, which has no connection string for "
            f"packages. Use a connection of the type {known}, or give a string with the argument connections."
        )
    return make(conn_id, connection)


def _odbc(conn_id: str, connection: Connection) -> str:
    from airflow.providers.odbc.hooks.odbc import OdbcHook

    return str(OdbcHook(odbc_conn_id=conn_id).odbc_connection_string)


def _mssql(conn_id: str, connection: Connection) -> str:
    # The engine chooses the ODBC driver, as for the connection strings of packages.
    host = _host(conn_id, connection)
    return _ole_db(
        {
            "Provider": "MSOLEDBSQL",
            "Data Source": f"{host},{connection.port}" if connection.port else host,
            "Initial Catalog": connection.schema,
            "User ID": connection.login,
            "Password": connection.password,
        }
    )


def _postgres(conn_id: str, connection: Connection) -> str:
    return _braced(
        {
            "Driver": "PostgreSQL Unicode",
            "Server": _host(conn_id, connection),
            "Port": connection.port or 5432,
            "Database": connection.schema,
            "UID": connection.login,
            "PWD": connection.password,
        }
    )


def _folder(conn_id: str, connection: Connection) -> str:
    return str(connection.extra_dejson.get("path") or "/")


def _ftp(conn_id: str, connection: Connection) -> str:
    return f"{_host(conn_id, connection)}:{connection.port or 21}"


def _host(conn_id: str, connection: Connection) -> str:
    if not connection.host:
        raise InvalidTaskArgument(f"The connection {conn_id!r} has no host. Set it in Airflow's connections.")
    return connection.host


def _ole_db(values: Mapping[str, Any]) -> str:
    doubled = {key: str(value).replace('"', '""') for key, value in values.items() if value not in (None, "")}
    return ";".join(f'{key}="{value}"' for key, value in doubled.items())


def _braced(values: Mapping[str, Any]) -> str:
    doubled = {key: str(value).replace("}", "}}") for key, value in values.items() if value not in (None, "")}
    return ";".join(f"{key}={{{value}}}" for key, value in doubled.items())


_BY_TYPE: dict[str, Callable[[str, Connection], str]] = {
    "odbc": _odbc,
    "mssql": _mssql,
    "postgres": _postgres,
    "fs": _folder,
    "ftp": _ftp,
}
