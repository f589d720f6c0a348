"""The server to use if another one cannot be reached."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_ssis.odbc.target import OdbcTarget


def partner_of(target: OdbcTarget, partner: str) -> OdbcTarget:
    """The partner of a server, with the same identity and options.

    Data source, service principal and the name in the certificate are not used for the partner, nor is the port if the
    partner is a named instance, because the SQL Server Browser reports its port.

    :param target: the server that cannot be reached.
    :param partner: ``HOST``, ``HOST\\INSTANCE`` or ``HOST,PORT``. A host without port has the server's port.
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
