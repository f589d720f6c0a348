"""The memory that a server keeps of ended queries."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb
import pytest

from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from tests.support.places import ROOT
from tests.support.tsql_session import PRODUCT

C_LIBRARY = ctypes.CDLL(None)


class Mallinfo(ctypes.Structure):
    """The result of ``mallinfo2``."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def allocated() -> int:
    """Bytes that the process has allocated with ``malloc``."""
    function: Any = C_LIBRARY.mallinfo2
    function.restype = Mallinfo
    return int(function().uordblks)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine(product=PRODUCT, database="Sales")) as started:
        yield started


def sort(connection: duckdb.DuckDBPyConnection, times: int) -> None:
    for _ in range(times):
        connection.execute("SELECT * FROM few WHERE a > 3 ORDER BY c DESC LIMIT 5").fetchall()


def measure() -> tuple[int, int]:
    """The bytes that 400 queries leave, and how many of them a release frees."""
    with closing(Engine(product=PRODUCT, database="Sales")) as engine, closing(engine.connect()) as connection:
        connection.execute("CREATE TABLE few AS SELECT i AS a, i % 5 AS b, i::int AS c FROM range(50) t(i)")
        # The queues themselves grow once, and keep that memory.
        sort(connection, 400)
        engine.memory.release()
        before = allocated()
        sort(connection, 400)
        kept = allocated() - before
        engine.memory.release()
        return kept, before + kept - allocated()


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(C_LIBRARY, "mallinfo2"), reason="needs glibc")
def test_memory_of_ended_queries_is_freed() -> None:
    """In its own process: threads of other tests allocate and free memory too."""
    command = f"from {__name__} import measure; print(*measure())"
    run = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True, cwd=ROOT)
    kept, freed = map(int, run.stdout.split())
    assert kept > 200_000
    assert freed > kept / 2


def test_a_release_changes_no_rows_and_no_limit(engine: Engine) -> None:
    with closing(engine.connect()) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT i FROM range(200000) t(i)")
        limit = connection.execute("SELECT current_setting('memory_limit')").fetchall()
        connection.execute("BEGIN")
        connection.execute("INSERT INTO numbers VALUES (7)")
        engine.memory.release()
        connection.execute("COMMIT")
        assert connection.execute("SELECT count(*) FROM numbers").fetchall() == [(200_001,)]
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == limit


def test_no_query_gets_the_low_limit(engine: Engine) -> None:
    """A new engine has tables in memory that are larger than the limit, so DuckDB refuses it."""
    with closing(engine.connect()) as connection:
        # As a release does it: DuckDB adds up the memory that its threads have counted when it is read.
        connection.execute("SELECT * FROM duckdb_memory()").fetchall()
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute("SET memory_limit = '1KB'")


def test_memory_is_freed_after_many_requests(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[int] = []
    monkeypatch.setattr(engine.memory, "release", lambda: released.append(1))
    for _ in range(2500):
        engine.memory.count_request()
    engine.threads.shutdown()
    assert len(released) == 2
