"""The embedded SSISDB under the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pyodbc

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.connection_fields import read_fields
from airflow_provider_ssis.hooks.connector import StandaloneConnector
from airflow_provider_ssis.verify.answers import Server
from airflow_provider_ssis.verify.probe import Probe
from airflow_provider_ssis.verify.sample_project import WAIT


def script(server: SsisdbEmulator) -> None:
    """Let the package that is stopped wait instead of counting, which takes less processor time."""
    server.scripts.take(600, package=WAIT)


@contextmanager
def probing(uri: str) -> Iterator[Probe]:
    """A probe of the server behind a URI; what it makes is removed at the end."""
    connector = StandaloneConnector(read_fields(uri, conn_id="verify"))
    with closing(connector.get_conn()) as connection:
        catalog = Catalog(connection)
        probe = Probe(
            Server(connection, pyodbc.Error),
            catalog.server_session(),
            refuses_login=catalog.refuses_login(),
            poll_interval=0.05,
        )
        try:
            yield probe
        finally:
            assert probe.remove() == []
