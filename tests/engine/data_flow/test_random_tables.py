"""Random rows into a table and out of it: values at the limits of their types, commits and error outputs.

The model: a fast load commits some rows together and loses all of them if one breaks a constraint; row by row only that
row is lost. Text that does not fit is an error of its row alone. Facts: data flow, 1.13, 3.1 and 3.2.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.engine.context import DataTap, RunOptions
from airflow_provider_ssis.engine.control_flow.running import run_package
from airflow_provider_ssis.engine.data_flow.taps import RowsSink
from airflow_provider_ssis.expressions.arrow import arrow_type
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_scripts import ScriptOutput
from airflow_provider_ssis.project.builder.project import ProjectBuilder
from tests.support.databases import TestDatabase, sql_server_database

_SMILE = "\U0001f600"
_TYPES: list[tuple[Column, str, list[Any]]] = [
    (Column("x", "DT_UI1"), "tinyint", [0, 255]),
    (Column("x", "DT_I8"), "bigint", [-(2**63), 2**63 - 1]),
    (Column("x", "DT_R4"), "real", [3.4028234663852886e38, -1.1754943508222875e-38]),
    (Column("x", "DT_R8"), "float", [-1.7976931348623157e308, 2.2250738585072014e-308]),
    (Column("x", "DT_CY"), "money", [Decimal("-922337203685477.5808"), Decimal("922337203685477.5807")]),
    (Column("x", "DT_NUMERIC", precision=38, scale=38), "decimal(38,38)", [Decimal("0." + "9" * 38)]),
    (Column("x", "DT_NUMERIC", precision=38), "decimal(38,0)", [Decimal("-" + "9" * 38)]),
    (Column("x", "DT_DECIMAL", scale=28), "decimal(29,28)", [Decimal("-7.9228162514264337593543950335")]),
    (Column("x", "DT_BOOL"), "bit", [True, False]),
    (Column("x", "DT_GUID"), "uniqueidentifier", [uuid.UUID(int=1).bytes, b"\xff" * 16]),
    (Column("x", "DT_DBDATE"), "date", [dt.date.min, dt.date.max]),
    (Column("x", "DT_DBTIME"), "time(0)", [dt.time.min, dt.time(23, 59, 59)]),
    (
        Column("x", "DT_DBTIMESTAMP"),
        "datetime",
        [dt.datetime(1753, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 997000)],
    ),
    (Column("x", "DT_DBTIMESTAMP2", scale=6), "datetime2(6)", [dt.datetime.min, dt.datetime.max]),
    (Column("x", "DT_WSTR", length=4000), "nvarchar(4000)", ["", _SMILE * 2000]),
    (Column("x", "DT_STR", length=8000, code_page=1252), "varchar(8000)", ["\u20ac ", "\u00e9" * 8000]),
    (Column("x", "DT_NTEXT"), "nvarchar(max)", ["", _SMILE * 9000]),
    (Column("x", "DT_BYTES", length=8000), "varbinary(8000)", [b"", b"\0" * 8000]),
    (Column("x", "DT_IMAGE"), "varbinary(max)", [b"", b"\xff" * 9000]),
]
_LIMIT = 3
_TRUNCATED, _UNKNOWN, _INTEGRITY = (code - 2**32 for code in (0xC0209078, 0xC020907B, 0xC020907D))

Row = tuple[int, str | None, Any]


@pytest.fixture(scope="module")
def database(ssisdb_emulator_server: SsisdbEmulator) -> TestDatabase:
    return sql_server_database(ssisdb_emulator_server)


def _model(batches: list[list[Row]], commit: int | None) -> tuple[list[Row], list[tuple[Any, ...]]]:
    """The rows of the table, and those of the error output with their codes.

    :param commit: the rows of a fast load that are committed together; None for row by row.
    """
    kept: list[Row] = []
    bad: list[tuple[Any, ...]] = []
    for batch in batches:
        bad += [(*row, _TRUNCATED) for row in batch if _is_long(row)]
        rows = [row for row in batch if not _is_long(row)]
        size = 1 if commit is None else commit
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            if all(row[0] < _LIMIT for row in part):
                kept += part
            else:
                bad += [(*row, _INTEGRITY if commit is None else _UNKNOWN) for row in part]
    return kept, bad


def _is_long(row: Row) -> bool:
    return row[1] is not None and len(row[1].encode("utf-16-le")) > 2 * 3


@settings(max_examples=10, deadline=None)
@given(data=st.data(), commit=st.sampled_from([None, 1, 2, 2**31 - 1]), chosen=st.sampled_from(_TYPES))
def test_rows_come_back_from_a_table_as_they_were_written(
    database: TestDatabase, data: st.DataObject, commit: int | None, chosen: tuple[Column, str, list[Any]]
) -> None:
    column, sql_type, limits = chosen
    texts = st.none() | st.sampled_from(["", "abc", "abcd", _SMILE + "a", _SMILE * 2])
    rows = st.tuples(st.integers(0, _LIMIT), texts, st.none() | st.sampled_from(limits))
    batches = data.draw(st.lists(st.lists(rows, max_size=4), max_size=3))
    table = database.create("t_random", f"n int CHECK (n < {_LIMIT})", "t nvarchar(3)", f"x {sql_type}")
    text = Column("t", "DT_WSTR", length=5)
    columns = [Column("n", "DT_I4"), text, column]
    project = ProjectBuilder("Test")
    package = project.add_package("Test")
    mart = package.connection_managers.add_oledb("Mart", "Provider=MSOLEDBSQL.1;Data Source=.;")
    writing, reading = package.add_data_flow("Write"), package.add_data_flow("Read")
    package.connect(writing.task, reading.task)
    source = writing.add_script_component("Rows", None, {"Out": ScriptOutput(columns, synchronous=False)})
    options: dict[str, Any] = {"fast_load": False} if commit is None else {"commit_size": commit}
    target = writing.add_oledb_destination(
        "Table",
        source.output,
        mart,
        table,
        mappings={"n": "n", "t": Column("t", "DT_WSTR", length=3), "x": "x"},
        **options,
    )
    target.set_dispositions("RedirectRow")
    writing.add_datareader_destination("Bad", target.error_output)
    read = reading.add_oledb_source("Table", mart, [columns[0], Column("t", "DT_WSTR", length=3), column], table=table)
    reading.add_datareader_destination("Good", read.output)
    type_ = ColumnType(DataTypeCode[column.data_type], column.length, column.precision, column.scale, column.code_page)
    schema = pa.schema({"n": pa.int32(), "t": pa.string(), "x": arrow_type(type_)})

    def given_rows() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pylist(
                [dict(zip(schema.names, row, strict=True)) for row in batch], schema=schema
            )

    good, bad = RowsSink(), RowsSink()
    result = run_package(
        project.to_ispac(),
        scripts={"\\Package\\Write\\Rows": lambda _: given_rows()},
        connections={"Mart": database.manager},
        options=RunOptions(
            taps=(
                DataTap("\\Package\\Write", "Bad", lambda _: bad),
                DataTap("\\Package\\Read", "Good", lambda _: good),
            )
        ),
    )
    assert result.succeeded, [message.text for message in result.messages]
    kept, rejected = _model(batches, commit)
    assert sorted(good.rows, key=repr) == sorted(_values(kept), key=repr)
    assert sorted((row[:4] for row in bad.rows), key=repr) == sorted(_values(rejected), key=repr)


def _values(rows: list[Any]) -> list[tuple[Any, ...]]:
    """The rows as the sinks have them: a GUID is an object."""
    return [
        tuple(uuid.UUID(bytes=one) if isinstance(one, bytes) and len(one) == 16 else one for one in row) for row in rows
    ]
