"""Lookup, Sort and Aggregate over many rows in whole packages, compared with DuckDB doing the same alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.engine.context import Script
from airflow_provider_ssis.engine.control_flow.running import run_package
from airflow_provider_ssis.engine.data_flow.components.script import ScriptRows
from airflow_provider_ssis.project.builder.components import Component
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.flow_set_transforms import Aggregation
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from benchmarks.engines import measure, print_figures
from benchmarks.results import Goal, Report, Result, cost

NAME = "set_components"

_MEGABYTES = 500
_BATCH = 10_000
_GOAL = 0.7
_PEER = "DuckDB alone"
_FEW_NAMES = 1000
_ROWS = [Column("k", "DT_I8"), Column("v", "DT_I8"), Column("name", "DT_WSTR", length=20)]
_KEYS = [Column("k", "DT_I8"), Column("name", "DT_WSTR", length=20), Column("found", "DT_I8")]


@dataclass(frozen=True, slots=True)
class Size:
    """What to measure.

    :param rows: the rows that flow.
    :param keys: the rows of the reference of Lookup, and the groups of Aggregate.
    :param names: the names of the cases. Default: all.
    """

    rows: int
    keys: int
    names: tuple[str, ...] = ()


FULL = Size(rows=10_000_000, keys=1_000_000)
SMALLEST = Size(rows=2000, keys=200, names=("Lookup by text", "Aggregate by integer"))


@dataclass(frozen=True, slots=True)
class _Case:
    """A component, and the query that does the same.

    :param key: the column of the reference rows that is joined; empty without a reference. Default: empty.
    """

    name: str
    add: Callable[[PackageBuilder, DataFlowBuilder, Component], Component]
    sql: str
    key: str = ""


def _lookup(key: str) -> Callable[[PackageBuilder, DataFlowBuilder, Component], Component]:
    def add(package: PackageBuilder, flow: DataFlowBuilder, source: Component) -> Component:
        columns = [column for column in _KEYS if column.name in (key, "found")]
        cache = package.connection_managers.add_cache("Cache", columns, [key])
        filling = package.add_data_flow("Fill")
        reference = filling.add_script_component("Keys", None, {"Out": ScriptOutput(columns, synchronous=False)})
        filling.add_cache_transform("Fill", reference.output, cache)
        package.connect(filling.task, flow.task)
        found = {_KEYS[-1]: "found"}
        return flow.add_lookup("Lookup", source.output, cache, "", {key: key}, found, no_match="ignore")

    return add


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
_JOINED = "SELECT a.*, r.found FROM arriving AS a LEFT JOIN reference AS r ON a.{0} = r.{0}"
_CASES = (
    _Case("Lookup by integer", _lookup("k"), _JOINED.format("k"), "k"),
    _Case("Lookup by text", _lookup("name"), _JOINED.format("name"), "name"),
    _Case("Sort by integer", _sort, "SELECT * FROM arriving ORDER BY k"),
    _Case("Sort by text", _sort_by_text, "SELECT * FROM arriving ORDER BY name COLLATE en_US, k"),
    _Case("Aggregate by integer", _aggregate("k"), _GROUPED.format("k")),
    _Case("Aggregate by text", _aggregate("name"), _GROUPED.format("name")),
)


def run(size: Size) -> Report:
    """Measure."""
    results: list[Result] = []
    shares: dict[str, float] = {}
    peaks: dict[str, float] = {}
    for case in _CASES:
        if size.names and case.name not in size.names:
            continue
        arguments = (case.name, str(size.rows), str(size.keys))
        ours, peer = (measure("benchmarks.set_components", engine, *arguments) for engine in ("engine", "duckdb"))
        if ours.rows != peer.rows:
            raise AssertionError(f"{case.name} gave {ours.rows} rows, and DuckDB {peer.rows}")
        shares[case.name], peaks[case.name] = peer.seconds / ours.seconds, ours.megabytes
        for what, unit, one, other in (
            ("time", "s", ours.seconds, peer.seconds),
            ("processor", "s", ours.processor, peer.processor),
            ("memory", "MB", ours.megabytes, peer.megabytes),
        ):
            results.append(cost(NAME, f"{case.name}: {what}", unit, ours=one, peer=other, peer_name=_PEER))
    slowest, largest = min(shares, key=shares.__getitem__), max(peaks, key=peaks.__getitem__)
    return Report(
        f"{size.rows:,} rows through one component of a package, compared with DuckDB over the same Arrow batches",
        results,
        goals=[
            Goal(
                f"at least {_GOAL} of the speed of DuckDB: {shares[slowest]:.2f} in {slowest}", shares[slowest] >= _GOAL
            ),
            Goal(f"less than {_MEGABYTES} MB: {peaks[largest]:.0f} MB in {largest}", peaks[largest] < _MEGABYTES),
        ],
        note=f"A run of the whole package, with checks and messages, at the default memory limit; a process for each. "
        f"DuckDB has a memory limit of {_MEGABYTES} MB. {size.keys:,} keys.",
    )


def _run_engine(case: _Case, size: Size) -> int:
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
        "\\Package\\Load\\Rows": lambda _: _arriving(case, size),
        "\\Package\\Load\\Read": read,
    }
    if case.key:
        scripts["\\Package\\Fill\\Keys"] = lambda _: _reference(case, size)
    result = run_package(project.to_ispac(), scripts=scripts)
    if not result.succeeded:
        raise AssertionError("; ".join(message.text for message in result.messages))
    return counts[0]


def _run_duckdb(case: _Case, size: Size) -> int:
    with duckdb.connect(config={"memory_limit": f"{_MEGABYTES}MB"}) as connection:
        connection.register("arriving", _reader(_arriving(case, size)))
        if case.key:
            connection.register("reference", _reader(_reference(case, size)))
        return sum(batch.num_rows for batch in connection.sql(case.sql).to_arrow_reader(_BATCH))


def _reader(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    first = next(batches)
    return pa.RecordBatchReader.from_batches(first.schema, chain([first], batches))


def _arriving(case: _Case, size: Size) -> Iterator[pa.RecordBatch]:
    """The rows, the same in each call."""
    numbers = np.random.default_rng(1)
    for start in range(0, size.rows, _BATCH):
        count = min(_BATCH, size.rows - start)
        keys = numbers.integers(0, size.keys, count)
        names = _names(keys if case.key else keys % _FEW_NAMES)
        yield pa.record_batch({"k": keys, "v": np.arange(start, start + count), "name": names})


def _reference(case: _Case, size: Size) -> Iterator[pa.RecordBatch]:
    """The reference rows, each key once."""
    keys = np.random.default_rng(2).permutation(size.keys)
    for start in range(0, size.keys, _BATCH):
        batch = keys[start : start + _BATCH]
        key = _names(batch) if case.key == "name" else batch
        yield pa.record_batch({case.key: key, "found": np.arange(start, start + len(batch))})


def _names(keys: npt.NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise("Customer", pc.utf8_lpad(pa.array(keys).cast(pa.string()), 7, "0"), " ")


if __name__ == "__main__":
    _engine, _name, _rows, _keys = sys.argv[1:]
    _found = next(case for case in _CASES if case.name == _name)
    _size = Size(int(_rows), int(_keys))
    print_figures(lambda: {"engine": _run_engine, "duckdb": _run_duckdb}[_engine](_found, _size))
