"""Raw files: facts in data_flow.md, 3.23."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.components.raw_file_destination import RawFileDestination
from airflow_provider_ssis.engine.data_flow.components.raw_file_source import RawFileSource
from airflow_provider_ssis.engine.data_flow.raw_files import BAD_HEADER, MISSING_COLUMN, OTHER_TYPE
from airflow_provider_ssis.engine.errors import TaskFailure
from tests.support.database_components import (
    TestColumn,
    batch_of,
    destination,
    flow_context,
    opened,
    read_all,
    source,
    write_all,
)
from tests.support.engine import failure_of

_T = DataTypeCode
COLUMNS = (
    TestColumn("id", ColumnType(_T.DT_I4)),
    TestColumn("name", ColumnType(_T.DT_STR, 10, code_page=1252)),
    TestColumn("price", ColumnType(_T.DT_NUMERIC, precision=9, scale=2)),
    TestColumn("at", ColumnType(_T.DT_DBTIMESTAMP)),
)
AT = dt.datetime(2024, 2, 3, 4, 5, 6)
ALWAYS, ONCE, APPEND, TRUNCATE = "0", "1", "2", "3"


def writer(path: Path, option: str = ALWAYS, columns: tuple[TestColumn, ...] = COLUMNS) -> RawFileDestination:
    properties = {"AccessMode": "0", "FileName": str(path), "WriteOption": option}
    return RawFileDestination(destination("RawDestination", columns, properties, ""))


def write(part: RawFileDestination, *ids: int) -> None:
    count = len(ids)
    given: dict[str, list[Any]] = {"id": list(ids), "name": ["ä"] * count, "price": [Decimal("1.50")] * count}
    write_all(part, flow_context(), batch_of(part.plan.inputs["I"], **given, at=[AT] * count))


def read(path: Path, *columns: TestColumn) -> list[tuple[Any, ...]]:
    part = RawFileSource(source("RawSource", columns or COLUMNS, {"AccessMode": "0", "FileName": str(path)}, ""))
    return read_all(part, flow_context()).get("O", [])


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    part = writer(tmp_path / "rows.raw")
    write(part, 1, 2)
    assert part.counts.rows == 2
    assert read(tmp_path / "rows.raw") == [(each, "ä", Decimal("1.50"), AT) for each in (1, 2)]
    assert read(tmp_path / "rows.raw", COLUMNS[3], COLUMNS[0]) == [(AT, 1), (AT, 2)]


@pytest.mark.parametrize(("option", "ids"), [(ALWAYS, [3]), (APPEND, [1, 2, 3]), (TRUNCATE, [3])])
def test_a_write_option_decides_about_the_rows_before(tmp_path: Path, option: str, ids: list[int]) -> None:
    """Facts 3.23: create always, append, truncate and append."""
    write(writer(tmp_path / "rows.raw"), 1, 2)
    write(writer(tmp_path / "rows.raw", option), 3)
    assert [row[0] for row in read(tmp_path / "rows.raw")] == ids
    assert [path.name for path in tmp_path.iterdir()] == ["rows.raw"]


def test_a_file_that_is_created_once_must_not_exist(tmp_path: Path) -> None:
    """Facts 3.23: 0xC020205F."""
    write(writer(tmp_path / "rows.raw", ONCE), 1)
    assert failure_of(lambda: write(writer(tmp_path / "rows.raw", ONCE), 2)).code == 0xC020205F
    assert failure_of(lambda: write(writer(tmp_path / "other.raw", APPEND), 2)).code == 0xC0202060


def test_a_failure_leaves_the_file_before(tmp_path: Path) -> None:
    write(writer(tmp_path / "rows.raw"), 1)
    part = writer(tmp_path / "rows.raw")

    def fail() -> None:
        with opened(part, flow_context()):
            raise RuntimeError("another component failed")

    with pytest.raises(RuntimeError):
        fail()
    assert [row[0] for row in read(tmp_path / "rows.raw")] == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.raw"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "foreign.raw").write_bytes(b"\x01\x00\x02\x00 raw file of Integration Services")
    assert failure_of(lambda: read(tmp_path / "foreign.raw")).code == 0xC020205E
    with pa.ipc.new_file(str(tmp_path / "arrow.raw"), pa.schema([("id", pa.int32())])):
        pass
    assert failure_of(lambda: read(tmp_path / "arrow.raw")).code == 0xC020205E
    assert failure_of(lambda: read(tmp_path / "missing.raw")).code == 0xC020205B
    write(writer(tmp_path / "rows.raw"), 1)
    (tmp_path / "half.raw").write_bytes((tmp_path / "rows.raw").read_bytes()[:200])
    assert failure_of(lambda: read(tmp_path / "half.raw")).code == 0xC020205E


def test_a_damaged_file_fails_the_task(tmp_path: Path) -> None:
    path = tmp_path / "x.raw"
    columns = COLUMNS[:2]
    part = writer(path, columns=columns)
    write_all(part, flow_context(), batch_of(part.plan.inputs["I"], id=list(range(20)), name=["ä"] * 20))
    good = path.read_bytes()
    failures = set()
    for seed in range(60):
        chance = random.Random(seed)
        data = bytearray(good)
        at = chance.randrange(6, len(good) - 8)
        data[at : at + 8] = chance.randbytes(8)
        path.write_bytes(data)
        try:
            assert len(read(path, *columns)) <= 20
        except TaskFailure as error:
            failures.add(error.code)
    assert BAD_HEADER in failures
    assert failures <= {BAD_HEADER, OTHER_TYPE, MISSING_COLUMN}


def test_columns_must_have_the_types_of_the_file(tmp_path: Path) -> None:
    write(writer(tmp_path / "rows.raw"), 1)
    other = TestColumn("id", ColumnType(_T.DT_I8))
    assert failure_of(lambda: read(tmp_path / "rows.raw", other)).code == 0xC0202064
    assert failure_of(lambda: read(tmp_path / "rows.raw", TestColumn("x", ColumnType(_T.DT_I4)))).code == 0xC0202065
    part = writer(tmp_path / "rows.raw", APPEND, (other,))
    batch = batch_of(part.plan.inputs["I"], id=[1])
    assert failure_of(lambda: write_all(part, flow_context(), batch)).code == 0xC0202064


def test_large_objects_and_missing_names_fail(tmp_path: Path) -> None:
    """Facts 3.23: no LOBs, 0xC020206A."""
    text = TestColumn("t", ColumnType(_T.DT_NTEXT))
    assert (
        failure_of(lambda: writer(tmp_path / "rows.raw", ALWAYS, (text,)).validate(flow_context())).code == 0xC020206A
    )
    part = RawFileDestination(destination("RawDestination", COLUMNS, {"AccessMode": "1", "FileNameVariable": "F"}, ""))
    assert failure_of(lambda: part.open(flow_context(F=""))).code == 0xC020205A
