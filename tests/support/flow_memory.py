"""A process that runs Lookup, Sort and Aggregate over many rows in one data flow, and prints its peak memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.engine import run_package
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.flow_set_transforms import Aggregation
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from benchmarks.engines import print_figures

_ROWS = [Column("k", "DT_I8"), Column("short", "DT_I8"), Column("t", "DT_WSTR", length=100)]
_KEYS = [Column("key", "DT_I8"), Column("found", "DT_I8")]
_BATCH = 10_000
_REFERENCE = 1000
_LIMIT = 128 << 20


def run(rows: int) -> int:
    """Run the package.

    :param rows: the rows that arrive; each has a key that no other has.
    """
    project = ProjectBuilder("Memory")
    package = project.add_package("Memory")
    cache = package.connection_managers.add_cache("Cache", _KEYS, ["key"])
    filling = package.add_data_flow("Fill")
    keys = filling.add_script_component("Keys", None, {"Out": ScriptOutput(_KEYS, synchronous=False)})
    filling.add_cache_transform("Fill", keys.output, cache)
    flow = package.add_data_flow("Load")
    package.connect(filling.task, flow.task)
    source = flow.add_script_component("Rows", None, {"Out": ScriptOutput(_ROWS, synchronous=False)})
    looked_up = flow.add_lookup("Lookup", source.output, cache, "", {"short": "key"}, {_KEYS[1]: "found"})
    ordered = flow.add_sort("Sort", looked_up.output, ["k"])
    groups = {"k": Aggregation("group by", "k"), "total": Aggregation("sum", "found")}
    grouped = flow.add_aggregate("Aggregate", ordered.output, groups)
    flow.add_row_count("Count", grouped.output, package.add_variable("Rows", 0))
    result = run_package(
        project.to_ispac(),
        scripts={
            "\\Package\\Fill\\Keys": lambda _: iter(
                [pa.record_batch({"key": np.arange(_REFERENCE), "found": np.arange(_REFERENCE)})]
            ),
            "\\Package\\Load\\Rows": lambda _: _arriving(rows),
        },
        options=RunOptions(memory_limit=_LIMIT),
    )
    if not result.succeeded:
        raise AssertionError("; ".join(message.text for message in result.messages))
    return int(result.variables["User::Rows"])


def _arriving(rows: int) -> Iterator[pa.RecordBatch]:
    texts = pa.array([f"{number:0100d}" for number in range(_BATCH)])
    for start in range(0, rows, _BATCH):
        numbers = np.arange(start, start + _BATCH)
        yield pa.record_batch({"k": numbers * 7919 % rows, "short": numbers % _REFERENCE, "t": texts})


if __name__ == "__main__":
    print_figures(lambda: run(int(sys.argv[1])))
