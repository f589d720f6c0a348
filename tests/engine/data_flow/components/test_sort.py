"""Sort. Facts: data flow, sections 1.9 and 3.13."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest

from airflow_provider_ssis.datatypes import COLUMN_TYPES, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.components.sort import Sort
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from tests.support.flow_components import (
    I4,
    I8,
    R8,
    WSTR,
    AloneContext,
    batch_of,
    plan_of,
    rows_of,
    run_component,
    tuples,
)

_ROWS = rows_of(k=WSTR, n=I4)


def _xml(schema: RowSchema, keys: dict[str, tuple[int, int]], *, eliminate: bool = False, source: str = "#{%s}") -> str:
    names = {code: name for name, code in COLUMN_TYPES.items()}
    inputs = outputs = ""
    for column in schema.columns:
        position, flags = keys.get(column.name, (0, 0))
        inputs += f"""<inputColumn refId="I.{column.name}" lineageId="{column.name}"><properties>
            <property name="NewSortKeyPosition" dataType="System.Int32">{position}</property>
            <property name="NewComparisonFlags" dataType="System.Int32">{flags}</property></properties></inputColumn>"""
        outputs += f"""<outputColumn refId="O.{column.name}" lineageId="O.{column.name}" name="{column.name}"
            dataType="{names[column.type.code]}" length="{column.type.length}" scale="{column.type.scale}"><properties>
            <property name="SortColumnId" dataType="System.Int32">{source % column.name}</property>
            </properties></outputColumn>"""
    return f"""<component refId="S" componentClassID="Microsoft.Sort" name="Sort"><properties>
        <property name="EliminateDuplicates" dataType="System.Boolean">{str(eliminate).lower()}</property></properties>
        <inputs><input refId="I" name="In"><inputColumns>{inputs}</inputColumns></input></inputs>
        <outputs><output refId="O" name="Out" isSorted="true"><outputColumns>{outputs}</outputColumns></output>
        </outputs>        </component>"""


def _sorted(
    schema: RowSchema, keys: dict[str, tuple[int, int]], *rows: tuple[Any, ...], eliminate: bool = False
) -> list[Any]:
    plan = plan_of(_xml(schema, keys, eliminate=eliminate), {"I": schema}, buffer_rows=2)
    table = run_component(Sort(plan), {"I": [batch_of(schema, row) for row in rows]})["O"]
    return [row[0] if len(row) == 1 else row for row in tuples(table)]


def test_text_has_the_order_of_windows_with_null_first() -> None:
    rows = [
        ("b", 1),
        ("ALBERTO", 2),
        ("co-op", 3),
        ("alberto", 4),
        (None, 5),
        ("a ", 6),
        ("coop", 7),
        ("á", 8),
        ("a", 9),
    ]
    found = _sorted(_ROWS, {"k": (1, 0)}, *rows)
    assert [row[0] for row in found] == [None, "a", "á", "a ", "alberto", "ALBERTO", "b", "coop", "co-op"]


def test_several_keys_with_descending_order_and_null_last_in_it() -> None:
    rows = [("a", 1), ("a", None), ("b", 3), ("a", 2), (None, 7)]
    found = _sorted(_ROWS, {"k": (2, 0), "n": (-1, 0)}, *rows)
    assert found == [(None, 7), ("b", 3), ("a", 2), ("a", 1), ("a", None)]


def test_eliminated_duplicates_have_equal_keys_under_the_flags() -> None:
    rows = [("A", 1), ("b", 2), ("a", 3), (None, 4), ("B", 5), (None, 6), ("a", 7)]
    assert [row[0] for row in _sorted(_ROWS, {"k": (1, 0)}, *rows, eliminate=True)] == [None, "a", "A", "b", "B"]
    found = _sorted(_ROWS, {"k": (1, 1)}, *rows, eliminate=True)
    assert [row[0] and row[0].lower() for row in found] == [None, "a", "b"]


@pytest.mark.parametrize(
    ("type_", "ascending"),
    [
        (R8, [-1.5, 1.0, 1.0000000000000002]),
        (ColumnType(DataTypeCode.DT_UI8), [0, 2**63, 2**64 - 1]),
        (ColumnType(DataTypeCode.DT_BYTES, 4), [b"", b"\x00", b"\x01", b"\xff"]),
        (
            ColumnType(DataTypeCode.DT_GUID),
            [uuid.UUID(int=1).bytes, uuid.UUID("00000001-0000-0000-0000-000000000000").bytes],
        ),
        (ColumnType(DataTypeCode.DT_DBTIME2, scale=7), [1, 2, 10**12]),
        (
            ColumnType(DataTypeCode.DT_DBTIMESTAMPOFFSET, scale=7),
            [{"ticks": 1, "minutes": 60}, {"ticks": 2, "minutes": -60}],
        ),
        (ColumnType(DataTypeCode.DT_FILETIME), [0, 2**62]),
    ],
    ids=str,
)
def test_values_of_each_type_keep_their_order_and_precision(type_: ColumnType, ascending: list[Any]) -> None:
    schema = rows_of(k=type_)
    expected = pa.array(ascending, schema.arrow.field(0).type)
    for position, order in ((1, expected), (-1, expected.take(pa.array(range(len(expected))[::-1])))):
        plan = plan_of(_xml(schema, {"k": (position, 0)}), {"I": schema}, buffer_rows=1)
        batches = [pa.RecordBatch.from_arrays([column], schema=schema.arrow) for column in (expected[1:], expected[:1])]
        assert run_component(Sort(plan), {"I": batches})["O"].column(0).combine_chunks().equals(order)


@pytest.mark.parametrize(("keys", "code"), [({}, 0xC0208009), ({"k": (1, 0), "n": (-1, 0)}, 0xC020800A)])
def test_wrong_keys_are_rejected(keys: dict[str, tuple[int, int]], code: int) -> None:
    with pytest.raises(TaskFailure) as raised:
        _sorted(_ROWS, keys, ("a", 1))
    assert raised.value.code == code


def test_a_sort_of_rows_that_are_sorted_so_already_is_a_warning() -> None:
    already = RowSchema((replace(_ROWS.columns[0], sort_key_position=-1), _ROWS.columns[1]))
    for position, warnings in ((-1, [0x802020F7]), (1, [])):
        context = AloneContext()
        Sort(plan_of(_xml(_ROWS, {"k": (position, 0)}), {"I": already})).validate(cast(Any, context))
        assert context.codes("warning") == warnings


def test_an_output_column_without_an_input_column_is_rejected() -> None:
    plan = plan_of(_xml(_ROWS, {"k": (1, 0)}, source="#{missing.%s}"), {"I": _ROWS})
    with pytest.raises(TaskFailure, match="the output column k") as raised:
        Sort(plan).validate(cast(Any, AloneContext()))
    assert raised.value.code == 0xC0208008


def test_what_has_no_order_is_refused() -> None:
    schema = rows_of(k=ColumnType(DataTypeCode.DT_NTEXT), n=WSTR)
    plan = plan_of(_xml(schema, {"k": (1, 0), "n": (2, 0x10)}), {"I": schema}, locale_id=0x10407)
    assert [one.why for one in Sort.refusals(plan)] == [
        "values of type DT_NTEXT have no order",
        "the comparison flags 0x10 are unknown",
        "the order of the locale 66567 is not available",
    ]


def test_rows_beyond_the_memory_are_written_to_a_folder_that_is_removed(tmp_path: Path) -> None:
    schema = rows_of(k=I8, t=ColumnType(DataTypeCode.DT_WSTR, 240))
    count = 300_000
    context = AloneContext(options=RunOptions(memory_limit=1 << 26, temp_folder=str(tmp_path)))
    texts = pa.array([f"{number:04d}" * 60 for number in range(1000)])
    seen: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, count, 1000):
            keys = pa.array([(start + number) * 7919 % count for number in range(1000)], pa.int64())
            yield pa.RecordBatch.from_arrays([keys, texts], schema=schema.arrow)

    part = Sort(plan_of(_xml(schema, {"k": (1, 0)}), {"I": schema}, buffer_rows=10_000))
    part.open(cast(Any, context))
    spilled = 0
    for _, batch in part.rows({"I": batches()}):
        spilled = max(spilled, sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()))
        seen += batch.column(0).to_pylist()
    part.close(failed=False)
    assert seen == list(range(count))
    assert spilled > 1 << 20
    assert list(tmp_path.iterdir()) == []


def test_cancelling_ends_a_sort_that_waits_for_rows() -> None:
    context = AloneContext()
    part = Sort(plan_of(_xml(_ROWS, {"k": (1, 0)}), {"I": _ROWS}))
    reached = threading.Event()

    def endless() -> Iterator[pa.RecordBatch]:
        while True:
            context.cancel.check()
            yield batch_of(_ROWS, ("a", 1))
            reached.set()

    def cancel() -> None:
        reached.wait(60)
        context.cancel.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    part.open(cast(Any, context))
    with pytest.raises(Cancelled):
        list(part.rows({"I": endless()}))
    part.close(failed=True)
    thread.join()
