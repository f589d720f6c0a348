"""The databases of the components that read and write tables."""

from __future__ import annotations

import pytest

from tests.support.databases import TestDatabase, sql_server_database


@pytest.fixture(params=["sql_server", pytest.param("postgresql", marks=pytest.mark.processes)])
def database(request: pytest.FixtureRequest) -> TestDatabase:
    """A database of each kind."""
    if request.param == "sql_server":
        return sql_server_database(request.getfixturevalue("ssisdb_emulator_server"))
    odbc = request.getfixturevalue("postgresql_odbc")
    return TestDatabase(odbc, odbc, is_sql_server=False)
