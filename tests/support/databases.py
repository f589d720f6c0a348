"""Databases for tests that run the same on several: the embedded server, and PostgreSQL through psqlODBC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyodbc

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.odbc.drivers import DriverFamily
from tests.support.database_components import ole_db_string

NAME = "Engine"
"""The database of the tests on the embedded server."""

_TYPES = {"float": "double precision", "datetime2": "timestamp", "bit": "boolean", "identity": "serial"}


@dataclass(frozen=True)
class TestDatabase:
    """A database.

    :param manager: the connection string for a connection manager.
    :param odbc: the connection string for the test.
    """

    __test__ = False

    manager: str
    odbc: str
    is_sql_server: bool

    def run(self, *statements: str) -> None:
        """Run statements that return no rows."""
        connection = pyodbc.connect(self.odbc, autocommit=True)
        try:
            for statement in statements:
                connection.execute(statement)
        finally:
            connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        connection = pyodbc.connect(self.odbc, autocommit=True)
        try:
            return [tuple(row) for row in connection.execute(query).fetchall()]
        finally:
            connection.close()

    def describes(self, table: str) -> bool:
        """Whether the catalog of the database has the columns of a table, from which defaults and identities come."""
        if not self.is_sql_server:
            return True
        return bool(self.rows(f"SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('{table}')"))

    def create(self, table: str, *columns: str) -> str:
        """Create a table, or replace it; returns its name.

        :param columns: name and type as SQL Server has them; ``identity`` is an integer that the database numbers.
        """
        self.run(f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({', '.join(self._columns(columns))})")
        return table

    def _columns(self, columns: Sequence[str]) -> list[str]:
        if self.is_sql_server:
            return [column.replace(" identity", " int IDENTITY(1,1)") for column in columns]
        found = []
        for column in columns:
            name, type_, *rest = column.split()
            found.append(" ".join([name, _TYPES.get(type_, type_.replace("nvarchar", "varchar")), *rest]))
        return found


def sql_server_database(server: SsisdbEmulator) -> TestDatabase:
    """An empty database of the embedded server."""
    odbc = server.odbc(DriverFamily.MICROSOFT)
    connection = pyodbc.connect(odbc, autocommit=True)
    try:
        if connection.execute("SELECT DB_ID(?)", NAME).fetchval() is None:
            connection.execute(f"CREATE DATABASE {NAME}")
    finally:
        connection.close()
    return TestDatabase(ole_db_string(server, NAME), odbc.replace("DATABASE=SSISDB", f"DATABASE={NAME}"), True)
