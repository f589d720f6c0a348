"""Bulk copy into a table of a client's database, with each client that has it.

The server is a process: bulk copy of pymssql and mssql-python holds Python's interpreter lock while it waits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any
from uuid import UUID

import mssql_python
import pymssql
import pyodbc
import pytds
import pytest

from tests.support.emulator_process import EmulatorProcess

pytestmark = pytest.mark.processes

TABLE = """CREATE TABLE dbo.t (
    id int NOT NULL, name nvarchar(20) NULL, amount decimal(18, 4) NULL, made datetime2(3) NULL, rate float NULL,
    note varchar(max) NULL, is_new bit NULL, code uniqueidentifier NULL, due date NULL, long bigint NULL)"""
Row = tuple[Any, ...]
ROWS: list[Row] = [
    (
        *(number, f"Zoë {number}", Decimal("-1.5") * number, dt.datetime(2024, 2, 29, 10, 0, 0, 123000), 1.5),
        *("x" * (1 + number % 50), bool(number % 2), UUID(int=number), dt.date(1999, 12, 31), number * 10**12),
    )
    for number in range(3000)
]
EMPTY: list[Row] = [(5000 + number, *[None] * 9) for number in range(10)]


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as started:
        started.administrator.execute("CREATE DATABASE Shop")
        yield started


def with_mssql_python(endpoint: dict[str, Any], rows: Sequence[Row], table: str = "dbo.t") -> None:
    text = (
        f"SERVER={endpoint['host']},{endpoint['port']};DATABASE=Shop;UID=sa;PWD={{{endpoint['password']}}};"
        "Encrypt=yes;TrustServerCertificate=yes;"
    )
    with closing(mssql_python.connect(text, autocommit=True)) as connection:
        connection.cursor().bulkcopy(table, rows)


def with_pymssql(endpoint: dict[str, Any], rows: Sequence[Row]) -> None:
    def text(value: Any) -> Any:
        match value:
            case dt.datetime():
                return value.isoformat(" ", "milliseconds")
            case Decimal() | UUID() | dt.date():
                return str(value)
            case bool():
                return int(value)
        return value

    with closing(
        pymssql.connect(
            server=endpoint["host"],
            port=str(endpoint["port"]),
            user="sa",
            password=endpoint["password"],
            database="Shop",
        )
    ) as connection:
        connection.bulk_copy("dbo.t", [tuple(map(text, row)) for row in rows])
        connection.commit()


def with_pytds(endpoint: dict[str, Any], rows: Iterable[Row]) -> None:
    types = pytds.tds_types
    kinds = [
        *(types.IntType(), types.NVarCharType(20), types.DecimalType(18, 4), types.DateTime2Type(3), types.FloatType()),
        *(types.VarCharMaxType(), types.BitType(), types.UniqueIdentifierType(), types.DateType(), types.BigIntType()),
    ]
    names = ("id", "name", "amount", "made", "rate", "note", "is_new", "code", "due", "long")
    columns = [pytds.Column(name, type=kind) for name, kind in zip(names, kinds, strict=True)]
    with closing(
        pytds.connect(
            dsn=endpoint["host"],
            port=endpoint["port"],
            user="sa",
            password=endpoint["password"],
            database="Shop",
            autocommit=True,
        )
    ) as connection:
        connection.cursor().copy_to(data=rows, table_or_view="t", schema="dbo", columns=columns)


Copy = Callable[[dict[str, Any], Sequence[Row]], None]
CLIENTS: dict[str, Copy] = {"mssql-python": with_mssql_python, "pymssql": with_pymssql, "python-tds": with_pytds}


@pytest.mark.parametrize("client", CLIENTS)
def test_rows_arrive(server: EmulatorProcess, client: str) -> None:
    copy, administrator = CLIENTS[client], server.administrator
    administrator.execute(f"USE Shop; DROP TABLE IF EXISTS dbo.t; {TABLE}")
    copy(server.endpoint, ROWS)
    copy(server.endpoint, EMPTY)
    found = administrator.execute("SELECT * FROM dbo.t ORDER BY id").fetchall()
    assert [(*row[:7], UUID(str(row[7])) if row[7] else None, *row[8:]) for row in found] == ROWS + EMPTY


@pytest.mark.parametrize("client", CLIENTS)
def test_an_error_in_the_last_row_leaves_no_row(server: EmulatorProcess, client: str) -> None:
    administrator = server.administrator
    administrator.execute(f"USE Shop; DROP TABLE IF EXISTS dbo.t; {TABLE}; CREATE UNIQUE INDEX u ON dbo.t (id)")
    with pytest.raises(Exception, match=r"4815|column length|duplicate|2601"):
        CLIENTS[client](server.endpoint, [*ROWS[:2000], ROWS[5]])
    assert administrator.execute("SELECT COUNT(*) FROM dbo.t").fetchval() == 0
    CLIENTS[client](server.endpoint, ROWS[:10])
    assert administrator.execute("SELECT COUNT(*) FROM dbo.t").fetchval() == 10


MANY = [(10_000 + number, *ROWS[number % len(ROWS)][1:]) for number in range(12_000)]
"""More rows than are sent one by one."""


def read_with_mssql_python(endpoint: dict[str, Any]) -> list[Row]:
    text = (
        f"SERVER={endpoint['host']},{endpoint['port']};DATABASE=Shop;UID=sa;PWD={{{endpoint['password']}}};"
        "Encrypt=yes;TrustServerCertificate=yes;"
    )
    with closing(mssql_python.connect(text, autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM dbo.many")
        return [tuple(row) for row in cursor.fetchall()]


def read_with_pyodbc(endpoint: dict[str, Any]) -> list[Row]:
    with closing(pyodbc.connect(endpoint["odbc"], autocommit=True)) as connection:
        return [tuple(row) for row in connection.execute("SELECT * FROM Shop.dbo.many").fetchall()]


def read_with_pymssql(endpoint: dict[str, Any]) -> list[Row]:
    with closing(
        pymssql.connect(server=endpoint["host"], port=str(endpoint["port"]), user="sa", password=endpoint["password"])
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM Shop.dbo.many")
        return [tuple(row) for row in cursor.fetchall()]


def read_with_pytds(endpoint: dict[str, Any]) -> list[Row]:
    with closing(
        pytds.connect(dsn=endpoint["host"], port=endpoint["port"], user="sa", password=endpoint["password"])
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM Shop.dbo.many")
        return [tuple(row) for row in cursor.fetchall()]


READERS: dict[str, Callable[[dict[str, Any]], list[Row]]] = {
    "mssql-python": read_with_mssql_python,
    "pyodbc": read_with_pyodbc,
    "pymssql": read_with_pymssql,
    "python-tds": read_with_pytds,
}


@pytest.fixture(scope="module")
def many(server: EmulatorProcess) -> EmulatorProcess:
    """A server with a table of many rows, which the tests only read."""
    server.administrator.execute(f"USE Shop; {TABLE.replace('dbo.t', 'dbo.many')}")
    with_mssql_python(server.endpoint, MANY, "dbo.many")
    return server


@pytest.mark.parametrize("client", READERS)
def test_many_rows_are_read(many: EmulatorProcess, client: str) -> None:
    found = READERS[client](many.endpoint)
    assert [(*row[:7], UUID(str(row[7])), *row[8:]) for row in found] == MANY


def test_a_connection_works_after_many_rows_that_it_did_not_read(many: EmulatorProcess) -> None:
    with closing(pyodbc.connect(many.endpoint["odbc"], autocommit=True)) as connection:
        cursor = connection.execute(
            "SELECT * FROM Shop.dbo.many AS a CROSS JOIN (SELECT TOP 1000 id FROM Shop.dbo.many) AS b"
        )
        assert cursor.fetchone() is not None
        cursor.cancel()
        cursor.close()
        assert connection.execute("SELECT COUNT(*) FROM Shop.dbo.many").fetchval() == len(MANY)


def test_many_rows_go_into_another_table(many: EmulatorProcess) -> None:
    administrator = many.administrator
    administrator.execute("SET NOCOUNT ON; CREATE TABLE #copy (id int, code uniqueidentifier)")
    administrator.execute("INSERT #copy EXEC ('SELECT id, code FROM Shop.dbo.many')")
    administrator.execute("SELECT id, name INTO #other FROM Shop.dbo.many WHERE id < 10100")
    found = administrator.execute("SELECT COUNT(*), COUNT(DISTINCT code), (SELECT COUNT(*) FROM #other) FROM #copy")
    assert tuple(found.fetchone()) == (len(MANY), len(ROWS), 100)


def test_an_error_among_many_rows_reaches_the_client(many: EmulatorProcess) -> None:
    administrator = many.administrator
    with pytest.raises(pyodbc.Error, match="8134"):
        administrator.execute("SELECT 1 / (id - 21999) FROM Shop.dbo.many").fetchall()
    assert administrator.execute("SELECT MAX(id) FROM Shop.dbo.many").fetchval() == 21999


def test_a_client_that_leaves_in_the_middle_leaves_no_row(server: EmulatorProcess) -> None:
    administrator = server.administrator
    administrator.execute(f"USE Shop; DROP TABLE IF EXISTS dbo.t; {TABLE}")

    def broken() -> Iterator[Row]:
        yield from MANY
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with_pytds(server.endpoint, broken())
    # The lock of the table is free when the load is rolled back.
    administrator.execute("SET LOCK_TIMEOUT 10000; DELETE FROM dbo.t WHERE id = -1")
    assert administrator.execute("SELECT COUNT(*) FROM dbo.t").fetchval() == 0


def test_an_error_is_sent_when_the_client_has_sent_all_of_a_long_load(server: EmulatorProcess) -> None:
    administrator = server.administrator
    administrator.execute(f"USE Shop; DROP TABLE IF EXISTS dbo.t; {TABLE}")
    null = (None, *ROWS[0][1:])
    with pytest.raises(pytds.Error) as failed:
        with_pytds(server.endpoint, [null, *MANY, *MANY])
    assert failed.value.number == 515
    assert administrator.execute("SELECT COUNT(*) FROM dbo.t").fetchval() == 0
