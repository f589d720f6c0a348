"""A database that a client creates, from every client: definitions, rows, transactions, errors, drivers' metadata."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from decimal import Decimal
from typing import Any

import mssql_python
import pymssql
import pyodbc
import pytds
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.odbc.drivers import DriverFamily
from tests.clients.test_clients import CLIENTS, WITHOUT_NUMBERS

TABLE = """CREATE TABLE dbo.Orders (
    id int IDENTITY(1, 1) NOT NULL CONSTRAINT pk_orders PRIMARY KEY, customer nvarchar(20) NOT NULL,
    amount decimal(9, 2) NULL, placed datetime2(3) NULL, note varchar(max) NULL, raw varbinary(max) NULL)"""
BINARY: dict[str, Any] = {"python-tds": pytds.Binary, "pymssql": bytearray}
"""Types of the parameters of clients that take plain bytes for text."""
ROWS = [
    ("Ann", Decimal("12.50"), dt.datetime(2024, 2, 29, 10, 0, 0, 123000), "x" * 9000, b"\0\1"),
    ("Zoë", None, None, None, b"\2"),
]


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_creates_a_database_and_works_in_it(ssisdb_emulator: SsisdbEmulator, client: str) -> None:
    connect, mark = CLIENTS[client]
    binary = BINARY.get(client, bytes)
    with closing(connect(ssisdb_emulator)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("CREATE DATABASE Shop")
        cursor.execute("USE Shop")
        cursor.execute(TABLE)
        insert = f"INSERT INTO Orders (customer, amount, placed, note, raw) VALUES ({', '.join([mark] * 5)})"
        for row in ROWS:
            cursor.execute(insert, (*row[:4], binary(row[4])))
        cursor.execute("SELECT customer, amount, placed, note, raw FROM Shop.dbo.Orders ORDER BY id")
        assert [tuple(row) for row in cursor.fetchall()] == ROWS
        cursor.execute(
            "SET NOCOUNT ON; BEGIN TRAN; UPDATE Orders SET amount = 0; ROLLBACK; SELECT SUM(amount) FROM Orders"
        )
        assert cursor.fetchone()[0] == Decimal("12.50")
        with pytest.raises((pyodbc.Error, pymssql.Error, pytds.Error, mssql_python.Error)) as failed:
            cursor.execute("INSERT Orders (customer) VALUES (NULL)")
        assert client in WITHOUT_NUMBERS or number(failed.value) == 515
    with closing(connect(ssisdb_emulator)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("DROP DATABASE Shop")
        cursor.execute("SELECT DB_ID('Shop')")
        assert cursor.fetchone()[0] is None


def number(error: BaseException) -> int:
    """The number of SQL Server in the exception of a client."""
    match error:
        case pyodbc.Error():
            return int(str(error.args[1]).rsplit("(", maxsplit=2)[-2].split(")")[0])
        case pytds.Error():
            return int(error.number)
        case pymssql.Error():
            return int(error.args[0])
    raise AssertionError(f"{type(error)} has no number")


FAMILIES = [DriverFamily.MICROSOFT, DriverFamily.FREETDS]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_connection_string_names_the_database_and_transactions_are_implicit(
    ssisdb_emulator: SsisdbEmulator, family: DriverFamily
) -> None:
    text = ssisdb_emulator.odbc(family)
    with closing(pyodbc.connect(text, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE Shop")
    with closing(pyodbc.connect(text.replace("SSISDB", "Shop"))) as connection:
        connection.execute(TABLE)
        connection.execute("INSERT Orders (customer) VALUES ('Ann')")
        connection.rollback()
        assert tuple(connection.execute("SELECT OBJECT_ID('Orders'), DB_NAME()").fetchone()) == (None, "Shop")
        connection.execute(TABLE)
        connection.execute("INSERT Orders (customer) VALUES ('Ann')")
        connection.commit()
    with closing(pyodbc.connect(text, autocommit=True)) as connection:
        assert connection.execute("SELECT customer FROM Shop..Orders").fetchval() == "Ann"


def test_a_reset_drops_databases_that_are_in_use(ssisdb_emulator: SsisdbEmulator) -> None:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE Shop")
        connection.execute("USE Shop; CREATE TABLE t (a int); BEGIN TRAN; INSERT t VALUES (1)")
        ssisdb_emulator.reset()
        found: Any = connection.execute("SELECT DB_NAME(), DB_ID('Shop'), @@TRANCOUNT").fetchone()
        assert tuple(found) == ("master", None, 0)


PROCEDURE = """CREATE PROCEDURE dbo.double_it @x int, @y int OUTPUT AS
BEGIN
    SET @y = @x * 2
    IF @x = 4 RETURN 5
    SELECT @x AS x
    SELECT @y AS y
    RETURN 5
END"""


def test_a_pooled_connection_finds_its_database_after_a_reset(ssisdb_emulator: SsisdbEmulator) -> None:
    """mssql-python keeps connections open, and uses them again for the same connection string."""

    def create() -> None:
        with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
            connection.execute("CREATE DATABASE Pooled")
            connection.execute("USE Pooled")
            connection.execute("CREATE TABLE t (a int)")

    text = ssisdb_emulator.odbc(DriverFamily.MICROSOFT, database="Pooled").partition(";")[2]
    for _ in range(2):
        create()
        with closing(mssql_python.connect(text, autocommit=True)) as connection:
            found = connection.cursor().execute("SELECT DB_NAME(), COUNT(*) FROM t").fetchone()
            assert tuple(found or ()) == ("Pooled", 0)
        ssisdb_emulator.reset()
    with closing(mssql_python.connect(text, autocommit=True)) as connection:
        found = connection.cursor().execute("SELECT DB_NAME()").fetchone()
        assert tuple(found or ()) == ("master",)


def test_a_procedure_is_called_by_its_name(ssisdb_emulator: SsisdbEmulator) -> None:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE Shop")
        connection.execute("USE Shop")
        connection.execute(PROCEDURE)
        cursor = connection.execute("{CALL double_it (?, ?)}", 21, 0)
        assert cursor.fetchval() == 21
        assert cursor.nextset()
        assert cursor.fetchval() == 42
    with closing(CLIENTS["pymssql"][0](ssisdb_emulator)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("USE Shop")
        values = cursor.callproc("dbo.double_it", (4, pymssql.output(int)))
        assert values[1] == 8
    with closing(CLIENTS["python-tds"][0](ssisdb_emulator)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("USE Shop")
        cursor.callproc("double_it", (3, pytds.output(param_type="int", value=0)))
        assert cursor.fetchall() == [(3,)]
        assert cursor.nextset()
        assert cursor.fetchall() == [(6,)]
        cursor.nextset()
        assert cursor.get_proc_return_status() == 5


def test_a_transaction_in_a_database_neither_blocks_the_catalog_nor_hides_what_happens_there(
    ssisdb_emulator: SsisdbEmulator,
) -> None:
    text = ssisdb_emulator.odbc_connection_string
    with closing(pyodbc.connect(text, autocommit=True)) as other, closing(pyodbc.connect(text)) as writer:
        other.execute("CREATE DATABASE Shop; CREATE TABLE Shop.dbo.t (a int)")
        writer.execute("INSERT Shop.dbo.t VALUES (1)")
        other.execute("SET LOCK_TIMEOUT 5000; EXEC catalog.create_folder N'Sales'")
        assert writer.execute("SELECT name FROM catalog.folders").fetchval() == "Sales"
        other.execute("CREATE TABLE Shop.dbo.u (a int); INSERT Shop.dbo.u VALUES (5)")
        assert writer.execute("SELECT a FROM Shop.dbo.u").fetchval() == 5
        assert other.execute("SELECT COUNT(*) FROM Shop.dbo.t").fetchval() == 0
        writer.commit()
        assert other.execute("SELECT COUNT(*) FROM Shop.dbo.t").fetchval() == 1
