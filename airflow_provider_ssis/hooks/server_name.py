"""The server's name as an Airflow connection has it: a name alone, since the port has its own field."""

from __future__ import annotations

from airflow_provider_ssis.hooks.extra import InvalidConnection

_PROTOCOLS = ("tcp", "np", "lpc", "admin")
"""What ODBC connection strings of Windows have before a server's name."""


def server_name(host: str, *, conn_id: str) -> str:
    """The server's name, without blanks around it.

    :param host: the host of the connection; empty where a data source says where the server is.
    :param conn_id: the connection's id, for messages.
    :raises InvalidConnection: there is nothing but blanks, or more than a name.
    """
    name = host.strip()
    if host and not name:
        raise InvalidConnection(
            f"The connection {conn_id!r} names no host", advice="Enter the server's name as its host."
        )
    protocol, colon, rest = name.partition(":")
    has_protocol = bool(colon) and protocol.lower() in _PROTOCOLS
    bare, port = _split(rest if has_protocol else name)
    if port is None and not has_protocol:
        return name
    what = "a port" if not has_protocol else "a protocol" if port is None else "a protocol and a port"
    advice = f"Leave {bare!r} there" + ("." if port is None else f", and put the port {port} into Port.")
    raise InvalidConnection(f"The connection {conn_id!r} has {what} in its host, {name!r}", advice=advice)


def _split(name: str) -> tuple[str, str | None]:
    """The name and the port behind it, None where there is none. Several colons are those of an IPv6 address."""
    separator = "," if "," in name or name.count(":") != 1 else ":"
    bare, found, port = name.partition(separator)
    return bare.strip(), port.strip() if found else None
