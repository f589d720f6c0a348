"""Lookup, Sort and Aggregate over many rows in whole packages, compared with DuckDB doing the same alone."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from airflow_provider_ssis.engine.context import RunOptions, Script
from airflow_provider_ssis.engine.control_flow.running import run_package
from airflow_provider_ssis.engine.data_flow.components.script import ScriptRows
from airflow_provider_ssis.project.builder.components import Component
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.flow_set_transforms import Aggregation
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from benchmarks.results import Goal, Report, Result, cost

NAME = "set_components"

_MEMORY = 500 * 1024 * 1024
_BATCH = 10_000
_GOAL = 0.7
_ROWS = [Column("k", "DT_I8"), Column("v", "DT_I8"), Column("name", "DT_WSTR", length=20)]
_KEYS = [Column("k", "DT_I8"), Column("found", "DT_I8")]
_NAMES = pa.array([f"Customer {number:05d}" for number in range(1000)])


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param rows: the rows that flow.
    :param keys: the rows of the reference of Lookup, and the groups of Aggregate.
    """

    rows: int
    keys: int


FULL = Size(rows=10_000_000, keys=1_000_000)
SMALLEST = Size(rows=2000, keys=200)


@dataclass(frozen=True, slots=True)
class _Case:
    """A component, and the query that does the same."""

    name: str
    add: Callable[[PackageBuilder, DataFlowBuilder, Component], Component]
    sql: str


def _lookup(package: PackageBuilder, flow: DataFlowBuilder, source: Component) -> Component:
    cache = package.connection_managers.add_cache("Cache", _KEYS, ["k"])
    filling = package.add_data_flow("Fill")
    reference = filling.add_script_component("Keys", None, {"Out": ScriptOutput(_KEYS, synchronous=False)})
    filling.add_cache_transform("Fill", reference.output, cache)
    package.connect(filling.task, flow.task)
    return flow.add_lookup("Lookup", source.output, cache, "", {"k": "k"}, {_KEYS[1]: "found"}, no_match="ignore")


def _sort(package: PackageBuilder, flow: DataFlowBuilder, source: Component) -> Component:
    return flow.add_sort("Sort", source.output, ["k"])


def _sort_by_text(package: PackageBuilder, flow: DataFlowBuilder, source: Component) -> Component:
    return flow.add_sort("Sort", source.output, ["name", "k"])


def _aggregate(key: str) -> Callable[[PackageBuilder, DataFlowBuilder, Component], Component]:
    def add(package: PackageBuilder, flow: DataFlowBuilder, source: Component) -> Component:
        columns = {"key": Aggregation("group by", key), "total": Aggregation("sum", "v"), "n": Aggregation("count all")}
        return flow.add_aggregate("Aggregate", source.output, columns)

    return add


_GROUPED = "SELECT {0}, sum(v), count(*) FROM arriving GROUP BY {0}"
_CASES = (
    _Case("Lookup", _lookup, "SELECT a.*, r.found FROM arriving AS a LEFT JOIN reference AS r ON a.k = r.k"),
    _Case("Sort by integer", _sort, "SELECT * FROM arriving ORDER BY k"),
    _Case("Sort by text", _sort_by_text, "SELECT * FROM arriving ORDER BY name COLLATE en_US, k"),
    _Case("Aggregate by integer", _aggregate("k"), _GROUPED.format("k")),
    _Case("Aggregate by text", _aggregate("name"), _GROUPED.format("name")),
)


def run(size: Size) -> Report:
    """Measure."""
    results: list[Result] = []
    for case in _CASES:
        ours, rows = _ours(case, size)
        peer, expected = _peer(case, size)
        if rows != expected:
            raise AssertionError(f"{case.name} gave {rows} rows, and DuckDB {expected}")
        results.append(cost(NAME, case.name, "s", ours=ours, peer=peer, peer_name="DuckDB alone"))
    ratios = {result.case: result.ratio or 0.0 for result in results}
    slowest = min(ratios, key=lambda name: ratios[name])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Report(
        f"{size.rows:,} rows through one component of a package, compared with DuckDB over the same Arrow batches",
        results,
        goals=[
            Goal(
                f"at least {_GOAL} of the speed of DuckDB: {ratios[slowest]:.2f} in {slowest}", ratios[slowest] >= _GOAL
            )
        ],
        note=f"A run of the whole package, with checks and messages. {_MEMORY >> 20} MiB before rows are written to "
        f"disk, for both; the process took at most {peak:.0f} MiB. {size.keys:,} keys.",
    )


def _ours(case: _Case, size: Size) -> tuple[float, int]:
    project = ProjectBuilder("Benchmark")
    package = project.add_package("Benchmark")
    flow = package.add_data_flow("Load")
    source = flow.add_script_component("Rows", None, {"Out": ScriptOutput(_ROWS, synchronous=False)})
    last = case.add(package, flow, source).output
    flow.add_script_component("Read", last, columns=list(last.columns()))
    counts: list[int] = []

    def read(rows: ScriptRows) -> None:
        counts.append(sum(batch.num_rows for batch in rows.input))

    scripts: dict[str, Script] = {
        "\\Package\\Load\\Rows": lambda _: _arriving(size),
        "\\Package\\Load\\Read": read,
    }
    if case.add is _lookup:
        scripts["\\Package\\Fill\\Keys"] = lambda _: iter(_reference(size).to_batches(max_chunksize=_BATCH))
    content = project.to_ispac()
    began = time.perf_counter()
    result = run_package(content, scripts=scripts, options=RunOptions(memory_limit=_MEMORY))
    seconds = time.perf_counter() - began
    if not result.succeeded:
        raise AssertionError("; ".join(message.text for message in result.messages))
    return seconds, counts[0]


def _peer(case: _Case, size: Size) -> tuple[float, int]:
    batches = _arriving(size)
    began = time.perf_counter()
    with duckdb.connect(config={"memory_limit": f"{_MEMORY}B"}) as connection:
        connection.register("arriving", pa.RecordBatchReader.from_batches(_schema(), batches))
        connection.register("reference", _reference(size))
        rows = sum(batch.num_rows for batch in connection.sql(case.sql).to_arrow_reader(_BATCH))
    return time.perf_counter() - began, rows


def _schema() -> pa.Schema:
    return pa.schema([("k", pa.int64()), ("v", pa.int64()), ("name", pa.string())])


def _arriving(size: Size) -> Iterator[pa.RecordBatch]:
    """The rows, the same in each call."""
    numbers = np.random.default_rng(1)
    for start in range(0, size.rows, _BATCH):
        count = min(_BATCH, size.rows - start)
        keys = numbers.integers(0, size.keys, count)
        names = _NAMES.take(pa.array(keys % len(_NAMES)))
        yield pa.record_batch([keys, np.arange(start, start + count), names], schema=_schema())


def _reference(size: Size) -> pa.Table:
    keys = np.random.default_rng(2).permutation(size.keys)
    return pa.table({"k": keys, "found": np.arange(size.keys)})
