"""BULK INSERT from files."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import asyncio
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.tsql_session import PASSWORD, answer, answers, tsql_server

FILES = {
    "head.csv": b"id,name,v\n1,Ann,1.50\n2,Bob,\n",
    "tabs.txt": b"1\tx\r\n2\ty\r\n",
    "quoted.csv": b'1,"a, ""b""\nc"\n2,plain\n',
    "bad.csv": b"1,a\nx,b\n3,too long\n4,d\n",
    "few.csv": b"1,a\n2\n",
    "more.csv": b"1,a,b\n",
    "empty.txt": b"1\t\n",
    "utf8.csv": "1,ä\n".encode(),
    "utf16.csv": "1,ä\r\n".encode("utf-16"),
    "cut16.csv": "1,ä\r\n".encode("utf-16")[:-1],
    "open.csv": b'1,"a\n2,b\n',
}
T = "CREATE TABLE #t (a int, b nvarchar(10)); "
IDENTITY = "CREATE TABLE #i (id int IDENTITY(5, 1), v varchar(5) DEFAULT 'd', CHECK (v <> 'x')); "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "CREATE TABLE #h (id int, name varchar(20), v decimal(10, 2)); BULK INSERT #h FROM '{0}/head.csv' WITH (FIELDTERMINATOR = ',', ROWTERMINATOR = '\\n', FIRSTROW = 2, TABLOCK); SELECT @@ROWCOUNT; SELECT * FROM #h",
            [[(2,)], [(1, "Ann", Decimal("1.50")), (2, "Bob", None)]],
        ),
        (T + "BULK INSERT #t FROM '{0}/tabs.txt'; SELECT * FROM #t", [[(1, "x"), (2, "y")]]),
        (
            T + "BULK INSERT #t FROM '{0}/quoted.csv' WITH (FORMAT = 'CSV'); SELECT * FROM #t",
            [[(1, 'a, "b"\nc'), (2, "plain")]],
        ),
        (
            T
            + "BULK INSERT #t FROM '{0}/more.csv' WITH (FIELDTERMINATOR = ',', ROWTERMINATOR = '0x0a'); SELECT b FROM #t",
            [[("a,b",)]],
        ),
        (
            T
            + "BULK INSERT #t FROM '{0}/utf8.csv' WITH (FIELDTERMINATOR = ',', CODEPAGE = '65001') BULK INSERT #t FROM '{0}/utf16.csv' WITH (FIELDTERMINATOR = ',', DATAFILETYPE = 'widechar'); SELECT b FROM #t",
            [[("ä",), ("ä",)]],
        ),
        (
            IDENTITY
            + "BULK INSERT #i FROM '{0}/tabs.txt'; SELECT * FROM #i; TRUNCATE TABLE #i; BULK INSERT #i FROM '{0}/empty.txt' WITH (KEEPIDENTITY); BULK INSERT #i FROM '{0}/empty.txt' WITH (KEEPNULLS); SELECT * FROM #i",
            [[(5, "x"), (6, "y")], [(1, "d"), (5, None)]],
        ),
        (
            "CREATE DATABASE Shop; USE Shop; CREATE TABLE t (a int, b varchar(5)); BEGIN TRAN; BULK INSERT dbo.t FROM '{0}/tabs.txt' SELECT COUNT(*) FROM t; ROLLBACK; SELECT COUNT(*) FROM t",
            [[(2,)], [(0,)]],
        ),
    ],
)
def test_rows(folder: Path, text: str, wanted: list[list[tuple[Any, ...]]]) -> None:
    (found,) = answers(text.replace("{0}", str(folder)))
    assert (found.errors, found.results) == ([], wanted)


def test_rows_that_cannot_be_converted_are_reported_and_left_out(folder: Path) -> None:
    table = "CREATE TABLE #t (a int, b varchar(5)); "
    (found,) = answers(f"{table}BULK INSERT #t FROM '{folder}/bad.csv' WITH (FIELDTERMINATOR = ','); SELECT a FROM #t")
    assert found.numbers == [4864, 4863]
    assert "row 2, column 1 (a)" in found.errors[0].text
    assert found.results == [[(1,), (4,)]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (T + "BULK INSERT #t FROM '{0}/few.csv' WITH (FIELDTERMINATOR = ',')", 4866),
        (T + "BULK INSERT #t FROM '{0}/more.csv' WITH (FORMAT = 'CSV')", 4866),
        (T + "BULK INSERT #t FROM '{0}/bad.csv' WITH (FIELDTERMINATOR = ',', MAXERRORS = 0)", 4865),
        (T + "BULK INSERT #t FROM '{0}/nowhere.csv'", 4860),
        (T + "BULK INSERT #t FROM '{0}/pipe'", 4860),
        (T + "BULK INSERT #t FROM '{0}/open.csv' WITH (FORMAT = 'CSV')", 4879),
        (T + "BULK INSERT #t FROM '{0}/tabs.txt' WITH (FIELDTERMINATOR = '')", 40514),
        (
            "CREATE TABLE #o (a varchar(5)); BULK INSERT #o FROM '{0}/tabs.txt' WITH (FORMAT = 'CSV', ROWTERMINATOR = '')",
            40514,
        ),
        (T + "BULK INSERT #t FROM '{0}/quoted.csv' WITH (FORMAT = 'CSV', FIELDQUOTE = '')", 40514),
        (T + "BULK INSERT #t FROM '{0}/cut16.csv' WITH (DATAFILETYPE = 'widechar')", 40514),
        ("BULK INSERT #t FROM '{0}/tabs.txt'", 208),
        (T + "BULK INSERT #t FROM '{0}/utf8.csv' WITH (FIELDTERMINATOR = ',')", 40514),
        (T + "BULK INSERT #t FROM '{0}/tabs.txt' WITH (FORMATFILE = 'x')", 40514),
        (T + "BULK INSERT #t FROM '{0}/tabs.txt' WITH (DATAFILETYPE = 'native')", 40514),
        (IDENTITY + "BULK INSERT #i FROM '{0}/tabs.txt' WITH (CHECK_CONSTRAINTS)", 547),
        ("CREATE TABLE #v (a varbinary(5)); BULK INSERT #v FROM '{0}/tabs.txt'", 40514),
    ],
)
def test_errors(folder: Path, text: str, number: int) -> None:
    (found,) = answers(text.replace("{0}", str(folder)))
    assert found.numbers == [number], found.errors


def test_a_login_needs_the_role_bulkadmin(folder: Path) -> None:
    async def run() -> list[list[int]]:
        async with tsql_server() as server:
            owner, guest = await server.session(), await server.session("guest")
            await answer(owner, "CREATE DATABASE Shop; USE Shop; CREATE TABLE t (a int, b varchar(5))")
            await answer(owner, "CREATE USER guest_user FOR LOGIN guest; ALTER ROLE db_owner ADD MEMBER guest_user")
            load = f"USE Shop; BULK INSERT t FROM '{folder}/tabs.txt'"
            found = [(await answer(guest, load)).numbers]
            server.engine.logins.set_server_role("guest", "bulkadmin", member=True)
            found.append((await answer(guest, load)).numbers)
            await owner.close()
            await guest.close()
            return found

    assert asyncio.run(run()) == [[4834], []]


def test_a_file_of_more_than_256_mib_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(2**28 + 1)
    (found,) = answers(f"CREATE TABLE #t (a varchar(5)); BULK INSERT #t FROM '{tmp_path}/large.txt'")
    assert found.numbers == [701]


def test_a_login_that_may_not_alter_the_table_cannot_leave_its_constraints_out(folder: Path) -> None:
    async def run() -> list[list[int]]:
        async with tsql_server() as server:
            server.engine.logins.add("loader", PASSWORD, server_roles=frozenset({"bulkadmin"}))
            owner = await server.session()
            await answer(owner, "CREATE DATABASE Shop; USE Shop; CREATE TABLE t (a int CHECK (a > 0), b varchar(5))")
            await answer(
                owner, "USE Shop; CREATE USER loader FOR LOGIN loader; ALTER ROLE db_datawriter ADD MEMBER loader"
            )
            loader = await server.session("loader")
            load = f"USE Shop; BULK INSERT t FROM '{folder}/tabs.txt'"
            found = [await answer(loader, load + options) for options in ("", " WITH (CHECK_CONSTRAINTS)")]
            await owner.close()
            await loader.close()
            return [each.numbers for each in found]

    assert asyncio.run(run()) == [[262], []]
