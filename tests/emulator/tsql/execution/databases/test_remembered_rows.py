"""A query that sets variables or decides something gives the committed rows of now, although rows are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from airflow_provider_ssis.emulator.tsql.execution.databases.remembered_rows import Question, RememberedRows
from airflow_provider_ssis.emulator.tsql.execution.databases.table_changes import TableChanges
from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession
from airflow_provider_ssis.emulator.tsql.query.results import CompiledQuery
from tests.support.catalog_session import Served, catalog_sessions
from tests.support.tsql_session import answer

NAMES = ("A", "B", "C")
STEPS = 120
COUNT = (
    "DECLARE @n int, @name sysname = N'{name}'; SELECT @n = COUNT(*) FROM catalog.folders AS f WHERE f.name = @name; "
    "SELECT @n + CASE WHEN EXISTS (SELECT 1 FROM catalog.folders WHERE name = @name) THEN 10 ELSE 0 END"
)


async def counted(session: TsqlSession, name: str) -> int:
    (rows,) = (await answer(session, COUNT.format(name=name))).results
    count: int = rows[0][0]
    return count


@pytest.mark.parametrize("seed", [1, 2])
def test_sessions_see_the_changes_of_each_other_once_they_are_committed(seed: int) -> None:
    asyncio.run(_change_folders(Random(seed)))


async def _change_folders(random: Random) -> None:
    """The first session changes folders, in transactions and without; the second one only without."""
    async with catalog_sessions() as served:
        committed: set[str] = set()
        pending: set[str] | None = None
        for _ in range(STEPS):
            match random.choice(["folder", "folder", "folder", "begin", "commit", "roll back", "other"]):
                case "folder":
                    await _toggle(served.first, random.choice(NAMES), committed if pending is None else pending)
                case "begin" if pending is None:
                    await answer(served.first, "BEGIN TRANSACTION")
                    pending = set(committed)
                case "commit" if pending is not None:
                    await answer(served.first, "COMMIT")
                    committed, pending = pending, None
                case "roll back" if pending is not None:
                    await answer(served.first, "ROLLBACK")
                    pending = None
                case "other" if pending is None:
                    await _toggle(served.second, random.choice(NAMES), committed)
            for session, seen in (
                (served.first, committed if pending is None else pending),
                (served.second, committed),
            ):
                for name in NAMES:
                    assert await counted(session, name) == (11 if name in seen else 0)


async def _toggle(session: TsqlSession, name: str, folders: set[str]) -> None:
    verb = "delete" if name in folders else "create"
    assert (await answer(session, f"EXEC catalog.{verb}_folder N'{name}'")).errors == []
    folders ^= {name}


KEPT = (
    "COUNT(*) FROM catalog.folders WHERE name = @name",
    "MAX(p.project_id) FROM catalog.projects p JOIN catalog.folders f ON f.folder_id = p.folder_id",
    "COUNT(*) FROM catalog.folders WHERE CAST(name AS varbinary(256)) = 0x41",
    "CHARINDEX(N'|' + name + N'|', N'|Sales|') FROM catalog.folders",
)
NOT_KEPT = (
    "COUNT(*) FROM catalog.folders WHERE created_time < SYSDATETIMEOFFSET()",
    "COUNT(*) FROM catalog.folders WHERE created_by_name = SUSER_SNAME()",
    "COUNT(*) FROM catalog.folders WHERE NEWID() <> NEWID()",
    "COUNT(*) FROM catalog.folders WHERE name = @long",
    "COUNT(*) FROM catalog.folders WHERE OBJECT_ID(name) = 1",
    "COUNT(*) FROM catalog.folders WHERE FORMAT(folder_id, N'N') = N'1'",
    "LEN(MAX(REPLICATE(name, 20))) FROM catalog.folders",
    "COUNT(*) FROM sys.databases",
    "LEN(@long)",
    "COUNT(*) FROM catalog.folders WHERE folder_id IN (SELECT n FROM @rows)",
    "COUNT(*) FROM Own.dbo.Numbers",
    "COUNT(*) FROM catalog.folders, Own.dbo.Numbers",
    "COUNT(*) FROM internal.folders",
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def served(runner: asyncio.Runner) -> Iterator[Served]:
    opened = catalog_sessions()
    served = runner.run(opened.__aenter__())
    assert runner.run(answer(served.first, "CREATE DATABASE Own; USE Own; CREATE TABLE Numbers (n int)")).errors == []
    assert runner.run(answer(served.first, "USE SSISDB")).errors == []
    yield served
    runner.run(opened.__aexit__(None, None, None))


@pytest.mark.parametrize("query", [*KEPT, *NOT_KEPT])
def test_rows_are_kept_only_if_they_depend_on_the_catalog_alone(
    query: str, runner: asyncio.Runner, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Question] = []
    monkeypatch.setattr(RememberedRows, "keep", lambda memory, question, rows: kept.append(question))
    declare = (
        "DECLARE @n int, @name sysname = N'Sales', @long nvarchar(max) = REPLICATE(CAST(N'x' AS nvarchar(max)), 10001)"
    )
    for _ in range(2):
        found = runner.run(answer(served.first, f"{declare}; DECLARE @rows TABLE (n int); SELECT @n = {query}"))
        assert found.errors == []
    assert bool(kept) is (query in KEPT)


def test_two_queries_of_one_text_do_not_share_their_rows(runner: asyncio.Runner, served: Served) -> None:
    queries = [f"SELECT @n = COUNT(*) FROM catalog.folders WHERE name = {each}(@name)" for each in ("UPPER", "REVERSE")]
    for _ in range(3):
        found = [
            runner.run(answer(served.first, f"DECLARE @n int, @name sysname = N'Sales'; {query}; SELECT @n")).results
            for query in queries
        ]
        assert found == [[[(1,)]], [[(0,)]]]


def test_values_that_are_equal_and_differ_do_not_share_their_rows(runner: asyncio.Runner, served: Served) -> None:
    for _ in range(2):
        for moment in ("2024-01-01 12:00:00 +01:00", "2024-01-01 11:00:00 +00:00"):
            text = f"DECLARE @d datetimeoffset(0) = '{moment}', @s varchar(40); SELECT @s = @d FROM catalog.folders"
            assert runner.run(answer(served.first, f"{text}; SELECT @s")).results == [[(moment,)]]


@pytest.mark.parametrize("sql", ["SELECT 1 FROM WHERE", "SELECT " + "(" * 6000 + "1" + ")" * 6000])
def test_a_text_that_cannot_be_parsed_again_fails_no_query(sql: str) -> None:
    memory = RememberedRows({("internal", "folders")}, TableChanges())
    query = CompiledQuery(sql, (), ())
    memory.learn(query)
    assert memory.question(query, {}) is None
