"""Rows into a table of SQL Server and out of it in whole packages, compared with mssql-python alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import mssql_python
import numpy as np
import pyarrow as pa
import pyodbc

from airflow_provider_ssis.engine.context import Script
from airflow_provider_ssis.engine.control_flow.running import run_package
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from benchmarks.results import Goal, Report, Result, cost, rate
from benchmarks.servers import CatalogService
from benchmarks.workers import Worker

NAME = "databases"

_BATCH = 10_000
_TIMES = 3
_GOAL = 0.8
_TABLE = "[dbo].[Sales]"
_COLUMNS = [
    Column("id", "DT_I4"),
    Column("name", "DT_WSTR", length=20),
    Column("amount", "DT_R8"),
    Column("price", "DT_NUMERIC", precision=9, scale=2),
    Column("day", "DT_DBDATE"),
]
_DDL = "(id int, name nvarchar(20), amount float, price decimal(9,2), day date)"
_OPTIONS = "TABLOCK,CHECK_CONSTRAINTS"


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param rows: the rows.
    """

    rows: int


FULL = Size(rows=1_000_000)
SMALLEST = Size(rows=2000)


def run(size: Size) -> Report:
    """Measure."""
    batches = list(_batches(size))
    with Worker(CatalogService) as worker, closing(pyodbc.connect(worker.started.odbc())) as connection:
        server = worker.started
        connection.autocommit = True
        connection.execute("CREATE DATABASE Bench")
        connection.execute("USE Bench")
        names = f"SERVER={server.host},{server.port};DATABASE=Bench;UID={server.user};PWD={{{server.password}}}"
        text = f"{names};Encrypt=no;TrustServerCertificate=yes;"
        manager = (
            f"Provider=MSOLEDBSQL.1;Data Source={server.host},{server.port};Initial Catalog=Bench;"
            f"User ID={server.user};Password={server.password};"
        )
        took = _Clock(worker)
        peer_in, ours_in = took.best(
            lambda: _new_table(connection), lambda: _peer_write(text, batches), lambda: _ours_write(manager, batches)
        )
        _expect(size.rows, connection.execute("SELECT COUNT(*) FROM [dbo].[Sales]").fetchval())
        peer_out, ours_out = took.best(lambda: None, lambda: _peer_read(text, size.rows), lambda: _ours_read(manager))
    results: list[Result] = []
    for name, ours, peer, peer_name in (
        ("write", ours_in, peer_in, "bulkcopy_arrow"),
        ("read", ours_out, peer_out, "arrow_reader"),
    ):
        speeds = size.rows / ours.seconds, size.rows / peer.seconds
        results += [
            rate(NAME, name, "rows/s", ours=speeds[0], peer=speeds[1], peer_name=peer_name),
            cost(NAME, f"{name}: processor", "s", ours=ours.processor, peer=peer.processor, peer_name=peer_name),
        ]
    return Report(
        f"{size.rows:,} rows of five columns into a table of the embedded server and out of it, compared with "
        "mssql-python alone",
        results,
        goals=[_goal(result) for result in results],
        note=f"Both commit each {_BATCH:,} rows. Ours is a run of the whole package, with checks and messages. The "
        f"best of {_TIMES} runs of each, in turn. Processor time is that of the client and the server.",
    )


@dataclass(frozen=True, slots=True)
class _Took:
    """What a run took, in seconds.

    :param processor: of this process and the server.
    """

    seconds: float
    processor: float


class _Clock:
    """Measures engines.

    :param server: the process of the server.
    """

    def __init__(self, server: Worker) -> None:
        self._server = server

    def best(self, prepare: Callable[[], None], *engines: Callable[[], None]) -> list[_Took]:
        """The least time and processor time of each engine."""
        found: list[list[_Took]] = [[] for _ in engines]
        for _ in range(_TIMES):
            for taken, engine in zip(found, engines, strict=True):
                prepare()
                taken.append(self._took(engine))
        return [_Took(min(each.seconds for each in taken), min(each.processor for each in taken)) for taken in found]

    def _took(self, engine: Callable[[], None]) -> _Took:
        began, processor = time.perf_counter(), self._processor()
        engine()
        return _Took(time.perf_counter() - began, self._processor() - processor)

    def _processor(self) -> float:
        served: float = self._server.call("processor")
        return served + time.process_time()


def _goal(result: Result) -> Goal:
    ratio = result.ratio or 0.0
    return Goal(f"{result.case}: at least {_GOAL} of mssql-python alone: {ratio:.2f}", ratio >= _GOAL)


def _expect(rows: int, found: int) -> None:
    if rows != found:
        raise AssertionError(f"{found} rows instead of {rows}")


def _new_table(connection: pyodbc.Connection) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")
    connection.execute(f"CREATE TABLE {_TABLE} {_DDL}")


def _batches(size: Size) -> Iterator[pa.RecordBatch]:
    names = pa.array([f"Customer {number:05d}" for number in range(1000)])
    for start in range(0, size.rows, _BATCH):
        ids = np.arange(start, min(start + _BATCH, size.rows), dtype=np.int32)
        yield pa.RecordBatch.from_pydict(
            {
                "id": pa.array(ids),
                "name": names.take(pa.array(ids % 1000)),
                "amount": pa.array(ids / 7),
                "price": pa.array(ids % 1_000_000).cast(pa.decimal128(38, 2)),
                "day": pa.array(ids % 10_000).cast(pa.date32()),
            }
        )


def _peer_write(text: str, batches: list[pa.RecordBatch]) -> None:
    with closing(mssql_python.connect(text, autocommit=True)) as connection:
        reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
        connection.cursor().bulkcopy_arrow(
            _TABLE, reader, batch_size=_BATCH, timeout=0, table_lock=True, check_constraints=True
        )


def _peer_read(text: str, rows: int) -> None:
    with closing(mssql_python.connect(text, autocommit=True)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM [dbo].[Sales]")
        _expect(rows, sum(batch.num_rows for batch in cursor.arrow_reader(_BATCH)))


def _ours_write(manager: str, batches: list[pa.RecordBatch]) -> None:
    project = ProjectBuilder("Benchmark")
    package = project.add_package("Benchmark")
    database = package.connection_managers.add_oledb("Mart", "Provider=MSOLEDBSQL.1;Data Source=.;")
    flow = package.add_data_flow("Load")
    source = flow.add_script_component("Rows", None, {"Out": ScriptOutput(_COLUMNS, synchronous=False)})
    flow.add_oledb_destination("Write", source.output, database, _TABLE, fast_load_options=_OPTIONS)
    _run(project, manager, {"\\Package\\Load\\Rows": lambda _: iter(batches)})


def _ours_read(manager: str) -> None:
    project = ProjectBuilder("Benchmark")
    package = project.add_package("Benchmark")
    database = package.connection_managers.add_oledb("Mart", "Provider=MSOLEDBSQL.1;Data Source=.;")
    flow = package.add_data_flow("Load")
    source = flow.add_oledb_source("Read", database, _COLUMNS, table=_TABLE)
    count = package.add_variable("Rows", 0)
    flow.add_row_count("Count", source.output, count)
    _run(project, manager, {})


def _run(project: ProjectBuilder, manager: str, scripts: dict[str, Script]) -> None:
    result = run_package(project.to_ispac(), scripts=scripts, connections={"Mart": manager})
    if not result.succeeded:
        raise AssertionError("; ".join(message.text for message in result.messages))
