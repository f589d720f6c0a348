"""The server to try when another one is out of reach."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_ssis.odbc.target import OdbcTarget


def partner_of(target: OdbcTarget, partner: str) -> OdbcTarget:
    """The partner of a server, to be met in the same way and by the same identity.

    What is the server's own is not the partner's: its data source, its service principal, the name in its certificate,
    and its port where the partner is a named instance, whose port the SQL Server Browser tells.

    :param target: the server that is out of reach.
    :param partner: ``HOST``, ``HOST\\INSTANCE`` or ``HOST,PORT``; a host alone listens at the same port.
    """
    host, _, port = partner.partition(",")
    host = host.strip()
    return replace(
        target,
        host=host,
        port=int(port) if port else None if "\\" in host else target.port,
        dsn=None,
        server_spn=None,
        host_name_in_certificate=None,
    )
