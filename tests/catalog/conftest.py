"""A catalog over each client, on the embedded SSISDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pymssql
import pyodbc
import pytds
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.odbc.drivers import DriverFamily
from airflow_provider_ssis.odbc.target import Encrypt

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.server import SsisdbEmulator

Connect = Callable[["SsisdbEmulator"], Any]


def _odbc(family: DriverFamily, encrypt: Encrypt) -> Connect:
    return lambda server: pyodbc.connect(server.odbc(family, encrypt=encrypt))


def _pymssql(server: SsisdbEmulator) -> Any:
    return pymssql.connect(
        server=server.host, port=str(server.port), user=server.user, password=server.password, database="SSISDB"
    )


def _pytds(server: SsisdbEmulator) -> Any:
    return pytds.connect(
        dsn=server.host, port=server.port, user=server.user, password=server.password, database="SSISDB"
    )


CLIENTS: dict[str, Connect] = {
    "Microsoft": _odbc(DriverFamily.MICROSOFT, Encrypt.YES),
    "Microsoft, plain": _odbc(DriverFamily.MICROSOFT, Encrypt.NO),
    "FreeTDS": _odbc(DriverFamily.FREETDS, Encrypt.YES),
    "pymssql": _pymssql,
    "python-tds": _pytds,
}


@pytest.fixture
def catalog(ssisdb_emulator: SsisdbEmulator) -> Iterator[Catalog]:
    """A catalog over Microsoft's driver."""
    with Catalog(CLIENTS["Microsoft"](ssisdb_emulator)) as client:
        yield client


@pytest.fixture(params=CLIENTS)
def any_catalog(request: pytest.FixtureRequest, ssisdb_emulator: SsisdbEmulator) -> Iterator[Catalog]:
    """A catalog over each client in turn."""
    with Catalog(CLIENTS[request.param](ssisdb_emulator)) as client:
        yield client
