"""The private database of a component."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.data_flow.memory.work_database import Feed, WorkDatabase
from airflow_provider_ssis.engine.errors import TaskFailure

_SCHEMA = pa.schema([("n", pa.int64()), ("t", pa.string())])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[WorkDatabase]:
    options = RunOptions(memory_limit=64 << 20, temp_folder=str(tmp_path))
    made = WorkDatabase(options, CancelToken(), "Sort [1]")
    yield made
    made.close()
    made.close()
    assert list(tmp_path.iterdir()) == []


def _feed(batches: int) -> Feed:
    texts = pa.array(["x" * 200] * 1000)

    def rows() -> Iterator[pa.RecordBatch]:
        for number in range(batches):
            yield pa.record_batch([pa.array(range(number, number + 1000)), texts], schema=_SCHEMA)

    return Feed(rows(), _SCHEMA)


def test_a_full_disk_fails_with_the_code_of_spool_files(database: WorkDatabase) -> None:
    database.connection.execute("SET max_temp_directory_size = '1MB'")
    with pytest.raises(TaskFailure, match="Free space on this disk") as raised:
        list(database.stream("SELECT * FROM arriving ORDER BY n", 1000, {"arriving": _feed(600)}))
    assert (raised.value.code, raised.value.subcomponent) == (0xC0047048, "Sort [1]")


def test_an_error_of_the_rows_is_raised_as_it_is(database: WorkDatabase) -> None:
    problem = TaskFailure("The source has failed.", 0xC0202092)

    def rows() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch([[1], ["a"]], schema=_SCHEMA)
        raise problem

    with pytest.raises(TaskFailure) as raised:
        list(database.stream("SELECT * FROM arriving ORDER BY n", 1000, {"arriving": Feed(rows(), _SCHEMA)}))
    assert raised.value is problem


def test_batches_have_at_most_the_wanted_rows(database: WorkDatabase) -> None:
    batches = list(database.stream("SELECT n FROM arriving ORDER BY n", 300, {"arriving": _feed(5)}))
    assert sum(batch.num_rows for batch in batches) == 5000
    assert max(batch.num_rows for batch in batches) <= 300
