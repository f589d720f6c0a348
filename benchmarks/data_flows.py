"""A data flow from a text file to two others, compared with DuckDB, which does the same in SQL."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.engines import Figures, measure, print_figures
from benchmarks.results import Goal, Report, Result, cost

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.components import Output
    from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
    from airflow_provider_ssis.project.builder.package import PackageBuilder

NAME = "data_flows"


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param rows: the rows of the text file.
    """

    rows: int


FULL = Size(rows=10_000_000)
SMALLEST = Size(rows=2000)

_EXPRESSIONS: Mapping[str, tuple[str, str, str]] = {
    # the new column: its type, its expression, and the same in SQL
    "next_id": ("DT_I4", "[id] + 1", "id + 1"),
    "double": ("DT_I4", "[quantity] * 2", "quantity * 2"),
    "upper": ("DT_WSTR", "UPPER([name])", "upper(name)"),
    "size": ("DT_I4", "LEN([name])", "length(name)"),
    "amount": ("DT_NUMERIC", "[price] * 3", "price * 3"),
    "digit": ("DT_I4", "[id] % 10", "id % 10"),
    "label": ("DT_WSTR", '[name] + "-x"', "name || '-x'"),
    "year": ("DT_I4", "YEAR([day])", "year(day)"),
    "large": ("DT_I4", "[quantity] > 50 ? 1 : 0", "CASE WHEN quantity > 50 THEN 1 ELSE 0 END"),
    "start": ("DT_WSTR", "SUBSTRING([name],1,5)", "name[1:5]"),
}
_TYPES = {"id": "INTEGER", "name": "VARCHAR", "quantity": "INTEGER", "price": "DECIMAL(10,2)", "day": "DATE"}
_PEER = "DuckDB, two COPY statements"
_FEWER = 1_000_000
_STARTS = 3
_COUNTED = f"{_FEWER:,} rows, ten derived columns, Row Count, start-up included"
_PUBLIC_SECONDS = {"dtexec on Linux": 3.15, "betl": 0.54}


def run(size: Size) -> Report:
    """Measure, each in a process without anything else in its memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_file(folder / "in.csv", size.rows)
        ours = _measured(folder, "engine")
        peer = _measured(folder, "duckdb")
        for output in ("large", "small"):
            if (folder / f"engine-{output}.csv").read_bytes() != (folder / f"duckdb-{output}.csv").read_bytes():
                raise AssertionError(f"the file {output}.csv of the engine differs from that of DuckDB")
        counted = _counted(folder, _FEWER) if size.rows >= _FEWER else None
        started, python = _started(folder)
    share = peer.seconds / ours.seconds
    results: list[Result] = [
        cost(NAME, "seconds", "s", ours=ours.seconds, peer=peer.seconds, peer_name=_PEER),
        cost(NAME, "memory", "MB", ours=ours.megabytes, peer=peer.megabytes, peer_name=_PEER),
        cost(NAME, "airflow-ssis run, empty package", "s", ours=started, peer=python, peer_name="python -c pass"),
    ]
    if counted is not None:
        for name, seconds in _PUBLIC_SECONDS.items():
            results.append(cost(NAME, _COUNTED, "s", ours=counted, peer=seconds, peer_name=f"{name}, another machine"))
    return Report(
        f"{size.rows:,} rows from a text file through ten derived columns and a split into two text files",
        results,
        goals=[
            Goal(f"at least 0.5 of DuckDB's speed: {share:.2f}", share >= 0.5),
            Goal(f"less than 500 MB: {ours.megabytes:.0f} MB", ours.megabytes < 500),
            Goal(f"an empty package starts and ends within 1 s: {started - python:.2f} s", started - python < 1),
        ],
        note="Both write the same bytes. DuckDB reads the file twice, because COPY has one target. The figures of "
        "dtexec and betl are those of betl's author, who reads the rows from a database.",
    )


def _make_file(path: Path, rows: int) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT i AS id, 'name' || (i % 1000) AS name, i % 97 AS quantity, "
            "((i % 10007) * 7 % 100000 / 100)::DECIMAL(10, 2) AS price, DATE '2020-01-01' + (i % 1000)::INTEGER AS day "
            f"FROM range({rows}) t(i)) TO '{path}' (HEADER false)"
        )


def _counted(folder: Path, rows: int) -> float:
    """The seconds of a process that reads rows, derives columns and counts."""
    _make_file(folder / "in.csv", rows)
    began = time.perf_counter()
    _measured(folder, "count")
    return time.perf_counter() - began


def _started(folder: Path) -> tuple[float, float]:
    """The seconds of a process that runs an empty package, and of Python alone; the best of several."""
    from airflow_provider_ssis.project.builder.project import ProjectBuilder

    package = ProjectBuilder("Benchmark").add_package("Empty").save(folder)
    run = "import sys; from airflow_provider_ssis.cli.main import main; sys.exit(main(['run', sys.argv[1]]))"
    return _seconds(run, str(package)), _seconds("pass")


def _seconds(code: str, *arguments: str) -> float:
    found = []
    for _ in range(_STARTS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)  # noqa: S603 ours
        found.append(time.perf_counter() - began)
    return min(found)


def _measured(folder: Path, what: str) -> Figures:
    return measure("benchmarks.data_flows", what, str(folder))


def _run_engine(folder: Path) -> int:
    from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn

    package, flow, computed = _package(folder)
    written = [FlatFileColumn(name, "DT_WSTR") for name in computed.columns()]
    split = flow.add_conditional_split("Split", computed, {"large": "[quantity] > 48"}, default="small")
    for name in ("large", "small"):
        path = str(folder / f"engine-{name}.csv")
        target = package.connection_managers.add_flat_file(name, path, written, header=False, row_delimiter="\n")
        flow.add_flat_file_destination(f"Write {name}", split.outputs[name], target)
    return _run_package(package.save(folder))


def _run_count(folder: Path) -> int:
    package, flow, computed = _package(folder)
    flow.add_row_count("Count", computed, package.add_variable("Rows", 0))
    return _run_package(package.save(folder))


def _package(folder: Path) -> tuple[PackageBuilder, DataFlowBuilder, Output]:
    """A package that reads the file and derives the columns."""
    from airflow_provider_ssis.project.builder.flat_files import FlatFileColumn
    from airflow_provider_ssis.project.builder.flow_columns import Column
    from airflow_provider_ssis.project.builder.project import ProjectBuilder

    package = ProjectBuilder("Benchmark").add_package("Benchmark")
    columns = [
        FlatFileColumn("id", "DT_I4"),
        FlatFileColumn("name", "DT_WSTR", 20),
        FlatFileColumn("quantity", "DT_I4"),
        FlatFileColumn("price", "DT_NUMERIC", precision=10, scale=2),
        FlatFileColumn("day", "DT_DBDATE"),
    ]
    file = package.connection_managers.add_flat_file(
        "in", str(folder / "in.csv"), columns, header=False, row_delimiter="\n"
    )
    flow = package.add_data_flow("Load")
    derived = {Column(name, type_, 40, 12, 2): expression for name, (type_, expression, _) in _EXPRESSIONS.items()}
    computed = flow.add_derived_column("Compute", flow.add_flat_file_source("In", file).output, derived)
    return package, flow, computed.output


def _run_package(saved: Path) -> int:
    from airflow_provider_ssis.engine import run_package

    result = run_package(saved)
    if not result.succeeded:
        raise AssertionError([message.text for message in result.messages])
    return max(count.rows for count in result.row_counts)


def _run_duckdb(folder: Path) -> int:
    import duckdb

    columns = ", ".join(f"'{name}': '{type_}'" for name, type_ in _TYPES.items())
    derived = ", ".join(f"{sql} AS {name}" for name, (_, _, sql) in _EXPRESSIONS.items())
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE VIEW rows AS SELECT *, {derived} "
            f"FROM read_csv('{folder / 'in.csv'}', header = false, columns = {{{columns}}})"
        )
        for name, condition in (("large", "quantity > 48"), ("small", "quantity <= 48")):
            path = folder / f"duckdb-{name}.csv"
            connection.execute(f"COPY (SELECT * FROM rows WHERE {condition}) TO '{path}' (HEADER false)")
    return 0


if __name__ == "__main__":
    _work = {"engine": _run_engine, "count": _run_count, "duckdb": _run_duckdb}[sys.argv[1]]
    print_figures(lambda: _work(Path(sys.argv[2])))
