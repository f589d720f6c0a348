"""The values of columns as drivers take them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.inserting import driver_values

_T = DataTypeCode


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        (
            ColumnType(_T.DT_DBTIME2, scale=7),
            pa.array([86_399_999_999_900, None, 0], pa.time64("ns")),
            ["23:59:59.9999999", None, "00:00:00.0000000"],
        ),
        (
            ColumnType(_T.DT_DBTIMESTAMP2, scale=7),
            pa.array([1, None], pa.int64()),
            ["0001-01-01 00:00:00.0000001", None],
        ),
        (ColumnType(_T.DT_I4), pa.array([1, None], pa.int32()), [1, None]),
    ],
)
def test_values_keep_all_digits(type_: ColumnType, values: pa.Array, expected: list[Any]) -> None:
    assert driver_values(values, type_) == expected
