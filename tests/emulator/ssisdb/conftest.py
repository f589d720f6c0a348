"""A server on which the folder Sales contains the project Mart, and a connection to it. Modules override the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, deploy
from tests.support.mart import MART


@pytest.fixture
def server(ssisdb_emulator: SsisdbEmulator) -> SsisdbEmulator:
    deploy(ssisdb_emulator, MART)
    return ssisdb_emulator


@pytest.fixture
def connection(server: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(connect(server)) as connection:
        yield connection
