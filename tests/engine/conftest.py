"""A PostgreSQL server for the tests of databases other than SQL Server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgresql import postgresql_programs, running_postgresql

DRIVER = "PostgreSQL Unicode"


@pytest.fixture(scope="session")
def postgresql_odbc() -> Iterator[str]:
    """The ODBC connection string of an empty database of PostgreSQL, through psqlODBC."""
    import pyodbc

    programs = postgresql_programs()
    if programs is None or DRIVER not in pyodbc.drivers():
        pytest.skip("needs PostgreSQL and psqlODBC (Debian, Ubuntu: apt-get install postgresql odbc-postgresql)")
    with running_postgresql(programs) as address:
        user, _, rest = address.partition("@")
        host, _, port = rest.partition("/")[0].partition(":")
        database = rest.partition("/")[2]
        yield f"DRIVER={{{DRIVER}}};SERVER={host};PORT={port};DATABASE={database};UID={user};"
