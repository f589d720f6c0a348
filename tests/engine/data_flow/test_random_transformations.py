"""Unpivot, Pivot, Lookup and raw files give the rows of models in plain Python. Facts: data flow, 3.9, 3.20, 3.23."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.engine.context import DataTap, RunOptions
from airflow_provider_ssis.engine.control_flow.running import run_package
from airflow_provider_ssis.engine.data_flow.taps import RowsSink
from airflow_provider_ssis.project.builder.components import Output
from airflow_provider_ssis.project.builder.data_flow import DataFlowBuilder
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.project import ProjectBuilder

Row = tuple[Any, ...]

_SCHEMA = pa.schema(
    {"k": pa.int32(), "p": pa.string(), "v": pa.int32(), "w": pa.int32(), "t": pa.string(), "d": pa.decimal128(38, 28)}
)
_COLUMNS = [
    Column("k", "DT_I4"),
    Column("p", "DT_WSTR", length=4),
    Column("v", "DT_I4"),
    Column("w", "DT_I4"),
    Column("t", "DT_WSTR", length=4),
    Column("d", "DT_NUMERIC", precision=38, scale=28),
]
_KEYS = [Column("key", "DT_WSTR", length=4), Column("number", "DT_I4")]
_TEXTS = st.none() | st.sampled_from(["A", "B", "a", "A ", "", "\U0001f600\U0001f600", "\ufffd", "\u0130"])
_NUMBERS = st.none() | st.sampled_from([0, 1, -(2**31), 2**31 - 1])
_ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 1),
        _TEXTS,
        _NUMBERS,
        _NUMBERS,
        _TEXTS,
        st.none() | st.decimals(-(10**9), 10**9, places=28, allow_nan=False),
    ),
    max_size=8,
)
_REFERENCE = st.lists(st.tuples(_TEXTS, _NUMBERS), max_size=5)
_UNKNOWN, _DUPLICATE, _NO_MATCH = (code - 2**32 for code in (0xC02020BB, 0xC02020D0, 0xC020901E))


@dataclass
class _Flow:
    """A data flow and the rows that each of its ends gets."""

    flow: DataFlowBuilder
    expected: dict[str, list[Row]] = field(default_factory=dict)

    def end(self, name: str, output: Output, rows: list[Row]) -> None:
        self.flow.add_datareader_destination(name, output)
        self.expected[name] = rows


def _unpivot(made: _Flow, output: Output, rows: list[Row]) -> None:
    part = made.flow.add_unpivot(
        "Unpivot", output, key=Column("key", "DT_I4"), columns={"value": {"v": "1", "w": "2"}}, passed=["k"]
    )
    expected: list[Row] = []
    for k, _, v, w, *_ in rows:
        found: list[Row] = [(k, value, key) for key, value in ((1, v), (2, w)) if value is not None]
        expected += found or [(k, None, None)]
    made.end("Unpivoted", part.output, expected)


def _pivot(made: _Flow, output: Output, rows: list[Row], *, ignores: bool) -> None:
    part = made.flow.add_pivot(
        "Pivot",
        output,
        set_keys=["k"],
        pivot_key="p",
        columns={"upper": ("A", "v"), "lower": ("a", "v")},
        ignore_unknown_keys=ignores,
    )
    assert part.written is not None
    (key,) = (column for column in part.written.iter("inputColumn") if column.get("cachedName") == "p")
    key.set("errorRowDisposition", "RedirectRow")
    expected, bad = [], []
    for k, members in groupby(rows, key=lambda row: row[0]):
        values: dict[str, Any] = {}
        for row in members:
            if row[1] not in ("A", "a"):
                bad += [] if ignores else [(*row, _UNKNOWN)]
            elif row[1] in values:
                bad.append((*row, _DUPLICATE))
            else:
                values[row[1]] = row[2]
        if values:
            expected.append((k, values.get("A"), values.get("a")))
    made.end("Pivoted", part.output, expected)
    made.end("Not pivoted", part.error_output, bad)


def _lookup(made: _Flow, output: Output, rows: list[Row], cache: Any, reference: list[Row], no_match: str) -> None:
    part = made.flow.add_lookup(
        "Lookup", output, cache, "", {"p": "key"}, {Column("number", "DT_I4"): "number"}, no_match=no_match
    )
    first: dict[Any, Any] = {}
    for key, number in reference:
        first.setdefault(key, number)
    matched = [(*row, first.get(row[1])) for row in rows if row[1] in first or no_match == "ignore"]
    others = [row for row in rows if row[1] not in first]
    made.end("Matched", part.output, matched)
    if no_match == "output":
        made.end("Not matched", part.outputs["Lookup No Match Output"], others)
    if no_match == "redirect":
        made.end("Not matched", part.error_output, [(*row, _NO_MATCH) for row in others])


def _batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


@settings(max_examples=8, deadline=None)
@given(
    rows=_ROWS,
    reference=_REFERENCE,
    no_match=st.sampled_from(["ignore", "output", "redirect"]),
    ignores=st.booleans(),
    buffer=st.sampled_from([1, 2, 10_000]),
)
def test_transformations_give_the_rows_of_the_model(
    rows: list[Row], reference: list[Row], no_match: str, ignores: bool, buffer: int
) -> None:
    with tempfile.NamedTemporaryFile(suffix=".raw") as raw:
        project = ProjectBuilder("Test")
        package = project.add_package("Test")
        cache = package.connection_managers.add_cache("Cache", _KEYS, ["key"])
        filling = package.add_data_flow("Fill")
        keys = filling.add_script_component("Keys", None, {"Out": ScriptOutput(_KEYS, synchronous=False)})
        filling.add_cache_transform("Cache rows", keys.output, cache)
        kept = filling.add_script_component("Rows", None, {"Out": ScriptOutput(_COLUMNS, synchronous=False)})
        filling.add_raw_file_destination("Keep", kept.output, path=raw.name)
        made = _Flow(package.add_data_flow("Load"))
        package.connect(filling.task, made.flow.task)
        made.flow.set_attributes({"defaultBufferMaxRows": str(buffer)})
        source = made.flow.add_raw_file_source("Rows", _COLUMNS, path=raw.name)
        copies = made.flow.add_multicast("Copies", source.output, ["Raw", "Unpivot", "Pivot", "Lookup"])
        made.end("Raw", copies.outputs["Raw"], rows)
        _unpivot(made, copies.outputs["Unpivot"], rows)
        _pivot(made, copies.outputs["Pivot"], rows, ignores=ignores)
        _lookup(made, copies.outputs["Lookup"], rows, cache, reference, no_match)
        sinks = {name: RowsSink() for name in made.expected}
        key_schema = pa.schema({"key": pa.string(), "number": pa.int32()})

        def batches(given: list[Row], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
            yield _batch(given, schema)

        result = run_package(
            project.to_ispac(),
            scripts={
                "\\Package\\Fill\\Keys": lambda _: batches(reference, key_schema),
                "\\Package\\Fill\\Rows": lambda _: batches(rows, _SCHEMA),
            },
            options=RunOptions(
                taps=tuple(DataTap("\\Package\\Load", name, lambda _, one=sink: one) for name, sink in sinks.items())  # type: ignore[misc]
            ),
        )
    assert result.succeeded, [message.text for message in result.messages]
    for name, expected in made.expected.items():
        assert (
            [row[: len(expected[0])] for row in sinks[name].rows] == expected
            if expected
            else not list(sinks[name].rows)
        ), name
