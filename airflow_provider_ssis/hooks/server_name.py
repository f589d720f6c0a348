"""The host of an Airflow connection: a server's name without protocol and port, which has a separate field."""

from __future__ import annotations

from airflow_provider_ssis.hooks.extra import InvalidConnection

_PROTOCOLS = ("tcp", "np", "lpc", "admin")
"""Protocol prefixes in ODBC connection strings on Windows."""


def server_name(host: str, *, conn_id: str) -> str:
    """The server's name, without blanks around it.

    :param host: the connection's host; empty if a data source defines the server.
    :param conn_id: the connection's id, for messages.
    :raises InvalidConnection: the host consists of blanks, or contains a protocol or port.
    """
    name = host.strip()
    if host and not name:
        raise InvalidConnection(
            f"The connection {conn_id!r} has no host", advice="Enter the server's name as its host."
        )
    protocol, colon, rest = name.partition(":")
    has_protocol = bool(colon) and protocol.lower() in _PROTOCOLS
    bare, port = _split(rest if has_protocol else name)
    if port is None and not has_protocol:
        return name
    what = "a port" if not has_protocol else "a protocol" if port is None else "a protocol and a port"
    advice = f"Enter only {bare!r} as host" + ("." if port is None else f", and {port} as port.")
    raise InvalidConnection(f"The connection {conn_id!r} has {what} in its host, {name!r}", advice=advice)


def _split(name: str) -> tuple[str, str | None]:
    """The name and the port after it, None if there is none. Several colons belong to an IPv6 address."""
    separator = "," if "," in name or name.count(":") != 1 else ":"
    bare, found, port = name.partition(separator)
    return bare.strip(), port.strip() if found else None
