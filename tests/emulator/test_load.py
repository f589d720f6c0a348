"""One client with heavy statements: the others keep getting answers, and the server stays within bounds."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pyodbc
import pytest

from airflow_provider_ssis.emulator.endpoint import Endpoint
from airflow_provider_ssis.odbc.drivers import DriverFamily
from tests.support.emulator_process import MEGABYTE, EmulatorProcess
from tests.support.ssis_projects import ispac_parts, make_ispac, make_project, package, parameter, task, zip_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes

ALL = "sys.all_columns a CROSS JOIN sys.all_columns b CROSS JOIN sys.all_columns c"
HEAVY = {
    "a pattern that backtracks": "SELECT 1 WHERE REPLICATE('a',8000) LIKE '%a%a%a%a%a%a%a%a%b'",
    "a pattern that is searched": "SELECT PATINDEX('%a%a%a%a%a%a%a%a%b', REPLICATE('a',8000))",
    "a product of tables": f"SELECT COUNT(*) FROM {ALL}",
    "a recursion without end": "WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 100000000)"
    " SELECT MAX(i) FROM n OPTION (MAXRECURSION 0)",
    "a text of 2 GB": "SELECT LEN(REPLICATE(CAST('a' AS varchar(max)), 2000000000))",
    "a text that doubles": "DECLARE @s nvarchar(max) = N'aaaaaaaa'; WHILE 1 = 1 SET @s = @s + @s",
    "a loop without end": "DECLARE @i bigint = 0; WHILE 1 = 1 SET @i = @i + 1",
    "rows without end": f"SELECT a.*, b.* FROM {ALL}",
    "a text that is replaced": "SELECT LEN(REPLACE(REPLICATE(CAST('a' AS varchar(max)), 10000000), 'a',"
    " REPLICATE('b', 8000)))",
    "a large sort": f"SELECT TOP 1 NEWID() FROM {ALL} ORDER BY NEWID()",
    "a function for each row": f"SELECT MAX(LEN(CONVERT(varchar(30), GETDATE(), 121))) FROM {ALL}",
    "a table that grows": "DECLARE @t TABLE (a nvarchar(max));"
    " WHILE 1 = 1 INSERT INTO @t SELECT REPLICATE(CAST('a' AS varchar(max)), 1000000)",
    "parentheses": "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "a long batch": "EXEC('" + "SELECT 1 " * 10_000 + "')",
    "a large aggregate": "SELECT LEN(STRING_AGG(CAST(REPLICATE('a', 8000) AS varchar(max)), ''))"
    " FROM sys.all_columns a CROSS JOIN sys.all_columns b",
}
"""Statements that a login without any right can send."""

ROUND_TRIPS = 30


def server_with_guest() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as server:
        server.administrator.execute("EXEC emulator.add_login @name = N'guest', @password = N'Pa55-word!'")
        yield server


server = pytest.fixture(server_with_guest, name="server")
shared_server = pytest.fixture(server_with_guest, scope="module", name="shared_server")
"""For tests that leave nothing behind in the catalog."""


class Heavy:
    """A heavy statement that runs in a thread."""

    def __init__(self, server: EmulatorProcess, statement: str) -> None:
        self.connection = server.connect("guest")
        self.cursor = self.connection.cursor()
        self.statement = statement
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            with suppress(pyodbc.Error):
                self.cursor.execute(self.statement)
                while True:
                    if self.cursor.description:
                        while self.cursor.fetchmany(1000):
                            pass
                    if not self.cursor.nextset():
                        break
        finally:
            self.ended.set()

    def cancel(self) -> None:
        """Cancel it, and wait until the server has ended it."""
        while not self.ended.wait(0.2):
            with suppress(pyodbc.Error):
                self.cursor.cancel()
        self.thread.join()
        # A fetch that was canceled can leave rows, and the connection stays busy with them.
        self.cursor.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", HEAVY)
def test_other_clients_get_answers_while_a_statement_is_heavy(shared_server: EmulatorProcess, kind: str) -> None:
    heavy = Heavy(shared_server, HEAVY[kind])
    for _ in range(ROUND_TRIPS):
        assert shared_server.administrator.execute("SELECT COUNT(*) FROM catalog.folders").fetchval() == 0
    with closing(shared_server.connect()) as another:
        assert another.execute("SELECT 1").fetchval() == 1
    heavy.cancel()
    # The session of the statement is not harmed by it.
    assert heavy.connection.cursor().execute("SELECT 42").fetchval() == 42
    assert shared_server.memory() < 2500 * MEGABYTE


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a recursion without end", "a loop without end", "a large sort"])
def test_a_statement_ends_when_its_client_dies(shared_server: EmulatorProcess, kind: str) -> None:
    script = (
        "import sys, pyodbc\n"
        f"c = pyodbc.connect({shared_server.odbc('guest')!r}, autocommit=True)\n"
        "c.execute(\"EXEC sp_getapplock 'mine', 'Exclusive', 'Session'\")\n"
        "print('ready', flush=True)\n"
        f"c.execute({HEAVY[kind]!r})\n"
    )
    client = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n"
    take = "DECLARE @r int; EXEC @r = sp_getapplock 'mine', 'Exclusive', 'Session', 0, 'public'; SELECT @r"
    with closing(shared_server.connect("guest")) as other:
        assert other.execute(take).fetchval() == -1
        client.kill()
        client.communicate()
        wait_until(lambda: other.execute(take).fetchval() >= 0, "the session of the dead client has ended")


@pytest.mark.slow
def test_the_server_ends_within_its_time_while_statements_are_heavy(server: EmulatorProcess) -> None:
    heavy = [
        Heavy(server, HEAVY[kind])
        for kind in ("a recursion without end", "a loop without end", "a large sort", "a long batch")
    ]
    for _ in range(ROUND_TRIPS):
        server.administrator.execute("SELECT 1").fetchval()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0
    for each in heavy:
        each.ended.wait()


@pytest.fixture(scope="module")
def large_project() -> bytes:
    """A project file of 120 MB, whose packages hardly shrink."""
    names = [f"P{number}.dtsx" for number in range(8)]
    parts = dict(ispac_parts(make_project("Large", [package(name, task("Copy")) for name in names])))
    for name in names:
        end = parts[name].rindex(b"</")
        noise = base64.b64encode(os.urandom(120 * MEGABYTE // len(names)))
        comments = b"".join(b"<!--" + noise[at : at + 50_000] + b"-->" for at in range(0, len(noise), 50_000))
        parts[name] = parts[name][:end] + comments + parts[name][end:]
    return zip_of(parts)


@pytest.mark.slow
@pytest.mark.parametrize("family", DriverFamily)
def test_a_large_project_costs_the_server_little_more_than_one_copy(
    server: EmulatorProcess, large_project: bytes, family: DriverFamily
) -> None:
    endpoint = Endpoint(
        server.endpoint["host"], server.endpoint["port"], server.endpoint["user"], server.endpoint["password"]
    )
    with closing(pyodbc.connect(endpoint.odbc(family), autocommit=True)) as connection:
        connection.execute("EXEC catalog.create_folder N'Sales'")
        before = server.memory("VmRSS")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Large', ?", large_project)
        assert server.memory() - before < 1.5 * len(large_project)
        assert connection.execute("EXEC catalog.get_project N'Sales', N'Large'").fetchval() == large_project
        assert server.memory() - before < 1.5 * len(large_project)


@pytest.mark.slow
def test_other_clients_get_answers_while_a_project_with_many_parameters_is_deployed(server: EmulatorProcess) -> None:
    packages = [
        package(f"P{number}.dtsx", task("Copy"), parameters=[parameter(f"X{x}", "Int32", x) for x in range(40)])
        for number in range(500)
    ]
    data = make_ispac("Many", packages=packages)
    server.administrator.execute("EXEC catalog.create_folder N'Sales'")
    deployed = threading.Event()

    def deploy() -> None:
        with closing(server.connect()) as connection:
            connection.execute("EXEC catalog.deploy_project N'Sales', N'Many', ?", data)
        deployed.set()

    thread = threading.Thread(target=deploy)
    thread.start()
    answers = 0
    while not deployed.is_set():
        server.administrator.execute("SELECT COUNT(*) FROM catalog.packages").fetchval()
        answers += 1
    thread.join()
    assert answers > 20
    assert server.administrator.execute("SELECT COUNT(*) FROM catalog.object_parameters").fetchval() == 20_000


@pytest.mark.slow
def test_a_project_file_with_false_sizes_costs_the_server_little(server: EmulatorProcess) -> None:
    parts = dict(ispac_parts(make_project("Bomb", [package("P.dtsx", task("Copy"))])))
    parts["P.dtsx"] += b" " * (1000 * MEGABYTE)
    bomb = zip_of(parts)
    assert len(bomb) < 2 * MEGABYTE
    announced = (len(parts["P.dtsx"])).to_bytes(4, "little")
    assert bomb.count(announced) >= 1
    bomb = bomb.replace(announced, (1000).to_bytes(4, "little"))
    server.administrator.execute("EXEC catalog.create_folder N'Sales'")
    before = server.memory("VmRSS")
    with pytest.raises(pyodbc.Error, match="27203"):
        server.administrator.execute("EXEC catalog.deploy_project N'Sales', N'Bomb', ?", bomb)
    assert server.memory() - before < 100 * MEGABYTE
    text = server.administrator.execute(
        "SELECT message FROM catalog.operation_messages WHERE message_type = 120"
    ).fetchval()
    assert "P.dtsx" in text
