"""Reading the rows of a package that runs."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from airflow_provider_ssis.engine.control_flow.reading import OutputError, read_output
from airflow_provider_ssis.project.builder.flow_columns import Column
from tests.support.flow_runs import FlowTest, integer


def _package(folder: Path, content: str) -> Path:
    flow = FlowTest(folder)
    source = flow.source("In", content, [integer("n")])
    derived = flow.flow.add_derived_column("D", source.output, {Column("m", "DT_I4"): "[n] * 2"})
    flow.rows_of("Out", derived.output)
    path = folder / "Load.dtsx"
    path.write_bytes(flow.package.to_bytes())
    return path


def test_rows_of_a_destination_and_of_a_path(tmp_path: Path) -> None:
    package = _package(tmp_path, "1\n2\n")
    assert read_output(package, "Out").read_all().to_pydict() == {"n": [1, 2], "m": [2, 4]}
    with read_output(package, "Paths[In.Flat File Source Output]") as stream:
        assert pa.RecordBatchReader.from_stream(stream).read_all().to_pydict() == {"n": [1, 2]}
        assert stream.result is not None
        assert stream.result.succeeded


def test_duckdb_reads_the_stream(tmp_path: Path) -> None:
    stream = read_output(_package(tmp_path, "1\n2\n"), "Out")
    reader = pa.RecordBatchReader.from_stream(stream)
    assert duckdb.from_arrow(reader).sum("m").fetchall() == [(6,)]


def test_a_failed_package_raises_at_the_end_with_its_errors(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="DTS_E_FLATFILESOURCEADAPTERSTATIC_CANTCONVERTVALUE"):
        read_output(_package(tmp_path, "1\nx\n"), "Out").read_all()


def test_closing_early_cancels_the_run(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with read_output(_package(tmp_path, "1\n" * 200_000), "Out") as stream:
        assert next(iter(stream)).num_rows > 0
    started = set(threading.enumerate()) - before
    assert not [each for each in started if each.name.startswith(("ssis-", "read_output"))]


def test_an_unknown_output_lists_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Outputs: D, Out, Paths"):
        read_output(_package(tmp_path, ""), "Nowhere")
